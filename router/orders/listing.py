"""What a vendor sees of the orders: found by filters, page by page, in three statements whatever the page's size."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from contracts.ids import OrderId, VendorId
from contracts.states import OrderStatus
from kit.db import Tx
from kit.paging import Moment, before
from router.customers.service import Customer, people
from router.orders.models import orders
from router.orders.rules import Order, normalized_code
from router.orders.service import picked
from router.orders.views import PAYABLE_KIND
from router.payments import service as payments


@dataclass(frozen=True, slots=True)
class Filters:
    """Every one that is given must hold. `since` counts, `until` does not; `code` as people type it."""

    status: OrderStatus | None = None
    since: datetime | None = None
    until: datetime | None = None
    customer: Customer | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """An order with whom it is for and where its money stands; no money was asked for a DRAFT."""

    order: Order
    customer: Customer
    collected: payments.Collected | None


def newest_sales(tx: Tx, vendor_id: VendorId, filters: Filters, end: Moment | None, limit: int) -> list[Sale]:
    """Newest first, at most `limit`, after the row where the page before ended."""
    which = _of(vendor_id)
    if filters.code is not None:
        code = normalized_code(filters.code)
        if not (code.isascii() and code.isalnum()):
            return []
        which = which.where(orders.c.code == code)
    if filters.status is not None:
        which = which.where(orders.c.status == filters.status)
    if filters.customer is not None:
        which = which.where(orders.c.customer_id == filters.customer.id)
    if filters.since is not None:
        which = which.where(orders.c.created_at >= filters.since)
    if filters.until is not None:
        which = which.where(orders.c.created_at < filters.until)
    if end is not None:
        which = which.where(before(orders.c.created_at, orders.c.id, end))
    newest_first = which.order_by(orders.c.created_at.desc(), orders.c.id.desc())
    return _sales(tx, vendor_id, picked(tx, newest_first.limit(limit)), filters.customer)


def one_sale(tx: Tx, vendor_id: VendorId, order_id: OrderId) -> Sale | None:
    found = _sales(tx, vendor_id, picked(tx, _of(vendor_id).where(orders.c.id == order_id)))
    return found[0] if found else None


def _of(vendor_id: VendorId) -> Select[Any]:
    return select(orders).where(orders.c.vendor_id == vendor_id)


def _sales(tx: Tx, vendor_id: VendorId, found: Sequence[Order], whose_all: Customer | None = None) -> list[Sale]:
    if whose_all is not None:
        whose = {whose_all.id: whose_all}
    else:
        whose = people(tx, vendor_id, {order.customer_id for order in found})
    billed = [order.id for order in found if order.confirmed_at is not None]
    money = payments.collected(tx, vendor_id=vendor_id, payable_kind=PAYABLE_KIND, payable_ids=billed)
    return [Sale(order, whose[order.customer_id], money.get(order.id)) for order in found]
