"""The development API: orders and shops for a person with curl on the same machine. Registered in local mode only."""

from datetime import datetime

from flask import Blueprint, Response, request
from sqlalchemy import select

from contracts.errors import ErrorCode
from contracts.ids import ChannelAddress, CustomerId, VendorId
from contracts.money import Currency, Money
from contracts.router_api import NewOrder, OrderSummary
from contracts.states import Capability, OrderStatus
from kit.db import Tx
from kit.problems import Problem
from kit.signing import VENDOR_HEADER
from kit.web import answer, read_body
from router.customers.service import addresses_of, phone_of
from router.edge import Call, Edge, Routes
from router.operations import BY_OPERATOR, Operation
from router.orders.models import orders
from router.orders.open_amount import draft_open_amount
from router.vendors.service import Vendor

MAX_LISTED_ORDERS = 50


_CREATE = Operation(
    "development.orders.create",
    "POST",
    "/orders",
    "Make a DRAFT order with one open amount (local mode)",
    BY_OPERATOR,
    needs=(Capability.ORDERS,),
    body=NewOrder,
    answer=OrderSummary,
    status=201,
    problems=((403, ErrorCode.VENDOR_MISMATCH),),
    tag="development",
)
_LIST_ORDERS = Operation(
    "development.orders.list",
    "GET",
    "/orders",
    "The newest orders of one shop, or of all (local mode)",
    BY_OPERATOR,
    of_shop=False,
    tag="development",
)
_LIST_VENDORS = Operation(
    "development.vendors.list",
    "GET",
    "/vendors",
    "Every shop (local mode)",
    BY_OPERATOR,
    of_shop=False,
    tag="development",
)


def development_routes(edge: Edge) -> Blueprint:
    routes = Routes(edge, "development")

    @routes.add(_CREATE)
    def create(call: Call) -> Response:
        wanted = read_body(NewOrder)
        if wanted.vendor_id != call.vendor.id:
            detail = f"{VENDOR_HEADER} and the body's vendor_id name two shops"
            raise Problem(403, ErrorCode.VENDOR_MISMATCH, detail)
        return edge.perform(call, lambda tx: (201, create_order(tx, call.vendor, wanted, call.now)))

    @routes.add(_LIST_ORDERS)
    def orders_of_shops(_call: Call) -> Response:
        named = request.headers.get(VENDOR_HEADER)
        if named is None:
            shops = [VendorId(shop.id) for shop in edge.directory.summaries()]
        else:
            shops = [edge.directory.permit(named).id]
        found: list[OrderSummary] = []
        for vendor_id in shops:
            with edge.databases.ops(vendor_id).read() as tx:
                found += _newest(tx, vendor_id)
        found.sort(key=lambda order: (order.created_at, order.id), reverse=True)
        return answer({"orders": [order.model_dump(mode="json") for order in found[:MAX_LISTED_ORDERS]]})

    @routes.add(_LIST_VENDORS)
    def vendors(_call: Call) -> Response:
        return answer({"vendors": [vendor.model_dump(mode="json") for vendor in edge.directory.summaries()]})

    return routes.blueprint


def create_order(tx: Tx, vendor: Vendor, wanted: NewOrder, now: datetime) -> OrderSummary:
    """A DRAFT with one open-amount line, in the cart of the customer whose WhatsApp number it is.

    Raises Problem 422 for a phone number that is none."""
    amount = Money.of_whole(wanted.amount, vendor.currency)
    order, customer = draft_open_amount(tx, vendor, wanted.customer_phone, amount, now)
    return OrderSummary(
        id=order.id,
        code=order.code,
        vendor_id=vendor.id,
        customer_phone=customer.phone,
        status=order.status,
        amount=wanted.amount,
        currency=order.currency,
        created_at=order.created_at,
    )


def _newest(tx: Tx, vendor_id: VendorId) -> list[OrderSummary]:
    newest = select(orders).order_by(orders.c.created_at.desc(), orders.c.id.desc()).limit(MAX_LISTED_ORDERS)
    rows = tx.execute(newest.where(orders.c.vendor_id == vendor_id)).all()
    whose = addresses_of(tx, {(VendorId(row.vendor_id), CustomerId(row.customer_id)) for row in rows})
    return [
        OrderSummary(
            id=row.id,
            code=row.code,
            vendor_id=row.vendor_id,
            customer_phone=phone_of(whose.get((row.vendor_id, row.customer_id), ChannelAddress(""))),
            status=OrderStatus(row.status),
            amount=row.total_minor // Currency(row.currency).minor_per_whole,
            currency=Currency(row.currency),
            created_at=row.created_at,
        )
        for row in rows
    ]
