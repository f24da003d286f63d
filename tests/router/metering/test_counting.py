"""What is metered is counted once, in its own transaction, whatever is repeated, refused or raced for."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any, TypeVar

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from contracts.ids import VendorId
from kit.db import Scope
from router.metering.models import usage_records, usage_tail
from router.metering.service import Calendar, Metered, Thing, count, count_all
from router.orders.models import orders
from router.payments.models import payment_intents
from tests.support.counter import BARAKA, MAMA, Answer
from tests.support.usage import Usage
from tests.support.vendor_api import vendor_api

T = TypeVar("T")

ORDER = {"vendor_id": MAMA, "customer_phone": "254708374149", "amount": 30}
NEW = {"customer_phone": "254708374149", "amount_minor": 3000}
NAIROBI = Calendar("Africa/Nairobi")


def together(*calls: Callable[[], T]) -> list[T]:
    barrier = Barrier(len(calls))

    def start(call: Callable[[], T]) -> T:
        barrier.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(start, calls))


def messages(*ids: str, at: str = "2026-11-20T08:00:00Z") -> dict[str, Any]:
    return {"messages": [{"message_id": each, "sent_at": at} for each in ids]}


def test_an_order_is_counted_as_it_is_made_and_never_again(usage: Usage) -> None:
    shop = usage.counter
    shop.put("milk")
    shop.confirmed("milk")
    shop.started()
    shop.add("milk")
    made = [row["id"] for row in shop.rows(orders)]
    assert len(made) == 2
    assert sorted(usage.recorded("orders")) == sorted(made)
    assert usage.recorded("payment_intents") == [row["id"] for row in shop.rows(payment_intents)]
    assert usage.totals() == {"orders": 2, "payment_intents": 1}


def test_the_same_key_counts_once(usage: Usage) -> None:
    shop = usage.counter
    shop.put("milk")
    for _ in range(3):
        shop.add("milk", key="add")
        shop.confirm(key="confirm")
        shop.pay(key="pay")
        shop.operator("POST", "/orders", ORDER, x_vendor_id=MAMA, idempotency_key="sql")
    assert usage.totals() == {"orders": 2, "payment_intents": 1}


def test_fifty_requests_with_one_key_are_one_order_and_one_record(usage: Usage) -> None:
    def ask() -> Answer:
        return usage.counter.operator("POST", "/orders", ORDER, x_vendor_id=MAMA, idempotency_key="one")

    answers = together(*[ask] * 50)
    assert {answer.status for answer in answers} == {201}
    assert usage.recorded("orders") == [answers[0].body["id"]]


def test_many_orders_at_once_are_counted_each(usage: Usage) -> None:
    def ask(number: int) -> Callable[[], Answer]:
        return lambda: usage.counter.operator(
            "POST", "/orders", ORDER, x_vendor_id=MAMA, idempotency_key=f"number-{number}"
        )

    answers = together(*(ask(number) for number in range(12)))
    made = sorted(answer.body["id"] for answer in answers if answer.status == 201)
    assert len(made) >= 10
    assert sorted(usage.recorded("orders")) == made == sorted(row["id"] for row in usage.counter.rows(orders))


def test_many_pays_at_once_count_the_one_that_started(usage: Usage) -> None:
    usage.counter.put("milk")
    usage.counter.confirmed("milk")
    together(*[usage.counter.pay] * 6)
    assert usage.totals()["payment_intents"] == len(usage.counter.rows(payment_intents)) == 1


def test_what_is_rolled_back_is_not_counted(usage: Usage) -> None:
    def fail() -> None:
        now = usage.counter.clock.now()
        with usage.counter.ops.write() as tx:
            count(tx, Metered.ORDERS, MAMA, "order-1", NAIROBI, now)
            count_all(tx, Metered.MESSAGES, MAMA, NAIROBI, [Thing("SM1", now)])
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert (usage.recorded(), usage.tail()) == ([], 0)


def test_one_subject_is_counted_once_however_it_is_counted(usage: Usage) -> None:
    now = usage.counter.clock.now()
    for _ in range(2):
        with usage.counter.ops.write() as tx:
            count(tx, Metered.ORDERS, MAMA, "it", NAIROBI, now)
            count(tx, Metered.ORDERS, MAMA, "it", NAIROBI, now + timedelta(days=40))
            count(tx, Metered.MESSAGES, MAMA, "it", NAIROBI, now)
        with usage.counter.ops.write() as tx:
            again = [Thing("it", now), Thing("other", now, quantity=5)]
            count_all(tx, Metered.ORDERS, MAMA, NAIROBI, again)
    assert usage.totals() == usage.summed() == {"orders": 6, "messages": 1}
    assert usage.tail() == 3


def test_the_same_subject_of_another_shop_is_another_s(usage: Usage) -> None:
    other = usage.counter.open_shop("vendor-baraka", "Baraka Kitchen")
    for vendor in (MAMA, other):
        with usage.counter.of(vendor).write() as tx:
            count(tx, Metered.ORDERS, vendor, "it", NAIROBI, usage.counter.clock.now())
    assert (usage.totals(), usage.totals(vendor=other)) == ({"orders": 1}, {"orders": 1})


@pytest.mark.parametrize("subject", ["it's", 'a "quoted" one', "back\\slash'", "{} {0} %s :name", "çã—é", "; --"])
def test_a_subject_is_counted_as_it_is_whatever_is_in_it(usage: Usage, subject: str) -> None:
    for _ in range(2):
        with usage.counter.ops.write() as tx:
            count(tx, Metered.ORDERS, MAMA, subject, NAIROBI, usage.counter.clock.now())
    assert usage.recorded() == [subject]


def test_a_record_stands_for_ever(usage: Usage) -> None:
    with usage.counter.ops.write() as tx:
        count(tx, Metered.ORDERS, MAMA, "it", NAIROBI, usage.counter.clock.now())
    for statement in ("UPDATE usage_records SET quantity = 2", "DELETE FROM usage_records"):
        with pytest.raises(DBAPIError, match=r"append-only|permission denied"), usage.counter.ops.write() as tx:
            tx.execute(text(statement))
    assert usage.totals() == {"orders": 1}


def test_what_can_not_be_counted_undoes_the_transaction(usage: Usage) -> None:
    usage.counter.put("milk")

    def count_nothing() -> None:
        with usage.counter.ops.write() as tx:
            tx.execute(text("UPDATE stock SET on_hand = 77"))
            count(tx, Metered.ORDERS, MAMA, "", NAIROBI, usage.counter.clock.now())

    with pytest.raises(DBAPIError):
        count_nothing()
    assert usage.counter.shelf("milk") == (10, 0)


def test_on_postgresql_no_shop_can_count_for_another(usage: Usage) -> None:
    if not usage.counter.db.is_postgres:
        return  # there every statement names its vendor, and nothing else does
    now = usage.counter.clock.now()
    with pytest.raises(DBAPIError, match="row-level security"), usage.counter.ops.write() as tx:
        count(tx, Metered.ORDERS, VendorId("vendor-baraka"), "it", NAIROBI, now)
    with usage.counter.ops.write() as tx:
        count(tx, Metered.ORDERS, MAMA, "it", NAIROBI, now)
    with usage.counter.db.read(Scope("vendor-baraka")) as tx:
        assert tx.execute(usage_records.select()).all() == []
        assert tx.execute(usage_tail.select()).all() == []


def test_every_reported_message_is_counted_once(usage: Usage) -> None:
    shop = usage.counter
    first = shop.post("/v1/usage/messages", messages("SM1", "SM2"), key="report-1")
    again = shop.post("/v1/usage/messages", messages("SM1", "SM2"), key="report-1")
    other = shop.post("/v1/usage/messages", messages("SM2", "SM3", "SM3"), key="report-2")
    assert (first.status, first.body["counted"]) == (200, 2)
    assert again.body == first.body
    assert other.body["counted"] == 1
    assert sorted(usage.recorded("messages")) == ["SM1", "SM2", "SM3"]
    assert usage.totals() == {"messages": 3}


def test_reports_that_overlap_and_race_count_every_message_once(usage: Usage) -> None:
    def report(number: int) -> Callable[[], Answer]:
        ids = [f"SM{n}" for n in range(number, number + 40)]
        ordered = ids if number % 2 else ids[::-1]
        return lambda: usage.counter.post("/v1/usage/messages", messages(*ordered), key=f"report-{number}")

    answers = together(*(report(number) for number in range(6)))
    assert [answer.status for answer in answers] == [200] * 6
    assert sum(answer.body["counted"] for answer in answers) == 45 == usage.totals()["messages"]


def test_a_message_that_is_reported_late_counts_when_it_was_sent(usage: Usage) -> None:
    usage.counter.post("/v1/usage/messages", messages("SM1", at="2026-10-31T20:59:59Z"))
    usage.counter.post("/v1/usage/messages", messages("SM2", at="2026-11-01T00:00:00+03:00"))
    assert (usage.totals("2026-10"), usage.totals("2026-11")) == ({"messages": 1}, {"messages": 1})


def test_no_message_counts_before_it_could_be_sent(quick_usage: Usage) -> None:
    quick_usage.counter.post("/v1/usage/messages", messages("SM1", at="2031-01-01T00:00:00Z"))
    assert quick_usage.totals() == {"messages": 1}


def test_the_messages_of_a_suspended_shop_are_counted_all_the_same(quick_usage: Usage) -> None:
    shut = quick_usage.counter.open_shop("vendor-shut", "Shut Shop", status="suspended")
    answer = quick_usage.counter.post("/v1/usage/messages", messages("SM1"), vendor=shut)
    assert (answer.status, quick_usage.totals(vendor=shut)) == (200, {"messages": 1})


@pytest.mark.parametrize(
    "report",
    [
        {"messages": []},
        messages(*(f"SM{n}" for n in range(101))),
        messages("SM 1"),
        messages("SM1\x00"),
        messages(""),
        messages("SM1", at="2026-11-20T08:00:00"),
        messages("SM1", at="yesterday"),
        {},
    ],
)
def test_a_report_that_can_not_be_read_counts_nothing(quick_usage: Usage, report: dict[str, Any]) -> None:
    answer = quick_usage.counter.post("/v1/usage/messages", report)
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert quick_usage.recorded() == []


def test_only_the_bot_reports_messages(quick_usage: Usage) -> None:
    answer = vendor_api(quick_usage.counter).post("/v1/usage/messages", messages("SM1"))
    assert answer.status == 401
    assert quick_usage.recorded() == []


def test_a_command_of_the_api_is_counted_once_per_key_and_every_time_without_one(usage: Usage) -> None:
    api = vendor_api(usage.counter)
    for _ in range(3):
        assert api.post("/api/v1/orders", NEW, key="one").status == 201
    for _ in range(2):
        assert api.post("/api/v1/orders", {**NEW, "customer_phone": "254700000001"}).status == 201
    assert usage.totals() == {"orders": 3, "api_calls": 3}


def test_the_same_key_of_another_api_key_is_another_call(usage: Usage) -> None:
    for api in (vendor_api(usage.counter), vendor_api(usage.counter)):
        assert api.post("/api/v1/orders", NEW, key="one").status == 201
    assert usage.totals()["api_calls"] == 2


def test_a_command_that_is_refused_is_not_counted(quick_usage: Usage) -> None:
    assert vendor_api(quick_usage.counter).post("/api/v1/orders", {**NEW, "amount_minor": 0}).status == 422
    assert quick_usage.recorded() == []


def test_what_the_bot_asks_is_no_api_call_of_the_shop(quick_usage: Usage) -> None:
    quick_usage.counter.put("milk")
    quick_usage.counter.add("milk", who=BARAKA)
    quick_usage.counter.cart(who=BARAKA)
    assert quick_usage.recorded("api_calls") == []
