"""The control API of the phone page and the tests: what happens on the phones, what goes wrong, what time it is.

For this machine only: it answers loopback peers that call it by a loopback name, and no other website's pages."""

import json
from datetime import timedelta
from ipaddress import ip_address
from typing import cast
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from kit.clock import Clock, SharedClock
from simulators import customers, faults, state, wire
from simulators.customers import BadCustomer, CustomerExists
from simulators.daraja import pushes
from simulators.daraja.pushes import UnknownPush
from simulators.ekwanza import book, charges
from simulators.fault_texts import FAULTS
from simulators.faults import BadFault
from simulators.jobs import Jobs
from simulators.problems import JsonObject, Problem, json_body
from simulators.prompts import Action, NotWaiting, UnknownPrompt
from simulators.state import Directory
from simulators.store import Store, Transaction
from simulators.twilio.messages import Media, Place
from simulators.twilio.watchers import Watchers
from simulators.twilio.webhooks import Webhooks

MOST_TEXT = 4096
"""What WhatsApp lets a customer type."""

MOST_ADVANCE_S = 366 * 86400

MOST_PLACE = 200
"""Characters of a place's name or address."""

_SENDABLE = {"image": Media.IMAGE, "audio": Media.AUDIO, "location": Media.LOCATION}
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


def refuse_strangers() -> None:
    """Before every request to the page and the control API. The name is checked besides the peer, because a website
    can point a name of its own at this machine and talk to it through the reader's browser."""
    peer = request.remote_addr or ""
    try:
        is_here = ip_address(peer).is_loopback
    except ValueError:
        is_here = False
    if not is_here or request.headers.get("X-Forwarded-For") or request.headers.get("Forwarded"):
        raise Problem(403, "not_loopback", "the simulators' page answers on the machine it runs on; open it there")
    try:
        name = urlsplit(f"//{request.headers.get('Host', '')}").hostname
    except ValueError:
        name = None
    if name not in _LOOPBACK_NAMES:
        raise Problem(403, "unknown_host", "call the simulators' page by the name localhost or 127.0.0.1")
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise Problem(403, "foreign_page", "only the simulators' own page may call this")


def create_blueprint(
    store: Store, jobs: Jobs, webhooks: Webhooks, clock: Clock, directory: Directory, watchers: Watchers
) -> Blueprint:
    blueprint = Blueprint("sim", __name__, url_prefix="/sim")
    control = _Control(store, jobs, webhooks, clock, directory, watchers)
    blueprint.before_request(refuse_strangers)
    routes = (
        ("/state", "GET", control.state),
        ("/messages", "POST", control.say),
        ("/prompts/<push_id>", "POST", control.answer_prompt),
        ("/faults", "GET", control.list_faults),
        ("/faults", "PUT", control.put_faults),
        ("/customers", "POST", control.add_customer),
        ("/clock", "POST", control.advance_clock),
        ("/reset", "POST", control.reset),
        ("/daraja/pushes", "GET", control.pushes),
        ("/twilio/messages", "GET", control.messages),
    )
    for path, method, view in routes:
        blueprint.add_url_rule(path, f"{method} {path}".replace(".", "_"), view, methods=[method])
    return blueprint


def read_place(given: object) -> Place:
    """`{latitude, longitude, label, address}`, the last two optional. Raises Problem."""
    wrong = Problem(
        400, "bad_location", "location: expected latitude and longitude as numbers, label and address texts"
    )
    if not isinstance(given, dict):
        raise wrong
    place = cast(JsonObject, given)
    latitude, longitude = place.get("latitude"), place.get("longitude")
    texts = [place.get("label") or "", place.get("address") or ""]
    for degrees, most in ((latitude, 90), (longitude, 180)):
        if isinstance(degrees, bool) or not isinstance(degrees, int | float) or abs(degrees) > most:
            raise wrong
    if not all(isinstance(text, str) and len(text) <= MOST_PLACE and text.isprintable() for text in texts):
        raise wrong
    return Place(f"{latitude}", f"{longitude}", str(texts[0]), str(texts[1]))


class _Control:
    def __init__(
        self,
        store: Store,
        jobs: Jobs,
        webhooks: Webhooks,
        clock: Clock,
        directory: Directory,
        watchers: Watchers,
    ) -> None:
        self._watchers = watchers
        self._store = store
        self._jobs = jobs
        self._webhooks = webhooks
        self._clock = clock
        self._directory = directory

    def state(self) -> Response:
        """With `page=1` somebody looks at the phones: what the chat shows is read, and nothing else."""
        if request.args.get("page") == "1":
            self._watchers.look()
        since = request.args.get("since", "0")
        if not since.isascii() or not since.isdigit() or len(since) > 15:
            raise Problem(400, "bad_since", "since: expected the version of an earlier answer, or 0")
        offset = self._clock.offset if isinstance(self._clock, SharedClock) else timedelta(0)
        with self._store.transaction() as tx:
            return _json(state.snapshot(tx, int(since), self._directory, offset // timedelta(seconds=1)))

    def say(self) -> Response:
        """`{customer, body, media, location}`: media is null, image, audio or location; a location that is not named is
        the middle of Nairobi."""
        body = json_body()
        text, wanted = body.get("body", ""), body.get("media")
        if not isinstance(text, str) or len(text) > MOST_TEXT or "\x00" in text:
            raise Problem(400, "bad_body", f"body: expected a text of at most {MOST_TEXT} characters")
        try:
            text.encode()
            media = None if wanted is None else _SENDABLE[str(wanted)]
        except (ValueError, KeyError):
            raise Problem(400, "bad_media", "media: expected null, image, audio or location; body: real text") from None
        pin = None if body.get("location") is None else read_place(body["location"])
        if pin is not None:
            media = Media.LOCATION
        if not text.strip() and media is None:
            raise Problem(400, "empty", "write something in body, or send a media")
        with self._store.transaction() as tx:
            customer = customers.by_address(tx, str(body.get("customer", "")))
            if customer is None:
                raise Problem(404, "unknown_customer", "customer: expected an address from GET /sim/state")
            message = self._webhooks.customer_says(tx, customer, text, media, pin=pin)
        return _json({"id": message.sid, "seq": message.seq, "place": message.place}, 202)

    def answer_prompt(self, push_id: str) -> Response:
        body = json_body()
        try:
            action = Action(str(body.get("action")))
        except ValueError:
            raise Problem(400, "bad_action", f"action: expected one of {', '.join(Action)}") from None
        pin = body.get("pin")
        if action is Action.PIN and not (isinstance(pin, str) and len(pin) == 4 and pin.isascii() and pin.isdigit()):
            raise Problem(400, "bad_pin", "pin: expected four digits as text")
        try:
            with self._store.transaction() as tx:
                prompt = self._answer(tx, push_id, action, str(pin))
        except UnknownPrompt:
            raise Problem(404, "unknown_prompt", "there is no prompt with that id") from None
        except NotWaiting:
            raise Problem(409, "not_waiting", "this prompt has left the phone") from None
        return _json(prompt)

    def _answer(self, tx: Transaction, prompt_id: str, action: Action, pin: str) -> JsonObject:
        """M-Pesa's prompt or Multicaixa's. Raises UnknownPrompt, NotWaiting."""
        try:
            pushes.act(tx, self._jobs, prompt_id, action, pin)
        except UnknownPush:
            charges.act(tx, self._jobs, prompt_id, action, pin)
            return state.multicaixa_prompt(tx, book.get(tx, prompt_id), self._directory)
        return state.prompt(tx, pushes.get(tx, prompt_id), self._directory)

    def list_faults(self) -> Response:
        with self._store.transaction() as tx:
            values = faults.read_all(tx)
        listed = [
            {
                "name": fault.value,
                "title": FAULTS[fault].title,
                "description": FAULTS[fault].description,
                "provider": FAULTS[fault].provider.value,
                "topic": FAULTS[fault].topic.value,
                "kind": FAULTS[fault].kind.value,
                "most": FAULTS[fault].most,
                "default": faults.off(fault),
                "value": values[fault.value],
            }
            for fault in FAULTS
        ]
        return _json({"faults": listed})

    def put_faults(self) -> Response:
        body = json_body()
        try:
            with self._store.transaction() as tx:
                faults.put(tx, body)
                values = faults.read_all(tx)
        except BadFault as error:
            raise Problem(400, "bad_fault", str(error)) from error
        return _json({"faults": values})

    def add_customer(self) -> Response:
        body = json_body()
        name, msisdn = body.get("name"), body.get("msisdn") or None
        is_hidden, balance_whole = body.get("hidden", False), body.get("balance_whole")
        if not isinstance(name, str) or not isinstance(msisdn, str | None) or not isinstance(is_hidden, bool):
            raise Problem(400, "bad_customer", "expected name (text), msisdn (text or null), hidden (true or false)")
        if type(balance_whole) is not int and balance_whole is not None:
            raise Problem(400, "bad_customer", "balance_whole: expected whole shillings")
        try:
            with self._store.transaction() as tx:
                customer = customers.add(tx, name, msisdn, is_hidden=is_hidden, balance_whole=balance_whole)
                return _json(state.customer(tx, customer), 201)
        except BadCustomer as error:
            raise Problem(400, "bad_customer", str(error)) from error
        except CustomerExists as error:
            raise Problem(409, "customer_exists", str(error)) from error

    def advance_clock(self) -> Response:
        step_s = json_body().get("advance_s")
        if type(step_s) is not int or not 0 <= step_s <= MOST_ADVANCE_S:
            raise Problem(400, "bad_step", f"advance_s: expected whole seconds from 0 to {MOST_ADVANCE_S}")
        if not isinstance(self._clock, SharedClock):
            raise Problem(409, "clock_fixed", "the clock of this process is not shared, so it can't be moved from here")
        self._clock.advance(timedelta(seconds=step_s))
        self._store.wake()
        with self._store.transaction() as tx:
            tx.next_seq()
        return _json({"clock_offset_s": self._clock.offset // timedelta(seconds=1)})

    def reset(self) -> Response:
        with self._store.transaction() as tx:
            self._store.clear(tx)
            customers.add_defaults(tx)
            return _json({"version": tx.counter("seq")})

    def pushes(self) -> Response:
        with self._store.transaction() as tx:
            return _json({"pushes": state.all_pushes(tx), "requests": wire.received(tx, "daraja")})

    def messages(self) -> Response:
        with self._store.transaction() as tx:
            return _json({"messages": state.all_messages(tx), "requests": wire.received(tx, "twilio")})


def _json(body: JsonObject, http_status: int = 200) -> Response:
    return Response(json.dumps(body), http_status, content_type="application/json")
