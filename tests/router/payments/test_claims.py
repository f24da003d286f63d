"""A customer names the receipt of what they say they paid: what they hear of it, and how the shop hears of them."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.claims import ReceiptView
from contracts.events import ClaimNews
from contracts.router_api import OrderView, PayResult
from router.conversations.alerts import ALERTING, alert
from router.events.service import tell_rooms
from router.operations import KeyScope
from router.payments.service import apply_event
from tests.support.counter import AMINA, BARAKA, HIDDEN, MAMA, Counter
from tests.support.hand_payments import hand_payment
from tests.support.vendor_api import vendor_api

RECEIPT = "UF1E26WQJZ"
UNKNOWN = {"standing": "unknown", "order_code": None, "is_for_other": False}
WAITING = {"standing": "waiting", "order_code": None, "is_for_other": False}


def pay_by_hand(
    counter: Counter, reference: str | None, amount_minor: int = 10_000, receipt: str = RECEIPT, vendor: str = MAMA
) -> None:
    """Somebody pays to the till, and types `reference` as the account."""
    payer = ("2547 ***** 001", "Zawadi")
    event = hand_payment(vendor, receipt, amount_minor, counter.clock.now(), reference=reference, payer=payer)
    with counter.of(vendor).write() as tx:
        apply_event(tx, event, counter.payables, counter.clock.now())


def named(counter: Counter, receipt: str = RECEIPT, *, who: str = AMINA, **more: Any) -> dict[str, Any]:
    body = {"customer": {"address": who, "name": "Amina"}, "receipt": receipt}
    answer = counter.post("/v1/payments/receipts", body, **more)
    assert answer.status == 200, answer
    ReceiptView.model_validate(answer.body)
    return answer.body


def claims(counter: Counter) -> list[ClaimNews]:
    return [ClaimNews.model_validate(event.data) for event in counter.announced() if event.type == "payment.claimed"]


def exception_of(counter: Counter, *scopes: KeyScope) -> dict[str, Any]:
    (exception,) = vendor_api(counter, *scopes).get("/api/v1/exceptions").body["exceptions"]
    return exception


def confirmed(counter: Counter, *, who: str = AMINA) -> OrderView:
    counter.put(f"milk-{who[-3:]}")
    return counter.confirmed(f"milk-{who[-3:]}", who=who)


def test_money_that_fits_nothing_has_reached_the_shop_and_a_person_is_told_who_asks(counter: Counter) -> None:
    pay_by_hand(counter, "NOTHING")
    assert named(counter, "uf1e26wqjz ") == WAITING
    (news,) = claims(counter)
    assert (news.receipt, news.kind, news.amount_minor, news.order_code) == (RECEIPT, "unmatched", 10_000, None)
    assert (news.customer_address, news.customer_name, news.shop_name) == (AMINA, "Amina", "Mama Njeri")
    exception = exception_of(counter)
    assert news.exception_id == exception["exception_id"]
    assert (exception["claimed_by"]["name"], exception["claimed_by"]["phone"]) == ("Amina", "254708374149")
    assert (exception["status"], exception["payer_name"]) == ("open", "Zawadi")
    assert exception["claimed_at"] is not None


def test_the_answer_holds_no_amount_and_nobody_s_name_or_number(quick_counter: Counter) -> None:
    pay_by_hand(quick_counter, None)
    assert set(named(quick_counter)) == {"standing", "order_code", "is_for_other"}


def test_the_shop_s_people_are_told_once_of_each_who_names_it_and_the_first_is_noted(counter: Counter) -> None:
    tell_rooms(counter.db.engine, dict.fromkeys(ALERTING, alert))
    code = vendor_api(counter).post("/api/v1/alerts/invitations", {}).body["code"]
    counter.post("/v1/chat/alerts", {"customer": {"address": "whatsapp:+254700000007"}, "code": code})
    pay_by_hand(counter, None)
    for who in (BARAKA, AMINA, BARAKA, AMINA):
        assert named(counter, who=who) == WAITING
        counter.clock.advance(timedelta(minutes=1))
    assert [news.customer_address for news in claims(counter)] == [BARAKA, AMINA]
    assert exception_of(counter)["claimed_by"]["phone"] == "254700000001"
    told = [event.data for event in counter.announced() if event.type == "shop.alert"]
    assert [news["alert"] for news in told] == ["money_set_aside", "money_claimed", "money_claimed"]
    assert (told[-1]["text"], told[-1]["amount_minor"], told[-1]["about_address"]) == (RECEIPT, 10_000, AMINA)


def test_the_same_question_twice_is_one(quick_counter: Counter) -> None:
    pay_by_hand(quick_counter, None)
    assert named(quick_counter, key="k1") == named(quick_counter, key="k1") == WAITING
    assert len(claims(quick_counter)) == 1


def test_one_s_own_receipt_names_the_order_that_it_paid(counter: Counter) -> None:
    order = confirmed(counter)
    pay_by_hand(counter, order.code)
    assert named(counter) == {"standing": "paid", "order_code": order.code, "is_for_other": False}
    assert claims(counter) == []


def test_another_s_payment_is_as_unknown_as_none(counter: Counter) -> None:
    order = confirmed(counter)
    pay_by_hand(counter, order.code)
    assert named(counter, who=BARAKA) == named(counter, "NOSUCHCODE", who=BARAKA) == UNKNOWN
    pay_by_hand(counter, order.code, receipt="UF1E26WQK2")  # a second time: set aside, and still none of Baraka's
    assert named(counter, "UF1E26WQK2", who=BARAKA) == UNKNOWN
    assert claims(counter) == []
    assert named(counter, "UF1E26WQK2") == WAITING
    (news,) = claims(counter)
    assert (news.kind, news.order_code, news.customer_address) == ("duplicate", order.code, AMINA)


def test_who_paid_for_somebody_else_hears_that_it_did(counter: Counter) -> None:
    order = confirmed(counter)
    started = counter.pay(order.code, who=BARAKA, is_for_other=True)
    assert started.status == 200, started
    counter.hear(PayResult.model_validate(started.body), receipt=RECEIPT)
    assert named(counter, who=BARAKA) == {"standing": "paid", "order_code": order.code, "is_for_other": True}
    assert named(counter) == {"standing": "paid", "order_code": order.code, "is_for_other": False}
    assert named(counter, who=HIDDEN) == UNKNOWN


def test_exact_money_that_named_a_cart_waits_for_a_person_though_the_order_is_confirmed_by_now(
    counter: Counter,
) -> None:
    counter.put("milk")
    code = counter.add("milk").body["cart"]["code"]
    pay_by_hand(counter, code)
    counter.confirm()
    assert named(counter) == WAITING
    assert counter.order(code).status == "CONFIRMED"


@pytest.mark.parametrize("what", ["resolve", "refund"])
def test_what_the_shop_has_dealt_with_is_said_to_be(counter: Counter, what: str) -> None:
    pay_by_hand(counter, None)
    exception, api = exception_of(counter), vendor_api(counter)
    if what == "resolve":
        path = f"/api/v1/exceptions/{exception['exception_id']}/resolve"
        assert api.post(path, {"note": "Given back in cash"}).status == 200
    else:
        path = f"/api/v1/transactions/{exception['transaction_id']}/refund"
        assert api.post(path, {"note": "Sorry"}).status in (201, 202)
    assert named(counter)["standing"] == "settled"
    assert claims(counter) == []


def test_money_that_the_shop_attached_is_the_order_s(counter: Counter) -> None:
    order = confirmed(counter)
    pay_by_hand(counter, None)
    named(counter)
    exception = exception_of(counter)
    api = vendor_api(counter)
    attached = api.post(f"/api/v1/exceptions/{exception['exception_id']}/orders/{order.order_id}", {})
    assert attached.status == 200, attached
    assert attached.body["claimed_by"]["name"] == "Amina"
    assert named(counter)["standing"] == "paid"


def test_another_shop_s_money_is_unknown(counter: Counter) -> None:
    other = counter.open_shop("vendor-baraka", "Baraka Kitchen")
    pay_by_hand(counter, None)
    assert named(counter, vendor=other) == UNKNOWN


@pytest.mark.parametrize("receipt", ["", "short", "x" * 21, "UF1E26WQJ'", "é" * 10, "UF1E 6WQJZ", None, 7])
def test_what_can_be_no_receipt_is_refused(quick_counter: Counter, receipt: object) -> None:
    body = {"customer": {"address": AMINA}, "receipt": receipt}
    answer = quick_counter.post("/v1/payments/receipts", body)
    assert (answer.status, answer.code) == (422, "invalid_request")


def test_a_key_that_may_not_see_numbers_sees_no_claimant_s(quick_counter: Counter) -> None:
    pay_by_hand(quick_counter, None)
    named(quick_counter)
    assert exception_of(quick_counter, KeyScope.PAYMENTS_READ)["claimed_by"]["phone"] == "2547*****149"
