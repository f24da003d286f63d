"""Everybody at once: on PostgreSQL these meet in the database, on SQLite they queue for it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any, TypeVar

import pytest

from contracts.states import ExceptionKind
from router.orders import paying
from router.orders.holds import HoldSweep
from router.orders.models import order_lines, orders
from router.payments.models import payment_exceptions, payment_intents
from tests.support.counter import AMINA, BARAKA, HOLD, MAMA, Answer, Counter

T = TypeVar("T")

ORDER = {"vendor_id": MAMA, "customer_phone": "254708374149", "amount": 30}


def together(*calls: Callable[[], T]) -> list[T]:
    """Call them all at the same moment, each in a thread; their results in order."""
    barrier = Barrier(len(calls))

    def start(call: Callable[[], T]) -> T:
        barrier.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(start, calls))


def customers(count: int) -> list[str]:
    return [f"whatsapp:+2547000000{number:02}" for number in range(10, 10 + count)]


def test_of_six_customers_three_get_the_last_three(counter: Counter) -> None:
    counter.put("milk", on_hand=3)
    everybody = customers(6)
    for who in everybody:
        counter.add("milk", who=who)
    answers = together(*(lambda who=who: counter.confirm(who=who) for who in everybody))
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 409, 409, 409]
    assert {answer.code for answer in answers if answer.status == 409} == {"item_sold_out"}
    assert counter.shelf("milk") == (3, 3)


def test_two_customers_race_for_the_last_unit_again_and_again(counter: Counter) -> None:
    for number in range(5):
        item = counter.put(f"item{number}", on_hand=1)
        for who in (AMINA, BARAKA):
            counter.add(item, who=who)
        answers = together(lambda: counter.confirm(who=AMINA), lambda: counter.confirm(who=BARAKA))
        assert sorted(answer.status for answer in answers) == [200, 409]
        assert counter.shelf(item) == (1, 1)
        loser = AMINA if answers[0].status == 409 else BARAKA
        counter.cancel(who=loser)


def test_baskets_in_opposite_order_never_wait_for_each_other(counter: Counter) -> None:
    counter.put("apple", on_hand=50)
    counter.put("zucchini", on_hand=50)
    everybody = customers(6)
    for turn, who in enumerate(everybody):
        for item in ("apple", "zucchini") if turn % 2 else ("zucchini", "apple"):
            counter.add(item, who=who)
    answers = together(*(lambda who=who: counter.confirm(who=who) for who in everybody))
    assert [answer.status for answer in answers] == [200] * 6
    assert (counter.shelf("apple"), counter.shelf("zucchini")) == ((50, 6), (50, 6))


def test_two_first_adds_at_once_make_one_draft_with_both_items(counter: Counter) -> None:
    counter.put("milk")
    counter.put("eggs")
    together(lambda: counter.add("milk"), lambda: counter.add("eggs"))
    assert len(counter.rows(orders)) == 1
    assert sorted(line["line_no"] for line in counter.rows(order_lines)) == [1, 2]
    assert counter.cart()["cart"]["total_minor"] == 20000


def test_two_adds_at_once_of_a_known_customer_make_one_draft(counter: Counter) -> None:
    counter.put("milk", on_hand=99)
    counter.put("eggs", on_hand=99)
    for _ in range(4):
        together(lambda: counter.add("milk"), lambda: counter.add("eggs"))
        assert len([row for row in counter.rows(orders) if row["status"] == "DRAFT"]) == 1
        counter.cancel()


def test_fifty_requests_with_one_key_make_one_order_and_get_one_answer(counter: Counter) -> None:
    def ask() -> Answer:
        return counter.operator("POST", "/orders", ORDER, x_vendor_id=MAMA, idempotency_key="one")

    answers = together(*[ask] * 50)
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 49
    assert len(counter.rows(orders)) == 1


def test_many_pays_at_once_start_one_intent(counter: Counter) -> None:
    counter.put("milk")
    counter.confirmed("milk")
    answers = together(*[counter.pay] * 6)
    assert sorted(answer.status for answer in answers)[0] == 200
    assert len([answer for answer in answers if answer.status == 200]) == 1
    assert {answer.code for answer in answers if answer.status != 200} <= {"payment_in_progress", "payer_busy"}
    assert len(counter.rows(payment_intents)) == 1


def test_one_pay_sent_many_times_under_one_key_starts_one_intent(counter: Counter) -> None:
    counter.put("milk")
    counter.confirmed("milk")
    answers = together(*[lambda: counter.pay(key="one")] * 6)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body["grant"] for answer in answers}) == 1
    assert len(counter.rows(payment_intents)) == 1


def test_a_twin_that_starts_between_two_looks_gets_the_first_ones_answer(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.put("milk")
    counter.confirmed("milk")
    plan, first = paying._plan, list[Answer]()  # pyright: ignore[reportPrivateUsage] # to stand between the looks

    def overtaken(*args: Any) -> Any:
        monkeypatch.setattr(paying, "_plan", plan)
        first.append(counter.pay(key="one"))
        return plan(*args)

    monkeypatch.setattr(paying, "_plan", overtaken)
    second = counter.pay(key="one")
    assert (first[0].status, second.status) == (200, 200)
    assert second.body == first[0].body
    assert len(counter.rows(payment_intents)) == 1


def test_pay_and_cancel_at_once_leave_one_truth(counter: Counter) -> None:
    counter.put("milk", on_hand=9)
    for number in range(4):
        who = customers(4)[number]
        order = counter.confirmed("milk", who=who)
        pay, cancel = together(
            lambda who=who, code=order.code: counter.pay(code, who=who),
            lambda who=who, code=order.code: counter.cancel(code, who=who),
        )
        assert cancel.status == 200  # nothing that PAY starts keeps a customer from cancelling
        assert pay.status in (200, 409)
        assert cancel.body["prompt_is_live"] is (pay.status == 200)
    assert counter.shelf("milk") == (9, 0)


def test_money_the_sweep_and_a_cancellation_at_once_never_lose_or_sell_twice(counter: Counter) -> None:
    counter.put("milk", on_hand=1)
    order = counter.confirmed("milk")
    started = counter.started()
    counter.clock.advance(HOLD + timedelta(hours=25))
    sweep = HoldSweep(counter.databases, counter.directory, counter.clock)
    together(
        lambda: counter.hear(started),
        lambda: sweep.turn(),
        lambda: counter.cancel(order.code),
        lambda: counter.hear(started, transaction="ws_CO_2"),
    )
    ended = counter.order(order.code).status
    kinds = [row["kind"] for row in counter.rows(payment_exceptions)]
    if ended == "PAID":
        assert counter.shelf("milk") == (0, 0)
        assert kinds == [ExceptionKind.DUPLICATE]
    else:
        assert ended == "CANCELLED"
        assert counter.shelf("milk") == (1, 0)
        assert kinds == [ExceptionKind.LATE, ExceptionKind.LATE]
