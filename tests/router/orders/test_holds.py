"""Held stock: when its time is up, while a prompt is live, and what a late payment finds."""

from datetime import timedelta

from sqlalchemy import delete

from contracts.states import FailureReason, PaymentEventStatus
from router.orders.holds import LONGEST_HOLD
from router.orders.models import order_lines, orders
from router.payments.models import payment_exceptions
from router.stock.models import stock_holds
from tests.support.counter import AMINA, BARAKA, HOLD, Counter


def test_a_hold_ends_with_its_time_and_not_a_moment_before(counter: Counter) -> None:
    counter.put("milk", on_hand=5)
    order = counter.confirmed("milk", 2)
    counter.pass_time(HOLD - timedelta(microseconds=1))
    assert counter.shelf("milk") == (5, 2)
    counter.pass_time(timedelta(microseconds=1))
    assert counter.shelf("milk") == (5, 0)
    shown = counter.order(order.code)
    assert shown.status == "CONFIRMED"
    assert shown.hold_expires_at is None
    assert shown.payment is not None
    assert shown.payment.request_status == "expired"
    assert counter.news() == ["order.confirmed", "order.hold_expired"]


def test_a_hold_ends_once_however_often_the_sweep_comes_by(counter: Counter) -> None:
    counter.put("milk", on_hand=5)
    counter.confirmed("milk", 2)
    for _ in range(3):
        counter.pass_time(HOLD)
    assert counter.shelf("milk") == (5, 0)
    assert counter.news().count("order.hold_expired") == 1


def test_pay_after_the_hold_ended_holds_again_and_can_be_paid(counter: Counter) -> None:
    counter.put("milk", on_hand=5)
    order = counter.confirmed("milk", 2)
    counter.pass_time(HOLD)
    started = counter.started(order.code)
    assert started.order.hold_expires_at == counter.clock.now() + HOLD
    assert started.order.payment is not None
    assert started.order.payment.request_status == "pending"
    assert counter.shelf("milk") == (5, 2)
    counter.hear(started)
    assert counter.order(order.code).status == "PAID"
    assert counter.shelf("milk") == (3, 0)


def test_pay_after_another_took_the_rest_is_refused_and_rings_no_phone(counter: Counter) -> None:
    counter.put("milk", on_hand=1)
    order = counter.confirmed("milk", who=AMINA)
    counter.pass_time(HOLD)
    counter.confirmed("milk", who=BARAKA)
    answer = counter.pay(order.code, who=AMINA)
    assert (answer.status, answer.code) == (409, "item_sold_out")
    assert (answer.body["item"], answer.body["available"]) == ("Milk", 0)
    assert counter.shelf("milk") == (1, 1)
    assert counter.pay(who=BARAKA).status == 200
    counter.put("bread")
    bread = counter.confirmed("bread", who=AMINA)
    assert counter.pay(bread.code, who=AMINA).status == 200  # the number was given back


def test_while_the_prompt_is_up_the_stock_stays_held(counter: Counter) -> None:
    counter.put("milk", on_hand=1)
    counter.confirmed("milk")
    counter.clock.advance(HOLD - timedelta(seconds=1))
    started = counter.started()
    for _ in range(20):
        counter.pass_time(timedelta(minutes=1))
    assert counter.shelf("milk") == (1, 1)
    counter.hear(started, PaymentEventStatus.EXPIRED, reason=FailureReason.PROMPT_EXPIRED)
    counter.pass_time(timedelta(minutes=2))
    assert counter.shelf("milk") == (1, 0)


def test_an_outcome_that_never_comes_holds_the_stock_for_a_day_at_most(counter: Counter) -> None:
    counter.put("milk", on_hand=1)
    counter.confirmed("milk")
    counter.hear(counter.started(), PaymentEventStatus.UNKNOWN)
    counter.pass_time(LONGEST_HOLD - timedelta(minutes=5))
    assert counter.shelf("milk") == (1, 1)
    counter.pass_time(timedelta(minutes=10))
    assert counter.shelf("milk") == (1, 0)


def test_money_after_the_hold_ended_takes_the_stock_again_if_any_is_left(counter: Counter) -> None:
    counter.put("milk", on_hand=2)
    order = counter.confirmed("milk")
    started = counter.started()
    counter.hear(started, PaymentEventStatus.FAILED, transaction="ws_CO_0", reason=FailureReason.UNREACHABLE)
    counter.pass_time(HOLD)
    assert counter.shelf("milk") == (2, 0)
    counter.hear(started)
    assert counter.order(order.code).status == "PAID"
    assert counter.order(order.code).receipt == "TKL4H7XQ2P"
    assert counter.shelf("milk") == (1, 0)
    assert counter.news()[-1] == "order.paid"


def test_money_for_what_is_gone_is_an_exception_and_sells_nothing(counter: Counter) -> None:
    counter.put("milk", on_hand=1)
    order = counter.confirmed("milk", who=AMINA)
    started = counter.started(who=AMINA)
    counter.hear(started, PaymentEventStatus.FAILED, transaction="ws_CO_0", reason=FailureReason.UNREACHABLE)
    counter.pass_time(HOLD)
    counter.confirmed("milk", who=BARAKA)
    counter.hear(started)
    assert counter.order(order.code).status == "CONFIRMED"
    assert [row["kind"] for row in counter.rows(payment_exceptions)] == ["no_stock"]
    assert counter.shelf("milk") == (1, 1)
    assert counter.news()[-1] == "payment.exception"


def test_a_paid_order_has_sold_its_stock_and_nothing_is_left_to_end(counter: Counter) -> None:
    counter.put("milk", on_hand=5)
    order = counter.confirmed("milk", 2)
    started = counter.started()
    counter.hear(started)
    counter.hear(started)  # the same news again
    counter.pass_time(HOLD * 2)
    assert counter.shelf("milk") == (3, 0)
    assert {row["status"] for row in counter.rows(stock_holds)} == {"sold"}
    assert counter.order(order.code).paid_at is not None
    assert counter.news() == ["order.confirmed", "order.paid"]


def test_a_second_payment_for_one_order_is_a_duplicate(counter: Counter) -> None:
    counter.put("milk", on_hand=5)
    counter.confirmed("milk")
    first = counter.started()
    counter.hear(first, PaymentEventStatus.FAILED, transaction="ws_CO_1", reason=FailureReason.UNREACHABLE)
    second = counter.started()
    counter.hear(second, transaction="ws_CO_2", receipt="TKL4H7XQ2Q")
    counter.hear(first, transaction="ws_CO_1")
    assert [row["kind"] for row in counter.rows(payment_exceptions)] == ["duplicate"]
    assert counter.shelf("milk") == (4, 0)


def test_one_hold_that_cannot_be_ended_does_not_keep_the_others(quick_counter: Counter) -> None:
    quick_counter.put("milk", on_hand=5)
    lost = quick_counter.confirmed("milk", who=AMINA)
    quick_counter.clock.advance(timedelta(seconds=1))
    quick_counter.confirmed("milk", who=BARAKA)
    with quick_counter.ops.write() as tx:  # what no code of ours does: an order that is gone under its hold
        tx.execute(delete(order_lines).where(order_lines.c.order_id == lost.order_id))
        tx.execute(delete(orders).where(orders.c.id == lost.order_id))
    quick_counter.pass_time(HOLD)
    assert quick_counter.shelf("milk") == (5, 1)
