"""When a shop is open, over the vendor's API."""

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict

from contracts.router_api import OpeningView
from contracts.states import Capability
from kit.db import Tx
from kit.web import answer, read_body
from router.edge import Call, Edge, Routes
from router.hours.rules import Hours
from router.hours.service import OpeningHours, hours_of, set_hours
from router.operations import BY_VENDOR, KeyScope, Operation


class VendorHours(BaseModel):
    model_config = ConfigDict(frozen=True)

    hours: Hours | None
    """None: the shop keeps no hours, and is always open."""
    timezone: str
    opening: OpeningView | None
    """As customers see it now."""


_NEEDS = (Capability.ORDERS,)
SHOW_HOURS = Operation(
    "vendor.hours.show",
    "GET",
    "/api/v1/opening-hours",
    "When the shop is open",
    BY_VENDOR,
    needs=_NEEDS,
    scope=KeyScope.SHOP_READ,
    answer=VendorHours,
    tag="shop",
)
SET_HOURS = Operation(
    "vendor.hours.set",
    "PUT",
    "/api/v1/opening-hours",
    "Say when the shop is open",
    BY_VENDOR,
    needs=_NEEDS,
    scope=KeyScope.SHOP_WRITE,
    body=Hours,
    answer=VendorHours,
    description="In the shop's own zone. While it is closed customers still fill carts and pay: such an order is for "
    "the next opening.",
    tag="shop",
)
REMOVE_HOURS = Operation(
    "vendor.hours.remove",
    "DELETE",
    "/api/v1/opening-hours",
    "Keep no hours: the shop is always open",
    BY_VENDOR,
    needs=_NEEDS,
    scope=KeyScope.SHOP_WRITE,
    answer=VendorHours,
    tag="shop",
)


def hours_routes(edge: Edge, opening: OpeningHours) -> Blueprint:
    routes = Routes(edge, "vendor_hours")

    def shown(call: Call, hours: Hours | None) -> VendorHours:
        vendor = call.vendor
        return VendorHours(
            hours=hours, timezone=vendor.timezone, opening=opening.of_hours(hours, vendor.timezone, call.now)
        )

    def kept(call: Call, hours: Hours | None) -> Response:
        def effect(tx: Tx) -> tuple[int, VendorHours]:
            set_hours(tx, call.vendor.id, hours)
            tx.after_commit(lambda: opening.forget(call.vendor.id))
            return 200, shown(call, hours)

        return edge.perform_on_platform(call, effect)

    @routes.add(SHOW_HOURS)
    def show(call: Call) -> Response:
        with edge.databases.platform.read() as tx:
            return answer(shown(call, hours_of(tx, call.vendor.id)))

    @routes.add(SET_HOURS)
    def put(call: Call) -> Response:
        return kept(call, read_body(Hours))

    @routes.add(REMOVE_HOURS)
    def remove(call: Call) -> Response:
        return kept(call, None)

    return routes.blueprint
