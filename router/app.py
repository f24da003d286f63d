"""The router put together: its databases, its rooms, who is told of what, and the loops behind them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial

from flask import Flask

from contracts.ids import VendorId
from contracts.payment_api import RailsNews
from kit.clock import Clock
from kit.db import Database, refuse_superuser
from kit.gauges import pools
from kit.measures import Gauge
from kit.outside import Outside
from kit.peers import Peer
from kit.service import Service
from kit.settings import Settings, SettingsError
from kit.signing import key_ring
from kit.wakes import Wakes
from kit.web import add_readiness, make_app
from kit.webhooks import EventSigner
from router.catalog.routes import catalog_routes
from router.catalog.service import Catalogue
from router.catalog.vendor_routes import vendor_catalog_routes
from router.conversations.alert_routes import alert_routes
from router.conversations.alerts import ALERTING, alert
from router.conversations.routes import chat_routes, vendor_chat_routes
from router.conversations.sweep import TurnSweep
from router.databases import Databases
from router.dedicated import Tenants
from router.delivery.service import Zones
from router.delivery.vendor_routes import zone_routes
from router.edge import Edge
from router.events.service import carrier, outbox_gauges, relay_loop, relay_visit, tell_rooms, wake_on_news
from router.events.webhooks import Webhooks
from router.front import front_of
from router.hours.service import OpeningHours
from router.hours.vendor_routes import hours_routes
from router.metering.calls import CallMeter
from router.metering.rollup import Rollup
from router.metering.routes import usage_routes
from router.orders.checkout import Shelves
from router.orders.development import development_routes
from router.orders.fulfilling import OrderPayments
from router.orders.holds import HoldSweep, hold_sweep_loop
from router.orders.reminders import Patience, Reminders, reminders_loop
from router.orders.routes import order_routes
from router.orders.vendor_routes import vendor_order_routes
from router.orders.views import PAYABLE_KIND
from router.payments.service import (
    HandingOver,
    Registry,
    Sweep,
    claim_routes,
    payment_events,
    refund_events,
    sweep_loop,
    vendor_money_routes,
    vendor_payment_routes,
)
from router.planting import ShopToPlant, hear_rails, plant_shops
from router.reference.routes import reference_routes
from router.rounds import Rounds
from router.stock.service import available, count_anew, counts
from router.targets import Access
from router.vendors.admin_routes import vendor_routes
from router.vendors.key_routes import key_routes
from router.vendors.keys import ApiKeys
from router.vendors.limits import RateLimiter
from router.vendors.rail_routes import rail_routes, rails_events
from router.vendors.routes import shop_routes
from router.vendors.service import Directory
from router.vouchers.vendor_routes import voucher_routes

_HEARERS = dict.fromkeys(ALERTING, alert)
"""What is done in the transaction of an event, beside announcing it."""


def create_service(settings: Settings, clock: Clock) -> Service:
    """The router as a service. Opens no connection until something is asked of it. Raises SettingsError."""
    databases, directory = _open(settings)
    meter = CallMeter(databases)
    keys = ApiKeys(databases.platform)
    bot_keys = key_ring(settings, "DUKANI_KEY_BOT_ROUTER")
    limits = RateLimiter(settings.redis_url)
    edge = Edge(clock, databases, directory, bot_keys, settings.is_local, keys=keys, limits=limits, meter=meter)
    payables = Registry()
    payables.register(PAYABLE_KIND, OrderPayments(directory))

    app = make_app(__name__)
    add_readiness(app, _checks(settings, databases))
    _serve_shops(app, edge, settings, keys)
    _serve_chats(app, edge)
    _serve_shoppers(app, edge, settings)
    app.register_blueprint(vendor_payment_routes(edge, order_kind=PAYABLE_KIND))
    _hear_of_money(app, settings, databases, directory, payables, clock)
    adapter = Peer(settings.adapter_url, key_ring(settings, "DUKANI_KEY_ROUTER_ADAPTER"), clock)
    handing_over = HandingOver(databases, payables, adapter, clock)
    refunds = handing_over.loop()
    app.register_blueprint(vendor_money_routes(edge, payables, PAYABLE_KIND, refunds.wake))

    to_bot = EventSigner(key_ring(settings, "DUKANI_KEY_EVENTS_ROUTER_BOT"))
    wakes = Wakes.by(settings)
    outside = Outside(near_is_allowed=settings.is_local)
    webhooks = Webhooks(databases, key_ring(settings, "DUKANI_KEY_WEBHOOKS"), outside, clock, wakes)
    app.register_blueprint(webhooks.routes(edge))
    rollup, turns = Rollup(databases, clock), TurnSweep(databases, directory, clock)
    reminders = Reminders(databases, directory, clock, _patience(settings))
    in_dedicated = (
        relay_visit(clock, to_bot, settings.bot_url),
        Sweep(databases, payables, clock).visit,
        HoldSweep(databases, directory, clock).visit,
        handing_over.visit,
        turns.visit,
        reminders.visit,
        rollup.visit,
        webhooks.visit,
    )
    rounds = Rounds(databases, in_dedicated, wakes)
    databases.on_open(partial(_opened, rounds, webhooks))
    tell_rooms(databases.shared_ops.engine, _HEARERS)
    loops = [
        wakes.listening,
        relay_loop(databases.shared, clock, to_bot, settings.bot_url, wakes),
        sweep_loop(databases, payables, clock),
        hold_sweep_loop(databases, directory, clock),
        refunds,
        turns.loop(),
        reminders_loop(reminders),
        rounds.loop,
        rollup.loop(),
        webhooks.loop,
    ]
    news = carrier(databases.shared, clock, to_bot, settings.bot_url, wakes)
    on_stop = [meter.flush, news.give_back, wakes.close, webhooks.close, adapter.close, databases.close]
    answering = [meter.loop(), keys.uses_loop(), news.loop]
    return Service("router", app, loops, on_stop, _gauges(databases, clock), answering=answering)


def _hear_of_money(
    app: Flask, settings: Settings, databases: Databases, directory: Directory, payables: Registry, clock: Clock
) -> None:
    """What the payment adapter tells."""
    signer = EventSigner(key_ring(settings, "DUKANI_KEY_EVENTS_ADAPTER_ROUTER"))
    app.register_blueprint(payment_events(databases, signer, payables, clock))
    app.register_blueprint(refund_events(databases, signer, payables, clock))
    app.register_blueprint(rails_events(databases, directory, signer, clock))


def _serve_shops(app: Flask, edge: Edge, settings: Settings, keys: ApiKeys) -> None:
    """What is asked about shops themselves, and what describes the whole."""
    app.register_blueprint(vendor_routes(edge, settings))
    app.register_blueprint(key_routes(edge, keys.forget))
    tickets = key_ring(settings, "DUKANI_KEY_ROUTER_ADAPTER")
    app.register_blueprint(rail_routes(edge, tickets, settings.adapter_public_url))
    app.register_blueprint(usage_routes(edge))
    app.register_blueprint(reference_routes(edge))
    if settings.is_local:
        app.register_blueprint(development_routes(edge))


def _serve_shoppers(app: Flask, edge: Edge, settings: Settings) -> None:
    """What customers look at, put into carts and order, and what of it the shop sees."""
    platform = edge.databases.platform
    shelves = Shelves(Catalogue(platform), Zones(platform), OpeningHours(platform))
    grant_keys, hold_for = key_ring(settings, "DUKANI_KEY_GRANT"), timedelta(minutes=settings.hold_minutes)
    app.register_blueprint(shop_routes(edge, front_of(shelves.zones, shelves.hours)))
    app.register_blueprint(catalog_routes(edge, shelves.catalogue, available))
    app.register_blueprint(order_routes(edge, shelves, grant_keys, hold_for=hold_for))
    app.register_blueprint(claim_routes(edge))
    app.register_blueprint(vendor_order_routes(edge))
    app.register_blueprint(vendor_catalog_routes(edge, counts, count_anew))
    app.register_blueprint(zone_routes(edge, shelves.zones))
    app.register_blueprint(hours_routes(edge, shelves.hours))
    app.register_blueprint(voucher_routes(edge))


def _patience(settings: Settings) -> Patience:
    cart, order = (timedelta(minutes=each) if each else None for each in settings.reminder_minutes)
    return Patience(cart, order)


def _serve_chats(app: Flask, edge: Edge) -> None:
    """What the bot tells of conversations, and what the shop's people do in them."""
    app.register_blueprint(chat_routes(edge))
    app.register_blueprint(vendor_chat_routes(edge))
    app.register_blueprint(alert_routes(edge))


def plant(settings: Settings, clock: Clock, shops: Sequence[ShopToPlant]) -> list[tuple[VendorId, str]]:
    """Open these demo shops where their words are free; each shop's id and word. Raises SettingsError in production."""
    if not settings.is_local:
        raise SettingsError("DUKANI_ENV=production: demo shops are opened in local mode only")
    databases, directory = _open(settings)
    try:
        return plant_shops(databases, directory, clock, shops)
    finally:
        databases.close()


def hear(settings: Settings, news: Sequence[RailsNews]) -> None:
    """What was planted in the payment adapter, known here before it is told. Local mode only, as `plant`."""
    if not settings.is_local:
        raise SettingsError("DUKANI_ENV=production: the payment adapter tells the router itself")
    databases, _ = _open(settings)
    try:
        hear_rails(databases, news)
    finally:
        databases.close()


def _opened(rounds: Rounds, webhooks: Webhooks, vendor_id: VendorId, database: Database) -> None:
    """A dedicated database is about to be used: what is announced in it is carried on from there."""
    wake = rounds.news_of(vendor_id)
    wake_on_news(database.engine, wake)
    tell_rooms(database.engine, _HEARERS)
    webhooks.follow(database.engine, wake)


def _checks(settings: Settings, databases: Databases) -> Mapping[str, Callable[[], None]]:
    checks = {"databases": databases.ping}
    if not settings.is_local:
        checks["row security"] = partial(refuse_superuser, databases.shared_ops)
    return checks


def _gauges(databases: Databases, clock: Clock) -> Sequence[Gauge]:
    pooled = {"platform": databases.platform, "ops": databases.shared_ops}
    return (pools(pooled), *outbox_gauges(databases.shared, clock), *_dedicated_gauges(databases))


def _dedicated_gauges(databases: Databases) -> Sequence[Gauge]:
    """Of this process. Only those that fail are named: there may be thousands."""
    tenants = databases.tenants
    if tenants is None:
        return ()
    return (
        Gauge(
            "dukani_dedicated_connections",
            "Connections to shops' own databases",
            (),
            lambda: [((), float(tenants.connections))],
            is_of_process=True,
        ),
        Gauge(
            "dukani_dedicated_failing",
            "In how many processes a shop's own database could not be used when it was last tried",
            ("vendor",),
            lambda: [((vendor_id,), 1.0) for vendor_id in tenants.failing],
            is_of_process=True,
        ),
    )


def _open(settings: Settings) -> tuple[Databases, Directory]:
    platform = Database(settings.platform_database_url)
    directory = Directory(platform)
    shared_ops = Database(settings.ops_database_url)
    tenants = Tenants(Access.of(settings), ceiling=settings.dedicated_connections)
    return Databases(platform, shared_ops, directory, tenants), directory
