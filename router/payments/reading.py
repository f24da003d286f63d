"""Where the money of payables stands, read for many at once in two statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from contracts.ids import CustomerId, VendorId
from contracts.payment_api import PaymentInstructions, RefundStatus
from contracts.router_api import PaymentView
from contracts.states import PUSHED_RAILS, FailureReason, IntentStatus, Rail, RequestStatus
from kit.columns import is_one_of
from kit.db import Tx
from router.payments import intents
from router.payments.models import Effect, payment_intents, payment_requests, provider_transactions
from router.payments.refund_models import payment_refunds
from router.payments.rules import MAX_INTENTS_PER_DAY, OPEN_INTENT, local_day

_r, _i, _t = payment_requests.c, payment_intents.c, provider_transactions.c
_OF_PAYABLES = (
    _r.vendor_id == bindparam("of_vendor"),
    _r.payable_kind == bindparam("kind"),
    is_one_of(_r.payable_id, "payables"),
)
# Oldest first, so that the last one to be written stays.
_LATEST = (
    select(
        _r.id,
        _r.payable_id,
        _r.status,
        _i.id.label("intent_id"),
        _i.status.label("intent_status"),
        _i.reason,
        _i.rail,
        (_i.customer_id != _r.customer_id).label("is_by_other"),
        _i.instructions,
        _i.payable_until,
    )
    .join_from(
        payment_requests,
        payment_intents,
        (_i.vendor_id == _r.vendor_id) & (_i.request_id == _r.id),
        isouter=True,
    )
    .where(*_OF_PAYABLES)
    .order_by(_r.ordinal, _i.created_at, _i.id)
)
_RECEIPTS = (
    select(_r.payable_id, _t.receipt)
    .join_from(payment_requests, provider_transactions, (_t.vendor_id == _r.vendor_id) & (_t.request_id == _r.id))
    .where(*_OF_PAYABLES, _t.effect == Effect.APPLIED, _t.receipt.is_not(None))
)
_SENT_BACK = (
    select(_r.payable_id, func.sum(payment_refunds.c.amount_minor).label("amount_minor"))
    .join_from(payment_requests, provider_transactions, (_t.vendor_id == _r.vendor_id) & (_t.request_id == _r.id))
    .join(
        payment_refunds,
        (payment_refunds.c.vendor_id == _t.vendor_id) & (payment_refunds.c.transaction_id == _t.id),
    )
    .where(*_OF_PAYABLES, payment_refunds.c.status == RefundStatus.DONE)
    .group_by(_r.payable_id)
)


def views(
    tx: Tx,
    *,
    vendor_id: VendorId,
    payable_kind: str,
    payable_ids: Sequence[str],
    customer_id: CustomerId,
    timezone: str,
    now: datetime,
) -> dict[str, PaymentView]:
    """The latest request and its latest intent of each payable of one customer; a payable without a request is not in
    the answer. `timezone` is the vendor's."""
    if not payable_ids:
        return {}
    latest: dict[str, Row[Any]] = {}
    references: dict[str, Row[Any]] = {}
    which = {"of_vendor": vendor_id, "kind": payable_kind, "payables": list(payable_ids)}
    for row in tx.execute(_LATEST, which):
        latest[row.payable_id] = row
        if _can_be_paid(row, now):
            references[row.payable_id] = row
    if not latest:
        return {}
    started = intents.started_on(tx, vendor_id, customer_id, local_day(now, timezone))
    attempts_left = max(0, MAX_INTENTS_PER_DAY - started)
    return {payable_id: _view(row, references.get(payable_id), attempts_left) for payable_id, row in latest.items()}


def receipts(tx: Tx, *, vendor_id: VendorId, payable_kind: str, payable_ids: Sequence[str]) -> dict[str, str]:
    """The receipt of the money that paid each payable. One that is paid but missing here has none yet: the success
    came from a look-up, which reports no receipt."""
    if not payable_ids:
        return {}
    which = {"of_vendor": vendor_id, "kind": payable_kind, "payables": list(payable_ids)}
    rows = tx.execute(_RECEIPTS, which)
    return {row.payable_id: row.receipt for row in rows}


def sent_back(tx: Tx, *, vendor_id: VendorId, payable_kind: str, payable_ids: Sequence[str]) -> dict[str, int]:
    """How much of each payable's money its providers have given back, in minor units; where nothing was, it is not in
    the answer. What is only asked for, or failed, does not count."""
    if not payable_ids:
        return {}
    which = {"of_vendor": vendor_id, "kind": payable_kind, "payables": list(payable_ids)}
    return {row.payable_id: int(row.amount_minor) for row in tx.execute(_SENT_BACK, which)}


@dataclass(frozen=True, slots=True)
class StillOpen:
    """What may still bring money for a payable."""

    prompt: bool
    """A prompt is live (created, provider_pending), or its outcome is unknown."""
    reference: bool
    """A reference was asked for that can still be paid, perhaps for days."""


def still_open(tx: Tx, *, vendor_id: VendorId, payable_kind: str, payable_id: str) -> StillOpen:
    found = tx.execute(
        select(payment_intents.c.rail)
        .join_from(
            payment_requests,
            payment_intents,
            (payment_intents.c.vendor_id == payment_requests.c.vendor_id)
            & (payment_intents.c.request_id == payment_requests.c.id),
        )
        .where(
            payment_requests.c.vendor_id == vendor_id,
            payment_requests.c.payable_kind == payable_kind,
            payment_requests.c.payable_id == payable_id,
            payment_intents.c.status.in_(sorted(OPEN_INTENT)),
        )
        .distinct()
    )
    rails = {Rail(row.rail) for row in found}
    return StillOpen(prompt=bool(rails & PUSHED_RAILS), reference=bool(rails - PUSHED_RAILS))


def _can_be_paid(row: Row[Any], now: datetime) -> bool:
    """Whether this intent is a reference whose instructions still hold."""
    if row.instructions is None or IntentStatus(row.intent_status) not in OPEN_INTENT:
        return False
    return row.payable_until is None or row.payable_until > now


def _view(row: Row[Any], reference: Row[Any] | None, attempts_left: int) -> PaymentView:
    if RequestStatus(row.status) in (RequestStatus.PAID, RequestStatus.CANCELED):
        reference = None  # it could be, and should not be any more
    return PaymentView(
        request_id=row.id,
        request_status=RequestStatus(row.status),
        intent_id=row.intent_id,
        intent_status=None if row.intent_status is None else IntentStatus(row.intent_status),
        reason=None if row.reason is None else FailureReason(row.reason),
        rail=None if row.rail is None else Rail(row.rail),
        attempts_left_today=attempts_left,
        instructions=None if reference is None else PaymentInstructions.model_validate_json(reference.instructions),
        instructions_rail=None if reference is None else Rail(reference.rail),
        is_by_other=bool(row.is_by_other),
    )
