"""Money that goes back: a shop asks for it, the payment adapter has the provider do it, and events say how it ended.

A payable that was paid stays paid: what follows is told by the ledger, where `adjusted` entries outweigh what came.
What is asked back of a transaction never exceeds what it brought: the sum is kept in its row, and changed there."""

from datetime import datetime

import structlog
from sqlalchemy import select

from contracts.errors import ErrorCode
from contracts.ids import CustomerId, VendorId
from contracts.money import Money
from contracts.payment_api import RefundStatus
from kit.db import Tx
from kit.problems import Problem
from router.payments import exceptions, ledger, news, refund_record, transactions
from router.payments.models import Effect, ExceptionStatus, Resolution, payment_intents, payment_requests
from router.payments.payables import Registry
from router.payments.refund_record import Refund
from router.payments.rules import REFUND_NEXT
from router.payments.transactions import OWN_ID, Transaction

_log = structlog.get_logger()


def ask(
    tx: Tx,
    vendor_id: VendorId,
    *,
    refund_id: str,
    transaction_id: str,
    amount_minor: int | None,
    note: str,
    by: str,
    now: datetime,
) -> Refund:
    """Promise to give this much back; None is all that is left. It is handed over after the commit.

    Raises Problem 404 transaction_unknown, 409 refund_unavailable (not so much is left, or the provider could not be
    told what to give back; extra: left_minor), 409 exception_closed (the money was set aside, and somebody decided)."""
    transaction = transactions.locked(tx, vendor_id, transaction_id)
    if transaction is None:
        raise Problem(404, ErrorCode.TRANSACTION_UNKNOWN, "the shop has no money with this transaction_id")
    left_minor = _check_refundable(transaction, amount_minor)
    exception = exceptions.of_transaction(tx, transaction)
    if exception is not None and exception.status is not ExceptionStatus.OPEN and not _was_attached(transaction):
        is_going = exception.status is ExceptionStatus.REFUNDING
        detail = "a refund of this money is on its way" if is_going else "it was decided already what becomes of it"
        raise Problem(409, ErrorCode.EXCEPTION_CLOSED, detail)
    assert transaction.amount is not None
    wanted = left_minor if amount_minor is None else amount_minor
    if not transactions.give_back(tx, transaction, wanted):
        raise _too_much(left_minor)
    if exception is not None and exception.status is ExceptionStatus.OPEN:
        exceptions.set_refunding(tx, exception, is_refunding=True)
    refund = Refund(
        id=refund_id,
        vendor_id=vendor_id,
        transaction_id=transaction.id,
        amount=Money(wanted, transaction.amount.currency),
        note=note,
        asked_by=by,
        status=RefundStatus.PENDING,
        detail=None,
        provider_refund_id=None,
        attempts=0,
        next_at=now,
        sent_at=None,
        created_at=now,
        updated_at=now,
    )
    refund_record.store(tx, refund)
    return refund


def record_outcome(
    tx: Tx,
    registry: Registry,
    vendor_id: VendorId,
    refund_id: str,
    status: RefundStatus,
    now: datetime,
    *,
    provider_refund_id: str | None = None,
    detail: str | None = None,
) -> str | None:
    """Take what is said of a refund: idempotent, in any order. Returns what became of that in a word or two, None for
    a refund that this vendor has not."""
    known = refund_record.read(tx, vendor_id, refund_id)
    if known is None:
        return None
    transaction = transactions.locked(tx, vendor_id, known.transaction_id)
    assert transaction is not None
    refund = refund_record.read(tx, vendor_id, refund_id, to_change=True)
    assert refund is not None
    if status is RefundStatus.PENDING:
        refund_record.was_taken(tx, refund, now)
        return status
    if status not in REFUND_NEXT[refund.status]:
        return f"it is {refund.status} already"
    came_late = refund.status is RefundStatus.FAILED
    if came_late and not transactions.give_back(tx, transaction, refund.amount.minor):
        # It went back after all, and more than came is asked for by now: the other refund must be looked at.
        _log.error("more went back than came", refund_id=refund.id, transaction_id=transaction.id)
        return "more went back than came: a person must look"
    refund_record.set_status(tx, refund, status, now, provider_refund_id=provider_refund_id, detail=detail)
    if status is RefundStatus.FAILED:
        transactions.give_back(tx, transaction, -refund.amount.minor)
    if status is RefundStatus.DONE:
        ledger.adjust(tx, transaction, refund.id, refund.amount, now, note=Resolution.REFUNDED)
    _settle_exception(tx, vendor_id, transaction.id, refund, now)
    concerned, other = _about(tx, registry, transaction, now), _other_payer(tx, transaction)
    news.tell_refund(concerned, refund, transaction.receipt, detail, status, other)
    return status


def _check_refundable(transaction: Transaction, amount_minor: int | None) -> int:
    """What is left of it. Raises Problem 409 refund_unavailable."""
    if not transaction.is_counted or transaction.amount is None:
        raise Problem(
            409,
            ErrorCode.REFUND_UNAVAILABLE,
            "this is no money of its own: it was reported twice, or never paid",
            same_as=transaction.same_as,
        )
    left_minor = transaction.amount.minor - transaction.refunded_minor
    if left_minor <= 0 or (amount_minor is not None and amount_minor > left_minor):
        raise _too_much(left_minor)
    if transaction.receipt is None and transaction.provider_transaction_id.startswith(OWN_ID):
        raise Problem(
            409,
            ErrorCode.REFUND_UNAVAILABLE,
            "neither a receipt nor the provider's own number is known of this payment yet; pay it back another way",
        )
    return left_minor


def _too_much(left_minor: int) -> Problem:
    detail = f"{left_minor} minor units are left to give back" if left_minor > 0 else "all of it was given back"
    return Problem(409, ErrorCode.REFUND_UNAVAILABLE, detail, left_minor=left_minor)


def _was_attached(transaction: Transaction) -> bool:
    """Set aside once, and applied since: the exception says how it was closed and forbids nothing."""
    return transaction.effect == "applied"


def _settle_exception(tx: Tx, vendor_id: VendorId, transaction_id: str, refund: Refund, now: datetime) -> None:
    """What the refund leaves of an exception: nothing to decide, or the rest, or all of it still."""
    transaction = transactions.locked(tx, vendor_id, transaction_id)
    assert transaction is not None
    assert transaction.amount is not None
    exception = exceptions.of_transaction(tx, transaction)
    if exception is None or exception.status is ExceptionStatus.RESOLVED:
        return
    going = refund_record.of_transaction(tx, vendor_id, transaction_id)
    if any(each.status in (RefundStatus.PENDING, RefundStatus.UNKNOWN) for each in going):
        if exception.status is ExceptionStatus.OPEN:
            exceptions.set_refunding(tx, exception, is_refunding=True)
        return
    if transaction.refunded_minor == transaction.amount.minor:
        exceptions.close(tx, exception, Resolution.REFUNDED, now, note=refund.note, by=refund.asked_by)
    elif exception.status is ExceptionStatus.REFUNDING:
        exceptions.set_refunding(tx, exception, is_refunding=False)


def _about(tx: Tx, registry: Registry, transaction: Transaction, now: datetime) -> news.About:
    """Whom the money concerns: whoever it paid, or was meant to pay."""
    if transaction.request_id is None:
        return news.about_nothing(tx, transaction, now)
    r = payment_requests.c
    row = tx.execute(
        select(r.payable_kind, r.payable_id).where(r.vendor_id == transaction.vendor_id, r.id == transaction.request_id)
    ).one()
    handler = registry.handler(row.payable_kind)
    return news.about_payable(tx, handler, transaction.vendor_id, row.payable_kind, row.payable_id, now)


def _other_payer(tx: Tx, transaction: Transaction) -> news.OtherPayer | None:
    """Whose phone it came from, if they are not the customer whose order it was for."""
    r, i = payment_requests.c, payment_intents.c
    row = tx.execute(
        select(i.customer_id)
        .join_from(payment_intents, payment_requests, (r.vendor_id == i.vendor_id) & (r.id == i.request_id))
        .where(i.vendor_id == transaction.vendor_id, i.id == transaction.intent_id, i.customer_id != r.customer_id)
    ).one_or_none()
    return None if row is None else news.OtherPayer(CustomerId(row.customer_id), transaction.effect is Effect.APPLIED)
