"""Opening requests and starting intents: what PAY may do, and what it is refused."""

from datetime import timedelta

import pytest

from contracts.errors import ErrorCode
from contracts.ids import CustomerId, PaymentIntentId
from contracts.money import Currency, Money
from contracts.payment_api import ChargeGrant
from contracts.states import FailureReason, LedgerKind, PaymentEventStatus, Rail, RequestStatus
from kit.grants import open_grant
from kit.problems import Problem
from router.payments import service
from tests.support.till import AMINA, GRANT_KEYS, KIND, PHONE, PRICE, TIMEZONE, VENDOR, Till


def _grant(till: Till, payable: service.Payable, intent_id: PaymentIntentId) -> str:
    with till.ops.write() as tx:
        return till.grant(tx, payable, intent_id)


def test_a_grant_says_what_the_request_asks_and_nothing_a_client_sent(till: Till) -> None:
    thing = till.thing()
    grant = open_grant(GRANT_KEYS, _grant(till, thing, PaymentIntentId("intent-a")))
    with till.ops.read() as tx:
        request_id = service.views(
            tx,
            vendor_id=VENDOR,
            payable_kind=KIND,
            payable_ids=[thing.id],
            customer_id=AMINA,
            timezone=TIMEZONE,
            now=till.clock.now(),
        )[thing.id].request_id
    assert grant == ChargeGrant(
        intent_id="intent-a",
        request_id=request_id,
        vendor_id=VENDOR,
        rail=Rail.MPESA_STK,
        amount_minor=PRICE.minor,
        currency=PRICE.currency,
        payer_msisdn=PHONE,
        account_reference=thing.reference,
        description="Mama Njeri",
        issued_at=till.clock.now(),
        expires_at=till.clock.now() + timedelta(seconds=60),
    )
    assert till.ledger(LedgerKind.REQUESTED) == [PRICE.minor]
    assert till.ledger(LedgerKind.AUTHORIZED) == [PRICE.minor]


def test_the_same_intent_again_is_the_same_grant_and_takes_no_second_place(till: Till) -> None:
    thing = till.thing()
    intent = till.intent_id()
    first = _grant(till, thing, intent)
    till.clock.advance(timedelta(minutes=5))
    assert _grant(till, thing, intent) == first
    assert till.ledger(LedgerKind.AUTHORIZED) == [PRICE.minor]


def test_an_intents_id_is_not_taken_for_another_number(till: Till) -> None:
    thing = till.thing()
    intent = till.start(thing)
    with pytest.raises(Problem) as refused:
        till.start(thing, intent_id=intent, payer="254700000001")
    assert refused.value.code is ErrorCode.IDEMPOTENCY_KEY_REUSED


def test_a_second_pay_while_the_prompt_is_up_starts_nothing(till: Till) -> None:
    thing = till.thing()
    till.start(thing)
    with pytest.raises(Problem) as refused:
        till.start(thing)
    assert (refused.value.status, refused.value.code) == (409, ErrorCode.PAYMENT_IN_PROGRESS)
    assert len(till.ledger(LedgerKind.AUTHORIZED)) == 1


def test_a_retry_after_a_failure_is_a_new_intent_of_the_same_request(till: Till) -> None:
    thing = till.thing()
    first = till.start(thing)
    till.apply(till.failed(first, reason=FailureReason.WRONG_PIN, may_retry=True))
    assert till.request_status(thing) == RequestStatus.FAILED
    second = till.start(thing)
    assert second != first
    assert till.request_statuses(thing) == [RequestStatus.PENDING]


def test_a_customer_has_three_tries_a_day_over_all_their_orders(till: Till) -> None:
    for _ in range(3):
        thing = till.thing()
        till.apply(till.failed(till.start(thing)))
    with pytest.raises(Problem) as refused:
        till.start(till.thing())
    assert (refused.value.status, refused.value.code) == (429, ErrorCode.ATTEMPTS_EXHAUSTED)
    assert refused.value.retry_after_s == 12 * 3600  # it is noon in Nairobi


def test_the_tries_come_back_at_the_vendors_midnight(till: Till) -> None:
    thing = till.thing()
    for _ in range(3):
        till.apply(till.failed(till.start(thing)))
    till.clock.advance(timedelta(hours=11, minutes=59, seconds=59))
    with pytest.raises(Problem):
        till.start(thing)
    till.clock.advance(timedelta(seconds=1))
    till.start(thing)


def test_another_customer_has_tries_of_their_own(till: Till) -> None:
    for _ in range(3):
        till.apply(till.failed(till.start(till.thing())))
    baraka = till.customer(CustomerId("customer-baraka"))
    till.start(till.thing(customer_id=baraka))


def test_a_stale_reservation_starts_nothing(till: Till) -> None:
    thing = till.thing()
    with pytest.raises(Problem) as refused:
        till.start(thing, reserved_at=till.clock.now() - timedelta(seconds=31))
    assert refused.value.status == 503
    assert till.ledger(LedgerKind.AUTHORIZED) == []


def test_mpesa_is_not_asked_for_cents(till: Till) -> None:
    thing = till.thing(amount=Money(45_050, Currency.KES))
    with pytest.raises(Problem) as refused:
        till.start(thing)
    assert refused.value.code is ErrorCode.AMOUNT_INVALID


@pytest.mark.parametrize("status", [RequestStatus.CANCELED, RequestStatus.EXPIRED])
def test_a_closed_request_is_not_paid_but_a_new_one_is(till: Till, status: RequestStatus) -> None:
    thing = till.thing()
    with till.ops.write() as tx:
        assert not till.close(tx, thing, status).prompt
    with pytest.raises(Problem) as refused:
        till.start(thing)
    assert refused.value.code is ErrorCode.NOTHING_TO_PAY
    with till.ops.write() as tx:
        till.open(tx, thing)
    till.start(thing)
    assert till.request_statuses(thing) == [status, RequestStatus.PENDING]


def test_opening_again_returns_the_open_request(till: Till) -> None:
    thing = till.thing()
    with till.ops.write() as tx:
        assert till.open(tx, thing) == till.open(tx, thing)
    assert till.ledger(LedgerKind.REQUESTED) == [PRICE.minor]


def test_a_withdrawn_claim_is_taken_out_of_the_ledger(till: Till) -> None:
    thing = till.thing()
    till.cancel(thing)
    assert till.ledger(LedgerKind.ADJUSTED) == [-PRICE.minor]


def test_an_open_request_never_changes_its_amount(till: Till) -> None:
    thing = till.thing()
    dearer = service.Payable(KIND, thing.id, AMINA, PRICE.times(2), thing.reference, "")
    with pytest.raises(ValueError, match="another amount"), till.ops.write() as tx:
        till.open(tx, dearer)


@pytest.mark.parametrize(
    ("event", "is_live"),
    [
        (None, True),
        (PaymentEventStatus.PENDING, True),
        (PaymentEventStatus.UNKNOWN, True),
        (PaymentEventStatus.FAILED, False),
        (PaymentEventStatus.EXPIRED, False),
        (PaymentEventStatus.PAID, False),
    ],
)
def test_closing_says_whether_money_may_still_come(
    till: Till, event: PaymentEventStatus | None, *, is_live: bool
) -> None:
    thing = till.thing()
    intent = till.start(thing)
    if event is not None:
        till.apply(till.event(intent, event))
    with till.ops.write() as tx:
        seen = service.still_open(tx, vendor_id=VENDOR, payable_kind=KIND, payable_id=thing.id)
        assert seen == service.StillOpen(prompt=is_live, reference=False)
        assert till.close(tx, thing, RequestStatus.CANCELED) == seen


def test_views_show_the_latest_try_of_many_payables_at_once(till: Till) -> None:
    fresh, tried, unasked = till.thing(), till.thing(), "thing-without-request"
    till.apply(till.failed(till.start(tried), reason=FailureReason.WRONG_PIN))
    latest = till.start(tried)
    with till.ops.read() as tx:
        views = service.views(
            tx,
            vendor_id=VENDOR,
            payable_kind=KIND,
            payable_ids=[fresh.id, tried.id, unasked],
            customer_id=AMINA,
            timezone=TIMEZONE,
            now=till.clock.now(),
        )
    assert views.keys() == {fresh.id, tried.id}
    assert (views[fresh.id].intent_id, views[fresh.id].attempts_left_today) == (None, 1)
    assert (views[tried.id].intent_id, views[tried.id].intent_status, views[tried.id].reason) == (
        latest,
        "created",
        None,
    )


@pytest.mark.parametrize(
    ("amount", "reference", "description"),
    [(0, "CODE", ""), (-100, "CODE", ""), (100, "", ""), (100, "A" * 13, ""), (100, "CODE", "B" * 14)],
)
def test_a_payable_that_no_prompt_can_carry_is_refused(amount: int, reference: str, description: str) -> None:
    with pytest.raises(ValueError, match=r"amount|characters"):
        service.Payable(KIND, "x", AMINA, Money(amount, Currency.KES), reference, description)
