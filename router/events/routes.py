"""Webhooks and events, as a vendor asks for them.

A signing secret is in no answer that is stored: what an Idempotency-Key remembers is completed as it leaves."""

from collections.abc import Callable
from functools import cache

from flask import Blueprint, Response

from contracts.errors import ErrorCode
from contracts.ids import VendorId
from kit.db import Tx
from kit.outside import AddressRefused, Outside
from kit.problems import Problem
from kit.web import answer, read_body, read_query
from router.edge import Call, Edge, Routes
from router.events import operations as ops
from router.events.endpoints import (
    MAX_ENDPOINTS,
    Endpoint,
    EndpointBook,
    add_endpoint,
    change_endpoint,
    enable_endpoint,
    find_endpoint,
    remove_endpoint,
    rotate_secret,
)
from router.events.fanout import deliver, find_event, ping, replay_range
from router.events.lanes import resume_lane
from router.events.listing import Decision, decide, deliveries_of, delivery, events_of
from router.events.payloads import TYPES
from router.events.rules import Cause, EndpointStatus
from router.events.signing import SecretGone, Signatures
from router.events.wire import (
    DeliveriesQuery,
    DeliveryDetail,
    EndpointChange,
    EndpointList,
    EndpointView,
    EndpointWithSecret,
    EventsQuery,
    EventTypeList,
    EventTypeView,
    NewEndpoint,
    Replayed,
    ReplayOne,
    ReplayRange,
    endpoint_to_complete,
    endpoint_view,
)


def webhook_routes(edge: Edge, book: EndpointBook, signatures: Signatures, outside: Outside) -> Blueprint:
    routes = Routes(edge, "webhooks")
    _endpoints(routes, edge, book, signatures, outside)
    _secrets(routes, edge, book, signatures)
    _deliveries(routes, edge, book)
    _events(routes, edge, book)
    return routes.blueprint


def _endpoints(routes: Routes, edge: Edge, book: EndpointBook, signatures: Signatures, outside: Outside) -> None:
    platform = edge.databases.platform

    @routes.add(ops.CREATE)
    def create(call: Call) -> Response:
        wanted = read_body(NewEndpoint)
        _check(outside, wanted.url)

        def effect(tx: Tx) -> tuple[int, EndpointWithSecret]:
            made = add_endpoint(
                tx,
                call.vendor.id,
                url=wanted.url,
                description=wanted.description,
                event_types=wanted.event_types,
                key_id=signatures.key_id,
                now=call.now,
            )
            if made is None:
                detail = f"a shop has at most {MAX_ENDPOINTS} endpoints; delete one first"
                raise Problem(409, ErrorCode.WEBHOOK_LIMIT_REACHED, detail)
            tx.after_commit(lambda: book.forget(call.vendor.id))
            return 201, endpoint_to_complete(made, call.now)

        return _completed(edge, signatures, call, edge.perform_on_platform(call, effect))

    @routes.add(ops.LIST)
    def listed(call: Call) -> Response:
        found = book.of(call.vendor.id, anew=True)
        return answer(EndpointList(endpoints=[endpoint_view(each, call.now) for each in found]))

    @routes.add(ops.SHOW)
    def show(call: Call, endpoint_id: str) -> Response:
        with platform.read() as tx:
            return answer(endpoint_view(_found(find_endpoint(tx, call.vendor.id, endpoint_id)), call.now))

    @routes.add(ops.CHANGE)
    def change(call: Call, endpoint_id: str) -> Response:
        wanted = read_body(EndpointChange)
        if wanted.url is not None:
            _check(outside, wanted.url)
        done = edge.perform_on_platform(call, lambda tx: (200, _changed(tx, book, call, endpoint_id, wanted)))
        if wanted.status is EndpointStatus.ENABLED:
            _resume(edge, call.vendor.id, endpoint_id)
        return done

    @routes.add(ops.REMOVE)
    def remove(call: Call, endpoint_id: str) -> Response:
        def effect(tx: Tx) -> tuple[int, EndpointView]:
            gone = _found(remove_endpoint(tx, call.vendor.id, endpoint_id))
            tx.after_commit(lambda: book.forget(call.vendor.id))
            return 200, endpoint_view(gone, call.now)

        return edge.perform_on_platform(call, effect)


def _secrets(routes: Routes, edge: Edge, book: EndpointBook, signatures: Signatures) -> None:
    @routes.add(ops.ROTATE)
    def rotate(call: Call, endpoint_id: str) -> Response:
        def effect(tx: Tx) -> tuple[int, EndpointWithSecret]:
            rotated = _found(rotate_secret(tx, call.vendor.id, endpoint_id, signatures.key_id, call.now))
            tx.after_commit(lambda: book.forget(call.vendor.id))
            return 200, endpoint_to_complete(rotated, call.now)

        return _completed(edge, signatures, call, edge.perform_on_platform(call, effect))


def _deliveries(routes: Routes, edge: Edge, book: EndpointBook) -> None:
    def endpoint_of(call: Call, endpoint_id: str, *, to_send: bool = False) -> Endpoint:
        endpoint = _found(book.find(call.vendor.id, endpoint_id))
        if to_send and not endpoint.is_enabled:
            raise Problem(409, ErrorCode.WEBHOOK_DISABLED, "this endpoint is disabled; enable it first")
        return endpoint

    @routes.add(ops.PING)
    def test(call: Call, endpoint_id: str) -> Response:
        endpoint = endpoint_of(call, endpoint_id, to_send=True)
        return edge.perform(call, lambda tx: (202, _detail(tx, call.vendor.id, ping(tx, endpoint, call.now))))

    @routes.add(ops.REPLAY_RANGE)
    def replay(call: Call, endpoint_id: str) -> Response:
        wanted = read_body(ReplayRange)
        endpoint = endpoint_of(call, endpoint_id, to_send=True)

        def effect(tx: Tx) -> tuple[int, Replayed]:
            after = None
            if wanted.go_on_after is not None:
                after = find_event(tx, call.vendor.id, wanted.go_on_after)
                if after is None:
                    raise _event_unknown()
            queued, go_on_after = replay_range(
                tx,
                endpoint,
                since=wanted.since,
                until=wanted.until,
                types=wanted.types,
                after=after,
                now=call.now,
            )
            return 202, Replayed(queued=queued, go_on_after=go_on_after)

        return edge.perform(call, effect)

    @routes.add(ops.DELIVERIES)
    def listed(call: Call, endpoint_id: str) -> Response:
        wanted = read_query(DeliveriesQuery)
        endpoint_of(call, endpoint_id)
        with edge.reading(call.vendor) as tx:
            return answer(deliveries_of(tx, call.vendor.id, endpoint_id, wanted))

    @routes.add(ops.DELIVERY)
    def show(call: Call, delivery_id: str) -> Response:
        with edge.reading(call.vendor) as tx:
            return answer(_detail(tx, call.vendor.id, delivery_id))

    for operation, decision in ((ops.RETRY, Decision.RETRY), (ops.DISCARD, Decision.DISCARD)):
        routes.add(operation)(_deciding(edge, operation.status, decision))


def _deciding(edge: Edge, status: int, decision: Decision) -> Callable[..., Response]:
    def handle(call: Call, delivery_id: str) -> Response:
        def effect(tx: Tx) -> tuple[int, DeliveryDetail]:
            was_open = decide(tx, call.vendor.id, delivery_id, decision, call.now)
            found = _detail(tx, call.vendor.id, delivery_id)
            if not was_open:
                detail = f"this delivery is {found.status}; a replay of its event makes a new one"
                raise Problem(409, ErrorCode.DELIVERY_FINISHED, detail)
            return status, found

        return edge.perform(call, effect)

    return handle


@cache
def _event_types() -> EventTypeList:
    """Put together when first asked for: half of what it takes to build the router, and few ask."""
    return EventTypeList(
        event_types=[
            EventTypeView(type=each, description=what, data_schema=model.model_json_schema(mode="serialization"))
            for each, (model, what) in TYPES.items()
        ]
    )


def _events(routes: Routes, edge: Edge, book: EndpointBook) -> None:
    @routes.add(ops.EVENT_TYPES)
    def known(_call: Call) -> Response:
        return answer(_event_types())

    @routes.add(ops.EVENTS)
    def listed(call: Call) -> Response:
        wanted = read_query(EventsQuery)
        with edge.reading(call.vendor) as tx:
            return answer(events_of(tx, call.vendor.id, wanted))

    @routes.add(ops.REPLAY_EVENT)
    def replay(call: Call, event_id: str) -> Response:
        wanted = read_body(ReplayOne)
        endpoints = list(book.of(call.vendor.id, anew=True))
        if wanted.endpoint_id is not None:
            endpoints = [_found(next((each for each in endpoints if each.id == wanted.endpoint_id), None))]
            if not endpoints[0].is_enabled:
                raise Problem(409, ErrorCode.WEBHOOK_DISABLED, "this endpoint is disabled; enable it first")

        def effect(tx: Tx) -> tuple[int, Replayed]:
            event = find_event(tx, call.vendor.id, event_id)
            if event is None or event.type not in {*TYPES}:
                raise _event_unknown()
            to = [(each.id, event) for each in endpoints if each.is_enabled and each.wants(event.type)]
            return 202, Replayed(queued=deliver(tx, call.vendor.id, to, Cause.REPLAY, call.now), go_on_after=None)

        return edge.perform(call, effect)


def _changed(tx: Tx, book: EndpointBook, call: Call, endpoint_id: str, wanted: EndpointChange) -> EndpointView:
    columns = wanted.model_dump(exclude_none=True, exclude={"status"})
    changed = _found(change_endpoint(tx, call.vendor.id, endpoint_id, **columns))
    if wanted.status is EndpointStatus.ENABLED and not changed.is_enabled:
        changed = _found(enable_endpoint(tx, call.vendor.id, endpoint_id))
    elif wanted.status is EndpointStatus.DISABLED and changed.is_enabled:
        off = {"status": EndpointStatus.DISABLED, "disabled_reason": "disabled by the shop"}
        changed = _found(change_endpoint(tx, call.vendor.id, endpoint_id, **off))
    tx.after_commit(lambda: book.forget(call.vendor.id))
    return endpoint_view(changed, call.now)


def _resume(edge: Edge, vendor_id: VendorId, endpoint_id: str) -> None:
    """A hint: the courier looks at lanes of disabled endpoints again by itself, only later."""
    try:
        with edge.databases.ops(vendor_id).write() as tx:
            resume_lane(tx, vendor_id, endpoint_id)
    except Problem:
        return


def _completed(edge: Edge, signatures: Signatures, call: Call, response: Response) -> Response:
    """The answer with the secret in it, also when it is a repeat: as long as that secret signs."""
    stored = EndpointWithSecret.model_validate_json(response.get_data())
    with edge.databases.platform.read() as tx:
        endpoint = find_endpoint(tx, call.vendor.id, stored.id)
    key_id = None if endpoint is None else _key_of(endpoint, stored.secret_version, call)
    if key_id is not None:
        try:
            secret = signatures.secret(stored.id, stored.secret_version, key_id)
        except SecretGone:
            return response
        response.set_data(stored.model_copy(update={"secret": secret}).model_dump_json())
    return response


def _key_of(endpoint: Endpoint, version: int, call: Call) -> str | None:
    """The master key that this version of the endpoint's secret derives from. None: it does not sign any more."""
    if version == endpoint.secret_version:
        return endpoint.secret_key_id
    still_signs = endpoint.previous_until is not None and call.now < endpoint.previous_until
    return endpoint.previous_key_id if still_signs and version == endpoint.secret_version - 1 else None


def _check(outside: Outside, url: str) -> None:
    try:
        outside.check(url)
    except AddressRefused as error:
        raise Problem(422, ErrorCode.WEBHOOK_ADDRESS_REFUSED, str(error)) from error


def _detail(tx: Tx, vendor_id: VendorId, delivery_id: str) -> DeliveryDetail:
    found = delivery(tx, vendor_id, delivery_id)
    if found is None:
        raise Problem(404, ErrorCode.DELIVERY_UNKNOWN, "there is no delivery with this id")
    return found


def _found(endpoint: Endpoint | None) -> Endpoint:
    if endpoint is None:
        raise Problem(404, ErrorCode.WEBHOOK_UNKNOWN, "there is no webhook endpoint with this id")
    return endpoint


def _event_unknown() -> Problem:
    return Problem(404, ErrorCode.EVENT_UNKNOWN, "there is no event with this id that endpoints are told")
