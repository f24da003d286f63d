"""One word about a cart that was left behind, and one about an order that was not paid: by day, once each, and only
while it is still so. Whoever opted out is told nothing: that is for the bot to know.

What is due is seen across shops; whether it is said is decided under the order's row lock, in the transaction that
announces it."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Boolean, ColumnElement, and_, bindparam, literal_column, or_, select, update

from contracts.events import EventType
from contracts.ids import OrderId, VendorId
from contracts.states import OrderStatus
from kit.background import Loop
from kit.clock import Clock
from kit.columns import UtcTime
from kit.db import Tx
from router.databases import Databases, OpsDatabase, has_stayed
from router.events.service import announce
from router.orders.models import orders
from router.orders.rules import Order
from router.orders.service import lock, open_orders, order_of
from router.orders.views import PAYABLE_KIND, order_news
from router.payments import service as payments
from router.vendors.service import Directory, Vendor

IDLE_S = 20.0
BATCH = 50
DAY_BEGINS, DAY_ENDS = time(8), time(20)
"""In the shop's zone. Between the end and the beginning nobody is reminded of anything."""
PROMPT_GRACE = timedelta(minutes=10)
"""How much later it is looked again at an order whose prompt is on a phone, or whose reference can still be paid.
Whoever has that knows how to pay, and is reminded once it is over."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long nothing happens before it is spoken of. None: never."""

    cart: timedelta | None
    order: timedelta | None

    def of(self, status: OrderStatus) -> timedelta | None:
        return {OrderStatus.DRAFT: self.cart, OrderStatus.CONFIRMED: self.order}.get(status)


def by_day(at: datetime, zone: ZoneInfo) -> datetime:
    """That moment, if it is by day there; else the next morning."""
    local = at.astimezone(zone)
    if DAY_BEGINS <= local.time() < DAY_ENDS:
        return at
    day = local.date() if local.time() < DAY_BEGINS else local.date() + timedelta(days=1)
    return datetime.combine(day, DAY_BEGINS, zone).astimezone(at.tzinfo)


def end_of_day(at: datetime, zone: ZoneInfo) -> datetime:
    """When nobody is to be reminded any more of what is announced at that moment, by day there."""
    return datetime.combine(at.astimezone(zone).date(), DAY_ENDS, zone).astimezone(at.tzinfo)


@dataclass(frozen=True, slots=True)
class Reminders:
    """One visit decides about at most `BATCH` orders in a database, each in a transaction of its own."""

    databases: Databases
    directory: Directory
    clock: Clock
    patience: Patience

    def turn(self) -> bool:
        """A visit to the shared database."""
        return self.visit(self.databases.shared)

    def visit(self, database: OpsDatabase) -> bool:
        """Returns whether anything was decided."""
        now = self.clock.now()
        with database.across() as tx:
            params = {"carts": _before(now, self.patience.cart), "orders": _before(now, self.patience.order)}
            due = tx.execute(_DUE, params).all()
        orders_due = ((VendorId(row.vendor_id), row.id) for row in due)
        return database.one_by_one(orders_due, self._decide, "nobody could be reminded of an order") > 0

    def _decide(self, tx: Tx, vendor_id: VendorId, what: str) -> None:
        now, order_id = self.clock.now(), OrderId(what)
        lock(tx, vendor_id, order_id)
        row = tx.execute(_WHEN, {"vendor": vendor_id, "order": order_id}).one()
        patience = self.patience.of(OrderStatus(row.status))
        if row.remind_from is None or patience is None or row.remind_from + patience > now:
            return  # paid, cancelled, changed or spoken of meanwhile
        vendor = self.directory.named(vendor_id)
        spoken = by_day(now, ZoneInfo(vendor.timezone))
        if spoken > now:
            _set(tx, vendor_id, order_id, {"remind_from": spoken - patience})
            return
        order = order_of(tx, vendor_id, order_id)
        if order.status is OrderStatus.CONFIRMED and self._is_being_paid(tx, order):
            _set(tx, vendor_id, order_id, {"remind_from": now + PROMPT_GRACE - patience})
            return
        reminded_at = now if order.status is OrderStatus.DRAFT else None
        _set(tx, vendor_id, order_id, {"remind_from": None, "cart_reminded_at": reminded_at})
        if order.status is OrderStatus.DRAFT:
            newest = open_orders(tx, vendor_id, order.customer_id).cart
            if newest is not None and newest.id == order.id and order.lines:
                _tell(tx, vendor, order, EventType.CART_LEFT_BEHIND, now)
        else:
            _tell(tx, vendor, order, EventType.ORDER_UNPAID, now)

    def _is_being_paid(self, tx: Tx, order: Order) -> bool:
        still_open = payments.still_open(tx, vendor_id=order.vendor_id, payable_kind=PAYABLE_KIND, payable_id=order.id)
        return still_open.prompt or still_open.reference


def _tell(tx: Tx, vendor: Vendor, order: Order, type: EventType, now: datetime) -> None:  # noqa: A002  # as the envelope
    """As other news of an order, with the moment from which it is not to be said any more."""
    not_after = end_of_day(now, ZoneInfo(vendor.timezone))
    news = order_news(tx, vendor, order.id, now).model_copy(update={"not_after": not_after})
    announce(tx, type=type, vendor_id=vendor.id, aggregate=f"{PAYABLE_KIND}:{order.id}", data=news, now=now)


def reminders_loop(reminders: Reminders) -> Loop:
    return Loop("reminders", reminders.turn, idle_s=IDLE_S)


_NEVER = datetime.min.replace(tzinfo=ZoneInfo("UTC"))


def _before(now: datetime, patience: timedelta | None) -> datetime:
    return _NEVER if patience is None else now - patience


def _set(tx: Tx, vendor_id: VendorId, order_id: OrderId, values: dict[str, datetime | None]) -> None:
    tx.execute(_SET, {"vendor": vendor_id, "order": order_id, **values})


_IS_ORDER = and_(orders.c.vendor_id == bindparam("vendor"), orders.c.id == bindparam("order"))
_WHEN = select(orders.c.status, orders.c.remind_from).where(_IS_ORDER)
_SET = update(orders).where(_IS_ORDER)
_HAS_TIME: ColumnElement[bool] = literal_column("orders.remind_from IS NOT NULL", Boolean)
_DUE = (
    select(orders.c.vendor_id, orders.c.id)
    .where(
        _HAS_TIME,
        or_(
            and_(orders.c.status == OrderStatus.DRAFT, orders.c.remind_from <= bindparam("carts", type_=UtcTime)),
            and_(orders.c.status == OrderStatus.CONFIRMED, orders.c.remind_from <= bindparam("orders", type_=UtcTime)),
        ),
        has_stayed(orders.c.vendor_id),
    )
    .order_by(orders.c.remind_from)
    .limit(BATCH)
)
