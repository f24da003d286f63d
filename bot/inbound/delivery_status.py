"""POST /webhooks/twilio/status: what became of a message that Twilio took. In any order, any number of times."""

import structlog
from flask import Flask, Response

from bot.channels.twilio_codes import remedy_for
from bot.inbound.forms import SignedForms
from bot.sending import Sender
from bot.store import delivery
from bot.store.tables import MessageStatus
from contracts.errors import ErrorCode
from kit.clock import Clock
from kit.db import Database
from kit.metrics import message_ended
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


def add_route(app: Flask, forms: SignedForms, db: Database, clock: Clock, sender: Sender) -> None:
    def receive() -> Response:
        form = forms.read()
        sid = form.sid("MessageSid")
        word = form.fields.get("MessageStatus", "")
        if not word:
            raise Problem(400, ErrorCode.INVALID_REQUEST, "MessageStatus is missing")
        status = _MEANS.get(word)
        if word not in _MEANS:
            _log.warning("a status of a message is not known", sid=sid, twilio_status=word[:40])
        if status is None:
            return Response("", mimetype="text/plain")
        code = form.fields.get("ErrorCode", "")
        error_code = int(code) if code.isascii() and code.isdigit() and len(code) <= 9 else None
        if status is MessageStatus.FAILED:
            message_ended("undelivered", str(error_code))
            _log.warning("a message was not delivered", sid=sid, twilio_status=word, error_code=error_code)
        with db.write() as tx:
            is_known = delivery.report(tx, sid, status, error_code, clock.now(), remedy_for)
        if not is_known:
            sender.wake()
        return Response("", mimetype="text/plain")

    app.add_url_rule(PATH, "twilio_status", receive, methods=["POST"])
