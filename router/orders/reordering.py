"""An earlier order once more: its lines into the cart, at today's prices, as far as they can be had."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from contracts.errors import ErrorCode
from contracts.ids import CustomerId, ItemId
from contracts.router_api import MAX_QUANTITY, LeftOut, Reorder, ReorderResult
from contracts.states import LeftOutReason
from kit.db import Tx
from kit.problems import Problem
from router.catalog.service import Catalogue, Item
from router.customers.service import locked_customer
from router.orders.cart import keep_line
from router.orders.rules import Line, Order, OrderEvent, OrderSource
from router.orders.service import OpenOrders, last_paid, make_draft, move, open_orders, order_by_code
from router.orders.views import cart_view
from router.stock import service as stock
from router.vendors.service import Vendor


@dataclass(slots=True)
class _Plan:
    """What goes into the cart: how many more of which item."""

    added: list[tuple[Item, int]] = field(default_factory=list[tuple[Item, int]])
    left_out: list[LeftOut] = field(default_factory=list[LeftOut])
    prices_changed: bool = False


def reorder(tx: Tx, vendor: Vendor, catalogue: Catalogue, wanted: Reorder, now: datetime) -> ReorderResult:
    """Raises what `Reorder` lists. Nothing is held yet."""
    customer = locked_customer(tx, vendor.id, wanted.customer, now)
    earlier = _earlier(tx, vendor, customer.id, wanted.code)
    found = open_orders(tx, vendor.id, customer.id)
    if found.cart is not None and found.cart.id == earlier.id:
        raise Problem(409, ErrorCode.NOTHING_TO_REORDER, f"order {earlier.code} is the cart itself")
    plan = _planned(tx, vendor, catalogue, earlier, found.cart.lines if found.cart else ())
    if not plan.added:
        raise Problem(
            409, ErrorCode.NOTHING_TO_REORDER, f"nothing of order {earlier.code} can be had", left_out=plan.left_out
        )
    cart = found.cart or make_draft(tx, vendor, customer.id, now, source=OrderSource.CHAT)
    lines = {line.line_no: line for line in cart.lines}
    for item, quantity in plan.added:
        present = cart.line_of(item.id)
        if present is None:
            line = Line(max(lines, default=0) + 1, item.id, item.name, item.price, quantity)
        else:
            line = replace(present, quantity=present.quantity + quantity)
        keep_line(tx, cart, line, is_new=present is None)
        lines[line.line_no] = line
    cart = move(tx, cart, OrderEvent.ADD_ITEM, now, lines=[lines[number] for number in sorted(lines)])
    view = cart_view(tx, vendor, OpenOrders(cart, found.confirmed), now)
    return ReorderResult(
        cart=view.cart,
        unpaid=view.unpaid,
        from_code=earlier.code,
        left_out=plan.left_out,
        prices_changed=plan.prices_changed,
    )


def _earlier(tx: Tx, vendor: Vendor, customer_id: CustomerId, code: str | None) -> Order:
    if code is not None:
        return order_by_code(tx, vendor.id, customer_id, code)
    order = last_paid(tx, vendor.id, customer_id)
    if order is None:
        raise Problem(409, ErrorCode.NOTHING_TO_REORDER, "this customer has bought nothing here yet")
    return order


def _planned(tx: Tx, vendor: Vendor, catalogue: Catalogue, earlier: Order, in_cart: Sequence[Line]) -> _Plan:
    sold = {
        line.item_id: catalogue.find(vendor.id, vendor.currency, line.item_id) for line in earlier.lines if line.item_id
    }
    counted = sorted(item.id for item in sold.values() if item is not None and item.is_counted)
    left = stock.available(tx, vendor.id, counted)
    present = {line.item_id: line.quantity for line in in_cart}
    plan = _Plan()
    for line in earlier.lines:
        item = sold.get(line.item_id) if line.item_id else None
        if item is None:
            reason = LeftOutReason.GONE if line.item_id else LeftOutReason.NO_ITEM
            plan.left_out.append(LeftOut(name=line.name, wanted=line.quantity, reason=reason))
            continue
        has = present.get(item.id, 0)
        room = MAX_QUANTITY - has
        can_be_had = left.get(ItemId(item.id), 0) - has if item.is_counted else line.quantity
        quantity = max(0, min(line.quantity, room, can_be_had))
        if quantity < line.quantity:
            reason = LeftOutReason.TOO_MANY if room < can_be_had else LeftOutReason.SOLD_OUT
            plan.left_out.append(LeftOut(name=item.name, wanted=line.quantity, added=quantity, reason=reason))
        if quantity:
            plan.added.append((item, quantity))
            plan.prices_changed = plan.prices_changed or item.price != line.unit_price
    return plan
