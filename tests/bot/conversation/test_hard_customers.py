"""Customers who don't do what they were asked: each answer is true, and says how to go on."""

from dataclasses import replace

import pytest

from contracts.errors import ErrorCode
from contracts.states import IntentStatus, OrderStatus
from tests.support.chat import Chat
from tests.support.fake_orders import problem


@pytest.fixture
def hidden(with_cart: Chat) -> Chat:
    """An order to pay, from a chat that shows no number."""
    with_cart.own_msisdn, with_cart.router.own_msisdn = None, None
    with_cart.says("CONFIRM")
    return with_cart


def money_came_after_all(chat: Chat) -> str:
    """The prompt was paid after the order had been called off."""
    chat.says_each("PAY", "CANCEL ORDER")
    order = chat.router.orders[-1]
    assert order.view.status is OrderStatus.CANCELLED
    assert order.view.payment is not None
    payment = order.view.payment.model_copy(update={"intent_status": IntentStatus.SUCCEEDED})
    order.view = order.view.model_copy(update={"payment": payment})
    return order.view.code


@pytest.mark.parametrize("said", ["I paid", "STATUS", "nimelipa", "HISTORY"])
def test_money_for_an_order_that_was_called_off_is_not_passed_over(confirmed: Chat, said: str) -> None:
    money_came_after_all(confirmed)
    assert "the money for it came in all the same" in confirmed.says(said).text


@pytest.mark.parametrize("said", ["I paid", "STATUS", "nimelipa"])
def test_money_that_went_back_is_said_to_have(confirmed: Chat, said: str) -> None:
    money_came_after_all(confirmed)
    order = confirmed.router.orders[-1]
    order.view = order.view.model_copy(update={"sent_back_minor": 12000})
    answer = confirmed.says(said)
    assert "*KES 120* was sent back" in answer.text
    assert "will settle" not in answer.text


def test_who_says_to_have_paid_with_another_order_open_is_told_of_the_money_that_came(confirmed: Chat) -> None:
    code = money_came_after_all(confirmed)
    confirmed.says_each("add milk", "CONFIRM")
    answer = confirmed.says("I paid")
    assert code in answer.text
    assert "the money for it came in all the same" in answer.text


@pytest.mark.parametrize("said", ["👍", "🙏🏾", "❤️", "😂😂", "...", "!!"])
def test_a_smiley_is_not_looked_for_on_the_shelves(in_shop: Chat, said: str) -> None:
    answer = in_shop.says(said)
    assert answer.key == "wordless"
    assert answer.commands == ()
    assert Chat().says(said).key in ("wordless", "choose_shop")


@pytest.mark.parametrize("said", ["12345", "0712", "07123456"])
def test_digits_that_are_no_phone_number_are_not_taken_for_a_line_of_a_list(hidden: Chat, said: str) -> None:
    hidden.says("PAY")
    answer = hidden.says(said)
    assert answer.key == "payer_invalid"
    assert hidden.says("0700 000 001").key == "charge_sent"


def test_what_may_be_a_pin_is_warned_of_even_where_a_number_was_asked_for(hidden: Chat) -> None:
    hidden.says("PAY")
    hidden.state = replace(hidden.state, items=None, other=None)
    assert hidden.says("1234").key == "maybe_pin"


@pytest.mark.parametrize(("said", "asked"), [("kiswahili", "Namba gani"), ("português", "número")])
def test_a_question_is_asked_again_in_the_language_that_was_changed_to(hidden: Chat, said: str, asked: str) -> None:
    hidden.says("PAY")
    answer = hidden.says(said)
    assert answer.key == "language_changed"
    assert asked.lower() in answer.text.lower()
    assert hidden.says("0700 000 001").key == "charge_sent"


def test_whoever_may_not_try_again_today_reaches_the_shop_with_one_tap(confirmed: Chat) -> None:
    confirmed.router.refuse_next = problem(ErrorCode.ATTEMPTS_EXHAUSTED)
    assert confirmed.says("PAY").key == "attempts_exhausted"
    assert [option.title.key for option in confirmed.replies[-1].options] == ["button_person"]


def test_a_number_beyond_a_list_of_one_thing_says_how_to_have_so_many(in_shop: Chat) -> None:
    assert in_shop.says("find milk").key == "found"
    answer = in_shop.says("3")
    assert answer.key == "number_of_only"
    assert "*1 x 3*" in answer.text
    assert in_shop.says("1 x 3").key == "added"
    assert [quantity for _, quantity in in_shop.cart()] == [3]


@pytest.mark.parametrize(("said", "key"), [("0 milk", "quantity_too_small"), ("1000 milk", "quantity_too_large")])
def test_so_many_can_not_be_had_and_that_is_said(in_shop: Chat, said: str, key: str) -> None:
    answer = in_shop.says(said)
    assert answer.key == key
    assert "Fresh milk 500 ml" in answer.text
    assert in_shop.cart() == []
