"""Confirming, paying, cancelling: when a charge is asked for, when not, and what the customer is told."""

from datetime import timedelta

import pytest

from bot.conversation.model import Pay, StartCharge
from contracts.errors import ErrorCode
from contracts.payment_api import ChargeView
from contracts.states import ChargeStatus, FailureReason, IntentStatus
from tests.support.chat import Answer, Chat
from tests.support.fake_router import problem

SHOP = "vendor-mama"


@pytest.fixture
def hidden() -> Chat:
    """A customer whose number the channel does not show, with a confirmed order."""
    chat = Chat()
    chat.router.own_msisdn = None
    chat.says_each("SHOP mama", "add milk x 2", "CONFIRM")
    return chat


def pays_asked(answer: Answer) -> list[Pay]:
    return [command for command in answer.commands if isinstance(command, Pay)]


# --- confirming ------------------------------------------------------------------------------------------------------


def test_confirm_says_total_code_hold_number_and_what_comes_next(with_cart: Chat) -> None:
    answer = with_cart.says("confirm")
    order = with_cart.router.latest()
    assert answer.key == "confirmed"
    for part in ("KES 120", order.code, "until 20 Nov, 13:00", "0708 374149", "Reply *PAY*"):
        assert part in answer.text


def test_confirm_names_no_number_that_is_not_known(hidden: Chat) -> None:
    hidden.says("add bread")
    assert "prompt will come" not in hidden.says("CONFIRM").text


def test_an_empty_cart_can_not_be_confirmed() -> None:
    chat = Chat()
    chat.says("SHOP mama")
    assert chat.says("CONFIRM").key == "confirm_empty"


def test_confirming_twice_points_to_the_order_that_waits(confirmed: Chat) -> None:
    answer = confirmed.says("CONFIRM")
    assert answer.key == "confirm_already"
    assert confirmed.router.latest().code in answer.text


@pytest.mark.parametrize(("left", "key"), [(0, "confirm_sold_out"), (1, "confirm_only_left")])
def test_what_sold_out_before_confirm_is_named(with_cart: Chat, left: int, key: str) -> None:
    with_cart.router.sell_out("mama-1", left)
    answer = with_cart.says("CONFIRM")
    assert answer.key == key
    assert "Fresh milk 500 ml" in answer.text


def test_a_sentence_that_begins_with_confirm_confirms_nothing(with_cart: Chat) -> None:
    assert with_cart.says("confirm only the milk").commands == ()


# --- paying ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["PAY", "pay", "Pay."])
def test_pay_sends_one_prompt_and_says_where_to_look(confirmed: Chat, text: str) -> None:
    answer = confirmed.says(text)
    assert answer.key == "charge_sent"
    for part in ("KES 120", "Mama Njeri Groceries", "PIN", "0708 374149"):
        assert part in answer.text
    assert len(confirmed.router.pushes) == 1


def test_a_second_pay_while_the_prompt_is_up_sends_no_second_push(confirmed: Chat) -> None:
    confirmed.says("PAY")
    assert confirmed.says("PAY").key == "payment_in_progress"
    assert len(confirmed.router.pushes) == 1


def test_pay_while_the_outcome_is_unknown_asks_to_wait(confirmed: Chat) -> None:
    confirmed.says("PAY")
    confirmed.router.set_intent(confirmed.router.latest().code, IntentStatus.UNKNOWN)
    assert confirmed.says("PAY").key == "payment_being_checked"
    assert len(confirmed.router.pushes) == 1


def test_pay_right_after_a_try_that_never_left_does_not_speak_of_a_prompt_that_is_not_there(confirmed: Chat) -> None:
    confirmed.router.charge = ChargeView(
        charge_id="charge-1", intent_id="", status=ChargeStatus.FAILED, reason=FailureReason.NOT_SENT
    )
    assert confirmed.says("PAY").key == "charge_failed"
    assert confirmed.says("PAY").key == "payment_closing"  # the router has not heard of it yet


def test_pay_with_an_empty_cart_says_how_to_shop() -> None:
    chat = Chat()
    chat.says("SHOP mama")
    answer = chat.says("PAY")
    assert answer.key == "nothing_to_pay"
    assert "MENU" in answer.text


def test_pay_before_confirm_shows_the_cart_and_asks_for_confirm(with_cart: Chat) -> None:
    answer = with_cart.says("PAY")
    assert answer.key == "confirm_first"
    assert "2 × Fresh milk 500 ml: KES 120" in answer.text
    assert "*CONFIRM*" in answer.text
    assert with_cart.router.pushes == []


def test_with_several_orders_pay_asks_which_and_a_number_answers(with_cart: Chat) -> None:
    older, newer = with_cart.confirms_two()
    asked = with_cart.says("PAY")
    assert asked.key == "pay_which"
    assert f"1. {newer}: KES 65\n2. {older}: KES 60" in asked.text
    paid = with_cart.says("2")
    assert paid.key == "charge_sent"
    assert pays_asked(paid) == [Pay(SHOP, older, None)]


def test_pay_with_a_code_names_the_order(with_cart: Chat) -> None:
    older, _ = with_cart.confirms_two()
    assert pays_asked(with_cart.says(f"pay {older.lower()}")) == [Pay(SHOP, older, None)]


def test_pay_with_a_number_picks_from_the_question_too(with_cart: Chat) -> None:
    _, newer = with_cart.confirms_two()
    with_cart.says("PAY")
    assert pays_asked(with_cart.says("PAY 1")) == [Pay(SHOP, newer, None)]


def test_a_number_no_longer_means_pay_after_a_quarter_of_an_hour(with_cart: Chat) -> None:
    with_cart.confirms_two()
    with_cart.says("PAY")
    with_cart.waits(timedelta(minutes=16))
    assert pays_asked(with_cart.says("2")) == []


def test_a_number_means_the_menu_once_that_was_shown_after_the_question(with_cart: Chat) -> None:
    with_cart.confirms_two()
    with_cart.says_each("PAY", "MENU")
    answer = with_cart.says("2")
    assert answer.key == "added"
    assert pays_asked(answer) == []


def test_a_number_does_not_pay_for_the_last_shops_orders_in_the_next_shop(with_cart: Chat) -> None:
    with_cart.confirms_two()
    assert with_cart.says("PAY").key == "pay_which"
    with_cart.router.shops[1].items.clear()
    with_cart.says("SHOP kamau")
    assert pays_asked(with_cart.says("1")) == []


@pytest.mark.parametrize("text", ["pay later", "PAY 7", "pay now please", "PAY THE MAN"])
def test_pay_with_something_else_charges_nothing_and_says_how(confirmed: Chat, text: str) -> None:
    answer = confirmed.says(text)
    assert answer.key == "pay_alone"
    assert answer.commands == ()


def test_an_unknown_code_is_said_to_be_unknown(confirmed: Chat) -> None:
    answer = confirmed.says("PAY CDFGHX")
    assert answer.key == "order_unknown"
    assert "CDFGHX" in answer.text


def test_paying_a_paid_order_shows_its_receipt(confirmed: Chat) -> None:
    code = confirmed.router.latest().code
    confirmed.router.is_paid(code, "SJK4H7L2QW")
    assert "SJK4H7L2QW" in confirmed.says(f"PAY {code}").text
    confirmed.router.is_paid(code, None)
    assert confirmed.says(f"PAY {code}").key == "already_paid"


def test_paying_a_cancelled_order_says_so(confirmed: Chat) -> None:
    code = confirmed.router.latest().code
    confirmed.says("CANCEL ORDER")
    assert confirmed.says(f"PAY {code}").key == "already_cancelled"


@pytest.mark.parametrize(
    ("code", "extra", "key"),
    [
        (ErrorCode.ATTEMPTS_EXHAUSTED, {}, "attempts_exhausted"),
        (ErrorCode.PAYER_BUSY, {}, "payer_busy"),
        (ErrorCode.PAYER_MISSING, {}, "ask_payer"),
        (ErrorCode.PAYER_INVALID, {}, "payer_invalid"),
        (ErrorCode.RAIL_UNAVAILABLE, {}, "rail_unavailable"),
        (ErrorCode.AMOUNT_INVALID, {}, "amount_invalid"),
        (ErrorCode.CAPABILITY_MISSING, {}, "capability_missing"),
        (ErrorCode.TOO_MANY_REQUESTS, {}, "too_many_requests"),
        (ErrorCode.ITEM_SOLD_OUT, {"item": "Fresh milk", "available": 0}, "pay_sold_out"),
        (ErrorCode.ITEM_SOLD_OUT, {"item": {"name": "Fresh milk"}}, "pay_sold_out"),
        (ErrorCode.ITEM_SOLD_OUT, {}, "pay_sold_out_short"),
        (ErrorCode.NOT_CONFIRMED, {}, "confirm_first_short"),
        (ErrorCode.WHICH_ORDER, {}, "which_order_short"),
        (ErrorCode.WHICH_ORDER, {"orders": "not a list"}, "which_order_short"),
        (ErrorCode.PAYMENT_IN_PROGRESS, {}, "payment_in_progress_short"),
        (ErrorCode.ORDER_TRANSITION_REFUSED, {}, "order_changed"),
        (ErrorCode.INTERNAL, {}, "our_mistake"),
        ("a_code_from_the_future", {}, "our_mistake"),
    ],
)
def test_every_refusal_of_pay_has_its_own_words(
    confirmed: Chat, code: ErrorCode | str, extra: dict[str, object], key: str
) -> None:
    confirmed.router.refuse_next = problem(code, 409, **extra)
    assert confirmed.says("PAY").key == key
    assert confirmed.router.pushes == []


# --- the number to charge --------------------------------------------------------------------------------------------


def test_a_hidden_number_is_asked_for_and_the_answer_is_charged(hidden: Chat) -> None:
    assert hidden.says("PAY").key == "ask_payer"
    answer = hidden.says("0700 000 001")
    assert answer.key == "charge_sent"
    assert pays_asked(answer) == [Pay(SHOP, None, "254700000001")]
    assert "0700 000001" in answer.text


@pytest.mark.parametrize(
    "sentence",
    [
        "please call me on 0700 000 001",
        "tumia hii 0700000001 basi",
        "o número dele é 0700 000 001, obrigado",
        "send 0700000001",
    ],
)
def test_a_number_within_a_sentence_is_shown_before_it_is_charged(hidden: Chat, sentence: str) -> None:
    hidden.says("PAY")
    answer = hidden.says(sentence)
    assert answer.key == "payer_alone"
    assert answer.commands == ()
    assert "*0700 000001*" in answer.text
    assert pays_asked(hidden.says("0700 000001")) == [Pay(SHOP, None, "254700000001")]


def test_a_number_within_a_sentence_that_nobody_asked_for_is_no_answer(hidden: Chat) -> None:
    assert hidden.says("please call me on 0700 000 001").key != "payer_alone"


def test_the_number_that_was_given_is_kept_for_the_next_time(hidden: Chat) -> None:
    hidden.says_each("PAY", "0700000001")
    hidden.router.has_failed(hidden.router.latest().code, FailureReason.WRONG_PIN)
    assert pays_asked(hidden.says("PAY")) == [Pay(SHOP, None, "254700000001")]


def test_the_kept_number_can_be_changed_with_pay(hidden: Chat) -> None:
    hidden.says_each("PAY", "0700000001")
    hidden.router.has_failed(hidden.router.latest().code, FailureReason.WRONG_PIN)
    assert pays_asked(hidden.says("PAY 0700 000 002")) == [Pay(SHOP, None, "254700000002")]


def test_a_kept_number_that_can_no_longer_be_charged_is_forgotten(hidden: Chat) -> None:
    hidden.says_each("PAY", "0700000001")
    hidden.router.refuse_next = problem(ErrorCode.PAYER_INVALID, 422)
    assert hidden.says("PAY").key == "payer_invalid"
    assert pays_asked(hidden.says("PAY")) == [Pay(SHOP, None, None)]


def test_the_answer_may_come_after_other_questions(hidden: Chat) -> None:
    hidden.says_each("PAY", "what for?", "help")
    assert hidden.says("0700000001").key == "charge_sent"


def test_the_question_remembers_which_order_it_was_about(hidden: Chat) -> None:
    hidden.says_each("add bread", "CONFIRM")
    code = hidden.router.latest().code
    hidden.says(f"PAY {code}")
    assert pays_asked(hidden.says("0700000001")) == [Pay(SHOP, code, "254700000001")]


def test_a_number_that_can_not_be_charged_is_asked_for_again(hidden: Chat) -> None:
    hidden.says("PAY")
    assert hidden.says("12345678901").key == "payer_invalid"
    assert hidden.says("+1 202 555 0143").key == "payer_invalid"  # a real form, but not one that M-Pesa has
    assert hidden.says("0700000001").key == "charge_sent"


@pytest.mark.parametrize("text", ["STOP", "cancel", "CANCEL ORDER", "SHOP kamau"])
def test_the_question_for_a_number_is_closed_by(hidden: Chat, text: str) -> None:
    hidden.says_each("PAY", text)
    answer = hidden.says("0700000001")
    assert answer.key == "phone_not_asked"
    assert hidden.router.pushes == []


def test_the_question_for_a_number_closes_after_a_quarter_of_an_hour(hidden: Chat) -> None:
    hidden.says("PAY")
    hidden.waits(timedelta(minutes=15))
    assert hidden.says("0700000001").key == "phone_not_asked"


def test_nobody_can_make_another_phone_ring_where_the_own_number_is_known(confirmed: Chat) -> None:
    assert confirmed.says("PAY 0700000001").key == "payer_must_agree"
    assert confirmed.says("0700000001").key == "phone_not_asked"
    assert confirmed.router.pushes == []


def test_a_pay_that_had_to_wait_is_asked_for_once_more(confirmed: Chat) -> None:
    late = confirmed.says("PAY", waited=timedelta(minutes=11))
    assert late.key == "pay_again"
    assert late.commands == ()
    assert confirmed.says("PAY", waited=timedelta(minutes=9)).key == "charge_sent"


# --- the charge ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reason", "key"),
    [
        (ChargeStatus.CREATED, None, "charge_sent"),
        (ChargeStatus.CLAIMED, None, "charge_sent"),
        (ChargeStatus.ACCEPTED, None, "charge_sent"),
        (ChargeStatus.PAID, None, "charge_paid"),
        (ChargeStatus.UNKNOWN, None, "charge_unknown"),
        (ChargeStatus.FAILED, FailureReason.NOT_SENT, "charge_failed"),
        (ChargeStatus.FAILED, FailureReason.SHOP_SETUP, "charge_failed"),
        (ChargeStatus.EXPIRED, FailureReason.PROMPT_EXPIRED, "charge_failed"),
        (ChargeStatus.FAILED, None, "charge_failed"),
    ],
)
def test_what_became_of_the_charge_is_told(
    confirmed: Chat, status: ChargeStatus, reason: FailureReason | None, key: str
) -> None:
    confirmed.router.charge = ChargeView(charge_id="c", intent_id="", status=status, reason=reason)
    answer = confirmed.says("PAY")
    assert answer.key == key
    assert "KES 120" in answer.text


@pytest.mark.parametrize(("reason", "can_retry"), [(FailureReason.NOT_SENT, True), (FailureReason.SHOP_SETUP, False)])
def test_another_try_is_offered_only_where_it_may_help(confirmed: Chat, reason: FailureReason, can_retry: bool) -> None:
    confirmed.router.charge = ChargeView(charge_id="c", intent_id="", status=ChargeStatus.FAILED, reason=reason)
    assert (f"PAY {confirmed.router.latest().code}" in confirmed.says("PAY").text) is can_retry


@pytest.mark.parametrize(
    ("code", "key"),
    [
        (ErrorCode.GRANT_INVALID, "charge_not_started"),
        (ErrorCode.GRANT_CONFLICT, "our_mistake"),
        (ErrorCode.UNAVAILABLE, "unreachable_payments"),
        (ErrorCode.INTERNAL, "our_mistake"),
    ],
)
def test_a_refused_charge_is_told_without_guessing(confirmed: Chat, code: ErrorCode, key: str) -> None:
    confirmed.router.refuse_after(1, problem(code, 403))
    answer = confirmed.says("PAY")
    assert answer.key == key
    assert any(isinstance(command, StartCharge) for command in answer.commands)


def test_after_stop_paying_says_that_the_receipt_will_wait(confirmed: Chat) -> None:
    confirmed.says("STOP")
    assert "*START*" in confirmed.says("PAY").text
