"""Money that was paid to the till by hand, with an order's code as the account; and one payment reported two ways."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from contracts.ids import CustomerId
from contracts.money import Currency, Money
from contracts.payment_api import PaymentEvent
from contracts.states import InboxStatus, LedgerKind, OrderStatus, PaymentEventStatus
from router.payments import models, service
from router.payments.service import Payable
from tests.support.databases import seeing_all
from tests.support.till import AMINA, KIND, PRICE, VENDOR, Till

R1, R2 = "UF1E26WQJZ", "NLJ7RT61SV"
UNKNOWN = PaymentEventStatus.UNKNOWN


def is_paid_once(till: Till, thing: Payable) -> bool:
    return (
        till.thing_status(thing) == OrderStatus.PAID
        and till.times_paid(thing) == 1
        and till.ledger(LedgerKind.PAID) == [PRICE.minor]
        and till.fulfilments() == [thing.id]
    )


def receipt_of(till: Till, thing: Payable) -> str | None:
    with till.ops.read() as tx:
        return service.receipts(tx, vendor_id=VENDOR, payable_kind=KIND, payable_ids=[thing.id]).get(thing.id)


def left_to_decide(till: Till) -> list[str]:
    """Kinds of the exceptions that are open."""
    table = models.payment_exceptions
    with seeing_all(till.db) as tx:
        return list(tx.execute(select(table.c.kind).where(table.c.status == "open")).scalars())


@pytest.mark.parametrize("typed", ["{code}", " {code} ", "lower"])
def test_exact_money_with_the_code_pays_like_a_prompt(till: Till, typed: str) -> None:
    thing = till.thing()
    reference = thing.reference.lower() if typed == "lower" else typed.format(code=thing.reference)
    outcome = till.apply(till.by_hand(reference, R1))
    assert (outcome.status, outcome.note) == (InboxStatus.PROCESSED, "paid")
    assert is_paid_once(till, thing)
    assert till.exceptions() == []
    assert till.request_statuses(thing) == ["paid"]
    (told,) = till.bodies()
    assert json.loads(told)["type"] == "order.paid"
    assert json.loads(told)["data"]["order"]["receipt"] == R1
    assert receipt_of(till, thing) == R1


@pytest.mark.parametrize(
    ("amount", "kind"),
    [
        (Money(PRICE.minor - 100, Currency.KES), "under"),
        (Money(PRICE.minor + 100, Currency.KES), "over"),
        (Money(PRICE.minor, Currency.AOA), "unmatched"),
    ],
)
def test_another_amount_waits_and_the_order_stays_payable(till: Till, amount: Money, kind: str) -> None:
    thing = till.thing()
    till.apply(till.by_hand(thing.reference, R1, amount=amount))
    assert till.exceptions() == [kind]
    assert till.thing_status(thing) == OrderStatus.CONFIRMED
    assert till.request_status(thing) == "pending"
    told = json.loads(till.bodies()[0])["data"]
    assert (told["customer_address"], told["kind"], told["receipt"]) == ("whatsapp:+254708374149", kind, R1)
    assert (told["amount_minor"], told["currency"]) == (amount.minor, amount.currency)
    till.apply(till.by_hand(thing.reference, R2))
    assert is_paid_once(till, thing)


def test_money_for_a_cancelled_order_is_late_whatever_its_amount(till: Till) -> None:
    thing = till.thing()
    till.cancel(thing)
    till.apply(till.by_hand(thing.reference, R1, amount=Money(100, Currency.KES)))
    assert till.exceptions() == ["late"]
    assert till.thing_status(thing) == OrderStatus.CANCELLED


def test_money_for_a_paid_order_is_a_duplicate(till: Till) -> None:
    thing = till.thing(stock=3)
    till.apply(till.by_hand(thing.reference, R1))
    till.apply(till.by_hand(thing.reference, R2))
    assert till.exceptions() == ["duplicate"]
    assert is_paid_once(till, thing)


def test_money_for_what_is_sold_out_waits(till: Till) -> None:
    thing = till.thing(stock=0)
    till.apply(till.by_hand(thing.reference, R1))
    assert till.exceptions() == ["no_stock"]


@pytest.mark.parametrize("reference", [None, "", "NOTHING", "x" * 200, "'; --"])
def test_money_whose_code_nobody_knows_is_unmatched_and_only_the_shop_is_told(
    till: Till, reference: str | None
) -> None:
    till.apply(till.by_hand(reference, R1))
    assert till.exceptions() == ["unmatched"]
    told = json.loads(till.bodies()[0])
    assert (told["data"]["order"], told["data"]["customer_address"]) == (None, None)
    assert told["aggregate"].startswith("payment:")


def test_money_for_a_request_that_expired_pays_if_something_is_left(till: Till) -> None:
    thing = till.thing()
    with till.ops.write() as tx:
        till.close(tx, thing, service.RequestStatus.EXPIRED)
    till.apply(till.by_hand(thing.reference, R1))
    assert is_paid_once(till, thing)


def test_a_prompt_that_is_live_meanwhile_and_succeeds_with_other_money_is_a_duplicate(till: Till) -> None:
    thing = till.thing(stock=2)
    intent = till.start(thing)
    till.apply(till.by_hand(thing.reference, R1))
    assert is_paid_once(till, thing)
    assert till.intent_status(intent) == "created"
    till.apply(till.paid(intent, receipt=R2))
    assert till.exceptions() == ["duplicate"]
    assert is_paid_once(till, thing)


def test_a_prompt_that_is_live_meanwhile_and_fails_is_no_news(till: Till) -> None:
    thing = till.thing()
    intent = till.start(thing)
    till.apply(till.by_hand(thing.reference, R1))
    till.apply(till.failed(intent))
    assert till.news() == ["order.paid"]
    assert till.request_status(thing) == "paid"


# --- one payment, two reports --------------------------------------------------------------------------------------


def reports(till: Till, thing: Payable, *, reference: str | None = "") -> tuple[str, dict[str, PaymentEvent]]:
    """A prompt's intent, and the three ways to hear that it was paid."""
    intent = till.start(thing)
    typed = thing.reference if reference == "" else reference
    return intent, {
        "callback": till.paid(intent, receipt=R1),
        "look-up": till.paid(intent, event_id="mpesa:looked-up"),
        "confirmation": till.by_hand(typed, R1),
    }


ORDERS = [
    ("callback", "confirmation"),
    ("confirmation", "callback"),
    ("look-up", "confirmation"),
    ("confirmation", "look-up"),
    ("look-up", "confirmation", "callback"),
    ("look-up", "callback", "confirmation"),
    ("confirmation", "look-up", "callback"),
    ("confirmation", "callback", "look-up"),
    ("callback", "look-up", "confirmation"),
    ("callback", "confirmation", "look-up"),
]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_a_prompt_and_its_confirmation_are_counted_once_in_any_order(till: Till, order: tuple[str, ...]) -> None:
    thing = till.thing(stock=3)
    intent, events = reports(till, thing)
    for name in (*order, *order):
        till.apply(events[name])
    assert is_paid_once(till, thing)
    assert till.exceptions() == []
    assert till.intent_status(intent) == "succeeded"
    assert receipt_of(till, thing) == R1
    assert till.news() == ["order.paid"]


@pytest.mark.parametrize("order", [each for each in ORDERS if "callback" in each], ids="-".join)
def test_a_confirmation_that_names_nothing_leaves_the_queue_when_its_prompt_speaks(
    till: Till, order: tuple[str, ...]
) -> None:
    thing = till.thing(stock=3)
    intent, events = reports(till, thing, reference=None)
    for name in (*order, *order):
        till.apply(events[name])
    assert is_paid_once(till, thing)
    assert left_to_decide(till) == []
    assert sum(till.ledger(LedgerKind.CREDITED)) + sum(till.ledger(LedgerKind.ADJUSTED)) == 0
    assert till.intent_status(intent) == "succeeded"
    assert receipt_of(till, thing) == R1


@pytest.mark.parametrize("order", [each for each in ORDERS if "callback" in each], ids="-".join)
def test_two_payments_of_one_order_are_one_payment_and_one_duplicate_in_any_order(
    till: Till, order: tuple[str, ...]
) -> None:
    thing = till.thing(stock=3)
    intent, events = reports(till, thing)
    events["confirmation"] = till.by_hand(thing.reference, R2)
    for name in (*order, *order):
        till.apply(events[name])
    assert is_paid_once(till, thing)
    assert till.exceptions() == ["duplicate"]
    assert till.ledger(LedgerKind.CREDITED) == [PRICE.minor]
    assert till.intent_status(intent) == "succeeded"


def test_a_look_up_hides_no_second_payment_by_hand_of_another_day(till: Till) -> None:
    thing = till.thing(stock=3)
    till.apply(till.paid(till.start(thing)))
    till.clock.advance(timedelta(hours=5))
    till.apply(till.by_hand(thing.reference, R2))
    assert till.exceptions() == ["duplicate"]


def test_a_receipt_that_paid_one_order_pays_no_other(till: Till) -> None:
    first, second = till.thing(), till.thing()
    till.apply(till.paid(till.start(first), receipt=R1))
    outcome = till.apply(till.paid(till.start(second), receipt=R1))
    assert outcome.status is InboxStatus.FAILED
    assert till.thing_status(second) == OrderStatus.CONFIRMED


def test_a_receipt_of_another_shop_is_not_ours(till: Till) -> None:
    thing = till.thing()
    till.apply(till.by_hand(thing.reference, R1, vendor_id="vendor-other"))
    assert till.thing_status(thing) == OrderStatus.CONFIRMED
    till.apply(till.by_hand(thing.reference, R1))
    assert till.thing_status(thing) == OrderStatus.PAID


# --- races ---------------------------------------------------------------------------------------------------------


def at_once(*calls: Callable[[], object]) -> None:
    """In threads that start together. Who loses a race is told to come back, and does."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        barrier.wait(timeout=30)
        for _ in range(5):
            try:
                call()
            except DBAPIError:
                continue
            return
        raise AssertionError("five tries were not enough")

    with ThreadPoolExecutor(len(calls)) as pool:
        for future in [pool.submit(run, call) for call in calls]:
            future.result(timeout=60)


@pytest.mark.parametrize("names_it", [True, False])
def test_a_callback_and_a_confirmation_at_once_are_counted_once(till: Till, *, names_it: bool) -> None:
    things: list[Payable] = []
    for number in range(5):
        thing = till.thing(customer_id=till.customer(CustomerId(f"customer-{number}")), stock=3)
        things.append(thing)
        intent = till.start(thing)
        callback = till.paid(intent, receipt=f"R{number}")
        confirmation = till.by_hand(thing.reference if names_it else None, f"R{number}")
        look_up = till.paid(intent, event_id=f"mpesa:looked-up:{number}")
        events = [callback, confirmation] if number % 2 else [callback, confirmation, look_up]
        at_once(*(partial(till.apply, event) for event in events))
    for thing in things:
        assert (till.thing_status(thing), till.times_paid(thing)) == (OrderStatus.PAID, 1)
    assert till.ledger(LedgerKind.PAID) == [PRICE.minor] * len(things)
    assert left_to_decide(till) == []
    assert sum(till.ledger(LedgerKind.CREDITED)) + sum(till.ledger(LedgerKind.ADJUSTED)) == 0


def test_two_payments_by_hand_at_once_are_one_payment_and_one_duplicate(till: Till) -> None:
    thing = till.thing(stock=3, customer_id=AMINA)
    at_once(*(partial(till.apply, till.by_hand(thing.reference, receipt)) for receipt in (R1, R2)))
    assert is_paid_once(till, thing)
    assert till.exceptions() == ["duplicate"]


def test_the_same_confirmation_many_times_at_once_pays_once(till: Till) -> None:
    thing = till.thing(stock=3)
    at_once(*(partial(till.apply, till.by_hand(thing.reference, R1, event_id=f"c2b:{n}")) for n in range(4)))
    assert is_paid_once(till, thing)
    assert till.exceptions() == []
