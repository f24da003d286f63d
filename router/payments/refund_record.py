"""Refunds as their rows say, and the only place that changes their status."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, insert, select, update

from contracts.ids import VendorId
from contracts.money import Currency, Money
from contracts.payment_api import RefundStatus
from kit.db import Tx
from kit.paging import Moment, before
from router.payments.refund_models import payment_refunds
from router.payments.rules import REFUND_NEXT, ForbiddenTransition

MAX_NOTE_LENGTH = 100
MAX_DETAIL_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund as it was read."""

    id: str
    vendor_id: VendorId
    transaction_id: str
    amount: Money
    note: str
    asked_by: str
    status: RefundStatus
    detail: str | None
    provider_refund_id: str | None
    attempts: int
    next_at: datetime
    """When it is offered to the payment adapter (again), until that takes it."""
    sent_at: datetime | None
    created_at: datetime
    updated_at: datetime


def store(tx: Tx, refund: Refund) -> None:
    tx.execute(
        insert(payment_refunds).values(
            vendor_id=refund.vendor_id,
            id=refund.id,
            transaction_id=refund.transaction_id,
            amount_minor=refund.amount.minor,
            currency=refund.amount.currency,
            note=refund.note,
            asked_by=refund.asked_by,
            status=refund.status,
            attempts=refund.attempts,
            next_at=refund.next_at,
            created_at=refund.created_at,
            updated_at=refund.updated_at,
        )
    )


def read(tx: Tx, vendor_id: VendorId, refund_id: str, *, to_change: bool = False) -> Refund | None:
    """`to_change` locks it: after its transaction, never before."""
    c = payment_refunds.c
    statement = select(payment_refunds).where(c.vendor_id == vendor_id, c.id == refund_id)
    row = tx.execute(statement.with_for_update() if to_change else statement).one_or_none()
    return None if row is None else _refund(row)


def of_transaction(tx: Tx, vendor_id: VendorId, transaction_id: str) -> list[Refund]:
    """Oldest first."""
    c = payment_refunds.c
    which = select(payment_refunds).where(c.vendor_id == vendor_id, c.transaction_id == transaction_id)
    return [_refund(row) for row in tx.execute(which.order_by(c.created_at, c.id))]


def newest(
    tx: Tx,
    vendor_id: VendorId,
    *,
    status: RefundStatus | None,
    transaction_id: str | None,
    end: Moment | None,
    limit: int,
) -> list[Refund]:
    """Newest first, at most `limit`."""
    c = payment_refunds.c
    which = select(payment_refunds).where(c.vendor_id == vendor_id)
    if status is not None:
        which = which.where(c.status == status)
    if transaction_id is not None:
        which = which.where(c.transaction_id == transaction_id)
    if end is not None:
        which = which.where(before(c.created_at, c.id, end))
    return [_refund(row) for row in tx.execute(which.order_by(c.created_at.desc(), c.id.desc()).limit(limit))]


def set_status(
    tx: Tx, refund: Refund, status: RefundStatus, now: datetime, *, provider_refund_id: str | None, detail: str | None
) -> None:
    """The only door. Raises ForbiddenTransition; RuntimeError if the row is not as it was read."""
    if status not in REFUND_NEXT[refund.status]:
        raise ForbiddenTransition(f"a refund that is {refund.status} never becomes {status}")
    values: dict[str, Any] = {"status": status, "updated_at": now, "sent_at": refund.sent_at or now}
    if provider_refund_id is not None:
        values["provider_refund_id"] = provider_refund_id
    if detail is not None:
        values["detail"] = detail[:MAX_DETAIL_LENGTH]
    changed = tx.execute(
        update(payment_refunds).where(_is(refund), payment_refunds.c.status == refund.status).values(values)
    )
    if changed.rowcount != 1:
        raise RuntimeError(f"refund {refund.id} is no longer {refund.status}")


def lease(tx: Tx, vendor_id: VendorId, refund_id: str, now: datetime, until: datetime) -> Refund | None:
    """Take a refund that is due to be handed over; None if somebody else did, or it needs nobody any more. It is due
    again at `until`."""
    c = payment_refunds.c
    taken = tx.execute(
        update(payment_refunds)
        .where(
            c.vendor_id == vendor_id,
            c.id == refund_id,
            c.status == RefundStatus.PENDING,
            c.sent_at.is_(None),
            c.next_at <= now,
        )
        .values(next_at=until, attempts=c.attempts + 1)
    )
    return read(tx, vendor_id, refund_id) if taken.rowcount == 1 else None


def postpone(tx: Tx, refund: Refund, until: datetime) -> None:
    """Nobody took it: it is due again then."""
    tx.execute(
        update(payment_refunds)
        .where(_is(refund), payment_refunds.c.sent_at.is_(None), payment_refunds.c.attempts == refund.attempts)
        .values(next_at=until)
    )


def was_taken(tx: Tx, refund: Refund, now: datetime) -> None:
    """The payment adapter has it, and will say how it ended."""
    tx.execute(update(payment_refunds).where(_is(refund), payment_refunds.c.sent_at.is_(None)).values(sent_at=now))


def _is(refund: Refund) -> ColumnElement[bool]:
    return and_(payment_refunds.c.vendor_id == refund.vendor_id, payment_refunds.c.id == refund.id)


def _refund(row: Row[Any]) -> Refund:
    return Refund(
        id=row.id,
        vendor_id=row.vendor_id,
        transaction_id=row.transaction_id,
        amount=Money(row.amount_minor, Currency(row.currency)),
        note=row.note,
        asked_by=row.asked_by,
        status=RefundStatus(row.status),
        detail=row.detail,
        provider_refund_id=row.provider_refund_id,
        attempts=row.attempts,
        next_at=row.next_at,
        sent_at=row.sent_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
