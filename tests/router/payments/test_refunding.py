"""Money goes back: never more than came, once, and every end is told; or a shop decides otherwise about it."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from sqlalchemy import select

from contracts.errors import ErrorCode
from contracts.payment_api import RefundStatus
from contracts.states import LedgerKind, OrderStatus
from kit.problems import Problem
from router.payments import decisions, models, refunds
from router.payments.service import Payable
from tests.support.databases import seeing_all
from tests.support.money_back import (
    R1,
    ask,
    booked,
    exception_id,
    going_back,
    hear,
    late_money,
    paid_thing,
    queue,
    stands,
)
from tests.support.till import KIND, PRICE, VENDOR, Till

PENDING, DONE, FAILED, UNKNOWN = RefundStatus.PENDING, RefundStatus.DONE, RefundStatus.FAILED, RefundStatus.UNKNOWN

# --- what may be asked back ----------------------------------------------------------------------------------------


def test_a_paid_order_stays_paid_when_its_money_goes_back(till: Till) -> None:
    thing = paid_thing(till)
    assert ask(till).amount == PRICE
    assert hear(till, DONE) == DONE
    assert till.thing_status(thing) == OrderStatus.PAID
    assert till.ledger(LedgerKind.ADJUSTED) == [-PRICE.minor]
    told = json.loads(till.bodies()[-1])
    assert (told["type"], told["data"]["amount_minor"], told["data"]["receipt"]) == (
        "payment.refunded",
        PRICE.minor,
        R1,
    )
    assert told["data"]["customer_address"] == "whatsapp:+254708374149"


def test_parts_go_back_until_nothing_is_left(till: Till) -> None:
    paid_thing(till)
    ask(till, 15_000)
    with pytest.raises(Problem) as refused:
        ask(till, 30_001, refund_id="refund-2")
    assert (refused.value.code, refused.value.extra) == (ErrorCode.REFUND_UNAVAILABLE, {"left_minor": 30_000})
    assert ask(till, refund_id="refund-2").amount.minor == 30_000
    with pytest.raises(Problem):
        ask(till, refund_id="refund-3")
    hear(till, FAILED)
    assert ask(till, refund_id="refund-3").amount.minor == 15_000


def test_money_that_waits_for_a_decision_is_decided_by_its_refund(till: Till) -> None:
    late_money(till)
    ask(till)
    assert queue(till) == [("refunding", None)]
    for decide in (note, partial(attach, thing=till.thing())):
        with pytest.raises(Problem) as refused:
            decide(till)
        assert refused.value.code is ErrorCode.EXCEPTION_CLOSED
    with pytest.raises(Problem):
        ask(till, refund_id="refund-2")
    hear(till, DONE)
    assert queue(till) == [("resolved", "refunded")]
    assert booked(till) == [PRICE.minor, -PRICE.minor]


def test_a_part_that_went_back_leaves_the_rest_to_decide(till: Till) -> None:
    late_money(till)
    ask(till, 10_000)
    hear(till, DONE)
    assert queue(till) == [("open", None)]
    ask(till, refund_id="refund-2")
    hear(till, DONE, "refund-2")
    assert queue(till) == [("resolved", "refunded")]


def test_a_refund_that_failed_leaves_all_to_decide_and_only_the_shop_s_event_says_so(till: Till) -> None:
    late_money(till)
    ask(till)
    hear(till, FAILED)
    assert (queue(till), going_back(till)) == ([("open", None)], 0)
    told = json.loads(till.bodies()[-1])
    assert (told["type"], told["data"]["detail"]) == ("payment.refund_failed", "as the provider says")
    assert booked(till) == [PRICE.minor]


def test_a_refund_that_nobody_can_judge_blocks_another_until_somebody_says(till: Till) -> None:
    late_money(till)
    ask(till)
    hear(till, UNKNOWN)
    assert (queue(till), going_back(till)) == ([("refunding", None)], PRICE.minor)
    with pytest.raises(Problem):
        ask(till, refund_id="refund-2")
    hear(till, DONE)
    assert queue(till) == [("resolved", "refunded")]


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ([DONE, DONE], DONE),
        ([DONE, FAILED, UNKNOWN, PENDING], DONE),
        ([PENDING, FAILED, FAILED, UNKNOWN], FAILED),
        ([FAILED, DONE], DONE),
        ([UNKNOWN, FAILED, DONE, FAILED], DONE),
    ],
)
def test_what_is_said_again_or_too_late_changes_nothing(
    till: Till, said: list[RefundStatus], ends: RefundStatus
) -> None:
    paid_thing(till)
    ask(till)
    for status in said:
        hear(till, status)
    assert stands(till) == ends
    assert going_back(till) == (PRICE.minor if ends is DONE else 0)
    assert till.ledger(LedgerKind.ADJUSTED) == ([-PRICE.minor] if ends is DONE else [])
    assert till.news().count("payment.refunded") == (1 if ends is DONE else 0)


def test_a_refund_that_went_back_after_all_never_takes_the_sum_above_what_came(till: Till) -> None:
    paid_thing(till)
    ask(till)
    hear(till, FAILED)
    ask(till, refund_id="refund-2")
    assert "person" in str(hear(till, DONE))
    assert (stands(till), going_back(till)) == (FAILED, PRICE.minor)


def test_what_was_never_asked_is_said_to_be_unknown(till: Till) -> None:
    assert hear(till, DONE, "refund-of-nobody") is None
    with pytest.raises(Problem) as refused, till.ops.write() as tx:
        refunds.ask(
            tx,
            VENDOR,
            refund_id="r",
            transaction_id="nothing",
            amount_minor=None,
            note="n",
            by="key-1",
            now=till.clock.now(),
        )
    assert refused.value.code is ErrorCode.TRANSACTION_UNKNOWN


def test_the_second_report_of_one_payment_is_no_money_to_give_back(till: Till) -> None:
    paid_thing(till)
    till.apply(till.by_hand(None, R1))
    t = models.provider_transactions.c
    with seeing_all(till.db) as tx:
        second = tx.execute(select(t.id).where(t.effect == "same")).scalar_one()
    with pytest.raises(Problem) as refused, till.ops.write() as tx:
        refunds.ask(
            tx,
            VENDOR,
            refund_id="r",
            transaction_id=second,
            amount_minor=None,
            note="n",
            by="key-1",
            now=till.clock.now(),
        )
    assert refused.value.code is ErrorCode.REFUND_UNAVAILABLE


# --- what a shop decides -------------------------------------------------------------------------------------------


def note(till: Till) -> None:
    with till.ops.write() as tx:
        decisions.note(tx, VENDOR, exception_id(till), text="In cash", by="key-1", now=till.clock.now())


def attach(till: Till, thing: Payable) -> None:
    with till.ops.write() as tx:
        decisions.attach(
            tx,
            till.registry,
            VENDOR,
            exception_id(till),
            payable=(KIND, thing.id),
            by="key-1",
            now=till.clock.now(),
        )


def test_a_note_closes_an_exception_once_and_then_no_refund_is_made(till: Till) -> None:
    late_money(till)
    note(till)
    assert queue(till) == [("resolved", "noted")]
    for again in (note, ask):
        with pytest.raises(Problem) as refused:
            again(till)
        assert refused.value.code is ErrorCode.EXCEPTION_CLOSED


def test_exact_money_pays_the_order_that_the_shop_names(till: Till) -> None:
    till.apply(till.by_hand("MISTYPED", R1))
    thing = till.thing()
    attach(till, thing)
    assert (till.thing_status(thing), till.times_paid(thing)) == (OrderStatus.PAID, 1)
    assert queue(till) == [("resolved", "attached")]
    assert till.news() == ["payment.exception", "order.paid"]
    assert till.ledger(LedgerKind.PAID) == [PRICE.minor]
    assert sum(till.ledger(LedgerKind.CREDITED) + till.ledger(LedgerKind.ADJUSTED)) == 0
    assert json.loads(till.bodies()[-1])["data"]["order"]["receipt"] == R1
    ask(till)  # and it can go back, as any money that paid
    hear(till, DONE)
    assert queue(till) == [("resolved", "attached")]


def test_money_is_attached_only_where_it_fits_and_to_what_can_take_it(till: Till) -> None:
    till.apply(till.by_hand("MISTYPED", R1, amount=type(PRICE)(PRICE.minor + 100, PRICE.currency)))
    thing = till.thing()
    with pytest.raises(Problem) as refused:
        attach(till, thing)
    assert refused.value.code is ErrorCode.AMOUNT_DIFFERS
    assert (refused.value.extra["amount_minor"], refused.value.extra["asked_minor"]) == (45_100, 45_000)
    assert till.thing_status(thing) == OrderStatus.CONFIRMED
    assert queue(till) == [("open", None)]


@pytest.mark.parametrize(
    ("stand", "code"),
    [
        ("paid", ErrorCode.ORDER_TRANSITION_REFUSED),
        ("cancelled", ErrorCode.ORDER_TRANSITION_REFUSED),
        ("sold out", ErrorCode.ITEM_SOLD_OUT),
        ("nothing", ErrorCode.ORDER_UNKNOWN),
    ],
)
def test_what_can_take_no_money_is_refused_and_nothing_changes(till: Till, stand: str, code: ErrorCode) -> None:
    till.apply(till.by_hand("MISTYPED", R1))
    thing = till.thing(stock=0 if stand == "sold out" else 2)
    if stand == "paid":
        till.apply(till.by_hand(thing.reference, "NLJ7RT61SV"))
    if stand == "cancelled":
        till.cancel(thing)
    wanted = thing if stand != "nothing" else Payable(KIND, "gone", thing.customer_id, PRICE, "GONE", "")
    with pytest.raises(Problem) as refused:
        attach(till, wanted)
    assert refused.value.code is code
    assert queue(till) == [("open", None)]


# --- races ---------------------------------------------------------------------------------------------------------


def at_once(*calls: Callable[[], object]) -> list[object]:
    """In threads that start together; what each returned, or the code that it was refused with."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        barrier.wait(timeout=30)
        try:
            return call()
        except Problem as problem:
            return problem.code

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_refunds_at_once_never_exceed_what_came(till: Till) -> None:
    paid_thing(till)
    results = at_once(*(partial(ask, till, 20_000, refund_id=f"refund-{n}") for n in range(5)))
    assert results.count(ErrorCode.REFUND_UNAVAILABLE) == 3
    assert going_back(till) == 40_000


def test_of_a_note_an_order_and_a_refund_at_once_one_is_done(till: Till) -> None:
    till.apply(till.by_hand("MISTYPED", R1))
    thing = till.thing()
    results = at_once(partial(note, till), partial(attach, till, thing), partial(ask, till))
    # An attached payment can go back as well: then the order of the two is attach, refund.
    assert results.count(ErrorCode.EXCEPTION_CLOSED) >= 1
    assert till.times_paid(thing) == (results[1] is None)
    assert len(queue(till)) == 1


def test_what_is_said_of_a_refund_at_once_is_booked_once(till: Till) -> None:
    paid_thing(till)
    ask(till)
    at_once(*[partial(hear, till, DONE)] * 4)
    assert till.ledger(LedgerKind.ADJUSTED) == [-PRICE.minor]
    assert till.news().count("payment.refunded") == 1
