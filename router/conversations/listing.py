"""Conversations and messages, page by page."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, literal_column, select

from contracts.chat_api import ChatMode
from contracts.ids import VendorId
from kit.db import Tx
from kit.paging import Moment, before
from router.conversations.models import chat_messages, conversations

_c, _m = conversations.c, chat_messages.c
# Written out, never bound: a database uses a partial index only for a condition that it can read.
_HAS_NOT_ARRIVED = _m.status.in_([literal_column(f"'{status}'") for status in ("held", "expired", "failed")])


def newest(
    tx: Tx, vendor_id: VendorId, *, mode: ChatMode | None, end: Moment | None, limit: int, now: datetime
) -> Sequence[Row[Any]]:
    """The one with the newest message first. Whose time is over is the bot's, whether or not the sweep has seen it."""
    statement = select(conversations).where(_c.vendor_id == vendor_id)
    match mode:
        case None:
            pass
        case ChatMode.BOT:
            statement = statement.where((_c.mode == mode) | (_c.until <= now))
        case ChatMode.WAITING | ChatMode.STAFF:
            statement = statement.where(_c.mode == mode, _c.until > now)
    if end is not None:
        statement = statement.where(before(_c.last_at, _c.id, end))
    return tx.execute(statement.order_by(_c.last_at.desc(), _c.id.desc()).limit(limit)).all()


def messages_of(
    tx: Tx, vendor_id: VendorId, conversation_id: str, *, end: Moment | None, limit: int
) -> Sequence[Row[Any]]:
    statement = select(chat_messages).where(_m.vendor_id == vendor_id, _m.conversation_id == conversation_id)
    if end is not None:
        statement = statement.where(before(_m.at, _m.id, end))
    return tx.execute(statement.order_by(_m.at.desc(), _m.id.desc()).limit(limit)).all()


def one_message(tx: Tx, vendor_id: VendorId, message_id: str) -> Row[Any]:
    """Of a message that is there."""
    return tx.execute(select(chat_messages).where(_m.vendor_id == vendor_id, _m.id == message_id)).one()


def undelivered(tx: Tx, vendor_id: VendorId, *, end: Moment | None, limit: int) -> Sequence[Row[Any]]:
    """With the customer of each."""
    statement = (
        select(chat_messages, _c.customer_id)
        .join_from(chat_messages, conversations, and_(_c.vendor_id == _m.vendor_id, _c.id == _m.conversation_id))
        .where(_m.vendor_id == vendor_id, _HAS_NOT_ARRIVED)
    )
    if end is not None:
        statement = statement.where(before(_m.at, _m.id, end))
    return tx.execute(statement.order_by(_m.at.desc(), _m.id.desc()).limit(limit)).all()
