"""Carts and orders, as the bot asks for them: every command signed, under an idempotency key, in one transaction."""

from datetime import timedelta
from typing import Annotated

from flask import Blueprint, Response
from pydantic import BaseModel, Field, StringConstraints

from contracts.errors import ErrorCode
from contracts.router_api import (
    AddLine,
    CancelOrder,
    CancelResult,
    CartView,
    ConfirmCart,
    OrderList,
    OrderView,
    OtherOrder,
    PayOrder,
    PayResult,
    RemoveLine,
    Reorder,
    ReorderResult,
    SetDay,
    SetFulfilment,
    SetNote,
    SetVoucher,
    ZoneList,
)
from contracts.states import Capability
from kit.paging import Moment, NewestFirst, paged
from kit.signing import KeyRing
from kit.web import answer, read_body, read_query
from router.customers.service import checked_address, find_customer
from router.edge import Call, Edge, Routes
from router.operations import BY_BOT, Operation
from router.orders.arranging import set_day, set_fulfilment, set_note, set_voucher, zone_views
from router.orders.cart import add_line, remove_line, show_cart
from router.orders.checkout import Shelves, cancel_order, confirm_cart
from router.orders.others import other_order
from router.orders.paying import Cashier
from router.orders.reordering import reorder
from router.orders.service import MAX_LISTED, newest_orders
from router.orders.views import order_views

_ORDERS = (Capability.ORDERS,)


class CartQuery(BaseModel):
    customer: Annotated[str, StringConstraints(min_length=3, max_length=180)]


class OtherQuery(BaseModel):
    customer: Annotated[str, StringConstraints(min_length=3, max_length=180)]
    code: Annotated[str, StringConstraints(min_length=1, max_length=40)]


class OrdersQuery(NewestFirst):
    customer: Annotated[str, StringConstraints(min_length=3, max_length=180)]
    limit: Annotated[int, Field(ge=1, le=MAX_LISTED)] = MAX_LISTED


SHOW_CART = Operation(
    "cart.show",
    "GET",
    "/v1/cart",
    "A customer's cart, and what they have not paid yet",
    BY_BOT,
    needs=_ORDERS,
    query=CartQuery,
    answer=CartView,
    tag="carts",
)
ADD_LINE = Operation(
    "cart.add",
    "POST",
    "/v1/cart/lines",
    "Put an item into the cart",
    BY_BOT,
    needs=_ORDERS,
    body=AddLine,
    answer=CartView,
    problems=(
        (404, ErrorCode.ITEM_UNKNOWN),
        (409, ErrorCode.ITEM_SOLD_OUT),
        (422, ErrorCode.QUANTITY_INVALID),
        (422, ErrorCode.AMOUNT_INVALID),
    ),
    tag="carts",
)
REMOVE_LINE = Operation(
    "cart.remove",
    "POST",
    "/v1/cart/lines/remove",
    "Take a line out of the cart",
    BY_BOT,
    needs=_ORDERS,
    body=RemoveLine,
    answer=CartView,
    problems=((404, ErrorCode.NOT_IN_CART),),
    tag="carts",
)
CONFIRM = Operation(
    "cart.confirm",
    "POST",
    "/v1/cart/confirm",
    "Confirm the cart: stock is held and the amount is asked for",
    BY_BOT,
    needs=_ORDERS,
    body=ConfirmCart,
    answer=OrderView,
    problems=(
        (409, ErrorCode.CART_EMPTY),
        (409, ErrorCode.ITEM_SOLD_OUT),
        (409, ErrorCode.VOUCHER_EXPIRED),
        (409, ErrorCode.VOUCHER_USED_UP),
    ),
    tag="carts",
)
SET_FULFILMENT = Operation(
    "cart.fulfilment",
    "POST",
    "/v1/cart/fulfilment",
    "Say whether the goods are picked up or delivered, and where to",
    BY_BOT,
    needs=_ORDERS,
    body=SetFulfilment,
    answer=CartView,
    problems=(
        (404, ErrorCode.ZONE_UNKNOWN),
        (409, ErrorCode.CART_EMPTY),
        (409, ErrorCode.DELIVERY_UNAVAILABLE),
        (409, ErrorCode.OUTSIDE_ZONES),
        (422, ErrorCode.ZONE_MISSING),
    ),
    tag="carts",
)
SET_NOTE = Operation(
    "cart.note",
    "POST",
    "/v1/cart/note",
    "Leave the shop a note about the cart",
    BY_BOT,
    needs=_ORDERS,
    body=SetNote,
    answer=CartView,
    problems=((409, ErrorCode.CART_EMPTY),),
    tag="carts",
)
SET_VOUCHER = Operation(
    "cart.voucher",
    "POST",
    "/v1/cart/voucher",
    "Put a voucher on the cart, or take it off",
    BY_BOT,
    needs=_ORDERS,
    body=SetVoucher,
    answer=CartView,
    problems=(
        (404, ErrorCode.VOUCHER_UNKNOWN),
        (409, ErrorCode.CART_EMPTY),
        (409, ErrorCode.VOUCHER_EXPIRED),
        (409, ErrorCode.VOUCHER_USED_UP),
        (409, ErrorCode.VOUCHER_MINIMUM),
    ),
    tag="carts",
)
SET_DAY = Operation(
    "cart.schedule",
    "POST",
    "/v1/cart/schedule",
    "Say for which day the cart is",
    BY_BOT,
    needs=_ORDERS,
    body=SetDay,
    answer=CartView,
    problems=((409, ErrorCode.CART_EMPTY), (409, ErrorCode.SHOP_CLOSED), (422, ErrorCode.DAY_INVALID)),
    tag="carts",
)
REORDER = Operation(
    "cart.reorder",
    "POST",
    "/v1/cart/reorder",
    "Put the lines of an earlier order into the cart",
    BY_BOT,
    needs=_ORDERS,
    body=Reorder,
    answer=ReorderResult,
    problems=((404, ErrorCode.ORDER_UNKNOWN), (409, ErrorCode.NOTHING_TO_REORDER)),
    tag="carts",
)
ZONES = Operation(
    "delivery.zones",
    "GET",
    "/v1/delivery/zones",
    "Where the shop delivers, and for what fee",
    BY_BOT,
    needs=_ORDERS,
    answer=ZoneList,
    tag="carts",
)
CANCEL = Operation(
    "orders.cancel",
    "POST",
    "/v1/orders/cancel",
    "Cancel an order that is not paid",
    BY_BOT,
    needs=_ORDERS,
    body=CancelOrder,
    answer=CancelResult,
    problems=(
        (404, ErrorCode.ORDER_UNKNOWN),
        (409, ErrorCode.NOTHING_TO_CANCEL),
        (409, ErrorCode.WHICH_ORDER),
        (409, ErrorCode.ORDER_TRANSITION_REFUSED),
    ),
    tag="orders",
)
PAY = Operation(
    "orders.pay",
    "POST",
    "/v1/orders/pay",
    "The customer replied PAY: a signed grant for one charge",
    BY_BOT,
    needs=_ORDERS,
    body=PayOrder,
    answer=PayResult,
    problems=(
        (404, ErrorCode.ORDER_UNKNOWN),
        (409, ErrorCode.NOTHING_TO_PAY),
        (409, ErrorCode.NOT_CONFIRMED),
        (409, ErrorCode.WHICH_ORDER),
        (409, ErrorCode.PAYMENT_IN_PROGRESS),
        (409, ErrorCode.ORDER_TRANSITION_REFUSED),
        (409, ErrorCode.ITEM_SOLD_OUT),
        (409, ErrorCode.PAYER_NOT_AGREED),
        (409, ErrorCode.RAIL_UNAVAILABLE),
        (409, ErrorCode.WHICH_RAIL),
        (409, ErrorCode.VOUCHER_EXPIRED),
        (409, ErrorCode.VOUCHER_USED_UP),
        (422, ErrorCode.PAYER_MISSING),
        (422, ErrorCode.PAYER_INVALID),
        (429, ErrorCode.ATTEMPTS_EXHAUSTED),
        (429, ErrorCode.PAYER_BUSY),
        (429, ErrorCode.TOO_MANY_PAYERS),
    ),
    tag="orders",
)
OTHER = Operation(
    "orders.other",
    "GET",
    "/v1/orders/other",
    "Another customer's order, for somebody who wants to pay it",
    BY_BOT,
    needs=_ORDERS,
    query=OtherQuery,
    answer=OtherOrder,
    problems=((404, ErrorCode.ORDER_UNKNOWN),),
    tag="orders",
)
HISTORY = Operation(
    "orders.history",
    "GET",
    "/v1/orders",
    "A customer's orders, newest first",
    BY_BOT,
    needs=_ORDERS,
    query=OrdersQuery,
    answer=OrderList,
    tag="orders",
)


def order_routes(edge: Edge, shelves: Shelves, grant_keys: KeyRing, hold_for: timedelta) -> Blueprint:
    routes = Routes(edge, "orders")
    cashier = Cashier(edge, grant_keys, hold_for)
    _cart_routes(routes, edge, shelves, hold_for)
    _terms_routes(routes, edge, shelves)

    @routes.add(CANCEL)
    def cancel(call: Call) -> Response:
        wanted = read_body(CancelOrder)
        return edge.perform(call, lambda tx: (200, cancel_order(tx, call.vendor, wanted, call.now)))

    @routes.add(PAY)
    def pay(call: Call) -> Response:
        return cashier.pay(call, read_body(PayOrder))

    @routes.add(OTHER)
    def other(call: Call) -> Response:
        wanted = read_query(OtherQuery)
        with edge.reading(call.vendor) as tx:
            return answer(other_order(tx, call.vendor, checked_address(wanted.customer), wanted.code))

    @routes.add(HISTORY)
    def history(call: Call) -> Response:
        wanted = read_query(OrdersQuery)
        with edge.reading(call.vendor) as tx:
            customer = find_customer(tx, call.vendor.id, checked_address(wanted.customer))
            if customer is None:
                return answer(OrderList(orders=[]))
            found = newest_orders(tx, call.vendor.id, customer.id, wanted.limit + 1, wanted.cursor)
            page, following = paged(found, wanted.limit, lambda order: Moment(order.created_at, order.id))
            return answer(OrderList(orders=order_views(tx, call.vendor, page, call.now), next_cursor=following))

    return routes.blueprint


def _cart_routes(routes: Routes, edge: Edge, shelves: Shelves, hold_for: timedelta) -> None:
    catalogue = shelves.catalogue

    @routes.add(SHOW_CART)
    def cart(call: Call) -> Response:
        wanted = read_query(CartQuery)
        with edge.reading(call.vendor) as tx:
            return answer(show_cart(tx, call.vendor, wanted.customer, call.now))

    @routes.add(ADD_LINE)
    def add(call: Call) -> Response:
        wanted = read_body(AddLine)
        return edge.perform(call, lambda tx: (200, add_line(tx, call.vendor, catalogue, wanted, call.now)))

    @routes.add(REMOVE_LINE)
    def remove(call: Call) -> Response:
        wanted = read_body(RemoveLine)
        return edge.perform(call, lambda tx: (200, remove_line(tx, call.vendor, wanted, call.now)))

    @routes.add(REORDER)
    def again(call: Call) -> Response:
        wanted = read_body(Reorder)
        return edge.perform(call, lambda tx: (200, reorder(tx, call.vendor, catalogue, wanted, call.now)))

    @routes.add(CONFIRM)
    def confirm(call: Call) -> Response:
        wanted = read_body(ConfirmCart)
        return edge.perform(call, lambda tx: (200, confirm_cart(tx, call.vendor, shelves, wanted, hold_for, call.now)))


def _terms_routes(routes: Routes, edge: Edge, shelves: Shelves) -> None:
    @routes.add(SET_FULFILMENT)
    def fulfilment(call: Call) -> Response:
        wanted = read_body(SetFulfilment)
        return edge.perform(call, lambda tx: (200, set_fulfilment(tx, call.vendor, shelves, wanted, call.now)))

    @routes.add(SET_NOTE)
    def note(call: Call) -> Response:
        wanted = read_body(SetNote)
        return edge.perform(call, lambda tx: (200, set_note(tx, call.vendor, wanted, call.now)))

    @routes.add(SET_VOUCHER)
    def voucher(call: Call) -> Response:
        wanted = read_body(SetVoucher)
        return edge.perform(call, lambda tx: (200, set_voucher(tx, call.vendor, wanted, call.now)))

    @routes.add(SET_DAY)
    def schedule(call: Call) -> Response:
        wanted = read_body(SetDay)
        return edge.perform(call, lambda tx: (200, set_day(tx, call.vendor, shelves, wanted, call.now)))

    @routes.add(ZONES)
    def zones(call: Call) -> Response:
        found = shelves.zones.of(call.vendor.id, call.vendor.currency)
        return answer(ZoneList(zones=zone_views(found), currency=call.vendor.currency))
