"""Carts and orders, as the bot asks for them: every command signed, under an idempotency key, in one transaction."""

from datetime import timedelta
from typing import Annotated

from flask import Blueprint, Response
from pydantic import BaseModel, Field, StringConstraints

from contracts.router_api import AddLine, CancelOrder, ConfirmCart, OrderList, PayOrder, RemoveLine
from contracts.states import Capability
from kit.signing import KeyRing
from kit.web import answer, read_body, read_query
from router.catalog.service import Catalogue
from router.customers.service import checked_address, find_customer
from router.edge import Edge
from router.orders.cart import add_line, remove_line, show_cart
from router.orders.checkout import cancel_order, confirm_cart
from router.orders.paying import Cashier
from router.orders.service import MAX_LISTED, newest_orders
from router.orders.views import order_views


class CartQuery(BaseModel):
    customer: Annotated[str, StringConstraints(min_length=3, max_length=180)]


class OrdersQuery(CartQuery):
    limit: Annotated[int, Field(ge=1, le=MAX_LISTED)] = MAX_LISTED


def order_routes(edge: Edge, catalogue: Catalogue, grant_keys: KeyRing, hold_for: timedelta) -> Blueprint:
    routes = Blueprint("orders", __name__)
    cashier = Cashier(edge, grant_keys, hold_for)

    @routes.get("/v1/cart")
    def cart() -> Response:
        vendor = edge.shop(Capability.ORDERS)
        wanted = read_query(CartQuery)
        with edge.reading(vendor) as tx:
            return answer(show_cart(tx, vendor, wanted.customer, edge.clock.now()))

    @routes.post("/v1/cart/lines")
    def add() -> Response:
        command = edge.command("cart.add", Capability.ORDERS)
        wanted = read_body(AddLine)
        return edge.perform(command, lambda tx: (200, add_line(tx, command.vendor, catalogue, wanted, command.now)))

    @routes.post("/v1/cart/lines/remove")
    def remove() -> Response:
        command = edge.command("cart.remove", Capability.ORDERS)
        wanted = read_body(RemoveLine)
        return edge.perform(command, lambda tx: (200, remove_line(tx, command.vendor, wanted, command.now)))

    @routes.post("/v1/cart/confirm")
    def confirm() -> Response:
        command = edge.command("cart.confirm", Capability.ORDERS)
        wanted = read_body(ConfirmCart)
        return edge.perform(
            command, lambda tx: (200, confirm_cart(tx, command.vendor, catalogue, wanted, hold_for, command.now))
        )

    @routes.post("/v1/orders/cancel")
    def cancel() -> Response:
        command = edge.command("orders.cancel", Capability.ORDERS)
        wanted = read_body(CancelOrder)
        return edge.perform(command, lambda tx: (200, cancel_order(tx, command.vendor, wanted, command.now)))

    @routes.post("/v1/orders/pay")
    def pay() -> Response:
        return cashier.pay(edge.command("orders.pay", Capability.ORDERS), read_body(PayOrder))

    @routes.get("/v1/orders")
    def history() -> Response:
        vendor = edge.shop(Capability.ORDERS)
        wanted = read_query(OrdersQuery)
        with edge.reading(vendor) as tx:
            customer = find_customer(tx, vendor.id, checked_address(wanted.customer))
            if customer is None:
                return answer(OrderList(orders=[]))
            found = newest_orders(tx, vendor.id, customer.id, wanted.limit)
            return answer(OrderList(orders=order_views(tx, vendor, found, edge.clock.now())))

    return routes
