"""The development API: orders and shops for a person with curl on the same machine. Registered in local mode only."""

from datetime import datetime

from flask import Blueprint, Response, request
from sqlalchemy import select

from contracts.errors import ErrorCode, FieldError
from contracts.ids import ChannelAddress, CustomerId, VendorId
from contracts.money import Currency, Money
from contracts.router_api import CustomerRef, NewOrder, OrderSummary
from contracts.states import Capability, OrderStatus
from kit.db import Tx
from kit.problems import Problem
from kit.signing import VENDOR_HEADER
from kit.web import answer, read_body
from router.customers.service import address_of, addresses_of, known_customer, normalized_msisdn, phone_of
from router.edge import Call, Edge, Routes
from router.operations import BY_OPERATOR, Operation
from router.orders.models import orders
from router.orders.rules import OPEN_AMOUNT_NAME, Line, OrderSource
from router.orders.service import make_draft
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
    msisdn = normalized_msisdn(wanted.customer_phone, vendor.currency)
    if msisdn is None:
        raise Problem(
            422,
            ErrorCode.INVALID_REQUEST,
            "customer_phone is not a phone number; write it with its country code, such as 254708374149",
            errors=[FieldError(field="customer_phone", problem="not a phone number")],
        )
    customer = known_customer(tx, vendor.id, CustomerRef(address=address_of(msisdn)), now)
    amount = Money.of_whole(wanted.amount, vendor.currency)
    line = Line(line_no=1, item_id=None, name=OPEN_AMOUNT_NAME, unit_price=amount, quantity=1)
    order = make_draft(tx, vendor, customer.id, now, source=OrderSource.API, lines=[line])
    return OrderSummary(
        id=order.id,
        code=order.code,
        vendor_id=vendor.id,
        customer_phone=msisdn,
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
