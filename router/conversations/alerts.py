"""Alerts for the shop's own people in their own chat: an order was paid, somebody waits, a message did not arrive.

Whoever is to be told writes a word to the shop's number that the shop's API gave out: so nobody is told who did not
ask, and nobody hears of a shop that is not theirs. An alert is announced in the transaction of what it tells of."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row, bindparam, delete, func, select

from contracts.chat_api import Alert, AlertKind, AlertNews, HandoverNews, UndeliveredNews
from contracts.errors import ErrorCode
from contracts.events import ClaimNews, DomainEvent, EventType, ExceptionNews, OrderNews
from contracts.ids import VendorId, new_code, new_id
from kit.db import Tx, insert_new
from kit.problems import Problem
from router.conversations.models import alert_invitations, alert_recipients
from router.events.service import announce

MAX_RECIPIENTS = 5
INVITATION_LASTS = timedelta(hours=24)
MAX_INVITATIONS = 10
"""That can be used at one time."""


@dataclass(frozen=True, slots=True)
class Invitation:
    code: str
    expires_at: datetime


def invite(tx: Tx, vendor_id: VendorId, now: datetime) -> Invitation:
    """Raises Problem 409 too_many_alerts."""
    tx.execute(delete(alert_invitations).where(_i.vendor_id == vendor_id, _i.expires_at <= now))
    open_ones = tx.execute(select(func.count()).where(_i.vendor_id == vendor_id)).scalar_one()
    if open_ones >= MAX_INVITATIONS or len(recipients(tx, vendor_id)) >= MAX_RECIPIENTS:
        raise Problem(
            409,
            ErrorCode.TOO_MANY_ALERTS,
            f"at most {MAX_RECIPIENTS} people are told, and {MAX_INVITATIONS} invitations open: remove one first",
        )
    while True:
        code, expires_at = new_code(), now + INVITATION_LASTS
        row = {"vendor_id": vendor_id, "code": code, "expires_at": expires_at}
        if insert_new(tx, alert_invitations, row, conflict=["vendor_id", "code"]):
            return Invitation(code, expires_at)


def join(tx: Tx, vendor_id: VendorId, code: str, address: str, name: str, now: datetime) -> None:
    """Alerts go there from now on. Raises Problem 404 invitation_unknown. The word is used up; who is told already
    stays so."""
    used = tx.execute(
        delete(alert_invitations).where(_i.vendor_id == vendor_id, _i.code == code.strip().upper(), _i.expires_at > now)
    )
    if used.rowcount != 1:
        raise Problem(404, ErrorCode.INVITATION_UNKNOWN, "this word was used, is too old, or never was one")
    row = {"vendor_id": vendor_id, "id": new_id(now), "address": address, "name": name, "joined_at": now}
    insert_new(tx, alert_recipients, row, conflict=["vendor_id", "address"])


def leave(tx: Tx, vendor_id: VendorId, address: str) -> bool:
    gone = tx.execute(delete(alert_recipients).where(_r.vendor_id == vendor_id, _r.address == address))
    return gone.rowcount == 1


def remove(tx: Tx, vendor_id: VendorId, recipient_id: str) -> None:
    """Raises Problem 404 recipient_unknown."""
    gone = tx.execute(delete(alert_recipients).where(_r.vendor_id == vendor_id, _r.id == recipient_id))
    if gone.rowcount != 1:
        raise Problem(404, ErrorCode.RECIPIENT_UNKNOWN, "nobody with this id is told of the shop's alerts")


def recipients(tx: Tx, vendor_id: VendorId) -> list[Row[Any]]:
    """Oldest first."""
    return list(tx.execute(_RECIPIENTS, {"vendor": vendor_id}))


def alert(tx: Tx, event: DomainEvent) -> None:
    """Tell the shop's people of it, in the transaction that announces it."""
    vendor_id = VendorId(event.vendor_id)
    told = recipients(tx, vendor_id)
    if not told:
        return
    said = _SAID_OF[event.type](event)
    if said is None:
        return
    for recipient in told:
        announce(
            tx,
            type=EventType.SHOP_ALERT,
            vendor_id=vendor_id,
            aggregate=f"alerts:{recipient.id}",
            data=AlertNews(customer_address=recipient.address, **dict(said)),
            now=event.occurred_at,
            fact=event.event_id,
        )


def _paid(event: DomainEvent) -> Alert:
    about = OrderNews.model_validate(event.data)
    order = about.order
    return Alert(
        alert=AlertKind.ORDER_PAID,
        shop_name=about.shop_name,
        about_address=about.customer_address,
        about_name=about.customer_name,
        order_code=order.code,
        amount_minor=order.total_minor,
        currency=order.currency,
        text=", ".join(f"{line.quantity} × {line.name}" for line in order.lines),
        delivery=order.delivery,
        note=order.note,
        scheduled_for=order.scheduled_for,
    )


def _waiting(event: DomainEvent) -> Alert:
    about = HandoverNews.model_validate(event.data)
    return Alert(
        alert=AlertKind.PERSON_WAITING,
        shop_name=about.shop_name,
        about_address=about.customer_address,
        about_name=about.customer_name,
        text=about.about,
    )


def _undelivered(event: DomainEvent) -> Alert | None:
    about = UndeliveredNews.model_validate(event.data)
    if about.reason == OPTED_OUT:
        return None  # the customer's own wish
    return Alert(
        alert=AlertKind.UNDELIVERED,
        shop_name=about.shop_name,
        about_address=about.customer_address,
        text=about.text,
    )


def _set_aside(event: DomainEvent) -> Alert | None:
    try:
        about = ExceptionNews.model_validate(event.data)
    except ValidationError:
        return None
    return Alert(
        alert=AlertKind.MONEY_SET_ASIDE,
        shop_name=about.shop_name,
        about_address=about.customer_address,
        order_code=about.order.code if about.order else None,
        amount_minor=about.amount_minor,
        currency=about.currency,
    )


def _claimed(event: DomainEvent) -> Alert:
    about = ClaimNews.model_validate(event.data)
    return Alert(
        alert=AlertKind.MONEY_CLAIMED,
        shop_name=about.shop_name,
        about_address=about.customer_address,
        about_name=about.customer_name,
        order_code=about.order_code,
        amount_minor=about.amount_minor,
        currency=about.currency,
        text=about.receipt,
    )


OPTED_OUT = "opted_out"

_SAID_OF: dict[EventType, Callable[[DomainEvent], Alert | None]] = {
    EventType.ORDER_PAID: _paid,
    EventType.PAYMENT_EXCEPTION: _set_aside,
    EventType.PAYMENT_CLAIMED: _claimed,
    EventType.CHAT_WAITING: _waiting,
    EventType.MESSAGE_UNDELIVERED: _undelivered,
}

ALERTING = frozenset(_SAID_OF)
"""The events that the shop's people are told of."""

_i, _r = alert_invitations.c, alert_recipients.c
_RECIPIENTS = (
    select(_r.id, _r.address, _r.name, _r.joined_at)
    .where(_r.vendor_id == bindparam("vendor"))
    .order_by(_r.joined_at, _r.id)
)
