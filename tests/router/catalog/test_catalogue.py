"""What a shop sells: in its order, by search, with what is left, in whole shillings."""

from time import monotonic, perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from contracts.ids import ItemId
from contracts.money import Currency, Money
from router.catalog.rules import Item, PriceNotWhole, Shelf
from router.catalog.service import CACHE_S
from tests.support.counter import MAMA, Counter

NAMES = (
    "Sukuma wiki",
    "Tomatoes",
    "Red onions",
    "Potatoes",
    "Sweet potatoes",
    "Sugar, brown 1 kg",
    "Maize flour 2 kg",
    "Pishori rice",
    "Fresh milk 500 ml",
    "Milk powder",
    "Eggs, tray of 30",
)


def item(name: str, sku: str = "", price_minor: int = 100) -> Item:
    return Item(ItemId(name), sku or name.upper()[:6], name, "", "", Money(price_minor, Currency.KES), is_counted=False)


SHELF = Shelf.of([item(name) for name in NAMES])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tomatoes", ["Tomatoes"]),
        ("TOMATO", ["Tomatoes"]),
        ("tomatos", ["Tomatoes"]),
        ("potatoes", ["Potatoes", "Sweet potatoes"]),
        ("suger", ["Sugar, brown 1 kg"]),
        ("brown sugar", ["Sugar, brown 1 kg"]),
        ("milk", ["Milk powder", "Fresh milk 500 ml"]),
        ("egs", ["Eggs, tray of 30"]),
        ("rice pishori", ["Pishori rice"]),
        ("  RED   onions ", ["Red onions"]),
        ("bicycle", []),
        ("%", []),
        ("\x00", []),
    ],
)
def test_a_search_finds_what_was_meant_best_match_first(query: str, found: list[str]) -> None:
    assert [each.name for each in SHELF.search(query)] == found


def test_an_exact_sku_comes_before_everything_else() -> None:
    shelf = Shelf.of([item("Milk", sku="A-1"), item("A-2 battery", sku="B-1"), item("Torch", sku="a-2")])
    assert [each.name for each in shelf.search("A-2")] == ["Torch", "A-2 battery"]


def test_an_empty_search_is_everything_in_the_shop_s_order() -> None:
    assert [each.name for each in SHELF.search(" ")] == list(NAMES)


@given(st.text(max_size=150))
def test_any_text_can_be_searched_for_and_nothing_is_found_twice(query: str) -> None:
    found = [each.id for each in SHELF.search(query)]
    assert len(found) == len(set(found))


@given(st.sampled_from(NAMES), st.data())
def test_every_part_of_a_name_finds_its_item(name: str, data: st.DataObject) -> None:
    words = name.replace(",", "").split()
    part = data.draw(st.sampled_from(words))
    assert name in [each.name for each in SHELF.search(part)]


@pytest.mark.parametrize("price_minor", [1, 50, 99, 101, 12345])
def test_a_price_in_shillings_has_no_cents(price_minor: int) -> None:
    with pytest.raises(PriceNotWhole):
        item("Milk", price_minor=price_minor)


@pytest.mark.parametrize("price_minor", [0, -100])
def test_a_price_is_positive(price_minor: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        item("Milk", price_minor=price_minor)


@pytest.mark.parametrize(
    "columns", [{"price_minor": 150}, {"price_minor": 0}, {"price_minor": -100}, {"currency": "X"}]
)
def test_the_table_refuses_such_prices_too(counter: Counter, columns: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        counter.put("milk", **columns)


def test_pages_follow_each_other_without_a_gap(counter: Counter) -> None:
    for number in range(1, 8):
        counter.put(f"item{number}", position=number, on_hand=number)
    seen: list[tuple[str, int]] = []
    after = None
    while True:
        page = counter.get("/v1/catalog/items", limit="3", **({"after": after} if after else {})).body
        assert page["total"] == 7
        seen += [(each["item_id"], each["available"]) for each in page["items"]]
        after = page["next_after"]
        if after is None:
            break
    assert seen == [(f"item{number}", number) for number in range(1, 8)]


def test_what_is_held_is_not_available(quick_counter: Counter) -> None:
    quick_counter.put("milk", on_hand=5)
    quick_counter.confirmed("milk", 2)
    assert quick_counter.get("/v1/catalog/items").body["items"][0]["available"] == 3


def test_what_is_not_counted_has_no_number(quick_counter: Counter) -> None:
    quick_counter.put("delivery", on_hand=None)
    assert quick_counter.get("/v1/catalog/items").body["items"][0]["available"] is None


def test_a_shop_shows_its_own_active_items_in_its_own_currency(quick_counter: Counter) -> None:
    quick_counter.open_shop("vendor-baraka", "Baraka Kitchen")
    quick_counter.put("milk")
    quick_counter.put("old", active=False)
    quick_counter.put("foreign", currency="AOA")
    quick_counter.put("pilau", vendor="vendor-baraka")
    assert [each["item_id"] for each in quick_counter.get("/v1/catalog/items").body["items"]] == ["milk"]


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "51"}, {"limit": "x"}, {"after": "-1"}, {"after": "x"}, {"query": "x" * 101}]
)
def test_a_question_that_makes_no_sense_is_refused(quick_counter: Counter, query: dict[str, str]) -> None:
    answer = quick_counter.get("/v1/catalog/items", **query)
    assert (answer.status, answer.code) == (422, "invalid_request")


def test_a_page_past_the_end_is_empty(quick_counter: Counter) -> None:
    quick_counter.put("milk")
    page = quick_counter.get("/v1/catalog/items", after="500").body
    assert (page["items"], page["next_after"], page["total"]) == ([], None, 1)


def test_a_changed_price_shows_within_five_seconds(quick_counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    quick_counter.put("milk", price=65)
    assert quick_counter.get("/v1/catalog/items").body["items"][0]["price_minor"] == 6500
    quick_counter.set_item("milk", price_minor=7000)
    monkeypatch.setattr("router.catalog.service.monotonic", lambda: monotonic() + CACHE_S)
    assert quick_counter.get("/v1/catalog/items").body["items"][0]["price_minor"] == 7000


def test_ten_thousand_items_are_read_once_for_many_searches(quick_counter: Counter) -> None:
    from router.catalog.models import catalog_items

    rows = [
        {"vendor_id": MAMA, "id": f"i{n}", "sku": f"S{n}", "name": f"Thing number {n}", "price_minor": 100}
        for n in range(10_000)
    ]
    with quick_counter.platform.write() as tx:
        tx.execute(catalog_items.insert(), rows)
    statements: list[str] = []

    def count(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    from sqlalchemy import Engine

    event.listen(Engine, "before_cursor_execute", count)
    try:
        assert quick_counter.get("/v1/catalog/items", query="number 9999").body["total"] == 1
        started = perf_counter()
        for query in ("S77", "thing number 123", "thnig numbr 5", ""):
            assert quick_counter.get("/v1/catalog/items", query=query).body["total"] > 0
        took_s = perf_counter() - started
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    assert sum("FROM catalog_items" in statement for statement in statements) == 1
    assert took_s < 5
