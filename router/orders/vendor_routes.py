"""Orders over the vendor's API: made for a customer, looked at one by one, and listed."""

from datetime import datetime
from typing import Annotated

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.errors import ErrorCode, FieldError
from contracts.ids import OrderId
from contracts.money import Currency, Money
from contracts.router_api import DeliveryView, DiscountView, LineView
from contracts.states import Capability, OrderStatus, RequestStatus
from kit.db import Tx
from kit.paging import Moment, NewestFirst, Time, paged
from kit.problems import Problem
from kit.web import answer, read_body, read_query
from router.customers.service import address_of, find_customer, normalized_msisdn, shown_number
from router.edge import Call, Edge, Routes
from router.operations import BY_BOT, BY_VENDOR, KeyScope, Operation
from router.orders.listing import Filters, Sale, newest_sales, one_sale
from router.orders.open_amount import draft_open_amount
from router.orders.rules import OrderSource
from router.orders.views import delivery_view, discount_view, line_view

_MAX_ID_LENGTH = 100
_MAX_AMOUNT_MINOR = 10_000_000_000

_NUMBERS = "Customers' numbers are masked (2547*****149) unless the API key is good for customers:read too."

Phone = Annotated[str, StringConstraints(min_length=6, max_length=20)]


class OrdersQuery(NewestFirst):
    status: OrderStatus | None = Field(None, description="Only those that stand like this.")
    since: Time | None = Field(None, description="Made at this time or later.")
    until: Time | None = Field(None, description="Made before this time.")
    customer: Phone | None = Field(
        None, description="Only those of the customer with this number.", examples=["254708374149"]
    )
    code: Annotated[str, StringConstraints(min_length=1, max_length=20)] | None = Field(
        None, description="Only the one with this code, as people type it."
    )


class NewVendorOrder(BaseModel):
    """A sum that was agreed with a customer: it becomes their cart, and they confirm and pay it in the chat."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    customer_phone: Phone = Field(
        description="The customer's WhatsApp number, with its country code.", examples=["254708374149"]
    )
    amount_minor: Annotated[int, Field(strict=True, ge=1, le=_MAX_AMOUNT_MINOR)] = Field(
        description="In minor units of the shop's currency: 3000 are thirty shillings. Shillings are whole.",
        examples=[3000],
    )


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class VendorCustomer(_Answer):
    customer_id: str
    name: str
    phone: str | None
    """None for a customer whose number is hidden."""


class VendorOrderMoney(_Answer):
    """Where the money of an order stands."""

    request_id: str
    status: RequestStatus
    receipt: str | None
    """The provider's receipt number, once paid: the M-Pesa code."""


class VendorOrder(_Answer):
    order_id: str
    code: str
    """What the customer reads and types."""
    status: OrderStatus
    source: OrderSource
    currency: Currency
    total_minor: int
    """What is to be paid: `subtotal_minor` + `delivery_fee_minor` - `discount_minor`. All are in minor units."""
    subtotal_minor: int
    """The lines together."""
    delivery_fee_minor: int
    discount_minor: int
    """What the voucher takes off."""
    lines: list[LineView]
    delivery: DeliveryView | None
    """How the goods get to the customer. None where they did not say: where the shop delivers, they come for it."""
    discount: DiscountView | None
    """The voucher. None without one."""
    note: str
    """What the customer wants the shop to know."""
    scheduled_for: datetime | None
    """Not before this moment. None: as soon as possible."""
    customer: VendorCustomer
    created_at: datetime
    confirmed_at: datetime | None
    paid_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    payment: VendorOrderMoney | None
    """None until the order is confirmed."""


class VendorOrders(_Answer):
    orders: list[VendorOrder]
    next_cursor: str | None


LIST_ORDERS = Operation(
    "vendor.orders.list",
    "GET",
    "/api/v1/orders",
    "Orders, newest first",
    BY_VENDOR,
    needs=(Capability.ORDERS,),
    scope=KeyScope.ORDERS_READ,
    query=OrdersQuery,
    answer=VendorOrders,
    description=_NUMBERS,
    tag="orders",
)
SHOW_ORDER = Operation(
    "vendor.orders.show",
    "GET",
    "/api/v1/orders/<order_id>",
    "One order",
    BY_VENDOR,
    needs=(Capability.ORDERS,),
    scope=KeyScope.ORDERS_READ,
    answer=VendorOrder,
    problems=((404, ErrorCode.ORDER_UNKNOWN),),
    description=_NUMBERS,
    tag="orders",
    parameters={"order_id": "The order's id, as the list shows it"},
)
CREATE_ORDER = Operation(
    "vendor.orders.create",
    "POST",
    "/api/v1/orders",
    "Make an order over an agreed sum for a customer",
    BY_VENDOR | BY_BOT,
    needs=(Capability.ORDERS,),
    scope=KeyScope.ORDERS_WRITE,
    body=NewVendorOrder,
    answer=VendorOrder,
    status=201,
    problems=((422, ErrorCode.AMOUNT_INVALID),),
    description="The order is a DRAFT: the customer finds it in the chat as their cart, confirms it and pays. Nothing "
    "is charged, and nothing is sent to the customer, by this call.",
    tag="orders",
)


def vendor_order_routes(edge: Edge) -> Blueprint:
    routes = Routes(edge, "vendor_orders")

    @routes.add(LIST_ORDERS)
    def orders(call: Call) -> Response:
        wanted = read_query(OrdersQuery)
        with edge.reading(call.vendor) as tx:
            found = _found(tx, call, wanted)
        page, following = paged(found, wanted.limit, lambda sale: Moment(sale.order.created_at, sale.order.id))
        return answer(VendorOrders(orders=[_shown(call, sale) for sale in page], next_cursor=following))

    @routes.add(SHOW_ORDER)
    def order(call: Call, order_id: str) -> Response:
        found = None
        if len(order_id) <= _MAX_ID_LENGTH and order_id.isprintable():
            with edge.reading(call.vendor) as tx:
                found = one_sale(tx, call.vendor.id, OrderId(order_id))
        if found is None:
            raise Problem(404, ErrorCode.ORDER_UNKNOWN, "the shop has no order with this id")
        return answer(_shown(call, found))

    @routes.add(CREATE_ORDER)
    def create(call: Call) -> Response:
        wanted = read_body(NewVendorOrder)
        amount = Money(wanted.amount_minor, call.vendor.currency)

        def made(tx: Tx) -> tuple[int, BaseModel]:
            new, customer = draft_open_amount(tx, call.vendor, wanted.customer_phone, amount, call.now)
            return 201, _shown(call, Sale(new, customer, None))

        return edge.perform(call, made)

    return routes.blueprint


def _found(tx: Tx, call: Call, wanted: OrdersQuery) -> list[Sale]:
    """One row more than was asked for, where there are more. Raises Problem 422 for a number that is none."""
    customer = None
    if wanted.customer is not None:
        msisdn = normalized_msisdn(wanted.customer, call.vendor.currency)
        if msisdn is None:
            raise Problem(
                422,
                ErrorCode.INVALID_REQUEST,
                "customer is not a phone number; write it with its country code, such as 254708374149",
                errors=[FieldError(field="customer", problem="not a phone number")],
            )
        customer = find_customer(tx, call.vendor.id, address_of(msisdn))
        if customer is None:
            return []
    filters = Filters(wanted.status, wanted.since, wanted.until, customer, wanted.code)
    return newest_sales(tx, call.vendor.id, filters, wanted.cursor, wanted.limit + 1)


def _shown(call: Call, sale: Sale) -> VendorOrder:
    order, customer, money = sale.order, sale.customer, sale.collected
    return VendorOrder(
        order_id=order.id,
        code=order.code,
        status=order.status,
        source=order.source,
        currency=order.currency,
        total_minor=order.total.minor,
        subtotal_minor=order.sum.subtotal.minor,
        delivery_fee_minor=0 if order.delivery is None else order.delivery.fee.minor,
        discount_minor=0 if order.taken_off is None else order.taken_off.minor,
        lines=[line_view(line) for line in order.lines],
        delivery=delivery_view(order),
        discount=discount_view(order),
        note=order.note,
        scheduled_for=order.scheduled_for,
        customer=VendorCustomer(
            customer_id=customer.id,
            name=customer.name,
            phone=shown_number(customer.phone, whole=call.sees_numbers),
        ),
        created_at=order.created_at,
        confirmed_at=order.confirmed_at,
        paid_at=order.paid_at,
        cancelled_at=order.cancelled_at,
        cancel_reason=order.cancel_reason,
        payment=None
        if money is None
        else VendorOrderMoney(request_id=money.request_id, status=money.status, receipt=money.receipt),
    )
