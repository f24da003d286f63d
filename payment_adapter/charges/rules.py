"""What may become of a charge, and when it is asked about first. One table; only PAID absorbs."""

from datetime import datetime, timedelta
from enum import StrEnum

from contracts.money import Currency
from contracts.states import PUSHED_RAILS, ChargeStatus, Rail

FIRST_POLL_AFTER = timedelta(seconds=15)
"""A customer who types a PIN is usually done by then, and the callback here: after that we ask."""
FIRST_LOOK_AFTER = timedelta(minutes=1)
"""A reference is copied into a bank's app or a cash machine first."""

HINT_GAP = timedelta(seconds=15)
HINTS_AT_ONCE = 4
LONGEST_HINT_GAP = timedelta(hours=1)
"""A hint is asked about at once, but not within so long of the last question about its charge: the gap doubles with
each hint beyond the first few, up to an hour. The schedule asks besides."""

UNCONFIRMED = "a callback says that it was paid, and the provider, who should confirm that, can't be asked"


class Fact(StrEnum):
    """What we did, or what we learned."""

    CLAIM = "claim"
    """This process will push now."""
    LAPSE = "lapse"
    """It will never be pushed."""
    ACCEPT = "accept"
    """The provider took the push."""
    REFUSE = "refuse"
    """Certain that the push did not reach the payer."""
    DOUBT = "doubt"
    """Nobody can say: no answer, or one that says nothing."""
    PAY = "pay"
    FAIL = "fail"
    EXPIRE = "expire"


_S, _F = ChargeStatus, Fact

# A callback may overtake the answer to our own push, so CLAIMED already learns how it ended.
_ENDINGS = {_F.PAY: _S.PAID, _F.FAIL: _S.FAILED, _F.EXPIRE: _S.EXPIRED}

TRANSITIONS: dict[ChargeStatus, dict[Fact, ChargeStatus]] = {
    _S.CREATED: {_F.CLAIM: _S.CLAIMED, _F.LAPSE: _S.FAILED},
    _S.CLAIMED: {_F.ACCEPT: _S.ACCEPTED, _F.REFUSE: _S.FAILED, _F.DOUBT: _S.UNKNOWN, **_ENDINGS},
    _S.ACCEPTED: {_F.DOUBT: _S.UNKNOWN, **_ENDINGS},
    # An answer thought lost may still be committed by the thread that waited for it.
    _S.UNKNOWN: {_F.ACCEPT: _S.ACCEPTED, _F.REFUSE: _S.FAILED, **_ENDINGS},
    # Soft: a success may follow, nothing else counts any more.
    _S.FAILED: {_F.PAY: _S.PAID},
    _S.EXPIRED: {_F.PAY: _S.PAID},
    _S.PAID: {},
}


class Confirm(StrEnum):
    """When what an unsigned callback says of money is believed only after the provider was asked."""

    NEVER = "never"
    ODD = "odd"
    """When it names another amount than was asked."""
    ALWAYS = "always"


def follow(status: ChargeStatus, fact: Fact) -> ChargeStatus | None:
    """The status after the fact, or None where the fact changes nothing."""
    return TRANSITIONS[status].get(fact)


def first_poll_after(rail: Rail) -> timedelta:
    """Counted from the claim."""
    return FIRST_POLL_AFTER if rail in PUSHED_RAILS else FIRST_LOOK_AFTER


def hint_asks_at(asked_at: datetime | None, hints: int, now: datetime) -> datetime:
    """When to ask about a charge because of a hint, after `hints` before it that brought a question forward. Whoever
    knows a callback's address can send as many as they like: the provider must not hear of each."""
    if asked_at is None:
        return now
    doublings = min(max(0, hints - HINTS_AT_ONCE), 10)
    return max(now, asked_at + min(HINT_GAP * 2**doublings, LONGEST_HINT_GAP))


def currency_of(rail: Rail) -> Currency:
    """What is paid by that rail."""
    return Currency.KES if rail is Rail.MPESA_STK else Currency.AOA
