"""Events that go straight from the commit that made them to a thread which delivers them.

The relay (`kit.outbox`) finds what waits in an outbox, whoever left it there. That takes a look and a claim for events
of which this process knows everything already. So a carrier leases an event to itself in the transaction that makes it,
gets it in memory after the commit, and writes down what became of it, several in one transaction. It takes only what is
the first of its aggregate, and only while it keeps up; everything else, and what is lost here with the process, is the
relay's, as soon as the lease is over."""

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Executable, Table, and_, bindparam, literal_column, null, select, update

from kit.background import Loop
from kit.clock import Clock
from kit.columns import is_one_of
from kit.db import Database, Tx, VendorMoved
from kit.outbox import Delivered, Delivery, Outboxes, OutboxEvent, Whole, is_not_behind, outcome_values, tried

_log = structlog.get_logger()

LEASE = timedelta(seconds=10)
"""More than an event may wait here and a delivery may take."""

WAITS_S = 3.0
"""What has waited longer is left to the relay."""

MOST_WAITING = 256
DELIVERY_WITHIN_S = 5.0
"""How long one may take, so that it is over before its lease is."""


@dataclass(frozen=True, slots=True)
class _Load:
    event: OutboxEvent
    until_s: float
    left_then: int


class Carrier:
    """For one outbox and one listener. Thread-safe. Takes events only while its loop runs."""

    def __init__(
        self,
        name: str,
        home: Database | Outboxes,
        table: Table,
        clock: Clock,
        deliver: Callable[[OutboxEvent], Delivery],
        *,
        wake_relay: Callable[[], None],
        threads: int = 4,
        fences: Table | None = None,
    ) -> None:
        """`deliver` takes at most `DELIVERY_WITHIN_S`. `wake_relay` is called when something waits that was not
        carried. `fences` as for `kit.outbox.Relay`."""
        self._home = Whole(home) if isinstance(home, Database) else home
        self._clock = clock
        self._deliver = deliver
        self._wake_relay = wake_relay
        self._statements = _statements(table, fences)
        self._owner = secrets.token_hex(8)
        self._waiting: deque[_Load] = deque()
        self._outcomes: deque[tuple[_Load, Delivery | None]] = deque()
        self._recording = threading.Lock()
        self._left = 0
        self.loop = Loop(name, self.turn, idle_s=60.0, threads=threads, is_handed_work=lambda: bool(self._waiting))

    def lease(self, tx: Tx, wanted: Sequence[tuple[str, str]], now: datetime) -> list[dict[str, Any] | None]:
        """As `kit.outbox.Carriage` has it."""
        if not self.loop.is_running or len(self._waiting) + len(wanted) > MOST_WAITING:
            return [None] * len(wanted)
        vendors, aggregates = (sorted({each[at] for each in wanted}) for at in (0, 1))
        which = {"vendors": vendors, "aggregates": aggregates}
        begun = {(row.vendor_id, row.aggregate) for row in tx.execute(self._statements.unfinished, which)}
        leases: list[dict[str, Any] | None] = []
        for each in wanted:
            is_first = each not in begun
            begun.add(each)
            leases.append({"lease_owner": self._owner, "lease_until": now + LEASE, "attempts": 1} if is_first else None)
        return leases

    def carry(self, events: Iterable[OutboxEvent]) -> None:
        until_s = time.monotonic() + WAITS_S
        for event in events:
            self._waiting.append(_Load(event, until_s, self._left))
            self.loop.nudge()

    def leave(self) -> None:
        """Something was announced that is not carried. The relay is woken now, and once more after whatever is on its
        way: it may wait for just that."""
        self._left += 1
        self._wake_relay()

    def give_back(self) -> None:
        """For a process that stops: what was not begun is the relay's at once."""
        self._outcomes.extend((load, None) for load in self._take_all())
        try:
            self._record()
        except Exception as error:
            _log.warning("events could not be given back: their leases will end", error=type(error).__name__)

    def _take_all(self) -> list[_Load]:
        taken: list[_Load] = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        return taken

    def turn(self) -> bool:
        """Deliver one event. Returns whether any waited."""
        try:
            load = self._waiting.popleft()
        except IndexError:
            return False
        is_in_time = time.monotonic() < load.until_s
        self._outcomes.append((load, tried(self._deliver, load.event) if is_in_time else None))
        self._record()
        return True

    def _record(self) -> None:
        """Whoever is at it writes down what the others bring meanwhile, too."""
        while self._outcomes and self._recording.acquire(blocking=False):
            try:
                outcomes: list[tuple[_Load, Delivery | None]] = []
                while self._outcomes:
                    outcomes.append(self._outcomes.popleft())
                self._write(outcomes)
            finally:
                self._recording.release()

    def _write(self, outcomes: Sequence[tuple[_Load, Delivery | None]]) -> None:
        """What is not written down is delivered again when its lease is over."""
        now = self._clock.now()
        delivered: dict[str, list[str]] = {}
        for load, outcome in outcomes:
            if isinstance(outcome, Delivered):
                delivered.setdefault(load.event.vendor_id, []).append(load.event.event_id)
        is_awaited = any(outcome is None or load.left_then != self._left for load, outcome in outcomes)
        try:
            with self._home.across_to_lease() as tx:
                for vendor_id in sorted(delivered):
                    which = {"of_vendor": vendor_id, "which": sorted(delivered[vendor_id])}
                    done = {**which, "owner": self._owner, "now": now}
                    rows = tx.execute(self._statements.delivered, done).all()
                    is_awaited = any(row.is_awaited for row in rows) or is_awaited
                for load, outcome in outcomes:
                    if not isinstance(outcome, Delivered):
                        tx.execute(self._statements.undelivered, self._undelivered(load.event, outcome, now))
        except VendorMoved:
            _log.warning("outcomes were not recorded: the vendor has moved", events=len(outcomes))
        if is_awaited:
            self._wake_relay()

    def _undelivered(self, event: OutboxEvent, outcome: Delivery | None, now: datetime) -> dict[str, Any]:
        which = {"of_vendor": event.vendor_id, "which": event.event_id, "owner": self._owner}
        if outcome is None:
            return {**which, "new_status": "pending", "due": now, "why": None, "tried": 0}
        values = outcome_values(event, outcome, now)
        del values["delivered"]
        return {**which, **values, "tried": event.attempts}


@dataclass(frozen=True, slots=True)
class _Statements:
    unfinished: Executable
    delivered: Executable
    undelivered: Executable


@lru_cache(maxsize=16)
def _statements(table: Table, fences: Table | None) -> _Statements:
    c, later = table.c, table.alias("later")
    # Written out, so that both databases recognise the partial index.
    unfinished = select(c.vendor_id, c.aggregate).where(
        is_one_of(c.vendor_id, "vendors"),
        is_one_of(c.aggregate, "aggregates"),
        c.status.in_([literal_column("'pending'"), literal_column("'parked'")]),
    )
    is_leased = and_(
        c.vendor_id == bindparam("of_vendor"), c.lease_owner == bindparam("owner"), is_not_behind(fences, table)
    )
    # Named in full: what an UPDATE returns is said without the table's name on SQLite, and would mean `later` here.
    own: dict[str, ColumnElement[Any]] = {
        name: literal_column(f"{table.name}.{name}") for name in ("vendor_id", "aggregate", "seq")
    }
    is_awaited = (
        select(later.c.seq)
        .where(
            later.c.vendor_id == own["vendor_id"],
            later.c.aggregate == own["aggregate"],
            later.c.status == literal_column("'pending'"),
            later.c.seq > own["seq"],
        )
        .exists()
    )
    freed = {"lease_owner": null(), "lease_until": null()}
    now = bindparam("now", type_=c.delivered_at.type)
    delivered = (
        update(table)
        .where(is_leased, is_one_of(c.event_id, "which"))
        .values(status="delivered", next_at=now, delivered_at=now, last_error=null(), **freed)
        .returning(is_awaited.label("is_awaited"))
    )
    undelivered = (
        update(table)
        .where(is_leased, c.event_id == bindparam("which"))
        .values(
            status=bindparam("new_status"),
            next_at=bindparam("due", type_=c.next_at.type),
            last_error=bindparam("why"),
            attempts=bindparam("tried"),
            **freed,
        )
    )
    return _Statements(unfinished, delivered, undelivered)
