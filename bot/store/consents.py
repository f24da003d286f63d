"""Who agreed to be written to, and since when: every STOP and START with the message that said so."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.store.tables import consents, conversations, messages
from kit.columns import Code, Flag, UtcTime
from kit.db import Tx

_c = consents.c
_ADD = {
    is_postgres: insert(consents).on_conflict_do_nothing(index_elements=["item_id"])
    for is_postgres, insert in ((True, postgresql.insert), (False, sqlite.insert))
}
_OF_MESSAGE = select(
    messages.c.conversation_id,
    literal(False, Flag).label("is_given"),
    messages.c.sid.label("item_id"),
    bindparam("now", type_=UtcTime).label("at"),
).where(messages.c.sid == bindparam("which", type_=Code))
_WITHDRAW = {
    is_postgres: insert(consents)
    .from_select([column.name for column in _OF_MESSAGE.selected_columns], _OF_MESSAGE)
    .on_conflict_do_nothing(index_elements=["item_id"])
    for is_postgres, insert in ((True, postgresql.insert), (False, sqlite.insert))
}
_CLOSE = (
    update(conversations)
    .where(
        conversations.c.id
        == select(messages.c.conversation_id).where(messages.c.sid == bindparam("which", type_=Code)).scalar_subquery()
    )
    .values(blocked_at=bindparam("now", type_=UtcTime))
)
_CLOSE_ONE = (
    update(conversations)
    .where(conversations.c.id == bindparam("which", type_=Code))
    .values(blocked_at=bindparam("now", type_=UtcTime))
)
_ALL = (
    select(_c.is_given, _c.item_id, _c.at).where(_c.conversation_id == bindparam("which", type_=Code)).order_by(_c.seq)
)


@dataclass(frozen=True, slots=True)
class Consent:
    """Given by START or taken back by STOP, by that message (the customer's, or ours that the channel refused)."""

    is_given: bool
    item_id: str
    at: datetime


def changed(tx: Tx, conversation_id: str, *, is_given: bool, item_id: str, at: datetime) -> None:
    """The customer said so."""
    values = {"conversation_id": conversation_id, "is_given": is_given, "item_id": item_id, "at": at}
    tx.execute(_ADD[tx.is_postgres], values)


def withdrawn_at_channel(tx: Tx, sid: str, now: datetime) -> None:
    """The channel did not deliver our message because its customer blocked us there. Nothing but answers is sent until
    they write again."""
    tx.execute(_CLOSE, {"which": sid, "now": now})
    tx.execute(_WITHDRAW[tx.is_postgres], {"which": sid, "now": now})


def withdrawn(tx: Tx, conversation_id: str, item_id: str, now: datetime) -> None:
    """As `withdrawn_at_channel`, for a message that the channel never took."""
    tx.execute(_CLOSE_ONE, {"which": conversation_id, "now": now})
    changed(tx, conversation_id, is_given=False, item_id=item_id, at=now)


def of(tx: Tx, conversation_id: str) -> list[Consent]:
    """Oldest first. Before them all: the customer's first message, which agrees to answers and receipts."""
    return [Consent(row.is_given, row.item_id, row.at) for row in tx.execute(_ALL, {"which": conversation_id})]
