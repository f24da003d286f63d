"""The order state machine, the one table of it, and the arithmetic of an order. Pure: no database, no clock."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from contracts.ids import CustomerId, ItemId, OrderId, VendorId
from contracts.money import Currency, Money
from contracts.router_api import MAX_QUANTITY
from contracts.states import OrderStatus
from router.orders.terms import Delivery, Discount, Sum, sum_of

OPEN_AMOUNT_NAME = "Open amount"
"""The name of a line that is no item: a sum that was agreed elsewhere."""

PAYING_HOLD = timedelta(minutes=10)
"""Whoever presses PAY keeps the stock at least this long, so that it isn't given away while the prompt is up."""


class OrderEvent(StrEnum):
    ADD_ITEM = "addItem"
    REMOVE_ITEM = "removeItem"
    CONFIRM = "confirm"
    PAY = "pay"
    CANCEL = "cancel"


NEXT: dict[tuple[OrderStatus, OrderEvent], OrderStatus] = {
    (OrderStatus.DRAFT, OrderEvent.ADD_ITEM): OrderStatus.DRAFT,
    (OrderStatus.DRAFT, OrderEvent.REMOVE_ITEM): OrderStatus.DRAFT,
    (OrderStatus.DRAFT, OrderEvent.CONFIRM): OrderStatus.CONFIRMED,
    (OrderStatus.DRAFT, OrderEvent.CANCEL): OrderStatus.CANCELLED,
    (OrderStatus.CONFIRMED, OrderEvent.PAY): OrderStatus.PAID,
    (OrderStatus.CONFIRMED, OrderEvent.CANCEL): OrderStatus.CANCELLED,
}
"""What is not in this table is refused. What follows PAID is fulfilment and ledger, never another status."""


@dataclass(frozen=True, slots=True)
class Moved:
    status: OrderStatus


@dataclass(frozen=True, slots=True)
class Refused:
    """The order does not take this event as it stands; `status` is how it stands."""

    status: OrderStatus
    event: OrderEvent


def transition(status: OrderStatus, event: OrderEvent) -> Moved | Refused:
    following = NEXT.get((status, event))
    return Refused(status, event) if following is None else Moved(following)


class OrderSource(StrEnum):
    CHAT = "chat"
    API = "api"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order, with the name and the price that the item had when it was added."""

    line_no: int
    item_id: ItemId | None
    name: str
    unit_price: Money
    quantity: int

    @property
    def total(self) -> Money:
        return self.unit_price.times(self.quantity)


@dataclass(frozen=True, slots=True)
class Order:
    """An order with its lines, as it was read."""

    id: OrderId
    vendor_id: VendorId
    customer_id: CustomerId
    code: str
    status: OrderStatus
    currency: Currency
    total: Money
    created_at: datetime
    confirmed_at: datetime | None
    paid_at: datetime | None
    lines: Sequence[Line]
    source: OrderSource
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    delivery: Delivery | None = None
    discount: Discount | None = None
    taken_off: Money | None = None
    """What the discount came to when the total was last worked out; None without one."""
    note: str = ""
    scheduled_for: datetime | None = None
    cart_reminded_at: datetime | None = None

    @property
    def sum(self) -> Sum:
        """What it comes to, worked out anew: equal to `total` while it is a DRAFT."""
        return sum_of(self.lines, self.currency, self.delivery, self.discount)

    @property
    def next_line_no(self) -> int:
        return max((line.line_no for line in self.lines), default=0) + 1

    def line_of(self, item_id: ItemId) -> Line | None:
        return next((line for line in self.lines if line.item_id == item_id), None)


def demand_of(lines: Iterable[Line]) -> dict[ItemId, int]:
    """How many of each item an order needs; open amounts need nothing."""
    demand: dict[ItemId, int] = {}
    for line in lines:
        if line.item_id is not None:
            demand[line.item_id] = demand.get(line.item_id, 0) + line.quantity
    return demand


def is_quantity(quantity: int) -> bool:
    return 1 <= quantity <= MAX_QUANTITY


def normalized_code(text: str) -> str:
    """An order code as people type it: any case, with spaces or a # before it."""
    return "".join(text.split()).lstrip("#").upper()


def code_in(account_reference: str) -> str:
    """The order code in what somebody typed as the account of a payment: besides, in any script's letters of that
    shape, and with dashes or dots. Of two letters that look alike a code holds neither, so none stands for another."""
    kept = unicodedata.normalize("NFKC", account_reference)
    return normalized_code("".join(char for char in kept if char.isalnum()))
