"""Payment intents: each is one try to collect a request, with at most one push. Starts them, signs their grants, and is
the only place that changes their status."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, insert, select, update

from contracts.errors import ErrorCode
from contracts.ids import CustomerId, PaymentIntentId, PaymentRequestId, VendorId
from contracts.payment_api import GRANT_LIFETIME, ChargeGrant, PaymentInstructions
from contracts.states import FailureReason, IntentStatus, LedgerKind, Rail, RequestStatus
from kit.columns import UtcTime, is_one_of
from kit.db import Tx
from kit.grants import sign_grant
from kit.problems import Problem
from kit.signing import KeyRing
from router.metering.service import Calendar, Metered, count
from router.payments import ledger, requests
from router.payments.models import payment_intents
from router.payments.payables import Payable
from router.payments.requests import ConcurrentChange, Request
from router.payments.rules import (
    MAX_INTENTS_PER_DAY,
    UNKNOWN_BLOCKS,
    Attempt,
    Refusal,
    check_intent_step,
    local_day,
    next_local_day_in_s,
    refuse_start,
)


@dataclass(frozen=True, slots=True)
class Intent:
    """A payment intent as it was read."""

    id: PaymentIntentId
    vendor_id: VendorId
    request_id: PaymentRequestId
    customer_id: CustomerId
    """Who asked for it: whose order it is, or somebody who pays for them."""
    rail: Rail
    payer_msisdn: str | None
    """None on a rail that rings no phone."""
    status: IntentStatus
    reason: FailureReason | None
    created_at: datetime
    grant_expires_at: datetime
    updated_at: datetime


_i = payment_intents.c
_IS_NAMED = and_(_i.vendor_id == bindparam("of_vendor"), _i.id == bindparam("which"))
_OF_REQUESTS = (
    select(payment_intents)
    .where(_i.vendor_id == bindparam("of_vendor"), is_one_of(_i.request_id, "requests"))
    .order_by(_i.created_at, _i.id)
)
_STARTED_ON = select(func.count()).where(
    _i.vendor_id == bindparam("of_vendor"),
    _i.customer_id == bindparam("customer"),
    _i.local_day == bindparam("day"),
)
_SET_STATUS = (
    update(payment_intents)
    .where(_IS_NAMED, _i.status == bindparam("before"))
    .values(status=bindparam("after"), reason=bindparam("why"), updated_at=bindparam("now", type_=UtcTime()))
)
_INSERT = insert(payment_intents)


def start_intent(
    tx: Tx,
    *,
    ring: KeyRing,
    vendor_id: VendorId,
    payable: Payable,
    intent_id: PaymentIntentId,
    payer_msisdn: str | None,
    rail: Rail,
    reserved_at: datetime | None,
    timezone: str,
    billing_anchor_day: int,
    now: datetime,
    asked_by: CustomerId | None = None,
) -> str:
    """Start a try to collect and return the signed grant for it, good for 60 s.

    It counts for `asked_by`, else for the payable's customer: the caller holds their row lock (which makes the day's
    count true) and the payable's. `reserved_at` is what `reserve_push` returned, None where no phone rings. The same
    id again is the same grant, counted once.

    Raises Problem 409 payment_in_progress (a prompt is live, or the last outcome is unknown and less than 10 minutes
    old), 429 attempts_exhausted, 409 nothing_to_pay (no open request), 422 amount_invalid, 503 unavailable (the
    reservation is older than 30 s), 422 idempotency_key_reused (the id names another intent)."""
    known = requests.lock_requests(tx, vendor_id=vendor_id, payable_kind=payable.kind, payable_id=payable.id)
    request = next((request for request in known if request.is_open), None)
    earlier = of_requests(tx, vendor_id, [request.id for request in known])
    for intent in earlier:
        if intent.id == intent_id:
            return _repeat_grant(ring, known, intent, payer_msisdn, rail)
    if request is None:
        raise _problem(Refusal.NOT_OPEN, timezone, now)
    if rail is Rail.MPESA_STK and not request.amount.is_whole:
        raise Problem(422, ErrorCode.AMOUNT_INVALID, "M-Pesa collects whole shillings only")
    day, who = local_day(now, timezone), asked_by or request.customer_id
    refusal = refuse_start(
        request=request.status,
        attempts=[Attempt(intent.status, intent.updated_at, intent.rail) for intent in earlier],
        started_today=started_on(tx, vendor_id, who, day),
        rail=rail,
        reserved_at=reserved_at,
        now=now,
    )
    if refusal is not None:
        raise _problem(refusal, timezone, now)
    if request.status is RequestStatus.FAILED:
        requests.set_status(tx, request, RequestStatus.PENDING, now)
    intent = _created(vendor_id, intent_id, request, who, rail, payer_msisdn, now)
    _store(tx, request, intent, day)
    count(tx, Metered.PAYMENT_INTENTS, vendor_id, intent_id, Calendar(timezone, billing_anchor_day), now)
    return sign_grant(ring, _grant(request, intent))


def of_requests(tx: Tx, vendor_id: VendorId, request_ids: Sequence[PaymentRequestId]) -> list[Intent]:
    """Every intent of these requests, oldest first."""
    if not request_ids:
        return []
    rows = tx.execute(_OF_REQUESTS, {"of_vendor": vendor_id, "requests": list(request_ids)})
    return [_intent(row) for row in rows]


def started_on(tx: Tx, vendor_id: VendorId, customer_id: CustomerId, day: str) -> int:
    """How many intents the customer has started on that day of the vendor's zone, whatever became of them."""
    return tx.execute(_STARTED_ON, {"of_vendor": vendor_id, "customer": customer_id, "day": day}).scalar_one()


def set_status(tx: Tx, intent: Intent, status: IntentStatus, reason: FailureReason | None, now: datetime) -> None:
    """The only door. Raises ForbiddenTransition, or ConcurrentChange if the row is not as it was read."""
    check_intent_step(intent.status, status)
    which = {"of_vendor": intent.vendor_id, "which": intent.id, "before": intent.status}
    changed = tx.execute(_SET_STATUS, {**which, "after": status, "why": reason, "now": now})
    if changed.rowcount != 1:
        raise ConcurrentChange(f"payment intent {intent.id} is no longer {intent.status}")


def keep_instructions(tx: Tx, intent: Intent, instructions: PaymentInstructions) -> bool:
    """Keep how a reference is paid. False if it was known: the first that a provider gave stay."""
    stored = tx.execute(
        update(payment_intents)
        .where(
            payment_intents.c.vendor_id == intent.vendor_id,
            payment_intents.c.id == intent.id,
            payment_intents.c.instructions.is_(None),
        )
        .values(
            instructions=instructions.model_copy(update={"qr_png": None}).model_dump_json(),
            picture=instructions.qr_png,
            payable_until=instructions.expires_at,
        )
    )
    return stored.rowcount == 1


def _created(
    vendor_id: VendorId,
    intent_id: PaymentIntentId,
    request: Request,
    customer_id: CustomerId,
    rail: Rail,
    payer_msisdn: str | None,
    now: datetime,
) -> Intent:
    return Intent(
        id=intent_id,
        vendor_id=vendor_id,
        request_id=request.id,
        customer_id=customer_id,
        rail=rail,
        payer_msisdn=payer_msisdn,
        status=IntentStatus.CREATED,
        reason=None,
        created_at=now,
        grant_expires_at=now + GRANT_LIFETIME,
        updated_at=now,
    )


def _store(tx: Tx, request: Request, intent: Intent, day: str) -> None:
    tx.execute(
        _INSERT,
        {
            "vendor_id": intent.vendor_id,
            "id": intent.id,
            "request_id": intent.request_id,
            "customer_id": intent.customer_id,
            "rail": intent.rail,
            "payer_msisdn": intent.payer_msisdn,
            "status": intent.status,
            "local_day": day,
            "created_at": intent.created_at,
            "grant_expires_at": intent.grant_expires_at,
            "updated_at": intent.updated_at,
        },
    )
    ledger.record(
        tx,
        LedgerKind.AUTHORIZED,
        vendor_id=intent.vendor_id,
        subject=intent.id,
        amount=request.amount,
        now=intent.created_at,
        request_id=request.id,
        intent_id=intent.id,
    )


def _repeat_grant(ring: KeyRing, known: Sequence[Request], intent: Intent, payer_msisdn: str | None, rail: Rail) -> str:
    if intent.payer_msisdn != payer_msisdn or intent.rail is not rail:
        raise Problem(
            422,
            ErrorCode.IDEMPOTENCY_KEY_REUSED,
            "this attempt was made for another number or way to pay; start a new one",
        )
    request = next(request for request in known if request.id == intent.request_id)
    return sign_grant(ring, _grant(request, intent))


def _grant(request: Request, intent: Intent) -> ChargeGrant:
    """Made from what is stored alone, so that a repeat is the same to the byte."""
    return ChargeGrant(
        intent_id=intent.id,
        request_id=request.id,
        vendor_id=intent.vendor_id,
        rail=intent.rail,
        amount_minor=request.amount.minor,
        currency=request.amount.currency,
        payer_msisdn=intent.payer_msisdn,
        account_reference=request.reference,
        description=request.description,
        issued_at=intent.created_at,
        expires_at=intent.grant_expires_at,
    )


def _problem(refusal: Refusal, timezone: str, now: datetime) -> Problem:
    match refusal:
        case Refusal.IN_PROGRESS:
            return Problem(
                409,
                ErrorCode.PAYMENT_IN_PROGRESS,
                "a prompt for this is on the customer's phone, or a reference of this kind waits to be paid",
            )
        case Refusal.UNDECIDED:
            return Problem(
                409,
                ErrorCode.PAYMENT_IN_PROGRESS,
                "nobody can say yet whether the last try took the money; wait for its outcome",
                retry_after_s=int(UNKNOWN_BLOCKS.total_seconds()),
            )
        case Refusal.ATTEMPTS_EXHAUSTED:
            return Problem(
                429,
                ErrorCode.ATTEMPTS_EXHAUSTED,
                f"{MAX_INTENTS_PER_DAY} tries a day; the next is possible tomorrow",
                retry_after_s=next_local_day_in_s(now, timezone),
            )
        case Refusal.NOT_OPEN:
            return Problem(409, ErrorCode.NOTHING_TO_PAY, "there is no open payment request for this")
        case Refusal.NOT_RESERVED:
            return Problem(503, ErrorCode.UNAVAILABLE, "this took too long; ask again", retry_after_s=1)


def _intent(row: Row[Any]) -> Intent:
    return Intent(
        id=row.id,
        vendor_id=row.vendor_id,
        request_id=row.request_id,
        customer_id=row.customer_id,
        rail=Rail(row.rail),
        payer_msisdn=row.payer_msisdn,
        status=IntentStatus(row.status),
        reason=None if row.reason is None else FailureReason(row.reason),
        created_at=row.created_at,
        grant_expires_at=row.grant_expires_at,
        updated_at=row.updated_at,
    )
