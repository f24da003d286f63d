"""Whose turn it is in a conversation, and what the shop's people write in it.

Whoever changes a conversation holds its row."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Row, bindparam, select, update

from contracts.chat_api import (
    ChatAuthor,
    ChatMessage,
    ChatMode,
    ChatStatus,
    HandoverNews,
    StaffMessageNews,
)
from contracts.errors import ErrorCode
from contracts.events import EventType
from contracts.ids import CustomerId, VendorId, new_id
from contracts.router_api import CustomerRef
from kit.db import Tx, insert_new
from kit.problems import Problem
from router.conversations.models import chat_messages, conversations
from router.conversations.rules import BOTS_TURN, Turn, asked, may_write, preview, taken
from router.customers.service import Customer, get_customer, known_customer
from router.events.service import announce
from router.vendors.service import Vendor

__all__ = [
    "Conversation",
    "Returned",
    "ask_for_person",
    "change",
    "end_turn",
    "found",
    "give_back",
    "keep",
    "locked_of",
    "return_to_bot",
    "take",
    "write",
]


class Returned:
    """Who gave a conversation back to the bot."""

    CUSTOMER = "customer"
    SHOP = "shop"
    TIMER = "timer"


@dataclass(frozen=True, slots=True)
class Conversation:
    """A row, as it is while its lock is held."""

    vendor_id: VendorId
    id: str
    customer_id: CustomerId
    turn: Turn
    last_at: datetime
    customer_last_at: datetime | None
    unread: int
    about: str


def ask_for_person(tx: Tx, vendor: Vendor, ref: CustomerRef, about: str, now: datetime) -> Turn:
    """The customer wants a person. News only where nobody was asked yet."""
    customer = known_customer(tx, vendor.id, ref, now)
    conversation = locked_of(tx, vendor.id, customer.id, now)
    turn = asked(conversation.turn, now)
    if turn != conversation.turn:
        line = preview(about, [])
        change(
            tx,
            conversation,
            mode=turn.mode,
            until=turn.until,
            about=line,
            asked_at=now,
            taken_by=None,
            customer_last_at=now,  # what was written with it is reported later
        )
        _tell_turn(tx, vendor, conversation, customer, EventType.CHAT_WAITING, turn, now, about=line)
    return turn


def return_to_bot(tx: Tx, vendor: Vendor, ref: CustomerRef, now: datetime) -> Turn:
    """The customer wants the bot again."""
    customer = known_customer(tx, vendor.id, ref, now)
    conversation = locked_of(tx, vendor.id, customer.id, now)
    _give_back(tx, vendor, conversation, customer, Returned.CUSTOMER, now)
    return BOTS_TURN


def take(tx: Tx, vendor: Vendor, conversation_id: str, by: str, now: datetime) -> None:
    """A person of the shop answers from here on; taken again, the bot hears that it is mute for longer. Raises Problem
    404 conversation_unknown."""
    conversation = _locked(tx, vendor.id, conversation_id)
    customer = get_customer(tx, vendor.id, conversation.customer_id)
    turn = taken(now)
    change(tx, conversation, mode=turn.mode, until=turn.until, taken_by=by, unread=0)
    if turn != conversation.turn:
        _tell_turn(tx, vendor, conversation, customer, EventType.CHAT_TAKEN, turn, now, by=by)


def give_back(tx: Tx, vendor: Vendor, conversation_id: str, now: datetime) -> None:
    """A person of the shop lets the bot answer again. Raises Problem 404 conversation_unknown."""
    conversation = _locked(tx, vendor.id, conversation_id)
    customer = get_customer(tx, vendor.id, conversation.customer_id)
    _give_back(tx, vendor, conversation, customer, Returned.SHOP, now)


def write(tx: Tx, vendor: Vendor, conversation_id: str, text: str, by: str, now: datetime) -> str:
    """A person of the shop writes to the customer, and has the conversation from here on; the message's id.

    Raises Problem 404 conversation_unknown, 409 chat_window_closed."""
    conversation = _locked(tx, vendor.id, conversation_id)
    if not may_write(conversation.customer_last_at, now):
        raise Problem(
            409,
            ErrorCode.CHAT_WINDOW_CLOSED,
            "WhatsApp takes free text only within 24 hours of the customer's last message: wait until they write again",
        )
    customer = get_customer(tx, vendor.id, conversation.customer_id)
    message_id, turn = new_id(now), taken(now)
    keep(
        tx,
        conversation,
        ChatMessage(
            message_id=message_id,
            customer=CustomerRef(address=customer.address),
            author=ChatAuthor.STAFF,
            text=text,
            at=now,
            status=ChatStatus.QUEUED,
        ),
        by=by,
    )
    change(
        tx,
        conversation,
        mode=turn.mode,
        until=turn.until,
        taken_by=by,
        unread=0,
        last_at=now,
        last_author=ChatAuthor.STAFF,
        last_line=preview(text, []),
    )
    news = StaffMessageNews(
        message_id=message_id,
        customer_address=customer.address,
        shop_name=vendor.name,
        text=text,
        by=by,
        until=turn.until,
    )
    _announce(tx, vendor, conversation, EventType.CHAT_STAFF_MESSAGE, news, now)
    return message_id


def end_turn(tx: Tx, vendor: Vendor, conversation_id: str, now: datetime) -> None:
    """The time is over: the bot answers again, unless somebody wrote meanwhile."""
    conversation = _locked(tx, vendor.id, conversation_id)
    if conversation.turn.until is not None and now >= conversation.turn.until:
        customer = get_customer(tx, vendor.id, conversation.customer_id)
        _give_back(tx, vendor, conversation, customer, Returned.TIMER, now)


def found(tx: Tx, vendor_id: VendorId, conversation_id: str) -> Row[Any]:
    """A row for showing. Raises Problem 404 conversation_unknown."""
    row = tx.execute(_BY_ID, {"vendor": vendor_id, "conversation": conversation_id}).one_or_none()
    if row is None:
        raise _unknown()
    return row


def keep(tx: Tx, conversation: Conversation, message: ChatMessage, by: str | None = None) -> bool:
    """Whether it was new. `by`: who of the shop wrote it."""
    is_customers = message.author is ChatAuthor.CUSTOMER
    row = {
        "vendor_id": conversation.vendor_id,
        "id": message.message_id,
        "conversation_id": conversation.id,
        "author": message.author,
        "written_by": by,
        "body": message.text,
        "media": list(message.media),
        "status": ChatStatus.RECEIVED if is_customers else message.status,
        "reason": message.reason,
        "error_code": message.error_code,
        "at": message.at,
        "status_at": message.at,
    }
    return insert_new(tx, chat_messages, row, conflict=["vendor_id", "id"])


def _give_back(tx: Tx, vendor: Vendor, conversation: Conversation, customer: Customer, by: str, now: datetime) -> None:
    if conversation.turn.mode is ChatMode.BOT:
        return
    change(tx, conversation, mode=ChatMode.BOT, until=None, taken_by=None)
    _tell_turn(tx, vendor, conversation, customer, EventType.CHAT_RETURNED, BOTS_TURN, now, returned_by=by)


def _tell_turn(
    tx: Tx,
    vendor: Vendor,
    conversation: Conversation,
    customer: Customer,
    type: EventType,  # noqa: A002  # as the envelope names it
    turn: Turn,
    now: datetime,
    *,
    about: str = "",
    by: str = "",
    returned_by: str | None = None,
) -> None:
    news = HandoverNews(
        conversation_id=conversation.id,
        customer_address=customer.address,
        customer_name=customer.name,
        shop_name=vendor.name,
        mode=turn.mode,
        until=turn.until,
        about=about,
        by=by,
        returned_by=returned_by,
    )
    _announce(tx, vendor, conversation, type, news, now)


def _announce(
    tx: Tx,
    vendor: Vendor,
    conversation: Conversation,
    type: EventType,  # noqa: A002  # as the envelope names it
    news: BaseModel,
    now: datetime,
) -> None:
    announce(tx, type=type, vendor_id=vendor.id, aggregate=f"conversation:{conversation.id}", data=news, now=now)


def locked_of(tx: Tx, vendor_id: VendorId, customer_id: CustomerId, now: datetime) -> Conversation:
    """The customer's conversation, made if there is none, held until the commit."""
    params = {"vendor": vendor_id, "customer": customer_id}
    row = tx.execute(_LOCK_BY_CUSTOMER, params).one_or_none()
    if row is None:
        new = {
            "vendor_id": vendor_id,
            "id": new_id(now),
            "customer_id": customer_id,
            "last_at": now,
            "last_author": ChatAuthor.CUSTOMER,
            "created_at": now,
        }
        insert_new(tx, conversations, new, conflict=["vendor_id", "customer_id"])  # or a twin has made it meanwhile
        row = tx.execute(_LOCK_BY_CUSTOMER, params).one()
    return _conversation(row)


def _locked(tx: Tx, vendor_id: VendorId, conversation_id: str) -> Conversation:
    row = tx.execute(_LOCK_BY_ID, {"vendor": vendor_id, "conversation": conversation_id}).one_or_none()
    if row is None:
        raise _unknown()
    return _conversation(row)


def _unknown() -> Problem:
    return Problem(404, ErrorCode.CONVERSATION_UNKNOWN, "the shop has no conversation with this id")


def change(tx: Tx, conversation: Conversation, **values: Any) -> None:
    """Of a conversation that the caller holds."""
    c = conversations.c
    tx.execute(
        update(conversations).where(c.vendor_id == conversation.vendor_id, c.id == conversation.id).values(values)
    )


def _conversation(row: Row[Any]) -> Conversation:
    return Conversation(
        vendor_id=VendorId(row.vendor_id),
        id=row.id,
        customer_id=CustomerId(row.customer_id),
        turn=Turn(ChatMode(row.mode), row.until),
        last_at=row.last_at,
        customer_last_at=row.customer_last_at,
        unread=row.unread,
        about=row.about,
    )


_c = conversations.c
_BY_ID = select(conversations).where(_c.vendor_id == bindparam("vendor"), _c.id == bindparam("conversation"))
_LOCK_BY_ID = _BY_ID.with_for_update(key_share=True)
_LOCK_BY_CUSTOMER = (
    select(conversations)
    .where(_c.vendor_id == bindparam("vendor"), _c.customer_id == bindparam("customer"))
    .with_for_update(key_share=True)
)
