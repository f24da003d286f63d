"""What a shop sells: in its order, by search, with what is left, in whole shillings."""

from time import monotonic
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import IntegrityError

from contracts.ids import ItemId, VendorId
from contracts.money import Currency, Money
from kit.db import Tx
from kit.paging import Place, written
from router.catalog.models import catalog_categories, catalog_items
from router.catalog.rules import Item, PriceNotWhole
from router.catalog.service import CACHE_S, Catalogue
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


def names_found(counter: Counter, query: str, **more: str) -> list[str]:
    answer = counter.get("/v1/catalog/items", query=query, **more)
    assert answer.status == 200, answer
    return [each["name"] for each in answer.body["items"]]


@pytest.fixture
def stocked(counter: Counter) -> Counter:
    """Mama's shelf with these names, as somebody would write them in SQL."""
    for position, name in enumerate(NAMES, 1):
        counter.put(f"i{position}", name=name, position=position, on_hand=None)
    counter.set_item("i9", keywords="maziwa, leite")
    counter.set_item("i2", keywords="nyanya")
    return counter


def test_a_search_finds_what_was_meant_best_match_first(stocked: Counter) -> None:
    for query, found in (
        ("tomatoes", ["Tomatoes"]),
        ("TOMATO", ["Tomatoes"]),
        ("tomatos", ["Tomatoes"]),
        ("tomattoess", ["Tomatoes"]),
        ("Tomàtoes", ["Tomatoes"]),
        ("potatoes", ["Potatoes", "Sweet potatoes"]),
        ("suger", ["Sugar, brown 1 kg"]),
        ("brown sugar", ["Sugar, brown 1 kg"]),
        ("milk", ["Milk powder", "Fresh milk 500 ml"]),
        ("maziwa", ["Fresh milk 500 ml"]),
        ("LEITE", ["Fresh milk 500 ml"]),
        ("maziw", ["Fresh milk 500 ml"]),
        ("nyanyaa", ["Tomatoes"]),
        ("egs", ["Eggs, tray of 30"]),
        ("rice pishori", ["Pishori rice"]),
        ("please rice", ["Pishori rice"]),
        ("milk eggs", ["Milk powder", "Fresh milk 500 ml", "Eggs, tray of 30"]),
        ("  RED   onions ", ["Red onions"]),
        ("bicycle", []),
        ("%", []),
    ):
        assert names_found(stocked, query) == found, query


def test_what_is_renamed_in_sql_is_found_by_its_new_name(stocked: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    assert names_found(stocked, "wiki") == ["Sukuma wiki"]
    stocked.set_item("i1", name="Kale")
    monkeypatch.setattr("router.catalog.service.monotonic", lambda: monotonic() + CACHE_S)
    assert (names_found(stocked, "kale"), names_found(stocked, "wiki")) == (["Kale"], [])


def test_an_exact_sku_comes_before_everything_else(counter: Counter) -> None:
    for name, sku in (("Milk", "A-1"), ("A-2 battery", "B-1"), ("Torch", "a-2")):
        counter.put(name, name=name, sku=sku, on_hand=None)
    assert names_found(counter, "A-2") == ["Torch", "A-2 battery"]


def test_an_empty_search_is_everything_in_the_shop_s_order(stocked: Counter) -> None:
    assert names_found(stocked, " ", limit="50") == list(NAMES)


def test_any_text_can_be_searched_for_and_nothing_is_found_twice(stocked: Counter) -> None:
    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=100))
    def search(query: str) -> None:
        found = names_found(stocked, query)
        assert len(found) == len(set(found))

    search()


def test_every_part_of_a_name_finds_its_item(stocked: Counter) -> None:
    for name in NAMES:
        for part in name.replace(",", "").split():
            assert name in names_found(stocked, part)


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


def test_several_names_are_looked_up_at_once_each_as_a_search_of_its_own(stocked: Counter) -> None:
    answer = stocked.get("/v1/catalog/lookup", queries="tomatos\n\nbicycle\n maziwa ", limit="1")
    assert answer.status == 200, answer
    assert [[each["name"] for each in page] for page in answer.body["found"]] == [
        ["Tomatoes"],
        [],
        [],
        ["Fresh milk 500 ml"],
    ]


@pytest.mark.parametrize("query", [{}, {"queries": ""}, {"queries": "a\n" * 40}, {"queries": "milk", "limit": "21"}])
def test_a_look_for_nothing_or_for_too_much_is_refused(quick_counter: Counter, query: dict[str, str]) -> None:
    answer = quick_counter.get("/v1/catalog/lookup", **query)
    assert (answer.status, answer.code) == (422, "invalid_request")


def test_what_is_looked_up_says_how_many_are_left(quick_counter: Counter) -> None:
    quick_counter.put("milk", name="Milk", on_hand=5)
    quick_counter.confirmed("milk", 2)
    found = quick_counter.get("/v1/catalog/lookup", queries="milk").body["found"]
    assert [each["available"] for each in found[0]] == [3]


def test_a_page_past_the_end_is_empty(quick_counter: Counter) -> None:
    quick_counter.put("milk")
    quick_counter.put("soap", position=2)
    after = quick_counter.get("/v1/catalog/items", limit="1").body["next_after"]
    quick_counter.set_item("soap", active=False)
    page = quick_counter.get("/v1/catalog/items", after=after).body
    assert (page["items"], page["next_after"], page["total"]) == ([], None, 1)


def test_what_comes_and_goes_meanwhile_neither_repeats_nor_hides_an_item(quick_counter: Counter) -> None:
    for position in range(1, 5):
        quick_counter.put(f"item{position}", position=position)
    first = quick_counter.get("/v1/catalog/items", limit="2").body
    quick_counter.set_item("item1", active=False)
    quick_counter.put("new", position=0)
    rest = quick_counter.get("/v1/catalog/items", after=first["next_after"]).body["items"]
    assert [each["item_id"] for each in rest] == ["item3", "item4"]


def test_a_search_goes_on_where_its_page_ended(counter: Counter) -> None:
    for number in range(1, 6):
        counter.put(f"item{number}", name=f"Milk {number}", position=number)
    first = counter.get("/v1/catalog/items", query="milk", limit="2").body
    second = counter.get("/v1/catalog/items", query="milk", limit="2", after=first["next_after"]).body
    last = counter.get("/v1/catalog/items", query="milk", limit="2", after=second["next_after"]).body
    found = [[each["item_id"] for each in page["items"]] for page in (first, second, last)]
    assert (found, last["next_after"]) == ([["item1", "item2"], ["item3", "item4"], ["item5"]], None)


@pytest.mark.parametrize("query", [{"query": "milk"}, {"after": "5"}])
def test_a_page_goes_on_only_where_a_page_of_the_same_list_ended(quick_counter: Counter, query: dict[str, str]) -> None:
    for position in range(1, 3):
        quick_counter.put(f"item{position}", position=position)
    after = quick_counter.get("/v1/catalog/items", limit="1").body["next_after"]
    answer = quick_counter.get("/v1/catalog/items", **{"after": after, **query})
    assert (answer.status, answer.code) == (422, "invalid_request")


def test_shelves_are_counted_as_items_change_whoever_changes_them_and_however(counter: Counter) -> None:
    def counted() -> tuple[list[tuple[str, int]], int, int]:
        shelves = Catalogue(counter.platform).categories(VendorId(MAMA), Currency.KES)
        total = Catalogue(counter.platform).page(
            VendorId(MAMA), Currency.KES, query="", category_id=None, after=0, limit=1
        )
        return [(each.id, each.count) for each in shelves[0]], shelves[1], total.total

    with counter.platform.write() as tx:
        for position, name in enumerate(("dairy", "bread")):
            row = {"vendor_id": MAMA, "id": name, "name": name, "position": position}
            tx.execute(catalog_categories.insert(), row)
        put_many(tx, {f"i{n}": "dairy" if n < 4 else None for n in range(6)})
    assert counted() == ([("dairy", 4)], 2, 6)
    with counter.platform.write() as tx:
        tx.execute(text("UPDATE catalog_items SET category_id = 'bread' WHERE id IN ('i0', 'i1', 'i5')"))
    assert counted() == ([("dairy", 2), ("bread", 3)], 1, 6)
    counter.set_item("i0", active=False)
    counter.set_item("i4", currency="AOA")
    counter.set_item("i1", name="Brown bread")
    assert counted() == ([("dairy", 2), ("bread", 2)], 0, 4)
    with pytest.raises(IntegrityError), counter.platform.write() as tx:
        put_many(tx, {"i7": "dairy", "i8": "no shelf"})
    with counter.platform.write() as tx:
        tx.execute(text("DELETE FROM catalog_items WHERE id IN ('i0', 'i2', 'i3')"))
    assert counted() == ([("bread", 2)], 0, 2)


def put_many(tx: Tx, shelves: dict[str, str | None]) -> None:
    rows = [
        {"vendor_id": MAMA, "id": item, "sku": item, "name": item, "price_minor": 100, "category_id": shelf}
        for item, shelf in shelves.items()
    ]
    tx.execute(catalog_items.insert(), rows)


def test_what_is_taken_off_sale_and_put_back_is_found_accordingly(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.put("plain", name="Milk", position=2)
    counter.put("powder", name="Milk powder", position=1)
    assert names_found(counter, "milk") == ["Milk powder", "Milk"]
    counter.set_item("powder", active=False)
    monkeypatch.setattr("router.catalog.service.monotonic", lambda: monotonic() + CACHE_S)
    assert names_found(counter, "milk") == ["Milk"]
    counter.set_item("powder", active=True, position=3)
    monkeypatch.setattr("router.catalog.service.monotonic", lambda: monotonic() + 2 * CACHE_S)
    assert names_found(counter, "milk") == ["Milk", "Milk powder"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("brown kabras sugar", ["Kabras sugar", "Brown sugar", "Brown bread"]),
        ("brown mumias bread", ["Brown bread", "Brown sugar", "Mumias"]),
    ],
)
def test_where_nothing_holds_all_words_what_holds_most_comes_first(
    counter: Counter, query: str, found: list[str]
) -> None:
    for position, name in enumerate(("Brown sugar", "Kabras sugar", "Brown bread", "Mumias"), 1):
        counter.put(f"i{position}", name=name, position=position)
    assert names_found(counter, query) == found


def test_a_changed_price_shows_within_five_seconds(quick_counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    quick_counter.put("milk", price=65)
    assert quick_counter.get("/v1/catalog/items").body["items"][0]["price_minor"] == 6500
    quick_counter.set_item("milk", price_minor=7000)
    monkeypatch.setattr("router.catalog.service.monotonic", lambda: monotonic() + CACHE_S)
    assert quick_counter.get("/v1/catalog/items").body["items"][0]["price_minor"] == 7000


def test_thousands_of_items_are_searched_by_as_many_statements_as_a_few(counter: Counter) -> None:
    rows = [
        {"vendor_id": MAMA, "id": f"i{n}", "sku": f"S{n}", "name": f"Thing number {n}", "price_minor": 100}
        for n in range(3_000)
    ]
    with counter.platform.write() as tx:
        tx.execute(catalog_items.insert(), rows)
    assert counter.get("/v1/catalog/items", query="number 2999").body["total"] == 1
    statements: list[str] = []

    def count(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        for query in ("S77", "thing number 123", "thnig numbr 5", "thing"):
            assert counter.get("/v1/catalog/items", query=query).body["total"] > 0
        deep = written(Place(0, "i2900"))
        page = counter.get("/v1/catalog/items", after=deep).body
        assert (page["total"], page["items"][0]["item_id"]) == (3_000, "i2901")
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    assert len([each for each in statements if "catalog" in each]) <= 4 * 7 + 3
