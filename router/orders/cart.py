"""The cart: a customer's newest DRAFT. Everything here runs under the customer's row lock."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import and_, bindparam, delete

from contracts.errors import ErrorCode, FieldError
from contracts.router_api import MAX_QUANTITY, AddLine, CartView, RemoveLine
from kit.db import Tx
from kit.problems import Problem
from router.catalog.service import Catalogue, Item
from router.customers.service import checked_address, find_customer, locked_customer
from router.orders.models import order_lines
from router.orders.rules import Line, Order, OrderEvent, OrderSource, is_quantity
from router.orders.service import INSERT_LINE, OpenOrders, line_values, make_draft, move, open_orders
from router.orders.views import cart_view, sold_out
from router.stock import service as stock
from router.vendors.service import Vendor


def show_cart(tx: Tx, vendor: Vendor, address: str, now: datetime) -> CartView:
    customer = find_customer(tx, vendor.id, checked_address(address))
    if customer is None:
        return CartView(cart=None)
    return cart_view(tx, vendor, open_orders(tx, vendor.id, customer.id), now)


def add_line(tx: Tx, vendor: Vendor, catalogue: Catalogue, wanted: AddLine, now: datetime) -> CartView:
    """Add to the line of the item, at the price it had when the line was made; else a new line at today's price.

    Raises Problem 422 quantity_invalid, 404 item_unknown or 409 item_sold_out. Nothing is held yet."""
    _check_quantity(wanted.quantity)
    item = catalogue.find(vendor.id, vendor.currency, wanted.item_id)
    if item is None:
        raise Problem(404, ErrorCode.ITEM_UNKNOWN, "the shop does not sell this (any more)")
    customer = locked_customer(tx, vendor.id, wanted.customer, now)
    found = open_orders(tx, vendor.id, customer.id)
    present = found.cart.line_of(item.id) if found.cart else None
    quantity = wanted.quantity + (present.quantity if present else 0)
    _check_quantity(quantity)
    _check_left(tx, vendor, item, quantity)
    cart = found.cart or make_draft(tx, vendor, customer.id, now, source=OrderSource.CHAT)
    if present is None:
        line = Line(cart.next_line_no, item.id, item.name, item.price, quantity)
    else:
        line = replace(present, quantity=quantity)
    keep_line(tx, cart, line, is_new=present is None)
    lines = sorted([*(each for each in cart.lines if each != present), line], key=lambda each: each.line_no)
    cart = move(tx, cart, OrderEvent.ADD_ITEM, now, lines=lines)
    return cart_view(tx, vendor, OpenOrders(cart, found.confirmed), now)


def keep_line(tx: Tx, cart: Order, line: Line, *, is_new: bool) -> None:
    """Write a line of the cart: a new one, or how many of it there are now. Its total is for `move` to write.

    How many there are now is written right before the commit: nothing that follows may read it."""
    if is_new:
        tx.execute(INSERT_LINE, line_values(cart, line))
    else:
        tx.at_last(_SET_QUANTITY, line.quantity, cart.vendor_id, cart.id, line.line_no)


def remove_line(tx: Tx, vendor: Vendor, wanted: RemoveLine, now: datetime) -> CartView:
    """Take a whole line out. Raises Problem 404 not_in_cart."""
    customer = locked_customer(tx, vendor.id, wanted.customer, now)
    found = open_orders(tx, vendor.id, customer.id)
    line = next((each for each in found.cart.lines if each.line_no == wanted.line_no), None) if found.cart else None
    if found.cart is None or line is None:
        raise Problem(404, ErrorCode.NOT_IN_CART, f"the cart has no line {wanted.line_no}")
    tx.execute(_DELETE_LINE, _key(found.cart, line))
    rest = tuple(each for each in found.cart.lines if each != line)
    cart = move(tx, found.cart, OrderEvent.REMOVE_ITEM, now, lines=rest)
    return cart_view(tx, vendor, OpenOrders(cart, found.confirmed), now)


def _check_quantity(quantity: int) -> None:
    if not is_quantity(quantity):
        raise Problem(
            422,
            ErrorCode.QUANTITY_INVALID,
            f"from 1 to {MAX_QUANTITY} of one item can be in an order",
            errors=[FieldError(field="quantity", problem=f"{quantity} is not from 1 to {MAX_QUANTITY}")],
            maximum=MAX_QUANTITY,
        )


def _check_left(tx: Tx, vendor: Vendor, item: Item, quantity: int) -> None:
    """For the customer's sake, early; what counts is the hold when the order is confirmed."""
    if not item.is_counted:
        return
    left = stock.available(tx, vendor.id, [item.id]).get(item.id, 0)
    if quantity > left:
        raise sold_out(item.name, left)


_IS_LINE = and_(
    order_lines.c.vendor_id == bindparam("vendor"),
    order_lines.c.order_id == bindparam("order"),
    order_lines.c.line_no == bindparam("line"),
)
_SET_QUANTITY = "UPDATE order_lines SET quantity = {} WHERE vendor_id = {} AND order_id = {} AND line_no = {}"
_DELETE_LINE = delete(order_lines).where(_IS_LINE)


def _key(order: Order, line: Line) -> dict[str, str | int]:
    return {"vendor": order.vendor_id, "order": order.id, "line": line.line_no}
