"""What a vendor sees of the money: tries to collect, what paid them, and what could not be applied. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, case, select

from contracts.ids import VendorId
from contracts.states import ExceptionKind, IntentStatus, RequestStatus
from kit.db import Tx
from kit.paging import Moment, before
from router.payments.models import (
    Effect,
    ExceptionStatus,
    payment_exceptions,
    payment_intents,
    payment_requests,
    provider_transactions,
)
from router.payments.transactions import COUNTED


@dataclass(frozen=True, slots=True)
class Collected:
    """Where the money for one payable stands: its latest request, and the receipt of what paid it."""

    request_id: str
    status: RequestStatus
    receipt: str | None


def collected(tx: Tx, *, vendor_id: VendorId, payable_kind: str, payable_ids: Sequence[str]) -> dict[str, Collected]:
    """By payable, in one statement; a payable without a request is not in the answer."""
    if not payable_ids:
        return {}
    r, t = payment_requests.c, provider_transactions.c
    rows = tx.execute(
        select(r.id, r.payable_id, r.status, t.receipt)
        .join_from(
            payment_requests,
            provider_transactions,
            (t.vendor_id == r.vendor_id) & (t.request_id == r.id) & (t.effect == Effect.APPLIED),
            isouter=True,
        )
        .where(r.vendor_id == vendor_id, r.payable_kind == payable_kind, r.payable_id.in_(payable_ids))
        .order_by(r.ordinal)
    )
    found: dict[str, Collected] = {}
    for row in rows:  # the last request of a payable stays
        found[row.payable_id] = Collected(row.id, RequestStatus(row.status), row.receipt)
    return found


@dataclass(frozen=True, slots=True)
class Try:
    """A payment intent with its request, and the provider transaction that tells most about it, if there is any."""

    intent: Row[Any]
    transaction: Row[Any] | None


def tries(
    tx: Tx,
    vendor_id: VendorId,
    *,
    status: IntentStatus | None,
    since: datetime | None,
    until: datetime | None,
    payable: tuple[str, str] | None,
    end: Moment | None,
    limit: int,
) -> list[Try]:
    """Newest first, at most `limit`, in two statements. `payable` is a kind and an id."""
    i = payment_intents.c
    which = _intents(vendor_id)
    if status is not None:
        which = which.where(i.status == status)
    if since is not None:
        which = which.where(i.created_at >= since)
    if until is not None:
        which = which.where(i.created_at < until)
    if payable is not None:
        r = payment_requests.c
        which = which.where(r.payable_kind == payable[0], r.payable_id == payable[1])
    if end is not None:
        which = which.where(before(i.created_at, i.id, end))
    return _with_transactions(tx, vendor_id, which.order_by(i.created_at.desc(), i.id.desc()).limit(limit))


def one_try(tx: Tx, vendor_id: VendorId, intent_id: str) -> Try | None:
    found = _with_transactions(tx, vendor_id, _intents(vendor_id).where(payment_intents.c.id == intent_id))
    return found[0] if found else None


def _intents(vendor_id: VendorId) -> Select[Any]:
    i, r = payment_intents.c, payment_requests.c
    return (
        select(payment_intents, r.payable_kind, r.payable_id, r.reference, r.amount_minor, r.currency)
        .join_from(payment_intents, payment_requests, (r.vendor_id == i.vendor_id) & (r.id == i.request_id))
        .where(i.vendor_id == vendor_id)
    )


def _with_transactions(tx: Tx, vendor_id: VendorId, which: Select[Any]) -> list[Try]:
    intents = tx.execute(which).all()
    if not intents:
        return []
    t = provider_transactions.c
    # What had an effect tells more than what had none: it is read last, and stays.
    tells = case((t.effect == Effect.APPLIED, 2), (t.effect.is_not(None), 1), else_=0)
    rows = tx.execute(
        select(provider_transactions)
        .where(t.vendor_id == vendor_id, t.intent_id.in_([row.id for row in intents]))
        .order_by(tells, t.created_at, t.id)
    )
    of_intent = {row.intent_id: row for row in rows}
    return [Try(row, of_intent.get(row.id)) for row in intents]


def money(
    tx: Tx,
    vendor_id: VendorId,
    *,
    receipt: str | None,
    since: datetime | None,
    until: datetime | None,
    payable: tuple[str, str] | None,
    end: Moment | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Everything that came, with what it was for: newest first, one statement. What was reported twice comes once."""
    t, r = provider_transactions.c, payment_requests.c
    which = _money(vendor_id)
    if receipt is not None:
        which = which.where(t.receipt == receipt)
    if since is not None:
        which = which.where(t.created_at >= since)
    if until is not None:
        which = which.where(t.created_at < until)
    if payable is not None:
        which = which.where(r.payable_kind == payable[0], r.payable_id == payable[1])
    if end is not None:
        which = which.where(before(t.created_at, t.id, end))
    return tx.execute(which.order_by(t.created_at.desc(), t.id.desc()).limit(limit)).all()


def one_money(tx: Tx, vendor_id: VendorId, transaction_id: str) -> Row[Any] | None:
    return tx.execute(_money(vendor_id).where(provider_transactions.c.id == transaction_id)).one_or_none()


def _money(vendor_id: VendorId) -> Select[Any]:
    t, r = provider_transactions.c, payment_requests.c
    return (
        select(provider_transactions, r.payable_kind, r.payable_id, r.reference)
        .join_from(
            provider_transactions,
            payment_requests,
            (r.vendor_id == t.vendor_id) & (r.id == t.request_id),
            isouter=True,
        )
        .where(t.vendor_id == vendor_id, t.effect.in_(COUNTED))
    )


def exceptions(
    tx: Tx,
    vendor_id: VendorId,
    *,
    status: ExceptionStatus | None,
    kind: ExceptionKind | None,
    since: datetime | None,
    until: datetime | None,
    end: Moment | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Money that could not be applied, with its transaction and what it was meant for: newest first, one statement."""
    e = payment_exceptions.c
    which = _exceptions(vendor_id)
    if status is not None:
        which = which.where(e.status == status)
    if kind is not None:
        which = which.where(e.kind == kind)
    if since is not None:
        which = which.where(e.created_at >= since)
    if until is not None:
        which = which.where(e.created_at < until)
    if end is not None:
        which = which.where(before(e.created_at, e.id, end))
    return tx.execute(which.order_by(e.created_at.desc(), e.id.desc()).limit(limit)).all()


def one_exception(tx: Tx, vendor_id: VendorId, exception_id: str) -> Row[Any] | None:
    return tx.execute(_exceptions(vendor_id).where(payment_exceptions.c.id == exception_id)).one_or_none()


def _exceptions(vendor_id: VendorId) -> Select[Any]:
    e, t, r = payment_exceptions.c, provider_transactions.c, payment_requests.c
    joined = payment_exceptions.join(
        provider_transactions, (t.vendor_id == e.vendor_id) & (t.id == e.transaction_id)
    ).outerjoin(payment_requests, (r.vendor_id == e.vendor_id) & (r.id == e.request_id))
    return (
        select(
            payment_exceptions,
            t.provider,
            t.provider_transaction_id,
            t.receipt,
            t.rail,
            t.payer_msisdn,
            t.payer_name,
            t.account_reference,
            t.refunded_minor,
            t.occurred_at,
            r.payable_kind,
            r.payable_id,
            r.reference,
        )
        .select_from(joined)
        .where(e.vendor_id == vendor_id)
    )
