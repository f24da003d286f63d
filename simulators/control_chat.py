"""The control API of what a chat shows beside text: taps, files, read receipts, templates, and a chat told in
writing."""

import json

from flask import Blueprint, Response, request

from simulators import customers, transcript, wire
from simulators.control import refuse_strangers
from simulators.jobs import Jobs
from simulators.problems import JsonObject, Problem, json_body
from simulators.state import Directory
from simulators.store import Store, Transaction
from simulators.twilio import contents, media, messages
from simulators.twilio.contents import Approval, Content
from simulators.twilio.messages import Message, Status, Tap
from simulators.twilio.webhooks import Webhooks

MOST_REASON = 200
MOST_LISTED = 200

_SHOWN_INLINE = ("image/jpeg", "image/png", "image/webp")
_ENDINGS = {"application/pdf": ".pdf", "audio/ogg": ".ogg", "image/jpeg": ".jpg", "image/png": ".png"}


def create_blueprint(store: Store, jobs: Jobs, webhooks: Webhooks, directory: Directory) -> Blueprint:
    blueprint = Blueprint("sim_chat", __name__, url_prefix="/sim")
    control = _ChatControl(store, jobs, webhooks, directory)
    blueprint.before_request(refuse_strangers)
    routes = (
        ("/taps", "POST", control.tap),
        ("/read", "POST", control.read),
        ("/media/<sid>/<int:place>", "GET", control.file),
        ("/contents", "GET", control.list_contents),
        ("/contents/<sid>", "PUT", control.decide),
        ("/transcript", "GET", control.transcript),
    )
    for path, method, view in routes:
        blueprint.add_url_rule(path, f"{method} {path}".replace(".", "_"), view, methods=[method])
    return blueprint


class _ChatControl:
    def __init__(self, store: Store, jobs: Jobs, webhooks: Webhooks, directory: Directory) -> None:
        self._store = store
        self._jobs = jobs
        self._webhooks = webhooks
        self._directory = directory

    def tap(self) -> Response:
        """`{customer, message, option}`: that customer taps the option with that place (from 0) in a message of the
        shop's, however old it is."""
        body = json_body()
        place = body.get("option")
        if type(place) is not int:
            raise Problem(400, "bad_option", "option: expected the place of what was tapped, from 0")
        with self._store.transaction() as tx:
            customer = customers.by_address(tx, str(body.get("customer", "")))
            if customer is None:
                raise Problem(404, "unknown_customer", "customer: expected an address from GET /sim/state")
            shown = messages.by_sid(tx, str(body.get("message", "")))
            if shown is None or shown.customer != customer.address or shown.is_from_customer:
                raise Problem(404, "unknown_message", "message: expected one of the shop's to this customer")
            tapped = _tap(shown, place)
            text = tapped.id if tapped.kind == "list" else tapped.title
            said = self._webhooks.customer_says(tx, customer, text, None, tap=tapped, reply_to=shown.sid)
        return _json({"id": said.sid, "seq": said.seq, "place": said.place}, 202)

    def read(self) -> Response:
        """`{customer, place}`: that customer has seen the chat up to that place."""
        body = json_body()
        place = body.get("place")
        if type(place) is not int or not 0 <= place < 2**53:
            raise Problem(400, "bad_place", "place: expected the place of the last message that was seen")
        with self._store.transaction() as tx:
            unread = messages.unread_by(tx, str(body.get("customer", "")), place)
            for message in unread:
                messages.plan_status(tx, self._jobs, message.sid, Status.READ, is_seen=True)
        return _json({"read": len(unread)}, 202)

    def file(self, sid: str, place: int) -> Response:
        with self._store.transaction() as tx:
            found = media.content_of(tx, sid, place=place)
        if found is None:
            raise Problem(404, "no_file", "this file was not fetched, or not yet")
        content_type, content = found
        response = Response(content, content_type=content_type)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
        response.headers["Cache-Control"] = "private, max-age=86400, immutable"
        if content_type not in _SHOWN_INLINE:
            name = f"document-{sid[-6:]}{_ENDINGS.get(content_type, '')}"
            response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def list_contents(self) -> Response:
        """What the shop made through the Content API, the newest first, and what it asked of it."""
        with self._store.transaction() as tx:
            listed = [_shown(one, tx) for one in contents.listed(tx, None, MOST_LISTED)]
            return _json({"contents": listed, "requests": wire.received(tx, "twilio_content")})

    def decide(self, sid: str) -> Response:
        """`{status, rejection_reason}`: what WhatsApp thinks of a template that was submitted."""
        body = json_body()
        reason = body.get("rejection_reason") or "It breaks WhatsApp’s rules."
        try:
            approval = Approval(str(body.get("status")))
        except ValueError:
            raise Problem(400, "bad_status", f"status: expected one of {', '.join(Approval)}") from None
        if not isinstance(reason, str) or len(reason) > MOST_REASON or approval is Approval.UNSUBMITTED:
            raise Problem(400, "bad_status", "status: not unsubmitted; rejection_reason: a short text")
        with self._store.transaction() as tx:
            decided = contents.decide(tx, sid, approval, reason)
            if decided is None:
                raise Problem(404, "not_submitted", "this content does not exist or was never submitted for approval")
            return _json(_shown(decided, tx))

    def transcript(self) -> Response:
        """`?customer=<address>&language=en`: that customer's chat as YAML, in the form of `simulators.transcript`."""
        language = request.args.get("language", "en")
        if not (language.isascii() and language.isalpha() and len(language) == 2):
            raise Problem(400, "bad_language", "language: expected two letters such as en, sw or pt")
        with self._store.transaction() as tx:
            customer = customers.by_address(tx, request.args.get("customer", ""))
            if customer is None:
                raise Problem(404, "unknown_customer", "customer: expected an address from GET /sim/state")
            text = transcript.write(transcript.of(tx, customer, self._directory, language))
        name = "".join(letter for letter in customer.name.lower() if letter.isascii() and letter.isalnum()) or "chat"
        response = Response(text, content_type="application/yaml; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.yaml"'
        return response


def _tap(shown: Message, place: int) -> Tap:
    if shown.status is Status.FAILED or not 0 <= place < len(shown.options):
        raise Problem(404, "unknown_option", "option: that message has no such button or item on the phone")
    option = shown.options[place]
    kind = str(option["kind"])
    if kind not in ("QUICK_REPLY", "ITEM"):
        raise Problem(409, "not_a_reply", "this button opens, calls or copies something; it says nothing to the shop")
    is_template = shown.content is not None and bool(shown.content["is_template"])
    is_button = "template" if is_template else "button"
    return Tap("list" if kind == "ITEM" else is_button, str(option["id"]), str(option["title"]))


def _shown(content: Content, tx: Transaction) -> JsonObject:
    approval = contents.approval_resource(content, tx.now_us)
    return {
        "sid": content.sid,
        "name": content.friendly_name,
        "language": content.language,
        "type": content.type,
        "status": approval["status"],
        "rejection_reason": content.rejection_reason,
        "template": approval["name"],
    }


def _json(body: JsonObject, http_status: int = 200) -> Response:
    return Response(json.dumps(body), http_status, content_type="application/json")
