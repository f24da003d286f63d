"""POST /webhooks/twilio/status: what became of a message that Twilio took. In any order, any number of times."""

from collections.abc import Callable

import structlog
from flask import Flask, Response

from bot.channels.channel import StatusReport
from bot.inbound.forms import SignedForms
from bot.store.tables import MessageStatus
from contracts.errors import ErrorCode
from kit.problems import Problem

PATH = "/webhooks/twilio/status"

_log = structlog.get_logger()

# What Twilio's statuses say (twilio.com/docs/messaging/api/message-resource, message status values). Those without a
# meaning say no more than that Twilio has the message, which we know from its answer.
_MEANS: dict[str, MessageStatus | None] = {
    "accepted": None,
    "scheduled": None,
    "queued": None,
    "sending": None,
    "sent": None,
    "receiving": None,
    "received": None,
    "partially_delivered": None,
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.READ,
    "undelivered": MessageStatus.FAILED,
    "failed": MessageStatus.FAILED,
    "canceled": MessageStatus.FAILED,
}


def add_route(app: Flask, forms: SignedForms, report: Callable[[StatusReport], None]) -> None:
    def answer() -> Response:
        form = forms.read()
        sid = form.sid("MessageSid")
        word = form.fields.get("MessageStatus", "")
        if not word:
            raise Problem(400, ErrorCode.INVALID_REQUEST, "MessageStatus is missing")
        if word not in _MEANS:
            _log.warning("a status of a message is not known", sid=sid, twilio_status=word[:40])
        code = form.fields.get("ErrorCode", "")
        error_code = int(code) if code.isascii() and code.isdigit() and len(code) <= 9 else None
        report(StatusReport(sid, _MEANS.get(word), error_code))
        return Response("", mimetype="text/plain")

    app.add_url_rule(PATH, "twilio_status", answer, methods=["POST"])
