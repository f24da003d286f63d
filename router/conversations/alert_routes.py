"""Who of the shop is told in the chat of what happens in it: invited over the vendor's API, joined in the chat."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row

from contracts.chat_api import AlertsJoined, AlertsLeft, JoinAlerts, LeaveAlerts
from contracts.errors import ErrorCode
from kit.db import Tx
from kit.web import answer, read_body
from router.conversations import alerts
from router.customers.service import checked_address, phone_of, shown_number
from router.edge import Call, Edge, Routes
from router.operations import BY_BOT, BY_VENDOR, KeyScope, Operation

JOIN_WORD = "ALERTS"
"""What is written before the code."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class AlertInvitation(_Answer):
    code: str
    text: str
    """What to write to the shop's number, from the phone that is to be told."""
    expires_at: datetime


class AlertRecipient(_Answer):
    recipient_id: str
    name: str
    phone: str | None
    """None for somebody whose number is hidden."""
    joined_at: datetime


class AlertRecipients(_Answer):
    recipients: list[AlertRecipient]


JOIN = Operation(
    "alerts.join",
    "POST",
    "/v1/chat/alerts",
    "Somebody wrote an invitation's word",
    BY_BOT,
    body=JoinAlerts,
    answer=AlertsJoined,
    problems=((404, ErrorCode.INVITATION_UNKNOWN),),
    tag="conversations",
)
LEAVE = Operation(
    "alerts.leave",
    "POST",
    "/v1/chat/alerts/leave",
    "Somebody wants no alerts any more",
    BY_BOT,
    even_suspended=True,
    body=LeaveAlerts,
    answer=AlertsLeft,
    tag="conversations",
)
LIST = Operation(
    "vendor.alerts.list",
    "GET",
    "/api/v1/alerts",
    "Who is told in the chat of what happens in the shop",
    BY_VENDOR,
    scope=KeyScope.CHAT_READ,
    answer=AlertRecipients,
    description="Numbers are masked (2547*****149) unless the API key is good for customers:read too.",
    tag="conversations",
)
INVITE = Operation(
    "vendor.alerts.invite",
    "POST",
    "/api/v1/alerts/invitations",
    "Invite somebody to be told of paid orders, of customers who wait and of messages that did not arrive",
    BY_VENDOR,
    scope=KeyScope.CHAT_WRITE,
    answer=AlertInvitation,
    status=201,
    problems=((409, ErrorCode.TOO_MANY_ALERTS),),
    description="Whoever writes the text to the shop's number within a day is told from then on, in that chat.",
    tag="conversations",
)
REMOVE = Operation(
    "vendor.alerts.remove",
    "POST",
    "/api/v1/alerts/<recipient_id>/remove",
    "Tell somebody no more",
    BY_VENDOR,
    scope=KeyScope.CHAT_WRITE,
    answer=AlertRecipients,
    problems=((404, ErrorCode.RECIPIENT_UNKNOWN),),
    tag="conversations",
    parameters={"recipient_id": "As the list names them."},
)


def alert_routes(edge: Edge) -> Blueprint:
    routes = Routes(edge, "alerts")

    @routes.add(JOIN)
    def join(call: Call) -> Response:
        wanted = read_body(JoinAlerts)
        address = checked_address(wanted.customer.address)

        def joined(tx: Tx) -> tuple[int, BaseModel]:
            alerts.join(tx, call.vendor.id, wanted.code, address, wanted.customer.name, call.now)
            return 200, AlertsJoined(shop_name=call.vendor.name)

        return edge.perform(call, joined)

    @routes.add(LEAVE)
    def leave(call: Call) -> Response:
        address = checked_address(read_body(LeaveAlerts).customer.address)
        return edge.perform(call, lambda tx: (200, AlertsLeft(was_told=alerts.leave(tx, call.vendor.id, address))))

    @routes.add(LIST)
    def listed(call: Call) -> Response:
        with edge.reading(call.vendor) as tx:
            return answer(_shown(tx, call))

    @routes.add(INVITE)
    def invite(call: Call) -> Response:
        def invited(tx: Tx) -> tuple[int, BaseModel]:
            made = alerts.invite(tx, call.vendor.id, call.now)
            text = f"{JOIN_WORD} {made.code}"
            return 201, AlertInvitation(code=made.code, text=text, expires_at=made.expires_at)

        return edge.perform(call, invited)

    @routes.add(REMOVE)
    def remove(call: Call, recipient_id: str) -> Response:
        def removed(tx: Tx) -> tuple[int, BaseModel]:
            alerts.remove(tx, call.vendor.id, recipient_id)
            return 200, _shown(tx, call)

        return edge.perform(call, removed)

    return routes.blueprint


def _shown(tx: Tx, call: Call) -> AlertRecipients:
    return AlertRecipients(recipients=[_recipient(row, call) for row in alerts.recipients(tx, call.vendor.id)])


def _recipient(row: Row[Any], call: Call) -> AlertRecipient:
    return AlertRecipient(
        recipient_id=row.id,
        name=row.name,
        phone=shown_number(phone_of(row.address), whole=call.sees_numbers),
        joined_at=row.joined_at,
    )
