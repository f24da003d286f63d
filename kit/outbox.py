"""The transactional outbox: an event is a row of the transaction that caused it, delivered afterwards until accepted.

Rows are claimed with a lease in one statement; within an aggregate they leave in order; an event that is refused for
good is parked where a person sees it and holds back only the later ones of its own aggregate."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
import urllib3
from pydantic import BaseModel
from sqlalchemy import (
    CheckConstraint,
    Column,
    Executable,
    Index,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    select,
    text,
    update,
)

from kit.clock import Clock
from kit.columns import BigInt, Code, UtcTime
from kit.db import Database, Tx, insert_new
from kit.webhooks import EventSigner

_log = structlog.get_logger()

LEASE = timedelta(seconds=30)
RETRY_DELAYS_S = (1, 2, 5, 15, 60, 300, 1800, 3600)
"""Between attempts; the last one repeats. Nothing is given up on its own: a person parks or repairs."""


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
        UniqueConstraint("event_id", name=f"{name}_event_id_key"),
        CheckConstraint("status IN ('pending', 'delivered', 'parked')", name=f"{name}_status_check"),
        Index(
            f"{name}_due",
            "next_at",
            postgresql_where=text("status = 'pending'"),
            sqlite_where=text("status = 'pending'"),
        ),
        Index(
            f"{name}_aggregate_order",
            "aggregate",
            "seq",
            postgresql_where=text("status <> 'delivered'"),
            sqlite_where=text("status <> 'delivered'"),
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
) -> bool:
    """Put an event into the transaction. Returns False, and changes nothing, if that id was announced before."""
    is_new = insert_new(
        tx,
        table,
        {
            "event_id": event_id,
            "vendor_id": vendor_id,
            "aggregate": aggregate,
            "type": type,
            "body": body.model_dump_json(),
            "created_at": now,
            "next_at": now,
        },
        conflict=["event_id"],
    )
    if is_new and wake is not None:
        tx.after_commit(wake)
    return is_new


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    seq: int
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


class Relay:
    """Carries events from one outbox to one listener. Several may run at once, in threads or processes."""

    def __init__(
        self,
        db: Database,
        table: Table,
        clock: Clock,
        deliver: Callable[[OutboxEvent], Delivery],
        *,
        batch: int = 5,
    ) -> None:
        self._db = db
        self._clock = clock
        self._deliver = deliver
        self._is_due, self._claim_due = _claiming(table, batch)
        self._record_one = _recording(table)

    def turn(self) -> bool:
        """Claim what is due, deliver it, record the outcomes. Returns whether anything was due."""
        owner = secrets.token_hex(8)
        events = self._claim(owner)
        if not events:
            return False
        give_up_at = time.monotonic() + LEASE.total_seconds() / 3
        outcomes: list[tuple[OutboxEvent, Delivery]] = []
        for event in events:
            # A slow listener must not outlast the lease: what it keeps waiting is put off, not delivered twice.
            is_in_time = time.monotonic() < give_up_at
            outcomes.append((event, self._try(event) if is_in_time else Retry("put off: the listener is slow")))
        now = self._clock.now()
        with self._db.write() as tx:
            for event, outcome in outcomes:
                values = _values(event, outcome, now)
                tx.execute(self._record_one, {**values, "which": event.seq, "owner": owner})
        return True

    def _try(self, event: OutboxEvent) -> Delivery:
        try:
            return self._deliver(event)
        except Exception as error:
            _log.exception("delivering an event failed", event_id=event.event_id, type=event.type)
            return Retry(type(error).__name__)

    def _claim(self, owner: str) -> list[OutboxEvent]:
        now = self._clock.now()
        # Looking costs no write lock: an idle relay must not disturb those who write.
        with self._db.read() as tx:
            if tx.execute(self._is_due, {"now": now}).first() is None:
                return []
        with self._db.write() as tx:
            rows = tx.execute(self._claim_due, {"now": now, "owner": owner, "until": now + LEASE}).all()
        return sorted(
            (OutboxEvent(r.seq, r.event_id, r.type, r.body, r.attempts) for r in rows), key=lambda event: event.seq
        )


def _claiming(table: Table, batch: int) -> tuple[Select[Any], Executable]:
    """Whether anything is due, and the claim; built once, since building costs more than running them."""
    now = bindparam("now", type_=table.c.next_at.type)
    earlier = table.alias("earlier")
    is_first_of_its_aggregate = ~(
        select(earlier.c.seq)
        .where(earlier.c.aggregate == table.c.aggregate, earlier.c.status != "delivered", earlier.c.seq < table.c.seq)
        .exists()
    )
    is_free = (table.c.lease_until.is_(None)) | (table.c.lease_until < now)
    due = (
        select(table.c.seq)
        .where(table.c.status == "pending", table.c.next_at <= now, is_free, is_first_of_its_aggregate)
        .order_by(table.c.seq)
    )
    claim = (
        update(table)
        .where(table.c.seq.in_(due.limit(batch).with_for_update(skip_locked=True, of=table)))
        .values(
            lease_owner=bindparam("owner"),
            lease_until=bindparam("until", type_=table.c.lease_until.type),
            attempts=table.c.attempts + 1,
        )
        .returning(table.c.seq, table.c.event_id, table.c.type, table.c.body, table.c.attempts)
    )
    return due.limit(1), claim


def _recording(table: Table) -> Executable:
    return (
        update(table)
        .where(table.c.seq == bindparam("which"), table.c.lease_owner == bindparam("owner"))
        .values(
            status=bindparam("new_status"),
            next_at=bindparam("due", type_=table.c.next_at.type),
            delivered_at=bindparam("delivered", type_=table.c.delivered_at.type),
            last_error=bindparam("why"),
            lease_owner=None,
            lease_until=None,
        )
    )


def _values(event: OutboxEvent, outcome: Delivery, now: datetime) -> dict[str, Any]:
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


def http_delivery(
    url: str, signer: EventSigner, clock: Clock, *, timeout_s: float = 10.0
) -> Callable[[OutboxEvent], Delivery]:
    """Deliver by POST, as a Standard Webhook. 2xx is accepted; everything else is tried again, for ever.

    Our own processes refuse an event only when keys or versions differ, which a person mends: nothing is parked."""
    pool = urllib3.PoolManager(
        num_pools=1, maxsize=8, retries=False, timeout=urllib3.Timeout(connect=min(2.0, timeout_s), read=timeout_s)
    )

    def deliver(event: OutboxEvent) -> Delivery:
        body = event.body.encode()
        headers = signer.headers(event.event_id, clock.now(), body)
        try:
            response = pool.request("POST", url, body=body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            return Retry(type(error).__name__)
        if 200 <= response.status < 300:
            return Delivered()
        return Retry(f"answered {response.status}")

    return deliver
