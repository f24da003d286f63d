"""What an endpoint is told: the fields of its type's model, no secret, and no number that paid in full."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.chat_api import ChatMode, ChatStatus, HandoverNews, UndeliveredNews
from contracts.events import (
    ClaimNews,
    DomainEvent,
    EventType,
    ExceptionNews,
    InstructionsNews,
    PaymentNews,
    RefundNews,
)
from contracts.money import Currency
from contracts.payment_api import PaymentInstructions, RefundStatus
from contracts.states import ExceptionKind, FailureReason, Rail
from kit.clock import FixedClock
from router.events.payloads import TYPES, UnreadablePayload, body_of, ping_body, vendor_view
from tests.support.mailroom import order_news

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
FOR_CHATS = {
    EventType.CHAT_STAFF_MESSAGE,
    EventType.SHOP_ALERT,
    EventType.ORDER_PAID_FOR,
    EventType.PAYMENT_REFUNDED_TO,
}
"""What only a chat is told: the shop wrote it, or hears of it by another type."""


def news(type_: EventType) -> dict[str, Any]:
    order = order_news(FixedClock(NOW))
    model = TYPES[type_][0]
    if model is PaymentNews:
        whole = PaymentNews(**order.model_dump(), intent_id="i1", reason=FailureReason.WRONG_PIN, may_retry=True)
    elif model is ExceptionNews:
        whole = ExceptionNews(**order.model_dump(), kind=ExceptionKind.UNDER, amount_minor=100, receipt="TKL4H7XQ2P")
    elif model is ClaimNews:
        whole = ClaimNews(
            exception_id="x1",
            kind=ExceptionKind.UNMATCHED,
            amount_minor=100,
            currency=Currency.KES,
            receipt="TKL4H7XQ2P",
            customer_address=order.customer_address,
            shop_name=order.shop_name,
        )
    elif model is InstructionsNews:
        how = PaymentInstructions(entity="00123", reference="123456789", expires_at=NOW)
        whole = InstructionsNews(**order.model_dump(), intent_id="i1", rail=Rail.EMIS_REF, instructions=how)
    elif model is RefundNews:
        whole = RefundNews(
            **order.model_dump(), refund_id="r1", status=RefundStatus.DONE, amount_minor=100, currency=Currency.KES
        )
    elif model is HandoverNews:
        whole = HandoverNews(
            conversation_id="c1",
            customer_address=order.customer_address,
            shop_name=order.shop_name,
            mode=ChatMode.WAITING,
        )
    elif model is UndeliveredNews:
        whole = UndeliveredNews(
            message_id="m1",
            customer_address=order.customer_address,
            shop_name=order.shop_name,
            text="Hello",
            status=ChatStatus.FAILED,
        )
    else:
        whole = order
    return whole.model_dump(mode="json")


def stored(type_: EventType, data: dict[str, Any]) -> str:
    return DomainEvent(
        event_id="e1", type=type_, vendor_id="vendor-mama", aggregate="order:1", occurred_at=NOW, data=data
    ).model_dump_json()


def test_it_is_decided_for_every_type_whether_vendors_are_told() -> None:
    assert set(TYPES) | FOR_CHATS == set(EventType)
    assert set(TYPES) & FOR_CHATS == set()


@pytest.mark.parametrize("type_", list(TYPES))
def test_the_envelope_is_the_domain_event_s(type_: EventType) -> None:
    data = news(type_)
    sent = json.loads(body_of(stored(type_, data)))
    assert sent == {
        "event_id": "e1",
        "type": type_,
        "vendor_id": "vendor-mama",
        "aggregate": "order:1",
        "occurred_at": "2026-11-21T09:00:00Z",
        "data": data,
    }


def test_what_the_model_does_not_know_stays_inside() -> None:
    data = {**news(EventType.ORDER_PAID), "grant": "g", "payer_msisdn": "254708374149", "note": "ours"}
    assert vendor_view(EventType.ORDER_PAID, data) == news(EventType.ORDER_PAID)


def test_a_number_that_paid_is_masked_and_a_secret_is_left_out_wherever_they_stand() -> None:
    from router.events.payloads import cleaned

    inside = {"payments": [{"payer_msisdn": "254708374149", "grant": "g", "receipt": "R"}], "payer_msisdn": None}
    assert cleaned(inside) == {"payments": [{"payer_msisdn": "•••••••••149", "receipt": "R"}], "payer_msisdn": None}
    assert cleaned({"payer_msisdn": "12"}) == {"payer_msisdn": "12"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"type": "order.paid"}', '{"type": "order.eaten", "data": {}}'])
def test_what_is_no_event_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UnreadablePayload):
        body_of(text)


def test_a_ping_says_that_it_is_one() -> None:
    ping = json.loads(ping_body("e1", "vendor-mama", "w1", NOW))
    assert (ping["type"], ping["aggregate"], ping["data"]["endpoint_id"]) == ("webhook.ping", "ping:e1", "w1")
    assert set(ping) == set(DomainEvent.model_fields)
