"""The inbox of what providers send about refunds: kept raw before it is answered, applied afterwards.

Applying a result and marking it done are one commit, so a crash between them is no case."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Row, select, update

from contracts.ids import new_id
from contracts.states import InboxStatus
from kit.clock import Clock
from kit.db import Database, Tx, insert_new
from payment_adapter.charges.service import hash_secret
from payment_adapter.providers.base import CallbackUnreadable, LateRefunder, NoAnswer
from payment_adapter.refunds.models import addresses, results
from payment_adapter.refunds.rules import RefundState
from payment_adapter.refunds.service import Applied, Kind, Refunds

_log = structlog.get_logger()

BATCH = 50
MAX_ATTEMPTS = 5
TIMEOUT = "timeout"
"""The kind of what comes to `/timeout` below an address."""

_RETRY_AFTER = timedelta(seconds=5)
_KEPT_HEADERS = ("content-type", "user-agent", "x-forwarded-for")
_MAX_HEADER = 300
_HIDDEN = b"<secret>"

_STATUS_BY_OUTCOME = {
    Applied.CHANGED: InboxStatus.PROCESSED,
    Applied.NOTHING: InboxStatus.IGNORED,
    Applied.MISMATCH: InboxStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class Address:
    vendor_id: str
    refund_id: str
    kind: Kind


class Results:
    def __init__(self, db: Database, refunds: Refunds, clock: Clock, wake: Callable[[], None]) -> None:
        self._db = db
        self._refunds = refunds
        self._clock = clock
        self._wake = wake

    def find_address(self, tx: Tx, secret: str) -> Address | None:
        found = tx.execute(select(addresses).where(addresses.c.secret_hash == hash_secret(secret))).first()
        return None if found is None else Address(found.vendor_id, found.refund_id, Kind(found.kind))

    def store(
        self, tx: Tx, address: Address, secret: str, body: bytes, headers: Mapping[str, str], *, is_timeout: bool
    ) -> None:
        """Keep what came as it came, but for the address's own secret, which Daraja repeats in it. The same body is
        kept once."""
        body = body.replace(secret.encode(), _HIDDEN)
        now = self._clock.now()
        row = {
            "vendor_id": address.vendor_id,
            "result_id": new_id(now),
            "refund_id": address.refund_id,
            "kind": TIMEOUT if is_timeout else address.kind,
            "body_hash": hashlib.sha256(body).hexdigest(),
            "body": body,
            "headers": {name: headers[name][:_MAX_HEADER] for name in _KEPT_HEADERS if name in headers},
            "received_at": now,
            "next_at": now,
        }
        if insert_new(tx, results, row, conflict=["refund_id", "kind", "body_hash"]):
            tx.after_commit(self._wake)

    def turn(self) -> bool:
        """Apply what has come, each on its own."""
        with self._db.read() as tx:
            oldest = (
                select(results.c.result_id)
                .where(results.c.status == InboxStatus.RECEIVED, results.c.next_at <= self._clock.now())
                .order_by(results.c.next_at, results.c.result_id)
            )
            due = [str(result_id) for result_id in tx.execute(oldest.limit(BATCH)).scalars()]
        for result_id in due:
            try:
                with self._db.write() as tx:
                    self._apply(tx, result_id)
            except Exception as error:
                _log.error("a refund's result can't be applied", result=result_id, error=type(error).__name__)
                with self._db.write() as tx:
                    self._postpone(tx, result_id)
        return bool(due)

    def _apply(self, tx: Tx, result_id: str) -> None:
        row = tx.execute(
            select(results)
            .where(results.c.result_id == result_id, results.c.status == InboxStatus.RECEIVED)
            .with_for_update(skip_locked=True)
        ).first()
        if row is None:  # another worker has it
            return
        refund = self._refunds.lock(tx, row.refund_id)
        if row.kind == TIMEOUT:
            is_news = refund.status is RefundState.PENDING and self._refunds.doubt(
                tx, refund, "it ran out of time there"
            )
            self._done(tx, result_id, InboxStatus.PROCESSED if is_news else InboxStatus.IGNORED, TIMEOUT)
            return
        provider = self._refunds.provider(refund)
        try:
            if not isinstance(provider, LateRefunder):
                raise CallbackUnreadable(f"{provider.name} sends no results")
            report = (
                provider.read_refund_result(row.body)
                if row.kind == Kind.RESULT
                else provider.read_refund_answer(row.body)
            )
        except CallbackUnreadable as error:
            _log.warning("a refund's result can't be read", refund=refund.refund_id, why=str(error))
            self._done(tx, result_id, InboxStatus.FAILED, f"unreadable: {error}")
            return
        if isinstance(report, NoAnswer):
            self._done(tx, result_id, InboxStatus.IGNORED, report.detail)
            return
        applied = self._refunds.report(tx, refund, report, Kind(row.kind))
        if applied is Applied.MISMATCH:
            _log.warning("a result does not fit its refund", refund=refund.refund_id)
        self._done(tx, result_id, _STATUS_BY_OUTCOME[applied], f"{report.answer.status}: {applied}")

    def _done(self, tx: Tx, result_id: str, status: InboxStatus, outcome: str) -> None:
        tx.execute(
            update(results)
            .where(results.c.result_id == result_id)
            .values(status=status, outcome=outcome, attempts=results.c.attempts + 1)
        )

    def _postpone(self, tx: Tx, result_id: str) -> None:
        """Later again; after the last attempt it is left for a person."""
        row: Row[Any] = tx.execute(
            select(results.c.attempts).where(results.c.result_id == result_id).with_for_update()
        ).one()
        attempts = int(row.attempts) + 1
        is_last = attempts >= MAX_ATTEMPTS
        tx.execute(
            update(results)
            .where(results.c.result_id == result_id, results.c.status == InboxStatus.RECEIVED)
            .values(
                attempts=attempts,
                next_at=self._clock.now() + _RETRY_AFTER * attempts,
                status=InboxStatus.FAILED if is_last else InboxStatus.RECEIVED,
                outcome="could not be applied",
            )
        )
