"""The cart: adding, removing, showing, and what it refuses."""

import pytest

from contracts.router_api import MAX_QUANTITY
from router.orders.models import order_lines, orders
from tests.support.counter import AMINA, BARAKA, MAMA, Counter


def test_a_customer_who_never_came_has_no_cart_and_leaves_no_trace(quick_counter: Counter) -> None:
    assert quick_counter.cart() == {"cart": None, "unpaid": []}
    assert quick_counter.rows(orders) == []


def test_the_first_item_makes_a_draft_and_the_next_joins_it(counter: Counter) -> None:
    counter.put("milk", price=65)
    counter.put("eggs", price=480)
    counter.add("milk", 2)
    cart = counter.add("eggs").body["cart"]
    assert (cart["status"], cart["total_minor"]) == ("DRAFT", 61000)
    assert [(line["line_no"], line["name"], line["quantity"]) for line in cart["lines"]] == [
        (1, "Milk", 2),
        (2, "Eggs", 1),
    ]
    assert len(counter.rows(orders)) == 1


def test_the_same_item_again_adds_to_its_line(counter: Counter) -> None:
    counter.put("milk", price=65)
    counter.add("milk", 2)
    cart = counter.add("milk", 3).body["cart"]
    assert [(line["quantity"], line["total_minor"]) for line in cart["lines"]] == [(5, 32500)]
    assert cart["total_minor"] == 32500


def test_a_line_keeps_the_price_and_the_name_it_was_added_with(quick_counter: Counter) -> None:
    quick_counter.put("milk", price=65)
    quick_counter.add("milk")
    quick_counter.set_item("milk", price_minor=9900, name="Milk, now dearer")
    line = quick_counter.cart()["cart"]["lines"][0]
    assert (line["name"], line["unit_price_minor"]) == ("Milk", 6500)


def test_a_removed_line_is_gone_and_the_others_keep_their_numbers(counter: Counter) -> None:
    for item in ("milk", "eggs", "rice"):
        counter.put(item)
        counter.add(item)
    cart = counter.remove(2).body["cart"]
    assert [line["line_no"] for line in cart["lines"]] == [1, 3]
    assert cart["total_minor"] == 20000
    assert counter.cart()["cart"] == cart


def test_removing_what_is_not_there_is_refused_and_changes_nothing(quick_counter: Counter) -> None:
    assert quick_counter.remove(1).code == "not_in_cart"
    quick_counter.put("milk")
    quick_counter.add("milk")
    answer = quick_counter.remove(7)
    assert (answer.status, answer.code) == (404, "not_in_cart")
    assert len(quick_counter.rows(order_lines)) == 1


@pytest.mark.parametrize("quantity", [0, -1, MAX_QUANTITY + 1, 1000000, 10**30])
def test_a_quantity_outside_1_to_999_is_refused_and_makes_no_draft(quick_counter: Counter, quantity: int) -> None:
    quick_counter.put("milk", on_hand=None)
    answer = quick_counter.add("milk", quantity)
    assert (answer.status, answer.code) == (422, "quantity_invalid")
    assert quick_counter.rows(orders) == []


def test_a_line_that_would_grow_past_the_most_is_refused(quick_counter: Counter) -> None:
    quick_counter.put("milk", on_hand=None)
    assert quick_counter.add("milk", MAX_QUANTITY).status == 200
    assert quick_counter.add("milk", 1).code == "quantity_invalid"
    assert quick_counter.cart()["cart"]["lines"][0]["quantity"] == MAX_QUANTITY


@pytest.mark.parametrize("quantity", ["two", "2", 2.5, None, True])
def test_a_quantity_that_is_no_whole_number_is_refused(quick_counter: Counter, quantity: object) -> None:
    quick_counter.put("milk")
    body = {"customer": {"address": AMINA}, "item_id": "milk", "quantity": quantity}
    answer = quick_counter.post("/v1/cart/lines", body)
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert answer.body["errors"][0]["field"] == "quantity"


@pytest.mark.parametrize("item_id", ["bread", "", "milk ", "a\x00b", "x" * 5000])
def test_an_item_that_the_shop_does_not_sell_is_unknown(counter: Counter, item_id: str) -> None:
    counter.put("milk")
    answer = counter.add(item_id)
    assert (answer.status, answer.code) == (404, "item_unknown")
    assert counter.rows(orders) == []


def test_an_item_of_another_shop_is_unknown_here(quick_counter: Counter) -> None:
    quick_counter.open_shop("vendor-baraka", "Baraka Kitchen")
    quick_counter.put("pilau", vendor="vendor-baraka")
    assert quick_counter.add("pilau").code == "item_unknown"


def test_an_item_that_was_just_added_can_be_bought_at_once(quick_counter: Counter) -> None:
    quick_counter.put("milk")
    quick_counter.add("milk")  # the shop's items are remembered now
    quick_counter.put("eggs")
    assert quick_counter.add("eggs").status == 200


def test_more_than_is_left_is_refused_with_what_is_left(counter: Counter) -> None:
    counter.put("milk", on_hand=3)
    counter.add("milk", 2)
    answer = counter.add("milk", 2)
    assert (answer.status, answer.code) == (409, "item_sold_out")
    assert (answer.body["item"], answer.body["available"]) == ("Milk", 3)
    assert counter.cart()["cart"]["lines"][0]["quantity"] == 2


def test_a_counted_item_without_a_count_is_sold_out(quick_counter: Counter) -> None:
    quick_counter.put("milk", on_hand=None, tracks_stock=True)
    assert quick_counter.add("milk").body["available"] == 0


def test_carts_of_two_customers_do_not_mix(quick_counter: Counter) -> None:
    quick_counter.put("milk")
    quick_counter.add("milk", who=AMINA)
    assert quick_counter.cart(who=BARAKA)["cart"] is None


def test_carts_of_one_customer_at_two_shops_do_not_mix(quick_counter: Counter) -> None:
    quick_counter.open_shop("vendor-baraka", "Baraka Kitchen")
    quick_counter.put("milk")
    quick_counter.add("milk")
    answer = quick_counter.get("/v1/cart", vendor="vendor-baraka", customer=AMINA)
    assert answer.body["cart"] is None
    assert {row["vendor_id"] for row in quick_counter.rows(orders)} == {MAMA}


@pytest.mark.parametrize("address", ["ab", "whatsapp:+254 708", "whatsapp:\x00", "x" * 181, "whatsapp:+25470é"])
def test_an_address_that_no_channel_writes_is_refused(counter: Counter, address: str) -> None:
    counter.put("milk")
    answer = counter.add("milk", who=address)
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert counter.rows(orders) == []


def test_a_name_is_kept_as_one_plain_line(quick_counter: Counter) -> None:
    from router.customers.models import customers

    quick_counter.put("milk")
    body = {"customer": {"address": AMINA, "name": "  Amina\n\u202eKe\x07nya  "}, "item_id": "milk"}
    quick_counter.post("/v1/cart/lines", body)
    assert [row["name"] for row in quick_counter.rows(customers)] == ["Amina Kenya"]
