"""The exceptions queue: money that arrived and could not be applied, one row per provider transaction. The vendor
decides; nothing here guesses."""

from datetime import datetime

from sqlalchemy import insert

from contracts.ids import PaymentIntentId, PaymentRequestId, derived_id
from contracts.money import Money
from contracts.states import ExceptionKind, LedgerKind
from kit.db import Tx
from router.payments import ledger
from router.payments.models import ExceptionStatus, payment_exceptions
from router.payments.transactions import Transaction


def open_exception(
    tx: Tx,
    *,
    kind: ExceptionKind,
    transaction: Transaction,
    amount: Money,
    request_id: PaymentRequestId | None,
    intent_id: PaymentIntentId | None,
    now: datetime,
) -> None:
    """Queue it and credit it in the ledger. Raises IntegrityError if the transaction is in the queue already."""
    tx.execute(
        insert(payment_exceptions).values(
            vendor_id=transaction.vendor_id,
            id=derived_id("exception", transaction.vendor_id, transaction.id),
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
