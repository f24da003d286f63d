"""Purchases in a shop that sells in kwanzas: a prompt of Multicaixa Express, a reference at a cash machine days later,
an e-Kwanza ticket with its picture; and what a customer is told when the money comes late, twice, or never."""

from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.journeys.books import Books
from tests.support.phone import Phone
from tests.support.processes import Shop, eventually

WHO = "Nzinga"
KENYAN = "Achieng"
PRICE = 145_050
WITHIN_S = 20.0
DAY_S = 24 * 3600


def confirmed(phone: Phone, who: str = WHO) -> str:
    """Black beans for AOA 1,450.50, confirmed; returns the order's code."""
    phone.asks(who, "SHOP ilha", containing="Quitanda da Ilha")
    phone.asks(who, "ADD 1", containing="AOA 1,450.50")
    said = phone.asks(who, "CONFIRM", containing="choose how to pay")
    return said.split("*")[1]


def pays_by(phone: Phone, way: str, who: str = WHO) -> int:
    """PAY, and that line of the question; returns the place of the choice."""
    phone.asks(who, "PAY", containing="How do you want to pay")
    return phone.says(who, way)


def reference_of(phone: Phone) -> dict[str, Any]:
    """The one reference or ticket that can be paid."""
    eventually(lambda: len(phone.references()) == 1, "a reference was made")
    return phone.references()[0]


# --- Multicaixa Express ----------------------------------------------------------------------------------------------


def test_a_prompt_of_multicaixa_express_is_approved_and_paid_once(phone: Phone, books: Books) -> None:
    confirmed(phone)
    paying = pays_by(phone, "1")
    said = phone.wait_for_reply(WHO, after=paying)
    assert "923 000 001" in said.body
    prompt = phone.enter_pin(WHO, timeout_s=WITHIN_S)
    assert (prompt.amount_minor, prompt.currency) == (PRICE, "AOA")
    receipt = phone.wait_for_reply(WHO, containing="Paid. Thank you", after=paying, timeout_s=WITHIN_S)
    assert "AOA 1,450.50" in receipt.body
    assert not [one for one in phone.replies(WHO) if "m-pesa" in one.body.lower()]
    books.eventually_statuses("PAID")
    books.one_paid_once(PRICE)


def test_a_declined_prompt_is_explained_and_paid_by_reference_instead(phone: Phone, books: Books) -> None:
    confirmed(phone)
    paying = pays_by(phone, "1")
    phone.wait_for_reply(WHO, after=paying)
    phone.cancel(WHO, timeout_s=WITHIN_S)
    told = phone.wait_for_reply(WHO, containing="PAY OTHER", after=paying, timeout_s=WITHIN_S)
    assert "Multicaixa Express" in told.body
    phone.asks(WHO, "PAY OTHER", containing="Reference")
    said = phone.says(WHO, "reference")
    phone.wait_for_reply(WHO, containing="Entity", after=said, timeout_s=WITHIN_S)
    phone.pay_reference(reference_of(phone)["reference"])
    phone.wait_for_reply(WHO, containing="Paid. Thank you", after=said, timeout_s=WITHIN_S)
    books.eventually_statuses("PAID")
    books.one_paid_once(PRICE)


def test_a_customer_without_an_angolan_number_is_asked_for_one(phone: Phone, books: Books) -> None:
    confirmed(phone, KENYAN)
    said = pays_by(phone, "1", KENYAN)
    phone.wait_for_reply(KENYAN, containing="Which number", after=said)
    said = phone.says(KENYAN, "923 000 001")
    phone.wait_for_reply(KENYAN, containing="923 000 001", after=said)
    phone.enter_pin(WHO, timeout_s=WITHIN_S)
    phone.wait_for_reply(KENYAN, containing="Paid. Thank you", after=said, timeout_s=WITHIN_S)
    books.one_paid_once(PRICE)


# --- a reference -----------------------------------------------------------------------------------------------------


def test_a_reference_is_told_and_told_again_and_paid_two_days_later(phone: Phone, books: Books) -> None:
    confirmed(phone)
    asked = pays_by(phone, "2")
    told = phone.wait_for_reply(WHO, containing="Entity", after=asked, timeout_s=WITHIN_S)
    open_reference = reference_of(phone)
    digits = open_reference["reference"]
    spoken = " ".join(digits[at : at + 3] for at in range(0, len(digits), 3))
    assert spoken in told.body
    assert str(open_reference["entity"]) in told.body
    assert "AOA 1,450.50" in told.body
    for word in ("PAY", "STATUS"):
        assert spoken in phone.asks(WHO, word, containing="Entity")
    phone.advance(2 * DAY_S)
    assert spoken in phone.asks(WHO, "STATUS", containing="Entity")  # and the day's window is open again
    said = phone.says(WHO, "thanks")
    phone.pay_reference(digits)
    receipt = phone.wait_for_reply(WHO, containing="Paid. Thank you", after=said, timeout_s=WITHIN_S)
    assert "AOA 1,450.50" in receipt.body
    books.eventually_statuses("PAID")
    books.one_paid_once(PRICE)
    assert len(phone.ekwanza_charges()) == 1


def test_a_reference_that_nobody_pays_runs_out_and_a_new_one_can_be_paid(phone: Phone, books: Books) -> None:
    code = confirmed(phone)
    asked = pays_by(phone, "2")
    phone.wait_for_reply(WHO, containing="Entity", after=asked, timeout_s=WITHIN_S)
    first = reference_of(phone)["reference"]
    phone.advance(73 * 3600)
    phone.says(WHO, "hello")  # so that the shop may write

    def has_run_out() -> bool:
        return "is over: please don't pay it" in phone.asks(WHO, "STATUS", containing=code)

    eventually(has_run_out, "the reference has run out", within_s=60)
    said = phone.says(WHO, "PAY")
    phone.wait_for_reply(WHO, containing="Entity", after=said, timeout_s=WITHIN_S)
    eventually(lambda: any(one["reference"] != first for one in phone.references()), "a new reference was made")
    (second,) = [one["reference"] for one in phone.references() if one["reference"] != first]
    phone.pay_reference(second)
    phone.wait_for_reply(WHO, containing="Paid. Thank you", after=said, timeout_s=WITHIN_S)
    books.eventually_statuses("PAID")
    books.one_paid_once(PRICE)


def test_news_of_a_reference_that_comes_twice_has_one_effect(phone: Phone, books: Books) -> None:
    phone.faults(ekwanza_webhook_twice=True)
    confirmed(phone)
    asked = pays_by(phone, "2")
    phone.wait_for_reply(WHO, containing="Entity", after=asked, timeout_s=WITHIN_S)
    phone.pay_reference(reference_of(phone)["reference"])
    phone.wait_for_reply(WHO, containing="Paid. Thank you", after=asked, timeout_s=WITHIN_S)
    books.eventually_statuses("PAID")
    books.one_paid_once(PRICE)
    assert len([one for one in phone.replies(WHO, asked) if "Paid. Thank you" in one.body]) == 1


@pytest.mark.parametrize("fault", [{"ekwanza_webhook_lost": True}, {"ekwanza_webhook_delay_s": 7200}])
def test_news_of_a_reference_that_is_lost_or_hours_late_still_ends_in_one_receipt(
    phone: Phone, books: Books, fault: dict[str, bool | int]
) -> None:
    phone.faults(**fault)
    confirmed(phone)
    asked = pays_by(phone, "2")
    phone.wait_for_reply(WHO, containing="Entity", after=asked, timeout_s=WITHIN_S)
    phone.pay_reference(reference_of(phone)["reference"])
    phone.advance(3 * 3600)
    books.eventually_statuses("PAID")
    phone.wait_for_reply(WHO, containing="Paid. Thank you", after=asked, timeout_s=WITHIN_S)
    books.one_paid_once(PRICE)
    assert len([one for one in phone.replies(WHO, asked) if "Paid. Thank you" in one.body]) == 1


# --- a ticket --------------------------------------------------------------------------------------------------------


def fetched(url: str) -> tuple[int, str, bytes]:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type", ""), answer.read()
    finally:
        connection.close()


def test_a_ticket_comes_with_a_picture_to_scan_and_is_paid(phone: Phone, books: Books) -> None:
    confirmed(phone)
    asked = pays_by(phone, "3")
    told = phone.wait_for_reply(WHO, containing="e-Kwanza code: *", after=asked, timeout_s=WITHIN_S)
    ticket = reference_of(phone)["reference"]
    assert told.media == "image"
    (sent,) = [one["content"] for one in phone.twilio_requests() if "MediaUrl" in one["content"]]
    status, kind, picture = fetched(str(sent["MediaUrl"]))
    assert (status, kind) == (200, "image/png")
    assert picture.startswith(b"\x89PNG")
    phone.pay_reference(ticket)
    phone.wait_for_reply(WHO, containing="Paid. Thank you", after=asked, timeout_s=WITHIN_S)
    books.eventually_statuses("PAID")
    books.one_paid_once(PRICE)


# --- money that was paid by hand to an M-Pesa till -------------------------------------------------------------------


def confirmed_in_shillings(phone: Phone) -> str:
    """Tomatoes for KES 120; returns the order's code."""
    phone.asks(KENYAN, "SHOP mama")
    phone.asks(KENYAN, "MENU")
    phone.asks(KENYAN, "ADD 2", containing="total")
    return phone.asks(KENYAN, "CONFIRM", containing="PAY").split("*")[1]


def test_money_paid_to_the_till_with_the_orders_code_pays_the_order(phone: Phone, books: Books) -> None:
    code = confirmed_in_shillings(phone)
    paid = phone.pay_till(KENYAN, "174379", 120, code)
    receipt = phone.wait_for_reply(KENYAN, containing="Paid. Thank you", timeout_s=WITHIN_S)
    assert str(paid["id"]) in receipt.body
    books.eventually_statuses("PAID")
    assert books.ledger("paid") == [12_000]
    assert phone.pushes() == []


@pytest.mark.parametrize(("amount", "words"), [(100, "less than its total"), (150, "more than its total")])
def test_another_amount_paid_to_the_till_is_with_the_shop(
    shop: Shop, phone: Phone, books: Books, amount: int, words: str
) -> None:
    code = confirmed_in_shillings(phone)
    phone.pay_till(KENYAN, "174379", amount, code)
    told = phone.wait_for_reply(KENYAN, containing=words, timeout_s=WITHIN_S)
    assert f"KES {amount}" in told.body
    assert "The shop knows" in told.body
    assert books.exceptions() == ["under" if amount < 120 else "over"]
    books.eventually_statuses("CONFIRMED")
