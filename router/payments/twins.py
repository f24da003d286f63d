"""One payment that is reported two ways: by the prompt that asked for it, and by the till's own confirmation.

M-Pesa tells a till of every payment, those of prompts included, and both reports carry the same receipt; a look-up
alone carries none. So the receipt decides where it is known. Where it is not, the same amount for the same payable
within the time of the prompt is held to be the same money, until a receipt says otherwise: then what was taken for a
second report becomes money of its own."""

import structlog

from contracts.money import Money
from kit.db import Tx
from router.payments import exceptions, transactions
from router.payments.case import Case, Claim
from router.payments.exceptions import SetAside
from router.payments.models import Effect, ExceptionStatus, Resolution
from router.payments.rules import SAME_MONEY_SKEW
from router.payments.transactions import Arrival, Transaction

_log = structlog.get_logger()


def of_prompt(case: Case, own: Transaction, arrival: Arrival) -> Transaction | None:
    """The transaction that counted this money, should it have come another way before the prompt's own report."""
    if arrival.receipt is not None:
        return transactions.counted_under(case.tx, arrival.receipt, besides=own)
    for other in _counted(case):
        came_in_time = case.intent.created_at - SAME_MONEY_SKEW <= other.occurred_at <= case.now + SAME_MONEY_SKEW
        if other.intent_id is None and _is_like(other, own, arrival.amount) and came_in_time:
            others = transactions.said_to_be(case.tx, other)
            if all(each.id == own.id for each in others):
                return other
    return None


def of_confirmation(claim: Claim, own: Transaction, arrival: Arrival) -> Transaction | None:
    """The prompt's transaction that counted this money when only a look-up had told of it."""
    intents = {intent.id: intent for intent in claim.all_intents}
    for other in _counted(claim):
        intent = None if other.intent_id is None else intents.get(other.intent_id)
        if intent is None or other.receipt is not None or not _is_like(other, own, arrival.amount):
            continue
        if intent.created_at - SAME_MONEY_SKEW <= arrival.occurred_at <= intent.updated_at + SAME_MONEY_SKEW:
            return other
    return None


def withdraw(tx: Tx, claim: Claim, set_aside: Transaction, original: Transaction) -> bool:
    """Take money out of the exceptions queue that turned out to be the original's. False, and nothing changed, if it
    is not there, or not open any more: then somebody has decided about it."""
    exception = _waiting(tx, set_aside)
    if exception is None:
        return False
    exceptions.take_back_credit(tx, set_aside, claim.now, note=Resolution.SAME_MONEY)
    transactions.be_same(tx, set_aside, original)
    exceptions.close(tx, exception, Resolution.SAME_MONEY, claim.now)
    return True


def is_unclaimed(tx: Tx, transaction: Transaction) -> bool:
    """Whether this money waits for a decision and nobody knows yet what it was meant for."""
    return transaction.request_id is None and _waiting(tx, transaction) is not None


def learn(case: Case, own: Transaction, receipt: str) -> Transaction | None:
    """A report of money that was counted names its receipt. Returns a transaction that is found out to be money of its
    own by this, which had no effect yet and must have one; else None."""
    tx = case.tx
    if own.receipt == receipt:
        return None
    if own.effect is Effect.SAME:
        return _learn_of_same(tx, own, receipt)
    twin = transactions.counted_under(tx, receipt, besides=own)
    if own.receipt is None:
        if twin is None or withdraw(tx, case, twin, own):
            transactions.learn_receipt(tx, own, receipt)
        elif not withdraw(tx, case, own, twin):
            _log.error("one payment was counted twice, and both were decided about", receipt=receipt)
        return None
    # The receipt that is known may be only what a confirmation made us believe.
    believed = [each for each in transactions.said_to_be(tx, own) if each.receipt == own.receipt]
    if len(believed) != 1 or twin is not None:
        _log.warning("a second receipt for one provider transaction was ignored", transaction_id=own.id)
        return None
    transactions.learn_receipt(tx, own, receipt)
    return transactions.be_itself(tx, believed[0])


def _learn_of_same(tx: Tx, own: Transaction, receipt: str) -> Transaction | None:
    if own.receipt is not None:
        _log.warning("a second receipt for one provider transaction was ignored", transaction_id=own.id)
        return None
    known = transactions.learn_receipt(tx, own, receipt)
    counted = transactions.counted_under(tx, receipt, besides=own)
    freed = transactions.be_itself(tx, known)
    if counted is None:
        return freed
    transactions.be_same(tx, freed, counted)
    return None


def _counted(claim: Claim) -> list[Transaction]:
    return transactions.counted_for(claim.tx, claim.vendor_id, [request.id for request in claim.all_requests])


def _is_like(other: Transaction, own: Transaction, amount: Money) -> bool:
    return other.id != own.id and other.provider == own.provider and other.amount == amount


def _waiting(tx: Tx, transaction: Transaction) -> SetAside | None:
    if transaction.effect is not Effect.EXCEPTION or transaction.refunded_minor != 0:
        return None
    exception = exceptions.of_transaction(tx, transaction)
    return exception if exception is not None and exception.status is ExceptionStatus.OPEN else None
