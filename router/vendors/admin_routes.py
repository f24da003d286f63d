"""Shops over the API: an operator opens, changes, suspends and lists them; a shop looks at itself and switches what it
may do."""

from flask import Blueprint, Response

from contracts.errors import ErrorCode
from contracts.ids import VendorId, new_id
from contracts.states import Capability
from kit.db import Tx
from kit.paging import NewestFirst
from kit.settings import Settings
from kit.web import answer, read_body, read_query
from router.edge import Call, Edge, Routes
from router.operations import BY_OPERATOR, BY_VENDOR, Audience, KeyScope, Operation
from router.vendors.administration import (
    capabilities_of,
    change_vendor,
    check_shop_may_switch,
    known_capability,
    list_vendors,
    open_vendor,
    set_capability,
    set_limits,
    set_status,
    show_vendor,
)
from router.vendors.own_database import checked_target
from router.vendors.recording import list_changes
from router.vendors.rules import VendorStatus
from router.vendors.wire import (
    CapabilityList,
    LimitsChange,
    LimitsView,
    NewVendor,
    SwitchCapability,
    VendorChange,
    VendorChanges,
    VendorDetail,
    VendorPage,
    VendorQuery,
)

_SHOP = {"vendor_id": "The shop's id"}

OPEN = Operation(
    "vendors.open",
    "POST",
    "/api/v1/vendors",
    "Open a shop",
    BY_OPERATOR,
    of_shop=False,
    body=NewVendor,
    answer=VendorDetail,
    status=201,
    problems=((409, ErrorCode.SHOP_EXISTS),),
    description="Without a `word` the shortest free one is made from the name. With `db_target` the shop lives in a "
    "database of its own, which is tried at once; `dukani migrate` then makes its tables.",
    tag="vendors",
)
LIST = Operation(
    "vendors.list",
    "GET",
    "/api/v1/vendors",
    "Shops, in the order of their ids",
    BY_OPERATOR,
    of_shop=False,
    query=VendorQuery,
    answer=VendorPage,
    tag="vendors",
)
SHOW = Operation(
    "vendors.show",
    "GET",
    "/api/v1/vendors/<vendor_id>",
    "One shop",
    BY_OPERATOR,
    even_suspended=True,
    answer=VendorDetail,
    tag="vendors",
    parameters=_SHOP,
)
CHANGE = Operation(
    "vendors.change",
    "PATCH",
    "/api/v1/vendors/<vendor_id>",
    "Rename a shop, or change its word, zone or locale",
    BY_OPERATOR,
    even_suspended=True,
    body=VendorChange,
    answer=VendorDetail,
    problems=((409, ErrorCode.SHOP_EXISTS),),
    tag="vendors",
    parameters=_SHOP,
)
SUSPEND = Operation(
    "vendors.suspend",
    "POST",
    "/api/v1/vendors/<vendor_id>/suspend",
    "Suspend a shop: nothing is served for it, nothing of it is lost",
    BY_OPERATOR,
    even_suspended=True,
    answer=VendorDetail,
    tag="vendors",
    parameters=_SHOP,
)
RESUME = Operation(
    "vendors.resume",
    "POST",
    "/api/v1/vendors/<vendor_id>/resume",
    "Serve a suspended shop again",
    BY_OPERATOR,
    even_suspended=True,
    answer=VendorDetail,
    tag="vendors",
    parameters=_SHOP,
)
LIMIT = Operation(
    "vendors.limit",
    "PATCH",
    "/api/v1/vendors/<vendor_id>/limits",
    "A shop's own rate limits, or (null) those of every shop",
    BY_OPERATOR,
    even_suspended=True,
    body=LimitsChange,
    answer=LimitsView,
    tag="vendors",
    parameters=_SHOP,
)
CHANGES = Operation(
    "vendors.changes",
    "GET",
    "/api/v1/vendors/<vendor_id>/changes",
    "Who changed what about a shop, the newest first",
    BY_OPERATOR,
    even_suspended=True,
    query=NewestFirst,
    answer=VendorChanges,
    tag="vendors",
    parameters=_SHOP,
)
OWN = Operation(
    "shop.show",
    "GET",
    "/api/v1/shop",
    "The shop that the API key belongs to",
    BY_VENDOR,
    scope=KeyScope.SHOP_READ,
    even_suspended=True,
    answer=VendorDetail,
    tag="shop",
)
CAPABILITIES = Operation(
    "capabilities.list",
    "GET",
    "/api/v1/capabilities",
    "Every capability: whether the shop has it, what it means, who may switch it",
    BY_VENDOR,
    scope=KeyScope.SHOP_READ,
    even_suspended=True,
    answer=CapabilityList,
    tag="shop",
)
SWITCH = Operation(
    "capabilities.switch",
    "PUT",
    "/api/v1/capabilities/<capability>",
    "Switch a capability on or off",
    BY_VENDOR,
    scope=KeyScope.SHOP_WRITE,
    even_suspended=True,
    body=SwitchCapability,
    answer=CapabilityList,
    problems=((404, ErrorCode.CAPABILITY_UNKNOWN), (403, ErrorCode.FORBIDDEN)),
    description="Counts at once where it was switched, and everywhere within 5 seconds.",
    tag="shop",
    parameters={"capability": "Such as commerce.orders; an unknown one is answered with the list"},
)


def vendor_routes(edge: Edge, settings: Settings) -> Blueprint:
    routes = Routes(edge, "vendors")
    _opening(routes, edge, settings)
    _changing(routes, edge)
    _own_shop(routes, edge)
    return routes.blueprint


def _opening(routes: Routes, edge: Edge, settings: Settings) -> None:
    @routes.add(OPEN)
    def open_shop(call: Call) -> Response:
        wanted = read_body(NewVendor)
        vendor_id = VendorId(wanted.id or new_id(call.now))

        def effect(tx: Tx) -> tuple[int, VendorDetail]:
            return 201, open_vendor(tx, vendor_id, wanted, call.now, by=call.caller.name, target=target)

        # Tried before the transaction: a database that does not answer must hold no lock of ours.
        target = None
        if wanted.db_target is not None:
            target = checked_target(settings, vendor_id, wanted.db_target, via_api=True)
        return edge.perform_on_platform(call, effect)

    @routes.add(LIST)
    def shops(_call: Call) -> Response:
        wanted = read_query(VendorQuery)
        with edge.databases.platform.read() as tx:
            return answer(list_vendors(tx, wanted))


def _changing(routes: Routes, edge: Edge) -> None:
    @routes.add(SHOW)
    def shop(call: Call, vendor_id: str) -> Response:
        with edge.databases.platform.read() as tx:
            return answer(show_vendor(tx, VendorId(vendor_id)))

    @routes.add(CHANGE)
    def change(call: Call, vendor_id: str) -> Response:
        wanted = read_body(VendorChange)

        def effect(tx: Tx) -> tuple[int, VendorDetail]:
            tx.after_commit(lambda: edge.directory.forget(vendor_id))
            return 200, change_vendor(tx, call.vendor.id, wanted, call.now, by=call.caller.name)

        return edge.perform_on_platform(call, effect)

    @routes.add(SUSPEND)
    def suspend(call: Call, vendor_id: str) -> Response:
        return _to(call, VendorStatus.SUSPENDED)

    @routes.add(RESUME)
    def resume(call: Call, vendor_id: str) -> Response:
        return _to(call, VendorStatus.ACTIVE)

    def _to(call: Call, status: VendorStatus) -> Response:
        def effect(tx: Tx) -> tuple[int, VendorDetail]:
            tx.after_commit(lambda: edge.directory.forget(call.vendor.id))
            return 200, set_status(tx, call.vendor.id, status, call.now, by=call.caller.name)

        return edge.perform_on_platform(call, effect)

    @routes.add(LIMIT)
    def limit(call: Call, vendor_id: str) -> Response:
        wanted = read_body(LimitsChange)

        def effect(tx: Tx) -> tuple[int, LimitsView]:
            tx.after_commit(lambda: edge.directory.forget(vendor_id))
            return 200, set_limits(tx, call.vendor.id, wanted, call.now, by=call.caller.name)

        return edge.perform_on_platform(call, effect)

    @routes.add(CHANGES)
    def changes(call: Call, vendor_id: str) -> Response:
        wanted = read_query(NewestFirst)
        with edge.databases.platform.read() as tx:
            return answer(list_changes(tx, call.vendor.id, wanted))


def _own_shop(routes: Routes, edge: Edge) -> None:
    @routes.add(OWN)
    def own(call: Call) -> Response:
        with edge.databases.platform.read() as tx:
            return answer(show_vendor(tx, call.vendor.id))

    @routes.add(CAPABILITIES)
    def capabilities(call: Call) -> Response:
        with edge.databases.platform.read() as tx:
            return answer(capabilities_of(tx, call.vendor.id))

    @routes.add(SWITCH)
    def switch(call: Call, capability: str) -> Response:
        which: Capability = known_capability(capability)
        if call.caller.audience is Audience.VENDOR:
            check_shop_may_switch(which)
        wanted = read_body(SwitchCapability)

        def effect(tx: Tx) -> tuple[int, CapabilityList]:
            tx.after_commit(lambda: edge.directory.forget(call.vendor.id))
            set_capability(tx, call.vendor.id, which, enabled=wanted.enabled, now=call.now, by=call.caller.name)
            return 200, capabilities_of(tx, call.vendor.id)

        return edge.perform_on_platform(call, effect)
