"""What an outcome does to a case: a try that failed, one that nobody can judge, money that arrived."""

from contracts.money import Money
from contracts.payment_api import PaymentEvent
from contracts.states import ExceptionKind, FailureReason, IntentStatus, LedgerKind, RequestStatus
from router.payments import exceptions, fulfilment, intents, ledger, news, requests, transactions
from router.payments.case import Case
from router.payments.models import Effect
from router.payments.payables import CannotFulfil, Paid
from router.payments.rules import misfit, request_after_failure
from router.payments.transactions import Transaction


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


def settle(case: Case, event: PaymentEvent, transaction: Transaction, paid: Money) -> ExceptionKind | None:
    """Money arrived through a transaction that had no effect yet. Either the payable takes it, or it becomes one
    exception; returns its kind, None if the payable took it."""
    if case.intent.status is not IntentStatus.SUCCEEDED:
        intents.set_status(case.tx, case.intent, IntentStatus.SUCCEEDED, None, case.now)
    kind = misfit(asked=case.request.amount, rail=case.intent.rail, paid=paid, paid_by=event.rail)
    if kind is None:
        kind = _apply(case, event, transaction)
    if kind is not None:
        _set_aside(case, event, transaction, paid, kind)
    return kind


def _apply(case: Case, event: PaymentEvent, transaction: Transaction) -> ExceptionKind | None:
    if any(request.status is RequestStatus.PAID for request in case.all_requests):
        return ExceptionKind.DUPLICATE
    paid = Paid(case.request.id, case.request.amount, case.intent.rail, event.receipt, event.occurred_at)
    try:
        with case.tx.conn.begin_nested():
            answer = case.handler.on_paid(case.tx, case.vendor_id, case.payable_id, paid, case.now)
            if isinstance(answer, CannotFulfil):
                raise _Undo(answer.kind)
    except _Undo as undo:
        return undo.kind
    requests.set_status(case.tx, case.request, RequestStatus.PAID, case.now)
    requests.close_open(case.tx, case.all_requests, RequestStatus.CANCELED, case.now, keep=case.request.id)
    transactions.take_effect(case.tx, transaction, Effect.APPLIED, event)
    ledger.record(
        case.tx,
        LedgerKind.PAID,
        vendor_id=case.vendor_id,
        subject=case.request.id,
        amount=case.request.amount,
        now=case.now,
        request_id=case.request.id,
        intent_id=case.intent.id,
        transaction_id=transaction.id,
    )
    fulfilment.complete(
        case.tx,
        vendor_id=case.vendor_id,
        payable_kind=case.request.payable_kind,
        payable_id=case.payable_id,
        request_id=case.request.id,
        now=case.now,
    )
    news.tell_paid(case, answer.announce)
    return None


def _set_aside(case: Case, event: PaymentEvent, transaction: Transaction, amount: Money, kind: ExceptionKind) -> None:
    transactions.take_effect(case.tx, transaction, Effect.EXCEPTION, event)
    exceptions.open_exception(
        case.tx,
        kind=kind,
        transaction=transaction,
        amount=amount,
        request_id=case.request.id,
        intent_id=case.intent.id,
        now=case.now,
    )
    _fail_request(case)
    news.tell_exception(
        case, transaction_id=transaction.id, kind=kind, amount=amount, receipt=event.receipt or transaction.receipt
    )


def _fail_request(case: Case) -> None:
    after = request_after_failure(case.request.status, case.other_intents)
    if after is not None:
        requests.set_status(case.tx, case.request, after, case.now)
