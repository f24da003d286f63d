"""From an event to its deliveries: one row for each endpoint that wants it, in the transaction that announces it."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Engine, bindparam, insert, select, true

from contracts.ids import VendorId, new_id
from kit.columns import UtcTime
from kit.db import Tx
from router.events.endpoints import Endpoint, EndpointBook
from router.events.models import outbox, webhook_deliveries
from router.events.payloads import PING, is_for_vendors, ping_body
from router.events.rules import Cause

MAX_REPLAYED = 1000
"""Events of one replay; the next one goes on where it ended."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears of what is announced in an ops database, and whom to wake after the commit."""

    book: EndpointBook
    wake: Callable[[], None]


# By engine, like the wake-ups of the relay: a transaction brings its engine along.
_audiences: WeakKeyDictionary[Engine, Audience] = WeakKeyDictionary()
_audiences_lock = threading.Lock()


def tell_endpoints(engine: Engine, audience: Audience) -> None:
    """From now on, what is announced in this engine's database is delivered to the endpoints of this book as well."""
    with _audiences_lock:
        _audiences[engine] = audience


def audience_of(tx: Tx) -> Audience | None:
    with _audiences_lock:
        return _audiences.get(tx.conn.engine)


_SEQ = select(outbox.c.seq).where(outbox.c.vendor_id == bindparam("vendor"), outbox.c.event_id == bindparam("event"))


def fan_out(tx: Tx, *, vendor_id: VendorId, event_id: str, type_: str, aggregate: str, now: datetime) -> int:
    """The deliveries of an event that this transaction has just announced. Returns how many."""
    audience = audience_of(tx)
    if audience is None or not is_for_vendors(type_):
        return 0
    wanting = audience.book.wanting(vendor_id, type_)
    if not wanting:
        return 0
    seq: int = tx.execute(_SEQ, {"vendor": vendor_id, "event": event_id}).scalar_one()
    event = StoredEvent(seq, event_id, type_, aggregate)
    return deliver(tx, vendor_id, [(endpoint.id, event) for endpoint in wanting], Cause.EVENT, now)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event in the outbox, without its body."""

    seq: int
    event_id: str
    type: str
    aggregate: str


def deliver(tx: Tx, vendor_id: VendorId, wanted: Sequence[tuple[str, StoredEvent]], cause: Cause, now: datetime) -> int:
    """Make a delivery of each (endpoint id, event). Returns how many."""
    if not wanted:
        return 0
    rows = [
        {
            "vendor_id": vendor_id,
            "id": new_id(now),
            "endpoint_id": endpoint_id,
            "event_id": event.event_id,
            "event_seq": event.seq,
            "type": event.type,
            "aggregate": event.aggregate,
            "cause": cause,
            "next_at": now,
            "created_at": now,
        }
        for endpoint_id, event in wanted
    ]
    tx.execute(insert(webhook_deliveries), rows)
    wake_after(tx)
    return len(rows)


def ping(tx: Tx, endpoint: Endpoint, now: datetime) -> str:
    """A test event for this endpoint alone; it is in no outbox. Returns the delivery's id."""
    delivery_id, event_id = new_id(now), new_id(now)
    row = {
        "vendor_id": endpoint.vendor_id,
        "id": delivery_id,
        "endpoint_id": endpoint.id,
        "event_id": event_id,
        "event_seq": 0,
        "type": PING,
        "aggregate": f"ping:{event_id}",
        "cause": Cause.PING,
        "body": ping_body(event_id, endpoint.vendor_id, endpoint.id, now),
        "next_at": now,
        "created_at": now,
    }
    tx.execute(insert(webhook_deliveries), row)
    wake_after(tx)
    return delivery_id


def find_event(tx: Tx, vendor_id: VendorId, event_id: str) -> StoredEvent | None:
    row = tx.execute(select(*_ENVELOPE).where(_of(vendor_id), outbox.c.event_id == event_id)).one_or_none()
    return None if row is None else StoredEvent(row.seq, row.event_id, row.type, row.aggregate)


def replay_range(
    tx: Tx,
    endpoint: Endpoint,
    *,
    since: datetime,
    until: datetime | None,
    types: Sequence[str],
    after: StoredEvent | None,
    now: datetime,
    limit: int = MAX_REPLAYED,
) -> tuple[int, str | None]:
    """Deliver once more what happened from `since` on and before `until` (None: until now) and this endpoint wants, of
    these types if any are given, and only what came after that event. Looks at `limit` events. Returns how many it
    delivers, and the id of the event to go on after (None: that was all)."""
    asked = set(types) if types else None
    statement = (
        select(*_ENVELOPE)
        .where(
            _of(endpoint.vendor_id),
            outbox.c.created_at >= bindparam("since", since, type_=UtcTime()),
            true() if until is None else outbox.c.created_at < bindparam("until", until, type_=UtcTime()),
            outbox.c.seq > (0 if after is None else after.seq),
        )
        .order_by(outbox.c.seq)
        .limit(limit + 1)
    )
    rows = tx.execute(statement).all()
    events = [StoredEvent(row.seq, row.event_id, row.type, row.aggregate) for row in rows[:limit]]
    wanted = [
        event
        for event in events
        if is_for_vendors(event.type) and endpoint.wants(event.type) and (asked is None or event.type in asked)
    ]
    queued = deliver(tx, endpoint.vendor_id, [(endpoint.id, event) for event in wanted], Cause.REPLAY, now)
    return queued, events[-1].event_id if len(rows) > limit else None


def wake_after(tx: Tx) -> None:
    audience = audience_of(tx)
    if audience is not None:
        tx.after_commit(audience.wake)


_ENVELOPE = (outbox.c.seq, outbox.c.event_id, outbox.c.type, outbox.c.aggregate)


def _of(vendor_id: VendorId) -> ColumnElement[bool]:
    return outbox.c.vendor_id == vendor_id
