"""Twilio's REST API as far as a WhatsApp shop uses it: send a message, fetch one and its files, list them."""

import time

from flask import Blueprint, Response, request

from kit.settings import Settings
from simulators import faults, wire
from simulators.cut import cut_answer
from simulators.fault_names import Fault
from simulators.jobs import Jobs
from simulators.store import Store
from simulators.twilio import composing, listing, media, messages
from simulators.twilio.errors import TwilioError, answer, authenticate, not_found
from simulators.twilio.messages import API_VERSION


def create_blueprint(settings: Settings, store: Store, jobs: Jobs) -> Blueprint:
    blueprint = Blueprint("twilio", __name__, url_prefix=f"/twilio/{API_VERSION}/Accounts/<account_sid>")
    rest = _Rest(settings, store, jobs)
    blueprint.before_request(rest.authenticate)
    blueprint.add_url_rule("/Messages.json", "send", rest.send, methods=["POST"])
    blueprint.add_url_rule("/Messages.json", "list", rest.list_messages, methods=["GET"])
    blueprint.add_url_rule("/Messages/<sid>.json", "fetch", rest.fetch, methods=["GET"])
    blueprint.add_url_rule("/Messages/<sid>/Media.json", "list_media", rest.list_media, methods=["GET"])
    blueprint.add_url_rule("/Messages/<sid>/Media/<media_sid>", "fetch_media", rest.fetch_media, methods=["GET"])
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
        authenticate(self._account_sid, self._token)
        if str((request.view_args or {}).get("account_sid", "")) != self._account_sid:
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
            created = messages.resource(composing.send(tx, self._jobs, request.form, self._shop), account_sid)
            is_cut = faults.takes(tx, Fault.TWILIO_TIMEOUT)
            cut_after_s = faults.seconds(tx, Fault.CUT_AFTER_S)
        return cut_answer(cut_after_s) if is_cut else answer(created, 201)

    def fetch(self, account_sid: str, sid: str) -> Response:
        with self._store.transaction() as tx:
            message = messages.by_sid(tx, sid)
        if message is None:
            raise not_found()
        return answer(messages.resource(message, account_sid))

    def list_messages(self, account_sid: str) -> Response:
        try:
            query = listing.parse(request.args)
        except listing.BadQuery as error:
            raise TwilioError(400, 20001, str(error)) from error
        with self._store.transaction() as tx:
            page = listing.page(tx, query)
        return answer(listing.resource(page, query, account_sid))

    def remember(self, response: Response) -> Response:
        if request.method == "POST":
            with self._store.transaction() as tx:
                wire.remember(tx, "twilio", request.path, dict(request.form.items()), response.status_code)
        return response

    def list_media(self, account_sid: str, sid: str) -> Response:
        with self._store.transaction() as tx:
            if messages.by_sid(tx, sid) is None:
                raise not_found()
            files = [one for one in media.of_message(tx, sid) if one.content_type]
        own = f"/{API_VERSION}/Accounts/{account_sid}/Messages/{sid}/Media"
        listed = [
            {
                "account_sid": account_sid,
                "content_type": one.content_type,
                "parent_sid": sid,
                "sid": one.sid,
                "uri": f"{own}/{one.sid}.json",
            }
            for one in files
        ]
        return answer({"media_list": listed, "page": 0, "page_size": 50, "uri": f"{own}.json"})

    def fetch_media(self, account_sid: str, sid: str, media_sid: str) -> Response:
        """The file itself. Twilio redirects to where it keeps it; here it comes at once."""
        with self._store.transaction() as tx:
            found = media.content_of(tx, sid, sid=media_sid)
        if found is None:
            raise not_found()
        return Response(found[1], content_type=found[0])
