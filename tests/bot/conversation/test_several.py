"""Several things in one message: the clear ones are added, the others asked about, and none of it is lost."""

from dataclasses import replace

import pytest

from bot.conversation.model import AddItem, FindItems
from contracts.errors import ErrorCode
from tests.support.chat import Chat
from tests.support.fake_router import problem
from tests.support.fake_shops import Stocked

MILK, BREAD, EGGS = "Fresh milk 500 ml", "Brown bread 400 g", "Eggs, tray of 30"


@pytest.mark.parametrize(
    ("text", "cart"),
    [
        ("2 milk, bread and 3 eggs", [(MILK, 2), (BREAD, 1), (EGGS, 3)]),
        ("milk and bread", [(MILK, 1), (BREAD, 1)]),
        ("maziwa mbili na mkate", [(MILK, 2), (BREAD, 1)]),
        ("2 leites e 1 pão", [(MILK, 2), (BREAD, 1)]),
        ("milk x2 bread x1", [(MILK, 2), (BREAD, 1)]),
        ("milk 2 bread 1", [(MILK, 2), (BREAD, 1)]),
        ("two milk one bread", [(MILK, 2), (BREAD, 1)]),
        ("1. milk\n2. bread", [(MILK, 1), (BREAD, 1)]),
        ("- 2 milk\n- 1 bread\n", [(MILK, 2), (BREAD, 1)]),
        ("add milk & 2 7 up", [(MILK, 1), ("7 Up 500 ml", 2)]),
        ("1 sugar 2kg, 2 rice", [("Sugar 2 kg", 1), ("Rice 1 kg", 2)]),
        ("a dozen bananas and milk", [("Bananas", 12), (MILK, 1)]),
        ("1, 3", [(MILK, 1), (EGGS, 1)]),
        ("add 1, 2 x 2 and bananas", [(MILK, 1), (BREAD, 2), ("Bananas", 1)]),
        ("3 kg rice and milk", [("Rice 1 kg", 3), (MILK, 1)]),
    ],
)
def test_all_that_is_clear_is_added_with_one_answer(in_shop: Chat, text: str, cart: list[tuple[str, int]]) -> None:
    answer = in_shop.says(text)
    assert answer.key == "several", answer.text
    assert in_shop.cart() == cart
    assert all(f"{quantity} × {name}" in answer.text for name, quantity in cart)


def test_the_shelves_are_looked_at_once(in_shop: Chat) -> None:
    answer = in_shop.says("2 milk, bread and 3 eggs")
    assert [type(command) for command in answer.commands] == [FindItems, AddItem, AddItem, AddItem]


def test_what_is_unclear_is_asked_about_while_the_rest_is_added(in_shop: Chat) -> None:
    answer = in_shop.says("2 milk, 3 sugar, bred and unobtainium")
    assert in_shop.cart() == [(MILK, 2)]
    assert '"sugar" (3×)?\n1. Sugar 1 kg: KES 160\n2. Sugar 2 kg: KES' in answer.text
    assert 'For "bred", did you mean:\n3. Brown bread' in answer.text
    assert '"unobtainium"' in answer.text
    in_shop.says("2")
    in_shop.says("3")
    assert in_shop.cart() == [(MILK, 2), ("Sugar 2 kg", 3), (BREAD, 1)]


def test_what_was_added_can_be_confirmed_with_a_tap_and_brought(in_shop: Chat) -> None:
    shop = in_shop.state.shop
    assert shop is not None
    in_shop.state = replace(in_shop.state, shop=replace(shop, delivers=True))
    answer = in_shop.says("2 milk and bread")
    titles = [option.title.key for option in in_shop.replies[-1].options]
    assert titles == ["button_confirm", "button_cart", "button_add_more"]
    assert "*DELIVERY*" in answer.text
    assert in_shop.taps(in_shop.replies[-1].options[0].payload).key == "confirmed"


def test_a_question_offers_its_answers_to_tap_with_how_many_were_wanted(in_shop: Chat) -> None:
    in_shop.says("milk and 3 sugar")
    options = in_shop.replies[-1].options
    assert [option.title.params["name"] for option in options] == ["Sugar 1 kg", "Sugar 2 kg"]
    in_shop.taps(options[1].payload)
    assert in_shop.cart() == [(MILK, 1), ("Sugar 2 kg", 3)]


def test_a_question_shows_prices_and_last_what_is_sold_out(in_shop: Chat) -> None:
    in_shop.router.shops[0].items.insert(0, Stocked("sugar-5", "S5", "Sugar 5 kg", 75000, stock=0))
    answer = in_shop.says("milk and 2 sugar")
    assert "1. Sugar 1 kg: KES 160\n2. Sugar 2 kg: KES 310\n3. Sugar 5 kg: sold out" in answer.text


def test_the_same_question_is_asked_once(in_shop: Chat) -> None:
    answer = in_shop.says("2 sugar, milk, sugar, unobtainium, unobtainium")
    assert answer.text.count("sugar") == 1
    assert '"sugar" (3×)' in answer.text
    assert answer.text.count("unobtainium") == 1


def test_every_answer_to_many_questions_has_a_number_that_picks_it(in_shop: Chat) -> None:
    shelf = in_shop.router.shops[0].items
    kinds = ("soap", "tissue", "juice", "candle", "biscuit")
    shelf.extend(Stocked(f"{kind}-{n}", f"{kind}{n}", f"{kind} no {n}", 5000) for kind in kinds for n in (1, 2, 3))
    answer = in_shop.says(", ".join(kinds))
    assert "10. biscuit no 2" in answer.text
    assert "11." not in answer.text
    in_shop.says("10")
    assert in_shop.cart() == [("biscuit no 2", 1)]


def test_at_most_three_are_offered_for_a_name(in_shop: Chat) -> None:
    shelf = in_shop.router.shops[0].items
    shelf.extend(Stocked(f"soap-{n}", f"S{n}", f"Soap {n} g", 5000) for n in range(10, 60, 10))
    answer = in_shop.says("milk and soap")
    assert "3. Soap 30 g" in answer.text
    assert "Soap 40 g" not in answer.text


def test_what_is_refused_is_said_beside_what_was_added(in_shop: Chat) -> None:
    answer = in_shop.says("5 trays of eggs, cooking oil, 2000 bananas, 0 rice, tea x lots, milk")
    assert in_shop.cart() == [(MILK, 1)]
    for said in ("we have only 3 now", "Cooking oil 1 l is sold out", "is 999", "Rice 1 kg: I can add 1", '"lots"'):
        assert said in answer.text


def test_a_name_with_and_in_it_is_one_thing(in_shop: Chat) -> None:
    in_shop.router.shops[0].items.append(Stocked("crisps", "C1", "Salt and vinegar crisps", 5000))
    in_shop.router.shops[0].items.append(Stocked("salt", "C2", "Salt 500 g", 5000))
    assert "Salt and vinegar crisps" in in_shop.says("salt and vinegar crisps").text
    assert in_shop.cart() == []
    in_shop.says("2 salt and vinegar crisps and 3 milk")
    assert in_shop.cart() == [("Salt and vinegar crisps", 2), (MILK, 3)]


def test_a_sentence_that_names_nothing_is_not_understood_as_a_whole(in_shop: Chat) -> None:
    answer = in_shop.says("what a lovely day, and the sun, too")
    assert answer.key == "not_understood"
    assert "what a lovely day" in answer.text


def test_asking_for_several_things_shows_them(in_shop: Chat) -> None:
    answer = in_shop.says("do you have milk and bread?")
    assert f"1. {MILK}" in answer.text
    assert f"2. {BREAD}" in answer.text
    assert in_shop.cart() == []


def test_a_measure_is_a_size_or_a_count_of_what_is_sold_by_it(in_shop: Chat) -> None:
    in_shop.says("add 2 kg sugar")
    assert in_shop.cart() == [("Sugar 2 kg", 1)]
    in_shop.says("mchele kilo tatu")
    assert in_shop.cart() == [("Sugar 2 kg", 1), ("Rice 1 kg", 3)]
    asked = in_shop.says("add 4 kg maize flour")  # sold in bags of two: how many is not for us to guess
    assert "Maize flour 2 kg" in asked.text
    assert len(in_shop.cart()) == 2


def test_what_is_too_long_is_not_lost_silently(in_shop: Chat) -> None:
    answer = in_shop.says(", ".join(["milk"] * 10 + ["bread", "eggs"]))
    assert in_shop.cart() == [(MILK, 10)]
    assert "bread, eggs" in answer.text


def test_a_refusal_of_everything_is_said_once(in_shop: Chat) -> None:
    in_shop.router.refuse_after(1, problem(ErrorCode.TOO_MANY_REQUESTS, 429))
    assert in_shop.says("milk and bread").key == "too_many_requests"
    assert in_shop.cart() == []


def test_a_refusal_in_the_middle_keeps_what_was_added(in_shop: Chat) -> None:
    in_shop.router.refuse_after(2, problem(ErrorCode.TOO_MANY_REQUESTS, 429))
    answer = in_shop.says("milk, bread, eggs")
    assert in_shop.cart() == [(MILK, 1)]
    assert f"{BREAD} could not be added" in answer.text
    assert f"{EGGS} could not be added" in answer.text


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("do you deliver to Kilimani?", "delivery_asked"),
        ("what time do you close", "hours_asked"),
        ("where are you located", "where_asked"),
        ("can I talk to a person", "human_asked"),
        ("same as last time", "reorder_none"),
        ("nimelipa", "no_orders"),
        ("ndio", "yes_unclear"),
        ("hapana", "no_matter"),
        ("can i pay with mpesa?", "say_pay"),
    ],
)
def test_what_has_no_feature_yet_is_recognised_and_answered_honestly(in_shop: Chat, text: str, key: str) -> None:
    answer = in_shop.says(text)
    assert answer.key == key
    assert in_shop.cart() == []
