"""What vendors' endpoints are told: the types of events that are theirs, and of each exactly the fields listed here.

The envelope is that of `contracts.events.DomainEvent`. Fields are only ever added. What an event holds beyond its
model stays inside, and the number that paid is shown by its last digits alone."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from contracts.chat_api import HandoverNews, UndeliveredNews
from contracts.events import ClaimNews, EventType, ExceptionNews, InstructionsNews, OrderNews, PaymentNews, RefundNews

PING = "webhook.ping"
"""A test that somebody asked for. No shop does anything because of it."""


class UnreadablePayload(ValueError):
    """The stored event does not fit the model of its type."""


TYPES: Mapping[EventType, tuple[type[BaseModel], str]] = {
    EventType.ORDER_CONFIRMED: (OrderNews, "The customer confirmed the order; its stock is held."),
    EventType.ORDER_PAID: (OrderNews, "The order is paid, in full."),
    EventType.ORDER_CANCELLED: (OrderNews, "The order was cancelled before it was paid."),
    EventType.HOLD_EXPIRED: (OrderNews, "The order was not paid in time: its stock is no longer held."),
    EventType.CART_LEFT_BEHIND: (OrderNews, "Nothing was done with a cart for a while. Once for a cart, by day."),
    EventType.ORDER_UNPAID: (OrderNews, "A confirmed order waits for its money. Once for an order, by day."),
    EventType.PAYMENT_FAILED: (
        PaymentNews,
        "A try to pay failed: `reason` says why, `may_retry` whether to try again.",
    ),
    EventType.PAYMENT_UNKNOWN: (
        PaymentNews,
        "Nobody can say yet whether the money moved. Wait; don't ask for it again.",
    ),
    EventType.PAYMENT_EXCEPTION: (
        ExceptionNews,
        "Money arrived that fits nothing: paid twice, too late, too little. It waits for the shop's decision.",
    ),
    EventType.PAYMENT_CLAIMED: (
        ClaimNews,
        "A customer named the receipt of money that waits for a decision. It proves nothing: compare who paid.",
    ),
    EventType.PAYMENT_INSTRUCTIONS: (
        InstructionsNews,
        "The customer was given a reference to pay by themselves, until it expires.",
    ),
    EventType.PAYMENT_REFUNDED: (RefundNews, "Money went back to whoever had paid it."),
    EventType.PAYMENT_REFUND_FAILED: (
        RefundNews,
        "A refund did not happen (`failed`), or nobody can say whether it did (`unknown`): look at a statement.",
    ),
    EventType.CHAT_WAITING: (HandoverNews, "A customer wants a person of the shop; the bot is mute until then."),
    EventType.CHAT_TAKEN: (HandoverNews, "A person of the shop answers this customer now."),
    EventType.CHAT_RETURNED: (HandoverNews, "The bot answers this customer again: `returned_by` says why."),
    EventType.MESSAGE_UNDELIVERED: (
        UndeliveredNews,
        "A message to a customer did not arrive, or may not be sent: `reason` says why.",
    ),
}
"""Every type that an endpoint can ask for: the model of its `data`, and what happened."""

_HIDDEN = frozenset({"grant", "secret", "token", "passkey", "password"})
_MASKED = frozenset({"payer_msisdn"})
_SHOWN_DIGITS = 3


def is_for_vendors(type_: str) -> bool:
    return type_ in {each.value for each in TYPES}


def vendor_view(type_: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The `data` of an event as its vendor sees it. Raises UnreadablePayload."""
    try:
        model = TYPES[EventType(type_)][0]
        seen: dict[str, Any] = model.model_validate(data).model_dump(mode="json")
    except (ValueError, KeyError, ValidationError) as error:
        raise UnreadablePayload(f"an event of type {type_} can't be read as such") from error
    return cleaned(seen)


def body_of(stored: str) -> bytes:
    """What is sent for an event as the outbox holds it. Raises UnreadablePayload."""
    try:
        event: dict[str, Any] = json.loads(stored)
        event["data"] = vendor_view(event["type"], event["data"])
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadablePayload("the stored event is no event") from error
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def ping_body(event_id: str, vendor_id: str, endpoint_id: str, now: datetime) -> str:
    event = {
        "event_id": event_id,
        "type": PING,
        "vendor_id": vendor_id,
        "aggregate": f"ping:{event_id}",
        "occurred_at": now.isoformat().replace("+00:00", "Z"),
        "data": {"endpoint_id": endpoint_id, "message": "This is a test: your endpoint is set up."},
    }
    return json.dumps(event, separators=(",", ":"))


def cleaned(value: Any) -> Any:
    if isinstance(value, list):
        return [cleaned(each) for each in cast(list[Any], value)]
    if not isinstance(value, dict):
        return value
    fields = cast(dict[str, Any], value)
    return {
        name: _masked(each) if name in _MASKED else cleaned(each)
        for name, each in fields.items()
        if name not in _HIDDEN
    }


def _masked(number: Any) -> str | None:
    if not isinstance(number, str):
        return None
    hidden = max(0, len(number) - _SHOWN_DIGITS)
    return "•" * hidden + number[hidden:]
