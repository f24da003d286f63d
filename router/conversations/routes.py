"""Conversations over the wire: what the bot tells of them, and what the shop's people look at, write and decide."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel
from sqlalchemy import Row

from contracts.chat_api import (
    AskForPerson,
    ChatMode,
    ChatReport,
    ChatTaken,
    HandoverView,
    ReturnToBot,
    Undelivered,
    UndeliveredTaken,
)
from contracts.errors import ErrorCode, FieldError
from contracts.ids import CustomerId
from kit.db import Tx
from kit.paging import Moment, paged
from kit.problems import Problem
from kit.web import answer, read_body, read_query
from router.conversations import hearing, listing, service
from router.conversations.rules import NOT_ARRIVED, Turn, may_write
from router.conversations.wire import (
    ASK,
    GIVE_BACK,
    LIST,
    MESSAGES,
    REPORT,
    REPORT_UNDELIVERED,
    RETURN,
    SHOW,
    TAKE,
    UNDELIVERED,
    WRITE,
    ByWhom,
    Chatter,
    ConversationsQuery,
    MessagesQuery,
    NewStaffMessage,
    UndeliveredMessage,
    UndeliveredMessages,
    UndeliveredQuery,
    VendorChatMessage,
    VendorChatMessages,
    VendorConversation,
    VendorConversations,
)
from router.customers.service import Customer, people, shown_number
from router.edge import Call, Edge, Routes


def chat_routes(edge: Edge) -> Blueprint:
    """What the bot asks and tells."""
    routes = Routes(edge, "chat")

    @routes.add(ASK)
    def ask(call: Call) -> Response:
        wanted = read_body(AskForPerson)

        def asked(tx: Tx) -> tuple[int, BaseModel]:
            return 200, _view(service.ask_for_person(tx, call.vendor, wanted.customer, wanted.about, call.now))

        return edge.perform(call, asked)

    @routes.add(RETURN)
    def give_back(call: Call) -> Response:
        wanted = read_body(ReturnToBot)
        return edge.perform(
            call, lambda tx: (200, _view(service.return_to_bot(tx, call.vendor, wanted.customer, call.now)))
        )

    @routes.add(REPORT)
    def report(call: Call) -> Response:
        told = read_body(ChatReport)

        def hear(tx: Tx) -> tuple[int, BaseModel]:
            new = hearing.hear_messages(tx, call.vendor, told.messages, call.now)
            moved, unknown = hearing.hear_statuses(tx, call.vendor, told.statuses, call.now)
            return 200, ChatTaken(new=new, moved=moved, unknown=unknown)

        return edge.perform(call, hear)

    @routes.add(REPORT_UNDELIVERED)
    def report_undelivered(call: Call) -> Response:
        told = read_body(Undelivered)
        arrived = [at for at, message in enumerate(told.messages) if message.status not in NOT_ARRIVED]
        if arrived:
            errors = [FieldError(field=f"messages.{at}.status", problem="held, expired or failed") for at in arrived]
            raise Problem(422, ErrorCode.INVALID_REQUEST, "these did arrive, or still may", errors=errors)
        return edge.perform(
            call,
            lambda tx: (
                200,
                UndeliveredTaken(new=hearing.hear_messages(tx, call.vendor, told.messages, call.now)),
            ),
        )

    return routes.blueprint


def vendor_chat_routes(edge: Edge) -> Blueprint:
    """What the shop's people look at, write and decide."""
    routes = Routes(edge, "vendor_chat")
    _add_looking(routes, edge)
    _add_deciding(routes, edge)
    return routes.blueprint


def _add_looking(routes: Routes, edge: Edge) -> None:
    @routes.add(LIST)
    def listed(call: Call) -> Response:
        wanted = read_query(ConversationsQuery)
        with edge.reading(call.vendor) as tx:
            found = listing.newest(
                tx, call.vendor.id, mode=wanted.mode, end=wanted.cursor, limit=wanted.limit + 1, now=call.now
            )
            page, following = paged(found, wanted.limit, lambda row: Moment(row.last_at, row.id))
            who = people(tx, call.vendor.id, {CustomerId(row.customer_id) for row in page})
        shown = [_conversation(row, who, call) for row in page]
        return answer(VendorConversations(conversations=shown, next_cursor=following))

    @routes.add(SHOW)
    def show(call: Call, conversation_id: str) -> Response:
        with edge.reading(call.vendor) as tx:
            return answer(_one(tx, call, conversation_id))

    @routes.add(MESSAGES)
    def messages(call: Call, conversation_id: str) -> Response:
        wanted = read_query(MessagesQuery)
        with edge.reading(call.vendor) as tx:
            service.found(tx, call.vendor.id, conversation_id)
            found = listing.messages_of(tx, call.vendor.id, conversation_id, end=wanted.cursor, limit=wanted.limit + 1)
        page, following = paged(found, wanted.limit, lambda row: Moment(row.at, row.id))
        return answer(VendorChatMessages(messages=[_message(row) for row in page], next_cursor=following))

    @routes.add(UNDELIVERED)
    def undelivered(call: Call) -> Response:
        wanted = read_query(UndeliveredQuery)
        with edge.reading(call.vendor) as tx:
            found = listing.undelivered(tx, call.vendor.id, end=wanted.cursor, limit=wanted.limit + 1)
            page, following = paged(found, wanted.limit, lambda row: Moment(row.at, row.id))
            who = people(tx, call.vendor.id, {CustomerId(row.customer_id) for row in page})
        shown = [
            UndeliveredMessage(
                conversation_id=row.conversation_id,
                customer=_chatter(who[CustomerId(row.customer_id)], call),
                message=_message(row),
            )
            for row in page
        ]
        return answer(UndeliveredMessages(messages=shown, next_cursor=following))


def _add_deciding(routes: Routes, edge: Edge) -> None:
    @routes.add(WRITE)
    def write(call: Call, conversation_id: str) -> Response:
        wanted = read_body(NewStaffMessage)

        def written(tx: Tx) -> tuple[int, BaseModel]:
            made = service.write(tx, call.vendor, conversation_id, wanted.text, wanted.by, call.now)
            return 202, _message(listing.one_message(tx, call.vendor.id, made))

        return edge.perform(call, written)

    @routes.add(TAKE)
    def take(call: Call, conversation_id: str) -> Response:
        wanted = read_body(ByWhom)

        def taken(tx: Tx) -> tuple[int, BaseModel]:
            service.take(tx, call.vendor, conversation_id, wanted.by, call.now)
            return 200, _one(tx, call, conversation_id)

        return edge.perform(call, taken)

    @routes.add(GIVE_BACK)
    def give_back(call: Call, conversation_id: str) -> Response:
        def given(tx: Tx) -> tuple[int, BaseModel]:
            service.give_back(tx, call.vendor, conversation_id, call.now)
            return 200, _one(tx, call, conversation_id)

        return edge.perform(call, given)


def _view(turn: Turn) -> HandoverView:
    return HandoverView(mode=turn.mode, until=turn.until)


def _one(tx: Tx, call: Call, conversation_id: str) -> VendorConversation:
    row = service.found(tx, call.vendor.id, conversation_id)
    return _conversation(row, people(tx, call.vendor.id, {CustomerId(row.customer_id)}), call)


def _conversation(row: Row[Any], who: Mapping[CustomerId, Customer], call: Call) -> VendorConversation:
    turn = Turn(ChatMode(row.mode), row.until).at(call.now)
    return VendorConversation(
        conversation_id=row.id,
        customer=_chatter(who[CustomerId(row.customer_id)], call),
        mode=turn.mode,
        until=turn.until,
        asked_at=row.asked_at,
        about=row.about,
        taken_by=row.taken_by,
        last_at=row.last_at,
        last_author=row.last_author,
        last_line=row.last_line,
        unread=row.unread,
        may_write=may_write(row.customer_last_at, call.now),
    )


def _chatter(customer: Customer, call: Call) -> Chatter:
    phone = shown_number(customer.phone, whole=call.sees_numbers)
    return Chatter(customer_id=customer.id, name=customer.name, phone=phone)


def _message(row: Row[Any]) -> VendorChatMessage:
    return VendorChatMessage(
        message_id=row.id,
        author=row.author,
        by=row.written_by,
        text=row.body,
        media=row.media,
        status=row.status,
        reason=row.reason,
        error_code=row.error_code,
        at=row.at,
    )
