"""Rails that ring no phone: instructions, days of waiting, and look-ups by our own reference."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.money import Currency
from contracts.payment_api import PaymentInstructions
from contracts.states import FailureReason, PaymentEventStatus, Rail
from kit.clock import FixedClock
from payment_adapter.providers.base import Failure, NoAnswer, Report, Settled, Unclear
from payment_adapter.reconcile.rules import LAST_LOOKS, Verdict, judge_reference, next_poll
from tests.support.clock import NOON
from tests.support.databases import NewDatabase
from tests.support.payments import PAYER, Desk
from tests.support.references import ScriptedReferences

PAID = Report(PaymentEventStatus.PAID, amount_minor=150_00, receipt="R1")
PENDING = Report(PaymentEventStatus.PENDING)
SILENT = NoAnswer("HTTP 503")
EXPIRES = NOON + timedelta(hours=72)


class Shop:
    """A shop that takes references."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        (provider,) = desk.others
        assert isinstance(provider, ScriptedReferences)
        self.provider = provider
        provider.expires_at = EXPIRES
        desk.plant(provider="ekwanza")

    def charge(self, rail: Rail = Rail.EMIS_REF, payer: str | None = None) -> None:
        grant = self.desk.grant(rail=rail, currency=Currency.AOA, payer_msisdn=payer, amount_minor=150_00)
        assert self.desk.ask(grant).status_code == 202
        self.desk.run_push()

    def asked_after(self, minutes: range) -> list[int]:
        """When it is asked, in minutes from now, looking every minute of these."""
        asked: list[int] = []
        start = self.desk.clock.now()
        for minute in minutes:
            self.desk.clock.advance(start + timedelta(minutes=minute) - self.desk.clock.now())
            before = len(self.provider.asked)
            self.desk.run_polls()
            asked += [minute] * (len(self.provider.asked) - before)
        return asked


@pytest.fixture
def shop(new_database: NewDatabase, clock: FixedClock) -> Shop:
    return Shop(Desk(new_database("payments"), clock, others=[ScriptedReferences()]))


@pytest.fixture
def sqlite_shop(sqlite_database: NewDatabase, clock: FixedClock) -> Shop:
    return Shop(Desk(sqlite_database("payments"), clock, others=[ScriptedReferences()]))


def test_a_reference_is_announced_with_how_to_pay_it(shop: Shop) -> None:
    shop.charge()
    (order,) = shop.provider.orders
    assert (order.payer_msisdn, order.rail, len(order.our_reference)) == (None, Rail.EMIS_REF, 15)
    (event,) = shop.desk.events()
    assert (event.status, event.rail, event.payer_msisdn) == ("pending", "emis_ref", None)
    told = PaymentInstructions(entity="00123", reference="123456789", expires_at=EXPIRES)
    assert event.instructions == told == shop.desk.charge().instructions


def test_a_rail_that_rings_a_phone_needs_to_know_whose(sqlite_shop: Shop) -> None:
    desk = sqlite_shop.desk
    answer = desk.ask(desk.grant(rail=Rail.GPO, currency=Currency.AOA, payer_msisdn=None))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "payer_missing")
    assert desk.count_charges() == 0


def test_a_reference_is_asked_about_for_as_long_as_it_lives_and_a_day_after(sqlite_shop: Shop) -> None:
    sqlite_shop.provider.finding = SILENT
    sqlite_shop.charge()
    hours = [minute / 60 for minute in sqlite_shop.asked_after(range(1, 110 * 60))]
    assert hours[:6] == [1 / 60, 5 / 60, 15 / 60, 1, 3, 6]
    assert hours[6:16] == [12, 18, 24, 30, 36, 42, 48, 54, 60, 66]
    assert [round(hour - 72, 2) for hour in hours[16:]] == [0.17, 6.0, 24.0]


def test_a_reference_that_is_paid_days_later_is_paid(shop: Shop) -> None:
    shop.provider.finding = PENDING
    shop.charge()
    for _ in range(8):
        shop.desk.wait(hours=7)
        shop.desk.run_polls()
    assert shop.desk.told() == ["pending"]

    shop.provider.finding = PAID
    shop.desk.wait(hours=7)
    shop.desk.run_polls()
    assert shop.desk.told() == ["pending", "paid"]
    event = shop.desk.events()[-1]
    assert (event.amount_minor, event.currency, event.receipt) == (150_00, "AOA", "R1")
    assert shop.desk.charge().next_poll_at is None


def test_a_reference_that_nobody_pays_expires_and_may_still_be_paid_after_all(shop: Shop) -> None:
    shop.provider.finding = PENDING
    shop.charge()
    shop.desk.wait(hours=72, minutes=9)
    shop.desk.run_polls()
    assert shop.desk.told() == ["pending"]
    shop.desk.wait(minutes=1)
    shop.desk.run_polls()

    event = shop.desk.events()[-1]
    assert (event.status, event.reason, event.may_retry) == ("expired", "reference_expired", True)
    shop.provider.finding = PAID
    shop.desk.wait(hours=6)
    shop.desk.run_polls()
    assert shop.desk.told() == ["pending", "expired", "paid"]


def test_a_reference_is_never_in_doubt_while_it_lives(sqlite_shop: Shop) -> None:
    sqlite_shop.provider.finding = SILENT
    sqlite_shop.charge()
    sqlite_shop.asked_after(range(1, 72 * 60, 30))
    assert sqlite_shop.desk.told() == ["pending"]


def test_a_reference_that_nobody_can_be_asked_about_ends_in_review(sqlite_shop: Shop) -> None:
    sqlite_shop.provider.finding = SILENT
    sqlite_shop.charge()
    sqlite_shop.asked_after(range(1, 97 * 60, 10))
    assert sqlite_shop.desk.told() == ["pending", "unknown"]
    assert sqlite_shop.desk.charge().provider_detail == "the provider can't say either: HTTP 503"


def test_a_reference_whose_number_was_lost_is_given_up_since_nobody_has_it(shop: Shop) -> None:
    shop.provider.outcomes = [Unclear("timeout")]
    shop.provider.finding = PENDING
    shop.charge()
    assert shop.desk.told() == ["unknown"]
    for _ in range(6):
        shop.desk.wait(minutes=1)
        shop.desk.run_polls()

    assert {charge.transaction_id for charge in shop.provider.asked} == {None}
    assert {charge.our_reference for charge in shop.provider.asked} == {shop.desk.charge().our_reference}
    event = shop.desk.events()[-1]
    assert (event.status, event.reason, event.may_retry) == ("failed", "not_sent", True)


def test_a_push_whose_answer_was_lost_is_asked_about_by_our_reference(shop: Shop) -> None:
    shop.provider.outcomes = [Unclear("timeout")]
    shop.provider.finding = PAID
    shop.charge(Rail.GPO, PAYER)
    shop.desk.wait(seconds=15)
    shop.desk.run_polls()
    assert shop.desk.told() == ["unknown", "paid"]


def test_a_push_whose_process_died_is_asked_about_by_our_reference(shop: Shop) -> None:
    class Killed(BaseException):
        pass

    def die(_order: object) -> Settled:
        raise Killed

    shop.provider.outcomes = [die]
    with pytest.raises(Killed):
        shop.charge(Rail.GPO, PAYER)
    after = shop.desk.restart()
    after.run_push()
    shop.provider.finding = PAID
    after.wait(seconds=15)
    after.run_polls()
    assert (after.told(), len(shop.provider.orders)) == (["unknown", "paid"], 1)


@pytest.mark.parametrize(
    ("report", "told"),
    [
        (Report(PaymentEventStatus.PAID, amount_minor=150_00, receipt="R1", transaction_id="t-1"), "paid"),
        (
            Report(
                PaymentEventStatus.FAILED,
                Failure(FailureReason.CANCELLED_BY_CUSTOMER, True, "231", "declined"),
                transaction_id="t-1",
            ),
            "failed",
        ),
        (Report(PaymentEventStatus.UNKNOWN, transaction_id="t-1"), "unknown"),
    ],
)
def test_an_answer_that_waited_for_the_payer_settles_the_push(shop: Shop, report: Report, told: str) -> None:
    shop.provider.outcomes = [Settled(report)]
    shop.charge(Rail.GPO, PAYER)
    assert shop.desk.told() == [told]
    assert shop.desk.charge().provider_transaction_id == "t-1"
    assert (shop.desk.charge().next_poll_at is None) == (told != "unknown")


FINDINGS = [PAID, PENDING, SILENT, Report(PaymentEventStatus.UNKNOWN)]


@given(finding=st.sampled_from(FINDINGS), hours=st.integers(0, 200), lives=st.integers(1, 100), is_told=st.booleans())
def test_a_verdict_on_a_reference_never_doubts_one_that_lives(
    finding: Report | NoAnswer, hours: int, lives: int, is_told: bool
) -> None:
    now, expires_at = NOON + timedelta(hours=hours), NOON + timedelta(hours=lives)
    verdict = judge_reference(finding, NOON, expires_at, now, is_told=is_told)
    if finding is PAID:
        assert verdict is Verdict.APPLY
    elif not is_told and hours:
        assert verdict is Verdict.GIVE_UP
    elif now < expires_at + LAST_LOOKS[0]:
        assert verdict is Verdict.WAIT
    else:
        assert verdict in (Verdict.EXPIRE, Verdict.WAIT, Verdict.DOUBT)


@given(age_us=st.integers(0, 10**12), lives_min=st.integers(1, 10_000))
def test_the_next_look_lies_ahead_and_the_last_a_day_after_the_expiry(age_us: int, lives_min: int) -> None:
    now, expires_at = NOON + timedelta(microseconds=age_us), NOON + timedelta(minutes=lives_min)
    at = next_poll(NOON, now, Rail.TICKET, expires_at)
    if at is None:
        assert now >= expires_at + LAST_LOOKS[-1]
    else:
        assert now < at <= max(expires_at + LAST_LOOKS[-1], now)
        assert at - now <= timedelta(hours=18)
