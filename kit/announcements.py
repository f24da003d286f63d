"""Several events put into an outbox (`kit.outbox`) at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import Table

from kit.db import Tx, insert_all_new


@dataclass(frozen=True, slots=True)
class Announcement:
    """One event, as `kit.outbox.enqueue` takes it."""

    event_id: str
    vendor_id: str
    aggregate: str
    type: str
    body: BaseModel


def enqueue_all(
    tx: Tx, table: Table, events: Sequence[Announcement], *, now: datetime, wake: Callable[[], None] | None = None
) -> None:
    """Put several events into the transaction, in this order and in one statement; one whose id was announced before
    changes nothing."""
    if not events:
        return
    rows = [
        {
            "event_id": event.event_id,
            "vendor_id": event.vendor_id,
            "aggregate": event.aggregate,
            "type": event.type,
            "body": event.body.model_dump_json(),
            "created_at": now,
            "next_at": now,
        }
        for event in events
    ]
    insert_all_new(tx, table, rows, conflict=["vendor_id", "event_id"])
    if wake is not None:
        for _ in events:  # as many as may be delivered side by side
            tx.after_commit(wake)
