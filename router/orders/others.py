"""Paying for somebody else: whoever knows an order's code may pay it, from their own chat and their own phone only.

They see the amount, the shop and a first name before and after, and nothing else of the order."""

from collections.abc import Generator
from contextlib import contextmanager

from contracts.errors import ErrorCode
from contracts.ids import ChannelAddress
from contracts.router_api import OrderView, OtherOrder
from contracts.states import PUSHED_RAILS, OrderStatus
from kit.db import Tx
from kit.problems import Problem
from router.customers.service import Customer, first_name, get_customer, phone_of
from router.orders import service as orders
from router.orders.payers import can_be_charged
from router.orders.rules import Order, code_in
from router.vendors.service import Vendor, rails_of

_SHOWN = (OrderStatus.CONFIRMED, OrderStatus.PAID)
_TELLING = ("order", "orders", "item", "available")


def order_of_another(tx: Tx, vendor: Vendor, asking: ChannelAddress, code: str | None) -> Order:
    """Raises Problem 404 order_unknown: for the asker's own order, too, and for what is no business of others yet."""
    order_id = None if code is None else orders.id_of_code(tx, vendor.id, code_in(code))
    order = None if order_id is None else orders.order_of(tx, vendor.id, order_id)
    if order is None or order.status not in _SHOWN or _customer_of(tx, order).address == asking:
        raise Problem(404, ErrorCode.ORDER_UNKNOWN, "nobody else has an order with that code")
    return order


def other_order(tx: Tx, vendor: Vendor, asking: ChannelAddress, code: str) -> OtherOrder:
    """Raises Problem 404 order_unknown."""
    order = order_of_another(tx, vendor, asking, code)
    return OtherOrder(
        code=order.code,
        customer_name=first_name(_customer_of(tx, order).name),
        total_minor=order.total.minor,
        currency=order.currency,
        status=order.status,
        payer_msisdn=own_number(vendor, asking),
    )


def own_number(vendor: Vendor, address: ChannelAddress) -> str | None:
    """The number that the address shows, if the shop can send it a prompt."""
    shown = phone_of(address)
    rails = [rail for rail in rails_of(vendor) if rail in PUSHED_RAILS]
    return shown if shown is not None and any(can_be_charged(shown, rail) for rail in rails) else None


def without_details(view: OrderView) -> OrderView:
    """As somebody else may see it."""
    hidden: dict[str, object] = {"lines": [], "delivery": None, "discount": None, "note": "", "subtotal_minor": None}
    return view.model_copy(update=hidden)


@contextmanager
def discreet(*, is_for_other: bool) -> Generator[None]:
    """A refusal within shows somebody else nothing of the order."""
    try:
        yield
    except Problem as problem:
        if is_for_other:
            for name in _TELLING:
                problem.extra.pop(name, None)
        raise


def _customer_of(tx: Tx, order: Order) -> Customer:
    return get_customer(tx, order.vendor_id, order.customer_id)
