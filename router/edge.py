"""Where a request comes in: who calls, for which shop, whether the shop may, and one transaction around its effect.

Behind it stand the rooms, which know no headers. The vendor of a request comes from a verified caller; `x-vendor-id`
is part of what the bot signs, and only ever a claim to check."""

import hmac
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from flask import Blueprint, Response, request
from pydantic import BaseModel, ValidationError
from sqlalchemy import Table

from contracts.errors import ErrorCode
from contracts.ids import VendorId
from kit.clock import Clock
from kit.db import Tx
from kit.idempotency import IdempotencyKey, Stored, Twins, find_answer, once, stored_response
from kit.problems import Problem
from kit.settings import DEV_INTERNAL_KEY
from kit.signing import IDEMPOTENCY_HEADER, SIGNATURE_HEADER, VENDOR_HEADER, KeyRing, verify_request
from kit.web import answer, is_asked_from_here, require_idempotency_key
from router.databases import Databases, ops_idempotency, platform_idempotency
from router.operations import Audience, KeyScope, Operation, declared
from router.vendors.rules import Vendor
from router.vendors.service import Directory

INTERNAL_KEY_HEADER = "x-internal-key"

Effect = Callable[[Tx], tuple[int, BaseModel]]
"""What a command does in the shop's transaction: the status and the body of its answer."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, proven. `name` tells callers of one audience apart: idempotency keys are remembered by it."""

    audience: Audience
    name: str
    vendor_id: VendorId | None = None
    """The one shop that it may act for. None: the one that it names."""
    scopes: frozenset[KeyScope] = frozenset()
    expires_at: datetime | None = None
    """When what proves it ends: of an API key that does."""
    is_development: bool = False
    """A person with the development key on this machine."""


class Keys(Protocol):
    """Who holds which API key."""

    def holder(self, token: str, now: datetime) -> Caller | None:
        """None for a key that is unknown, revoked or expired."""
        ...


class Limits(Protocol):
    """How often who may ask."""

    def check(self, caller: Caller, vendor: Vendor | None, customer: str | None) -> None:
        """`customer` is the address of whose message made our bot ask, if it said so.

        Raises Problem 429 too_many_requests, with when to come back."""
        ...


class Meter(Protocol):
    """What is counted for a shop's bill."""

    def command(self, tx: Tx, call: "Call") -> None:
        """An API call that changes the shop's rows, counted in the same transaction."""
        ...

    def question(self, call: "Call") -> None:
        """Any other API call. Must not wait for a database."""
        ...


class NoKeys:
    def holder(self, token: str, now: datetime) -> Caller | None:
        return None


class NoLimits:
    def check(self, caller: Caller, vendor: Vendor | None, customer: str | None) -> None:
        return None


class NoMeter:
    def command(self, tx: Tx, call: "Call") -> None:
        return None

    def question(self, call: "Call") -> None:
        return None


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in: by whom, for which shop, under which idempotency key.

    `key` is None only for a question, and for a person's own command without one."""

    operation: Operation
    caller: Caller
    shop: Vendor | None
    key: str | None
    body: bytes
    now: datetime

    @property
    def vendor(self) -> Vendor:
        """The shop that it acts for."""
        assert self.shop is not None
        return self.shop

    @property
    def sees_numbers(self) -> bool:
        """Whether people's phone numbers are shown whole to this caller."""
        return KeyScope.CUSTOMERS_READ in self.caller.scopes

    @property
    def asked(self) -> bytes:
        """What a repeat must ask again: the body, and what the path names."""
        return f"{request.path}\n".encode() + self.body if "<" in self.operation.path else self.body

    def record(self, key: str) -> IdempotencyKey:
        scope = "platform" if self.shop is None else self.shop.id
        return IdempotencyKey(scope=scope, principal=self.caller.name, route=self.operation.name, key=key)

    def earlier_answer(self, tx: Tx) -> Stored | None:
        """The answer that this key was given before, if any. Raises Problem 422 for a key with another body."""
        return None if self.key is None else find_answer(tx, ops_idempotency, self.record(self.key), self.asked)

    def run(self, tx: Tx, table: Table, effect: Callable[[], tuple[int, BaseModel]]) -> Response:
        """The effect, or the answer that this key was given before; the record commits with `tx`."""
        if self.key is None:
            status, body = effect()
            return answer(body, status)
        return stored_response(once(tx, table, self.record(self.key), self.asked, self.now, effect))


Handler = Callable[..., Response]
"""A route's own work: takes the Call, then the parameters of the path by name."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What every room's routes are given."""

    clock: Clock
    databases: Databases
    directory: Directory
    bot_keys: KeyRing
    is_local: bool = False
    keys: Keys = field(default_factory=NoKeys)
    limits: Limits = field(default_factory=NoLimits)
    meter: Meter = field(default_factory=NoMeter)
    twins: Twins = field(default_factory=Twins)

    def admit(self, operation: Operation, path: Mapping[str, Any]) -> Call:
        """Let the current request in. Raises Problem 401, 403 (forbidden, vendor_mismatch, scope_missing,
        capability_missing), 404 shop_unknown, 429, and 400 for a missing x-vendor-id or Idempotency-Key."""
        now = self.clock.now()
        caller = self._caller(operation, now)
        if caller.audience is not Audience.BOT:
            # Before anything else is asked: what is refused was read again first, and that must not come for free.
            own = None if caller.vendor_id is None else self.directory.find(caller.vendor_id)
            self.limits.check(caller, own, None)
        shop = self._shop(operation, caller, path) if operation.of_shop else None
        if caller.audience is Audience.BOT:
            self.limits.check(caller, shop, _customer_named())
        key = None
        is_signed = caller.audience is Audience.BOT
        if operation.is_command and (is_signed or IDEMPOTENCY_HEADER in request.headers):
            key = require_idempotency_key()
        call = Call(operation, caller, shop, key, request.get_data(), now)
        if request.method == "GET" and caller.audience is Audience.VENDOR:
            self.meter.question(call)
        return call

    def perform(self, call: Call, effect: Effect) -> Response:
        """Run a command's effect once, in one transaction of its shop's database."""
        with self._after_twins(call), self.databases.ops(call.vendor.id).write() as tx:
            return call.run(tx, ops_idempotency, lambda: self._counted(tx, call, effect))

    def perform_on_platform(self, call: Call, effect: Effect) -> Response:
        """Run a command's effect once, in one transaction of the platform database."""
        with self._after_twins(call), self.databases.platform.write() as tx:
            done = call.run(tx, platform_idempotency, lambda: effect(tx))
        if call.caller.audience is Audience.VENDOR:
            self.meter.question(call)  # the bill is in the shop's own database
        return done

    @contextmanager
    def reading(self, vendor: Vendor) -> Generator[Tx]:
        with self.databases.ops(vendor.id).read() as tx:
            yield tx

    def _after_twins(self, call: Call) -> AbstractContextManager[None]:
        return nullcontext() if call.key is None else self.twins.first(call.record(call.key))

    def _counted(self, tx: Tx, call: Call, effect: Effect) -> tuple[int, BaseModel]:
        result = effect(tx)
        if call.caller.audience is Audience.VENDOR:
            self.meter.command(tx, call)
        return result

    def _caller(self, operation: Operation, now: datetime) -> Caller:
        """Raises Problem 401 where nobody is proven, 403 where somebody is who may not do this."""
        callers = operation.callers
        if Audience.ANYONE in callers or Audience.PAYMENT_ADAPTER in callers:
            return Caller(Audience.PAYMENT_ADAPTER if Audience.PAYMENT_ADAPTER in callers else Audience.ANYONE, "")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and (Audience.VENDOR in callers or Audience.OPERATOR in callers):
            return self._key_holder(operation, token.strip(), now)
        if Audience.OPERATOR in callers and self.is_local and INTERNAL_KEY_HEADER in request.headers:
            _check_development_key()
            return Caller(Audience.OPERATOR, "operator", scopes=frozenset(KeyScope), is_development=True)
        if Audience.BOT in callers:
            verify_request(self.bot_keys, now)
            return Caller(Audience.BOT, "bot")
        raise Problem(401, ErrorCode.UNAUTHENTICATED, _what_to_send(callers, is_local=self.is_local))

    def _key_holder(self, operation: Operation, token: str, now: datetime) -> Caller:
        caller = self.keys.holder(token, now)
        if caller is None:
            raise Problem(401, ErrorCode.UNAUTHENTICATED, "this API key is unknown, revoked or expired")
        if caller.audience not in operation.callers:
            raise Problem(
                403, ErrorCode.FORBIDDEN, f"this is for {_names(operation.callers)}, not for a shop's API key"
            )
        wanted = KeyScope.PLATFORM if caller.audience is Audience.OPERATOR else operation.scope
        if wanted not in caller.scopes:
            detail = f"this API key is not good for {wanted}; make one that is, or ask who gave it to you"
            raise Problem(403, ErrorCode.SCOPE_MISSING, detail)
        return caller

    def _shop(self, operation: Operation, caller: Caller, path: Mapping[str, Any]) -> Vendor:
        claimed = request.headers.get(VENDOR_HEADER)
        in_path = path.get("vendor_id")
        if caller.vendor_id is not None:
            if any(named not in (None, caller.vendor_id) for named in (claimed, in_path)):
                raise Problem(403, ErrorCode.VENDOR_MISMATCH, "this API key belongs to another shop")
            wanted: str = caller.vendor_id
        else:
            if in_path is not None and claimed not in (None, in_path):
                raise Problem(403, ErrorCode.VENDOR_MISMATCH, f"{VENDOR_HEADER} and the path name two shops")
            wanted = in_path or claimed or ""
            if not wanted:
                raise Problem(400, ErrorCode.INVALID_REQUEST, f"say which shop is meant: send {VENDOR_HEADER}")
        if operation.even_suspended and caller.audience is not Audience.VENDOR:
            return self.directory.known(wanted)
        return self.directory.permit(wanted, operation.needs)


class _Address(BaseModel):
    address: str


class _OfCustomer(BaseModel):
    customer: _Address


class Routes:
    """Operations of one room, for `app.register_blueprint(routes.blueprint)`."""

    def __init__(self, edge: Edge, name: str) -> None:
        self.blueprint = Blueprint(name, __name__)
        self._edge = edge

    def add(self, operation: Operation) -> Callable[[Handler], Handler]:
        """Serve this operation with the decorated handler, for those whom the edge admits."""

        def register(handler: Handler) -> Handler:
            def view(**path: Any) -> Response:
                if not all(value.isprintable() for value in path.values()):
                    # No id holds such characters, and not every database takes them as a parameter.
                    raise Problem(404, ErrorCode.NOT_FOUND, "nothing has such an id")
                if operation.max_body_bytes is not None:
                    request.max_content_length = operation.max_body_bytes
                return handler(self._edge.admit(operation, path), **path)

            endpoint = operation.name.replace(".", "_")
            rule, methods = operation.path, [operation.method]
            self.blueprint.add_url_rule(rule, endpoint, declared(operation, view), methods=methods)
            return handler

        return register


def _check_development_key() -> None:
    """Raises Problem 401 for anybody but a person on this machine who holds the development key."""
    key = request.headers.get(INTERNAL_KEY_HEADER, "")
    if not is_asked_from_here() or not hmac.compare_digest(key.encode(), DEV_INTERNAL_KEY.encode()):
        detail = f"{INTERNAL_KEY_HEADER} is for the development key, in local mode, from this machine itself"
        raise Problem(401, ErrorCode.UNAUTHENTICATED, detail)


def _customer_named() -> str | None:
    """Whose message made the bot ask: in the query, or in the body as `{"customer": {"address": …}}`. Whether that is
    well formed is for the route to say; reading it here costs a few microseconds."""
    if request.method == "GET":
        return request.args.get("customer")
    try:
        return _OfCustomer.model_validate_json(request.get_data()).customer.address
    except ValidationError:
        return None


def _what_to_send(callers: frozenset[Audience], *, is_local: bool) -> str:
    ways: list[str] = []
    if Audience.VENDOR in callers or Audience.OPERATOR in callers:
        ways.append("Authorization: Bearer with an API key")
    if Audience.OPERATOR in callers and is_local:
        ways.append(f"{INTERNAL_KEY_HEADER} with the development key, from this machine itself")
    if Audience.BOT in callers:
        ways.append(f"{SIGNATURE_HEADER} and what belongs to it")
    return f"nobody is known to be asking: send {' or '.join(ways)}"


def _names(callers: frozenset[Audience]) -> str:
    return " and ".join(sorted(f"the {caller.replace('_', ' ')}" for caller in callers))
