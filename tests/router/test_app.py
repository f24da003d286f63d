"""The router put together: it starts, says whether it can serve, sweeps by itself, and opens demo shops once."""

import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.states import Rail
from kit.clock import FixedClock
from kit.db import Database
from kit.settings import Settings, SettingsError, load_settings
from router.app import create_service, plant
from router.catalog.models import catalog_items
from router.payments.models import payment_requests
from router.planting import AreaToPlant, CouponToPlant
from router.reference.examples import DOT
from router.stock.models import stock
from router.vendors.models import vendors
from tests.support.counter import HOLD, MAMA, Counter, make_counter
from tests.support.postgres import Server


@dataclass(frozen=True)
class Thing:
    sku: str
    name: str
    description: str
    price_whole: int
    unit: str
    stock: int
    price_cents: int = 0
    category: str = "Tools"
    keywords: tuple[str, ...] = ()
    picture: bytes = b64decode(DOT)


@dataclass(frozen=True)
class Stall:
    word: str
    name: str
    currency: str
    timezone: str
    locale: str
    items: tuple[Thing, ...]
    rails: tuple[Rail, ...] = (Rail.MPESA_STK,)
    has_people: bool = False
    paybill: str | None = None
    areas: tuple[AreaToPlant, ...] = ()
    coupon: CouponToPlant | None = None
    hours: Mapping[str, object] = field(default_factory=lambda: {"week": {}})


STALL = Stall(
    "Fundi",
    "Fundi Corner",
    "KES",
    "Africa/Nairobi",
    "en",
    (Thing("NAILS", "Nails", "Bright.", 110, "packet", 7), Thing("HOSE", "Hose", "", 95, "metre", 0)),
)


PRODUCTION = {
    "DUKANI_ENV": "production",
    "DUKANI_BOT_PUBLIC_URL": "https://bot.example.com",
    "DUKANI_ADAPTER_PUBLIC_URL": "https://pay.example.com",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_WHATSAPP_FROM": "whatsapp:+14155238886",
}


def settings_of(counter: Counter, folder: Path, **environ: str) -> Settings:
    urls = {
        f"{name}_DATABASE_URL": database.engine.url.render_as_string(hide_password=False)
        for name, database in (("PLATFORM", counter.platform), ("OPS", counter.db))
    }
    return load_settings({"DUKANI_DATA_DIR": str(folder), **urls, **environ}, dotenv=None)


def eventually(true: Callable[[], bool], within_s: float = 10.0) -> bool:
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_router_that_can_serve_says_so(counter: Counter) -> None:
    answer = counter.send_unsigned("GET", "/ready", headers={})
    assert (answer.status, answer.body) == (200, {"status": "ready"})
    assert counter.send_unsigned("GET", "/health", headers={}).body == {"status": "alive"}


def test_a_router_whose_database_is_gone_is_alive_but_not_ready(tmp_path: Path, clock: FixedClock) -> None:
    missing = tmp_path / "no-such-folder" / "ops.sqlite"
    environ = {"DUKANI_DATA_DIR": str(tmp_path), "OPS_DATABASE_URL": f"sqlite:///{missing}"}
    service = create_service(load_settings(environ, dotenv=None), clock)
    try:
        client = service.app.test_client()
        assert client.get("/health").status_code == 200
        assert client.get("/ready").status_code == 503
    finally:
        service.stop()


@pytest.mark.parametrize("name", ["DUKANI_KEY_BOT_ROUTER", "DUKANI_KEY_GRANT"])
def test_a_key_that_is_too_short_is_named_at_the_start(tmp_path: Path, clock: FixedClock, name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        create_service(load_settings({"DUKANI_DATA_DIR": str(tmp_path), name: "short"}, dotenv=None), clock)


def test_its_loop_ends_a_hold_by_itself_soon_after_the_clock_moved(quick_counter: Counter) -> None:
    quick_counter.put("milk", on_hand=1)
    quick_counter.confirmed("milk")
    quick_counter.service.start()
    quick_counter.clock.advance(HOLD)
    assert eventually(lambda: quick_counter.shelf("milk") == (1, 0))
    assert [row["status"] for row in quick_counter.rows(payment_requests)] == ["expired"]


def test_a_planted_shop_can_be_bought_from(quick_counter: Counter, tmp_path: Path) -> None:
    planted = plant(settings_of(quick_counter, tmp_path), quick_counter.clock, [STALL])
    (vendor_id, word), *_ = planted
    assert word == "fundi"
    shown = quick_counter.get("/v1/catalog/items", vendor=vendor_id).body["items"]
    assert [(item["name"], item["price_minor"], item["unit"], item["available"]) for item in shown] == [
        ("Nails", 11000, "packet", 7),
        ("Hose", 9500, "metre", 0),
    ]
    listed = quick_counter.get("/v1/shops", vendor=None).body["shops"]
    assert vendor_id in [shop["vendor_id"] for shop in listed]


def test_planting_again_changes_nothing(counter: Counter, tmp_path: Path) -> None:
    settings = settings_of(counter, tmp_path)
    first = plant(settings, counter.clock, [STALL])
    before = [
        counter.rows(vendors, counter.platform),
        counter.rows(catalog_items, counter.platform),
        counter.rows(stock),
    ]
    counter.clock.advance(timedelta(days=1))
    assert plant(settings, counter.clock, [STALL]) == first
    after = [
        counter.rows(vendors, counter.platform),
        counter.rows(catalog_items, counter.platform),
        counter.rows(stock),
    ]
    assert after == before


def test_a_word_that_is_taken_keeps_its_shop_as_it_is(quick_counter: Counter, tmp_path: Path) -> None:
    taken = Stall("mama", "Another", "KES", "Africa/Nairobi", "en", STALL.items)
    assert plant(settings_of(quick_counter, tmp_path), quick_counter.clock, [taken]) == [(MAMA, "mama")]
    assert quick_counter.rows(stock) == []
    assert [row["name"] for row in quick_counter.rows(vendors, quick_counter.platform)] == ["Mama Njeri"]


def test_what_was_cut_off_between_the_databases_is_completed(quick_counter: Counter, tmp_path: Path) -> None:
    settings = settings_of(quick_counter, tmp_path)
    plant(settings, quick_counter.clock, [STALL])
    with quick_counter.ops.write() as tx:
        tx.execute(stock.delete())
    plant(settings, quick_counter.clock, [STALL])
    assert sorted(row["on_hand"] for row in quick_counter.rows(stock)) == [0, 7]


def test_production_plants_nothing(quick_counter: Counter, tmp_path: Path) -> None:
    settings = settings_of(quick_counter, tmp_path, **PRODUCTION)
    with pytest.raises(SettingsError, match="local mode"):
        plant(settings, quick_counter.clock, [STALL])
    assert len(quick_counter.rows(vendors, quick_counter.platform)) == 1


@pytest.mark.parametrize(("is_superuser", "status"), [(False, 200), (True, 503)], ids=["application", "superuser"])
def test_production_serves_only_as_a_role_that_row_security_binds(
    postgres: Server, clock: FixedClock, tmp_path: Path, is_superuser: bool, status: int
) -> None:
    with ExitStack() as stack:

        def opened(lineage: str) -> Database:
            url = postgres.create(lineage)
            stack.callback(postgres.drop, url)
            database = Database(url if is_superuser else postgres.as_app(url))
            stack.callback(database.close)
            return database

        for counter in make_counter(opened, clock, tmp_path, **PRODUCTION):
            answer = counter.send_unsigned("GET", "/ready", headers={})
            assert answer.status == status
            assert ("row security" in str(answer.body)) is is_superuser
