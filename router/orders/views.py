"""Orders as the floors above see them: with what is held, where the money stands, and the refusals that show them."""

from collections.abc import Sequence
from datetime import datetime

from contracts.errors import ErrorCode
from contracts.events import OrderNews
from contracts.ids import OrderId
from contracts.places import map_url
from contracts.router_api import CartView, DeliveryView, DiscountView, LineView, OrderView, PaymentView
from contracts.states import IntentStatus, OrderStatus
from kit.db import Tx
from kit.problems import Problem
from router.customers.service import get_customer
from router.orders.rules import Line, Order
from router.orders.service import OpenOrders, OrderRefused, order_of
from router.payments import service as payments
from router.stock import service as stock
from router.vendors.service import Vendor

PAYABLE_KIND = "order"


def order_views(tx: Tx, vendor: Vendor, orders: Sequence[Order], now: datetime) -> list[OrderView]:
    """In the order given; all of one customer. A DRAFT has no money and holds nothing, so carts cost no look-up."""
    confirmed = [order.id for order in orders if order.status is OrderStatus.CONFIRMED]
    billed = [order.id for order in orders if order.confirmed_at is not None]
    held_until = stock.held_until(tx, vendor.id, confirmed)
    paid = [order.id for order in orders if order.status is OrderStatus.PAID]
    receipts = payments.receipts(tx, vendor_id=vendor.id, payable_kind=PAYABLE_KIND, payable_ids=paid)
    money = (
        payments.views(
            tx,
            vendor_id=vendor.id,
            payable_kind=PAYABLE_KIND,
            payable_ids=billed,
            customer_id=orders[0].customer_id,
            now=now,
            timezone=vendor.timezone,
        )
        if billed
        else {}
    )
    called_off = [order.id for order in orders if order.status is OrderStatus.CANCELLED and _came(money.get(order.id))]
    sent_back = payments.sent_back(tx, vendor_id=vendor.id, payable_kind=PAYABLE_KIND, payable_ids=called_off)
    return [
        OrderView(
            order_id=order.id,
            code=order.code,
            status=order.status,
            currency=order.currency,
            total_minor=order.total.minor,
            lines=[line_view(line) for line in order.lines],
            created_at=order.created_at,
            confirmed_at=order.confirmed_at,
            paid_at=order.paid_at,
            hold_expires_at=held_until.get(order.id),
            receipt=receipts.get(order.id),
            payment=money.get(order.id),
            subtotal_minor=order.sum.subtotal.minor,
            delivery=delivery_view(order),
            discount=discount_view(order),
            note=order.note,
            scheduled_for=order.scheduled_for,
            sent_back_minor=sent_back.get(order.id, 0),
        )
        for order in orders
    ]


def _came(payment: PaymentView | None) -> bool:
    return payment is not None and payment.intent_status is IntentStatus.SUCCEEDED


def order_view(tx: Tx, vendor: Vendor, order: Order, now: datetime) -> OrderView:
    return order_views(tx, vendor, [order], now)[0]


def cart_view(tx: Tx, vendor: Vendor, found: OpenOrders, now: datetime) -> CartView:
    views = order_views(tx, vendor, [*([found.cart] if found.cart else []), *found.confirmed], now)
    return CartView(cart=views[0], unpaid=views[1:]) if found.cart else CartView(cart=None, unpaid=views)


def order_news(tx: Tx, vendor: Vendor, order_id: OrderId, now: datetime) -> OrderNews:
    """How the order stands, and whom to tell."""
    order = order_of(tx, vendor.id, order_id)
    customer = get_customer(tx, vendor.id, order.customer_id)
    return OrderNews(
        order=order_view(tx, vendor, order, now),
        customer_address=customer.address,
        shop_name=vendor.name,
        customer_name=customer.name,
    )


def refusal(tx: Tx, vendor: Vendor, refused: OrderRefused, now: datetime) -> Problem:
    """What to answer when the state machine said no: with the order as it stands now."""
    order = order_of(tx, vendor.id, refused.order.id)
    return Problem(
        409,
        ErrorCode.ORDER_TRANSITION_REFUSED,
        f"order {order.code} is {order.status}: it takes no {refused.event} any more",
        order=order_view(tx, vendor, order, now),
    )


def which_order(tx: Tx, vendor: Vendor, candidates: Sequence[Order], now: datetime) -> Problem:
    return Problem(
        409,
        ErrorCode.WHICH_ORDER,
        "several orders fit; name one by its code",
        orders=order_views(tx, vendor, candidates, now),
    )


def sold_out(name: str, available: int) -> Problem:
    """`item` is the item's name as the customer knows it."""
    left = f"only {available} left" if available else "none left"
    return Problem(409, ErrorCode.ITEM_SOLD_OUT, f"{name}: {left}", item=name, available=available)


def line_view(line: Line) -> LineView:
    return LineView(
        line_no=line.line_no,
        item_id=line.item_id,
        name=line.name,
        quantity=line.quantity,
        unit_price_minor=line.unit_price.minor,
        total_minor=line.total.minor,
    )


def delivery_view(order: Order) -> DeliveryView | None:
    """None where the customer did not say."""
    delivery = order.delivery
    if delivery is None:
        return None
    place = delivery.place
    return DeliveryView(
        kind=delivery.kind,
        zone_id=delivery.zone_id,
        zone_name=delivery.zone_name,
        fee_minor=delivery.fee.minor,
        latitude=None if place is None else place.latitude,
        longitude=None if place is None else place.longitude,
        map_url=None if place is None else map_url(place.latitude, place.longitude),
        landmark=delivery.landmark,
    )


def discount_view(order: Order) -> DiscountView | None:
    """None without a voucher."""
    discount = order.discount
    if discount is None or order.taken_off is None:
        return None
    return DiscountView(
        code=discount.code,
        amount_minor=order.taken_off.minor,
        percent=discount.percent,
        minimum_minor=discount.minimum.minor,
    )
