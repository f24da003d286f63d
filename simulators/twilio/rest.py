"""Twilio's REST API as far as a WhatsApp shop uses it: send a message, fetch one, list them."""

import hmac
import json
import re
import time
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from kit.settings import Settings
from simulators import faults, wire
from simulators.cut import cut_answer
from simulators.fault_names import Fault
from simulators.jobs import Jobs
from simulators.problems import JsonObject
from simulators.store import Store, Transaction
from simulators.twilio import listing, messages
from simulators.twilio.messages import API_VERSION, Media

MOST_BODY_UNITS = 1600
"""UTF-16 code units: an emoji counts twice or more (21617, twilio.com/docs/api/errors/21617)."""

_ADDRESS = re.compile(r"whatsapp:(\+[1-9][0-9]{6,14}|[A-Z]{2}\.[A-Za-z0-9]{1,128})")


class TwilioError(Exception):
    """Refused as Twilio refuses: a status, a code of its catalogue and a sentence."""

    def __init__(self, http_status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.code = code
        self.message = message

    def response(self) -> Response:
        return _json(
            {
                "code": self.code,
                "message": self.message,
                "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
                "status": self.http_status,
            },
            self.http_status,
        )


def not_found() -> TwilioError:
    return TwilioError(404, 20404, f"The requested resource {request.path} was not found")


def create_blueprint(settings: Settings, store: Store, jobs: Jobs) -> Blueprint:
    blueprint = Blueprint("twilio", __name__, url_prefix=f"/twilio/{API_VERSION}/Accounts/<account_sid>")
    rest = _Rest(settings, store, jobs)
    blueprint.before_request(rest.authenticate)
    blueprint.add_url_rule("/Messages.json", "send", rest.send, methods=["POST"])
    blueprint.add_url_rule("/Messages.json", "list", rest.list_messages, methods=["GET"])
    blueprint.add_url_rule("/Messages/<sid>.json", "fetch", rest.fetch, methods=["GET"])
    blueprint.register_error_handler(TwilioError, TwilioError.response)
    blueprint.after_request(rest.remember)
    return blueprint


class _Rest:
    def __init__(self, settings: Settings, store: Store, jobs: Jobs) -> None:
        self._account_sid = settings.twilio_account_sid
        self._token = settings.secret("TWILIO_AUTH_TOKEN")
        self._shop = settings.twilio_whatsapp_from
        self._store = store
        self._jobs = jobs

    def authenticate(self) -> None:
        given = request.authorization
        user, password = (given.username or "", given.password or "") if given and given.type == "basic" else ("", "")
        in_path = str((request.view_args or {}).get("account_sid", ""))
        if not (
            hmac.compare_digest(user.encode(), self._account_sid.encode())
            and hmac.compare_digest(password.encode(), self._token.encode())
            and in_path == self._account_sid
        ):
            raise TwilioError(401, 20003, "Authenticate")

    def send(self, account_sid: str) -> Response:
        with self._store.transaction() as tx:
            is_limited = faults.takes(tx, Fault.TWILIO_429)
            is_broken = not is_limited and faults.takes(tx, Fault.TWILIO_500)
            delay_s = faults.seconds(tx, Fault.ANSWER_DELAY_S)
        time.sleep(delay_s)
        if is_limited:
            raise TwilioError(429, 20429, "Too Many Requests")
        if is_broken:
            raise TwilioError(500, 20500, "An internal server error has occurred")
        with self._store.transaction() as tx:
            created = self._accept(tx, account_sid)
            is_cut = faults.takes(tx, Fault.TWILIO_TIMEOUT)
            cut_after_s = faults.seconds(tx, Fault.CUT_AFTER_S)
        return cut_answer(cut_after_s) if is_cut else _json(created, 201)

    def fetch(self, account_sid: str, sid: str) -> Response:
        with self._store.transaction() as tx:
            message = messages.by_sid(tx, sid)
        if message is None:
            raise not_found()
        return _json(messages.resource(message, account_sid), 200)

    def list_messages(self, account_sid: str) -> Response:
        try:
            query = listing.parse(request.args)
        except listing.BadQuery as error:
            raise TwilioError(400, 20001, str(error)) from error
        with self._store.transaction() as tx:
            page = listing.page(tx, query)
        return _json(listing.resource(page, query, account_sid), 200)

    def remember(self, response: Response) -> Response:
        if request.method == "POST":
            with self._store.transaction() as tx:
                wire.remember(tx, "twilio", request.path, dict(request.form.items()), response.status_code)
        return response

    def _accept(self, tx: Transaction, account_sid: str) -> JsonObject:
        form = request.form
        to, sender, body = form.get("To", ""), form.get("From", ""), form.get("Body", "")
        media_urls, template = form.getlist("MediaUrl"), form.get("ContentSid", "")
        if not to:
            raise TwilioError(400, 21604, "A 'To' phone number is required.")
        if not sender:
            raise TwilioError(400, 21603, "A 'From' phone number is required.")
        if not to.startswith("whatsapp:"):
            raise TwilioError(400, 21910, "Invalid From and To pair. From and To should be of the same channel")
        if not _ADDRESS.fullmatch(to):
            raise TwilioError(400, 21211, f"Invalid 'To' Phone Number: {to[:40]}")
        if sender != self._shop:
            raise TwilioError(400, 63007, "Twilio could not find a Channel with the specified From address")
        if not body and not media_urls and not template:
            raise TwilioError(400, 21619, "A text message body or media urls must be specified.")
        if len(body.encode("utf-16-le", "surrogatepass")) // 2 > MOST_BODY_UNITS:
            raise TwilioError(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        status_callback = form.get("StatusCallback") or None
        if status_callback and not is_web_address(status_callback):
            raise TwilioError(400, 21609, f"The StatusCallback URL {status_callback[:80]} is not a valid URL.")
        message = messages.add_outbound(
            tx,
            self._jobs,
            to,
            sender,
            f"[{template}] {form.get('ContentVariables', '')}".strip() if template else body,
            media=Media.IMAGE if media_urls else None,
            status_callback=status_callback,
            is_template=bool(template),
            is_out_of_order=faults.takes(tx, Fault.STATUS_OUT_OF_ORDER),
        )
        return messages.resource(message, account_sid)


def is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _json(body: JsonObject, http_status: int) -> Response:
    return Response(json.dumps(body), http_status, content_type="application/json")
