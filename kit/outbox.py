"""The transactional outbox: an event is a row of the transaction that caused it, delivered afterwards until accepted.

Rows are claimed with a lease in one statement; within an aggregate of a vendor they leave in order; an event that is
refused for good is parked where a person sees it and holds back only the later ones of its own aggregate. Where
row-level security holds, the claim sees envelopes alone; bodies are then read in the scope of their vendors."""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any, Protocol

import structlog
from pydantic import BaseModel
from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    Executable,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    literal_column,
    select,
    text,
    true,
    update,
)

from kit.clock import Clock
from kit.columns import BigInt, Code, UtcTime
from kit.db import Database, Scope, Tx, VendorMoved, insert_new

_log = structlog.get_logger()

LEASE = timedelta(seconds=30)
RETRY_DELAYS_S = (1, 2, 5, 15, 60, 300, 1800, 3600)
"""Between attempts; the last one repeats. Nothing is given up on its own: a person parks or repairs."""


IS_UNFINISHED = "status IN ('pending', 'parked')"
"""Written out, never bound: a database uses a partial index only for a condition that it can read."""


def outbox_table(metadata: MetaData, name: str = "outbox") -> Table:
    return Table(
        name,
        metadata,
        Column("seq", BigInt, primary_key=True, autoincrement=True),
        Column("event_id", Code, nullable=False),
        Column("vendor_id", Code, nullable=False),
        Column("aggregate", Code, nullable=False),
        Column("type", Code, nullable=False),
        Column("body", Text, nullable=False),
        Column("created_at", UtcTime, nullable=False),
        Column("status", Code, nullable=False, server_default="pending"),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("next_at", UtcTime, nullable=False),
        Column("lease_owner", Code),
        Column("lease_until", UtcTime),
        Column("delivered_at", UtcTime),
        Column("last_error", Text),
        UniqueConstraint("vendor_id", "event_id", name=f"{name}_event_id_key"),
        CheckConstraint("status IN ('pending', 'delivered', 'parked', 'discarded')", name=f"{name}_status_check"),
        Index(
            f"{name}_due",
            "next_at",
            postgresql_where=text("status = 'pending'"),
            sqlite_where=text("status = 'pending'"),
        ),
        Index(
            f"{name}_aggregate_order",
            "vendor_id",
            "aggregate",
            "seq",
            postgresql_where=text(IS_UNFINISHED),
            sqlite_where=text(IS_UNFINISHED),
        ),
        sqlite_strict=True,
    )


def enqueue(
    tx: Tx,
    table: Table,
    *,
    event_id: str,
    vendor_id: str,
    aggregate: str,
    type: str,  # noqa: A002  # named as the column, the envelope and the listener name it
    body: BaseModel,
    now: datetime,
    wake: Callable[[], None] | None = None,
    carriage: "Carriage | None" = None,
) -> bool:
    """Put an event into the transaction. Returns False, and changes nothing, if that id was announced before.

    After the commit `carriage` delivers it, where it has leased it, and else `wake` is called."""
    content = body.model_dump_json()
    lease = None if carriage is None else carriage.lease(tx, [(vendor_id, aggregate)], now)[0]
    is_new = insert_new(
        tx,
        table,
        {
            "event_id": event_id,
            "vendor_id": vendor_id,
            "aggregate": aggregate,
            "type": type,
            "body": content,
            "created_at": now,
            "next_at": now,
            **(lease or {}),
        },
        conflict=["vendor_id", "event_id"],
    )
    if is_new and carriage is not None and lease is not None:
        event = OutboxEvent(0, vendor_id, event_id, type, content, attempts=1)
        tx.after_commit(partial(carriage.carry, [event]))
    elif is_new and wake is not None:
        tx.after_commit(wake)
    return is_new


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    seq: int
    """0 where it is not known."""
    vendor_id: str
    event_id: str
    type: str
    body: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """The listener has it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The listener does not have it, or may not: try later."""

    why: str
    after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Park:
    """The listener will never take it as it is: a person must look."""

    why: str


Delivery = Delivered | Retry | Park


NOT_LEASED: Mapping[str, Any] = {"lease_owner": None, "lease_until": None, "attempts": 0}
"""The columns of an event that is left to the relay."""


class Carriage(Protocol):
    """What takes events straight from the commit that made them: a `kit.carrying.Carrier`."""

    def lease(self, tx: Tx, wanted: Sequence[tuple[str, str]], now: datetime) -> Sequence[Mapping[str, Any] | None]:
        """For events about to be announced, of these (vendor, aggregate), the columns that lease each; None for those
        that are left to the relay."""
        ...

    def carry(self, events: Iterable[OutboxEvent]) -> None:
        """They were leased, and that is committed."""
        ...


class Outboxes(Protocol):
    """An outbox of many vendors, each of whom alone may see the bodies of their events."""

    def across(self) -> AbstractContextManager[Tx]:
        """A transaction that reads every vendor's envelopes."""
        ...

    def across_to_lease(self) -> AbstractContextManager[Tx]:
        """One that may also write their leases and outcomes."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A database without row-level security."""

    db: Database

    def across(self) -> AbstractContextManager[Tx]:
        return self.db.read()

    def across_to_lease(self) -> AbstractContextManager[Tx]:
        return self.db.write()


class Relay:
    """Carries events from one outbox to one listener. Several may run at once, in threads or processes."""

    def __init__(
        self,
        home: Database | Outboxes,
        table: Table,
        clock: Clock,
        deliver: Callable[[OutboxEvent], Delivery],
        *,
        batch: int = 5,
        fences: Table | None = None,
    ) -> None:
        """`fences` names vendors whose rows have left this database: their events are delivered from the new one."""
        self._home = Whole(home) if isinstance(home, Database) else home
        self._clock = clock
        self._deliver = deliver
        # Where one transaction may see everything, the claim brings the bodies along.
        self._statements = _statements(table, fences, batch, isinstance(home, Database))

    def turn(self) -> bool:
        """Claim what is due, deliver it, record the outcomes. Returns whether anything was due."""
        owner = secrets.token_hex(8)
        try:
            events = self._claim(owner)
        except VendorMoved:
            return False
        if not events:
            return False
        give_up_at = time.monotonic() + LEASE.total_seconds() / 3
        outcomes: list[tuple[OutboxEvent, Delivery]] = []
        for event in events:
            # A slow listener must not outlast the lease: what it keeps waiting is put off, not delivered twice.
            is_in_time = time.monotonic() < give_up_at
            outcomes.append(
                (event, tried(self._deliver, event) if is_in_time else Retry("put off: the listener is slow"))
            )
        try:
            self._record(outcomes, owner)
        except VendorMoved:
            # Delivered here and, its lease being over, once more from the vendor's new home: the listener knows the id.
            _log.warning("outcomes were not recorded: the vendor has moved", events=len(outcomes))
        return True

    def _record(self, outcomes: Sequence[tuple[OutboxEvent, Delivery]], owner: str) -> None:
        now = self._clock.now()
        with self._home.across_to_lease() as tx:
            for event, outcome in outcomes:
                values = outcome_values(event, outcome, now)
                tx.execute(self._statements.record_one, {**values, "which": event.seq, "owner": owner})

    def _claim(self, owner: str) -> list[OutboxEvent]:
        now = self._clock.now()
        # Looking costs no write lock: an idle relay must not disturb those who write.
        with self._home.across() as tx:
            if tx.execute(self._statements.is_due, {"now": now}).first() is None:
                return []
        with self._home.across_to_lease() as tx:
            rows = tx.execute(self._statements.claim_due, {"now": now, "owner": owner, "until": now + LEASE}).all()
            bodies = self._bodies(tx, rows)
        return sorted(
            (OutboxEvent(r.seq, r.vendor_id, r.event_id, r.type, bodies[r.seq], r.attempts) for r in rows),
            key=lambda event: event.seq,
        )

    def _bodies(self, tx: Tx, rows: Sequence[Any]) -> dict[int, str]:
        if self._statements.read_bodies is None:
            return {row.seq: row.body for row in rows}
        seqs: dict[str, list[int]] = {}
        for row in rows:
            seqs.setdefault(row.vendor_id, []).append(row.seq)
        found: dict[int, str] = {}
        for vendor_id, which in seqs.items():
            tx.enter(Scope(vendor_id))
            bodies = tx.execute(self._statements.read_bodies, {"vendor": vendor_id, "which": which})
            found |= {row.seq: row.body for row in bodies}
        return found


@dataclass(frozen=True, slots=True)
class _Statements:
    is_due: Executable
    claim_due: Executable
    read_bodies: Executable | None
    record_one: Executable


@lru_cache(maxsize=64)
def _statements(table: Table, fences: Table | None, batch: int, sees_bodies: bool) -> _Statements:
    """Kept, because putting them together costs more than running them."""
    now = bindparam("now", type_=table.c.next_at.type)
    is_ours = is_not_behind(fences, table)
    is_free = (table.c.lease_until.is_(None)) | (table.c.lease_until < now)
    due = (
        select(table.c.seq)
        .where(table.c.status == "pending", table.c.next_at <= now, is_free, _is_first_of_its_aggregate(table), is_ours)
        .order_by(table.c.seq)
    )
    returned = [table.c.seq, table.c.vendor_id, table.c.event_id, table.c.type, table.c.attempts]
    claim = (
        update(table)
        .where(table.c.seq.in_(due.limit(batch).with_for_update(skip_locked=True, of=table)))
        .values(
            lease_owner=bindparam("owner"),
            lease_until=bindparam("until", type_=table.c.lease_until.type),
            attempts=table.c.attempts + 1,
        )
        .returning(*returned, *([table.c.body] if sees_bodies else []))
    )
    read = select(table.c.seq, table.c.body).where(
        table.c.vendor_id == bindparam("vendor"), table.c.seq.in_(bindparam("which", expanding=True))
    )
    return _Statements(due.limit(1), claim, None if sees_bodies else read, _recording(table, is_ours))


def _is_first_of_its_aggregate(table: Table) -> ColumnElement[bool]:
    earlier = table.alias("earlier")
    return ~(
        select(earlier.c.seq)
        .where(
            earlier.c.vendor_id == table.c.vendor_id,
            earlier.c.aggregate == table.c.aggregate,
            earlier.c.status.in_([literal_column("'pending'"), literal_column("'parked'")]),
            earlier.c.seq < table.c.seq,
        )
        .exists()
    )


def is_not_behind(fences: Table | None, table: Table) -> ColumnElement[bool]:
    if fences is None:
        return true()
    return ~select(fences.c.vendor_id).where(fences.c.vendor_id == table.c.vendor_id).exists()


def _recording(table: Table, is_ours: ColumnElement[bool]) -> Executable:
    return (
        update(table)
        .where(table.c.seq == bindparam("which"), table.c.lease_owner == bindparam("owner"), is_ours)
        .values(
            status=bindparam("new_status"),
            next_at=bindparam("due", type_=table.c.next_at.type),
            delivered_at=bindparam("delivered", type_=table.c.delivered_at.type),
            last_error=bindparam("why"),
            lease_owner=None,
            lease_until=None,
        )
    )


def tried(deliver: Callable[[OutboxEvent], Delivery], event: OutboxEvent) -> Delivery:
    """What came of it. A mistake of ours is tried again like any other failure."""
    try:
        return deliver(event)
    except Exception as error:
        _log.exception("delivering an event failed", event_id=event.event_id, type=event.type)
        return Retry(type(error).__name__)


def outcome_values(event: OutboxEvent, outcome: Delivery, now: datetime) -> dict[str, Any]:
    match outcome:
        case Delivered():
            return {"new_status": "delivered", "due": now, "delivered": now, "why": None}
        case Retry(why, after_s):
            delay_s = after_s or RETRY_DELAYS_S[min(event.attempts, len(RETRY_DELAYS_S)) - 1]
            _log.warning("event not delivered yet", type=event.type, attempts=event.attempts, why=why)
            return {"new_status": "pending", "due": now + timedelta(seconds=delay_s), "delivered": None, "why": why}
        case Park(why):
            _log.error("event parked", event_id=event.event_id, type=event.type, why=why)
            return {"new_status": "parked", "due": now, "delivered": None, "why": why}
