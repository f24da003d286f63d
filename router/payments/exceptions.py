"""The exceptions queue: money that arrived and could not be applied, one row per provider transaction. The vendor
decides; nothing here guesses."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update

from contracts.ids import PaymentIntentId, PaymentRequestId, VendorId, derived_id
from contracts.money import Currency, Money
from contracts.states import ExceptionKind, LedgerKind
from kit.db import Tx
from router.payments import ledger
from router.payments.models import ExceptionStatus, Resolution, payment_exceptions
from router.payments.transactions import Transaction


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row of the queue."""

    id: str
    vendor_id: VendorId
    kind: ExceptionKind
    status: ExceptionStatus
    transaction_id: str
    request_id: PaymentRequestId | None
    """What the money was meant for, if anything."""
    intent_id: PaymentIntentId | None
    amount: Money


def open_exception(
    tx: Tx,
    *,
    kind: ExceptionKind,
    transaction: Transaction,
    amount: Money,
    request_id: PaymentRequestId | None,
    intent_id: PaymentIntentId | None,
    now: datetime,
) -> str:
    """Queue it and credit it in the ledger; returns its id. Raises IntegrityError if the transaction is in the queue
    already."""
    exception_id = derived_id("exception", transaction.vendor_id, transaction.id)
    tx.execute(
        insert(payment_exceptions).values(
            vendor_id=transaction.vendor_id,
            id=exception_id,
            kind=kind,
            status=ExceptionStatus.OPEN,
            transaction_id=transaction.id,
            request_id=request_id,
            intent_id=intent_id,
            amount_minor=amount.minor,
            currency=amount.currency,
            created_at=now,
        )
    )
    ledger.record(
        tx,
        LedgerKind.CREDITED,
        vendor_id=transaction.vendor_id,
        subject=transaction.id,
        amount=amount,
        now=now,
        request_id=request_id,
        intent_id=intent_id,
        transaction_id=transaction.id,
        note=kind,
    )
    return exception_id


def of_transaction(tx: Tx, transaction: Transaction) -> SetAside | None:
    """The exception of this transaction, which the caller holds locked: that keeps the exception as it is, too."""
    e = payment_exceptions.c
    return _one(tx, e.vendor_id == transaction.vendor_id, e.transaction_id == transaction.id)


def named(tx: Tx, vendor_id: VendorId, exception_id: str) -> SetAside | None:
    """As it stands now; whoever will decide about it locks its transaction and reads it again."""
    e = payment_exceptions.c
    return _one(tx, e.vendor_id == vendor_id, e.id == exception_id)


def set_refunding(tx: Tx, exception: SetAside, *, is_refunding: bool) -> None:
    """A refund was asked for, or it ended and something is left to decide."""
    _change(tx, exception, status=ExceptionStatus.REFUNDING if is_refunding else ExceptionStatus.OPEN)


def close(
    tx: Tx,
    exception: SetAside,
    resolution: Resolution,
    now: datetime,
    *,
    note: str | None = None,
    by: str | None = None,
) -> None:
    """Decided. `by` names the caller of the API, None where it resolved itself."""
    _change(
        tx,
        exception,
        status=ExceptionStatus.RESOLVED,
        resolution=resolution,
        note=note,
        resolved_by=by,
        resolved_at=now,
    )


def take_back_credit(tx: Tx, transaction: Transaction, now: datetime, *, note: Resolution) -> None:
    """The ledger's other half of `open_exception`: this money is not set aside any more."""
    assert transaction.amount is not None
    ledger.adjust(tx, transaction, transaction.id, transaction.amount, now, note=note)


def _change(tx: Tx, exception: SetAside, **values: Any) -> None:
    e = payment_exceptions.c
    changed = tx.execute(
        update(payment_exceptions)
        .where(e.vendor_id == exception.vendor_id, e.id == exception.id, e.status == exception.status)
        .values(values)
    )
    if changed.rowcount != 1:
        raise RuntimeError(f"payment exception {exception.id} is no longer {exception.status}")


def _one(tx: Tx, *which: ColumnElement[bool]) -> SetAside | None:
    row = tx.execute(select(payment_exceptions).where(*which)).one_or_none()
    return None if row is None else _set_aside(row)


def _set_aside(row: Row[Any]) -> SetAside:
    return SetAside(
        id=row.id,
        vendor_id=row.vendor_id,
        kind=ExceptionKind(row.kind),
        status=ExceptionStatus(row.status),
        transaction_id=row.transaction_id,
        request_id=row.request_id,
        intent_id=row.intent_id,
        amount=Money(row.amount_minor, Currency(row.currency)),
    )
