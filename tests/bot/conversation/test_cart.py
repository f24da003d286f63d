"""Looking at the cart and taking things out of it."""

import pytest

from contracts.errors import ErrorCode
from tests.support.chat import Chat
from tests.support.fake_router import problem


def test_an_empty_cart_says_how_to_fill_it(in_shop: Chat) -> None:
    answer = in_shop.says("CART")
    assert answer.key == "cart_empty"
    assert "MENU" in answer.text


def test_the_cart_shows_numbered_lines_and_the_total(in_shop: Chat) -> None:
    in_shop.says_each("add milk x 2", "add bread")
    assert (
        "1. 2 × Fresh milk 500 ml: KES 120\n2. 1 × Brown bread 400 g: KES 65\n\n*Total: KES 185*"
        in in_shop.says("cart").text
    )


@pytest.mark.parametrize("text", ["REMOVE 1", "remove milk", "Remove fresh milk", "delete milk", "remove milk x 2"])
def test_a_line_is_taken_out_by_number_or_name(in_shop: Chat, text: str) -> None:
    in_shop.says_each("add milk x 2", "add bread")
    answer = in_shop.says(text)
    assert answer.key == "removed"
    assert "Taken out: Fresh milk 500 ml" in answer.text
    assert in_shop.cart() == [("Brown bread 400 g", 1)]


def test_taking_out_the_last_line_leaves_an_empty_cart(in_shop: Chat) -> None:
    in_shop.says("add milk")
    assert in_shop.says("remove milk").key == "removed_last"


@pytest.mark.parametrize("text", ["remove bread", "remove 7", "remove -1", "remove 99999999999", "remove x"])
def test_what_is_not_in_the_cart_is_not_taken_out(in_shop: Chat, text: str) -> None:
    in_shop.says("add milk")
    answer = in_shop.says(text)
    assert answer.key == "not_in_cart_list"
    assert in_shop.cart() == [("Fresh milk 500 ml", 1)]


def test_remove_from_an_empty_cart_says_that_it_is_empty(in_shop: Chat) -> None:
    assert in_shop.says("remove milk").key == "cart_empty"
    assert in_shop.says("remove").key == "cart_empty"


def test_remove_alone_asks_which_and_a_number_answers(in_shop: Chat) -> None:
    in_shop.says_each("add milk", "add bread")
    assert in_shop.says("REMOVE").key == "remove_which"
    in_shop.says("1")
    assert in_shop.cart() == [("Brown bread 400 g", 1)]


def test_remove_by_a_name_of_several_lines_asks_which(in_shop: Chat) -> None:
    in_shop.says_each("add sugar 1 kg", "add sugar 2 kg")
    assert in_shop.says("remove sugar").key == "remove_which"
    in_shop.says("2")
    assert in_shop.cart() == [("Sugar 1 kg", 1)]


def test_remove_of_fewer_than_there_are_changes_nothing_and_says_how(in_shop: Chat) -> None:
    in_shop.says("add milk x 3")
    answer = in_shop.says("remove milk x 1")
    assert answer.key == "remove_whole_line"
    assert "ADD Fresh milk 500 ml x 2" in answer.text
    assert in_shop.cart() == [("Fresh milk 500 ml", 3)]


def test_a_line_that_vanished_meanwhile_is_said_not_to_be_there(in_shop: Chat) -> None:
    in_shop.says("add milk")
    in_shop.router.refuse_after(1, problem(ErrorCode.NOT_IN_CART, 404))
    assert in_shop.says("remove milk").key == "not_in_cart"
