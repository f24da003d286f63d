"""The tables of requests and intents, every pair walked; and the pure decisions about tries and amounts."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from contracts.money import Currency, Money
from contracts.payment_api import RefundStatus
from contracts.states import PUSHED_RAILS, ExceptionKind, IntentStatus, PaymentEventStatus, Rail, RequestStatus
from router.payments import rules
from router.payments.rules import Attempt, ForbiddenTransition, Refusal, refuse_start

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
R, Intent, E, Back = RequestStatus, IntentStatus, PaymentEventStatus, RefundStatus

# Written out once more, by hand: a slip in the table is not repeated here.
REFUND_STEPS = {
    (Back.PENDING, Back.DONE),
    (Back.PENDING, Back.FAILED),
    (Back.PENDING, Back.UNKNOWN),
    (Back.UNKNOWN, Back.DONE),
    (Back.UNKNOWN, Back.FAILED),
    (Back.FAILED, Back.DONE),
}
REQUEST_STEPS = {
    (R.PENDING, R.PAID),
    (R.PENDING, R.FAILED),
    (R.PENDING, R.EXPIRED),
    (R.PENDING, R.CANCELED),
    (R.FAILED, R.PENDING),
    (R.FAILED, R.PAID),
    (R.FAILED, R.EXPIRED),
    (R.FAILED, R.CANCELED),
    (R.EXPIRED, R.PAID),
    (R.CANCELED, R.PAID),
}
INTENT_STEPS = {
    (Intent.CREATED, Intent.PROVIDER_PENDING),
    (Intent.CREATED, Intent.SUCCEEDED),
    (Intent.CREATED, Intent.FAILED),
    (Intent.CREATED, Intent.EXPIRED),
    (Intent.CREATED, Intent.UNKNOWN),
    (Intent.PROVIDER_PENDING, Intent.SUCCEEDED),
    (Intent.PROVIDER_PENDING, Intent.FAILED),
    (Intent.PROVIDER_PENDING, Intent.EXPIRED),
    (Intent.PROVIDER_PENDING, Intent.UNKNOWN),
    (Intent.UNKNOWN, Intent.SUCCEEDED),
    (Intent.UNKNOWN, Intent.FAILED),
    (Intent.UNKNOWN, Intent.EXPIRED),
    (Intent.FAILED, Intent.SUCCEEDED),
    (Intent.EXPIRED, Intent.SUCCEEDED),
}


@pytest.mark.parametrize(("before", "after"), sorted(REQUEST_STEPS))
def test_a_request_takes_each_step_of_the_table(before: RequestStatus, after: RequestStatus) -> None:
    rules.check_request_step(before, after)


@pytest.mark.parametrize(("before", "after"), sorted(set(product(R, R)) - REQUEST_STEPS))
def test_a_request_takes_no_other_step(before: RequestStatus, after: RequestStatus) -> None:
    with pytest.raises(ForbiddenTransition):
        rules.check_request_step(before, after)


@pytest.mark.parametrize(("before", "after"), sorted(INTENT_STEPS))
def test_an_intent_takes_each_step_of_the_table(before: IntentStatus, after: IntentStatus) -> None:
    rules.check_intent_step(before, after)


@pytest.mark.parametrize(("before", "after"), sorted(set(product(Intent, Intent)) - INTENT_STEPS))
def test_an_intent_takes_no_other_step(before: IntentStatus, after: IntentStatus) -> None:
    with pytest.raises(ForbiddenTransition):
        rules.check_intent_step(before, after)


@pytest.mark.parametrize("before", sorted(set(Intent) - {Intent.SUCCEEDED}))
def test_success_follows_every_other_state_of_an_intent(before: IntentStatus) -> None:
    assert rules.INTENT_AFTER[before, E.PAID] is Intent.SUCCEEDED


@pytest.mark.parametrize("event", sorted(E))
def test_nothing_follows_success(event: PaymentEventStatus) -> None:
    assert (Intent.SUCCEEDED, event) not in rules.INTENT_AFTER


@pytest.mark.parametrize(
    ("before", "event"), sorted(product((Intent.FAILED, Intent.EXPIRED), (E.PENDING, E.FAILED, E.EXPIRED, E.UNKNOWN)))
)
def test_an_ended_try_moves_for_nothing_but_money(before: IntentStatus, event: PaymentEventStatus) -> None:
    assert (before, event) not in rules.INTENT_AFTER


@pytest.mark.parametrize("other", sorted(rules.OPEN_INTENT))
def test_a_request_does_not_fail_while_another_try_may_bring_the_money(other: IntentStatus) -> None:
    assert rules.request_after_failure(R.PENDING, [Intent.FAILED, other]) is None
    assert rules.request_after_failure(R.PENDING, [Intent.FAILED]) is R.FAILED


@pytest.mark.parametrize("status", sorted(set(R) - {R.PENDING}))
def test_only_a_pending_request_fails(status: RequestStatus) -> None:
    assert rules.request_after_failure(status, []) is None


def _refusal(
    *,
    request: RequestStatus = R.PENDING,
    attempts: tuple[Attempt, ...] = (),
    started_today: int = 0,
    rail: Rail = Rail.MPESA_STK,
    reserved_at: datetime | None = NOW,
) -> Refusal | None:
    return refuse_start(
        request=request, attempts=attempts, started_today=started_today, rail=rail, reserved_at=reserved_at, now=NOW
    )


@pytest.mark.parametrize(("before", "after"), sorted(product(Back, Back)))
def test_a_refund_takes_the_steps_of_the_table_alone(before: RefundStatus, after: RefundStatus) -> None:
    assert (after in rules.REFUND_NEXT[before]) == ((before, after) in REFUND_STEPS)


@pytest.mark.parametrize("status", [Intent.CREATED, Intent.PROVIDER_PENDING, Intent.UNKNOWN])
@pytest.mark.parametrize(("waiting", "wanted"), sorted(product(Rail, Rail)))
def test_a_prompt_keeps_all_out_and_a_reference_its_own_kind(status: IntentStatus, waiting: Rail, wanted: Rail) -> None:
    refusal = _refusal(attempts=(Attempt(status, NOW, waiting),), rail=wanted)
    is_in_the_way = waiting in PUSHED_RAILS or waiting is wanted
    assert (refusal is not None) == is_in_the_way


def test_the_first_try_may_start() -> None:
    assert _refusal() is None


@pytest.mark.parametrize("status", [R.PAID, R.EXPIRED, R.CANCELED])
def test_no_try_starts_on_a_closed_request(status: RequestStatus) -> None:
    assert _refusal(request=status) is Refusal.NOT_OPEN


@pytest.mark.parametrize("status", [Intent.CREATED, Intent.PROVIDER_PENDING])
def test_no_try_starts_while_another_is_live(status: IntentStatus) -> None:
    assert _refusal(attempts=(Attempt(status, NOW - timedelta(days=1)),)) is Refusal.IN_PROGRESS


def test_an_unknown_try_blocks_the_next_for_exactly_ten_minutes() -> None:
    still = Attempt(Intent.UNKNOWN, NOW - rules.UNKNOWN_BLOCKS + timedelta(microseconds=1))
    no_more = Attempt(Intent.UNKNOWN, NOW - rules.UNKNOWN_BLOCKS)
    assert _refusal(attempts=(still,)) is Refusal.UNDECIDED
    assert _refusal(attempts=(no_more,)) is None


def test_the_third_try_of_a_day_may_start_and_the_fourth_may_not() -> None:
    assert _refusal(started_today=2) is None
    assert _refusal(started_today=3) is Refusal.ATTEMPTS_EXHAUSTED


def test_a_reservation_opens_a_push_for_exactly_thirty_seconds() -> None:
    assert _refusal(reserved_at=NOW - rules.RESERVATION_FRESH) is None
    stale = NOW - rules.RESERVATION_FRESH - timedelta(microseconds=1)
    assert _refusal(reserved_at=stale) is Refusal.NOT_RESERVED
    assert _refusal(reserved_at=None) is Refusal.NOT_RESERVED


def test_a_reference_that_is_paid_later_needs_no_reservation() -> None:
    assert _refusal(rail=Rail.EMIS_REF, reserved_at=None) is None


@pytest.mark.parametrize(
    ("paid", "rail", "expected"),
    [
        (Money(45_000, Currency.KES), Rail.MPESA_STK, None),
        (Money(44_999, Currency.KES), Rail.MPESA_STK, ExceptionKind.UNDER),
        (Money(45_001, Currency.KES), Rail.MPESA_STK, ExceptionKind.OVER),
        (Money(0, Currency.KES), Rail.MPESA_STK, ExceptionKind.UNDER),
        (Money(45_000, Currency.AOA), Rail.MPESA_STK, ExceptionKind.UNMATCHED),
        (Money(45_000, Currency.KES), Rail.GPO, ExceptionKind.UNMATCHED),
    ],
)
def test_only_the_exact_amount_by_the_same_rail_fits(paid: Money, rail: Rail, expected: ExceptionKind | None) -> None:
    asked = Money(45_000, Currency.KES)
    assert rules.misfit(asked=asked, rail=Rail.MPESA_STK, paid=paid, paid_by=rail) is expected


def test_a_day_begins_at_the_vendors_midnight() -> None:
    before = datetime(2026, 11, 20, 20, 59, 59, tzinfo=UTC)
    assert rules.local_day(before, "Africa/Nairobi") == "2026-11-20"
    assert rules.local_day(before + timedelta(seconds=1), "Africa/Nairobi") == "2026-11-21"
    assert rules.local_day(before + timedelta(seconds=1), "Africa/Luanda") == "2026-11-20"
    assert rules.next_local_day_in_s(before, "Africa/Nairobi") == 1
