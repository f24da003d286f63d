"""From hello to a full cart: what a customer types, and what comes back."""

from datetime import timedelta

import pytest

from bot.conversation.model import AddItem
from tests.support.chat import Chat
from tests.support.fake_shops import FakeShop, Stocked


@pytest.fixture
def chat() -> Chat:
    return Chat()


# --- shops -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["hi", "Habari", "mambo", "hello there", "I saw your advert", "MENU", "ADD milk", "5", ""]
)
def test_a_new_conversation_is_welcomed_and_told_how_to_choose_a_shop(chat: Chat, text: str) -> None:
    answer = chat.says(text)
    assert answer.key == "welcome"
    assert "1. Mama Njeri Groceries (MAMA)" in answer.text


@pytest.mark.parametrize("text", ["SHOP mama", "shop MAMA", "mama", "Mama!", "Shop: mama"])
def test_a_shop_word_goes_in_and_shows_the_shelves(chat: Chat, text: str) -> None:
    answer = chat.says(text)
    assert answer.key == "shop_entered"
    assert "Mama Njeri Groceries" in answer.text
    assert "\n1. Fresh milk 500 ml: KES 60" in answer.text


def test_a_greeting_with_a_shop_word_goes_in(chat: Chat) -> None:
    assert chat.says("hello mama").key == "shop_entered"


def test_a_number_picks_the_shop_from_the_list(chat: Chat) -> None:
    chat.says("hi")
    assert "Kamau Hardware" in chat.says("2").text


def test_an_unknown_shop_is_said_to_be_unknown_and_the_shops_are_listed(chat: Chat) -> None:
    answer = chat.says("SHOP zanzibar")
    assert 'no shop called "zanzibar"' in answer.text
    assert "2. Kamau Hardware" in answer.text
    assert chat.says("2").key == "shop_entered"


def test_a_mistyped_shop_is_asked_back(chat: Chat) -> None:
    answer = chat.says("SHOP kamua")
    assert answer.key == "shop_close"
    assert "1. Kamau Hardware" in answer.text
    assert "Mama" not in answer.text


def test_where_no_shop_is_open_it_says_so() -> None:
    assert Chat([]).says("hi").key == "no_shops"


def test_an_empty_shop_says_that_it_is_empty() -> None:
    chat = Chat([FakeShop("vendor-bare", "bare", "Bare Shelves")])
    assert chat.says("bare").key == "shop_entered_empty"
    assert chat.says("MENU").key == "menu_empty"


def test_the_shop_is_remembered_and_each_keeps_its_own_cart(in_shop: Chat) -> None:
    in_shop.says_each("ADD milk", "SHOP kamau", "ADD hammer")
    assert "Hammer" in in_shop.says("CART").text
    in_shop.says("SHOP mama")
    cart = in_shop.says("CART").text
    assert "milk" in cart
    assert "Hammer" not in cart


def test_another_shops_word_switches_where_no_item_has_that_name(in_shop: Chat) -> None:
    assert "Kamau Hardware" in in_shop.says("kamau").text


def test_a_number_of_the_last_shops_list_does_not_pick_in_the_next_shop(in_shop: Chat) -> None:
    in_shop.router.shops[1].items.clear()
    in_shop.says("SHOP kamau")
    answer = in_shop.says("1")
    assert answer.key == "menu_empty"
    assert not any(isinstance(command, AddItem) for command in answer.commands)


# --- menu and search -------------------------------------------------------------------------------------------------


def test_the_menu_goes_on_with_more_and_counts_on(in_shop: Chat) -> None:
    assert "*MORE*" in in_shop.says("MENU").text
    more = in_shop.says("more")
    assert "10. Rice 1 kg: KES 190" in more.text
    assert "*MORE*" not in more.text
    assert in_shop.says("MORE").key == "no_more_items"
    in_shop.says("11")
    assert in_shop.cart() == [("Bananas", 1)]


def test_sold_out_and_scarce_items_are_marked(in_shop: Chat) -> None:
    menu = in_shop.says("menu").text
    assert "8. Cooking oil 1 l: sold out" in menu
    assert "(only 3 left)" in menu


def test_a_price_says_what_it_is_for() -> None:
    shop = FakeShop("vendor-one", "one", "One Shop", [Stocked("t", "T", "Tomatoes", 12000, unit="kg")])
    assert "1. Tomatoes: KES 120 per kg" in Chat([shop]).says("one").text


def test_find_lists_what_fits_and_a_number_adds_it(in_shop: Chat) -> None:
    found = in_shop.says("FIND sugar")
    assert "1. Sugar 1 kg: KES 160\n2. Sugar 2 kg: KES 310" in found.text
    in_shop.says("2")
    assert in_shop.cart() == [("Sugar 2 kg", 1)]


def test_find_tells_more_about_the_only_thing_it_finds(in_shop: Chat) -> None:
    assert "from Meru" in in_shop.says("find bananas").text


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("FIND", "find_what"),
        ("find unobtainium", "nothing_found"),
        ("find mlik", "items_close"),
        ("milk", "found"),
        ("do you have any milk?", "found"),
        ("mlik", "items_close"),
        ("crat", "did_you_mean"),
        ("hello", "greeting_in_shop"),
        ("asante", "thanks"),
        ("what a lovely day it is", "not_understood"),
        ("🙂", "wordless"),
        ("how do I pay with mpesa", "say_pay"),
        ("pay?", "say_pay"),
        ("mama", "menu"),
        ("oil", "found"),
    ],
)
def test_free_text_gets_the_answer_that_fits(in_shop: Chat, text: str, key: str) -> None:
    assert in_shop.says(text).key == key


def test_a_list_is_forgotten_after_a_day_but_a_cart_is_not(in_shop: Chat) -> None:
    in_shop.says("1")
    in_shop.waits(timedelta(hours=25))
    answer = in_shop.says("2")
    assert answer.key == "menu_again"
    assert in_shop.cart() == [("Fresh milk 500 ml", 1)]
    in_shop.says("2")
    assert len(in_shop.cart()) == 2


# --- adding ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("1", [("Fresh milk 500 ml", 1)]),
        ("two", [("Brown bread 400 g", 1)]),
        ("ADD 1", [("Fresh milk 500 ml", 1)]),
        ("add 1 x 3", [("Fresh milk 500 ml", 3)]),
        ("add 1x3", [("Fresh milk 500 ml", 3)]),
        ("1 x 3", [("Fresh milk 500 ml", 3)]),
        ("add 1 x two", [("Fresh milk 500 ml", 2)]),
        ("ADD milk", [("Fresh milk 500 ml", 1)]),
        ("Add milk x2", [("Fresh milk 500 ml", 2)]),
        ("add 3 milk", [("Fresh milk 500 ml", 3)]),
        ("add three packets of milk", [("Fresh milk 500 ml", 3)]),
        ("buy milk 2", [("Fresh milk 500 ml", 2)]),
        ("add 7 up", [("7 Up 500 ml", 1)]),
        ("add 2 x 7 up", [("7 Up 500 ml", 2)]),
        ("add 2 kg sugar", [("Sugar 2 kg", 1)]),
        ("add M012 x 4", [("Tomatoes", 4)]),
        ("add bananas x 999", [("Bananas", 999)]),
    ],
)
def test_what_was_meant_is_added(in_shop: Chat, text: str, lines: list[tuple[str, int]]) -> None:
    answer = in_shop.says(text)
    assert answer.key == "added", answer.text
    assert in_shop.cart() == lines
    assert "Cart total: *KES" in answer.text


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("ADD", "add_what"),
        ("add 1 x 0", "quantity_too_small"),
        ("add 1 x -1", "quantity_too_small"),
        ("add milk x 0", "quantity_too_small"),
        ("add 0 milk", "quantity_too_small"),
        ("add -1 milk", "quantity_too_small"),
        ("add 1 x 1000000", "quantity_too_large"),
        ("add 1000000 milk", "quantity_too_large"),
        ("add 1 x 1000", "quantity_too_large"),
        ("add milk x lots", "quantity_unclear"),
        ("add 1 x 1.5", "quantity_unclear"),
        ("add 55", "number_unknown"),
        ("add 0", "number_unknown"),
        ("-1", "number_unknown"),
        ("1000000", "number_unknown"),
        ("9" * 60, "number_unknown"),
        ("4321", "maybe_pin"),
        ("add unobtainium", "nothing_found"),
        ("add cooking oil", "sold_out"),
        ("8", "sold_out"),
        ("add 3 x 5", "only_left"),
        ("add sugar x 2", "which_item"),
        ("add mlik", "items_close"),
    ],
)
def test_what_can_not_be_added_is_explained_and_adds_nothing(in_shop: Chat, text: str, key: str) -> None:
    answer = in_shop.says(text)
    assert answer.key == key, answer.text
    assert in_shop.cart() == []
    if key.startswith("quantity"):
        assert not any(isinstance(command, AddItem) for command in answer.commands)


@pytest.mark.parametrize("text", ["add mlik", "add mlik x 2", "mlik", "FIND mlik"])
def test_what_a_forgiving_search_finds_is_only_offered(in_shop: Chat, text: str) -> None:
    in_shop.router.finds_alike = True
    answer = in_shop.says(text)
    assert "1. Fresh milk 500 ml" in answer.text
    assert in_shop.cart() == []
    in_shop.says("1")
    assert [name for name, _ in in_shop.cart()] == ["Fresh milk 500 ml"]


def test_the_question_which_one_remembers_how_many(in_shop: Chat) -> None:
    assert "Reply with a number to add 2." in in_shop.says("add 2 sugar").text
    in_shop.says("2")
    assert in_shop.cart() == [("Sugar 2 kg", 2)]


def test_a_pick_can_say_another_quantity(in_shop: Chat) -> None:
    in_shop.says_each("add sugar x 2", "1 x 5")
    assert in_shop.cart() == [("Sugar 1 kg", 5)]


def test_a_name_alone_is_only_shown_until_it_is_picked_but_one_that_is_counted_is_added(in_shop: Chat) -> None:
    assert in_shop.says("milk").key == "found"
    assert in_shop.cart() == []
    assert in_shop.says("milk x2").key == "added"
    assert in_shop.cart() == [("Fresh milk 500 ml", 2)]


def test_more_of_one_item_than_an_order_takes_is_refused_in_words(in_shop: Chat) -> None:
    in_shop.says("add bananas x 999")
    assert in_shop.says("add bananas").key == "quantity_too_large"


def test_a_number_after_the_cart_does_not_guess(in_shop: Chat) -> None:
    in_shop.says_each("add bananas", "add milk", "cart")
    answer = in_shop.says("2")
    assert answer.key == "cart_line_chosen"
    assert "Line 2 of your cart is 1 × Fresh milk" in answer.text


def test_add_with_a_number_means_the_shelf_even_after_the_cart(in_shop: Chat) -> None:
    in_shop.says_each("menu", "1", "cart", "add 2")
    assert in_shop.cart() == [("Fresh milk 500 ml", 1), ("Brown bread 400 g", 1)]


def test_an_item_that_left_the_shelves_since_it_was_listed_is_said_to_be_gone(in_shop: Chat) -> None:
    del in_shop.router.shops[0].items[0]
    assert in_shop.says("1").key == "item_gone"
