"""Callbacks that are left for a person, for an operator's list."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from contracts.states import InboxStatus
from kit.db import Tx
from payment_adapter.callbacks.models import inbox


@dataclass(frozen=True, slots=True)
class LeftCallback:
    vendor_id: str
    provider: str
    callback_id: str
    charge_id: str | None
    event_id: str | None
    received_at: datetime
    outcome: str | None


def list_left(tx: Tx, vendor_id: str | None, limit: int) -> list[LeftCallback]:
    """Newest first. Their bytes stay in the inbox."""
    query = select(inbox).where(inbox.c.status == InboxStatus.FAILED)
    if vendor_id is not None:
        query = query.where(inbox.c.vendor_id == vendor_id)
    rows = tx.execute(query.order_by(inbox.c.received_at.desc(), inbox.c.callback_id).limit(limit))
    return [
        LeftCallback(
            row.vendor_id,
            row.provider,
            row.callback_id,
            row.charge_id,
            row.event_id,
            row.received_at,
            row.outcome,
        )
        for row in rows
    ]
