"""POST /events: news from the router, as Standard Webhooks. Stored for the conversation of the customer it concerns."""

import structlog
from flask import Flask, Response, request
from pydantic import BaseModel, Field, ValidationError

from bot.store import inbox
from bot.store.inbox import AlreadyKnown
from bot.turns import Turns
from contracts.errors import ErrorCode
from contracts.events import DomainEvent, EventType
from kit.clock import Clock
from kit.problems import Problem
from kit.signed_events import read_event
from kit.web import answer
from kit.webhooks import EventSigner

PATH = "/events"

_KNOWN_TYPES = frozenset(event_type.value for event_type in EventType)

_log = structlog.get_logger()


class _Addressee(BaseModel):
    customer_address: str | None = Field(default=None, max_length=180)


class _Envelope(BaseModel):
    """What is read of any event, of types that a newer router made up as well."""

    event_id: str = Field(min_length=1, max_length=200)
    type: str = Field(min_length=1, max_length=100)
    data: _Addressee = Field(default_factory=_Addressee)


def add_route(app: Flask, signer: EventSigner, clock: Clock, turns: Turns) -> None:
    def receive() -> Response:
        envelope = read_event(signer, _Envelope, clock.now())
        signed_id, raw = envelope.event_id, request.get_data(cache=True)
        is_for_us = _is_readable(envelope, raw)
        address = envelope.data.customer_address if is_for_us else None
        content = raw.decode()
        try:
            turns.begin(lambda tx, owner: inbox.receive_news(tx, signed_id, address, content, clock.now(), owner))
        except AlreadyKnown:
            return answer({"status": "known"})
        return answer({"status": "received" if is_for_us else "ignored"})

    app.add_url_rule(PATH, "events", receive, methods=["POST"])


def _is_readable(envelope: _Envelope, raw: bytes) -> bool:
    if envelope.type not in _KNOWN_TYPES:
        return False
    try:
        DomainEvent.model_validate_json(raw)
    except ValidationError as error:
        where = sorted({".".join(str(at) for at in problem["loc"]) for problem in error.errors(include_input=False)})
        raise Problem(422, ErrorCode.INVALID_REQUEST, f"the event can't be read: {', '.join(where)}") from None
    return True
