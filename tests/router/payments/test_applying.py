"""Payment events in any order and number: one effect each, and everything that does not fit is kept for a person."""

import json
from datetime import timedelta
from itertools import permutations

import pytest

from contracts.errors import ErrorCode
from contracts.ids import CustomerId
from contracts.money import Currency, Money
from contracts.states import (
    FailureReason,
    InboxStatus,
    IntentStatus,
    LedgerKind,
    OrderStatus,
    PaymentEventStatus,
    Rail,
    RequestStatus,
)
from kit.problems import Problem
from router.payments import service
from tests.support.till import KIND, PRICE, VENDOR, Till

PENDING, UNKNOWN, EXPIRED = PaymentEventStatus.PENDING, PaymentEventStatus.UNKNOWN, PaymentEventStatus.EXPIRED


def _receipt(till: Till, payable: service.Payable) -> str | None:
    with till.ops.read() as tx:
        found = service.receipts(tx, vendor_id=VENDOR, payable_kind=KIND, payable_ids=[payable.id])
    return found.get(payable.id)


def _has_been_paid_once(till: Till, payable: service.Payable) -> bool:
    return (
        till.thing_status(payable) == OrderStatus.PAID
        and till.times_paid(payable) == 1
        and till.ledger(LedgerKind.PAID) == [PRICE.minor]
        and till.fulfilments() == [payable.id]
        and till.news().count("order.paid") == 1
    )


def test_a_paid_event_has_exactly_one_effect(till: Till) -> None:
    thing = till.thing()
    intent = till.start(thing)
    event = till.paid(intent, receipt="UF1E26WQJZ")
    outcome = till.apply(event)
    assert (outcome.status, outcome.ended_intent) == (InboxStatus.PROCESSED, intent)
    assert _has_been_paid_once(till, thing)
    assert till.intent_status(intent) == IntentStatus.SUCCEEDED
    assert till.request_status(thing) == "paid"
    assert till.exceptions() == []
    assert _receipt(till, thing) == "UF1E26WQJZ"


def test_the_news_of_a_payment_holds_its_receipt(till: Till) -> None:
    till.apply(till.paid(till.start(till.thing()), receipt="UF1E26WQJZ"))
    (news,) = till.bodies()
    assert json.loads(news)["data"]["order"]["receipt"] == "UF1E26WQJZ"


def test_the_same_event_twice_is_harmless(till: Till) -> None:
    thing = till.thing()
    event = till.paid(till.start(thing), receipt="UF1E26WQJZ")
    till.apply(event)
    assert till.apply(event).status is InboxStatus.IGNORED
    assert _has_been_paid_once(till, thing)


def test_the_same_money_under_another_event_id_is_harmless(till: Till) -> None:
    thing = till.thing()
    intent = till.start(thing)
    till.apply(till.paid(intent))
    assert till.apply(till.paid(intent, event_id="mpesa:poll")).status is InboxStatus.IGNORED
    assert _has_been_paid_once(till, thing)
    assert till.exceptions() == []


@pytest.mark.parametrize("event_id", [None, "mpesa:with-receipt"])
def test_a_receipt_that_comes_later_is_added_and_announced_by_nobody(till: Till, event_id: str | None) -> None:
    thing = till.thing()
    intent = till.start(thing)
    till.apply(till.paid(intent))
    assert _receipt(till, thing) is None
    till.apply(till.paid(intent, receipt="UF1E26WQJZ", event_id=event_id))
    assert _receipt(till, thing) == "UF1E26WQJZ"
    assert _has_been_paid_once(till, thing)
    assert till.news() == ["order.paid"]


def test_a_receipt_once_known_never_changes(till: Till) -> None:
    thing = till.thing()
    intent = till.start(thing)
    till.apply(till.paid(intent, receipt="UF1E26WQJZ"))
    till.apply(till.paid(intent, receipt="NLJ7RT61SV", event_id="mpesa:other"))
    assert _receipt(till, thing) == "UF1E26WQJZ"


def test_money_reported_without_an_id_and_then_with_one_is_one_payment(till: Till) -> None:
    thing = till.thing()
    intent = till.start(thing)
    till.apply(till.paid(intent, transaction=None, event_id="mpesa:look-up"))
    till.apply(till.paid(intent, receipt="UF1E26WQJZ"))
    assert _has_been_paid_once(till, thing)
    assert till.exceptions() == []
    assert _receipt(till, thing) == "UF1E26WQJZ"


def test_money_reported_with_an_id_and_then_without_one_is_one_payment(till: Till) -> None:
    thing = till.thing()
    intent = till.start(thing)
    till.apply(till.paid(intent))
    till.apply(till.paid(intent, transaction=None, event_id="mpesa:look-up"))
    assert _has_been_paid_once(till, thing)
    assert till.exceptions() == []


def test_a_failure_after_success_changes_nothing(till: Till) -> None:
    thing = till.thing()
    intent = till.start(thing)
    till.apply(till.paid(intent))
    assert till.apply(till.failed(intent)).status is InboxStatus.IGNORED
    assert _has_been_paid_once(till, thing)
    assert till.news() == ["order.paid"]


@pytest.mark.parametrize("earlier", [PENDING, UNKNOWN, EXPIRED, PaymentEventStatus.FAILED])
def test_a_success_after_anything_else_counts(till: Till, earlier: PaymentEventStatus) -> None:
    thing = till.thing()
    intent = till.start(thing)
    till.apply(till.event(intent, earlier))
    till.apply(till.paid(intent))
    assert _has_been_paid_once(till, thing)


def test_every_order_of_every_event_pays_once(till: Till) -> None:
    for number, order in enumerate(permutations(PaymentEventStatus)):
        if number % 10:  # a dozen of the 120 here; the state machine takes the rest
            continue
        customer = till.customer(CustomerId(f"customer-{number}"))
        thing = till.thing(customer_id=customer)
        intent = till.start(thing)
        for status in order:
            till.apply(till.event(intent, status))
        assert till.thing_status(thing) == OrderStatus.PAID
        assert till.times_paid(thing) == 1


def test_a_failed_try_leaves_something_to_retry_and_says_why(till: Till) -> None:
    thing = till.thing()
    intent = till.start(thing)
    outcome = till.apply(till.failed(intent, reason=FailureReason.INSUFFICIENT_FUNDS, may_retry=True))
    assert (outcome.ended_intent, outcome.was_sent) == (intent, True)
    assert till.ledger(LedgerKind.FAILED) == [PRICE.minor]
    (news,) = till.bodies()
    told = json.loads(news)
    assert told["type"] == "payment.failed"
    assert (told["data"]["reason"], told["data"]["may_retry"]) == ("insufficient_funds", True)
    till.apply(till.paid(till.start(thing)))
    assert _has_been_paid_once(till, thing)


def test_a_grant_that_was_refused_made_no_phone_ring(till: Till) -> None:
    intent = till.start(till.thing())
    outcome = till.apply(till.failed(intent, reason=FailureReason.NOT_SENT, transaction=None))
    assert (outcome.ended_intent, outcome.was_sent) == (intent, False)


def test_an_unknown_outcome_is_told_once_and_blocks_a_second_try_for_ten_minutes(till: Till) -> None:
    thing = till.thing()
    intent = till.start(thing)
    outcome = till.apply(till.event(intent, UNKNOWN))
    assert outcome.ended_intent is None
    assert till.news() == ["payment.unknown"]
    with pytest.raises(Problem) as refused:
        till.start(thing)
    assert refused.value.code is ErrorCode.PAYMENT_IN_PROGRESS
    till.clock.advance(timedelta(minutes=10))
    till.start(thing)


def test_two_successes_for_one_payable_are_one_fulfilment_and_one_duplicate(till: Till) -> None:
    thing = till.thing(stock=5)
    first = till.start(thing)
    till.apply(till.event(first, UNKNOWN))
    till.clock.advance(timedelta(minutes=11))
    second = till.start(thing)
    till.apply(till.paid(second, receipt="UF1E26WQJZ"))
    till.apply(till.paid(first, receipt="NLJ7RT61SV"))
    assert _has_been_paid_once(till, thing)
    assert till.exceptions() == ["duplicate"]
    assert till.ledger(LedgerKind.CREDITED) == [PRICE.minor]
    assert till.news() == ["payment.unknown", "order.paid", "payment.exception"]
    assert _receipt(till, thing) == "UF1E26WQJZ"


def test_a_second_transaction_of_one_intent_is_a_duplicate(till: Till) -> None:
    thing = till.thing(stock=5)
    intent = till.start(thing)
    till.apply(till.paid(intent))
    till.apply(till.paid(intent, transaction="ws_again"))
    assert _has_been_paid_once(till, thing)
    assert till.exceptions() == ["duplicate"]


def test_money_for_an_older_request_pays_the_payable_and_closes_the_newer_one(till: Till) -> None:
    thing = till.thing()
    old = till.start(thing)
    with till.ops.write() as tx:
        till.close(tx, thing, RequestStatus.EXPIRED)
        till.open(tx, thing)
    till.apply(till.paid(old))
    assert till.request_statuses(thing) == ["paid", "canceled"]
    assert _has_been_paid_once(till, thing)


def test_money_for_a_cancelled_order_is_late_and_pays_nothing(till: Till) -> None:
    thing = till.thing()
    intent = till.start(thing)
    assert till.cancel(thing) is True
    till.apply(till.paid(intent, receipt="UF1E26WQJZ"))
    assert till.thing_status(thing) == OrderStatus.CANCELLED
    assert till.request_status(thing) == "canceled"
    assert till.exceptions() == ["late"]
    assert till.ledger(LedgerKind.PAID) == []
    assert till.times_paid(thing) == 0  # what the handler counted before it refused was taken back
    assert till.fulfilments() == []
    (news,) = till.bodies()
    told = json.loads(news)["data"]
    assert (told["kind"], told["amount_minor"], told["receipt"]) == ("late", PRICE.minor, "UF1E26WQJZ")


def test_money_for_what_is_sold_out_waits_in_the_queue(till: Till) -> None:
    thing = till.thing(stock=0)
    till.apply(till.paid(till.start(thing)))
    assert till.exceptions() == ["no_stock"]
    assert till.request_status(thing) == "failed"
    assert till.fulfilments() == []


@pytest.mark.parametrize(
    ("amount", "rail", "kind"),
    [
        (Money(PRICE.minor - 1, Currency.KES), Rail.MPESA_STK, "under"),
        (Money(1, Currency.KES), Rail.MPESA_STK, "under"),
        (Money(PRICE.minor + 1, Currency.KES), Rail.MPESA_STK, "over"),
        (Money(PRICE.minor, Currency.AOA), Rail.MPESA_STK, "unmatched"),
        (PRICE, Rail.GPO, "unmatched"),
    ],
)
def test_money_that_does_not_fit_never_pays(till: Till, amount: Money, rail: Rail, kind: str) -> None:
    thing = till.thing()
    intent = till.start(thing)
    till.apply(till.paid(intent, amount=amount, rail=rail))
    assert till.thing_status(thing) == OrderStatus.CONFIRMED
    assert till.exceptions() == [kind]
    assert till.ledger(LedgerKind.PAID) == []
    assert till.ledger(LedgerKind.CREDITED) == [amount.minor]
    assert till.intent_status(intent) == IntentStatus.SUCCEEDED
    assert till.request_status(thing) == "failed"


def test_paid_without_an_amount_is_unknown_and_pays_nothing(till: Till) -> None:
    thing = till.thing()
    intent = till.start(thing)
    event = till.paid(intent, amount=None)
    assert till.apply(event).status is InboxStatus.FAILED
    assert till.inbox(event) == "failed"
    assert till.intent_status(intent) == IntentStatus.UNKNOWN
    assert till.thing_status(thing) == OrderStatus.CONFIRMED
    till.apply(till.paid(intent, event_id="mpesa:with-amount"))
    assert _has_been_paid_once(till, thing)


def test_money_for_an_intent_that_nobody_started_is_kept_and_queued(till: Till) -> None:
    event = till.paid("intent-of-nobody", receipt="UF1E26WQJZ")
    assert till.apply(event).status is InboxStatus.FAILED
    assert till.inbox(event) == "failed"
    assert till.exceptions() == ["unmatched"]
    assert till.ledger(LedgerKind.CREDITED) == [PRICE.minor]
    till.apply(event)
    assert till.exceptions() == ["unmatched"]


def test_money_that_came_unasked_is_queued_once_however_it_is_reported(till: Till) -> None:
    first = till.paid(None, transaction="UF1E26WQJZ", receipt="UF1E26WQJZ")
    assert till.apply(first).status is InboxStatus.PROCESSED
    till.apply(till.paid(None, transaction="UF1E26WQJZ", receipt="UF1E26WQJZ", event_id="mpesa:again"))
    assert till.exceptions() == ["unmatched"]
    assert till.news() == ["payment.exception"]


def test_a_confirmation_of_money_that_was_counted_is_not_money_that_came_unasked(till: Till) -> None:
    thing = till.thing()
    till.apply(till.paid(till.start(thing), receipt="UF1E26WQJZ"))
    outcome = till.apply(till.paid(None, transaction="UF1E26WQJZ", receipt="UF1E26WQJZ"))
    assert outcome.status is InboxStatus.IGNORED
    assert till.exceptions() == []


@pytest.mark.parametrize("status", [PENDING, UNKNOWN, EXPIRED, PaymentEventStatus.FAILED])
def test_an_event_about_no_intent_of_ours_is_kept_and_changes_nothing(till: Till, status: PaymentEventStatus) -> None:
    event = till.event("intent-of-nobody", status)
    assert till.apply(event).status is InboxStatus.FAILED
    assert till.inbox(event) == "failed"
    assert till.news() == []


def test_another_vendors_event_does_not_reach_an_intent(till: Till) -> None:
    thing = till.thing()
    intent = till.start(thing)
    till.apply(till.paid(intent, vendor_id="vendor-other"))
    assert till.thing_status(thing) == OrderStatus.CONFIRMED
    assert till.intent_status(intent) == IntentStatus.CREATED
    assert till.exceptions() == ["unmatched"]


def test_one_provider_transaction_pays_one_payable_only(till: Till) -> None:
    mine, other = till.thing(), till.thing()
    intent, other_intent = till.start(mine), till.start(other)
    till.apply(till.paid(intent, transaction="ws_one"))
    replayed = till.paid(other_intent, transaction="ws_one", event_id="mpesa:replayed", receipt="NLJ7RT61SV")
    assert till.apply(replayed).status is InboxStatus.FAILED
    assert _receipt(till, mine) is None
    assert till.thing_status(other) == OrderStatus.CONFIRMED
    assert till.exceptions() == []
    pending = till.event(other_intent, PENDING, transaction="ws_one", event_id="mpesa:pending")
    assert till.apply(pending).status is InboxStatus.FAILED
    assert till.intent_status(other_intent) == IntentStatus.CREATED


def test_nobody_is_told_of_a_try_that_no_longer_matters(till: Till) -> None:
    thing = till.thing(stock=5)
    first = till.start(thing)
    till.apply(till.event(first, UNKNOWN))
    till.clock.advance(timedelta(minutes=11))
    second = till.start(thing)
    till.apply(till.failed(first))
    assert till.news() == ["payment.unknown"]  # the second prompt is up
    assert till.request_status(thing) == "pending"
    till.apply(till.failed(second))
    assert till.news() == ["payment.unknown", "payment.failed"]
    assert till.request_status(thing) == "failed"


def test_a_prompt_that_is_cancelled_with_its_order_is_not_announced_again(till: Till) -> None:
    thing = till.thing()
    intent = till.start(thing)
    till.cancel(thing)
    till.apply(till.failed(intent, reason=FailureReason.CANCELLED_BY_CUSTOMER))
    assert till.intent_status(intent) == IntentStatus.FAILED
    assert till.request_status(thing) == "canceled"
    assert till.news() == []


def test_several_events_can_be_applied_in_one_transaction(till: Till) -> None:
    things = [till.thing() for _ in range(3)]
    events = [till.paid(till.start(thing)) for thing in things]
    with till.ops.write() as tx:
        for event in [*events, *events]:
            service.apply_event(tx, event, till.registry, till.clock.now())
    assert [till.thing_status(thing) for thing in things] == [OrderStatus.PAID] * 3
    assert len(till.fulfilments()) == 3


def test_a_kind_that_no_room_answers_for_loses_nothing(till: Till) -> None:
    intent = till.start(till.thing())
    event = till.paid(intent)
    with pytest.raises(service.UnknownPayableKind), till.ops.write() as tx:
        service.apply_event(tx, event, service.Registry(), till.clock.now())
    assert till.apply(event).status is InboxStatus.PROCESSED  # the sender tries again, and it was not taken before
