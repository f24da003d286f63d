"""How the terms of an order stand in its row: delivery, discount, note and day."""

from typing import Any

from sqlalchemy import Row

from contracts.money import Currency, Money
from contracts.places import Place
from contracts.states import FulfilmentKind
from router.orders.rules import Order
from router.orders.terms import Delivery, Discount


def delivery_in(row: Row[Any], currency: Currency) -> Delivery | None:
    """What a row of orders says of it."""
    if row.fulfilment is None:
        return None
    return Delivery(
        kind=FulfilmentKind(row.fulfilment),
        fee=Money(row.fee_minor, currency),
        zone_id=row.zone_id,
        zone_name=row.zone_name,
        place=None if row.latitude_e6 is None else Place(row.latitude_e6, row.longitude_e6),
        landmark=row.landmark,
    )


def discount_in(row: Row[Any], currency: Currency) -> Discount | None:
    """What a row of orders says of it."""
    if row.voucher_id is None:
        return None
    return Discount(
        voucher_id=row.voucher_id,
        code=row.voucher_code,
        percent=row.voucher_percent,
        amount=None if row.voucher_amount_minor is None else Money(row.voucher_amount_minor, currency),
        minimum=Money(row.voucher_minimum_minor, currency),
    )


def terms_values(order: Order) -> dict[str, Any]:
    """The columns of everything but lines and status, always the same ones."""
    delivery, discount = order.delivery, order.discount
    place = None if delivery is None else delivery.place
    return {
        "note": order.note,
        "scheduled_for": order.scheduled_for,
        "fulfilment": None if delivery is None else delivery.kind,
        "zone_id": None if delivery is None else delivery.zone_id,
        "zone_name": None if delivery is None else delivery.zone_name,
        "fee_minor": 0 if delivery is None else delivery.fee.minor,
        "latitude_e6": None if place is None else place.latitude_e6,
        "longitude_e6": None if place is None else place.longitude_e6,
        "landmark": "" if delivery is None else delivery.landmark,
        "voucher_id": None if discount is None else discount.voucher_id,
        "voucher_code": None if discount is None else discount.code,
        "voucher_percent": None if discount is None else discount.percent,
        "voucher_amount_minor": None if discount is None or discount.amount is None else discount.amount.minor,
        "voucher_minimum_minor": 0 if discount is None else discount.minimum.minor,
    }
