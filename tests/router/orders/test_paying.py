"""PAY: which order, which number, one grant; and everything that it refuses without ringing a phone."""

from datetime import timedelta

import pytest

from contracts.router_api import PayResult
from contracts.states import FailureReason, PaymentEventStatus
from kit.grants import open_grant
from kit.signing import KeyRing
from router.customers.models import customers
from router.orders.rules import PAYING_HOLD
from router.payments.models import live_pushes, payment_intents
from tests.support.counter import AMINA, HIDDEN, HOLD, Counter

GRANT_KEYS = KeyRing.parse("g" * 32)


def live(counter: Counter) -> list[str]:
    """Numbers with a reserved push."""
    return [row["payer_msisdn"] for row in counter.rows(live_pushes, counter.platform) if row["released_at"] is None]


def test_pay_answers_with_a_grant_for_exactly_this_order(counter: Counter) -> None:
    counter.put("milk", price=65)
    order = counter.confirmed("milk", 2)
    paying = counter.started()
    grant = open_grant(GRANT_KEYS, paying.grant)
    assert (grant.amount_minor, grant.currency, grant.payer_msisdn) == (13000, "KES", "254708374149")
    assert (grant.account_reference, grant.vendor_id, grant.intent_id) == (order.code, "vendor-mama", paying.intent_id)
    assert grant.expires_at - grant.issued_at == timedelta(seconds=60)
    assert paying.order.payment is not None
    assert paying.order.payment.attempts_left_today == 2
    assert live(counter) == ["254708374149"]


def test_the_same_key_again_is_the_same_answer_and_no_second_attempt(counter: Counter) -> None:
    counter.put("milk")
    counter.confirmed("milk")
    first, second = counter.pay(key="once"), counter.pay(key="once")
    assert second.body == first.body
    assert second.headers["idempotent-replayed"] == "true"
    assert len(counter.rows(payment_intents)) == 1


def test_the_same_key_for_another_order_is_refused(quick_counter: Counter) -> None:
    quick_counter.put("milk")
    code = quick_counter.confirmed("milk").code
    assert quick_counter.pay(key="once").status == 200
    answer = quick_counter.pay(code, key="once")
    assert (answer.status, answer.code) == (422, "idempotency_key_reused")


def test_a_second_pay_while_the_prompt_is_up_starts_no_second_intent(counter: Counter) -> None:
    counter.put("milk")
    order = counter.confirmed("milk")
    counter.started()
    answer = counter.pay()
    assert (answer.status, answer.code) == (409, "payment_in_progress")
    assert answer.body["order"]["code"] == order.code
    assert len(counter.rows(payment_intents)) == 1
    assert live(counter) == ["254708374149"]


def test_a_failed_try_can_be_repeated_three_times_a_day_and_not_a_fourth(counter: Counter) -> None:
    counter.put("milk", on_hand=2)
    counter.confirmed("milk")
    for attempt in range(3):
        counter.hear(
            counter.started(),
            PaymentEventStatus.FAILED,
            transaction=f"ws_CO_{attempt}",
            reason=FailureReason.WRONG_PIN,
        )
    answer = counter.pay()
    assert (answer.status, answer.code) == (429, "attempts_exhausted")
    assert int(answer.headers["retry-after"]) > 0
    assert len(counter.rows(payment_intents)) == 3
    assert live(counter) == []  # the refusal gave its reservation back
    counter.clock.advance(timedelta(hours=15))  # past midnight in Nairobi
    assert counter.pay().status == 200


def test_while_the_outcome_is_unknown_the_customer_waits(counter: Counter) -> None:
    counter.put("milk")
    order = counter.confirmed("milk")
    counter.hear(counter.started(), PaymentEventStatus.UNKNOWN)
    answer = counter.pay()
    assert (answer.status, answer.code) == (409, "payment_in_progress")
    assert answer.body["order"]["code"] == order.code


def test_a_number_that_pays_at_another_shop_is_busy_here(counter: Counter) -> None:
    counter.put("milk")
    hidden, also_hidden = HIDDEN, "whatsapp:KE.9876543210"
    counter.confirmed("milk", who=hidden)
    counter.confirmed("milk", who=also_hidden)
    assert counter.pay(who=hidden, payer_msisdn="254708374149").status == 200
    answer = counter.pay(who=also_hidden, payer_msisdn="254708374149")
    assert (answer.status, answer.code) == (429, "payer_busy")
    assert len(counter.rows(payment_intents)) == 1


def test_nothing_is_charged_for_a_cart(quick_counter: Counter) -> None:
    assert quick_counter.pay().code == "nothing_to_pay"
    quick_counter.put("milk")
    quick_counter.add("milk")
    answer = quick_counter.pay()
    assert (answer.status, answer.code) == (409, "not_confirmed")
    assert answer.body["order"]["status"] == "DRAFT"
    assert live(quick_counter) == []


def test_an_emptied_cart_is_nothing_to_pay(quick_counter: Counter) -> None:
    quick_counter.put("milk")
    quick_counter.add("milk")
    quick_counter.remove(1)
    assert quick_counter.pay().code == "nothing_to_pay"


def test_of_two_confirmed_orders_the_customer_is_asked_which(quick_counter: Counter) -> None:
    quick_counter.put("milk")
    codes = [quick_counter.confirmed("milk").code for _ in range(2)]
    answer = quick_counter.pay()
    assert (answer.status, answer.code) == (409, "which_order")
    assert sorted(order["code"] for order in answer.body["orders"]) == sorted(codes)
    assert quick_counter.started(codes[0].lower()).order.code == codes[0]


@pytest.mark.parametrize("end", ["paid", "cancelled"])
def test_an_order_that_ended_takes_no_pay(counter: Counter, end: str) -> None:
    counter.put("milk")
    order = counter.confirmed("milk")
    if end == "paid":
        counter.hear(counter.started())
    else:
        counter.cancel()
    answer = counter.pay(order.code)
    assert (answer.status, answer.code) == (409, "order_transition_refused")
    assert answer.body["order"]["status"] == end.upper()
    assert live(counter) == []


def test_a_hidden_number_is_asked_for_and_then_remembered(counter: Counter) -> None:
    counter.put("milk", on_hand=9)
    counter.confirmed("milk", who=HIDDEN)
    answer = counter.pay(who=HIDDEN)
    assert (answer.status, answer.code) == (422, "payer_missing")
    given = counter.pay(who=HIDDEN, payer_msisdn="0700 000 002")
    assert given.body["payer_msisdn"] == "254700000002"
    assert [row["payer_msisdn"] for row in counter.rows(customers)] == ["254700000002"]
    counter.hear(PayResult.model_validate(given.body))
    counter.confirmed("milk", who=HIDDEN)
    assert counter.started(who=HIDDEN).payer_msisdn == "254700000002"


def test_the_customer_s_own_number_may_be_written_out(quick_counter: Counter) -> None:
    quick_counter.put("milk")
    quick_counter.confirmed("milk")
    started = quick_counter.pay(payer_msisdn="+254 708 374 149")
    assert started.body["payer_msisdn"] == "254708374149"


@pytest.mark.parametrize("number", ["", "12", "not a number", "254700", "+244923000001", "9" * 40, "2547\x00"])
def test_a_number_that_cannot_be_charged_is_refused(counter: Counter, number: str) -> None:
    counter.put("milk")
    counter.confirmed("milk")
    answer = counter.pay(payer_msisdn=number)
    assert (answer.status, answer.code) == (422, "payer_invalid")
    assert live(counter) == []


def test_a_foreign_whatsapp_number_is_asked_for_one_that_can_be_charged(quick_counter: Counter) -> None:
    quick_counter.put("milk")
    quick_counter.confirmed("milk", who="whatsapp:+244923000001")
    assert quick_counter.pay(who="whatsapp:+244923000001").code == "payer_missing"


@pytest.mark.parametrize("rail", ["gpo", "emis_ref", "ticket"])
def test_a_rail_that_does_not_work_here_is_refused(quick_counter: Counter, rail: str) -> None:
    quick_counter.put("milk")
    quick_counter.confirmed("milk")
    answer = quick_counter.pay(rail=rail)
    assert (answer.status, answer.code) == (409, "rail_unavailable")
    assert live(quick_counter) == []


def test_a_shop_without_any_way_to_be_paid_says_so(quick_counter: Counter) -> None:
    quick_counter.open_shop("vendor-baraka", "Baraka Kitchen", capabilities=("commerce.orders",))
    quick_counter.put("pilau", vendor="vendor-baraka")
    body = {"customer": {"address": AMINA}}
    line = {**body, "item_id": "pilau"}
    assert quick_counter.post("/v1/cart/lines", line, vendor="vendor-baraka").status == 200
    assert quick_counter.post("/v1/cart/confirm", body, vendor="vendor-baraka").status == 200
    assert quick_counter.post("/v1/orders/pay", body, vendor="vendor-baraka").code == "rail_unavailable"


def test_paying_keeps_the_stock_ten_minutes_more(counter: Counter) -> None:
    counter.put("milk", on_hand=1)
    counter.confirmed("milk")
    counter.clock.advance(HOLD - timedelta(minutes=1))
    paying = counter.started()
    assert paying.order.hold_expires_at == counter.clock.now() + PAYING_HOLD


def test_paying_early_does_not_shorten_the_hold(quick_counter: Counter) -> None:
    quick_counter.put("milk")
    order = quick_counter.confirmed("milk")
    assert quick_counter.started().order.hold_expires_at == order.hold_expires_at


def test_what_the_client_says_about_the_amount_changes_nothing(quick_counter: Counter) -> None:
    quick_counter.put("milk", price=65)
    quick_counter.confirmed("milk")
    answer = quick_counter.pay(amount_minor=100, total_minor=1, order={"total_minor": 1})
    assert open_grant(GRANT_KEYS, answer.body["grant"]).amount_minor == 6500


def test_a_refusal_leaves_the_key_free_for_another_try(counter: Counter) -> None:
    counter.put("milk")
    counter.add("milk")
    assert counter.pay(key="again").code == "not_confirmed"
    counter.confirm()
    assert counter.pay(key="again").status == 200
