"""The inbox of callbacks: kept raw before they are answered, applied afterwards, several in one transaction.

Applying a callback and marking it done are one commit, so a crash between them is no case."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Select, select, update

from contracts.ids import new_id
from contracts.states import InboxStatus
from kit.clock import Clock
from kit.db import Database, Tx, insert_new
from payment_adapter.callbacks.models import inbox
from payment_adapter.charges.record import Source
from payment_adapter.charges.service import Applied, Charges
from payment_adapter.providers.base import CallbackUnreadable

_log = structlog.get_logger()

BATCH = 50
MAX_ATTEMPTS = 5
_RETRY_AFTER = timedelta(seconds=5)

_KEPT_HEADERS = ("content-type", "user-agent", "x-forwarded-for")
_MAX_HEADER = 300

_STATUS_BY_OUTCOME = {
    Applied.CHANGED: InboxStatus.PROCESSED,
    Applied.ENRICHED: InboxStatus.PROCESSED,
    Applied.NOTHING: InboxStatus.IGNORED,
    Applied.MISMATCH: InboxStatus.FAILED,
}


class Callbacks:
    def __init__(self, db: Database, charges: Charges, clock: Clock, wake: Callable[[], None]) -> None:
        self._db = db
        self._charges = charges
        self._clock = clock
        self._wake = wake

    def is_known(self, tx: Tx, secret: str) -> bool:
        return self._charges.find_by_secret(tx, secret) is not None

    def store(self, tx: Tx, secret: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Keep a callback as it came. The same body for the same charge is kept once. Raises LookupError for a secret
        that no charge has."""
        charge = self._charges.find_by_secret(tx, secret)
        if charge is None:
            raise LookupError("no charge has this secret")
        now = self._clock.now()
        row = {
            "vendor_id": charge.vendor_id,
            "callback_id": new_id(now),
            "charge_id": charge.charge_id,
            "body_hash": hashlib.sha256(body).hexdigest(),
            "body": body,
            "headers": {name: headers[name][:_MAX_HEADER] for name in _KEPT_HEADERS if name in headers},
            "received_at": now,
            "next_at": now,
        }
        if insert_new(tx, inbox, row, conflict=["charge_id", "body_hash"]):
            tx.after_commit(self._wake)

    def turn(self) -> bool:
        """Apply what has come: all of it in one transaction, or, if one of them breaks that, each on its own."""
        with self._db.read() as tx:
            due = [str(row.callback_id) for row in tx.execute(_due(self._clock.now()))]
        if not due:
            return False
        try:
            with self._db.write() as tx:
                for callback_id in due:
                    self._apply(tx, callback_id)
        except Exception as error:
            _log.warning("callbacks are applied one by one now", error=type(error).__name__)
            for callback_id in due:
                self._apply_alone(callback_id)
        return True

    def _apply_alone(self, callback_id: str) -> None:
        try:
            with self._db.write() as tx:
                self._apply(tx, callback_id)
        except Exception as error:
            _log.error("a callback can't be applied", callback=callback_id, error=type(error).__name__)
            with self._db.write() as tx:
                self._postpone(tx, callback_id)

    def _apply(self, tx: Tx, callback_id: str) -> None:
        row = tx.execute(
            select(inbox)
            .where(inbox.c.callback_id == callback_id, inbox.c.status == InboxStatus.RECEIVED)
            .with_for_update(skip_locked=True)
        ).first()
        if row is None:  # another worker has it
            return
        charge = self._charges.lock(tx, row.charge_id)
        try:
            report = self._charges.provider(charge).read_callback(row.body, row.headers)
        except CallbackUnreadable as error:
            _log.warning("a callback can't be read", charge=charge.charge_id, why=str(error))
            self._charges.ask_soon(tx, charge)
            self._done(tx, callback_id, InboxStatus.FAILED, f"unreadable: {error}")
            return
        applied = self._charges.report(tx, charge, report, Source.CALLBACK)
        if applied is Applied.MISMATCH:
            _log.warning("a callback does not fit its charge", charge=charge.charge_id)
        self._done(tx, callback_id, _STATUS_BY_OUTCOME[applied], f"{report.status}: {applied}")

    def _done(self, tx: Tx, callback_id: str, status: InboxStatus, outcome: str) -> None:
        tx.execute(
            update(inbox)
            .where(inbox.c.callback_id == callback_id)
            .values(status=status, outcome=outcome, attempts=inbox.c.attempts + 1, processed_at=self._clock.now())
        )

    def _postpone(self, tx: Tx, callback_id: str) -> None:
        """Later again; after the last attempt it is left for a person."""
        row = tx.execute(select(inbox.c.attempts).where(inbox.c.callback_id == callback_id).with_for_update()).one()
        attempts = int(row.attempts) + 1
        is_last = attempts >= MAX_ATTEMPTS
        tx.execute(
            update(inbox)
            .where(inbox.c.callback_id == callback_id, inbox.c.status == InboxStatus.RECEIVED)
            .values(
                attempts=attempts,
                next_at=self._clock.now() + _RETRY_AFTER * attempts,
                status=InboxStatus.FAILED if is_last else InboxStatus.RECEIVED,
                outcome="could not be applied",
            )
        )


def _due(now: datetime) -> Select[tuple[str]]:
    """By charge, so that two workers lock charges in one order; within a charge as they came."""
    oldest = (
        select(inbox.c.callback_id)
        .where(inbox.c.status == InboxStatus.RECEIVED, inbox.c.next_at <= now)
        .order_by(inbox.c.next_at)
        .limit(BATCH)
    )
    return (
        select(inbox.c.callback_id)
        .where(inbox.c.callback_id.in_(oldest))
        .order_by(inbox.c.charge_id, inbox.c.received_at, inbox.c.callback_id)
    )
