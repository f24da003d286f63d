"""From cart to confirmed, and from open to cancelled: with the stock that is held and the money that is asked for."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from contracts.errors import ErrorCode
from contracts.events import EventType
from contracts.ids import CustomerId, ItemId
from contracts.router_api import CancelOrder, CancelResult, ConfirmCart, OrderView
from contracts.states import OrderStatus, RequestStatus
from kit.db import Tx
from kit.problems import Problem
from router.catalog.service import Catalogue
from router.customers.service import locked_customer
from router.delivery.service import Zones
from router.events.service import announce
from router.hours.service import OpeningHours
from router.orders.rules import Line, Order, OrderEvent, demand_of
from router.orders.service import OrderRefused, locked, move, open_orders, order_by_code
from router.orders.views import PAYABLE_KIND, order_news, order_view, refusal, sold_out, which_order
from router.payments import service as payments
from router.stock import service as stock
from router.vendors.service import Vendor
from router.vouchers import service as vouchers

CANCELLED_BY_CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Shelves:
    """What a cart is filled and finished from."""

    catalogue: Catalogue
    zones: Zones
    hours: OpeningHours


def confirm_cart(
    tx: Tx, vendor: Vendor, shelves: Shelves, wanted: ConfirmCart, hold_for: timedelta, now: datetime
) -> OrderView:
    """The cart becomes a CONFIRMED order: its stock is held for `hold_for`, its payment request is open, its voucher is
    used, and while the shop is closed it is for the next opening.

    Raises Problem 409 cart_empty, 409 voucher_expired or voucher_used_up, or 409 item_sold_out, which also names what
    the shop no longer sells."""
    customer = locked_customer(tx, vendor.id, wanted.customer, now)
    cart = open_orders(tx, vendor.id, customer.id).cart
    if cart is None or not cart.lines:
        raise Problem(409, ErrorCode.CART_EMPTY, "there is nothing in the cart to confirm")
    demand = _counted_demand(vendor, shelves.catalogue, cart.lines)
    order = move(tx, replace(cart, scheduled_for=_due(vendor, shelves, cart, now)), OrderEvent.CONFIRM, now)
    held_until = now + hold_for if demand else None
    payments.open_request(tx, vendor_id=vendor.id, payable=payable(order), expires_at=held_until, now=now)
    if order.discount is not None and order.taken_off is not None and order.taken_off.minor:
        with saying_the_order(tx, vendor, cart, now):
            vouchers.use(tx, vendor.id, order.discount.voucher_id, customer.id, order.id, now)
    held = stock.hold(tx, vendor.id, order.id, demand, now + hold_for)
    if isinstance(held, stock.SoldOut):
        raise sold_out(name_of(order, held.item_id), held.available)
    tell(tx, vendor, order, EventType.ORDER_CONFIRMED, now)
    return order_view(tx, vendor, order, now)


def cancel_order(tx: Tx, vendor: Vendor, wanted: CancelOrder, now: datetime) -> CancelResult:
    """End an open order and give its stock back. What a prompt on the phone may still bring is an exception then.

    Raises Problem 404 order_unknown, 409 nothing_to_cancel, 409 which_order or 409 order_transition_refused."""
    customer = locked_customer(tx, vendor.id, wanted.customer, now)
    meant = order_meant(tx, vendor, customer.id, wanted.code, now)
    if meant is None:
        raise Problem(409, ErrorCode.NOTHING_TO_CANCEL, "no order is open")
    order = locked(tx, meant)
    try:
        cancelled = move(tx, order, OrderEvent.CANCEL, now, reason=CANCELLED_BY_CUSTOMER)
    except OrderRefused as refused:
        raise refusal(tx, vendor, refused, now) from refused
    still_open = payments.StillOpen(prompt=False, reference=False)
    if order.status is OrderStatus.CONFIRMED:
        still_open = payments.close_requests(
            tx,
            vendor_id=vendor.id,
            payable_kind=PAYABLE_KIND,
            payable_id=order.id,
            status=RequestStatus.CANCELED,
            now=now,
        )
        vouchers.give_back(tx, vendor.id, order.id, now)
        stock.release(tx, vendor.id, order.id, now)
        tell(tx, vendor, cancelled, EventType.ORDER_CANCELLED, now)
    return CancelResult(
        order=order_view(tx, vendor, cancelled, now),
        prompt_is_live=still_open.prompt,
        reference_is_live=still_open.reference,
    )


@contextmanager
def saying_the_order(tx: Tx, vendor: Vendor, order: Order, now: datetime) -> Generator[None]:
    """A refusal within shows the order as it stood."""
    try:
        yield
    except Problem as problem:
        problem.extra["order"] = order_view(tx, vendor, order, now)
        raise


def _due(vendor: Vendor, shelves: Shelves, cart: Order, now: datetime) -> datetime | None:
    """When the order is for: the day that was chosen, unless it has begun; else, of a closed shop, its next opening."""
    if cart.scheduled_for is not None and cart.scheduled_for > now:
        return cart.scheduled_for
    opening = shelves.hours.opening(vendor.id, vendor.timezone, now)
    return None if opening is None or opening.is_open else opening.opens_at


def payable(order: Order) -> payments.Payable:
    """The order as the payment core and the prompt on the phone know it."""
    return payments.Payable(
        kind=PAYABLE_KIND,
        id=order.id,
        customer_id=order.customer_id,
        amount=order.total,
        reference=order.code,
        description="Order",
    )


def tell(tx: Tx, vendor: Vendor, order: Order, type: EventType, now: datetime) -> None:  # noqa: A002  # as the envelope
    """Announce news of an order: how it stands, and whom to tell."""
    announce(
        tx,
        type=type,
        vendor_id=vendor.id,
        aggregate=f"{PAYABLE_KIND}:{order.id}",
        data=order_news(tx, vendor, order.id, now),
        now=now,
    )


def name_of(order: Order, item_id: ItemId) -> str:
    line = order.line_of(item_id)
    return item_id if line is None else line.name


def _counted_demand(vendor: Vendor, catalogue: Catalogue, lines: Sequence[Line]) -> dict[ItemId, int]:
    """What must be held: the items that the shop counts. Refuses an order for what it no longer sells."""
    demand: dict[ItemId, int] = {}
    for item_id, quantity in demand_of(lines).items():
        item = catalogue.find(vendor.id, vendor.currency, item_id)
        if item is None:
            name = next(line.name for line in lines if line.item_id == item_id)
            raise sold_out(name, 0)
        if item.is_counted:
            demand[item_id] = quantity
    return demand


def order_meant(tx: Tx, vendor: Vendor, customer_id: CustomerId, code: str | None, now: datetime) -> Order | None:
    """The order of that code; without one the only CONFIRMED order, else the cart if it holds anything, else None.

    Raises Problem 404 order_unknown or 409 which_order."""
    if code is not None:
        return order_by_code(tx, vendor.id, customer_id, code)
    found = open_orders(tx, vendor.id, customer_id)
    if len(found.confirmed) > 1:
        raise which_order(tx, vendor, found.confirmed, now)
    if found.confirmed:
        return found.confirmed[0]
    if found.cart is not None and found.cart.lines:
        return found.cart
    return None
