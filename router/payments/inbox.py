"""The inbox of payment events: each event id is taken once, and every event is kept as it came."""

from datetime import datetime

from sqlalchemy import bindparam, update

from contracts.payment_api import PaymentEvent
from contracts.states import InboxStatus
from kit.columns import UtcTime
from kit.db import Tx, insert_new
from router.payments.models import payment_event_inbox

_CLOSE = (
    update(payment_event_inbox)
    .where(
        payment_event_inbox.c.vendor_id == bindparam("of_vendor"),
        payment_event_inbox.c.event_id == bindparam("which"),
    )
    .values(status=bindparam("became"), note=bindparam("why"), processed_at=bindparam("now", type_=UtcTime()))
)


def receive(tx: Tx, event: PaymentEvent, now: datetime) -> bool:
    """Take the event. False if it was taken before; a twin that is being taken right now is waited for."""
    return insert_new(
        tx,
        payment_event_inbox,
        {
            "event_id": event.event_id,
            "vendor_id": event.vendor_id,
            "intent_id": event.intent_id,
            "event_status": event.status,
            "body": event.model_dump_json(),
            "status": InboxStatus.RECEIVED,
            "received_at": now,
        },
        conflict=["vendor_id", "event_id"],
    )


def close(tx: Tx, event: PaymentEvent, status: InboxStatus, note: str, now: datetime) -> None:
    """Say what became of it: `processed`, `ignored` (it changed nothing), or `failed` (a person should look)."""
    which = {"of_vendor": event.vendor_id, "which": event.event_id}
    tx.execute(_CLOSE, {**which, "became": status, "why": note, "now": now})
