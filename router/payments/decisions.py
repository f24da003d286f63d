"""What a shop decides about money that was set aside: it notes how it dealt with it, or lets it pay an order.

Money is attached only where it is exactly what the order asks: nobody nets two payments, or a payment and a debt."""

from datetime import datetime

from contracts.errors import ErrorCode
from contracts.ids import VendorId
from contracts.money import Money
from contracts.states import ExceptionKind, RequestStatus
from kit.db import Tx
from kit.problems import Problem
from router.payments import exceptions, outcomes, transactions
from router.payments.case import Claim, open_claim
from router.payments.exceptions import SetAside
from router.payments.models import Effect, ExceptionStatus, Resolution
from router.payments.payables import Registry
from router.payments.transactions import Transaction


def note(tx: Tx, vendor_id: VendorId, exception_id: str, *, text: str, by: str, now: datetime) -> None:
    """The shop dealt with it by itself: closes it. Raises Problem 404 exception_unknown, 409 exception_closed."""
    _, exception = _open(tx, _known(tx, vendor_id, exception_id))
    exceptions.close(tx, exception, Resolution.NOTED, now, note=text, by=by)


def attach(
    tx: Tx,
    registry: Registry,
    vendor_id: VendorId,
    exception_id: str,
    *,
    payable: tuple[str, str],
    by: str,
    now: datetime,
) -> None:
    """Let this money pay a payable (its kind and id), as if it had come for it.

    Raises Problem 404 exception_unknown or order_unknown, 409 exception_closed, amount_differs (extra: amount_minor,
    asked_minor), order_transition_refused (paid or cancelled) or item_sold_out."""
    known = _known(tx, vendor_id, exception_id)
    claim = open_claim(tx, registry, vendor_id, *payable, now)  # before the transaction: the order of locks
    if claim is None:
        raise Problem(404, ErrorCode.ORDER_UNKNOWN, "the shop has no order with this id that anything is asked for")
    reference = claim.request.reference
    transaction, exception = _open(tx, known)
    if transaction.refunded_minor:
        raise Problem(409, ErrorCode.EXCEPTION_CLOSED, "a part of this money went back; give back the rest as well")
    _check_claim(claim, exception.amount, reference)
    answer = outcomes.hand_over(claim, transaction.arrival)
    if isinstance(answer, ExceptionKind):
        raise _refusal(answer, reference)
    exceptions.take_back_credit(tx, transaction, now, note=Resolution.ATTACHED)
    transactions.pay_after_all(tx, transaction, claim.request.id)
    exceptions.close(tx, exception, Resolution.ATTACHED, now, by=by)
    outcomes.book(claim, transaction, answer, intent=None)


def _known(tx: Tx, vendor_id: VendorId, exception_id: str) -> SetAside:
    known = exceptions.named(tx, vendor_id, exception_id)
    if known is None:
        raise Problem(404, ErrorCode.EXCEPTION_UNKNOWN, "the shop has no exception with this id")
    return known


def _open(tx: Tx, known: SetAside) -> tuple[Transaction, SetAside]:
    """The exception as it stands, with its transaction locked. Raises Problem 409 exception_closed."""
    transaction = transactions.locked(tx, known.vendor_id, known.transaction_id)
    assert transaction is not None
    exception = exceptions.of_transaction(tx, transaction)
    assert exception is not None
    if exception.status is ExceptionStatus.OPEN:
        assert transaction.effect is Effect.EXCEPTION
        return transaction, exception
    is_going = exception.status is ExceptionStatus.REFUNDING
    detail = "a refund of this money is on its way" if is_going else "it was decided already what becomes of this money"
    raise Problem(409, ErrorCode.EXCEPTION_CLOSED, detail)


def _check_claim(claim: Claim, amount: Money, reference: str) -> None:
    if any(request.status is RequestStatus.PAID for request in claim.all_requests):
        raise _refusal(ExceptionKind.DUPLICATE, reference)
    if claim.request.status is RequestStatus.CANCELED:
        raise _refusal(ExceptionKind.LATE, reference)
    asked = claim.request.amount
    if amount != asked:
        raise Problem(
            409,
            ErrorCode.AMOUNT_DIFFERS,
            f"{reference} asks for another amount than this money is; only exactly that can pay it",
            amount_minor=amount.minor,
            asked_minor=asked.minor,
            currency=asked.currency,
        )


def _refusal(kind: ExceptionKind, reference: str) -> Problem:
    match kind:
        case ExceptionKind.NO_STOCK:
            return Problem(409, ErrorCode.ITEM_SOLD_OUT, f"not everything in {reference} is left")
        case ExceptionKind.DUPLICATE:
            return Problem(409, ErrorCode.ORDER_TRANSITION_REFUSED, f"{reference} is paid already")
        case _:
            return Problem(409, ErrorCode.ORDER_TRANSITION_REFUSED, f"{reference} takes no money any more")
