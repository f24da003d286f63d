"""What is remembered of one conversation between turns, and within a turn. No carts: they live in the router.

Everything here has a bound: ten lines of a list, a handful of shops, the last dozen of things done."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self, assert_never

from pydantic import TypeAdapter, ValidationError

from bot.conversation.understanding.lists import Shopping
from contracts.chat_api import ChatMode
from contracts.money import Currency
from contracts.places import Place
from contracts.router_api import ShopView
from contracts.states import FulfilmentKind, OrderStatus, Rail

MAX_ENTRIES = 10
"""Lines of a list that a number can pick from."""
_MAX_VISITED = 5
_MAX_HANDOVERS = 5
_MAX_REMEMBERED = 12
_MAX_LABEL = 80

_LIST_LIFETIME = timedelta(hours=24)
_MONEY_LIFETIME = timedelta(minutes=15)
"""A number that stands for PAY, or for the phone to charge, is only taken as such shortly after it was asked for."""


class ListKind(StrEnum):
    """What a number picks, and so what happens then."""

    ITEMS = "items"
    SHOPS = "shops"
    CART = "cart"
    REMOVE = "remove"
    PAY = "pay"
    RAIL = "rail"
    CANCEL = "cancel"
    ORDERS = "orders"
    LANGUAGE = "language"
    SHELVES = "shelves"
    ZONES = "zones"


class Purpose(StrEnum):
    """What the command that was just asked for is part of."""

    ENTER_SHOP = "enter_shop"
    SHOP_MENU = "shop_menu"
    SHELVES = "shelves"
    SHELF = "shelf"
    CARD_FIND = "card_find"
    CARD = "card"
    OFFER_SHOPS = "offer_shops"
    MENU = "menu"
    FIND = "find"
    FIND_CLOSE = "find_close"
    TEXT = "text"
    TEXT_SHOP = "text_shop"
    TEXT_CLOSE = "text_close"
    SEVERAL = "several"
    SEVERAL_ADD = "several_add"
    ADD_FIND = "add_find"
    ADD_CLOSE = "add_close"
    ADD = "add"
    CART = "cart"
    REMOVE_FIND = "remove_find"
    SET_FIND = "set_find"
    REMOVE_ASK = "remove_ask"
    REMOVE = "remove"
    ZONES = "zones"
    FULFILMENT = "fulfilment"
    LANDMARK = "landmark"
    NOTE = "note"
    VOUCHER = "voucher"
    DAY = "day"
    AGAIN_CART = "again_cart"
    AGAIN = "again"
    HOURS = "hours"
    HISTORY = "history"
    PAY_ASKED = "pay_asked"
    CONFIRM = "confirm"
    CONFIRM_EMPTY = "confirm_empty"
    PAY = "pay"
    PAY_OTHER = "pay_other"
    PAY_OTHER_ORDER = "pay_other_order"
    PAY_AT = "pay_at"
    OTHER_ORDER = "other_order"
    PAY_FOR_OTHER = "pay_for_other"
    PAID = "paid"
    RECEIPT = "receipt"
    CHARGE = "charge"
    CANCEL = "cancel"
    STATUS = "status"
    ORDER = "order"
    TAP_CONFIRM = "tap_confirm"
    TAP_PAY = "tap_pay"
    TAP_RECEIPT = "tap_receipt"
    PERSON = "person"
    BOT = "bot"
    ALERTS = "alerts"
    ALERTS_OFF = "alerts_off"


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop as the conversation knows it. `timezone` is an IANA name; `rails` are those of the last look: what can be
    paid on now is the router's to say. `language` is that of its locale ("pt" of pt-AO), "" where it is not known."""

    vendor_id: str
    word: str
    name: str
    timezone: str
    currency: Currency
    rails: tuple[Rail, ...] = ()
    language: str = ""
    delivers: bool = False
    paybill: str = ""
    till: str = ""

    @classmethod
    def of(cls, view: ShopView) -> Self:
        word, name = view.word[:_MAX_LABEL], view.name[:_MAX_LABEL]
        language = view.locale.replace("_", "-").partition("-")[0].lower()
        delivers = FulfilmentKind.DELIVERY in view.fulfilment
        known = (view.vendor_id, word, name, view.timezone, view.currency, tuple(view.rails), language, delivers)
        return cls(*known, view.paybill or "", view.till or "")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list: the number before it, what it stands for (an item's id, a shop's word, an order's code, a
    line's number in the cart) and its name."""

    number: int
    id: str
    label: str
    quantity: int | None = None
    """How many of it were wanted, in a list that asks about several things."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as it was shown. `quantity` is how many were wanted when the list was the question "which one?";
    `next_after` is where its next page begins; `category` is the shelf that its items stand on. Of "which order?"
    `rail` is the way to pay that was named already, of "which way?" `code` is the order that was."""

    kind: ListKind
    vendor_id: str
    entries: tuple[Entry, ...]
    shown_at: datetime
    quantity: int | None = None
    query: str = ""
    next_after: str | None = None
    rail: Rail | None = None
    code: str | None = None
    category: str = ""

    def __post_init__(self) -> None:
        entries = tuple(replace(entry, label=entry.label[:_MAX_LABEL]) for entry in self.entries[:MAX_ENTRIES])
        object.__setattr__(self, "entries", entries)

    def is_alive(self, now: datetime) -> bool:
        match self.kind:
            case ListKind.PAY | ListKind.RAIL | ListKind.CANCEL:
                lifetime = _MONEY_LIFETIME
            case (
                ListKind.ITEMS
                | ListKind.SHOPS
                | ListKind.CART
                | ListKind.REMOVE
                | ListKind.ORDERS
                | ListKind.LANGUAGE
                | ListKind.SHELVES
                | ListKind.ZONES
            ):
                lifetime = _LIST_LIFETIME
            case _:
                assert_never(self.kind)
        return now - self.shown_at < lifetime

    def pick(self, number: int) -> Entry | None:
        return next((entry for entry in self.entries if entry.number == number), None)


@dataclass(frozen=True, slots=True)
class PayerQuestion:
    """The customer said PAY and was asked which number to charge."""

    vendor_id: str
    code: str | None
    asked_at: datetime
    rail: Rail | None = None

    def is_open(self, now: datetime) -> bool:
        return now - self.asked_at < _MONEY_LIFETIME


@dataclass(frozen=True, slots=True)
class PlaceQuestion:
    """The customer chose that zone and was asked where exactly, or sent a pin that lies in it."""

    vendor_id: str
    zone_id: str
    asked_at: datetime
    pin: Place | None = None
    label: str = ""
    """What the pin says of its place."""
    is_next: bool = True
    """It was asked right before: later only what sounds like a place is one."""

    def is_open(self, now: datetime) -> bool:
        return now - self.asked_at < _MONEY_LIFETIME


@dataclass(frozen=True, slots=True)
class OtherQuestion:
    """The customer was shown somebody else's order, and asked whether to pay it from their own phone."""

    vendor_id: str
    code: str
    asked_at: datetime

    def is_open(self, now: datetime) -> bool:
        return now - self.asked_at < _MONEY_LIFETIME


@dataclass(frozen=True, slots=True)
class Handover:
    """Whose turn it is in the conversation with one shop, as far as is known here: the bot's, or until `until` that of
    a person of the shop. `since` is when that was so: what happened before changes nothing any more. `is_said`: the
    customer knows."""

    vendor_id: str
    shop_name: str
    mode: ChatMode
    since: datetime
    until: datetime | None = None
    is_said: bool = True
    by: str = ""
    """Who of the shop answers, where they said."""

    def is_mute(self, now: datetime) -> bool:
        """Whether the bot keeps quiet for a person of the shop."""
        return self.mode is not ChatMode.BOT and self.until is not None and now < self.until


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn has to keep from one command to the next.

    `text` is what the customer is after (an item, a shop, a search); `spare_text` and `spare_quantity` are the second
    way to read it ("7 up": the item, or seven of something). `asked` counts the commands of the turn. `is_late` says
    that the message had to wait too long for a PAY in it to be meant now."""

    purpose: Purpose | None = None
    asked: int = 0
    text: str = ""
    quantity: int | None = None
    spare_text: str = ""
    spare_quantity: int | None = None
    heading: str = ""
    code: str | None = None
    payer: str | None = None
    own_msisdn: str | None = None
    is_late: bool = False
    rail: Rail | None = None
    intent_id: str = ""
    amount_minor: int = 0
    currency: Currency = Currency.KES
    category: str = ""
    place: PlaceQuestion | None = None
    several: Shopping | None = None
    """Where the message names several things: which, and how far that is."""
    mute_at: str = ""
    """The shop where the customer was when the message came, if the bot is mute there."""


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered of one conversation between turns. Kept as JSON; unknown keys are dropped, missing and
    unreadable ones take their defaults, so that old rows can be read for ever. `State()` is a new conversation.

    `items` is the list of items last shown and `other` any other list shown after it; a bare number picks from
    `other` if there is one. `own_doings` and `told_intents` name what needs no news, because the customer did it or
    heard it here; `told_references` what was given to be paid later, and must not be paid once the order is closed.
    `payer` is a number to charge that the customer gave us, where the chat shows none. `handovers`: where a person of
    the shop answers, or did. `language` ("en", "sw", "pt") is
    what the customer writes, None while nothing shows it; sure once it was chosen or is plain from the words."""

    is_greeted: bool = False
    opted_out: bool = False
    language: str | None = None
    language_is_sure: bool = False
    language_was_offered: bool = False
    shop: Shop | None = None
    visited: tuple[Shop, ...] = ()
    items: Listing | None = None
    other: Listing | None = None
    payer: str | None = None
    payer_question: PayerQuestion | None = None
    other_question: OtherQuestion | None = None
    place_question: PlaceQuestion | None = None
    own_doings: tuple[str, ...] = ()
    told_intents: tuple[str, ...] = ()
    told_references: tuple[str, ...] = ()
    handovers: tuple[Handover, ...] = ()
    turn: Turn | None = None

    def to_json(self) -> dict[str, object]:
        """Plain JSON: objects, arrays, strings, numbers, booleans and null."""
        return _STATE.dump_python(self, mode="json")

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> "State":
        """The state that `to_json` wrote, or as much of it as can be read. Never raises for what a row may hold."""
        readable = dict(document)
        try:
            return _STATE.validate_python(readable)
        except ValidationError as problem:
            unreadable = {error["loc"][0] for error in problem.errors() if error["loc"]}
        return _STATE.validate_python({key: value for key, value in readable.items() if key not in unreadable})

    def enter(self, shop: Shop) -> "State":
        """In that shop, with no list open: a number from another shop's list must not pick here."""
        others = tuple(known for known in self.visited if known.vendor_id != shop.vendor_id)
        visited = (shop, *others)[:_MAX_VISITED]
        return replace(self, shop=shop, visited=visited, items=None, other=None, payer_question=None)

    def with_rails(self, vendor_id: str, rails: tuple[Rail, ...]) -> "State":
        """That shop can be paid on these now."""
        if self.shop is None or self.shop.vendor_id != vendor_id or self.shop.rails == rails:
            return self
        shop = replace(self.shop, rails=rails)
        visited = tuple(shop if known.vendor_id == vendor_id else known for known in self.visited)
        return replace(self, shop=shop, visited=visited)

    def known_shop(self, vendor_id: str) -> Shop | None:
        return next((shop for shop in self.visited if shop.vendor_id == vendor_id), None)

    def show(self, listing: Listing) -> "State":
        """That list is the one last shown."""
        if listing.kind is ListKind.ITEMS:
            return replace(self, items=listing, other=None)
        if listing.kind is ListKind.SHELVES:  # their numbers are no longer those of things
            return replace(self, items=None, other=listing)
        return replace(self, other=listing)

    def last_shown(self) -> Listing | None:
        return self.other or self.items

    def handover(self, vendor_id: str) -> Handover | None:
        return next((known for known in self.handovers if known.vendor_id == vendor_id), None)

    def handed(self, handover: Handover) -> "State":
        """That is whose turn it is there now. Where it is a person's, nothing is asked by the bot any more: a number or
        a yes for them must pay for nothing."""
        others = (known for known in self.handovers if known.vendor_id != handover.vendor_id)
        state = replace(self, handovers=(handover, *others)[:_MAX_HANDOVERS])
        is_theirs = handover.mode is not ChatMode.BOT
        is_here = self.shop is not None and self.shop.vendor_id == handover.vendor_id
        return state.asking_nothing() if is_theirs and is_here else state

    def asking_nothing(self) -> "State":
        """With no question open that a number, a phone number or a yes would answer."""
        return replace(self, other=None, payer_question=None, other_question=None)

    def did(self, order_id: str, status: OrderStatus) -> "State":
        """The customer brought the order there in this chat: news of it would only repeat the answer."""
        return replace(self, own_doings=_remember(self.own_doings, f"{order_id}:{status}"))

    def has_done(self, order_id: str, status: OrderStatus) -> bool:
        return f"{order_id}:{status}" in self.own_doings

    def told(self, intent_id: str) -> "State":
        """The customer already heard that this try to pay came to nothing."""
        return replace(self, told_intents=_remember(self.told_intents, intent_id))

    def told_reference(self, order_id: str, intent_id: str) -> "State":
        """The customer knows how to pay that order by that try's reference."""
        return replace(self, told_references=_remember(self.told_references, f"{order_id}:{intent_id}"))

    def has_reference(self, order_id: str, *, but_not: str | None = None) -> bool:
        """Whether the customer was given a reference for that order, beside that try's own."""
        mine = (told.partition(":") for told in self.told_references)
        return any(order == order_id and intent != but_not for order, _, intent in mine)


def _remember(past: tuple[str, ...], new: str) -> tuple[str, ...]:
    return (*(old for old in past if old != new), new)[-_MAX_REMEMBERED:]


_STATE = TypeAdapter(State)
