"""Looking at deliveries, attempts and events, and deciding about a delivery by hand. All in a shop's own scope."""

import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, select, update

from contracts.ids import VendorId
from kit.db import Tx
from kit.paging import Moment, before, paged
from router.events.fanout import wake_after
from router.events.lanes import head_of, is_pending, is_unfinished, let_next_go, resume_lane
from router.events.models import outbox, webhook_attempts, webhook_deliveries
from router.events.payloads import TYPES, UnreadablePayload, vendor_view
from router.events.rules import DeliveryStatus
from router.events.wire import (
    AttemptView,
    DeliveriesQuery,
    DeliveryDetail,
    DeliveryPage,
    DeliveryView,
    EventPage,
    EventsQuery,
    EventView,
)

_MAX_ATTEMPTS_SHOWN = 100
_deliveries = webhook_deliveries.c


class Decision(StrEnum):
    RETRY = "retry"
    """Now, and with a fresh schedule if it fails."""
    DISCARD = "discard"
    """Never: what it holds back may go."""


def deliveries_of(tx: Tx, vendor_id: VendorId, endpoint_id: str, query: DeliveriesQuery) -> DeliveryPage:
    """Newest first."""
    statement = _shown().where(_deliveries.vendor_id == vendor_id, _deliveries.endpoint_id == endpoint_id)
    if query.status is not None:
        statement = statement.where(_deliveries.status == query.status)
    if query.type is not None:
        statement = statement.where(_deliveries.type == query.type)
    if query.event_id is not None:
        statement = statement.where(_deliveries.event_id == query.event_id)
    statement = _within(statement, _deliveries.created_at, query.since, query.until)
    if query.cursor is not None:
        statement = statement.where(before(_deliveries.created_at, _deliveries.id, query.cursor))
    newest_first = statement.order_by(_deliveries.created_at.desc(), _deliveries.id.desc()).limit(query.limit + 1)
    rows = tx.execute(newest_first).all()
    page, next_cursor = paged(rows, query.limit, lambda row: Moment(row.created_at, row.id))
    return DeliveryPage(deliveries=[DeliveryView(**_fields(row)) for row in page], next_cursor=next_cursor)


def delivery(tx: Tx, vendor_id: VendorId, delivery_id: str) -> DeliveryDetail | None:
    row = tx.execute(_shown().where(_deliveries.vendor_id == vendor_id, _deliveries.id == delivery_id)).one_or_none()
    if row is None:
        return None
    attempts = webhook_attempts.c
    newest_first = (
        select(webhook_attempts)
        .where(attempts.vendor_id == vendor_id, attempts.delivery_id == delivery_id)
        .order_by(attempts.number.desc())
        .limit(_MAX_ATTEMPTS_SHOWN)
    )
    tries = [
        AttemptView(
            number=each.number,
            started_at=each.started_at,
            status_code=each.status_code,
            duration_ms=each.duration_ms,
            error=each.error,
            answer=each.answer,
        )
        for each in tx.execute(newest_first)
    ]
    return DeliveryDetail(**_fields(row), tries=tries)


def decide(tx: Tx, vendor_id: VendorId, delivery_id: str, decision: Decision, now: datetime) -> bool:
    """What a person wants of a delivery that is pending or parked. False if it is neither, or there is none."""
    named = (_deliveries.vendor_id == vendor_id, _deliveries.id == delivery_id)
    row = tx.execute(select(_deliveries.endpoint_id, _deliveries.aggregate).where(*named)).one_or_none()
    if row is None:
        return False
    # The lane's row first, as every claim does: no claim that is under way puts off what is let go here.
    resume_lane(tx, vendor_id, row.endpoint_id)
    if decision is Decision.DISCARD:
        values: dict[str, Any] = {
            "status": DeliveryStatus.DISCARDED,
            "finished_at": now,
            "last_error": "discarded by hand",
        }
    else:
        values = {
            "status": DeliveryStatus.PENDING,
            "finished_at": None,
            "next_at": now,
            "attempts_before": _deliveries.attempts,
            "first_tried_at": None,
        }
    if tx.execute(update(webhook_deliveries).where(*named, is_unfinished()).values(**values)).rowcount == 0:
        return False
    let_next_go(tx, vendor_id, row.endpoint_id, row.aggregate, now)
    wake_after(tx)
    return True


def events_of(tx: Tx, vendor_id: VendorId, query: EventsQuery) -> EventPage:
    """What this vendor's endpoints can be told, newest first."""
    columns = [outbox.c.event_id, outbox.c.type, outbox.c.aggregate, outbox.c.created_at, outbox.c.body]
    statement: Select[Any] = select(*columns).where(outbox.c.vendor_id == vendor_id, outbox.c.type.in_([*TYPES]))
    if query.type is not None:
        statement = statement.where(outbox.c.type == query.type)
    if query.aggregate is not None:
        statement = statement.where(outbox.c.aggregate == query.aggregate)
    statement = _within(statement, outbox.c.created_at, query.since, query.until)
    if query.cursor is not None:
        statement = statement.where(before(outbox.c.created_at, outbox.c.event_id, query.cursor))
    newest_first = statement.order_by(outbox.c.created_at.desc(), outbox.c.event_id.desc()).limit(query.limit + 1)
    rows = tx.execute(newest_first).all()
    page, next_cursor = paged(rows, query.limit, lambda row: Moment(row.created_at, row.event_id))
    return EventPage(events=_event_views(page), next_cursor=next_cursor)


def _within(
    statement: Select[Any], at: ColumnElement[datetime], since: datetime | None, until: datetime | None
) -> Select[Any]:
    if since is not None:
        statement = statement.where(at >= since)
    return statement if until is None else statement.where(at < until)


def _shown() -> Select[Any]:
    return select(webhook_deliveries, head_of(webhook_deliveries).label("head_id"), is_pending().label("is_pending"))


def _fields(row: Row[Any]) -> dict[str, Any]:
    waits_for = row.head_id if row.is_pending and row.head_id != row.id else None
    return {
        "id": row.id,
        "endpoint_id": row.endpoint_id,
        "event_id": row.event_id,
        "type": row.type,
        "aggregate": row.aggregate,
        "cause": row.cause,
        "status": row.status,
        "attempts": row.attempts,
        "next_attempt_at": row.next_at if row.is_pending else None,
        "held_back_by": waits_for,
        "last_error": row.last_error,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }


def _event_views(rows: Sequence[Row[Any]]) -> list[EventView]:
    return [
        EventView(
            event_id=row.event_id,
            type=row.type,
            aggregate=row.aggregate,
            occurred_at=row.created_at,
            data=_data(row.type, row.body),
        )
        for row in rows
    ]


def _data(type_: str, body: str) -> dict[str, Any]:
    try:
        return vendor_view(type_, json.loads(body)["data"])
    except UnreadablePayload:
        return {}  # it is parked where it could not be delivered
