"""What an outcome does to a case: a try that failed, one that nobody can judge, money that arrived."""

from contracts.ids import PaymentIntentId
from contracts.payment_api import PaymentInstructions
from contracts.states import ExceptionKind, FailureReason, IntentStatus, LedgerKind, RequestStatus
from router.payments import exceptions, fulfilment, intents, ledger, news, requests, transactions
from router.payments.case import Case, Claim
from router.payments.models import Effect
from router.payments.payables import CannotFulfil, Fulfilled, Paid
from router.payments.rules import OPEN_INTENT, OPEN_REQUEST, misfit, request_after_failure
from router.payments.transactions import Arrival, Transaction


class _Undo(Exception):
    """Takes back what a handler changed before it found that it can't fulfil."""

    def __init__(self, kind: ExceptionKind) -> None:
        super().__init__(kind)
        self.kind = kind


def end_without_money(case: Case, status: IntentStatus, reason: FailureReason | None, *, may_retry: bool) -> None:
    """The try is over: `failed` or `expired`. The customer hears of it if it was the one they are waiting for."""
    intents.set_status(case.tx, case.intent, status, reason, case.now)
    ledger.record(
        case.tx,
        LedgerKind.EXPIRED if status is IntentStatus.EXPIRED else LedgerKind.FAILED,
        vendor_id=case.vendor_id,
        subject=case.intent.id,
        amount=case.request.amount,
        now=case.now,
        request_id=case.request.id,
        intent_id=case.intent.id,
        note=reason,
    )
    _fail_request(case)
    if case.request.status is RequestStatus.PENDING and case.is_latest:
        news.tell_failed(case, reason, may_retry=may_retry)


def become_unknown(case: Case) -> None:
    """Nobody can say whether the money moved: the customer is asked to wait, not to pay again."""
    intents.set_status(case.tx, case.intent, IntentStatus.UNKNOWN, None, case.now)
    if case.request.status is RequestStatus.PENDING and case.is_latest:
        news.tell_unknown(case)


def instruct(case: Case, instructions: PaymentInstructions) -> bool:
    """A reference was made: keep how it is paid, and tell the customer once, if they may still pay it."""
    if not intents.keep_instructions(case.tx, case.intent, instructions):
        return False
    if case.intent.status in OPEN_INTENT and case.request.status in OPEN_REQUEST:
        news.tell_instructions(case, instructions)
    return True


def settle(case: Case, arrival: Arrival, transaction: Transaction) -> ExceptionKind | None:
    """Money arrived through a transaction that had no effect yet. Either the payable takes it, or it becomes one
    exception; returns its kind, None if the payable took it."""
    succeed(case)
    kind = misfit(asked=case.request.amount, rail=case.intent.rail, paid=arrival.amount, paid_by=arrival.rail)
    if kind is None:
        kind = pay(case, arrival, transaction)
    if kind is not None:
        _fail_request(case)
        set_aside(case, arrival, transaction, kind)
    return kind


def settle_by_hand(claim: Claim, arrival: Arrival, transaction: Transaction) -> ExceptionKind | None:
    """The same for money that was paid to the till by hand for this payable. A try that goes on meanwhile goes on: it
    may still succeed, and is a duplicate then."""
    latest = claim.all_requests[-1]
    if any(request.status is RequestStatus.PAID for request in claim.all_requests):
        kind = ExceptionKind.DUPLICATE
    elif latest.status is RequestStatus.CANCELED:
        kind = ExceptionKind.LATE
    else:
        kind = misfit(asked=latest.amount, rail=None, paid=arrival.amount, paid_by=None)
    if kind is None:
        kind = pay(claim, arrival, transaction)
    if kind is not None:
        set_aside(claim, arrival, transaction, kind)
    return kind


def succeed(case: Case) -> None:
    if case.intent.status is not IntentStatus.SUCCEEDED:
        intents.set_status(case.tx, case.intent, IntentStatus.SUCCEEDED, None, case.now)


def pay(claim: Claim, arrival: Arrival, transaction: Transaction) -> ExceptionKind | None:
    """Let the payable take exact money that had no effect yet. Returns why it can't, and then nothing was changed."""
    answer = hand_over(claim, arrival)
    if isinstance(answer, ExceptionKind):
        return answer
    transactions.take_effect(claim.tx, transaction, Effect.APPLIED, arrival)
    book(claim, transaction, answer, intent=claim.intent.id if isinstance(claim, Case) else None)
    return None


def hand_over(claim: Claim, arrival: Arrival) -> Fulfilled | ExceptionKind:
    """The payable takes the money and its requests end. Or why it can't, and then nothing was changed."""
    if any(request.status is RequestStatus.PAID for request in claim.all_requests):
        return ExceptionKind.DUPLICATE
    paid = Paid(claim.request.id, claim.request.amount, arrival.rail, arrival.receipt, arrival.occurred_at)
    try:
        with claim.tx.undoable():
            answer = claim.handler.on_paid(claim.tx, claim.vendor_id, claim.payable_id, paid, claim.now)
            if isinstance(answer, CannotFulfil):
                raise _Undo(answer.kind)
    except _Undo as undo:
        return undo.kind
    requests.set_status(claim.tx, claim.request, RequestStatus.PAID, claim.now)
    requests.close_open(claim.tx, claim.all_requests, RequestStatus.CANCELED, claim.now, keep=claim.request.id)
    return answer


def book(claim: Claim, transaction: Transaction, answer: Fulfilled, *, intent: PaymentIntentId | None) -> None:
    """What is written and told once the payable took the money of a transaction that is marked as applied."""
    ledger.record(
        claim.tx,
        LedgerKind.PAID,
        vendor_id=claim.vendor_id,
        subject=claim.request.id,
        amount=claim.request.amount,
        now=claim.now,
        request_id=claim.request.id,
        intent_id=intent,
        transaction_id=transaction.id,
    )
    fulfilment.complete(
        claim.tx,
        vendor_id=claim.vendor_id,
        payable_kind=claim.request.payable_kind,
        payable_id=claim.payable_id,
        request_id=claim.request.id,
        now=claim.now,
    )
    news.tell_paid(claim, answer.announce)


def set_aside(claim: Claim, arrival: Arrival, transaction: Transaction, kind: ExceptionKind) -> None:
    """One exception for this money, and the customer is told."""
    counted = transactions.take_effect(claim.tx, transaction, Effect.EXCEPTION, arrival)
    exception_id = exceptions.open_exception(
        claim.tx,
        kind=kind,
        transaction=counted,
        amount=arrival.amount,
        request_id=claim.request.id,
        intent_id=claim.intent.id if isinstance(claim, Case) else None,
        now=claim.now,
    )
    news.tell_exception(news.about(claim), counted, exception_id, kind)


def _fail_request(case: Case) -> None:
    after = request_after_failure(case.request.status, case.other_intents)
    if after is not None:
        requests.set_status(case.tx, case.request, after, case.now)
