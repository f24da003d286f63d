"""The router put together: its databases, its rooms, who is told of what, and the loops behind them."""

from collections.abc import Sequence
from datetime import timedelta

from contracts.ids import VendorId
from kit.clock import Clock
from kit.db import Database
from kit.service import Service
from kit.settings import Settings, SettingsError
from kit.signing import key_ring
from kit.web import add_readiness, make_app
from kit.webhooks import EventSigner
from router.catalog.routes import catalog_routes
from router.catalog.service import Catalogue
from router.databases import Databases
from router.edge import Edge
from router.events.service import relay_loop
from router.orders.development import development_routes
from router.orders.fulfilling import OrderPayments
from router.orders.holds import hold_sweep_loop
from router.orders.routes import order_routes
from router.orders.views import PAYABLE_KIND
from router.payments.service import Registry, payment_events, sweep_loop
from router.planting import ShopToPlant, plant_shops
from router.stock.service import available
from router.vendors.routes import shop_routes
from router.vendors.service import Directory


def create_service(settings: Settings, clock: Clock) -> Service:
    """The router as a service. Opens no connection until something is asked of it. Raises SettingsError."""
    databases, directory = _open(settings)
    catalogue = Catalogue(databases.platform)
    edge = Edge(clock, databases, directory, key_ring(settings, "DUKANI_KEY_BOT_ROUTER"), settings.is_local)
    payables = Registry()
    payables.register(PAYABLE_KIND, OrderPayments(directory))

    app = make_app(__name__)
    add_readiness(app, {"databases": databases.ping})
    app.register_blueprint(shop_routes(edge))
    app.register_blueprint(catalog_routes(edge, catalogue, available))
    app.register_blueprint(
        order_routes(
            edge,
            catalogue,
            key_ring(settings, "DUKANI_KEY_GRANT"),
            hold_for=timedelta(minutes=settings.hold_minutes),
        )
    )
    if settings.is_local:
        app.register_blueprint(development_routes(edge))
    from_adapter = EventSigner(key_ring(settings, "DUKANI_KEY_EVENTS_ADAPTER_ROUTER"))
    app.register_blueprint(payment_events(databases, from_adapter, payables, clock))

    to_bot = EventSigner(key_ring(settings, "DUKANI_KEY_EVENTS_ROUTER_BOT"))
    loops = [
        *(relay_loop(database.db, clock, to_bot, settings.bot_url) for database in databases.every_ops()),
        sweep_loop(databases, payables, clock),
        hold_sweep_loop(databases, directory, clock),
    ]
    return Service("router", app, loops, [databases.close])


def plant(settings: Settings, clock: Clock, shops: Sequence[ShopToPlant]) -> list[tuple[VendorId, str]]:
    """Open these demo shops where their words are free; each shop's id and word. Raises SettingsError in production."""
    if not settings.is_local:
        raise SettingsError("DUKANI_ENV=production: demo shops are opened in local mode only")
    databases, directory = _open(settings)
    try:
        return plant_shops(databases, directory, clock, shops)
    finally:
        databases.close()


def _open(settings: Settings) -> tuple[Databases, Directory]:
    platform = Database(settings.platform_database_url)
    directory = Directory(platform)
    shared_ops = Database(settings.ops_database_url)
    return Databases(platform, shared_ops, directory.isolation_of), directory
