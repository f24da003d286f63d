"""What a chat asks of a shop is no more work for the database when the shop has ten times as many items."""

import sqlite3
from collections.abc import Callable
from typing import cast

import pytest

from contracts.ids import VendorId
from contracts.money import Currency
from kit.paging import Place
from router.catalog.indexing import index_waiting
from router.catalog.models import catalog_items
from router.catalog.service import Catalogue
from tests.support.counter import Counter

SIZES = (100, 1_000)
_THINGS = ("milk", "bread", "soap", "rice", "salt", "sugar", "tea", "eggs", "oil", "flour")

Ask = Callable[[Catalogue, VendorId], object]


def search(query: str) -> Ask:
    return lambda shelves, shop: shelves.page(shop, Currency.KES, query=query, category_id=None, after=0, limit=9)


def page_after(place: int) -> Ask:
    end = Place(place, f"i{place}")
    return lambda shelves, shop: shelves.page(shop, Currency.KES, query="", category_id=None, after=end, limit=9)


@pytest.fixture
def shops(quick_counter: Counter) -> dict[int, VendorId]:
    made: dict[int, VendorId] = {}
    for size in SIZES:
        shop = made[size] = quick_counter.open_shop(f"shop-{size}", str(size))
        rows = [
            {
                "vendor_id": shop,
                "id": f"i{n}",
                "sku": f"S{n}",
                "name": f"{_THINGS[n % 10]} number {n}",
                "price_minor": 100,
                "position": n,
            }
            for n in range(size)
        ]
        with quick_counter.platform.write() as tx:
            tx.execute(catalog_items.insert(), rows)
        index_waiting(quick_counter.platform, shop)
    return made


def last_page(shelves: Catalogue, shop: VendorId) -> object:
    return page_after(int(shop.partition("-")[2]) - 10)(shelves, shop)


def all_shelves(shelves: Catalogue, shop: VendorId) -> object:
    return shelves.categories(shop, Currency.KES)


def one_item(shelves: Catalogue, shop: VendorId) -> object:
    return shelves.find(shop, Currency.KES, "i42")


QUESTIONS: dict[str, Ask] = {
    "the first page": search(""),
    "the last page": last_page,
    "the shelves": all_shelves,
    "an item": one_item,
    "a word": search("milk"),
    "two words": search("number milk"),
    "a misspelling": search("milkk"),
    "a word and one that nothing has": search("milk bicycle"),
    "what nothing has": search("bicycle"),
}


def test_a_question_takes_as_many_steps_with_a_thousand_items_as_with_a_hundred(
    quick_counter: Counter, shops: dict[int, VendorId]
) -> None:
    counted = 0

    def step() -> int:
        nonlocal counted
        counted += 1
        return 0

    def steps(ask: Ask, shop: VendorId) -> int:
        """Instructions of SQLite's own machine, by tens: the same on every computer, however busy."""
        before = counted
        ask(Catalogue(quick_counter.platform), shop)
        return counted - before

    with quick_counter.platform.read() as tx:
        raw = cast(sqlite3.Connection, tx.conn.connection.driver_connection)
    raw.set_progress_handler(step, 10)
    taken = {name: [steps(ask, shop) for shop in shops.values()] for name, ask in QUESTIONS.items()}
    raw.set_progress_handler(None, 0)
    # What tells a word that is rare from one that is not reads up to a hundred rows.
    grown = {name: (few, many) for name, (few, many) in taken.items() if many > 1.3 * few + 150}
    assert not grown
    assert counted > 0
