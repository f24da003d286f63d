"""Builds the payment adapter: rooms, routes and loops from settings and a clock."""

from collections.abc import Callable
from pathlib import Path

from contracts.payment_api import PAYMENT_EVENTS_PATH, RAILS_EVENTS_PATH, REFUND_EVENTS_PATH
from kit.background import Loop
from kit.carrying import DELIVERY_WITHIN_S, Carrier
from kit.clock import Clock
from kit.db import Database
from kit.gauges import outboxes, pools
from kit.http_delivery import http_delivery
from kit.outbox import Delivery, OutboxEvent, Park, Relay
from kit.owners import Owner
from kit.service import Service
from kit.settings import Settings, SettingsError
from kit.signing import key_ring
from kit.web import add_readiness, make_app
from kit.webhooks import EventSigner
from payment_adapter.callbacks import routes as callback_routes
from payment_adapter.callbacks.addresses import Addresses
from payment_adapter.callbacks.arrivals import Arrivals
from payment_adapter.callbacks.service import Callbacks
from payment_adapter.callbacks.watch import Suspicion, Watch
from payment_adapter.charges import routes as charge_routes
from payment_adapter.charges.lanes import Brakes, shared
from payment_adapter.charges.models import outbox
from payment_adapter.charges.push import CALLBACK_PATH, Pusher
from payment_adapter.charges.rules import Confirm
from payment_adapter.charges.service import Charges, Wakes
from payment_adapter.providers.base import Provider
from payment_adapter.providers.daraja.addresses import forbidden_word
from payment_adapter.providers.daraja.client import Daraja
from payment_adapter.providers.daraja.wire import Wire
from payment_adapter.providers.ekwanza.client import Ekwanza
from payment_adapter.providers.ekwanza.credentials import hosts_by_environment
from payment_adapter.reconcile.poll import Poller
from payment_adapter.refunds.room import open_room
from payment_adapter.settings_page.book import SettingsBook
from payment_adapter.settings_page.keeping import Keeping
from payment_adapter.settings_page.routes import settings_routes
from payment_adapter.vault.master import master_keys
from payment_adapter.vault.service import Vault

_PUSH_THREADS = 12
_PUSHES_PER_PROVIDER = 8
_PUSHES_PER_SHOP = 3
"""A provider may keep a push waiting until the payer has answered, for a minute and a half: so one shop, and one
provider, has fewer pushes under way in this process than there are threads. Several processes share these."""
_POLL_THREADS = 4
_POLLS_PER_PROVIDER = 3
_POLLS_PER_SHOP = 2
_RELAY_THREADS = 4
_CARRIER_THREADS = 8
_SWEEP_S = 1.0
"""Wake-ups make it fast; this is for what no wake-up announced: a restart, another process, a clock that moved."""

_KEEPING_S = 60.0
"""How often somebody looks whether stored settings have grown old enough to be erased."""


def create_service(settings: Settings, clock: Clock) -> Service:
    """Raises SettingsError. Opens no connection yet."""
    check_callback_address(settings.adapter_public_url)
    vault = Vault(master_keys(settings))
    callers, grants = key_ring(settings, "DUKANI_KEY_BOT_ADAPTER"), key_ring(settings, "DUKANI_KEY_GRANT")
    db = Database(settings.payments_database_url)
    owner = Owner(Path(settings.data_dir) / "pushes")
    daraja = Daraja(Wire(settings.daraja_base_url), clock)
    ekwanza = Ekwanza(hosts_by_environment(settings), clock)
    providers: tuple[Provider, ...] = (daraja, ekwanza)

    pushing = Loop("push", lambda: pusher.turn(), idle_s=_SWEEP_S * 2, threads=_PUSH_THREADS)
    polling = Loop("poll", lambda: poller.turn(), idle_s=_SWEEP_S, threads=_POLL_THREADS)
    applying = Loop("callbacks", lambda: callbacks.turn(), idle_s=_SWEEP_S)
    carrier, relaying = _news(settings, clock, db)

    wakes = Wakes(push=pushing.wake, relay=carrier.leave, poll=polling.wake, carriage=carrier)
    confirm = {name: Confirm(when) for name, when in settings.confirm_callbacks.items()}
    charges = Charges(clock, providers, wakes, confirm)
    brakes = Brakes()
    of = settings.adapter_processes
    push_lanes = shared(of, per_lane=_PUSHES_PER_SHOP, per_provider=_PUSHES_PER_PROVIDER, brakes=brakes)
    poll_lanes = shared(of, per_lane=_POLLS_PER_SHOP, per_provider=_POLLS_PER_PROVIDER, brakes=brakes)
    pusher = Pusher(db, charges, vault, clock, public_url=settings.adapter_public_url, owner=owner, lanes=push_lanes)
    poller = Poller(db, charges, vault, clock, poll_lanes)
    addresses = Addresses(vault, clock, settings.adapter_public_url)
    callbacks = Callbacks(db, charges, vault, clock)
    arrivals = Arrivals(db, charges, addresses, vault, clock, applying.wake, apply=callbacks.apply_to)
    book = SettingsBook(vault, (daraja, ekwanza), clock, carrier.leave)
    keeping = Loop("settings", Keeping(db, vault, book, clock).turn, idle_s=_KEEPING_S)

    app = make_app("payment_adapter")
    add_readiness(app, {"database": db.ping})
    charge_routes.add_routes(app, db, charges, clock, callers=callers, grants=grants)
    watch = Watch(clock)
    callback_routes.add_routes(app, db, arrivals, charges, watch)
    from_router = key_ring(settings, "DUKANI_KEY_ROUTER_ADAPTER")
    app.register_blueprint(settings_routes(db, book, from_router, clock, settings.adapter_public_url))
    refunding = open_room(
        app,
        db,
        vault,
        clock,
        providers,
        public_url=settings.adapter_public_url,
        owner=Owner(Path(settings.data_dir) / "refunds"),
        callers=from_router,
        sweep_s=_SWEEP_S,
        wake_relay=carrier.leave,
        note_stranger=lambda: watch.note(Suspicion.STRANGER),
    )
    leaving = (arrivals.close, carrier.give_back, daraja.close, ekwanza.close, pusher.leave, refunding.leave, db.close)
    return Service(
        "payment_adapter",
        app,
        (pushing, polling, applying, *refunding.loops, keeping, carrier.loop, relaying),
        on_stop=leaving,
        gauges=(pools({"payments": db}), *outboxes(lambda: (("payments", db.read),), outbox, clock)),
    )


def _news(settings: Settings, clock: Clock, db: Database) -> tuple[Carrier, Loop]:
    """What carries events to the router straight from their commit, and the loop that relays those it leaves."""
    signer = EventSigner(key_ring(settings, "DUKANI_KEY_EVENTS_ADAPTER_ROUTER"))
    relay = Relay(db, outbox, clock, deliver_by_type(settings.router_url, signer, clock))
    relaying = Loop("payment-events", relay.turn, idle_s=_SWEEP_S, threads=_RELAY_THREADS)
    deliver = deliver_by_type(settings.router_url, signer, clock, timeout_s=DELIVERY_WITHIN_S)
    name = "payment-events-carrier"
    carrier = Carrier(name, db, outbox, clock, deliver, wake_relay=relaying.wake, threads=_CARRIER_THREADS)
    return carrier, relaying


def deliver_by_type(
    router_url: str, signer: EventSigner, clock: Clock, *, timeout_s: float = 10.0
) -> Callable[[OutboxEvent], Delivery]:
    """What a row of the outbox is about, which its type begins with, says where the router takes it."""
    ways = {
        about: http_delivery(router_url + path, signer, clock, timeout_s=timeout_s)
        for about, path in (
            ("payment", PAYMENT_EVENTS_PATH),
            ("refund", REFUND_EVENTS_PATH),
            ("rails", RAILS_EVENTS_PATH),
        )
    }

    def deliver(event: OutboxEvent) -> Delivery:
        way = ways.get(event.type.partition(".")[0])
        return Park(f"nobody takes events of type {event.type}") if way is None else way(event)

    return deliver


def check_callback_address(public_url: str) -> None:
    """Daraja refuses callback addresses that hold certain words. Raises SettingsError."""
    word = forbidden_word(public_url + CALLBACK_PATH)
    if word is not None:
        raise SettingsError(
            f"DUKANI_ADAPTER_PUBLIC_URL={public_url!r}: Daraja refuses callback addresses that hold "
            f"{word!r}; use another host name or path"
        )
