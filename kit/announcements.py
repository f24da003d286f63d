"""Several events put into an outbox (`kit.outbox`) at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Table

from kit.db import Tx, insert_all_new
from kit.outbox import NOT_LEASED, Carriage, OutboxEvent


@dataclass(frozen=True, slots=True)
class Announcement:
    """One event, as `kit.outbox.enqueue` takes it."""

    event_id: str
    vendor_id: str
    aggregate: str
    type: str
    body: BaseModel


def enqueue_all(
    tx: Tx,
    table: Table,
    events: Sequence[Announcement],
    *,
    now: datetime,
    wake: Callable[[], None] | None = None,
    carriage: Carriage | None = None,
) -> None:
    """Put several events into the transaction, in this order and in one statement; one whose id was announced before
    changes nothing. After the commit `carriage` delivers those that it has leased; for the others `wake` is called."""
    if not events:
        return
    wanted = [(event.vendor_id, event.aggregate) for event in events]
    leases = [None] * len(events) if carriage is None else carriage.lease(tx, wanted, now)
    rows: list[dict[str, Any]] = [
        {
            "event_id": event.event_id,
            "vendor_id": event.vendor_id,
            "aggregate": event.aggregate,
            "type": event.type,
            "body": event.body.model_dump_json(),
            "created_at": now,
            "next_at": now,
            **(lease or NOT_LEASED),
        }
        for event, lease in zip(events, leases, strict=True)
    ]
    insert_all_new(tx, table, rows, conflict=["vendor_id", "event_id"])
    if carriage is not None:
        carried = [
            OutboxEvent(0, row["vendor_id"], row["event_id"], row["type"], row["body"], attempts=1)
            for row, lease in zip(rows, leases, strict=True)
            if lease is not None
        ]
        tx.after_commit(partial(carriage.carry, carried))
    if wake is not None:
        for _ in range(leases.count(None)):  # as many as may be delivered side by side
            tx.after_commit(wake)
