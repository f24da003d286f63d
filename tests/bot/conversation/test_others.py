"""Paying for somebody else: shown first, agreed to with YES, from one's own phone only."""

from datetime import timedelta

import pytest

from bot.conversation.model import FindOther, Pay, StartCharge
from bot.conversation.taps import Action, Tap
from contracts.errors import ErrorCode
from contracts.events import DomainEvent, EventType, PaidForNews, RefundedToNews
from contracts.money import Currency
from contracts.router_api import OtherOrder
from contracts.states import FailureReason, IntentStatus, OrderStatus, Rail
from tests.support.chat import START, Answer, Chat
from tests.support.fake_router import OWN_MSISDN, problem

SHOP = "vendor-mama"
CODE = "CDFGHJ"
BUTTON = Tap(Action.PAY_FOR, CODE, vendor_id=SHOP).token()


def an_order(**changes: object) -> OtherOrder:
    order = OtherOrder(
        code=CODE,
        customer_name="Amina",
        total_minor=30_000,
        currency=Currency.KES,
        status=OrderStatus.CONFIRMED,
        payer_msisdn=OWN_MSISDN,
    )
    return order.model_copy(update=changes)


@pytest.fixture
def baraka() -> Chat:
    """Somebody who knows the code of Amina's order at Mama's, and never wrote to her shop."""
    chat = Chat()
    chat.own_msisdn = OWN_MSISDN
    chat.router.of_others[CODE] = an_order()
    return chat


def asked_to_pay(answer: Answer) -> list[Pay]:
    return [command for command in answer.commands if isinstance(command, Pay)]


def test_the_code_and_the_shop_s_word_show_the_order_before_anything_is_charged(baraka: Chat) -> None:
    answer = baraka.says(f"PAY {CODE} MAMA")
    assert answer.key == "other_order"
    for part in ("Amina", CODE, "Mama Njeri Groceries", "KES 300", "0708 374149", "M-Pesa", "*YES*"):
        assert part in answer.text
    assert asked_to_pay(answer) == []
    assert baraka.router.pushes == []


@pytest.mark.parametrize("text", ["YES", "Ndiyo", "sim"])
def test_yes_charges_the_writer_s_own_phone(baraka: Chat, text: str) -> None:
    baraka.says(f"lipa {CODE.lower()} mama")
    answer = baraka.says(text)
    assert answer.key == "charge_sent"
    assert asked_to_pay(answer) == [Pay(SHOP, CODE, is_for_other=True)]
    assert "300*" in answer.text
    assert "0708 374149" in answer.text


def test_the_button_agrees_too_and_only_to_the_order_that_was_shown(baraka: Chat) -> None:
    assert baraka.says_each("SHOP mama", f"PAY {CODE}").key == "other_order"
    other = Tap(Action.PAY_FOR, "KMPRTW", vendor_id=SHOP).token()
    assert baraka.taps(other).key == "order_unknown"
    assert baraka.taps(BUTTON).key == "charge_sent"
    again = baraka.taps(BUTTON)  # what was agreed to is over: it is shown anew
    assert again.key == "other_order"
    assert len(baraka.router.pushes) == 1


@pytest.mark.parametrize("between", ["NO", "menu", "thanks", "STOP", "SHOP kamau", "CANCEL"])
def test_a_yes_to_something_else_pays_for_nobody(baraka: Chat, between: str) -> None:
    baraka.says_each(f"PAY {CODE} MAMA", between)
    assert asked_to_pay(baraka.says("YES")) == []
    assert baraka.router.pushes == []


def test_the_question_closes_after_a_quarter_of_an_hour_and_a_late_yes_is_asked_for_anew(baraka: Chat) -> None:
    baraka.says(f"PAY {CODE} MAMA")
    assert baraka.says("YES", waited=timedelta(minutes=11)).key == "pay_again"
    baraka.says(f"PAY {CODE}")
    baraka.waits(timedelta(minutes=15))
    assert baraka.says("YES").key == "yes_unclear"
    assert baraka.router.pushes == []


def test_the_same_message_twice_agrees_to_nothing(baraka: Chat) -> None:
    answer = baraka.says_each(f"PAY {CODE} MAMA", f"PAY {CODE} MAMA")
    assert answer.key == "other_order"
    assert baraka.router.pushes == []


def test_an_own_order_is_paid_at_once_wherever_its_shop_is_named(confirmed: Chat) -> None:
    code = confirmed.router.latest().code
    answer = confirmed.says(f"PAY {code} MAMA")
    assert answer.key == "charge_sent"
    assert asked_to_pay(answer) == [Pay(SHOP, code)]


def test_a_code_that_nobody_has_is_unknown(confirmed: Chat) -> None:
    answer = confirmed.says("PAY CDFGHX")
    assert (answer.key, FindOther(SHOP, "CDFGHX") in answer.commands) == ("order_unknown", True)


def test_a_shop_that_nobody_knows_pays_nothing(baraka: Chat) -> None:
    assert baraka.says(f"PAY {CODE} nobody").key == "pay_alone"


@pytest.mark.parametrize(
    ("changes", "key"),
    [({"payer_msisdn": None}, "other_needs_number"), ({"status": OrderStatus.PAID}, "other_closed")],
)
def test_what_can_not_be_paid_from_here_is_said_before_anything_is_asked(
    baraka: Chat, changes: dict[str, object], key: str
) -> None:
    baraka.router.of_others[CODE] = an_order(**changes)
    assert baraka.says(f"PAY {CODE} MAMA").key == key
    assert asked_to_pay(baraka.says("YES")) == []


def test_an_order_without_a_name_is_somebody_else_s(baraka: Chat) -> None:
    baraka.router.of_others[CODE] = an_order(customer_name="")
    assert "of somebody else" in baraka.says(f"PAY {CODE} MAMA").text


@pytest.mark.parametrize(
    ("code", "key"),
    [
        (ErrorCode.PAYMENT_IN_PROGRESS, "other_in_progress"),
        (ErrorCode.ORDER_TRANSITION_REFUSED, "other_closed"),
        (ErrorCode.PAYER_MISSING, "other_needs_number"),
        (ErrorCode.ITEM_SOLD_OUT, "pay_sold_out_short"),
        (ErrorCode.ATTEMPTS_EXHAUSTED, "attempts_exhausted"),
        (ErrorCode.PAYER_BUSY, "payer_busy"),
    ],
)
def test_why_it_is_not_charged_after_all_is_said(baraka: Chat, code: ErrorCode, key: str) -> None:
    baraka.says(f"PAY {CODE} MAMA")
    baraka.router.refuse_next = problem(code)
    answer = baraka.says("YES")
    assert answer.key == key
    assert not any(isinstance(command, StartCharge) for command in answer.commands)


def test_the_pay_button_below_a_failure_shows_the_order_again(baraka: Chat) -> None:
    baraka.says_each(f"PAY {CODE} MAMA", "YES")
    pay = Tap(Action.PAY, CODE, "intent-other", SHOP).token()
    assert baraka.taps(pay).key == "other_order"


def test_the_payer_s_receipt_names_the_order_the_amount_and_the_code_and_nothing_of_the_goods(baraka: Chat) -> None:
    baraka.says(f"PAY {CODE} MAMA")
    news = PaidForNews(
        customer_address="whatsapp:+254700000001",
        customer_name="Amina",
        shop_name="Mama Njeri Groceries",
        order_id="order-1",
        order_code=CODE,
        amount_minor=30_000,
        currency=Currency.KES,
        rail=Rail.MPESA_STK,
        receipt="TKL4H7XQ2P",
        paid_at=START,
    )
    told = baraka.hears(
        DomainEvent(
            event_id="e1",
            type=EventType.ORDER_PAID_FOR,
            vendor_id=SHOP,
            aggregate="order:order-1",
            occurred_at=START,
            data=news.model_dump(mode="json"),
        )
    )
    assert told is not None
    for part in ("KES 300", CODE, "Amina", "Mama Njeri Groceries", "TKL4H7XQ2P"):
        assert part in told


def test_the_payer_hears_that_their_money_came_back_for_which_order_and_nothing_of_the_goods(baraka: Chat) -> None:
    news = RefundedToNews(
        customer_address="whatsapp:+254700000001",
        shop_name="Mama Njeri Groceries",
        order_code=CODE,
        refund_id="refund-1",
        amount_minor=30_000,
        currency=Currency.KES,
        receipt="TKL4H7XQ2P",
    )
    told = baraka.hears(
        DomainEvent(
            event_id="e2",
            type=EventType.PAYMENT_REFUNDED_TO,
            vendor_id=SHOP,
            aggregate="order:order-1",
            occurred_at=START,
            data=news.model_dump(mode="json"),
        )
    )
    assert told is not None
    for part in ("KES 300", "back to you", CODE, "Mama Njeri Groceries", "TKL4H7XQ2P"):
        assert part in told


# --- whose order it is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("english", "back to whoever paid it"),
        ("kiswahili", "kwa aliyelipia oda yako"),
        ("português", "a quem pagou o seu pedido"),
    ],
)
def test_whose_order_it_is_hears_that_the_money_went_back_to_whoever_paid(
    confirmed: Chat, language: str, told: str
) -> None:
    confirmed.says(language)
    code = confirmed.router.latest().code
    news = confirmed.router.refund_news(code, EventType.PAYMENT_REFUNDED, 12_000, "TKL4H7XQ2P")
    text = confirmed.hears(news.model_copy(update={"data": {**news.data, "is_by_other": True}}))
    assert text is not None
    assert all(part in text for part in (told, code, "120"))
    assert "TKL4H7XQ2P" not in text  # the payer's


@pytest.mark.parametrize("text", ["PAY 0700000001", "pay with mama's number 0700000001", "lipa kwa 0700 000 001"])
def test_who_names_another_number_is_told_what_its_owner_writes(confirmed: Chat, text: str) -> None:
    answer = confirmed.says(text)
    code = confirmed.router.latest().code
    assert answer.key == "payer_must_agree"
    for part in (f"{code} MAMA", "0700 000001"):
        assert part in answer.text
    assert confirmed.router.pushes == []
    assert confirmed.says("PAY").key == "charge_sent"  # with the own number, as ever


def test_the_own_number_may_be_written_out(confirmed: Chat) -> None:
    assert confirmed.says("PAY 0708 374 149").key == "charge_sent"


def test_a_customer_who_named_enough_numbers_today_hears_so() -> None:
    chat = Chat()
    chat.router.own_msisdn = None
    chat.says_each("SHOP mama", "add milk", "CONFIRM", "PAY")
    chat.router.refuse_next = problem(ErrorCode.TOO_MANY_PAYERS, 429)
    assert chat.says("0700000001").key == "too_many_payers"


def test_while_another_pays_the_customer_s_own_phone_is_not_spoken_of(confirmed: Chat) -> None:
    confirmed.says("PAY")
    code = confirmed.router.latest().code
    confirmed.router.is_paid_by_other(code)
    assert confirmed.says("PAY").key == "payment_by_other"
    assert "on your phone" not in confirmed.says("STATUS").text
    assert confirmed.says("PAID").key == "payment_by_other"


# --- I have paid -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["PAID", "nimelipa", "já paguei", "I have paid"])
def test_i_have_paid_is_answered_from_the_books(confirmed: Chat, text: str) -> None:
    order = confirmed.router.latest()
    assert confirmed.says(text).key == "paid_not_seen"
    confirmed.says("PAY")
    assert confirmed.says(text).key == "paid_waiting"
    confirmed.router.set_intent(order.code, IntentStatus.UNKNOWN)
    assert confirmed.says(text).key == "payment_being_checked"
    confirmed.router.is_paid(order.code, "TKL4H7XQ2P")
    answer = confirmed.says(text)
    assert answer.key == "paid_seen"
    for part in ("Thank you", order.code, "KES 120", "TKL4H7XQ2P"):
        assert part in answer.text


def test_after_an_earlier_receipt_i_have_paid_is_about_the_order_that_waits(confirmed: Chat) -> None:
    confirmed.router.is_paid(confirmed.router.latest().code)
    confirmed.waits(timedelta(hours=1))
    confirmed.says_each("add bread", "CONFIRM")
    answer = confirmed.says("nimelipa")
    assert answer.key == "paid_not_seen"
    assert confirmed.router.latest().code in answer.text


@pytest.mark.parametrize("text", ["TKL4H7XQ2P", "TKL4H7XQ2P Confirmed. Ksh120.00 sent to MAMA NJERI on 20/11/26."])
def test_the_code_of_an_m_pesa_message_is_looked_for_and_credits_nothing(confirmed: Chat, text: str) -> None:
    assert confirmed.says(text).key == "paid_not_seen"
    assert confirmed.router.latest().status is OrderStatus.CONFIRMED
    code = confirmed.router.latest().code
    confirmed.router.is_paid(code, "TKL4H7XQ2P")
    confirmed.waits(timedelta(hours=1))
    confirmed.says_each("add bread", "CONFIRM")
    answer = confirmed.says(text)
    assert (answer.key, code in answer.text) == ("paid_seen", True)
    assert confirmed.says("TKL4H7XQ2Q").key == "paid_not_seen"


def test_i_have_paid_without_any_order_says_there_is_none() -> None:
    chat = Chat()
    assert chat.says_each("SHOP mama", "PAID").key == "no_orders"


# --- before and after a push ------------------------------------------------------------------------------------------


def buttons(chat: Chat) -> list[str]:
    return [option.title.key for option in chat.replies[-1].options]


def test_after_a_failure_shop_amount_and_phone_are_said_again_with_what_can_be_done(confirmed: Chat) -> None:
    confirmed.says("PAY")
    code = confirmed.router.latest().code
    told = confirmed.hears(confirmed.router.has_failed(code, FailureReason.INSUFFICIENT_FUNDS))
    assert told is not None
    for part in ("KES 120", "Mama Njeri Groceries", code, "0708 374149", "not enough money"):
        assert part in told
    assert buttons(confirmed) == ["button_pay_again", "button_payer"]
    again, another = (option.payload for option in confirmed.replies[-1].options)
    asked = confirmed.taps(another)
    assert asked.key == "other_payer"
    assert f"*PAY {code} MAMA*" in asked.text
    assert confirmed.taps(again).key == "charge_sent"


def test_a_hidden_customer_is_asked_for_another_number() -> None:
    chat = Chat()
    chat.router.own_msisdn = None
    chat.says_each("SHOP mama", "add milk", "CONFIRM", "PAY", "0700000001")
    code = chat.router.latest().code
    told = chat.hears(chat.router.has_failed(code, FailureReason.WRONG_PIN))
    assert told is not None
    another = next(one.payload for one in chat.replies[-1].options if one.title.key == "button_payer")
    assert chat.taps(another).key == "ask_payer"
    assert asked_to_pay(chat.says("0700000002")) == [Pay(SHOP, code, "254700000002")]


def test_which_order_is_asked_with_the_shop_and_the_phone(with_cart: Chat) -> None:
    with_cart.confirms_two()
    asked = with_cart.says("PAY").text
    for part in ("Mama Njeri Groceries", "KES 65", "KES 60", "0708 374149"):
        assert part in asked
