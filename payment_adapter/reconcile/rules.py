"""When to ask about a charge, and how much an answer counts. A query never downgrades and alone never proves a failure:
the sandbox is known to have answered "failed" for payments that had a receipt.

A prompt is over in two minutes, a reference lives for days: each kind of rail has its schedule and its doubts."""

from datetime import datetime, timedelta
from enum import StrEnum

from contracts.states import PUSHED_RAILS, FailureReason, PaymentEventStatus, Rail
from payment_adapter.charges.rules import FIRST_LOOK_AFTER, FIRST_POLL_AFTER
from payment_adapter.providers.base import Failure, NoAnswer, Report

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
"""For prompts, counted from the claim. After the last one only a callback, a statement or a person can tell."""

LOOKS: tuple[timedelta, ...] = (
    FIRST_LOOK_AFTER,
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
)
"""For references and tickets, counted from the claim; from then on `LOOK_EVERY` until they expire."""
LOOK_EVERY = timedelta(hours=6)
LAST_LOOKS: tuple[timedelta, ...] = (timedelta(minutes=10), timedelta(hours=6), timedelta(hours=24))
"""Counted from the expiry: what was paid in the last minute may be reported with a bank's next file."""
REFERENCE_LIVES = timedelta(hours=72)
"""Where the provider does not say until when a reference can be paid: AppyPay's default."""

PROMPT_IS_OVER_AFTER = timedelta(minutes=2)
"""A prompt lives about a minute; by then nobody can type a PIN into it any more."""
IN_DOUBT_AFTER = timedelta(minutes=5)
"""Still pending by then: the customer is told that nobody knows yet. Only of prompts."""
NOBODY_HAS_IT_AFTER = timedelta(minutes=5)
"""By then a reference whose number never reached us is given up: nobody can pay what nobody was told."""
LAST_LEASE = timedelta(minutes=15)
"""When to ask again if the process dies during the last question of the schedule."""

REFERENCE_OVER = Failure(FailureReason.REFERENCE_EXPIRED, True, "expired", "it was not paid in its time")
NEVER_TOLD = Failure(
    FailureReason.NOT_SENT, True, "no_answer", "the provider's answer was lost, and the number with it"
)


class Verdict(StrEnum):
    APPLY = "apply"
    """What the answer says counts."""
    WAIT = "wait"
    DOUBT = "doubt"
    EXPIRE = "expire"
    """The reference's time is over."""
    GIVE_UP = "give_up"
    """Nobody was told the reference."""


def judge(finding: Report | NoAnswer, age: timedelta) -> Verdict:
    """Of a prompt; `age` is the time since the claim."""
    counts = _counts(finding, age)
    if counts is not None:
        return counts
    return Verdict.DOUBT if age >= IN_DOUBT_AFTER else Verdict.WAIT


def judge_reference(
    finding: Report | NoAnswer, claimed_at: datetime, expires_at: datetime | None, now: datetime, *, is_told: bool
) -> Verdict:
    """Of a reference or a ticket. `is_told`: its number reached us, and the customer."""
    counts = _counts(finding, now - claimed_at)
    if counts is not None:
        return counts
    if not is_told and now >= claimed_at + NOBODY_HAS_IT_AFTER:
        return Verdict.GIVE_UP
    over_at = _end(claimed_at, expires_at)
    if isinstance(finding, Report):
        return Verdict.EXPIRE if now >= over_at + LAST_LOOKS[0] else Verdict.WAIT
    # Nobody says whether it was paid in its last minute.
    return Verdict.DOUBT if now >= over_at + LAST_LOOKS[-1] else Verdict.WAIT


def next_poll(
    claimed_at: datetime, now: datetime, rail: Rail = Rail.MPESA_STK, expires_at: datetime | None = None
) -> datetime | None:
    """The next moment of the rail's schedule; missed ones are not made up for. None after the last."""
    if rail in PUSHED_RAILS:
        return next((claimed_at + after for after in SCHEDULE if claimed_at + after > now), None)
    over_at = _end(claimed_at, expires_at)
    early = [claimed_at + after for after in LOOKS]
    steady = early[-1] + LOOK_EVERY * (max(0, (now - early[-1]) // LOOK_EVERY) + 1)
    coming = [at for at in (*early, steady) if now < at < over_at]
    last = [over_at + after for after in LAST_LOOKS if over_at + after > now]
    return min((*coming, *last), default=None)


def _counts(finding: Report | NoAnswer, age: timedelta) -> Verdict | None:
    """Of whatever says how it ended; None for what does not."""
    if not isinstance(finding, Report):
        return None
    if finding.status is PaymentEventStatus.PAID:
        return Verdict.APPLY
    if finding.failure is None:
        return None
    is_over = finding.failure.ends_prompt or age >= PROMPT_IS_OVER_AFTER
    return Verdict.APPLY if is_over else Verdict.WAIT


def _end(claimed_at: datetime, expires_at: datetime | None) -> datetime:
    return expires_at or claimed_at + REFERENCE_LIVES
