"""Events that the bot does not take: seen across shops, and let go or given up by an operator, one at a time."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select, update

from contracts.ids import VendorId
from kit.db import Tx
from router.databases import vendor_fences
from router.events.models import outbox

FAILING_AFTER = 5
"""Attempts after which an event that is still tried is worth a look."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """`held_back`: later events of the same aggregate that wait for this one."""

    vendor_id: VendorId
    event_id: str
    type: str
    aggregate: str
    status: str
    attempts: int
    created_at: datetime
    last_error: str | None
    held_back: int


def stuck_events(tx: Tx, *, only: VendorId | None = None, limit: int = 100) -> list[Stuck]:
    """Parked ones, and those that failed `FAILING_AFTER` times, oldest first. `tx` may read envelopes alone."""
    later = outbox.alias("later")
    held_back = (
        select(func.count())
        .select_from(later)
        .where(
            later.c.vendor_id == outbox.c.vendor_id,
            later.c.aggregate == outbox.c.aggregate,
            later.c.status == "pending",
            later.c.seq > outbox.c.seq,
        )
        .scalar_subquery()
    )
    c = outbox.c
    is_stuck = or_(c.status == "parked", and_(c.status == "pending", c.attempts >= FAILING_AFTER))
    has_left = select(vendor_fences.c.vendor_id).where(vendor_fences.c.vendor_id == c.vendor_id).exists()
    columns = (c.vendor_id, c.event_id, c.type, c.aggregate, c.status, c.attempts, c.created_at, c.last_error)
    statement = select(*columns, held_back.label("held_back")).where(is_stuck, ~has_left).order_by(c.seq).limit(limit)
    if only is not None:
        statement = statement.where(c.vendor_id == only)
    return [Stuck(**row) for row in tx.execute(statement).mappings()]


def release_event(tx: Tx, vendor_id: VendorId, event_id: str, now: datetime) -> bool:
    """Offer it to the bot again, now and with a fresh count of attempts. False if it is not waiting."""
    return _settle(tx, vendor_id, event_id, status="pending", attempts=0, next_at=now, last_error="released by hand")


def discard_event(tx: Tx, vendor_id: VendorId, event_id: str) -> bool:
    """Never offer it again: what it holds back may go. False if it is not waiting."""
    return _settle(tx, vendor_id, event_id, status="discarded", last_error="discarded by hand")


def _settle(tx: Tx, vendor_id: VendorId, event_id: str, **values: object) -> bool:
    is_waiting = outbox.c.status.in_(("pending", "parked"))
    statement = (
        update(outbox)
        .where(outbox.c.vendor_id == vendor_id, outbox.c.event_id == event_id, is_waiting)
        .values(lease_owner=None, lease_until=None, **values)
    )
    return tx.execute(statement).rowcount == 1
