"""Whose phone a PAY may ring: nobody's but the writer's own, or that of a number without a chat, and seldom."""

from datetime import timedelta

import pytest

from contracts.router_api import PayResult
from contracts.states import FailureReason, PaymentEventStatus
from router.orders.payers import MAX_NAMED_PER_DAY
from router.payments.models import live_pushes, payment_intents
from tests.support.counter import AMINA, BARAKA, HIDDEN, MAMA, Answer, Counter

MAMAS_NUMBER = "254700000001"
"""Baraka's own, who has a chat with the shop wherever a test lets him write."""
STRANGER = "254700000007"


def numbers_rung(counter: Counter) -> list[str]:
    return sorted(row["payer_msisdn"] for row in counter.rows(live_pushes, counter.platform) if row["was_used"])


def is_declined(counter: Counter, answer: Answer, transaction: str) -> None:
    started = PayResult.model_validate(answer.body)
    counter.hear(
        started,
        PaymentEventStatus.FAILED,
        transaction=transaction,
        reason=FailureReason.CANCELLED_BY_CUSTOMER,
    )


@pytest.mark.parametrize("number", [MAMAS_NUMBER, STRANGER])
def test_a_visible_customer_rings_no_other_phone(counter: Counter, number: str) -> None:
    counter.put("milk")
    counter.confirmed("milk", who=BARAKA)
    order = counter.confirmed("milk")
    answer = counter.pay(payer_msisdn=number)
    assert (answer.status, answer.code) == (409, "payer_not_agreed")
    assert answer.body["order"]["code"] == order.code
    assert numbers_rung(counter) == []
    assert counter.rows(payment_intents) == []


def test_a_hidden_customer_does_not_ring_a_phone_that_has_a_chat_of_its_own(counter: Counter) -> None:
    counter.put("milk")
    counter.confirmed("milk", who=BARAKA)
    counter.confirmed("milk", who=HIDDEN)
    answer = counter.pay(who=HIDDEN, payer_msisdn=MAMAS_NUMBER)
    assert (answer.status, answer.code) == (409, "payer_not_agreed")
    assert numbers_rung(counter) == []


def test_a_number_that_was_named_and_then_got_a_chat_is_asked_for_anew(quick_counter: Counter) -> None:
    counter = quick_counter
    counter.put("milk")
    code = counter.confirmed("milk", who=HIDDEN).code
    is_declined(counter, counter.pay(who=HIDDEN, payer_msisdn=MAMAS_NUMBER), "ws_CO_1")
    counter.confirmed("milk", who=BARAKA)
    assert counter.pay(code, who=HIDDEN).code == "payer_missing"
    assert counter.pay(code, who=HIDDEN, payer_msisdn=STRANGER).status == 200


def test_a_hidden_customer_names_two_numbers_a_day_and_not_a_third(counter: Counter) -> None:
    counter.put("milk")
    code = counter.confirmed("milk", who=HIDDEN).code
    for which in range(MAX_NAMED_PER_DAY):
        answer = counter.pay(code, who=HIDDEN, payer_msisdn=f"25470000001{which}")
        is_declined(counter, answer, f"ws_CO_{which}")
    answer = counter.pay(code, who=HIDDEN, payer_msisdn="254700000012")
    assert (answer.status, answer.code) == (429, "too_many_payers")
    assert int(answer.headers["retry-after"]) > 0
    assert numbers_rung(counter) == ["254700000010", "254700000011"]  # the refusal gave its reservation back
    assert counter.pay(code, who=HIDDEN, payer_msisdn="254700000010").status == 200
    counter.clock.advance(timedelta(hours=15))  # past midnight in Nairobi
    later = counter.confirmed("milk", who="whatsapp:KE.9876543210").code
    assert counter.pay(later, who="whatsapp:KE.9876543210", payer_msisdn="254700000012").status == 200


def test_two_orders_of_a_hidden_customer_do_not_ring_two_phones_at_once(counter: Counter) -> None:
    counter.put("milk")
    first, second = (counter.confirmed("milk", who=HIDDEN).code for _ in range(2))
    assert counter.pay(first, who=HIDDEN, payer_msisdn="254700000010").status == 200
    answer = counter.pay(second, who=HIDDEN, payer_msisdn="254700000011")
    assert (answer.status, answer.code) == (429, "payer_busy")
    assert numbers_rung(counter) == ["254700000010"]


def test_a_number_that_the_customer_paid_from_is_theirs(counter: Counter) -> None:
    counter.put("milk")
    counter.confirmed("milk", who=HIDDEN)
    paid = counter.pay(who=HIDDEN, payer_msisdn=MAMAS_NUMBER)
    counter.hear(PayResult.model_validate(paid.body))
    counter.confirmed("milk", who=BARAKA)
    counter.confirmed("milk", who=HIDDEN)
    assert counter.started(who=HIDDEN).payer_msisdn == MAMAS_NUMBER


# --- for somebody else -----------------------------------------------------------------------------------------------


def look(counter: Counter, code: str, who: str) -> Answer:
    return counter.get("/v1/orders/other", customer=who, code=code)


def test_whoever_knows_the_code_sees_the_amount_and_a_first_name_and_nothing_else(counter: Counter) -> None:
    counter.put("milk", price=65)
    assert (
        counter.post(
            "/v1/cart/lines", {"customer": {"address": AMINA, "name": "Amina Wanjiru"}, "item_id": "milk"}
        ).status
        == 200
    )
    code = counter.confirm().body["code"]
    assert look(counter, code.lower(), BARAKA).body == {
        "code": code,
        "customer_name": "Amina",
        "total_minor": 6500,
        "currency": "KES",
        "status": "CONFIRMED",
        "payer_msisdn": MAMAS_NUMBER,
    }
    assert look(counter, code, HIDDEN).body["payer_msisdn"] is None
    assert look(counter, code, AMINA).code == "order_unknown"  # her own


def test_a_cart_a_cancelled_order_and_another_shop_s_are_unknown_to_others(quick_counter: Counter) -> None:
    counter = quick_counter
    counter.put("milk")
    counter.add("milk")
    draft = counter.cart()["cart"]["code"]
    assert look(counter, draft, BARAKA).code == "order_unknown"
    code = counter.confirm().body["code"]
    counter.open_shop("vendor-baraka", "Baraka Kitchen")
    elsewhere = counter.get("/v1/orders/other", vendor="vendor-baraka", customer=BARAKA, code=code)
    assert (elsewhere.status, elsewhere.code) == (404, "order_unknown")
    counter.cancel()
    assert look(counter, code, BARAKA).code == "order_unknown"
    assert counter.pay(code, who=BARAKA, is_for_other=True).code == "order_unknown"
    assert counter.pay(who=BARAKA, is_for_other=True).code == "order_unknown"


def test_another_pays_from_their_own_phone_and_both_are_told(counter: Counter) -> None:
    counter.put("milk", price=65)
    order = counter.confirmed("milk", 2)
    answer = counter.pay(order.code, who=BARAKA, is_for_other=True)
    assert answer.status == 200, answer
    started = PayResult.model_validate(answer.body)
    assert (started.payer_msisdn, started.order.total_minor, started.order.lines) == (MAMAS_NUMBER, 13000, [])
    seen = counter.order(order.code).payment
    assert seen is not None
    assert (seen.is_by_other, seen.attempts_left_today) == (True, 3)  # it is not Amina's try
    counter.hear(started)
    assert counter.order(order.code).status == "PAID"
    assert numbers_rung(counter) == [MAMAS_NUMBER]
    assert counter.news()[-2:] == ["order.paid", "order.paid_for"]
    news = {event.type.value: event.data for event in counter.announced()}
    assert news["order.paid"]["customer_address"] == AMINA
    assert news["order.paid_for"]["customer_address"] == BARAKA
    assert news["order.paid_for"]["receipt"] == "TKL4H7XQ2P"
    assert "lines" not in news["order.paid_for"]


def test_a_try_of_another_that_fails_is_told_to_them_and_counts_for_them(counter: Counter) -> None:
    counter.put("milk")
    order = counter.confirmed("milk")
    for attempt in range(3):
        answer = counter.pay(order.code, who=BARAKA, is_for_other=True)
        is_declined(counter, answer, f"ws_CO_{attempt}")
        counter.clock.advance(timedelta(seconds=30))
    assert counter.pay(order.code, who=BARAKA, is_for_other=True).code == "attempts_exhausted"
    told = [event.data for event in counter.announced() if event.type == "payment.failed"]
    assert [(data["customer_address"], data["is_by_other"]) for data in told] == [(BARAKA, True)] * 3
    assert counter.started(order.code).payer_msisdn == "254708374149"  # Amina has her own three


def test_while_another_pays_nobody_else_can_and_a_refusal_tells_nothing(counter: Counter) -> None:
    counter.put("milk")
    order = counter.confirmed("milk")
    first = counter.pay(order.code, who=BARAKA, is_for_other=True)
    third = counter.pay(order.code, who="whatsapp:+254700000002", is_for_other=True)
    assert (third.status, third.code) == (409, "payment_in_progress")
    assert "order" not in third.body
    assert counter.pay(order.code).code == "payment_in_progress"
    counter.hear(PayResult.model_validate(first.body))
    late = counter.pay(order.code, who="whatsapp:+254700000002", is_for_other=True)
    assert (late.status, late.code) == (409, "order_transition_refused")
    assert "order" not in late.body
    assert numbers_rung(counter) == [MAMAS_NUMBER]


def test_for_another_nothing_but_the_own_visible_number_is_charged(quick_counter: Counter) -> None:
    counter = quick_counter
    counter.put("milk")
    code = counter.confirmed("milk").code
    assert counter.pay(code, who=HIDDEN, is_for_other=True).code == "payer_missing"
    named = counter.pay(code, who=BARAKA, payer_msisdn=STRANGER, is_for_other=True)
    assert named.code == "payer_not_agreed"
    assert "order" not in named.body
    assert numbers_rung(counter) == []


def test_two_people_pay_for_each_other(counter: Counter) -> None:
    counter.put("milk")
    hers, his = counter.confirmed("milk"), counter.confirmed("milk", who=BARAKA)
    assert counter.pay(hers.code, who=BARAKA, is_for_other=True).status == 200
    assert counter.pay(his.code, who=AMINA, is_for_other=True).status == 200
    assert numbers_rung(counter) == [MAMAS_NUMBER, "254708374149"]
    assert {row["vendor_id"] for row in counter.rows(payment_intents)} == {MAMA}
