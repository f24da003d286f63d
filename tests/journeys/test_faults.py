"""The faults of the outside world, one by one: the purchase ends right, and nothing is charged or answered twice."""

import pytest

from dukani.processes import Process
from tests.journeys.books import Books
from tests.journeys.test_purchase import WHO, confirmed
from tests.support.phone import Phone
from tests.support.processes import Shop, eventually

PRICE_MINOR = 12_000


def pay(phone: Phone) -> str:
    """Reply PAY, type the PIN; returns the receipt number that M-Pesa gave."""
    phone.says(WHO, "PAY")
    prompt = phone.enter_pin(WHO)
    assert prompt.receipt
    return prompt.receipt


def receipts(phone: Phone, receipt: str) -> int:
    return sum(receipt in one.body for one in phone.replies(WHO))


def test_a_callback_that_comes_twice_pays_once(phone: Phone, books: Books) -> None:
    confirmed(phone)
    phone.faults(callback_twice=True)
    receipt = pay(phone)
    phone.wait_for_reply(WHO, containing=receipt)
    eventually(lambda: phone.callbacks() >= 2, "the second callback was sent")
    phone.asks(WHO, "HELP")
    books.one_paid_once(PRICE_MINOR)
    assert receipts(phone, receipt) == 1


def test_a_late_callback_is_still_a_payment(phone: Phone, books: Books) -> None:
    confirmed(phone)
    phone.faults(callback_delay_s=45)
    receipt = pay(phone)
    assert books.order_statuses() == ["CONFIRMED"]
    phone.advance(50)
    books.eventually_statuses("PAID")
    phone.wait_for_reply(WHO, containing="120")
    books.one_paid_once(PRICE_MINOR)
    assert receipts(phone, receipt) <= 1


def test_a_lost_callback_is_found_out_by_asking(phone: Phone, books: Books) -> None:
    confirmed(phone)
    phone.faults(callback_lost=True)
    said = phone.says(WHO, "PAY")
    phone.enter_pin(WHO)
    for _ in range(4):
        phone.advance(30)
    books.eventually_statuses("PAID")
    phone.wait_for_reply(WHO, containing="paid", after=said + 1)
    books.one_paid_once(PRICE_MINOR)


def test_a_callback_before_the_reply_to_the_push_is_matched(phone: Phone, books: Books) -> None:
    confirmed(phone)
    phone.faults(callback_before_reply=True)
    said = phone.says(WHO, "PAY")
    books.eventually_statuses("PAID")
    eventually(lambda: len(phone.replies(WHO, said)) >= 2, "the answer to PAY and the receipt")
    books.one_paid_once(PRICE_MINOR)
    assert len(phone.pushes()) == 1


def test_a_push_that_times_out_after_it_was_accepted_is_never_pushed_again(phone: Phone, books: Books) -> None:
    confirmed(phone)
    phone.faults(push_timeout=True)
    phone.says(WHO, "PAY")
    phone.wait_for_prompt(WHO)
    prompt = phone.enter_pin(WHO)
    phone.wait_for_reply(WHO, containing=prompt.receipt or "?", timeout_s=40)
    books.eventually_statuses("PAID")
    books.one_paid_once(PRICE_MINOR)
    assert len(phone.pushes()) == 1


def test_a_smaller_amount_than_asked_is_not_taken_for_payment(phone: Phone, books: Books) -> None:
    confirmed(phone)
    phone.faults(wrong_amount=True)
    said = phone.says(WHO, "PAY")
    phone.enter_pin(WHO)
    eventually(lambda: books.exceptions() == ["under"], "the exception is recorded")
    eventually(lambda: len(phone.replies(WHO, said)) >= 2, "the customer is told")
    assert books.order_statuses() == ["CONFIRMED"]
    assert books.ledger("paid") == []


@pytest.mark.parametrize("fault", ["push_busy", "push_error_html", "token_dead"])
def test_a_provider_in_trouble_ends_in_a_prompt_or_an_honest_sentence(phone: Phone, books: Books, fault: str) -> None:
    confirmed(phone)
    phone.faults(**{fault: 1})
    said = phone.says(WHO, "PAY")
    eventually(
        lambda: len(phone.replies(WHO, said)) >= 2 or bool(phone.prompts(WHO)), "a prompt, or word of what went wrong"
    )
    assert len(phone.pushes()) <= 1
    assert books.order_statuses() == ["CONFIRMED"]


@pytest.mark.parametrize("fault", ["query_pending_500", "query_4999"])
def test_a_query_that_says_still_pending_changes_nothing(phone: Phone, books: Books, fault: str) -> None:
    confirmed(phone)
    phone.faults(**{fault: True})
    phone.says(WHO, "PAY")
    phone.wait_for_prompt(WHO)
    phone.advance(20)
    phone.advance(20)
    assert books.order_statuses() == ["CONFIRMED"]
    prompt = phone.enter_pin(WHO)
    phone.wait_for_reply(WHO, containing=prompt.receipt or "?")
    books.eventually_statuses("PAID")
    books.one_paid_once(PRICE_MINOR)


def test_a_query_that_denies_a_payment_does_not_undo_it(phone: Phone, books: Books) -> None:
    confirmed(phone)
    phone.faults(query_says_failed=True)
    receipt = pay(phone)
    phone.wait_for_reply(WHO, containing=receipt)
    for _ in range(3):
        phone.advance(60)
    phone.asks(WHO, "HELP")
    books.one_paid_once(PRICE_MINOR)


def test_twilio_at_its_limit_delays_the_answer_and_loses_nothing(phone: Phone) -> None:
    phone.asks(WHO, "SHOP mama")
    phone.faults(twilio_429=2)
    said = phone.says(WHO, "MENU")
    for _ in range(4):
        phone.advance(5)
    phone.wait_for_reply(WHO, containing="1", after=said)
    assert len(phone.replies(WHO, said)) == 1


@pytest.mark.parametrize("fault", ["twilio_timeout", "twilio_500"])
def test_a_receipt_whose_sending_was_cut_off_reaches_the_customer_once(phone: Phone, books: Books, fault: str) -> None:
    confirmed(phone)
    phone.says(WHO, "PAY")
    phone.wait_for_prompt(WHO)
    phone.faults(**{fault: 1})
    prompt = phone.enter_pin(WHO)
    books.eventually_statuses("PAID")

    def found() -> bool:
        phone.advance(2)
        return receipts(phone, prompt.receipt or "?") > 0

    eventually(found, "the receipt", 40)
    for _ in range(10):
        phone.advance(10)
    phone.asks(WHO, "HELP")
    assert receipts(phone, prompt.receipt or "?") == 1


def test_webhooks_that_come_twice_are_answered_once(phone: Phone, books: Books) -> None:
    phone.faults(webhook_twice=True)
    confirmed(phone)
    said = phone.says(WHO, "ADD 1")
    phone.wait_for_reply(WHO, after=said)
    receipt = pay(phone)
    phone.wait_for_reply(WHO, containing=receipt)
    confirmed_orders = [status for status in books.order_statuses() if status != "DRAFT"]
    assert confirmed_orders == ["PAID"]
    assert len(phone.pushes()) == 1
    assert receipts(phone, receipt) == 1


def test_webhooks_that_change_places_lose_nothing(phone: Phone, books: Books) -> None:
    phone.asks(WHO, "SHOP mama")
    phone.asks(WHO, "MENU")
    phone.faults(webhook_swap=True)
    first, second = phone.says(WHO, "ADD 1"), phone.says(WHO, "ADD 2")
    eventually(lambda: len(phone.replies(WHO, min(first, second))) == 2, "both messages are answered")
    phone.no_faults()
    assert "150" in phone.asks(WHO, "CART")  # 30 + 120, in whichever order they came


def test_delivery_reports_out_of_order_never_take_a_message_back(phone: Phone, books: Books) -> None:
    phone.faults(status_out_of_order=True)
    confirmed(phone)
    receipt = pay(phone)
    phone.wait_for_reply(WHO, containing=receipt)
    eventually(lambda: books.message_statuses() == {"read"}, "everything that was sent ends as read")


def test_a_router_that_is_down_is_admitted_and_the_message_answered_when_it_is_back(
    shop: Shop, phone: Phone, books: Books
) -> None:
    phone.asks(WHO, "SHOP mama")
    phone.asks(WHO, "MENU")
    shop.kill(Process.ROUTER)
    said = phone.says(WHO, "ADD 2")
    phone.wait_for_reply(WHO, containing="kept", after=said)
    shop.start(Process.ROUTER)
    phone.wait_for_reply(WHO, containing="total", after=said, timeout_s=30)
    phone.asks(WHO, "CONFIRM", containing="KES 120")
    receipt = pay(phone)
    phone.wait_for_reply(WHO, containing=receipt)
    books.one_paid_once(PRICE_MINOR)


def test_an_adapter_that_is_down_for_a_moment_still_pushes_the_same_charge_once(
    shop: Shop, phone: Phone, books: Books
) -> None:
    confirmed(phone)
    shop.kill(Process.PAYMENT_ADAPTER)
    said = phone.says(WHO, "PAY")
    phone.wait_for_reply(WHO, after=said)
    shop.start(Process.PAYMENT_ADAPTER)
    phone.wait_for_prompt(WHO, timeout_s=30)
    prompt = phone.enter_pin(WHO)
    phone.wait_for_reply(WHO, containing=prompt.receipt or "?")
    books.eventually_statuses("PAID")
    books.one_paid_once(PRICE_MINOR)
    assert len(phone.pushes()) == 1


def test_an_adapter_that_is_back_after_a_minute_pushes_nothing_and_the_customer_may_try_again(
    shop: Shop, phone: Phone, books: Books
) -> None:
    confirmed(phone)
    shop.kill(Process.PAYMENT_ADAPTER)
    said = phone.says(WHO, "PAY")
    phone.wait_for_reply(WHO, after=said)
    phone.advance(120)
    shop.start(Process.PAYMENT_ADAPTER)
    eventually(lambda: len(phone.replies(WHO, said)) >= 2, "the customer hears that nothing was charged", 40)
    assert phone.pushes() == []
    eventually(lambda: books.intents() in (["failed"], ["expired"]), "the router knows, too, that the try is over")
    phone.says(WHO, "PAY")
    prompt = phone.enter_pin(WHO, timeout_s=30)
    phone.wait_for_reply(WHO, containing=prompt.receipt or "?")
    books.one_paid_once(PRICE_MINOR)


def test_a_bot_that_is_down_loses_no_receipt(shop: Shop, phone: Phone, books: Books) -> None:
    confirmed(phone)
    phone.says(WHO, "PAY")
    phone.wait_for_prompt(WHO)
    phone.wait_for_reply(WHO)
    shop.kill(Process.BOT)
    prompt = phone.enter_pin(WHO)
    books.eventually_statuses("PAID")
    shop.start(Process.BOT)
    phone.advance(10)
    phone.wait_for_reply(WHO, containing=prompt.receipt or "?", timeout_s=30)
    assert receipts(phone, prompt.receipt or "?") == 1
