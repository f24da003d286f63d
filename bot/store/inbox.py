"""The inbox: everything that arrived, once each, in the order of receipt."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.store import conversations
from bot.store.conversations import Arrival, Conversation, Item, Turn
from bot.store.tables import ItemKind, inbox
from contracts.states import InboxStatus
from kit.db import Tx


class AlreadyKnown(Exception):
    """This item was received before. Rolls back: a replay changes nothing, not even when the customer wrote last."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A customer's message as it came from Twilio."""

    message_sid: str
    shop_number: str
    address: str
    profile_name: str
    raw_form: str
    is_urgent: bool


_i = inbox.c
_INSERT = {
    is_postgres: insert(inbox).on_conflict_do_nothing(index_elements=["item_id"]).returning(_i.seq)
    for is_postgres, insert in ((True, postgresql.insert), (False, sqlite.insert))
}
_IS_KNOWN = select(literal(1)).where(_i.item_id == bindparam("which"))
_END = (
    update(inbox)
    .where(_i.seq == bindparam("which"))
    .values(
        status=bindparam("new_status"),
        done_at=bindparam("now", type_=_i.done_at.type),
        last_error=bindparam("why"),
        vendor_id=bindparam("vendor", type_=_i.vendor_id.type),
    )
)
_AGAIN = (
    update(inbox)
    .where(_i.seq == bindparam("which"))
    .values(
        status="received",
        attempts=_i.attempts + bindparam("more_attempts", type_=_i.attempts.type),
        errors=_i.errors + bindparam("more_errors", type_=_i.errors.type),
        last_error=bindparam("why"),
    )
)


def receive_message(tx: Tx, incoming: Incoming, now: datetime, direct_owner: str | None) -> Turn | Arrival:
    """Store a customer's message. A Turn if its conversation was at rest and is now leased to `direct_owner`.

    Raises AlreadyKnown."""
    # The conversation comes first: its lock makes the inbox's order that of receipt.
    arrival = conversations.message_arrived(
        tx,
        shop_number=incoming.shop_number,
        address=incoming.address,
        profile_name=incoming.profile_name,
        is_urgent=incoming.is_urgent,
        now=now,
        direct_owner=direct_owner,
    )
    return _insert(tx, arrival, incoming.message_sid, ItemKind.MESSAGE, incoming.raw_form, incoming.is_urgent, now)


def receive_news(
    tx: Tx, event_id: str, address: str | None, content: str, now: datetime, direct_owner: str | None
) -> Turn | Arrival | None:
    """Store news for the customer at `address`. None, and kept as ignored, if nobody of that address ever wrote, or
    if it is for nobody: WhatsApp allows no first word to a stranger. Raises AlreadyKnown."""
    conversation_id = conversations.lock_latest_of(tx, address) if address is not None else None
    if conversation_id is None:
        values = _values(event_id, ItemKind.NEWS, None, content, False, InboxStatus.IGNORED, now)
        if tx.execute(_INSERT[tx.is_postgres], {**values, "done_at": now}).scalar() is None:
            raise AlreadyKnown
        return None
    arrival = conversations.news_arrived(tx, conversation_id, now, direct_owner)
    return _insert(tx, arrival, event_id, ItemKind.NEWS, content, False, now)


def is_known(tx: Tx, item_id: str) -> bool:
    return tx.execute(_IS_KNOWN, {"which": item_id}).first() is not None


def end(
    tx: Tx, seq: int, status: InboxStatus, now: datetime, why: str | None = None, vendor_id: str | None = None
) -> None:
    """The item is done with: processed, ignored or failed. `vendor_id`: whose shop a customer's message concerned."""
    tx.execute_last(_END, {"which": seq, "new_status": status, "now": now, "why": why, "vendor": vendor_id})


def try_again(tx: Tx, seq: int, why: str, *, unreachable: bool) -> None:
    """The item stays, first in line: another process could not be reached, or else our own code failed."""
    counts = {"more_attempts": int(unreachable), "more_errors": int(not unreachable)}
    tx.execute(_AGAIN, {"which": seq, "why": why, **counts})


def _insert(
    tx: Tx, arrival: Arrival, item_id: str, kind: ItemKind, content: str, is_urgent: bool, now: datetime
) -> Turn | Arrival:
    status = InboxStatus.PROCESSING if arrival.is_leased else InboxStatus.RECEIVED
    values = _values(item_id, kind, arrival.conversation, content, is_urgent, status, now)
    seq = tx.execute(_INSERT[tx.is_postgres], {**values, "done_at": None}).scalar()
    if seq is None:
        raise AlreadyKnown
    if not arrival.is_leased:
        return arrival
    return Turn(arrival.conversation, Item(seq, item_id, kind, content, received_at=now))


def _values(
    item_id: str,
    kind: ItemKind,
    conversation: Conversation | None,
    content: str,
    is_urgent: bool,
    status: InboxStatus,
    now: datetime,
) -> dict[str, object]:
    return {
        "item_id": item_id,
        "kind": kind,
        "conversation_id": conversation.id if conversation else None,
        "content": content,
        "is_urgent": is_urgent,
        "status": status,
        "received_at": now,
    }
