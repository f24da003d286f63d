"""What a customer says of a cart besides what is in it: how it gets to them, a note, a voucher, and for which day.

Everything here runs under the customer's row lock, and the total is worked out anew each time."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from contracts.errors import ErrorCode, FieldError
from contracts.money import Money
from contracts.places import Place
from contracts.router_api import (
    MAX_DAYS_AHEAD,
    CartView,
    CustomerRef,
    SetDay,
    SetFulfilment,
    SetNote,
    SetVoucher,
    ZoneView,
)
from contracts.states import FulfilmentKind
from kit.db import Tx
from kit.problems import Problem
from router.customers.service import locked_customer
from router.delivery.service import Zone, zone_around
from router.orders.checkout import Shelves
from router.orders.rules import Order
from router.orders.service import OpenOrders, edit, open_orders
from router.orders.terms import Delivery, Discount
from router.orders.views import cart_view
from router.vendors.service import Vendor
from router.vouchers import service as vouchers


def set_fulfilment(tx: Tx, vendor: Vendor, shelves: Shelves, wanted: SetFulfilment, now: datetime) -> CartView:
    """Raises what `SetFulfilment` lists, and Problem 422 for half a place."""
    if (wanted.latitude is None) != (wanted.longitude is None):
        raise Problem(
            422,
            ErrorCode.INVALID_REQUEST,
            "a place is a latitude and a longitude",
            errors=[FieldError(field="longitude", problem="both or neither")],
        )
    found = _carts(tx, vendor, wanted.customer, now)
    cart = _cart(found)
    free = Money.zero(vendor.currency)
    if wanted.kind is FulfilmentKind.PICKUP:
        return _kept(tx, vendor, found, replace(cart, delivery=Delivery(FulfilmentKind.PICKUP, free)), now)
    has_pin = wanted.latitude is not None and wanted.longitude is not None
    place = Place.at(wanted.latitude or 0, wanted.longitude or 0) if has_pin else None
    zone = _zone(vendor, shelves, wanted.zone_id, place)
    delivery = Delivery(FulfilmentKind.DELIVERY, zone.fee, zone.id, zone.name, place, _tidy(wanted.landmark))
    return _kept(tx, vendor, found, replace(cart, delivery=delivery), now)


def set_note(tx: Tx, vendor: Vendor, wanted: SetNote, now: datetime) -> CartView:
    """Raises Problem 409 cart_empty."""
    found = _carts(tx, vendor, wanted.customer, now)
    return _kept(tx, vendor, found, replace(_cart(found), note=_tidy(wanted.note)), now)


def set_voucher(tx: Tx, vendor: Vendor, wanted: SetVoucher, now: datetime) -> CartView:
    """Raises what `SetVoucher` lists."""
    customer = locked_customer(tx, vendor.id, wanted.customer, now)
    found = open_orders(tx, vendor.id, customer.id)
    cart = _cart(found)
    if wanted.code is None:
        return _kept(tx, vendor, found, replace(cart, discount=None), now)
    voucher = vouchers.offered(tx, vendor.id, vendor.currency, customer.id, wanted.code, now)
    subtotal = cart.sum.subtotal
    if subtotal.minor < voucher.minimum.minor:
        raise Problem(
            409,
            ErrorCode.VOUCHER_MINIMUM,
            f"the voucher {voucher.code} counts from a higher amount on",
            minimum_minor=voucher.minimum.minor,
            subtotal_minor=subtotal.minor,
        )
    discount = Discount(voucher.id, voucher.code, voucher.percent, voucher.amount, voucher.minimum)
    return _kept(tx, vendor, found, replace(cart, discount=discount), now)


def set_day(tx: Tx, vendor: Vendor, shelves: Shelves, wanted: SetDay, now: datetime) -> CartView:
    """Raises what `SetDay` lists."""
    found = _carts(tx, vendor, wanted.customer, now)
    cart = _cart(found)
    due = None if wanted.day is None else _opening_of(vendor, shelves, wanted.day, now)
    return _kept(tx, vendor, found, replace(cart, scheduled_for=due), now)


def zone_views(zones: list[Zone]) -> list[ZoneView]:
    return [
        ZoneView(zone_id=zone.id, name=zone.name, fee_minor=zone.fee.minor, is_on_map=zone.is_on_map) for zone in zones
    ]


def _carts(tx: Tx, vendor: Vendor, ref: CustomerRef, now: datetime) -> OpenOrders:
    customer = locked_customer(tx, vendor.id, ref, now)
    return open_orders(tx, vendor.id, customer.id)


def _cart(found: OpenOrders) -> Order:
    if found.cart is None:
        raise Problem(409, ErrorCode.CART_EMPTY, "there is no cart: put something into it first")
    return found.cart


def _kept(tx: Tx, vendor: Vendor, found: OpenOrders, after: Order, now: datetime) -> CartView:
    cart = edit(tx, _cart(found), after, now)
    return cart_view(tx, vendor, OpenOrders(cart, found.confirmed), now)


def _zone(vendor: Vendor, shelves: Shelves, zone_id: str | None, place: Place | None) -> Zone:
    zones = shelves.zones.of(vendor.id, vendor.currency)
    if not zones:
        raise Problem(409, ErrorCode.DELIVERY_UNAVAILABLE, f"{vendor.name} does not deliver")
    if zone_id is not None:
        zone = shelves.zones.find(vendor.id, vendor.currency, zone_id)
        if zone is None:
            raise Problem(404, ErrorCode.ZONE_UNKNOWN, "the shop has no such zone", zones=zone_views(zones))
        if place is not None and zone.is_on_map and not zone.holds(place):
            raise Problem(409, ErrorCode.OUTSIDE_ZONES, f"the place is not in {zone.name}", zones=zone_views(zones))
        return zone
    if place is None:
        raise Problem(422, ErrorCode.ZONE_MISSING, "say where to: a zone or a place", zones=zone_views(zones))
    around = zone_around(zones, place)
    if around is None:
        raise Problem(409, ErrorCode.OUTSIDE_ZONES, "the place is in none of the zones", zones=zone_views(zones))
    return around


def _opening_of(vendor: Vendor, shelves: Shelves, day: date, now: datetime) -> datetime | None:
    """When an order for that day is due; None: at once."""
    today = now.astimezone(ZoneInfo(vendor.timezone)).date()
    if not today <= day <= today + timedelta(days=MAX_DAYS_AHEAD):
        raise Problem(
            422,
            ErrorCode.DAY_INVALID,
            f"an order is for today or up to {MAX_DAYS_AHEAD} days ahead",
            errors=[FieldError(field="day", problem=f"{day} is not from {today} to {MAX_DAYS_AHEAD} days later")],
        )
    opening = shelves.hours.opening(vendor.id, vendor.timezone, now)
    if day == today and (opening is None or opening.is_open):
        return None
    opens_at = shelves.hours.opens_on(vendor.id, vendor.timezone, day, now)
    if opens_at is None:
        raise Problem(409, ErrorCode.SHOP_CLOSED, f"{vendor.name} does not open on {day}", opening=opening)
    return opens_at


def _tidy(text: str) -> str:
    """One line of what can be shown."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
