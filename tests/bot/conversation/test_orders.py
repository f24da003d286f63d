"""Calling orders off, and how it stands with them."""

import pytest

from contracts.errors import ErrorCode
from contracts.states import IntentStatus
from tests.support.chat import Chat
from tests.support.fake_router import problem

# --- cancelling ------------------------------------------------------------------------------------------------------


def test_cancel_order_calls_off_a_confirmed_order(confirmed: Chat) -> None:
    answer = confirmed.says("CANCEL ORDER")
    assert answer.key == "cancelled"
    assert confirmed.router.latest().code in answer.text


def test_cancel_order_before_confirm_empties_the_cart(with_cart: Chat) -> None:
    assert with_cart.says("cancel order").key == "cancelled_cart"
    assert with_cart.says("cart").key == "cart_empty"


@pytest.mark.parametrize("text", ["CANCEL", "cancel it", "Cancel CDFGHJ"])
def test_cancel_alone_changes_nothing_and_says_what_would(confirmed: Chat, text: str) -> None:
    answer = confirmed.says(text)
    assert answer.key == "cancel_hint"
    assert answer.commands == ()
    assert "*CANCEL ORDER*" in answer.text


def test_cancelling_while_the_prompt_is_on_the_phone_says_what_happens_then(confirmed: Chat) -> None:
    confirmed.says("PAY")
    answer = confirmed.says("CANCEL ORDER")
    assert answer.key == "cancelled_prompt_live"
    assert "enter your PIN anyway" in answer.text


def test_cancel_order_of_several_asks_which_and_a_number_answers(with_cart: Chat) -> None:
    older, newer = with_cart.confirms_two()
    assert with_cart.says("CANCEL ORDER").key == "cancel_which"
    assert older in with_cart.says("2").text
    assert newer in with_cart.says(f"CANCEL ORDER {newer}").text


def test_cancel_order_with_a_number_picks_from_that_question(with_cart: Chat) -> None:
    _, newer = with_cart.confirms_two()
    with_cart.says("CANCEL ORDER")
    assert newer in with_cart.says("CANCEL ORDER 1").text
    assert with_cart.says("CANCEL ORDER 9").key == "order_unknown"


@pytest.mark.parametrize("text", ["CANCEL ORDER CDFGHX", "cancel order nonsense"])
def test_cancelling_an_order_that_is_not_there_says_so(confirmed: Chat, text: str) -> None:
    assert confirmed.says(text).key == "order_unknown"


def test_a_paid_order_can_not_be_cancelled(confirmed: Chat) -> None:
    code = confirmed.router.latest().code
    confirmed.router.is_paid(code)
    assert confirmed.says(f"CANCEL ORDER {code}").key == "cannot_cancel_paid"
    assert confirmed.says("CANCEL ORDER").key == "nothing_to_cancel"


def test_a_cancelled_order_can_not_be_cancelled_again(confirmed: Chat) -> None:
    code = confirmed.router.latest().code
    confirmed.says("CANCEL ORDER")
    assert confirmed.says(f"CANCEL ORDER {code}").key == "already_cancelled"


def test_cancel_refused_for_an_unknown_reason_is_told(confirmed: Chat) -> None:
    confirmed.router.refuse_next = problem(ErrorCode.INTERNAL, 500)
    assert confirmed.says("CANCEL ORDER").key == "our_mistake"


# --- how it stands ---------------------------------------------------------------------------------------------------


def test_status_without_orders_says_so() -> None:
    chat = Chat()
    chat.says("SHOP mama")
    assert chat.says("STATUS").key == "no_orders"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (None, "not paid"),
        (IntentStatus.CREATED, "prompt is on your phone"),
        (IntentStatus.PROVIDER_PENDING, "prompt is on your phone"),
        (IntentStatus.UNKNOWN, "checking"),
        (IntentStatus.SUCCEEDED, "checking"),
        (IntentStatus.FAILED, "didn't go through"),
        (IntentStatus.EXPIRED, "didn't go through"),
    ],
)
def test_status_says_in_words_how_the_payment_stands(confirmed: Chat, status: IntentStatus | None, words: str) -> None:
    if status is not None:
        confirmed.router.set_intent(confirmed.router.latest().code, status)
    answer = confirmed.says("STATUS")
    assert answer.key == "order"
    assert words in answer.text


def test_status_lists_open_orders_first_and_a_number_shows_one(confirmed: Chat) -> None:
    paid, cancelled = confirmed.router.latest().code, ""
    confirmed.router.is_paid(paid)
    confirmed.says_each("add bread", "CONFIRM", "CANCEL ORDER")
    cancelled = confirmed.router.latest().code
    confirmed.says_each("add bananas", "STATUS")
    answer = confirmed.says("STATUS")
    assert answer.key == "orders"
    first, second, third = answer.text.split("\n\n")[1].split("\n")
    assert first.endswith("In your cart. Reply CONFIRM to order.")
    assert second == f"2. {cancelled}: KES 65. Cancelled."
    assert third.startswith(f"3. {paid}: KES 120. Paid ✅ M-Pesa code: *SJK4H7L2QW*")
    assert "Fresh milk" in confirmed.says("3").text


def test_status_of_one_order_by_its_code(confirmed: Chat) -> None:
    code = confirmed.router.latest().code
    assert code in confirmed.says(f"STATUS {code.lower()}").text
    assert confirmed.says("STATUS CDFGHX").key == "order_unknown"


def test_a_paid_order_without_a_receipt_number_is_still_paid(confirmed: Chat) -> None:
    confirmed.router.is_paid(confirmed.router.latest().code, None)
    assert "Paid ✅" in confirmed.says("STATUS").text


def test_an_unpaid_order_is_seen_beside_the_cart(confirmed: Chat) -> None:
    code = confirmed.router.latest().code
    assert confirmed.says("CART").key == "cart_empty_unpaid"
    confirmed.says("add bread")
    assert f"PAY {code}" in confirmed.says("CART").text
