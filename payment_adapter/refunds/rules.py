"""What may become of a refund, and when to ask about it. One table; only DONE absorbs: money that went back is a fact,
whoever said before that it did not."""

from datetime import datetime, timedelta
from enum import StrEnum

from contracts.payment_api import RefundStatus


class RefundState(StrEnum):
    CREATED = "created"
    CLAIMED = "claimed"
    """One process asks the provider for it now."""
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Fact(StrEnum):
    CLAIM = "claim"
    TAKE = "take"
    """The provider took the request."""
    FINISH = "finish"
    FAIL = "fail"
    """Certain that no money went back."""
    DOUBT = "doubt"


_S, _F = RefundState, Fact

_ENDINGS = {_F.FINISH: _S.DONE, _F.FAIL: _S.FAILED}

TRANSITIONS: dict[RefundState, dict[Fact, RefundState]] = {
    _S.CREATED: {_F.CLAIM: _S.CLAIMED, _F.FAIL: _S.FAILED},
    # A result may overtake the answer to our own request.
    _S.CLAIMED: {_F.TAKE: _S.PENDING, _F.DOUBT: _S.UNKNOWN, **_ENDINGS},
    _S.PENDING: {_F.DOUBT: _S.UNKNOWN, **_ENDINGS},
    # An answer thought lost may still be committed by the thread that waited for it; that the provider took the
    # request says no more than we knew.
    _S.UNKNOWN: _ENDINGS,
    _S.FAILED: {_F.FINISH: _S.DONE},
    _S.DONE: {},
}

NEWS: dict[RefundState, RefundStatus] = {
    RefundState.PENDING: RefundStatus.PENDING,
    RefundState.DONE: RefundStatus.DONE,
    RefundState.FAILED: RefundStatus.FAILED,
    RefundState.UNKNOWN: RefundStatus.UNKNOWN,
}
"""Which states are told. That a refund was created or claimed concerns nobody else."""

FACTS: dict[RefundStatus, Fact] = {
    RefundStatus.PENDING: Fact.TAKE,
    RefundStatus.DONE: Fact.FINISH,
    RefundStatus.FAILED: Fact.FAIL,
    RefundStatus.UNKNOWN: Fact.DOUBT,
}

SCHEDULE: tuple[timedelta, ...] = (
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)
"""Counted from the claim: when to ask the provider what became of a refund that it took."""

NOBODY_SAID_AFTER = timedelta(hours=25)
"""Still pending by then: unknown. Only a late result, a statement or a person can tell."""


def follow(state: RefundState, fact: Fact) -> RefundState | None:
    """The state after the fact, or None where the fact changes nothing."""
    return TRANSITIONS[state].get(fact)


def next_ask(claimed_at: datetime, now: datetime) -> datetime | None:
    """The next moment to ask or, the last time, to give up; missed ones are not made up for."""
    moments = (claimed_at + after for after in (*SCHEDULE, NOBODY_SAID_AFTER))
    return next((moment for moment in moments if moment > now), None)
