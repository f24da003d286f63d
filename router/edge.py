"""Where a request comes in: who calls, for which shop, whether the shop may, and one transaction around its effect.

Behind it stand the rooms, which know no headers. The vendor of a request comes from a verified caller; `x-vendor-id`
is part of what is signed, and is checked against the shops that exist."""

import hmac
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

from flask import Response, request
from pydantic import BaseModel

from contracts.errors import ErrorCode
from contracts.states import Capability
from kit.clock import Clock
from kit.db import Tx
from kit.idempotency import IdempotencyKey, Stored, find_answer, once, stored_response
from kit.problems import Problem
from kit.settings import DEV_INTERNAL_KEY
from kit.signing import IDEMPOTENCY_HEADER, VENDOR_HEADER, KeyRing, verify_request
from kit.web import answer, require_idempotency_key
from router.databases import Databases, ops_idempotency
from router.vendors.rules import Vendor
from router.vendors.service import Directory

INTERNAL_KEY_HEADER = "x-internal-key"

# Any of these means that somebody further away is asking through a proxy on this machine.
_FORWARDING_HEADERS = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")

Effect = Callable[[Tx], tuple[int, BaseModel]]
"""What a command does in the shop's transaction: the status and the body of its answer."""


@dataclass(frozen=True, slots=True)
class Command:
    """A POST that was let in: for whom, under which key, and with which bytes.

    `key` is None only for a person's own request without one."""

    vendor: Vendor
    principal: str
    route: str
    key: str | None
    body: bytes
    now: datetime

    def _record(self, key: str) -> IdempotencyKey:
        return IdempotencyKey(scope=self.vendor.id, principal=self.principal, route=self.route, key=key)

    def earlier_answer(self, tx: Tx) -> Stored | None:
        """The answer that this key was given before, if any. Raises Problem 422 for a key with another body."""
        return None if self.key is None else find_answer(tx, ops_idempotency, self._record(self.key), self.body)

    def run(self, tx: Tx, effect: Callable[[], tuple[int, BaseModel]]) -> Response:
        """The effect, or the answer that this key was given before; the record commits with `tx`."""
        if self.key is None:
            status, body = effect()
            return answer(body, status)
        return stored_response(once(tx, ops_idempotency, self._record(self.key), self.body, self.now, effect))


@dataclass(frozen=True, slots=True)
class Edge:
    """What every room's routes are given."""

    clock: Clock
    databases: Databases
    directory: Directory
    bot_keys: KeyRing

    def bot(self) -> None:
        """Let the bot in. Raises Problem 401 for a request that it did not sign."""
        verify_request(self.bot_keys, self.clock.now())

    def shop(self, *needs: Capability) -> Vendor:
        """The shop of a request that the bot signed.

        Raises Problem 401, 400 (no x-vendor-id), 404 shop_unknown, 403 forbidden or 403 capability_missing."""
        self.bot()
        return self.directory.permit(_named_vendor(), needs)

    def command(self, route: str, *needs: Capability) -> Command:
        """A signed POST to a shop. Raises what `shop` raises, and Problem 400 without an Idempotency-Key."""
        vendor = self.shop(*needs)
        key = require_idempotency_key()
        return Command(vendor, "bot", route, key, request.get_data(), self.clock.now())

    def operator(self) -> None:
        """Let a person on this machine in, who holds the development key. Raises Problem 401.

        Only routes that exist in local mode alone may call this."""
        key = request.headers.get(INTERNAL_KEY_HEADER, "")
        is_near = _is_loopback(request.remote_addr) and not any(name in request.headers for name in _FORWARDING_HEADERS)
        if not is_near or not hmac.compare_digest(key.encode(), DEV_INTERNAL_KEY.encode()):
            raise Problem(
                401,
                ErrorCode.UNAUTHENTICATED,
                f"this route takes {INTERNAL_KEY_HEADER} with the development key, from this machine itself",
            )

    def operator_command(self, route: str, vendor_id: str, needs: Sequence[Capability]) -> Command:
        """A person's POST for a shop; `vendor_id` stands in its body and must be the one in x-vendor-id.

        Raises Problem 400, 403 vendor_mismatch, 404 shop_unknown, 403 forbidden or 403 capability_missing."""
        if _named_vendor() != vendor_id:
            raise Problem(403, ErrorCode.VENDOR_MISMATCH, f"{VENDOR_HEADER} and the body's vendor_id name two shops")
        vendor = self.directory.permit(vendor_id, needs)
        key = require_idempotency_key() if IDEMPOTENCY_HEADER in request.headers else None
        return Command(vendor, "operator", route, key, request.get_data(), self.clock.now())

    def perform(self, command: Command, effect: Effect) -> Response:
        """Run a command's effect once, in one transaction of its shop's database."""
        with self.databases.ops(command.vendor.id).write() as tx:
            return command.run(tx, lambda: effect(tx))

    @contextmanager
    def reading(self, vendor: Vendor) -> Generator[Tx]:
        with self.databases.ops(vendor.id).read() as tx:
            yield tx


def _named_vendor() -> str:
    vendor_id = request.headers.get(VENDOR_HEADER, "")
    if not vendor_id:
        raise Problem(400, ErrorCode.INVALID_REQUEST, f"say which shop is meant: send {VENDOR_HEADER}")
    return vendor_id


def _is_loopback(address: str | None) -> bool:
    try:
        return address is not None and ip_address(address).is_loopback
    except ValueError:
        return False
