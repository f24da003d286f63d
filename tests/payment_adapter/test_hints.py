"""Whoever knows a callback's address can send hints without end: the provider hears of few of them."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from contracts.states import PaymentEventStatus
from payment_adapter.callbacks.arrivals import Arrived
from payment_adapter.charges.rules import HINT_GAP, HINTS_AT_ONCE, LONGEST_HINT_GAP, hint_asks_at
from payment_adapter.charges.service import hash_secret
from payment_adapter.providers.base import Report
from payment_adapter.reconcile.rules import SCHEDULE
from tests.support.clock import NOON
from tests.support.payments import Desk, stk, stk_paid

REPEATS = 1_000
PENDING = Report(PaymentEventStatus.PENDING)
PAID = Report(PaymentEventStatus.PAID)

Hint = Callable[[int], Mapping[str, Any] | bytes]
HINTS: Mapping[str, Hint] = {
    "another amount each time": lambda number: stk_paid(500 + number),
    "no amount": lambda number: stk(0, items=[("MpesaReceiptNumber", f"UF1E26{number:04}")]),
    "nothing that can be read": lambda number: f"<html>{number}".encode(),
}


def flood(desk: Desk, secret: str, hints: Iterable[Mapping[str, Any] | bytes]) -> None:
    """As that many requests at once would: stored in one go, applied, and the provider asked where that follows."""
    bodies = [hint if isinstance(hint, bytes) else json.dumps(hint).encode() for hint in hints]
    arrived = [Arrived(hash_secret(secret), body, {}) for body in bodies]
    with capture_logs():
        desk.arrivals._keep(arrived)  # pyright: ignore[reportPrivateUsage]
        desk.run_callbacks()
        desk.run_polls()


@pytest.mark.parametrize("hint", HINTS.values(), ids=HINTS.keys())
def test_a_thousand_hints_at_once_are_one_question(sqlite_desk: Desk, hint: Hint) -> None:
    desk = sqlite_desk
    secret = desk.push()
    desk.provider.findings = [PENDING] * REPEATS
    for start in range(0, REPEATS, 100):
        flood(desk, secret, [hint(number) for number in range(start, start + 100)])
    assert len(desk.provider.asked) == 1


def test_a_thousand_hints_in_a_day_are_a_question_an_hour(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    secret = desk.push()
    desk.provider.findings = [PENDING] * REPEATS
    for start in range(0, REPEATS, 5):
        flood(desk, secret, [stk_paid(500 + number) for number in range(start, start + 5)])
        desk.wait(seconds=432)
        desk.run_polls()
    assert len(desk.provider.asked) <= len(SCHEDULE) + HINTS_AT_ONCE + 8 + 24
    assert desk.told() == ["pending", "unknown"]

    # And the truth is found out all the same.
    desk.provider.findings = [PAID]
    desk.call_back(secret, stk_paid(449))
    desk.wait(hours=1)
    desk.run_polls()
    assert desk.charge().status == "paid"


def test_a_first_hint_is_asked_about_at_once_and_a_second_soon(desk: Desk) -> None:
    secret = desk.push()
    desk.provider.findings = [PENDING, PAID]
    desk.wait(seconds=5)
    desk.call_back(secret, stk_paid(500))
    desk.run_polls()
    assert len(desk.provider.asked) == 1
    desk.call_back(secret, stk_paid(440))
    desk.run_polls()
    assert len(desk.provider.asked) == 1
    desk.wait(seconds=HINT_GAP.total_seconds())
    desk.run_polls()
    assert len(desk.provider.asked) == 2
    assert desk.events()[-1].amount_minor == 44_000


def test_a_hint_that_comes_while_the_provider_is_asked_is_not_forgotten(sqlite_desk: Desk) -> None:
    desk = sqlite_desk
    secret = desk.push()
    desk.wait(minutes=16)

    def answers(_transaction_id: str) -> Report:
        if len(desk.provider.asked) == 1:
            desk.call_back(secret, stk_paid(440))
            return PENDING
        return PAID

    desk.provider.answers = answers
    desk.run_polls()
    desk.wait(seconds=HINT_GAP.total_seconds())
    desk.run_polls()
    assert len(desk.provider.asked) == 2
    assert desk.charge().status == "paid"


@given(hints=st.integers(0, 10_000), ago=st.integers(0, 100_000))
def test_a_hint_waits_an_hour_at_most(hints: int, ago: int) -> None:
    asked_at = NOON - timedelta(seconds=ago)
    at = hint_asks_at(asked_at, hints, NOON)
    assert NOON <= at <= NOON + LONGEST_HINT_GAP
    assert at >= asked_at + HINT_GAP
    assert hint_asks_at(None, hints, NOON) == NOON
