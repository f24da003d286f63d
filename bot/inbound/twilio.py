"""POST /webhooks/twilio/whatsapp: a customer's message is checked, stored, and acknowledged; the answer comes later.

Twilio gives up after 15 s and its signature carries no time, so the acknowledgement waits for nothing but the commit,
and a message counts once for ever by its MessageSid."""

from collections.abc import Callable

from flask import Flask, Response

from bot.conversation.understanding.intents import is_stop
from bot.inbound.forms import Form, SignedForms
from bot.store.inbox import Incoming

PATH = "/webhooks/twilio/whatsapp"

_EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
_MAX_NAME = 200


def add_route(app: Flask, forms: SignedForms, receive: Callable[[Incoming], None]) -> None:
    def answer() -> Response:
        receive(_incoming(forms.read()))
        return Response(_EMPTY_TWIML, mimetype="text/xml")

    app.add_url_rule(PATH, "twilio_whatsapp", answer, methods=["POST"])


def _incoming(form: Form) -> Incoming:
    return Incoming(
        message_sid=form.sid("MessageSid"),
        shop_number=form.address("To"),
        address=form.address("From"),
        profile_name="".join(c for c in form.fields.get("ProfileName", "") if c.isprintable())[:_MAX_NAME],
        raw_form=form.raw,
        is_urgent=is_stop(form.fields.get("Body", "")),
    )
