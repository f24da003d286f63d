"""Where the money of payables stands, read for many at once in two statements."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from contracts.ids import CustomerId, VendorId
from contracts.router_api import PaymentView
from contracts.states import FailureReason, IntentStatus, Rail, RequestStatus
from kit.db import Tx
from router.payments import intents
from router.payments.models import Effect, payment_intents, payment_requests, provider_transactions
from router.payments.rules import MAX_INTENTS_PER_DAY, OPEN_INTENT, local_day


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
    # Oldest first, so that the last one to be written stays.
    for row in tx.execute(
        select(
            payment_requests.c.id,
            payment_requests.c.payable_id,
            payment_requests.c.status,
            payment_intents.c.id.label("intent_id"),
            payment_intents.c.status.label("intent_status"),
            payment_intents.c.reason,
            payment_intents.c.rail,
        )
        .join_from(
            payment_requests,
            payment_intents,
            (payment_intents.c.vendor_id == payment_requests.c.vendor_id)
            & (payment_intents.c.request_id == payment_requests.c.id),
            isouter=True,
        )
        .where(
            payment_requests.c.vendor_id == vendor_id,
            payment_requests.c.payable_kind == payable_kind,
            payment_requests.c.payable_id.in_(payable_ids),
        )
        .order_by(payment_requests.c.ordinal, payment_intents.c.created_at, payment_intents.c.id)
    ):
        latest[row.payable_id] = row
    if not latest:
        return {}
    started = intents.started_on(tx, vendor_id, customer_id, local_day(now, timezone))
    attempts_left = max(0, MAX_INTENTS_PER_DAY - started)
    return {payable_id: _view(row, attempts_left) for payable_id, row in latest.items()}


def receipts(tx: Tx, *, vendor_id: VendorId, payable_kind: str, payable_ids: Sequence[str]) -> dict[str, str]:
    """The receipt of the money that paid each payable. One that is paid but missing here has none yet: the success
    came from a look-up, which reports no receipt."""
    if not payable_ids:
        return {}
    rows = tx.execute(
        select(payment_requests.c.payable_id, provider_transactions.c.receipt)
        .join_from(
            payment_requests,
            provider_transactions,
            (provider_transactions.c.vendor_id == payment_requests.c.vendor_id)
            & (provider_transactions.c.request_id == payment_requests.c.id),
        )
        .where(
            payment_requests.c.vendor_id == vendor_id,
            payment_requests.c.payable_kind == payable_kind,
            payment_requests.c.payable_id.in_(payable_ids),
            provider_transactions.c.effect == Effect.APPLIED,
            provider_transactions.c.receipt.is_not(None),
        )
    )
    return {row.payable_id: row.receipt for row in rows}


def has_live_intent(tx: Tx, *, vendor_id: VendorId, payable_kind: str, payable_id: str) -> bool:
    """Whether money may still come for this payable: a prompt is live (created, provider_pending), or its outcome is
    unknown."""
    found = tx.execute(
        select(payment_intents.c.id)
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
        .limit(1)
    )
    return found.first() is not None


def _view(row: Row[Any], attempts_left: int) -> PaymentView:
    return PaymentView(
        request_id=row.id,
        request_status=RequestStatus(row.status),
        intent_id=row.intent_id,
        intent_status=None if row.intent_status is None else IntentStatus(row.intent_status),
        reason=None if row.reason is None else FailureReason(row.reason),
        rail=None if row.rail is None else Rail(row.rail),
        attempts_left_today=attempts_left,
    )
