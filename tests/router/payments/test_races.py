"""Everything at once, in threads on a real database: callback and look-up, success and success, cancel and callback."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import count
from threading import Barrier

from contracts.errors import ErrorCode
from contracts.ids import CustomerId, PaymentIntentId
from contracts.states import InboxStatus, LedgerKind, OrderStatus, PaymentEventStatus
from kit.problems import Problem
from router.payments import service
from tests.support.till import PHONE, PRICE, VENDOR, Till

ROUNDS = 8


def _at_once(*calls: Callable[[], object]) -> list[object]:
    """Run them in threads that start together; what each returned, or the Problem that it was refused with."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        barrier.wait(timeout=10)
        try:
            return call()
        except Problem as problem:
            return problem.code

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_a_callback_and_a_look_up_at_once_pay_once(till: Till) -> None:
    for number in range(ROUNDS):
        thing = till.thing(customer_id=till.customer(CustomerId(f"customer-{number}")))
        intent = till.start(thing)
        callback = till.paid(intent, receipt=f"UF1E26WQ{number}")
        look_up = till.paid(intent, transaction=None, event_id=f"mpesa:look-up:{number}")
        _at_once(*(partial(till.apply, event) for event in (callback, look_up, callback, look_up)))
        assert till.times_paid(thing) == 1
        assert till.thing_status(thing) == OrderStatus.PAID
    assert till.ledger(LedgerKind.PAID) == [PRICE.minor] * ROUNDS
    assert till.exceptions() == []
    assert len(till.fulfilments()) == ROUNDS
    assert till.news() == ["order.paid"] * ROUNDS


def test_the_same_callback_many_times_at_once_is_taken_once(till: Till) -> None:
    thing = till.thing()
    event = till.paid(till.start(thing))
    outcomes = _at_once(*[lambda: till.apply(event).status] * 8)
    assert sorted(map(str, outcomes)) == [InboxStatus.IGNORED] * 7 + [InboxStatus.PROCESSED]
    assert till.times_paid(thing) == 1


def test_two_successes_at_once_are_one_payment_and_one_duplicate(till: Till) -> None:
    for number in range(ROUNDS):
        thing = till.thing(customer_id=till.customer(CustomerId(f"customer-{number}")), stock=2)
        first = till.start(thing)
        till.apply(till.event(first, PaymentEventStatus.UNKNOWN))
        till.clock.advance(timedelta(minutes=11))
        second = till.start(thing)
        _at_once(partial(till.apply, till.paid(first)), partial(till.apply, till.paid(second)))
        assert till.times_paid(thing) == 1
    assert till.exceptions() == ["duplicate"] * ROUNDS
    assert till.ledger(LedgerKind.PAID) == [PRICE.minor] * ROUNDS
    assert till.ledger(LedgerKind.CREDITED) == [PRICE.minor] * ROUNDS


def test_a_cancel_and_a_callback_at_once_agree_on_who_was_first(till: Till) -> None:
    for number in range(ROUNDS):
        thing = till.thing(customer_id=till.customer(CustomerId(f"customer-{number}")))
        intent = till.start(thing)
        _at_once(
            partial(till.cancel, thing),
            partial(till.apply, till.paid(intent)),
            partial(till.apply, till.paid(intent, event_id=f"mpesa:look-up:{number}")),
        )
        outcome = (till.thing_status(thing), till.request_status(thing), till.times_paid(thing))
        assert outcome in (("PAID", "paid", 1), ("CANCELLED", "canceled", 0))
    late = till.exceptions().count("late")
    assert late + len(till.ledger(LedgerKind.PAID)) == ROUNDS
    assert len(till.ledger(LedgerKind.CREDITED)) == late


def test_a_failure_and_a_success_at_once_end_in_success(till: Till) -> None:
    for number in range(ROUNDS):
        thing = till.thing(customer_id=till.customer(CustomerId(f"customer-{number}")))
        intent = till.start(thing)
        _at_once(partial(till.apply, till.failed(intent)), partial(till.apply, till.paid(intent)))
        assert (till.intent_status(intent), till.thing_status(thing)) == ("succeeded", "PAID")
    assert till.exceptions() == []


def test_the_same_unasked_money_at_once_is_one_exception(till: Till) -> None:
    events = [
        till.paid(None, transaction="UF1E26WQJZ", receipt="UF1E26WQJZ", event_id=f"mpesa-c2b:{number}")
        for number in range(4)
    ]
    _at_once(*(partial(till.apply, event) for event in events))
    assert till.exceptions() == ["unmatched"]
    assert till.ledger(LedgerKind.CREDITED) == [PRICE.minor]


def test_four_pays_at_once_for_one_order_start_one_intent(till: Till) -> None:
    thing = till.thing()
    results = _at_once(*[lambda: till.start(thing)] * 4)
    assert results.count(ErrorCode.PAYMENT_IN_PROGRESS) == 3
    assert till.ledger(LedgerKind.AUTHORIZED) == [PRICE.minor]


def test_five_pays_at_once_for_five_orders_start_three_intents(till: Till) -> None:
    things = [till.thing() for _ in range(5)]
    results = _at_once(*(partial(till.start, thing) for thing in things))
    assert results.count(ErrorCode.ATTEMPTS_EXHAUSTED) == 2
    assert till.ledger(LedgerKind.AUTHORIZED) == [PRICE.minor] * 3


def test_the_same_pay_four_times_at_once_is_one_intent_and_one_grant(till: Till) -> None:
    thing = till.thing()
    intent = till.intent_id()

    def pay() -> str:
        with till.ops.write() as tx:
            return till.grant(tx, thing, intent)

    assert len(set(_at_once(*[pay] * 4))) == 1
    assert till.ledger(LedgerKind.AUTHORIZED) == [PRICE.minor]


def test_shops_that_push_one_number_at_once_get_one_prompt(till: Till) -> None:
    numbers = count(1)

    def reserve() -> str:
        intent_id = PaymentIntentId(f"push-{next(numbers)}")
        with till.platform.write() as tx:
            service.reserve_push(tx, intent_id=intent_id, vendor_id=VENDOR, payer_msisdn=PHONE, now=till.clock.now())
        return intent_id

    for _ in range(ROUNDS):
        results = _at_once(*[reserve] * 4)
        assert results.count(ErrorCode.PAYER_BUSY) == 3
        (won,) = [result for result in results if result is not ErrorCode.PAYER_BUSY]
        with till.platform.write() as tx:
            service.release_push(tx, intent_id=PaymentIntentId(str(won)), now=till.clock.now())


def test_the_tenth_push_of_a_day_is_not_given_twice(till: Till) -> None:
    def reserve(intent_id: str) -> str:
        with till.platform.write() as tx:
            service.reserve_push(
                tx, intent_id=PaymentIntentId(intent_id), vendor_id=VENDOR, payer_msisdn=PHONE, now=till.clock.now()
            )
        with till.platform.write() as tx:
            service.release_push(tx, intent_id=PaymentIntentId(intent_id), now=till.clock.now())
        return intent_id

    for number in range(9):
        reserve(f"earlier-{number}")
    results = _at_once(*(partial(reserve, f"last-{number}") for number in range(4)))
    assert results.count(ErrorCode.PAYER_BUSY) == 3
