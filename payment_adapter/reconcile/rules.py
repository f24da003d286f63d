"""When to ask about a charge, and how much an answer counts. A query never downgrades and alone never proves a failure:
the sandbox is known to have answered "failed" for payments that had a receipt."""

from datetime import datetime, timedelta
from enum import StrEnum

from contracts.states import PaymentEventStatus
from payment_adapter.charges.rules import FIRST_POLL_AFTER
from payment_adapter.providers.base import NoAnswer, Report

SCHEDULE: tuple[timedelta, ...] = (
    FIRST_POLL_AFTER,
    timedelta(seconds=30),
    timedelta(minutes=1),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)
"""Counted from the claim. After the last one only a callback, a statement or a person can tell."""

PROMPT_IS_OVER_AFTER = timedelta(minutes=2)
"""A prompt lives about a minute; by then nobody can type a PIN into it any more."""
IN_DOUBT_AFTER = timedelta(minutes=5)
"""Still pending by then: the customer is told that nobody knows yet."""
LAST_LEASE = timedelta(minutes=15)
"""When to ask again if the process dies during the last question of the schedule."""


class Verdict(StrEnum):
    APPLY = "apply"
    """What the answer says counts."""
    WAIT = "wait"
    DOUBT = "doubt"


def judge(finding: Report | NoAnswer, age: timedelta) -> Verdict:
    """`age` is the time since the claim."""
    if isinstance(finding, Report):
        if finding.status is PaymentEventStatus.PAID:
            return Verdict.APPLY
        if finding.failure is not None:
            is_over = finding.failure.ends_prompt or age >= PROMPT_IS_OVER_AFTER
            return Verdict.APPLY if is_over else Verdict.WAIT
    return Verdict.DOUBT if age >= IN_DOUBT_AFTER else Verdict.WAIT


def next_poll(claimed_at: datetime, now: datetime) -> datetime | None:
    """The next moment of the schedule; missed ones are not made up for. None after the last."""
    return next((claimed_at + after for after in SCHEDULE if claimed_at + after > now), None)
