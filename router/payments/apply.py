"""Applies payment events: whatever order they come in, however often, one payable is paid once."""

from dataclasses import dataclass
from datetime import datetime

from contracts.events import EventType, ExceptionNews
from contracts.ids import PaymentIntentId, VendorId
from contracts.money import Money
from contracts.payment_api import PaymentEvent
from contracts.states import (
    ExceptionKind,
    FailureReason,
    InboxStatus,
    IntentStatus,
    PaymentEventStatus,
    RequestStatus,
)
from kit.db import Tx
from router.events.service import announce
from router.payments import exceptions, inbox, intents, outcomes, transactions
from router.payments.case import Case, open_case
from router.payments.models import Effect
from router.payments.payables import Registry
from router.payments.rules import INTENT_AFTER

_COUNTED = "this money was counted before"
_ANOTHERS = "this provider transaction belongs to another intent"

_ENDED = frozenset({IntentStatus.SUCCEEDED, IntentStatus.FAILED, IntentStatus.EXPIRED})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an event. `status` and `note` are also in its inbox row."""

    status: InboxStatus
    note: str
    ended_intent: PaymentIntentId | None = None
    """The intent that this event brought to its end: the push that was reserved for it can be released."""
    was_sent: bool = True
    """Whether a phone rang for it."""


def apply_event(tx: Tx, event: PaymentEvent, registry: Registry, now: datetime) -> Outcome:
    """Take one event and do all that follows, in this transaction of the vendor's ops database.

    An event id is taken once; a repeat only adds a receipt that was missing. Never raises for what an event says: what
    can't be applied is kept and its outcome says so. Raises UnknownPayableKind and database errors: roll back, and let
    the sender try again."""
    if not inbox.receive(tx, event, now):
        known = transactions.find(tx, event)
        if known is not None and known.intent_id == event.intent_id and event.status is PaymentEventStatus.PAID:
            transactions.enrich(tx, known, event)
        return Outcome(InboxStatus.IGNORED, "taken before")
    case = None
    if event.intent_id is not None:
        case = open_case(tx, registry, VendorId(event.vendor_id), PaymentIntentId(event.intent_id), now)
    outcome = _unclaimed(tx, event, now) if case is None else _apply(case, event)
    inbox.close(tx, event, outcome.status, outcome.note, now)
    return outcome


def expire_unsent(
    tx: Tx, registry: Registry, *, vendor_id: VendorId, intent_id: PaymentIntentId, now: datetime
) -> bool:
    """End an intent whose grant can no longer be used and of which nothing was heard. False if it has moved on."""
    case = open_case(tx, registry, vendor_id, intent_id, now)
    if case is None or case.intent.status is not IntentStatus.CREATED:
        return False
    outcomes.end_without_money(case, IntentStatus.EXPIRED, FailureReason.NOT_SENT, may_retry=True)
    return True


def _apply(case: Case, event: PaymentEvent) -> Outcome:
    if event.status is PaymentEventStatus.PAID:
        return _apply_paid(case, event)
    if event.provider_transaction_id is not None:
        known = transactions.mirror(case.tx, event, case.now, intent_id=case.intent.id, request_id=case.request.id)
        if known.intent_id != case.intent.id:
            return Outcome(InboxStatus.FAILED, _ANOTHERS)
    after = INTENT_AFTER.get((case.intent.status, event.status))
    if after is None:
        return Outcome(InboxStatus.IGNORED, f"{event.status} changes nothing once the intent is {case.intent.status}")
    match after:
        case IntentStatus.PROVIDER_PENDING:
            intents.set_status(case.tx, case.intent, after, None, case.now)
        case IntentStatus.UNKNOWN:
            outcomes.become_unknown(case)
        case _:
            outcomes.end_without_money(case, after, event.reason, may_retry=event.may_retry)
    if after not in _ENDED:
        return Outcome(InboxStatus.PROCESSED, after)
    return Outcome(InboxStatus.PROCESSED, after, case.intent.id, was_sent=event.reason is not FailureReason.NOT_SENT)


def _apply_paid(case: Case, event: PaymentEvent) -> Outcome:
    paid = _money(event)
    if paid is None:
        if (case.intent.status, PaymentEventStatus.UNKNOWN) in INTENT_AFTER:
            outcomes.become_unknown(case)
        return Outcome(InboxStatus.FAILED, "said to be paid, without an amount")
    transaction = transactions.mirror(case.tx, event, case.now, intent_id=case.intent.id, request_id=case.request.id)
    if transaction.intent_id not in (None, case.intent.id):
        return Outcome(InboxStatus.FAILED, _ANOTHERS)
    if transaction.effect is not None:
        return Outcome(InboxStatus.IGNORED, _COUNTED)
    kind = outcomes.settle(case, event, transaction, paid)
    return Outcome(InboxStatus.PROCESSED, RequestStatus.PAID if kind is None else kind, case.intent.id)


def _unclaimed(tx: Tx, event: PaymentEvent, now: datetime) -> Outcome:
    """No intent of this vendor: kept, and if it is money, queued for a person."""
    unknown_intent = event.intent_id is not None
    paid = _money(event)
    if event.status is not PaymentEventStatus.PAID:
        return Outcome(InboxStatus.FAILED, "this vendor has no such intent" if unknown_intent else "about no intent")
    if paid is None:
        return Outcome(InboxStatus.FAILED, "said to be paid, without an amount")
    if transactions.is_receipt_known(tx, event):
        return Outcome(InboxStatus.IGNORED, _COUNTED)
    transaction = transactions.mirror(tx, event, now, intent_id=None, request_id=None)
    if transaction.effect is not None or transaction.intent_id is not None:
        return Outcome(InboxStatus.FAILED, "this provider transaction is known already")
    transactions.take_effect(tx, transaction, Effect.EXCEPTION, event)
    exceptions.open_exception(
        tx,
        kind=ExceptionKind.UNMATCHED,
        transaction=transaction,
        amount=paid,
        request_id=None,
        intent_id=None,
        now=now,
    )
    # Nobody to tell but the vendor: no payable, so no customer either.
    announce(
        tx,
        type=EventType.PAYMENT_EXCEPTION,
        vendor_id=transaction.vendor_id,
        aggregate=f"payment:{transaction.id}",
        data=ExceptionNews(
            order=None,
            customer_address=None,
            shop_name="",
            kind=ExceptionKind.UNMATCHED,
            amount_minor=paid.minor,
            receipt=event.receipt,
        ),
        now=now,
        fact=transaction.id,
    )
    return Outcome(InboxStatus.FAILED if unknown_intent else InboxStatus.PROCESSED, ExceptionKind.UNMATCHED)


def _money(event: PaymentEvent) -> Money | None:
    if event.amount_minor is None or event.currency is None:
        return None
    return Money(event.amount_minor, event.currency)
