"""The poll: when it asks, how much it believes, and what it never does."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.states import FailureReason, PaymentEventStatus
from payment_adapter.providers.base import Failure, NoAnswer, Refused, Report, Unclear
from payment_adapter.providers.daraja.codes import failed_status, failure_of
from payment_adapter.reconcile.rules import SCHEDULE, Verdict, judge, next_poll
from payment_adapter.vault.models import credentials
from payment_adapter.vault.service import Credentials
from tests.support.clock import NOON
from tests.support.payments import Desk, failure, stk, stk_paid

PAID = Report(PaymentEventStatus.PAID)
PENDING = Report(PaymentEventStatus.PENDING)


def failed(code: str) -> Report:
    return Report(failed_status(code), failure_of(code, "text"))


def run_polls(desk: Desk) -> int:
    asked = len(desk.provider.asked)
    while desk.poller.turn():
        pass
    return len(desk.provider.asked) - asked


def test_the_schedule_is_kept_to_the_second_and_then_left_to_a_person(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    desk.provider.findings = [PENDING] * 50
    desk.push()
    asked_at: list[int] = []
    second = 0
    for moment in [*range(1, 1000), *range(3595, 3605), *range(21595, 21605), *range(86395, 86405), 10**6, 10**7]:
        desk.wait(seconds=moment - second)
        second = moment
        asked_at += [second] * run_polls(desk)

    assert asked_at == [15, 30, 60, 120, 300, 900, 3600, 21600, 86400]
    assert (desk.charge().status, desk.charge().next_poll_at) == ("unknown", None)
    assert desk.told() == ["pending", "unknown"]


def test_a_charge_that_is_decided_is_not_asked_about(desk: Desk) -> None:
    paid, refused = desk.push("intent-1"), desk.push("intent-2")
    desk.call_back(paid, stk_paid(id="ws_CO_1"))
    desk.call_back(refused, stk(1032, id="ws_CO_2"))
    desk.provider.outcomes = [Unclear("no id, so nothing to ask about")]
    desk.push("intent-3")
    desk.provider.outcomes = [Refused(failure())]
    desk.push("intent-4")
    desk.wait(hours=1)
    assert run_polls(desk) == 0


def test_missed_moments_are_not_made_up_for(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    desk.provider.findings = [PENDING] * 10
    desk.push()
    desk.wait(minutes=10)
    assert run_polls(desk) == 1
    assert desk.charge().next_poll_at == NOON + timedelta(minutes=15)


def test_a_query_that_says_paid_counts_for_the_amount_that_was_asked(desk: Desk) -> None:
    desk.provider.findings = [PAID]
    desk.push()
    desk.wait(seconds=15)
    assert run_polls(desk) == 1

    event = desk.events()[-1]
    assert (event.event_id, event.status, event.amount_minor, event.receipt) == (
        "mpesa:ws_CO_1:paid",
        "paid",
        45_000,
        None,
    )
    assert desk.charge().next_poll_at is None


@pytest.mark.parametrize("code", ["1032", "1037", "1", "2001", "1019"])
def test_an_outcome_of_the_phone_itself_is_believed_at_once(sqlite_desk: Desk, code: str) -> None:
    desk = sqlite_desk
    desk.provider.findings = [failed(code)]
    desk.push()
    desk.wait(seconds=15)
    run_polls(desk)

    event = desk.events()[-1]
    assert (event.status, event.reason, event.may_retry) == (
        failed_status(code),
        failure_of(code, "").reason,
        True,
    )


@pytest.mark.parametrize("code", ["17", "1025", "9999", "E3008", "31337"])
def test_any_other_failure_is_believed_only_when_the_prompt_must_be_over(sqlite_desk: Desk, code: str) -> None:
    desk = sqlite_desk
    desk.provider.findings = [failed(code)] * 4
    desk.push()
    for seconds, told in [(15, []), (15, []), (30, []), (60, ["failed"])]:
        desk.wait(seconds=seconds)
        assert run_polls(desk) == 1
        assert desk.told() == ["pending", *told]


def test_a_failure_that_only_a_query_reported_is_corrected_by_a_callback(desk: Desk) -> None:
    desk.provider.findings = [failed("1037")]
    secret = desk.push()
    desk.wait(seconds=15)
    run_polls(desk)
    desk.wait(minutes=5)
    desk.call_back(secret, stk_paid())
    assert desk.told() == ["pending", "failed", "paid"]


def test_a_failure_that_only_a_query_reported_is_asked_about_again(desk: Desk) -> None:
    desk.provider.findings = [failed("1037"), failed("1037"), PENDING, NoAnswer("busy"), PAID]
    desk.push()
    desk.wait(seconds=15)
    run_polls(desk)
    for minutes in (1, 2, 5, 10):
        desk.wait(minutes=minutes)
        run_polls(desk)
    assert desk.told() == ["pending", "failed", "paid"]


def test_a_failed_query_never_takes_a_payment_back(desk: Desk) -> None:
    secret = desk.push()
    desk.wait(minutes=10)

    class Overtaken(list[Any]):
        """The callback arrives while the query is on its way."""

        def pop(self, index: Any = -1) -> Any:
            desk.call_back(secret, stk_paid())
            return super().pop(index)

    desk.provider.findings = Overtaken([failed("1037")])
    run_polls(desk)

    assert (desk.charge().status, desk.told()) == ("paid", ["pending", "paid"])
    assert desk.charge().next_poll_at is None


@pytest.mark.parametrize("finding", [PENDING, NoAnswer("HTTP 503"), Report(PaymentEventStatus.UNKNOWN)])
def test_nothing_learned_for_five_minutes_is_unknown_and_said_once(sqlite_desk: Desk, finding: Any) -> None:
    desk = sqlite_desk
    desk.provider.findings = [finding] * 20
    desk.push()
    for seconds, told in [(120, []), (179, []), (1, ["unknown"]), (600, ["unknown"]), (90_000, ["unknown"])]:
        desk.wait(seconds=seconds)
        run_polls(desk)
        assert desk.told() == ["pending", *told]


def test_an_unknown_charge_with_an_id_is_asked_about_and_settled(desk: Desk) -> None:
    desk.provider.findings = [PENDING, PENDING, failed("1032")]
    desk.push()
    for minutes in (5, 10, 45):
        desk.wait(minutes=minutes)
        run_polls(desk)
    assert desk.told() == ["pending", "unknown", "failed"]


def test_a_poll_without_usable_credentials_learns_nothing_and_asks_nobody(desk: Desk) -> None:
    desk.push()
    with desk.db.write() as tx:
        tx.execute(credentials.update().values(sealed="v1.k1.AAAA"))
    desk.wait(minutes=5)
    assert run_polls(desk) == 0
    assert desk.told() == ["pending", "unknown"]


def test_a_process_that_dies_while_it_asks_leaves_the_question_to_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(transaction_id: str, credentials: Credentials) -> Report | NoAnswer:
        raise Killed

    desk.push()
    desk.wait(hours=24)  # the last moment of the schedule
    with monkeypatch.context() as patch:
        patch.setattr(desk.provider, "look_up", killed)
        with pytest.raises(Killed):
            desk.poller.turn()
    desk.provider.findings = [PAID]

    desk.wait(minutes=14)
    assert run_polls(desk.restart()) == 0
    desk.wait(minutes=1)
    assert run_polls(desk.restart()) == 1
    assert desk.told() == ["pending", "paid"]


def test_each_poll_asks_with_the_vendors_newest_keys(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = sqlite_desk
    desk.push()
    desk.plant()
    seen: list[int] = []

    def look(transaction_id: str, credentials: Credentials) -> Report | NoAnswer:
        seen.append(credentials.version)
        return PENDING

    monkeypatch.setattr(desk.provider, "look_up", look)
    desk.wait(seconds=15)
    desk.poller.turn()
    assert seen == [2]


REPORTS = [
    PAID,
    PENDING,
    Report(PaymentEventStatus.UNKNOWN),
    NoAnswer("x"),
    failed("1032"),
    failed("17"),
    Report(PaymentEventStatus.FAILED, Failure(FailureReason.BUSY, True, "26", "")),
]


@given(finding=st.sampled_from(REPORTS), age_s=st.integers(0, 200_000))
def test_a_verdict_never_doubts_a_payment_and_never_believes_an_early_failure(finding: Any, age_s: int) -> None:
    verdict = judge(finding, timedelta(seconds=age_s))
    if finding is PAID:
        assert verdict is Verdict.APPLY
    elif isinstance(finding, Report) and finding.failure is not None:
        assert (verdict is Verdict.APPLY) == (finding.failure.ends_prompt or age_s >= 120)
    else:
        assert verdict is (Verdict.DOUBT if age_s >= 300 else Verdict.WAIT)


@given(age_us=st.integers(0, 10**12))
def test_the_next_poll_lies_in_the_future_and_on_the_schedule(age_us: int) -> None:
    now = NOON + timedelta(microseconds=age_us)
    at = next_poll(NOON, now)
    if at is None:
        assert now - NOON >= SCHEDULE[-1]
    else:
        assert at > now
        assert at - NOON in SCHEDULE
        assert not [step for step in SCHEDULE if now - NOON < step < at - NOON]
