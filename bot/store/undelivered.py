"""Messages that a customer will not get: what a shop should see, in the order in which they were written.

Whoever reports them reads from where it stopped (`after`); nothing here remembers that."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select

from bot.store.tables import MessageStatus, messages
from kit.db import Tx

_m = messages.c
_SINCE = (
    select(_m.seq, _m.vendor_id, _m.recipient, _m.body, _m.status, _m.reason, _m.error_code, _m.created_at)
    .where(_m.seq > bindparam("after"), _m.status.in_(("failed", "held")), _m.vendor_id.is_not(None))
    .order_by(_m.seq)
    .limit(bindparam("limit"))
)


@dataclass(frozen=True, slots=True)
class Undelivered:
    """`reason` says why in a word or sentence, `error_code` as the channel did."""

    seq: int
    vendor_id: str
    recipient: str
    body: str
    status: MessageStatus
    reason: str
    error_code: int | None
    created_at: datetime


def since(tx: Tx, after: int, *, limit: int) -> list[Undelivered]:
    """Those with a higher `seq` than `after`. One that failed may still have been said another way later."""
    rows = tx.execute(_SINCE, {"after": after, "limit": limit})
    return [
        Undelivered(
            row.seq,
            row.vendor_id,
            row.recipient,
            row.body,
            MessageStatus(row.status),
            row.reason or "",
            row.error_code,
            row.created_at,
        )
        for row in rows
    ]
