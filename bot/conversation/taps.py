"""What comes back when something is tapped: `<action>:<order code, item or word, or ->:<version>:<shop>`.

A button stays on the phone for years, so each says what it was for and which state of it was shown; what has moved on
since is shown as it is now. Anybody can make such a token up: it says no more than the same words typed."""

import json
import zlib
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote

from contracts.router_api import OrderView
from contracts.states import IntentStatus, OrderStatus, Rail

_NONE = "-"
_MOST_PARTS = 5
_OPEN_TRIES = (IntentStatus.CREATED, IntentStatus.PROVIDER_PENDING, IntentStatus.UNKNOWN)
_TAIL = 12  # characters of an id that tell two tries of one order apart


class Action(StrEnum):
    ADD = "add"
    """`what` is an item, `version` how many."""
    SHOP = "shop"
    MENU = "menu"
    MORE = "more"
    SHELVES = "shelves"
    SHELF = "shelf"
    """`what` is a category, or a star for everything."""
    INFO = "info"
    """`what` is an item."""
    CART = "cart"
    DELIVERY = "delivery"
    ZONE = "zone"
    """`what` is a zone: have it brought there."""
    PICKUP = "pickup"
    CONFIRM = "confirm"
    """`version` is that of the cart (`cart_version`)."""
    PAY = "pay"
    """`version` is the try before it (`attempt_of`); `rail` the way, where it was chosen."""
    WAYS = "ways"
    """The other ways to pay that order."""
    PAYER = "payer"
    """Somebody else's phone, or another of one's own, for that order."""
    PAY_FOR = "pay_for"
    """The order of that code is somebody else's."""
    ORDER = "order"
    CANCEL = "cancel"
    RECEIPT = "receipt"
    PERSON = "person"
    BOT = "bot"


@dataclass(frozen=True, slots=True)
class Tap:
    """`what` and `version` are empty where there is none; so is `vendor_id` for what belongs to no shop."""

    action: Action
    what: str = ""
    version: str = ""
    vendor_id: str = ""
    rail: Rail | None = None

    def token(self) -> str:
        parts = [self.action.value, *(quote(part, safe="") or _NONE for part in (self.what, self.version))]
        parts.append(quote(self.vendor_id, safe="") or _NONE)
        return ":".join([*parts, self.rail.value] if self.rail is not None else parts)


def read(payload: str | None) -> Tap | None:
    """None for what is none of ours."""
    parts = (payload or "").split(":")
    if not 4 <= len(parts) <= _MOST_PARTS or parts[0] not in set(Action):
        return None
    what, version, vendor_id = ("" if part == _NONE else unquote(part) for part in parts[1:4])
    rail = parts[4] if len(parts) == _MOST_PARTS else None
    if rail is not None and rail not in set(Rail):
        return None
    return Tap(Action(parts[0]), what, version, vendor_id, Rail(rail) if rail is not None else None)


def cart_version(cart: OrderView) -> str:
    """Another one whenever what is in the cart, or what it costs, is another."""
    lines = [(line.line_no, line.item_id, line.quantity, line.total_minor) for line in cart.lines]
    return f"{zlib.crc32(json.dumps([lines, cart.total_minor]).encode()):08x}"


def attempt_of(order: OrderView) -> str:
    """The order's last try to pay; empty before the first."""
    payment = order.payment
    return attempt(payment.intent_id) if payment is not None and payment.intent_id is not None else ""


def attempt(intent_id: str) -> str:
    return intent_id[-_TAIL:]


def is_under_way(order: OrderView) -> bool:
    """Its last try to pay has not ended, or nobody knows how."""
    payment = order.payment
    return payment is not None and payment.intent_status in _OPEN_TRIES


def can_be_paid(order: OrderView) -> bool:
    return order.status is OrderStatus.CONFIRMED
