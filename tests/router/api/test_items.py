"""A shop's own software reads the catalogue, with what is left of each thing."""

import pytest

from tests.support.counter import Counter
from tests.support.vendor_api import counted_reads, vendor_api

PATH = "/api/v1/items"


def test_an_item_shows_how_many_are_there_held_and_to_be_had(counter: Counter) -> None:
    counter.put("milk", on_hand=10, price=65)
    counter.put("honey", on_hand=None, position=1)
    counter.confirmed("milk", 3)
    milk, honey = vendor_api(counter).get(PATH).body["items"]
    assert (milk["sku"], milk["price_minor"], milk["currency"]) == ("MILK", 6500, "KES")
    assert (milk["on_hand"], milk["reserved"], milk["available"]) == (10, 3, 7)
    assert (honey["on_hand"], honey["reserved"], honey["available"]) == (None, None, None)


def test_what_customers_do_not_see_its_shop_sees(counter: Counter) -> None:
    counter.put("milk", on_hand=None)
    counter.put("honey", on_hand=None, active=False)
    api = vendor_api(counter)
    assert {item["item_id"]: item["active"] for item in api.get(PATH).body["items"]} == {"milk": True, "honey": False}
    assert [item["item_id"] for item in api.get(PATH, active="false").body["items"]] == ["honey"]
    assert [item["item_id"] for item in api.get(PATH, active="true").body["items"]] == ["milk"]
    assert [item["item_id"] for item in api.get(PATH, sku="HONEY").body["items"]] == ["honey"]
    assert api.get(PATH, sku="honey").body["items"] == []


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_follow_the_shop_s_order_even_where_places_are_shared(counter: Counter, limit: int) -> None:
    for name, position in (("e", 2), ("a", 1), ("d", 2), ("b", -1), ("c", 1)):
        counter.put(name, on_hand=None, position=position)
    listed = vendor_api(counter).all(PATH, "items", limit=limit)
    assert [item["item_id"] for item in listed] == ["b", "a", "c", "d", "e"]


@pytest.mark.parametrize(
    ("name", "value"), [("cursor", "x"), ("sku", "\x00"), ("sku", ""), ("active", "maybe"), ("limit", "101")]
)
def test_a_question_that_can_not_be_understood_is_refused_by_field(
    quick_counter: Counter, name: str, value: str
) -> None:
    answer = vendor_api(quick_counter).get(PATH, **{name: value})
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert [error["field"] for error in answer.body["errors"]] == [name]


def test_another_shop_s_items_are_not_shown(quick_counter: Counter) -> None:
    other = quick_counter.open_shop("vendor-baraka", "Baraka Kitchen")
    quick_counter.put("milk")
    assert vendor_api(quick_counter, vendor=other).get(PATH).body["items"] == []


def test_the_catalogue_is_read_in_two_statements(counter: Counter) -> None:
    for number in range(12):
        counter.put(f"item{number}")
    api = vendor_api(counter)
    assert api.get(PATH).status == 200
    with counted_reads() as reads:
        assert len(api.get(PATH).body["items"]) == 12
    assert len(reads) == 2
