"""Callbacks that never come: every charge ends, or is in review with a reason that a person reads."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from contracts.states import ChargeStatus, PaymentEventStatus
from kit.clock import FixedClock
from payment_adapter.providers.base import Accepted, ChargeOrder, NoAnswer, Outcome, Report, Unclear
from payment_adapter.providers.daraja.codes import failed_status, failure_of
from tests.support.databases import NewDatabase
from tests.support.payments import Desk, stk_paid

DROPPED = 500
WITHIN = timedelta(minutes=15)

PAID = Report(PaymentEventStatus.PAID)
CANCELLED = Report(failed_status("1032"), failure_of("1032", "Request cancelled by user"))
PENDING = Report(PaymentEventStatus.PENDING)
SILENT = NoAnswer("HTTP 503")


def accepted(number: int) -> Callable[[ChargeOrder], Outcome]:
    return lambda _order: Accepted(f"ws_CO_{number}", None)


def test_five_hundred_dropped_callbacks_are_all_resolved_or_in_review_in_time(
    sqlite_database: NewDatabase, clock: FixedClock
) -> None:
    desk = Desk(sqlite_database("payments"), clock)
    desk.plant()
    has_id = {number: number % 2 == 0 for number in range(DROPPED)}
    for number in range(DROPPED):
        assert desk.ask(desk.grant(f"intent-{number}", account_reference=f"ORDER{number}")).status_code == 202
    # Every second reply to a push is lost, and with it the only name that the provider gives to ask by.
    desk.provider.outcomes = [accepted(n) if has_id[n] else Unclear("no answer to the push") for n in range(DROPPED)]
    desk.run_push()
    started = clock.now()

    # Of those that can be asked about, some were paid, some cancelled, and some the provider won't say.
    def look_up(transaction_id: str) -> Report | NoAnswer:
        return (PAID, CANCELLED, PENDING, SILENT)[int(transaction_id.removeprefix("ws_CO_")) // 2 % 4]

    desk.provider.answers = look_up
    while clock.now() < started + WITHIN:
        desk.wait(seconds=15)
        desk.run_callbacks()
        desk.run_polls()

    charges = [desk.charge(f"intent-{number}") for number in range(DROPPED)]
    assert Counter(charge.status for charge in charges) == {
        ChargeStatus.PAID: 63,
        ChargeStatus.FAILED: 63,
        ChargeStatus.UNKNOWN: 374,
    }
    last = {event.intent_id: event for event in desk.events()}
    for charge in charges:
        told = last[charge.intent_id]
        assert told.status.value == charge.status.value  # none is silent
        if charge.status is ChargeStatus.UNKNOWN:
            assert charge.provider_detail
        if charge.status is ChargeStatus.FAILED:
            assert told.reason == "cancelled_by_customer"
    assert len(desk.provider.orders) == DROPPED  # nothing was pushed again

    # A callback that comes after all still counts, whatever was said meanwhile.
    desk.call_back(desk.secret(1), stk_paid(id="ws_CO_late"))
    assert desk.charge("intent-1").status == "paid"


def test_what_is_in_review_says_why(desk: Desk) -> None:
    desk.provider.outcomes = [Unclear("no answer to the push: ReadTimeout")]
    desk.push("intent-1")
    desk.push("intent-2")
    desk.provider.findings = [SILENT] * 20
    desk.wait(minutes=5)
    desk.run_polls()
    reasons = [desk.charge(intent).provider_detail for intent in ("intent-1", "intent-2")]
    assert reasons == ["no answer to the push: ReadTimeout", "the provider can't say either: HTTP 503"]
