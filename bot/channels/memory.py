"""The reference channel: all of the contract and nothing else. Its customers are whoever posts JSON to it under a
shared word, and its messages stay in a list. What it does is what any channel has to do."""

import hmac
import json
from typing import Any, cast

from flask import Flask, Response, request

from bot.channels.channel import Doors, StatusReport
from bot.conversation.model import Location, Said
from bot.conversation.understanding.intents import is_stop
from bot.ports.fakes import FakeMessenger
from bot.ports.messenger import Kind
from bot.store.inbox import Incoming
from bot.store.tables import MessageStatus
from contracts.errors import ErrorCode
from kit.clock import Clock
from kit.problems import Problem

MESSAGES = "/channels/memory/messages"
STATUSES = "/channels/memory/statuses"
WORD_HEADER = "x-channel-word"

_REPORTED = {"delivered": MessageStatus.DELIVERED, "read": MessageStatus.READ, "failed": MessageStatus.FAILED}


class MemoryChannel(FakeMessenger):
    """A Channel. `word` is what its webhooks must bring in `x-channel-word`."""

    name = "memory"
    kinds = frozenset(Kind)

    def __init__(self, clock: Clock, word: str) -> None:
        super().__init__(clock)
        self._word = word

    def add_doors(self, app: Flask, doors: Doors) -> None:
        def message() -> Response:
            document = self._checked()
            incoming = Incoming(
                message_sid=_text(document, "id"),
                shop_number=_text(document, "to"),
                address=_text(document, "from"),
                profile_name=str(document.get("name", "")),
                raw_form=json.dumps(document),
                is_urgent=is_stop(str(document.get("text", ""))),
            )
            doors.message(incoming)
            return Response(status=204)

        def status() -> Response:
            document = self._checked()
            code = document.get("code")
            reported = _REPORTED.get(_text(document, "status"))
            doors.status(StatusReport(_text(document, "id"), reported, code if isinstance(code, int) else None))
            return Response(status=204)

        app.add_url_rule(MESSAGES, "memory_message", message, methods=["POST"])
        app.add_url_rule(STATUSES, "memory_status", status, methods=["POST"])

    def said(self, item_id: str, content: str) -> Said:
        document = cast(dict[str, Any], json.loads(content))
        pin = cast(dict[str, Any] | None, document.get("location"))
        return Said(
            item_id,
            str(document.get("text", "")),
            media=("location",) if pin is not None else (),
            payload=document.get("payload"),
            location=Location(pin["latitude"], pin["longitude"]) if pin is not None else None,
        )

    def _checked(self) -> dict[str, Any]:
        if not hmac.compare_digest(request.headers.get(WORD_HEADER, "").encode(), self._word.encode()):
            raise Problem(403, ErrorCode.FORBIDDEN, f"{WORD_HEADER} is not the word of this channel")
        document = request.get_json(silent=True)
        if not isinstance(document, dict):
            raise Problem(400, ErrorCode.INVALID_REQUEST, "send a JSON object")
        return cast(dict[str, Any], document)


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise Problem(400, ErrorCode.INVALID_REQUEST, f"{name} is missing")
    return value
