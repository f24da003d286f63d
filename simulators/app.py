"""Puts the simulators together: Twilio, Daraja, e-Kwanza, the control API and the phone page behind one port.

They take nobody's money and check nobody's identity, so they refuse to be built in production."""

from collections.abc import Callable, Mapping, Sequence

import structlog
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from kit.background import Loop
from kit.clock import Clock
from kit.service import Service
from kit.settings import Settings, SettingsError
from simulators import control, control_chat, control_money, customers
from simulators.courier import Courier
from simulators.daraja import edge as daraja_edge
from simulators.daraja import rest as daraja_rest
from simulators.daraja.callbacks import Callbacks
from simulators.daraja.confirmations import Confirmations
from simulators.daraja.orders import Results
from simulators.ekwanza import gateway, native, token
from simulators.ekwanza.expiry import Expiry
from simulators.ekwanza.webhooks import Webhooks as EkwanzaWebhooks
from simulators.jobs import Job, JobKind, Jobs
from simulators.moments import SECOND_US
from simulators.phone.page import blueprint as phone_page
from simulators.problems import Problem
from simulators.state import Directory
from simulators.store import Store
from simulators.twilio import content_rest as twilio_content
from simulators.twilio import errors as twilio_errors
from simulators.twilio import rest as twilio_rest
from simulators.twilio.media import Fetcher
from simulators.twilio.watchers import Watchers
from simulators.twilio.webhooks import Webhooks

MOST_BODY_BYTES = 256 * 1024

_SWEEP_S = 0.1
_ERRANDS_AT_ONCE = 6
_AFTER_ERROR_US = SECOND_US


def create_service(
    settings: Settings,
    clock: Clock,
    greetings: Sequence[tuple[str, str]] = (),
    businesses: Mapping[str, str] | None = None,
) -> Service:
    """`greetings` are what a newcomer can say first, with the shop's name: `("SHOP mama", "Mama Njeri")`; `businesses`
    the names that M-Pesa shows for shortcodes and tills. Raises SettingsError in production."""
    if not settings.is_local:
        raise SettingsError("DUKANI_ENV=production: the simulators take no real money and don't run in production")
    store = Store(settings.data_dir / "simulators.sqlite", clock)
    with store.transaction() as tx:
        customers.add_defaults(tx)
    jobs = Jobs(store)
    courier = Courier()
    watchers = Watchers()
    webhooks = Webhooks(settings, store, jobs, courier, watchers)
    callbacks = Callbacks(store, jobs, courier)
    errands = Loop(
        "simulators-errands",
        _Errands(
            store,
            jobs,
            {
                JobKind.INBOUND: webhooks.deliver_inbound,
                JobKind.STATUS: webhooks.deliver_status,
                JobKind.MEDIA: Fetcher(store, jobs, courier).fetch,
                JobKind.CALLBACK: callbacks.deliver,
                JobKind.EXPIRY: callbacks.expire,
                JobKind.C2B: Confirmations(store, jobs, courier).deliver,
                JobKind.RESULT: Results(store, jobs, courier).deliver,
                JobKind.EKWANZA_WEBHOOK: EkwanzaWebhooks(store, jobs, courier).deliver,
                JobKind.EKWANZA_EXPIRY: Expiry(store, jobs).expire,
            },
        ).turn,
        idle_s=_SWEEP_S,
        threads=_ERRANDS_AT_ONCE,
    )
    store.on_wake(errands.wake)

    app = Flask("simulators", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES
    directory = Directory(settings.twilio_whatsapp_from, tuple(greetings), dict(businesses or {}))
    app.register_blueprint(twilio_rest.create_blueprint(settings, store, jobs))
    app.register_blueprint(twilio_content.create_blueprint(settings, store))
    app.register_blueprint(daraja_rest.create_blueprint(store, jobs))
    app.register_blueprint(token.create_blueprint(store))
    app.register_blueprint(gateway.create_blueprint(store, jobs))
    app.register_blueprint(native.create_blueprint(store, jobs))
    app.register_blueprint(control_money.create_blueprint(store, jobs, directory))
    app.register_blueprint(control.create_blueprint(store, jobs, webhooks, clock, directory, watchers))
    app.register_blueprint(control_chat.create_blueprint(store, jobs, webhooks, directory))
    app.register_blueprint(phone_page)
    _guard(app)
    _add_health(app, store)
    return Service("simulators", app, (errands,), (courier.close, store.close))


class _Errands:
    """One thing that is due, done: the turn of the background loop."""

    def __init__(self, store: Store, jobs: Jobs, doers: Mapping[JobKind, Callable[[Job], None]]) -> None:
        self._store = store
        self._jobs = jobs
        self._doers = doers
        self._log = structlog.get_logger()

    def turn(self) -> bool:
        job = self._jobs.claim()
        if job is None:
            return False
        try:
            self._doers[job.kind](job)
        except Exception:
            self._log.exception("an errand failed and is tried again", kind=job.kind.value)
            with self._store.transaction() as tx:
                self._jobs.retry(tx, job, _AFTER_ERROR_US)
        return True


def _guard(app: Flask) -> None:
    """The page is for this machine, like the control API; the providers' stand-ins have their own credentials."""

    @app.before_request
    def refuse_strangers() -> None:
        if request.blueprint == phone_page.name:
            control.refuse_strangers()

    app.register_error_handler(Problem, Problem.response)
    app.register_error_handler(HTTPException, _refusal)


def _refusal(error: HTTPException) -> Response:
    """Each provider refuses unknown paths and methods in its own shape; everything else is a problem+json."""
    http_status = error.code or 500
    if request.path.startswith("/daraja/"):
        refusal = {404: daraja_edge.not_found(), 405: daraja_edge.not_allowed()}.get(http_status)
        return (refusal or daraja_edge.DarajaError(http_status, f"{http_status}.001", error.name)).response()
    if request.path.startswith("/twilio/"):
        if http_status == 404:
            return twilio_errors.not_found().response()
        code = 20004 if http_status == 405 else 20001 if http_status < 500 else 20500
        return twilio_errors.TwilioError(http_status, code, error.name).response()
    code = error.name.lower().replace(" ", "_")
    return Problem(http_status, code, error.description or error.name).response()


def _add_health(app: Flask, store: Store) -> None:
    @app.get("/health")
    def health() -> Response:
        return jsonify(status="alive")

    @app.get("/ready")
    def ready() -> Response:
        with store.transaction() as tx:
            tx.counter("seq")
        return jsonify(status="ready")
