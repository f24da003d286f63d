"""A customer names the code of M-Pesa's message: what they are told of that money, and what the shop's people are."""

import pytest

from bot.conversation.model import ListOrders, NameReceipt
from contracts.chat_api import AlertKind, AlertNews
from contracts.claims import ReceiptStanding, ReceiptView
from contracts.events import ClaimNews, EventType
from contracts.money import Currency
from contracts.states import ExceptionKind
from tests.support.chat import Chat

SHOP = "vendor-mama"
RECEIPT = "QGH7XYZ123"


def knows(chat: Chat, standing: ReceiptStanding, code: str | None = None, *, is_for_other: bool = False) -> None:
    chat.router.receipts[RECEIPT] = ReceiptView(standing=standing, order_code=code, is_for_other=is_for_other)


@pytest.mark.parametrize("words", [RECEIPT, f"{RECEIPT} Confirmed. Ksh120.00 sent to MAMA NJERI", f"{RECEIPT}."])
def test_the_code_is_asked_about_and_nothing_else_first(confirmed: Chat, words: str) -> None:
    knows(confirmed, ReceiptStanding.WAITING)
    answer = confirmed.says(words)
    assert answer.commands == (NameReceipt(SHOP, RECEIPT),)
    assert answer.key == "receipt_waiting"


@pytest.mark.parametrize(
    ("language", "has_reached"),
    [
        ("english", "has reached *Mama Njeri"),
        ("kiswahili", "yamefika *Mama Njeri"),
        ("português", "chegou a *Mama Njeri"),
    ],
)
def test_money_that_a_person_has_to_look_at_is_said_to_have_come_without_its_amount(
    confirmed: Chat, language: str, has_reached: str
) -> None:
    confirmed.says(language)
    knows(confirmed, ReceiptStanding.WAITING)
    answer = confirmed.says(RECEIPT)
    assert (has_reached in answer.text, RECEIPT in answer.text) == (True, True)
    assert "KES" not in answer.text
    assert "120" not in answer.text.replace(RECEIPT, "")


def test_money_that_was_dealt_with_is_said_to_be_and_a_person_is_a_tap_away(confirmed: Chat) -> None:
    knows(confirmed, ReceiptStanding.SETTLED)
    answer = confirmed.says(RECEIPT)
    assert answer.key == "receipt_settled"
    assert [option.title.key for option in confirmed.replies[-1].options] == ["button_person"]


def test_a_code_that_says_nothing_is_answered_from_the_orders(confirmed: Chat) -> None:
    answer = confirmed.says(RECEIPT)
    assert answer.commands == (NameReceipt(SHOP, RECEIPT), ListOrders(SHOP))
    assert answer.key == "paid_not_seen"


def test_one_s_own_payment_shows_its_order(confirmed: Chat) -> None:
    code = confirmed.router.latest().code
    confirmed.router.is_paid(code, RECEIPT)
    knows(confirmed, ReceiptStanding.PAID, code)
    assert code in confirmed.says(RECEIPT).text


def test_one_s_own_payment_of_long_ago_names_its_order(confirmed: Chat) -> None:
    knows(confirmed, ReceiptStanding.PAID, "KMNPQR")
    answer = confirmed.says(RECEIPT)
    assert (answer.key, "KMNPQR" in answer.text) == ("receipt_paid", True)


def test_who_paid_for_somebody_else_hears_that_it_did(confirmed: Chat) -> None:
    knows(confirmed, ReceiptStanding.PAID, "KMNPQR", is_for_other=True)
    answer = confirmed.says(RECEIPT)
    assert (answer.key, "KMNPQR" in answer.text) == ("receipt_paid_other", True)
    assert answer.commands == (NameReceipt(SHOP, RECEIPT),)


def test_i_have_paid_without_a_code_asks_for_the_orders_alone(confirmed: Chat) -> None:
    assert confirmed.says("I have paid").commands == (ListOrders(SHOP),)


def test_the_shop_s_people_read_who_names_the_code_and_that_it_proves_nothing(in_shop: Chat) -> None:
    alert = AlertNews(
        alert=AlertKind.MONEY_CLAIMED,
        customer_address="whatsapp:+254700000009",
        shop_name="Mama Njeri",
        about_address="whatsapp:+254708374149",
        about_name="Achieng",
        order_code="CDFGHJ",
        amount_minor=12000,
        currency=Currency.KES,
        text=RECEIPT,
    )
    told = in_shop.hears(in_shop.router.people.event(EventType.SHOP_ALERT, alert.model_dump(mode="json")))
    assert told is not None
    assert all(word in told for word in ("KES 120", RECEIPT, "Achieng", "CDFGHJ", "proves nothing"))


def test_an_alert_of_money_that_names_no_shop_names_it_all_the_same(in_shop: Chat) -> None:
    alert = AlertNews(
        alert=AlertKind.MONEY_SET_ASIDE,
        customer_address="whatsapp:+254700000009",
        shop_name="",
        amount_minor=12000,
        currency=Currency.KES,
    )
    told = in_shop.hears(in_shop.router.people.event(EventType.SHOP_ALERT, alert.model_dump(mode="json")))
    assert told is not None
    assert "*Mama Njeri" in told


def test_the_customer_hears_nothing_of_a_claim_itself(in_shop: Chat) -> None:
    news = ClaimNews(
        exception_id="e1",
        kind=ExceptionKind.UNMATCHED,
        amount_minor=12000,
        currency=Currency.KES,
        receipt=RECEIPT,
        customer_address="whatsapp:+254708374149",
        shop_name="Mama Njeri",
    )
    assert in_shop.hears(in_shop.router.people.event(EventType.PAYMENT_CLAIMED, news.model_dump(mode="json"))) is None
