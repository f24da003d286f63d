"""Where a shop delivers, over the vendor's API."""

from typing import Annotated, Self

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contracts.errors import ErrorCode, FieldError
from contracts.ids import new_id
from contracts.money import Currency, Money
from contracts.places import EXAMPLE, Latitude, Longitude, Place
from contracts.states import Capability
from kit.db import Tx
from kit.problems import Problem
from kit.web import answer, read_body
from router.delivery.service import MAX_ZONES, FeeNotWhole, Zone, Zones, put_zone, remove_zone, zones_of
from router.edge import Call, Edge, Routes
from router.operations import BY_VENDOR, KeyScope, Operation

_MAX_FEE_MINOR = 10_000_000_000


class ZoneGiven(BaseModel):
    """A zone, new or, with the `zone_id` of one that there is, changed. On the map it is a circle: then all three of
    latitude, longitude and radius_m are needed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] = Field(
        examples=["Kilimani"]
    )
    fee_minor: Annotated[int, Field(strict=True, ge=0, le=_MAX_FEE_MINOR, examples=[15000])]
    latitude: Latitude | None = Field(None, examples=[EXAMPLE[0]])
    longitude: Longitude | None = Field(None, examples=[EXAMPLE[1]])
    radius_m: Annotated[int, Field(strict=True, ge=100, le=500_000)] | None = Field(None, examples=[3000])
    zone_id: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None

    @model_validator(mode="after")
    def _is_whole_circle(self) -> Self:
        if len({self.latitude is None, self.longitude is None, self.radius_m is None}) > 1:
            raise ValueError("latitude, longitude and radius_m: all three or none")
        return self


class VendorZone(BaseModel):
    model_config = ConfigDict(frozen=True)

    zone_id: str
    name: str
    fee_minor: int
    currency: Currency
    latitude: Latitude | None
    longitude: Longitude | None
    radius_m: int | None


class VendorZones(BaseModel):
    model_config = ConfigDict(frozen=True)

    zones: list[VendorZone]


_NEEDS = (Capability.ORDERS,)
LIST_ZONES = Operation(
    "vendor.zones.list",
    "GET",
    "/api/v1/delivery-zones",
    "Where the shop delivers, in its order",
    BY_VENDOR,
    needs=_NEEDS,
    scope=KeyScope.SHOP_READ,
    answer=VendorZones,
    tag="delivery",
)
PUT_ZONE = Operation(
    "vendor.zones.put",
    "POST",
    "/api/v1/delivery-zones",
    "Add a zone, or change one",
    BY_VENDOR,
    needs=_NEEDS,
    scope=KeyScope.SHOP_WRITE,
    body=ZoneGiven,
    answer=VendorZone,
    problems=((404, ErrorCode.ZONE_UNKNOWN), (422, ErrorCode.AMOUNT_INVALID)),
    description="Customers are asked how to get their goods once there is a zone. An order keeps the fee that it has.",
    tag="delivery",
)
REMOVE_ZONE = Operation(
    "vendor.zones.remove",
    "DELETE",
    "/api/v1/delivery-zones/<zone_id>",
    "Deliver to a zone no longer",
    BY_VENDOR,
    needs=_NEEDS,
    scope=KeyScope.SHOP_WRITE,
    answer=VendorZones,
    problems=((404, ErrorCode.ZONE_UNKNOWN),),
    description="The answer shows those that are left. An order keeps what it says of it.",
    tag="delivery",
    parameters={"zone_id": "The zone's id, as the list shows it"},
)


def zone_routes(edge: Edge, zones: Zones) -> Blueprint:
    routes = Routes(edge, "vendor_zones")

    def changed(tx: Tx, call: Call) -> None:
        tx.after_commit(lambda: zones.forget(call.vendor.id, call.vendor.currency))

    @routes.add(LIST_ZONES)
    def listed(call: Call) -> Response:
        with edge.databases.platform.read() as tx:
            return answer(_shown(tx, call))

    @routes.add(PUT_ZONE)
    def put(call: Call) -> Response:
        given = read_body(ZoneGiven)

        def effect(tx: Tx) -> tuple[int, VendorZone]:
            zone = kept_zone(tx, call, given)
            changed(tx, call)
            return 200, _view(zone)

        return edge.perform_on_platform(call, effect)

    @routes.add(REMOVE_ZONE)
    def remove(call: Call, zone_id: str) -> Response:
        def effect(tx: Tx) -> tuple[int, VendorZones]:
            if not remove_zone(tx, call.vendor.id, zone_id):
                raise _unknown()
            changed(tx, call)
            return 200, _shown(tx, call)

        return edge.perform_on_platform(call, effect)

    return routes.blueprint


def kept_zone(tx: Tx, call: Call, given: ZoneGiven) -> Zone:
    """Raises Problem 404 zone_unknown, 422 amount_invalid, or 422 where the shop has as many as it may have."""
    vendor = call.vendor
    if given.zone_id is not None and given.zone_id not in {
        zone.id for zone in zones_of(tx, vendor.id, vendor.currency)
    }:
        raise _unknown()
    zone = zone_in(given, vendor.currency, given.zone_id or new_id(call.now))
    if not put_zone(tx, vendor.id, zone):
        raise Problem(422, ErrorCode.INVALID_REQUEST, f"a shop has at most {MAX_ZONES} zones: remove one first")
    return zone


def zone_in(given: ZoneGiven, currency: Currency, zone_id: str) -> Zone:
    """Raises Problem 422 amount_invalid."""
    centre = None
    if given.latitude is not None and given.longitude is not None:
        centre = Place.at(given.latitude, given.longitude)
    try:
        return Zone(zone_id, given.name, Money(given.fee_minor, currency), centre, given.radius_m)
    except FeeNotWhole as error:
        raise Problem(
            422,
            ErrorCode.AMOUNT_INVALID,
            "a fee in shillings is whole: 15000 are one hundred and fifty",
            errors=[FieldError(field="fee_minor", problem="not a whole amount")],
        ) from error


def _unknown() -> Problem:
    return Problem(404, ErrorCode.ZONE_UNKNOWN, "the shop has no zone with this id", zones=[])


def _shown(tx: Tx, call: Call) -> VendorZones:
    return VendorZones(zones=[_view(zone) for zone in zones_of(tx, call.vendor.id, call.vendor.currency)])


def _view(zone: Zone) -> VendorZone:
    return VendorZone(
        zone_id=zone.id,
        name=zone.name,
        fee_minor=zone.fee.minor,
        currency=zone.fee.currency,
        latitude=None if zone.centre is None else zone.centre.latitude,
        longitude=None if zone.centre is None else zone.centre.longitude,
        radius_m=zone.radius_m,
    )
