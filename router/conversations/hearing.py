"""Keeps what the bot reports of conversations: what was said, and what became of it. A report may come twice, late and
in any order.

A report of several conversations takes them in the order of their customers, and messages in that of their ids."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, select, update

from contracts.chat_api import ChatAuthor, ChatMessage, ChatStatus, ChatStatusNews, UndeliveredNews
from contracts.events import EventType
from contracts.router_api import CustomerRef
from kit.db import Tx
from router.conversations.models import chat_messages, conversations
from router.conversations.rules import MISSED, moves, preview
from router.conversations.service import Conversation, change, keep, locked_of
from router.customers.service import Customer, get_customer, known_customer
from router.events.service import announce
from router.vendors.service import Vendor


def hear_messages(tx: Tx, vendor: Vendor, messages: Sequence[ChatMessage], now: datetime) -> int:
    """Keep those that are new, in their conversations; how many were. One that did not arrive is news for the shop."""
    new, again = 0, list[ChatStatusNews]()
    for address in sorted({message.customer.address for message in messages}):
        own = sorted((m for m in messages if m.customer.address == address), key=lambda m: (m.at, m.message_id))
        customer = known_customer(tx, vendor.id, own[-1].customer, now)
        conversation = locked_of(tx, vendor.id, customer.id, now)
        fresh: list[ChatMessage] = []
        for message in own:
            if keep(tx, conversation, message):
                fresh.append(message)
                if message.status in MISSED:
                    _tell_undelivered(tx, vendor, customer, message, now)
            elif message.author is not ChatAuthor.CUSTOMER:
                again.append(_news_of(message))
        if fresh:
            _note(tx, conversation, fresh)
        new += len(fresh)
    hear_statuses(tx, vendor, again, now)
    return new


def hear_statuses(tx: Tx, vendor: Vendor, statuses: Sequence[ChatStatusNews], now: datetime) -> tuple[int, list[str]]:
    """(how many moved something, ids of messages that nobody has reported)."""
    moved, unknown = 0, list[str]()
    for news in sorted(statuses, key=lambda news: (news.message_id, news.at)):
        changed = _hear(tx, vendor, news, now)
        if changed is None:
            unknown.append(news.message_id)
        else:
            moved += changed
    return moved, unknown


def _hear(tx: Tx, vendor: Vendor, news: ChatStatusNews, now: datetime) -> bool | None:
    """Whether it moved the message; None where there is none."""
    row = tx.execute(_LOCK_MESSAGE, {"vendor": vendor.id, "message": news.message_id}).one_or_none()
    if row is None:
        return None
    if not moves(ChatStatus(row.status), news.status):
        return False
    m = chat_messages.c
    tx.execute(
        update(chat_messages)
        .where(m.vendor_id == vendor.id, m.id == news.message_id)
        .values(status=news.status, reason=news.reason, error_code=news.error_code, status_at=news.at)
    )
    if news.status in MISSED:
        customer = get_customer(tx, vendor.id, row.customer_id)
        message = ChatMessage(
            message_id=news.message_id,
            customer=CustomerRef(address=customer.address),
            author=ChatAuthor(row.author),
            text=row.body,
            at=row.at,
            status=news.status,
            reason=news.reason,
            error_code=news.error_code,
        )
        _tell_undelivered(tx, vendor, customer, message, now)
    return True


def _note(tx: Tx, conversation: Conversation, fresh: Sequence[ChatMessage]) -> None:
    """The newest of these is what a list of conversations shows, if nothing newer is known."""
    from_customer = [message.at for message in fresh if message.author is ChatAuthor.CUSTOMER]
    values: dict[str, Any] = {"unread": conversation.unread + len(from_customer)}
    last = fresh[-1]
    if last.at >= conversation.last_at:
        values |= {"last_at": last.at, "last_author": last.author, "last_line": preview(last.text, last.media)}
    if from_customer:
        values["customer_last_at"] = _latest((*from_customer, conversation.customer_last_at))
    change(tx, conversation, **values)


def _latest(moments: Iterable[datetime | None]) -> datetime:
    return max(moment for moment in moments if moment is not None)


def _news_of(message: ChatMessage) -> ChatStatusNews:
    return ChatStatusNews(
        message_id=message.message_id,
        status=message.status,
        at=message.at,
        reason=message.reason,
        error_code=message.error_code,
    )


def _tell_undelivered(tx: Tx, vendor: Vendor, customer: Customer, message: ChatMessage, now: datetime) -> None:
    announce(
        tx,
        type=EventType.MESSAGE_UNDELIVERED,
        vendor_id=vendor.id,
        aggregate=f"message:{message.message_id}",
        data=UndeliveredNews(
            message_id=message.message_id,
            customer_address=customer.address,
            shop_name=vendor.name,
            text=message.text,
            status=message.status,
            reason=message.reason,
            error_code=message.error_code,
        ),
        now=now,
        fact=message.status,
    )


_c, _m = conversations.c, chat_messages.c
_LOCK_MESSAGE = (
    select(_m.status, _m.author, _m.body, _m.at, _c.customer_id)
    .join_from(chat_messages, conversations, and_(_c.vendor_id == _m.vendor_id, _c.id == _m.conversation_id))
    .where(_m.vendor_id == bindparam("vendor"), _m.id == bindparam("message"))
    .with_for_update(of=chat_messages)
)
