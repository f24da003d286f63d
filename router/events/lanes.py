"""Whose turn it is: each endpoint has a lane, served by one worker at a time, and within it each aggregate its order.

A lane is leased, so that however many processes serve, no endpoint is sent more than a few deliveries at once and none
has to wait for another. Of each aggregate only the first unfinished delivery may leave; what waits behind one that is
tried again later, or is parked, is put off until then. A claim counts the attempt before it is made: an outcome is
recorded only for the attempt that is still the latest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Table,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from contracts.ids import VendorId
from kit.columns import UtcTime
from kit.db import Tx
from router.databases import vendor_fences
from router.events.models import outbox, webhook_attempts, webhook_deliveries, webhook_lanes
from router.events.rules import Cause, DeliveryStatus, Outcome

LEASE = timedelta(seconds=60)
LOOKED_AT = 64
"""Due deliveries of an endpoint that one claim looks at."""
LOOK_AGAIN = timedelta(hours=1)
"""At what waits behind a parked delivery. Whoever releases that one says so; this is for what was lost."""

_deliveries = webhook_deliveries.c
_lanes = webhook_lanes.c


def is_pending(table: Any = webhook_deliveries) -> ColumnElement[bool]:
    """Written out, never bound: a database uses a partial index only for a condition that it can read."""
    return table.c.status == literal_column("'pending'")


def is_unfinished(table: Any = webhook_deliveries) -> ColumnElement[bool]:
    return table.c.status.in_([literal_column("'pending'"), literal_column("'parked'")])


@dataclass(frozen=True, slots=True)
class Lane:
    vendor_id: VendorId
    endpoint_id: str
    failures: int
    """In a row, of the endpoint as a whole."""
    slow_ms: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is to be tried now. `attempts` counts this attempt already."""

    id: str
    event_id: str
    type: str
    aggregate: str
    cause: Cause
    stored: str | None
    """A ping's body, or the event as the outbox holds it; None if it is no longer there."""
    attempts: int
    attempts_before: int
    first_tried_at: datetime


@dataclass(frozen=True, slots=True)
class Recorded:
    """What becomes of a delivery after an attempt."""

    delivery: Claimed
    outcome: Outcome
    status: DeliveryStatus
    next_at: datetime


def _due_lanes() -> Executable:
    """Endpoints with something due, by hops through an index: what it costs depends on how many endpoints have
    something pending, not on how much."""
    now = bindparam("now", type_=UtcTime())
    first = select(_deliveries.endpoint_id).where(is_pending()).order_by(_deliveries.endpoint_id).limit(1)
    busy = select(first.scalar_subquery().label("endpoint_id")).cte("busy", recursive=True)
    further = webhook_deliveries.alias("further")
    following = (
        select(further.c.endpoint_id)
        .where(is_pending(further), further.c.endpoint_id > busy.c.endpoint_id)
        .order_by(further.c.endpoint_id)
        .limit(1)
        .scalar_subquery()
    )
    busy = busy.union_all(select(following).where(busy.c.endpoint_id.is_not(None)))
    of_endpoint = and_(is_pending(), _deliveries.endpoint_id == busy.c.endpoint_id)
    earliest = select(_deliveries.next_at).where(of_endpoint).order_by(_deliveries.next_at).limit(1).scalar_subquery()
    vendor = select(_deliveries.vendor_id).where(of_endpoint).limit(1).scalar_subquery()
    due = select(vendor.label("vendor_id"), busy.c.endpoint_id, earliest.label("next_at")).subquery("due")
    has_left = select(vendor_fences.c.vendor_id).where(vendor_fences.c.vendor_id == due.c.vendor_id).exists()
    is_its_lane = and_(_lanes.vendor_id == due.c.vendor_id, _lanes.endpoint_id == due.c.endpoint_id)
    return (
        select(due.c.vendor_id, due.c.endpoint_id, _lanes.failures, _lanes.slow_ms)
        .select_from(due.outerjoin(webhook_lanes, is_its_lane))
        .where(due.c.next_at <= now, ~has_left, _is_free(now))
        .order_by(_lanes.served_at.nulls_first(), due.c.next_at)
        .limit(bindparam("limit"))
    )


def _is_free(now: ColumnElement[datetime]) -> ColumnElement[bool]:
    return and_(
        or_(_lanes.lease_until.is_(None), _lanes.lease_until < now),
        or_(_lanes.paused_until.is_(None), _lanes.paused_until <= now),
    )


_DUE_LANES = _due_lanes()
_WALK = text(
    "SELECT set_config('enable_sort', 'off', true), set_config('enable_bitmapscan', 'off', true), "
    "set_config('enable_seqscan', 'off', true)"
)


def _walk_indexes(tx: Tx) -> None:
    """On PostgreSQL, for the rest of this transaction. Almost nothing is pending most of the time, and the statistics
    say so: when an endpoint is down they go on saying it, and every look would read and sort all that waits."""
    if tx.is_postgres:
        tx.execute(_WALK)


def due_lanes(tx: Tx, now: datetime, limit: int) -> list[Lane]:
    """Lanes that nobody serves and that have something due, the one served longest ago first.

    `tx` sees every vendor's envelopes."""
    _walk_indexes(tx)
    rows = tx.execute(_DUE_LANES, {"now": now, "limit": limit})
    return [Lane(VendorId(r.vendor_id), r.endpoint_id, r.failures or 0, r.slow_ms or 0) for r in rows]


def take_lane(tx: Tx, lane: Lane, owner: str, now: datetime) -> bool:
    """Lease it. False if somebody else was faster, or it is paused. `tx` is in the vendor's scope, as in all below."""
    values = {"vendor_id": lane.vendor_id, "endpoint_id": lane.endpoint_id}
    lease = {"lease_owner": owner, "lease_until": now + LEASE}
    insertion = (postgresql.insert if tx.is_postgres else sqlite.insert)(webhook_lanes).values(**values, **lease)
    free = _is_free(bindparam("now", now, type_=UtcTime()))
    statement = insertion.on_conflict_do_update(
        index_elements=["vendor_id", "endpoint_id"], set_=lease, where=free
    ).returning(_lanes.endpoint_id)
    return tx.execute(statement).first() is not None


def keep_lane(tx: Tx, lane: Lane, owner: str, now: datetime) -> bool:
    """Go on serving it. False if the lease was over and somebody else has taken it.

    Whoever releases or discards a delivery takes the lane's row first, too: no claim puts off what they let go."""
    statement = (
        update(webhook_lanes)
        .where(_is_lane(lane.vendor_id, lane.endpoint_id), _lanes.lease_owner == owner)
        .values(lease_until=now + LEASE)
    )
    return tx.execute(statement).rowcount == 1


def leave_lane(
    tx: Tx, lane: Lane, owner: str, now: datetime, *, failures: int, slow_ms: int, paused_until: datetime | None
) -> None:
    statement = (
        update(webhook_lanes)
        .where(_is_lane(lane.vendor_id, lane.endpoint_id), _lanes.lease_owner == owner)
        .values(
            lease_owner=None,
            lease_until=None,
            served_at=now,
            failures=failures,
            slow_ms=slow_ms,
            paused_until=paused_until,
        )
    )
    tx.execute(statement)


def resume_lane(tx: Tx, vendor_id: VendorId, endpoint_id: str) -> None:
    """Forget what made it wait: its endpoint was enabled again, or somebody wants it tried now."""
    statement = update(webhook_lanes).where(_is_lane(vendor_id, endpoint_id)).values(paused_until=None, failures=0)
    tx.execute(statement)


def claim(tx: Tx, lane: Lane, now: datetime, limit: int) -> list[Claimed]:
    """At most `limit` deliveries to try now, each the first unfinished one of its aggregate. Whatever is due but has to
    wait for another is put off. The lane must have been taken, or kept, in this transaction."""
    _walk_indexes(tx)
    due = tx.execute(_DUE, {"endpoint": lane.endpoint_id, "vendor": lane.vendor_id, "now": now}).all()
    _put_off(tx, lane, [row for row in due if row.id != row.head_id], now)
    heads = [row for row in due if row.id == row.head_id][:limit]
    if not heads:
        return []
    tx.execute(_CLAIM, [{"vendor": lane.vendor_id, "which": row.id, "at": now} for row in heads])
    claimed = [
        Claimed(
            id=row.id,
            event_id=row.event_id,
            type=row.type,
            aggregate=row.aggregate,
            cause=Cause(row.cause),
            stored=row.body or row.event_body,
            attempts=row.attempts + 1,
            attempts_before=row.attempts_before,
            first_tried_at=row.first_tried_at or now,
        )
        for row in heads
    ]
    starts = [
        {"vendor_id": lane.vendor_id, "delivery_id": each.id, "number": each.attempts, "started_at": now}
        for each in claimed
    ]
    tx.execute(insert(webhook_attempts), starts)
    return claimed


def record(tx: Tx, lane: Lane, outcomes: Sequence[Recorded], now: datetime) -> None:
    """What came of each attempt, unless a later one has been claimed meanwhile (this worker's lease was over)."""
    for each in outcomes:
        named = {"vendor": lane.vendor_id, "which": each.delivery.id, "try_no": each.delivery.attempts}
        told = {
            "code": each.outcome.status_code,
            "took": each.outcome.duration_ms,
            "problem": each.outcome.error,
            "said": each.outcome.answer,
        }
        tx.execute(_FINISH_ATTEMPT, {**named, **told})
        is_over = each.status is not DeliveryStatus.PENDING
        changed = tx.execute(
            _RECORD,
            {
                **named,
                "new_status": each.status,
                "due": each.next_at,
                "over": now if is_over else None,
                "why": each.outcome.problem,
            },
        )
        if changed.rowcount == 1 and each.status in (DeliveryStatus.DELIVERED, DeliveryStatus.DISCARDED):
            let_next_go(tx, lane.vendor_id, lane.endpoint_id, each.delivery.aggregate, now)


def let_next_go(tx: Tx, vendor_id: VendorId, endpoint_id: str, aggregate: str, now: datetime) -> None:
    """What waited behind a delivery that is done with may be looked at again."""
    waits = and_(
        _deliveries.vendor_id == vendor_id,
        _deliveries.endpoint_id == endpoint_id,
        _deliveries.aggregate == aggregate,
        is_pending(),
        _deliveries.next_at > bindparam("at", now, type_=UtcTime()),
    )
    tx.execute(update(webhook_deliveries).where(waits).values(next_at=now))


def discard_all(tx: Tx, vendor_id: VendorId, endpoint_id: str, why: str, now: datetime) -> int:
    """Everything unfinished of an endpoint that is no more. Returns how many."""
    statement = (
        update(webhook_deliveries)
        .where(_deliveries.vendor_id == vendor_id, _deliveries.endpoint_id == endpoint_id, is_unfinished())
        .values(status=DeliveryStatus.DISCARDED, finished_at=now, last_error=why)
    )
    return tx.execute(statement).rowcount


def _put_off(tx: Tx, lane: Lane, waiting: Sequence[Any], now: datetime) -> None:
    """Until the one that each waits for is due. If that is due now, each stays due: it may go in the next claim."""
    later = [
        {"vendor": lane.vendor_id, "which": row.id, "due": row.head_next_at if is_tried_again else now + LOOK_AGAIN}
        for row in waiting
        if not (is_tried_again := row.head_status == DeliveryStatus.PENDING) or row.head_next_at > now
    ]
    if later:
        tx.execute(_PUT_OFF, later)


def _is_lane(vendor_id: VendorId, endpoint_id: str) -> ColumnElement[bool]:
    return and_(_lanes.vendor_id == vendor_id, _lanes.endpoint_id == endpoint_id)


def head_of(table: Table) -> Any:
    """The id of the first unfinished delivery of a delivery's aggregate at its endpoint."""
    first = webhook_deliveries.alias("first")
    return (
        select(first.c.id)
        .where(
            first.c.vendor_id == table.c.vendor_id,
            first.c.endpoint_id == table.c.endpoint_id,
            first.c.aggregate == table.c.aggregate,
            is_unfinished(first),
        )
        .order_by(first.c.event_seq, first.c.id)
        .limit(1)
        .scalar_subquery()
    )


def _due() -> Executable:
    now = bindparam("now", type_=UtcTime())
    due = (
        select(webhook_deliveries, head_of(webhook_deliveries).label("head_id"))
        .where(
            _deliveries.vendor_id == bindparam("vendor"),
            _deliveries.endpoint_id == bindparam("endpoint"),
            is_pending(),
            # Not for an index: in their order the first ones are found at once, sorting a long queue takes its time.
            func.coalesce(_deliveries.next_at, _deliveries.next_at, type_=UtcTime()) <= now,
        )
        .order_by(_deliveries.event_seq, _deliveries.id)
        .limit(LOOKED_AT)
        .subquery("due")
    )
    head = webhook_deliveries.alias("head")
    is_head = and_(head.c.vendor_id == due.c.vendor_id, head.c.id == due.c.head_id)
    is_event = and_(outbox.c.vendor_id == due.c.vendor_id, outbox.c.event_id == due.c.event_id)
    return (
        select(
            due,
            head.c.status.label("head_status"),
            head.c.next_at.label("head_next_at"),
            outbox.c.body.label("event_body"),
        )
        .select_from(due.join(head, is_head).outerjoin(outbox, is_event))
        .order_by(due.c.event_seq, due.c.id)
    )


def _is_named() -> ColumnElement[bool]:
    return and_(_deliveries.vendor_id == bindparam("vendor"), _deliveries.id == bindparam("which"))


_DUE = _due()
_CLAIM = (
    update(webhook_deliveries)
    .where(_is_named())
    .values(
        attempts=_deliveries.attempts + 1,
        first_tried_at=func.coalesce(_deliveries.first_tried_at, bindparam("at", type_=UtcTime())),
    )
)
_RECORD = (
    update(webhook_deliveries)
    .where(_is_named(), is_pending(), _deliveries.attempts == bindparam("try_no"))
    .values(
        status=bindparam("new_status"),
        next_at=bindparam("due", type_=UtcTime()),
        finished_at=bindparam("over", type_=UtcTime()),
        last_error=bindparam("why"),
    )
)
_PUT_OFF = update(webhook_deliveries).where(_is_named()).values(next_at=bindparam("due", type_=UtcTime()))
_FINISH_ATTEMPT = (
    update(webhook_attempts)
    .where(
        webhook_attempts.c.vendor_id == bindparam("vendor"),
        webhook_attempts.c.delivery_id == bindparam("which"),
        webhook_attempts.c.number == bindparam("try_no"),
    )
    .values(
        status_code=bindparam("code"),
        duration_ms=bindparam("took"),
        error=bindparam("problem"),
        answer=bindparam("said"),
    )
)
