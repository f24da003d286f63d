"""Reads and writes orders. `move` is the only thing that changes a status; everything else asks it.

Whoever changes a customer's cart holds the customer's row; whoever changes a confirmed order holds the order's."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, Row, Select, and_, bindparam, insert, select, true, union_all, update

from contracts.errors import ErrorCode
from contracts.ids import CustomerId, ItemId, OrderId, VendorId, new_code, new_id
from contracts.money import Currency, Money
from contracts.states import OrderStatus
from kit.db import Tx, insert_new
from kit.paging import Moment, before
from kit.problems import Problem
from router.metering.service import Metered, calendar_of, count
from router.orders.columns import delivery_in, discount_in, terms_values
from router.orders.models import order_lines, orders
from router.orders.rules import (
    Line,
    Moved,
    Order,
    OrderEvent,
    OrderSource,
    Refused,
    normalized_code,
    transition,
)
from router.orders.terms import sum_of
from router.vendors.service import Vendor

MAX_LISTED = 20
"""Of one customer, in one answer."""

_CODE_LENGTHS = (6, 6, 6, 7, 8, 10)
"""What a new code tries, until one is free: longer as a shop's codes run out."""


@dataclass(frozen=True, slots=True)
class OpenOrders:
    """What a customer has open: the newest DRAFT, and the CONFIRMED orders, newest first."""

    cart: Order | None
    confirmed: list[Order]


INSERT_LINE = insert(order_lines)


class OrderRefused(Exception):
    """The state machine does not let this order take this event, or another request changed it first."""

    def __init__(self, order: Order, event: OrderEvent) -> None:
        super().__init__(f"order {order.code} is {order.status}: it takes no {event}")
        self.order = order
        self.event = event


def move(
    tx: Tx,
    order: Order,
    event: OrderEvent,
    now: datetime,
    *,
    lines: Sequence[Line] | None = None,
    reason: str | None = None,
) -> Order:
    """Let the order take the event: its status, and its total where `lines` changed. The only door.

    Raises OrderRefused, and changes nothing, when the table has no such step or the row is no longer as it was read."""
    match transition(order.status, event):
        case Refused():
            raise OrderRefused(order, event)
        case Moved(status):
            pass
    after = replace(order, status=status)
    if lines is not None:
        after = _summed(replace(after, lines=lines))
    values: dict[str, Any] = {"status": status, **_sums(after), "remind_from": None}
    match event:
        case OrderEvent.CONFIRM:
            after = replace(after, confirmed_at=now)
            values |= {"confirmed_at": now, "scheduled_for": after.scheduled_for, "remind_from": now}
        case OrderEvent.PAY:
            after, values["paid_at"] = replace(after, paid_at=now), now
        case OrderEvent.CANCEL:
            after = replace(after, cancelled_at=now, cancel_reason=reason)
            values |= {"cancelled_at": now, "cancel_reason": reason}
        case OrderEvent.ADD_ITEM | OrderEvent.REMOVE_ITEM:
            values["remind_from"] = _remind_from(after, now)
    changed = tx.execute(_MOVE, {"vendor": order.vendor_id, "order": order.id, "before": order.status, **values})
    if changed.rowcount != 1:
        raise OrderRefused(order, event)
    return after


def edit(tx: Tx, order: Order, after: Order, now: datetime) -> Order:
    """Keep what `after` says of a DRAFT besides its lines: delivery, discount, note and day; with its total.

    Raises OrderRefused where it is no DRAFT any more. The caller holds the customer's row."""
    after = _summed(after)
    values: dict[str, Any] = {**_sums(after), **terms_values(after), "remind_from": _remind_from(after, now)}
    changed = tx.execute(_EDIT, {"vendor": order.vendor_id, "order": order.id, "before": OrderStatus.DRAFT, **values})
    if changed.rowcount != 1:
        raise OrderRefused(order, OrderEvent.ADD_ITEM)
    return after


def _summed(order: Order) -> Order:
    found = order.sum
    return replace(order, total=found.total, taken_off=None if order.discount is None else found.discount)


def _sums(order: Order) -> dict[str, int]:
    return {
        "total_minor": order.total.minor,
        "discount_minor": 0 if order.taken_off is None else order.taken_off.minor,
    }


def _remind_from(cart: Order, now: datetime) -> datetime | None:
    """A cart is spoken of once, and only while it holds something."""
    return now if cart.lines and cart.cart_reminded_at is None else None


def make_draft(
    tx: Tx, vendor: Vendor, customer_id: CustomerId, now: datetime, *, source: OrderSource, lines: Sequence[Line] = ()
) -> Order:
    """A new DRAFT with these lines, under a code that the shop has not used."""
    order_id = OrderId(new_id(now))
    total = sum_of(lines, vendor.currency).total
    values = {
        "vendor_id": vendor.id,
        "id": order_id,
        "customer_id": customer_id,
        "status": OrderStatus.DRAFT,
        "currency": vendor.currency,
        "total_minor": total.minor,
        "source": source,
        "created_at": now,
    }
    for length in _CODE_LENGTHS:
        code = new_code(length)
        if insert_new(tx, orders, {**values, "code": code}, conflict=["vendor_id", "code"]):
            break
    else:
        raise RuntimeError(f"no free order code was found for vendor {vendor.id}")
    count(tx, Metered.ORDERS, vendor.id, order_id, calendar_of(vendor), now)
    order = Order(
        id=order_id,
        vendor_id=vendor.id,
        customer_id=customer_id,
        code=code,
        status=OrderStatus.DRAFT,
        currency=vendor.currency,
        total=total,
        created_at=now,
        confirmed_at=None,
        paid_at=None,
        lines=tuple(lines),
        source=source,
    )
    if lines:
        tx.execute(INSERT_LINE, [line_values(order, line) for line in lines])
    return order


def line_values(order: Order, line: Line) -> dict[str, Any]:
    """The row of a line."""
    return {
        "vendor_id": order.vendor_id,
        "order_id": order.id,
        "line_no": line.line_no,
        "item_id": line.item_id,
        "name": line.name,
        "unit_price_minor": line.unit_price.minor,
        "quantity": line.quantity,
    }


def open_orders(tx: Tx, vendor_id: VendorId, customer_id: CustomerId) -> OpenOrders:
    """In one statement, whatever else the customer ever ordered."""
    found = _read(tx, _OPEN, vendor=vendor_id, customer=customer_id)
    cart = next((order for order in found if order.status is OrderStatus.DRAFT), None)
    return OpenOrders(cart, [order for order in found if order.status is OrderStatus.CONFIRMED])


def newest_orders(
    tx: Tx, vendor_id: VendorId, customer_id: CustomerId, limit: int, end: Moment | None = None
) -> list[Order]:
    """The customer's orders of every status, newest first, after the row where the page before ended. At most one more
    than `MAX_LISTED`."""
    if end is None:
        return _read(tx, _NEWEST, vendor=vendor_id, customer=customer_id)[:limit]
    older = _with_lines(_newest_of_each(*_EACH_STATUS, end=end))
    return _read(tx, older, vendor=vendor_id, customer=customer_id)[:limit]


def last_paid(tx: Tx, vendor_id: VendorId, customer_id: CustomerId) -> Order | None:
    """The customer's newest order that is PAID."""
    found = _read(tx, _LAST_PAID, vendor=vendor_id, customer=customer_id)
    return found[0] if found else None


def order_by_code(tx: Tx, vendor_id: VendorId, customer_id: CustomerId, code: str) -> Order:
    """The customer's own order of that code, however it was typed. Raises Problem 404 order_unknown."""
    wanted = normalized_code(code)
    found: list[Order] = []
    if wanted.isascii() and wanted.isalnum():
        found = _read(tx, _BY_CODE, vendor=vendor_id, customer=customer_id, code=wanted)
    if not found:
        raise Problem(404, ErrorCode.ORDER_UNKNOWN, "this customer has no order with that code")
    return found[0]


def id_of_code(tx: Tx, vendor_id: VendorId, code: str) -> OrderId | None:
    """The order of any customer with this code, written as codes are stored."""
    if not (code.isascii() and code.isalnum()):
        return None
    row = tx.execute(_ID_BY_CODE, {"vendor": vendor_id, "code": code}).first()
    return None if row is None else OrderId(row.id)


def picked(tx: Tx, which: Select[Any]) -> list[Order]:
    """The orders that a select of whole rows picks, with their lines, newest first. It names the vendor itself."""
    return _read(tx, _with_lines(which.cte("picked")))


def order_of(tx: Tx, vendor_id: VendorId, order_id: OrderId) -> Order:
    """An order that a row of ours refers to."""
    return _read(tx, _BY_ID, vendor=vendor_id, order=order_id)[0]


def lock(tx: Tx, vendor_id: VendorId, order_id: OrderId) -> None:
    """Hold the order's row until the transaction ends."""
    tx.execute(_LOCK, {"vendor": vendor_id, "order": order_id})


def locked(tx: Tx, order: Order) -> Order:
    """The order as it stands, with its row held until the transaction ends."""
    lock(tx, order.vendor_id, order.id)
    return order_of(tx, order.vendor_id, order.id)


def _newest_of_each(*wanted: tuple[OrderStatus, int], end: Moment | None = None) -> CTE:
    """So many of each status: each part walks the index of the customer's orders and stops."""
    older = true() if end is None else before(orders.c.created_at, orders.c.id, end)
    parts = [
        select(
            select(orders)
            .where(_IS_VENDORS, orders.c.customer_id == bindparam("customer"), orders.c.status == status, older)
            .order_by(orders.c.created_at.desc(), orders.c.id.desc())
            .limit(limit)
            .subquery()
        )
        for status, limit in wanted
    ]
    return union_all(*parts).cte("picked")


def _with_lines(picked: CTE) -> Select[Any]:
    """The picked orders with their lines, newest first."""
    on_line = (order_lines.c.vendor_id == picked.c.vendor_id) & (order_lines.c.order_id == picked.c.id)
    return (
        select(
            picked,
            order_lines.c.line_no,
            order_lines.c.item_id,
            order_lines.c.name,
            order_lines.c.unit_price_minor,
            order_lines.c.quantity,
        )
        .select_from(picked.outerjoin(order_lines, on_line))
        .order_by(picked.c.created_at.desc(), picked.c.id.desc(), order_lines.c.line_no)
    )


# Made once: putting these together costs more than running them.
_IS_VENDORS = orders.c.vendor_id == bindparam("vendor")
_IS_ORDER = and_(_IS_VENDORS, orders.c.id == bindparam("order"))
_OPEN = _with_lines(_newest_of_each((OrderStatus.DRAFT, 1), (OrderStatus.CONFIRMED, MAX_LISTED)))
_EACH_STATUS = tuple((status, MAX_LISTED + 1) for status in OrderStatus)
_NEWEST = _with_lines(_newest_of_each(*_EACH_STATUS))
_LAST_PAID = _with_lines(_newest_of_each((OrderStatus.PAID, 1)))
_BY_CODE = _with_lines(
    select(orders)
    .where(_IS_VENDORS, orders.c.code == bindparam("code"), orders.c.customer_id == bindparam("customer"))
    .cte("picked")
)
_BY_ID = _with_lines(select(orders).where(_IS_ORDER).cte("picked"))
_ID_BY_CODE = select(orders.c.id).where(_IS_VENDORS, orders.c.code == bindparam("code"))
_LOCK = select(orders.c.id).where(_IS_ORDER).with_for_update(key_share=True)
_MOVE = update(orders).where(_IS_ORDER, orders.c.status == bindparam("before"))
_EDIT = update(orders).where(_IS_ORDER, orders.c.status == bindparam("before"))


def _read(tx: Tx, statement: Select[Any], **params: str) -> list[Order]:
    rows: dict[str, list[Row[Any]]] = {}
    for row in tx.execute(statement, params):
        rows.setdefault(row.id, []).append(row)
    return [_order(group) for group in rows.values()]


def _order(rows: list[Row[Any]]) -> Order:
    first = rows[0]
    currency = Currency(first.currency)
    lines = tuple(
        Line(
            line_no=row.line_no,
            item_id=None if row.item_id is None else ItemId(row.item_id),
            name=row.name,
            unit_price=Money(row.unit_price_minor, currency),
            quantity=row.quantity,
        )
        for row in rows
        if row.line_no is not None
    )
    discount = discount_in(first, currency)
    return Order(
        id=OrderId(first.id),
        vendor_id=VendorId(first.vendor_id),
        customer_id=CustomerId(first.customer_id),
        code=first.code,
        status=OrderStatus(first.status),
        currency=currency,
        total=Money(first.total_minor, currency),
        created_at=first.created_at,
        confirmed_at=first.confirmed_at,
        paid_at=first.paid_at,
        lines=lines,
        source=OrderSource(first.source),
        cancelled_at=first.cancelled_at,
        cancel_reason=first.cancel_reason,
        delivery=delivery_in(first, currency),
        discount=discount,
        taken_off=None if discount is None else Money(first.discount_minor, currency),
        note=first.note,
        scheduled_for=first.scheduled_for,
        cart_reminded_at=first.cart_reminded_at,
    )
