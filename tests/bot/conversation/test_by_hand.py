"""Whoever asks how to pay, or whose phone takes no prompt, is told the shop's own number and the account to type."""

import pytest

from bot.conversation.model import ListOrders
from contracts.events import EventType
from contracts.router_api import PaymentView
from contracts.states import FailureReason, IntentStatus, RequestStatus
from tests.support.chat import Chat

SHOP = "vendor-mama"
PAYBILL, TILL = "174379", "5551234"


def shows(chat: Chat, *, paybill: str | None = None, till: str | None = None) -> None:
    """The shop shows these numbers from now on, and the customer comes in again."""
    shop = chat.router.shop(SHOP)
    shop.paybill, shop.till = paybill, till
    chat.says("SHOP mama")


@pytest.mark.parametrize("words", ["how do I pay", "nalipa till gani", "paybill", "como pago"])
def test_who_asks_how_to_pay_is_told_the_number_and_the_account(confirmed: Chat, words: str) -> None:
    shows(confirmed, paybill=PAYBILL)
    answer = confirmed.says(words)
    assert answer.key == "say_pay"
    assert answer.commands == (ListOrders(SHOP),)
    assert all(part in answer.text for part in (PAYBILL, f"*{confirmed.router.latest().code}*", "120"))
    assert confirmed.router.pushes == []


@pytest.mark.parametrize(
    ("language", "word"), [("english", "account number"), ("kiswahili", "akaunti"), ("português", "conta")]
)
def test_every_language_says_which_account_to_type(confirmed: Chat, language: str, word: str) -> None:
    shows(confirmed, paybill=PAYBILL)
    confirmed.says(language)
    assert word in confirmed.says("paybill").text


def test_at_a_till_the_code_of_m_pesa_s_message_is_asked_for(confirmed: Chat) -> None:
    shows(confirmed, till=TILL)
    text = confirmed.says("till number").text
    assert TILL in text
    assert "code of M-Pesa's message" in text


def test_without_a_number_nothing_is_said_of_it_and_nothing_asked(confirmed: Chat) -> None:
    shows(confirmed)
    answer = confirmed.says("paybill")
    assert (answer.key, answer.commands) == ("say_pay", ())
    assert "Lipa na M-Pesa" not in answer.text


def test_who_has_nothing_to_pay_is_told_no_account(in_shop: Chat) -> None:
    shows(in_shop, paybill=PAYBILL)
    assert PAYBILL not in in_shop.says("paybill").text


@pytest.mark.parametrize(("left", "is_told"), [(2, False), (1, True), (0, True)])
def test_after_two_prompts_that_came_to_nothing_the_other_way_is_told(
    confirmed: Chat, left: int, *, is_told: bool
) -> None:
    shows(confirmed, paybill=PAYBILL)
    (order,) = confirmed.router.orders
    payment = PaymentView(
        request_id="r1", request_status=RequestStatus.PENDING, intent_status=IntentStatus.FAILED,
        attempts_left_today=left,
    )  # fmt: skip
    order.view = order.view.model_copy(update={"payment": payment})
    news = confirmed.router.payment_news(
        order.view.code, EventType.PAYMENT_FAILED, FailureReason.UNREACHABLE, may_retry=True
    )
    text = confirmed.hears(news)
    assert text is not None
    assert (PAYBILL in text) == is_told
