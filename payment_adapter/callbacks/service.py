"""Applies what has come: callbacks of charges several in one transaction, notices to a shop's address one by one.

A charge's callback is applied in the transaction that stores it (`payment_adapter.callbacks.arrivals`); what could not
be is applied here later. Applying and marking it done are one commit, so a crash between them is no case."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import bindparam, select, update

from contracts.states import InboxStatus
from kit.clock import Clock
from kit.columns import UtcTime, is_one_of
from kit.db import Database, Tx
from payment_adapter.callbacks.models import inbox
from payment_adapter.callbacks.notices import STATUS_BY_APPLIED, Done, Later, Notices
from payment_adapter.charges.decide import Applied
from payment_adapter.charges.record import Charge, Source
from payment_adapter.charges.service import Charges
from payment_adapter.providers.base import CallbackUnreadable, Report
from payment_adapter.vault.service import Vault

_log = structlog.get_logger()

BATCH = 100
MAX_ATTEMPTS = 5
_RETRY_AFTER = timedelta(seconds=5)

_TAKE = (
    select(inbox)
    .where(is_one_of(inbox.c.callback_id, "which"), inbox.c.status == InboxStatus.RECEIVED)
    .order_by(inbox.c.charge_id, inbox.c.received_at, inbox.c.callback_id)
    .with_for_update(skip_locked=True)
)
_DONE = (
    update(inbox)
    .where(inbox.c.vendor_id == bindparam("of_vendor"), inbox.c.callback_id == bindparam("which"))
    .values(
        status=bindparam("new_status"),
        outcome=bindparam("new_outcome"),
        attempts=inbox.c.attempts + 1,
        processed_at=bindparam("at", type_=UtcTime()),
    )
)
_DUE = (
    select(inbox.c.callback_id, inbox.c.charge_id)
    .where(inbox.c.status == InboxStatus.RECEIVED, inbox.c.next_at <= bindparam("now", type_=UtcTime()))
    .order_by(inbox.c.next_at, inbox.c.callback_id)
    .limit(BATCH)
)


@dataclass(frozen=True, slots=True)
class Told:
    """What came to a charge's own address."""

    charge_id: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class Callbacks:
    """Runs in several threads and processes at once."""

    def __init__(self, db: Database, charges: Charges, vault: Vault, clock: Clock) -> None:
        self._db = db
        self._charges = charges
        self._notices = Notices(charges, vault, clock)
        self._clock = clock

    def turn(self) -> bool:
        """Apply what has come. Returns whether anything was due."""
        with self._db.read() as tx:
            due = tx.execute(_DUE, {"now": self._clock.now()}).all()
        of_charges = [str(row.callback_id) for row in due if row.charge_id is not None]
        if of_charges:
            self._in_one_go(of_charges)
        for row in due:
            if row.charge_id is None:
                self._alone(row.callback_id, self._apply_notice)
        return bool(due)

    def _in_one_go(self, which: Sequence[str]) -> None:
        """All of them in one transaction, or, if one of them breaks that, each on its own."""
        try:
            with self._db.write() as tx:
                self._apply(tx, which)
        except Exception as error:
            _log.warning("callbacks are applied one by one now", error=type(error).__name__)
            for callback_id in which:
                self._alone(callback_id, lambda tx, one: self._apply(tx, [one]))

    def _alone(self, callback_id: str, apply: Callable[[Tx, str], None]) -> None:
        try:
            with self._db.write() as tx:
                apply(tx, callback_id)
        except Exception as error:
            _log.error("a callback can't be applied", callback=callback_id, error=type(error).__name__)
            with self._db.write() as tx:
                self._postpone(tx, callback_id)

    def apply_to(self, tx: Tx, told: Sequence[Told]) -> list[Done]:
        """What each, in this order, did to its charge. They are locked in the order of their ids."""
        charges = self._charges.lock_all(tx, {each.charge_id for each in told})
        done: dict[int, Done] = {}
        news: list[tuple[int, Charge, Report]] = []
        for at, each in enumerate(told):
            charge = charges[each.charge_id]
            try:
                report = self._charges.provider(charge).read_callback(each.body, each.headers)
            except CallbackUnreadable as error:
                _log.warning("a callback can't be read", charge=charge.charge_id, why=str(error))
                done[at] = Done(InboxStatus.FAILED, f"unreadable: {error}")
            else:
                news.append((at, charge, report))
        unread = [told[at].charge_id for at in done]
        if news:
            applied = self._charges.report_all(tx, [(charge, report) for _, charge, report in news], Source.CALLBACK)
            for (at, charge, report), became in zip(news, applied, strict=True):
                if became is Applied.MISMATCH:
                    _log.warning("a callback does not fit its charge", charge=charge.charge_id)
                done[at] = Done(STATUS_BY_APPLIED[became], f"{report.status}: {became}")
        for charge_id in unread:
            self._charges.ask_soon(tx, self._charges.lock(tx, charge_id))
        return [done[at] for at in range(len(told))]

    def _apply(self, tx: Tx, which: Sequence[str]) -> None:
        """Those of them that no other worker has."""
        rows = tx.execute(_TAKE, {"which": list(which)}).all()
        done = self.apply_to(tx, [Told(row.charge_id, bytes(row.body), row.headers) for row in rows])
        self._mark(tx, list(zip(rows, done, strict=True)))

    def _apply_notice(self, tx: Tx, callback_id: str) -> None:
        row = tx.execute(_TAKE, {"which": [callback_id]}).first()
        if row is None:  # another worker has it
            return
        match self._notices.apply(tx, row):
            case Done() as done:
                self._mark(tx, [(row, done)])
            case Later(at, why):
                tx.execute(update(inbox).where(inbox.c.callback_id == callback_id).values(next_at=at, outcome=why))

    def _mark(self, tx: Tx, done: Sequence[tuple[Any, Done]]) -> None:
        now = self._clock.now()
        rows = [
            {
                "of_vendor": row.vendor_id,
                "which": row.callback_id,
                "new_status": became.status,
                "new_outcome": became.outcome,
                "at": now,
            }
            for row, became in done
        ]
        if rows:
            tx.execute(_DONE, rows)

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
