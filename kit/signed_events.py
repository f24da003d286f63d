"""Events from another process, as they arrive: signed, readable, and under the id that was signed."""

from datetime import datetime
from typing import TypeVar

from flask import request
from pydantic import BaseModel

from contracts.errors import ErrorCode
from kit.problems import Problem
from kit.web import read_body
from kit.webhooks import EventSigner

M = TypeVar("M", bound=BaseModel)


def read_event(signer: EventSigner, model: type[M], now: datetime) -> M:
    """The event that the current request brings; `model` has an `event_id`.

    Raises Problem 401 where it is not signed, 422 where it is malformed or signed under another id, and as
    `read_body`."""
    signed_id = signer.verify(request.headers, request.get_data(cache=True), now)
    event = read_body(model)
    if getattr(event, "event_id", None) != signed_id:
        raise Problem(422, ErrorCode.INVALID_REQUEST, "webhook-id and event_id differ")
    return event
