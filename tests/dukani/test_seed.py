"""The demo shops are believable, and planting them twice plants them once."""

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from dukani.prepare import LINEAGES, migrate_all
from dukani.seed import SHOPS, Item, Shop, seed
from kit.db import Database
from kit.settings import Settings, load_settings

ITEMS = [(shop, item) for shop in SHOPS for item in shop.items]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings({"DUKANI_DATA_DIR": str(tmp_path)}, dotenv=None)
    migrate_all(made, LINEAGES, lambda line: None)
    return made


def count(url: str, table: str) -> int:
    database = Database(url)
    try:
        with database.read() as tx:
            return tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608 - names from below
    finally:
        database.close()


def test_the_first_shop_is_the_one_that_a_newcomer_is_told_of() -> None:
    assert (SHOPS[0].word, SHOPS[0].name, SHOPS[0].currency) == ("mama", "Mama Njeri's Groceries", "KES")


@pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.word)
def test_a_shop_has_something_to_choose_from_and_one_thing_that_is_sold_out(shop: Shop) -> None:
    assert re.fullmatch(r"[a-z]{3,12}", shop.word)
    assert 8 <= len(shop.items) <= 15
    assert [item.stock for item in shop.items].count(0) == 1
    assert len({item.name for item in shop.items}) == len(shop.items)


def test_words_and_skus_name_one_thing_each() -> None:
    assert len({shop.word for shop in SHOPS}) == len(SHOPS) == 4
    assert len({item.sku for _, item in ITEMS}) == len(ITEMS)


def test_one_shop_sells_in_kwanzas_and_not_all_its_prices_are_whole() -> None:
    (shop,) = [shop for shop in SHOPS if shop.currency == "AOA"]
    assert shop.timezone == "Africa/Luanda"
    assert len(shop.rails) == 3
    assert {item.price_cents == 0 for item in shop.items} == {True, False}


@pytest.mark.parametrize(("shop", "item"), ITEMS, ids=lambda value: getattr(value, "sku", ""))
def test_an_item_has_a_price_that_can_be_collected_and_fits_into_a_chat(shop: Shop, item: Item) -> None:
    assert type(item.price_whole) is int
    assert 1 <= item.price_whole <= 10_000
    assert 0 <= item.price_cents < 100
    assert item.price_cents == 0 or shop.currency != "KES", "M-Pesa collects whole shillings"
    assert item.stock >= 0
    assert 3 <= len(item.name) <= 24
    assert 10 <= len(item.description) <= 72
    assert item.unit
    assert shop.items.count(item) == 1


def test_planting_twice_plants_once(settings: Settings) -> None:
    first: list[str] = []
    second: list[str] = []
    seed(settings, first.append)
    planted = {
        "vendors": count(settings.platform_database_url, "vendors"),
        "catalog_items": count(settings.platform_database_url, "catalog_items"),
    }
    seed(settings, second.append)
    assert planted == {"vendors": len(SHOPS), "catalog_items": len(ITEMS)}
    assert count(settings.platform_database_url, "vendors") == planted["vendors"]
    assert count(settings.platform_database_url, "catalog_items") == planted["catalog_items"]
    assert first == second
    assert [line.split()[1].rstrip(":") for line in first] == [shop.word for shop in SHOPS]


def test_every_shop_can_be_paid_in_every_way_that_it_has_from_the_first_moment(settings: Settings) -> None:
    seed(settings, lambda line: None)
    platform = Database(settings.platform_database_url)
    with platform.read() as tx:
        rows = tx.execute(
            text("SELECT word, rail, is_ready FROM vendor_rails JOIN vendors ON vendors.id = vendor_id")
        ).all()
    platform.close()
    ready = {(row.word, row.rail) for row in rows if row.is_ready}
    assert ready == {(shop.word, rail) for shop in SHOPS for rail in shop.rails}
    assert count(settings.payments_database_url, "outbox") == len(SHOPS)  # the router hears it from the adapter, too


def test_no_secret_is_written_in_clear(tmp_path: Path) -> None:
    names = ("DARAJA_CONSUMER_KEY", "DARAJA_CONSUMER_SECRET", "DARAJA_PASSKEY")
    values = {name: f"look-for-{name}" for name in names}
    settings = load_settings({"DUKANI_DATA_DIR": str(tmp_path), **values}, dotenv=None)
    migrate_all(settings, LINEAGES, lambda line: None)
    seed(settings, lambda line: None)
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert [secret for secret in values.values() if any(secret.encode() in content for content in written)] == []
