"""Ends what nobody will end: intents whose grant was never used, reservations that nobody gave back. Sends nothing."""

import time
from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from contracts.ids import PaymentIntentId, VendorId
from contracts.states import IntentStatus
from kit.background import Loop
from kit.clock import Clock
from kit.db import VendorMoved
from kit.problems import Problem
from router.databases import Databases, OpsDatabase, has_stayed
from router.payments.apply import expire_unsent
from router.payments.models import payment_intents
from router.payments.payables import Registry
from router.payments.pushes import expired_reservations, release_push
from router.payments.rules import NOT_SENT_MARGIN

_log = structlog.get_logger()

BATCH = 50
IDLE_S = 5.0
PATIENCE_S = 10.0
"""After a start, before silence counts: events that waited while this process was down come in first."""


def sweep_loop(databases: Databases, registry: Registry, clock: Clock, *, patience_s: float = PATIENCE_S) -> Loop:
    return Loop("payments-sweep", Sweep(databases, registry, clock, patience_s=patience_s).turn, idle_s=IDLE_S)


class Sweep:
    """One turn, and one visit, ends at most `BATCH` of each kind."""

    def __init__(
        self,
        databases: Databases,
        registry: Registry,
        clock: Clock,
        *,
        patience_s: float = PATIENCE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._databases = databases
        self._registry = registry
        self._clock = clock
        self._monotonic = monotonic
        self._silence_counts_at_s = monotonic() + patience_s

    def turn(self) -> bool:
        """A visit to the shared database, and what no shop gave back. Returns whether anything was ended."""
        ended = self.visit(self._databases.shared)
        return bool(self._give_back()) or ended

    def visit(self, db: OpsDatabase) -> bool:
        """End the intents of this database whose grants were never used. Returns whether there were any."""
        if self._monotonic() < self._silence_counts_at_s:
            return False
        now = self._clock.now()
        c = payment_intents.c
        with db.across() as tx:
            silent = tx.execute(
                select(c.vendor_id, c.id)
                .where(
                    c.status == IntentStatus.CREATED,
                    c.grant_expires_at < now - NOT_SENT_MARGIN,
                    has_stayed(c.vendor_id),
                )
                .order_by(c.grant_expires_at)
                .limit(BATCH)
            ).all()
        return sum(self._end(db, row.vendor_id, row.id, now) for row in silent) > 0

    def _end(self, db: OpsDatabase, vendor_id: VendorId, intent_id: PaymentIntentId, now: datetime) -> int:
        try:
            with db.of(vendor_id).write() as tx:
                is_over = expire_unsent(tx, self._registry, vendor_id=vendor_id, intent_id=intent_id, now=now)
            if not is_over:
                return 0
            with self._databases.platform.write() as tx:
                release_push(tx, intent_id=intent_id, now=now, was_used=False)
        except VendorMoved:
            return 0  # it is ended where the shop lives now
        except Exception:
            # One that can't be ended must not hold back the others.
            _log.exception("an unused intent could not be ended", intent_id=intent_id)
            return 0
        return 1

    def _give_back(self) -> int:
        now = self._clock.now()
        with self._databases.platform.read() as tx:
            overdue = expired_reservations(tx, now=now, limit=BATCH)
        for intent_id, vendor_id in overdue:
            was_used = self._was_started(vendor_id, intent_id)
            with self._databases.platform.write() as tx:
                release_push(tx, intent_id=intent_id, now=now, was_used=was_used)
        return len(overdue)

    def _was_started(self, vendor_id: VendorId, intent_id: PaymentIntentId) -> bool:
        c = payment_intents.c
        try:
            with self._databases.ops(vendor_id).read() as tx:
                found = tx.execute(select(c.id).where(c.vendor_id == vendor_id, c.id == intent_id))
                return found.first() is not None
        except (Problem, DBAPIError, PoolTimeout):
            return True  # its database can't be asked, so the push counts
