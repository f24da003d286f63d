"""What a shop's row says of its database and its time zone: followed within seconds, and one shop's affair alone."""

from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import text, update

from contracts.ids import VendorId
from contracts.money import Currency
from router.targets import Dedicated, Shared, Unusable
from router.vendors.models import vendors
from router.vendors.rules import is_zone, zone_for
from router.vendors.service import CACHE_S
from tests.support.counter import AMINA, MAMA, Counter

OWN = VendorId("vendor-own")
TARGET = {"type": "postgres", "host": "db.internal", "database": "own", "user": "own"}


def at(counter: Counter, vendor_id: str = OWN) -> object:
    return counter.directory.location(VendorId(vendor_id))


def test_a_row_says_where_its_shop_lives(counter: Counter) -> None:
    counter.open_shop(OWN, "Own", isolation_level="dedicated_db", db_target=TARGET)
    location = at(counter)
    assert isinstance(location, Dedicated)
    assert location.target.stored() == TARGET
    assert at(counter, MAMA) == Shared()
    assert [vendor_id for vendor_id, _ in counter.directory.dedicated()] == [OWN]


def test_a_row_written_by_hand_is_followed(counter: Counter) -> None:
    with counter.platform.write() as tx:
        tx.execute(
            text(
                "INSERT INTO vendors (id, name, isolation_level, db_target) VALUES "
                """('vendor-own', 'Own', 'dedicated_db', '{"type": "postgres", "host": "db.internal", """
                """"port": 6432, "database": "own", "user": "own"}')"""
            )
        )
    location = at(counter)
    assert isinstance(location, Dedicated)
    assert location.target.port == 6432


def test_a_target_that_changed_is_followed_after_five_seconds(
    quick_counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick_counter.open_shop(OWN, "Own", isolation_level="dedicated_db", db_target=TARGET)
    before = at(quick_counter)
    with quick_counter.platform.write() as tx:
        tx.execute(update(vendors).where(vendors.c.id == OWN).values(isolation_level="shared_db"))
    assert at(quick_counter) == before
    assert quick_counter.directory.location(OWN, anew=True) == Shared()
    assert at(quick_counter) == Shared()
    with quick_counter.platform.write() as tx:
        tx.execute(update(vendors).where(vendors.c.id == OWN).values(isolation_level="dedicated_db"))
    monkeypatch.setattr("router.vendors.service.monotonic", lambda: monotonic() + CACHE_S)
    assert at(quick_counter) == before


@pytest.mark.parametrize(
    "target", [None, {}, {"type": "oracle"}, {**TARGET, "host": "a,b"}, [], "postgres", {**TARGET, "password": "x"}]
)
def test_a_broken_target_is_one_shop_s_503_and_nobody_else_s(counter: Counter, target: object) -> None:
    counter.open_shop(OWN, "Own", isolation_level="dedicated_db", db_target=target)
    assert isinstance(at(counter), Unusable)
    answer = counter.get("/v1/cart", vendor=OWN, customer=AMINA)
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "unavailable", "30")
    assert counter.get("/v1/cart", customer=AMINA).status == 200
    assert counter.directory.dedicated() == []
    listed = [shop["vendor_id"] for shop in counter.get("/v1/shops", vendor=None).body["shops"]]
    assert listed == [MAMA]


def test_a_target_that_is_no_json_breaks_no_list(quick_counter: Counter) -> None:
    """Only SQLite stores it; PostgreSQL refuses it when it is written."""
    with quick_counter.platform.write() as tx:
        tx.execute(
            text(
                "INSERT INTO vendors (id, name, isolation_level, db_target) "
                "VALUES ('vendor-own', 'Own', 'dedicated_db', '{\"type\": ')"
            )
        )
    assert isinstance(at(quick_counter), Unusable)
    assert quick_counter.get("/v1/shops", vendor=None).status == 200
    assert len(quick_counter.directory.summaries()) == 2


def test_a_shop_with_a_database_of_its_own_is_listed_too(counter: Counter) -> None:
    counter.open_shop(OWN, "Own", isolation_level="dedicated_db", db_target=TARGET)
    listed = [shop["vendor_id"] for shop in counter.get("/v1/shops", vendor=None).body["shops"]]
    assert sorted(listed) == [MAMA, OWN]


@pytest.mark.parametrize("timezone", ["Mars/Olympus", "", "../../etc/passwd", "Africa", "EAT+3", "Africa/Nairobi\x01"])
def test_a_made_up_time_zone_is_one_shop_s_503_that_says_what_is_wrong(counter: Counter, timezone: str) -> None:
    counter.open_shop("vendor-odd", "Odd", timezone=timezone)
    answer = counter.get("/v1/cart", vendor="vendor-odd", customer=AMINA)
    assert (answer.status, answer.code) == (503, "unavailable")
    assert "timezone" in answer.body["detail"]
    assert "Africa/Nairobi" in answer.body["detail"]
    assert counter.get("/v1/cart", customer=AMINA).status == 200
    listed = [shop["vendor_id"] for shop in counter.get("/v1/shops", vendor=None).body["shops"]]
    assert listed == [MAMA]


def test_money_for_a_shop_with_a_made_up_time_zone_is_still_recorded(counter: Counter) -> None:
    counter.put("milk")
    counter.confirmed("milk")
    started = counter.started()
    with counter.platform.write() as tx:
        tx.execute(update(vendors).where(vendors.c.id == MAMA).values(timezone="Mars/Olympus"))
    counter.directory.location(MAMA, anew=True)
    assert counter.hear(started).note == "paid"


def test_a_corrected_time_zone_counts_at_once(counter: Counter) -> None:
    counter.open_shop("vendor-odd", "Odd", timezone="Mars/Olympus")
    assert counter.get("/v1/cart", vendor="vendor-odd", customer=AMINA).status == 503
    with counter.platform.write() as tx:
        tx.execute(update(vendors).where(vendors.c.id == "vendor-odd").values(timezone="Africa/Luanda"))
    assert counter.get("/v1/cart", vendor="vendor-odd", customer=AMINA).status == 200


@pytest.mark.parametrize("currency", Currency)
def test_there_is_always_a_zone_to_count_days_in(currency: Currency) -> None:
    zone, trouble = zone_for("Mars/Olympus", currency)
    assert is_zone(zone)
    assert trouble is not None
    assert zone_for("Africa/Nairobi", currency) == ("Africa/Nairobi", None)


def test_no_file_outside_the_zones_is_opened(tmp_path: Path) -> None:
    assert not is_zone(str(tmp_path))
    assert not is_zone("/etc/localtime")
