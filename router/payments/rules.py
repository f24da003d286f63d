"""What may follow what: the tables of payment requests and intents, who may try again and when, and whether money fits.

Pure: no database and no clock. Everything that changes a status asks here first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from contracts.money import Money
from contracts.payment_api import RefundStatus
from contracts.states import PUSHED_RAILS, ExceptionKind, IntentStatus, PaymentEventStatus, Rail, RequestStatus

MAX_INTENTS_PER_DAY = 3
"""For one customer of one vendor in a day of the vendor's zone; every intent counts, whatever became of it."""
MAX_PUSHES_PER_DAY = 10
"""To one payer number from all shops together, in any 24 hours."""
RESERVATION_FRESH = timedelta(seconds=30)
"""A push reserved longer ago than this no longer opens an intent."""
RESERVATION_LIFETIME = timedelta(minutes=10)
"""Then a reservation ends by itself: no prompt stays on a phone that long."""
UNKNOWN_BLOCKS = timedelta(minutes=10)
"""While nobody can say whether the last try took the money, the next waits this long."""
NOT_SENT_MARGIN = timedelta(seconds=30)
"""After a grant's end, before the silence of the payment adapter means that no prompt was sent."""

SAME_MONEY_SKEW = timedelta(minutes=2)
"""How far a provider's clock and ours may be apart where two reports of one payment are told by their time."""

LIVE_INTENT = frozenset({IntentStatus.CREATED, IntentStatus.PROVIDER_PENDING})
"""A prompt is on the phone or may still get there, or a reference waits to be paid. Of each request at most one prompt,
and at most one reference of each kind."""
OPEN_INTENT = LIVE_INTENT | {IntentStatus.UNKNOWN}
"""Nobody has said yet that no money will come."""
OPEN_REQUEST = frozenset({RequestStatus.PENDING, RequestStatus.FAILED})
"""The customer may pay it: `failed` means that the last try failed, not that the claim is gone."""

REQUEST_NEXT: dict[RequestStatus, frozenset[RequestStatus]] = {
    RequestStatus.PENDING: frozenset(
        {RequestStatus.PAID, RequestStatus.FAILED, RequestStatus.EXPIRED, RequestStatus.CANCELED}
    ),
    # A new try brings a failed request back.
    RequestStatus.FAILED: frozenset(
        {RequestStatus.PENDING, RequestStatus.PAID, RequestStatus.EXPIRED, RequestStatus.CANCELED}
    ),
    # Money that was on its way may still arrive, and then the payable decides.
    RequestStatus.EXPIRED: frozenset({RequestStatus.PAID}),
    RequestStatus.CANCELED: frozenset({RequestStatus.PAID}),
    RequestStatus.PAID: frozenset(),
}

INTENT_AFTER: dict[tuple[IntentStatus, PaymentEventStatus], IntentStatus] = {
    (IntentStatus.CREATED, PaymentEventStatus.PENDING): IntentStatus.PROVIDER_PENDING,
    (IntentStatus.CREATED, PaymentEventStatus.PAID): IntentStatus.SUCCEEDED,
    (IntentStatus.CREATED, PaymentEventStatus.FAILED): IntentStatus.FAILED,
    (IntentStatus.CREATED, PaymentEventStatus.EXPIRED): IntentStatus.EXPIRED,
    (IntentStatus.CREATED, PaymentEventStatus.UNKNOWN): IntentStatus.UNKNOWN,
    (IntentStatus.PROVIDER_PENDING, PaymentEventStatus.PAID): IntentStatus.SUCCEEDED,
    (IntentStatus.PROVIDER_PENDING, PaymentEventStatus.FAILED): IntentStatus.FAILED,
    (IntentStatus.PROVIDER_PENDING, PaymentEventStatus.EXPIRED): IntentStatus.EXPIRED,
    (IntentStatus.PROVIDER_PENDING, PaymentEventStatus.UNKNOWN): IntentStatus.UNKNOWN,
    (IntentStatus.UNKNOWN, PaymentEventStatus.PAID): IntentStatus.SUCCEEDED,
    (IntentStatus.UNKNOWN, PaymentEventStatus.FAILED): IntentStatus.FAILED,
    (IntentStatus.UNKNOWN, PaymentEventStatus.EXPIRED): IntentStatus.EXPIRED,
    # Only success absorbs: it may still follow an end that was reported too early.
    (IntentStatus.FAILED, PaymentEventStatus.PAID): IntentStatus.SUCCEEDED,
    (IntentStatus.EXPIRED, PaymentEventStatus.PAID): IntentStatus.SUCCEEDED,
}
"""What a payment event makes of an intent. A pair that is not here changes nothing.

An `unknown` intent does not become live again when a look-up says pending: a later try may have taken its place, and
what the customer was told (wait, don't pay again) stays right until there is an outcome."""

INTENT_NEXT: dict[IntentStatus, frozenset[IntentStatus]] = {
    status: frozenset(after for (before, _), after in INTENT_AFTER.items() if before is status)
    for status in IntentStatus
}


REFUND_NEXT: dict[RefundStatus, frozenset[RefundStatus]] = {
    RefundStatus.PENDING: frozenset({RefundStatus.DONE, RefundStatus.FAILED, RefundStatus.UNKNOWN}),
    RefundStatus.UNKNOWN: frozenset({RefundStatus.DONE, RefundStatus.FAILED}),
    # Only success absorbs: money that went back did, whatever was said before.
    RefundStatus.FAILED: frozenset({RefundStatus.DONE}),
    RefundStatus.DONE: frozenset(),
}


class ForbiddenTransition(ValueError):
    """The state machine does not know this step. Whoever asked for it did not look at the present status first."""


def check_request_step(before: RequestStatus, after: RequestStatus) -> None:
    """Raises ForbiddenTransition."""
    if after not in REQUEST_NEXT[before]:
        raise ForbiddenTransition(f"a payment request that is {before} never becomes {after}")


def check_intent_step(before: IntentStatus, after: IntentStatus) -> None:
    """Raises ForbiddenTransition."""
    if after not in INTENT_NEXT[before]:
        raise ForbiddenTransition(f"a payment intent that is {before} never becomes {after}")


def request_after_failure(request: RequestStatus, other_intents: Sequence[IntentStatus]) -> RequestStatus | None:
    """What a request becomes when one of its intents failed or expired, or None for no change.

    It fails only when no other try can still bring the money."""
    if request is RequestStatus.PENDING and not any(status in OPEN_INTENT for status in other_intents):
        return RequestStatus.FAILED
    return None


class Refusal(StrEnum):
    """Why no new try may start now."""

    IN_PROGRESS = "in_progress"
    UNDECIDED = "undecided"
    """The last try has no outcome yet and is too recent to risk paying twice."""
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    NOT_OPEN = "not_open"
    NOT_RESERVED = "not_reserved"
    """The push was not reserved, or too long ago."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An earlier intent of the same request."""

    status: IntentStatus
    updated_at: datetime
    rail: Rail = Rail.MPESA_STK

    def stands_in_the_way_of(self, rail: Rail) -> bool:
        """A reference may wait while another rail is tried; a prompt may not, nor a second reference of its kind."""
        return self.rail in PUSHED_RAILS or self.rail is rail


def refuse_start(
    *,
    request: RequestStatus,
    attempts: Sequence[Attempt],
    started_today: int,
    rail: Rail,
    reserved_at: datetime | None,
    now: datetime,
) -> Refusal | None:
    """Why a new intent may not start, or None if it may. `started_today` counts the customer's intents of the day."""
    if request not in OPEN_REQUEST:
        return Refusal.NOT_OPEN
    in_the_way = [attempt for attempt in attempts if attempt.stands_in_the_way_of(rail)]
    if any(attempt.status in LIVE_INTENT for attempt in in_the_way):
        return Refusal.IN_PROGRESS
    if any(a.status is IntentStatus.UNKNOWN and now - a.updated_at < UNKNOWN_BLOCKS for a in in_the_way):
        return Refusal.UNDECIDED
    if started_today >= MAX_INTENTS_PER_DAY:
        return Refusal.ATTEMPTS_EXHAUSTED
    if rail in PUSHED_RAILS and (reserved_at is None or now - reserved_at > RESERVATION_FRESH):
        return Refusal.NOT_RESERVED
    return None


def misfit(*, asked: Money, rail: Rail | None, paid: Money, paid_by: Rail | None) -> ExceptionKind | None:
    """Why money that arrived can't pay what was asked, or None if it fits exactly. `rail` is the intent's, None for
    money that was paid by hand."""
    if paid.currency is not asked.currency or paid_by is not rail:
        return ExceptionKind.UNMATCHED
    if paid.minor < asked.minor:
        return ExceptionKind.UNDER
    if paid.minor > asked.minor:
        return ExceptionKind.OVER
    return None


def local_day(now: datetime, timezone: str) -> str:
    """The calendar day of `now` in an IANA zone, as `2026-11-20`."""
    return now.astimezone(ZoneInfo(timezone)).date().isoformat()


def next_local_day_in_s(now: datetime, timezone: str) -> int:
    """Seconds until the next midnight of the zone."""
    local = now.astimezone(ZoneInfo(timezone))
    midnight = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), ZoneInfo(timezone))
    return max(1, int((midnight.astimezone(now.tzinfo) - now).total_seconds()))
