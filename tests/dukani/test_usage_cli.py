"""`dukani usage` shows what every shop used without opening their databases, and puts totals right when told to."""

import json
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from contracts.ids import VendorId
from dukani.prepare import CannotStart
from dukani.usage_cli import usage
from kit.clock import FixedClock
from kit.db import Database
from kit.settings import load_settings
from router.metering.models import usage_totals
from router.metering.rollup import Rollup
from router.metering.rules import window_at
from router.metering.service import Calendar, Metered, Thing, count_all
from tests.support.counter import MAMA, Counter, make_counter
from tests.support.usage import NOVEMBER, Usage

NAIROBI = Calendar("Africa/Nairobi")
BARAKA = VendorId("vendor-baraka")


@pytest.fixture
def shops(
    sqlite_database: Callable[[str], Database], clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[Usage]:
    for counter in make_counter(sqlite_database, clock, tmp_path):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("DUKANI_DATA_DIR", str(tmp_path / "var"))
        monkeypatch.setenv("PLATFORM_DATABASE_URL", counter.platform.engine.url.render_as_string())
        monkeypatch.setenv("OPS_DATABASE_URL", counter.db.engine.url.render_as_string())
        counter.open_shop(BARAKA, "Baraka Kitchen")
        yield Usage(counter, Rollup(counter.databases, clock))


def use(counter: Counter, vendor: VendorId, meter: Metered, *subjects: str) -> None:
    with counter.of(vendor).write() as tx:
        count_all(tx, meter, vendor, NAIROBI, [Thing(subject, counter.clock.now()) for subject in subjects])


def run(*arguments: str) -> Result:
    return CliRunner().invoke(usage, list(arguments))


def test_every_shop_that_used_something_is_listed(shops: Usage) -> None:
    use(shops.counter, MAMA, Metered.ORDERS, "a", "b")
    use(shops.counter, MAMA, Metered.MESSAGES, "SM1")
    shops.sweep()
    ran = run("--window", NOVEMBER)
    assert ran.exit_code == 0, ran.output
    (line,) = [line for line in ran.output.splitlines() if MAMA in line]
    assert line.split()[2:] == [MAMA, NOVEMBER, "2", "0", "0", "1", "2026-11-20", "09:00", "UTC"]
    assert BARAKA not in ran.output


def test_one_shop_is_shown_though_it_used_nothing(shops: Usage) -> None:
    ran = run("--vendor", "baraka", "--window", NOVEMBER, "--json")
    assert json.loads(ran.output) == {
        "shops": [
            {
                "vendor_id": BARAKA,
                "name": "Baraka Kitchen",
                "window": NOVEMBER,
                "totals": {"orders": 0, "payment_intents": 0, "api_calls": 0, "messages": 0},
                "as_of": None,
            }
        ]
    }


def test_without_a_window_each_shop_s_present_one_is_shown(shops: Usage) -> None:
    now = load_settings().clock().now()
    with shops.counter.of(MAMA).write() as tx:
        count_all(tx, Metered.ORDERS, MAMA, NAIROBI, [Thing("now", now)])
    shops.sweep()
    (shop,) = json.loads(run("--json").output)["shops"]
    assert (shop["window"], shop["totals"]["orders"]) == (window_at(now, NAIROBI).id, 1)


def test_nothing_counted_is_said(shops: Usage) -> None:
    assert shops
    assert run("--window", "2031-01").output == "Nothing was counted in this window yet.\n"


def test_what_is_no_window_or_no_shop_is_refused(shops: Usage) -> None:
    assert shops
    window, shop = run("--window", "november"), run("--vendor", "nobody")
    assert (window.exit_code, "write a window like 2026-11" in window.output) == (2, True)
    assert (shop.exit_code, "no shop" in shop.output) == (1, True)


def test_a_rebuild_says_what_it_put_right_and_shows_it(shops: Usage) -> None:
    use(shops.counter, MAMA, Metered.ORDERS, "a", "b")
    shops.sweep()
    with shops.counter.ops.write() as tx:
        tx.execute(update(usage_totals).values(quantity=70, revision=5, mirrored=5))
    ran = run("--rebuild", "--vendor", MAMA, "--window", NOVEMBER)
    assert ran.exit_code == 0, ran.output
    assert f"{MAMA} {NOVEMBER} orders: was 70, is 2" in ran.output
    assert "1 shop rebuilt." in ran.output
    assert shops.copied() == {(NOVEMBER, "orders"): 2}
    assert "2 shops rebuilt." in run("--rebuild", "--window", NOVEMBER).output


def test_a_shop_that_can_not_be_rebuilt_is_named_after_the_others(shops: Usage) -> None:
    use(shops.counter, MAMA, Metered.ORDERS, "a")
    shops.counter.open_shop("vendor-own", "Own House", isolation_level="dedicated_db", db_target={"type": "nothing"})
    ran = run("--rebuild", "--window", NOVEMBER)
    assert isinstance(ran.exception, CannotStart)
    assert "vendor-own: " in str(ran.exception)
