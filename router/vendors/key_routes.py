"""API keys over the API: a shop's own, and the platform's. A token is in the first answer alone."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response

from contracts.errors import ErrorCode
from contracts.ids import VendorId
from kit.db import Tx
from kit.paging import NewestFirst
from kit.problems import Problem
from kit.web import answer, read_body, read_query
from router.edge import Call, Edge, Routes
from router.operations import BY_OPERATOR, BY_VENDOR, Audience, KeyScope, Operation
from router.vendors.keys import list_keys, make_key, revoke_key
from router.vendors.wire import KeyMade, KeyPage, KeyView, NewKey, NewPlatformKey

_MADE_ONCE = (
    "The token is shown in this answer alone, and only its hash is kept: a repeat under the same Idempotency-Key "
    "answers with `token` null. Whoever lost the first answer revokes the key and makes another."
)
_KEY = {"key_id": "The key's id, which is also the middle part of its token"}

MAKE = Operation(
    "keys.make",
    "POST",
    "/api/v1/api-keys",
    "Make an API key of the shop",
    BY_VENDOR,
    scope=KeyScope.KEYS_WRITE,
    body=NewKey,
    answer=KeyMade,
    status=201,
    problems=((403, ErrorCode.SCOPE_MISSING), (409, ErrorCode.TOO_MANY_KEYS)),
    description=f"A key can't give scopes that it does not have, nor outlive itself. {_MADE_ONCE}",
    tag="keys",
)
LIST = Operation(
    "keys.list",
    "GET",
    "/api/v1/api-keys",
    "The shop's API keys, the newest first",
    BY_VENDOR,
    scope=KeyScope.KEYS_WRITE,
    even_suspended=True,
    query=NewestFirst,
    answer=KeyPage,
    tag="keys",
)
REVOKE = Operation(
    "keys.revoke",
    "DELETE",
    "/api/v1/api-keys/<key_id>",
    "Revoke one of the shop's API keys",
    BY_VENDOR,
    scope=KeyScope.KEYS_WRITE,
    even_suspended=True,
    answer=KeyView,
    problems=((404, ErrorCode.KEY_UNKNOWN),),
    description="Counts at once where it was revoked, and everywhere within 5 seconds.",
    tag="keys",
    parameters=_KEY,
)
MAKE_PLATFORM = Operation(
    "platform_keys.make",
    "POST",
    "/api/v1/platform/api-keys",
    "Make an API key of the platform, which opens every shop",
    BY_OPERATOR,
    of_shop=False,
    body=NewPlatformKey,
    answer=KeyMade,
    status=201,
    problems=((409, ErrorCode.TOO_MANY_KEYS),),
    description=_MADE_ONCE,
    tag="keys",
)
LIST_PLATFORM = Operation(
    "platform_keys.list",
    "GET",
    "/api/v1/platform/api-keys",
    "The platform's API keys, the newest first",
    BY_OPERATOR,
    of_shop=False,
    query=NewestFirst,
    answer=KeyPage,
    tag="keys",
)
REVOKE_PLATFORM = Operation(
    "platform_keys.revoke",
    "DELETE",
    "/api/v1/platform/api-keys/<key_id>",
    "Revoke one of the platform's API keys",
    BY_OPERATOR,
    of_shop=False,
    answer=KeyView,
    problems=((404, ErrorCode.KEY_UNKNOWN),),
    tag="keys",
    parameters=_KEY,
)


def key_routes(edge: Edge, forget: Callable[[str], None]) -> Blueprint:
    """`forget` is told the id of a key that was revoked here, so that it opens nothing here from then on."""
    routes = Routes(edge, "keys")

    @routes.add(MAKE)
    def make(call: Call) -> Response:
        wanted = read_body(NewKey)
        scopes = frozenset(wanted.scopes)
        _check_own(call, scopes)
        ends = _end(call, wanted.expires_at)
        return _made(edge, call, call.vendor.id, wanted.name, scopes, ends)

    @routes.add(MAKE_PLATFORM)
    def make_platform(call: Call) -> Response:
        wanted = read_body(NewPlatformKey)
        scopes = frozenset({KeyScope.PLATFORM})
        return _made(edge, call, None, wanted.name, scopes, _end(call, wanted.expires_at))

    @routes.add(LIST)
    def keys(call: Call) -> Response:
        return _listed(edge, call, call.vendor.id)

    @routes.add(LIST_PLATFORM)
    def platform_keys(call: Call) -> Response:
        return _listed(edge, call, None)

    @routes.add(REVOKE)
    def revoke(call: Call, key_id: str) -> Response:
        return _revoked(edge, call, call.vendor.id, key_id, forget)

    @routes.add(REVOKE_PLATFORM)
    def revoke_platform(call: Call, key_id: str) -> Response:
        return _revoked(edge, call, None, key_id, forget)

    return routes.blueprint


def _made(
    edge: Edge,
    call: Call,
    vendor_id: VendorId | None,
    name: str,
    scopes: frozenset[KeyScope],
    expires_at: datetime | None,
) -> Response:
    first: list[KeyMade] = []

    def effect(tx: Tx) -> tuple[int, KeyMade]:
        key, token = make_key(tx, vendor_id, name, scopes, call.now, by=call.caller.name, expires_at=expires_at)
        first.append(KeyMade(**key.model_dump(), token=token))
        return 201, KeyMade(**key.model_dump())  # what is stored under the Idempotency-Key holds no token

    stored = edge.perform_on_platform(call, effect)
    return answer(first[0], stored.status_code) if first else stored


def _listed(edge: Edge, call: Call, vendor_id: VendorId | None) -> Response:
    wanted = read_query(NewestFirst)
    with edge.databases.platform.read() as tx:
        return answer(list_keys(tx, vendor_id, wanted, call.now))


def _revoked(
    edge: Edge, call: Call, vendor_id: VendorId | None, key_id: str, forget: Callable[[str], None]
) -> Response:
    def effect(tx: Tx) -> tuple[int, KeyView]:
        tx.after_commit(lambda: forget(key_id))
        return 200, revoke_key(tx, vendor_id, key_id, call.now, by=call.caller.name)

    return edge.perform_on_platform(call, effect)


def _check_own(call: Call, scopes: frozenset[KeyScope]) -> None:
    beyond = sorted(scopes - call.caller.scopes)
    if call.caller.audience is Audience.VENDOR and beyond:
        detail = f"this API key is not good for {', '.join(beyond)}, so it can't make one that is"
        raise Problem(403, ErrorCode.SCOPE_MISSING, detail)


def _end(call: Call, wanted: datetime | None) -> datetime | None:
    """When the new key ends: with the key that makes it where nothing is said. Raises Problem 422 for later."""
    latest = call.caller.expires_at
    if latest is not None and wanted is not None and wanted > latest:
        detail = f"this API key ends at {latest.isoformat()}, and so must every key that it makes"
        raise Problem(422, ErrorCode.INVALID_REQUEST, detail)
    return latest if wanted is None else wanted
