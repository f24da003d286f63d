"""Applies payment events: whatever order they come in, however often, one payable is paid once."""

from dataclasses import dataclass
from datetime import datetime

from contracts.ids import PaymentIntentId, VendorId
from contracts.payment_api import PaymentEvent
from contracts.states import (
    PUSHED_RAILS,
    FailureReason,
    InboxStatus,
    IntentStatus,
    PaymentEventStatus,
    RequestStatus,
)
from kit.db import Tx
from router.payments import inbox, intents, outcomes, transactions, twins
from router.payments.by_hand import COUNTED, Done, take_by_hand
from router.payments.case import Case, open_case
from router.payments.payables import Registry
from router.payments.rules import INTENT_AFTER
from router.payments.transactions import Arrival, Transaction, arrival_of

_ANOTHERS = "this provider transaction belongs to another intent"
_ANOTHERS_RECEIPT = "this receipt belongs to another intent"

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
    is_new = inbox.receive(tx, event, now)
    if not is_new and (event.intent_id is None or event.receipt is None):
        return Outcome(InboxStatus.IGNORED, "taken before")
    case = None
    if event.intent_id is not None:
        case = open_case(tx, registry, VendorId(event.vendor_id), PaymentIntentId(event.intent_id), now)
    if not is_new:
        if case is not None and event.status is PaymentEventStatus.PAID:
            _apply_paid(case, event)
        return Outcome(InboxStatus.IGNORED, "taken before")
    outcome = _without_intent(tx, event, registry, now) if case is None else _apply(case, event)
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
    if event.status is PaymentEventStatus.PENDING and event.instructions is not None:
        return _apply_instructions(case, event)
    return _apply_status(case, event)


def _apply_status(case: Case, event: PaymentEvent) -> Outcome:
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
    return Outcome(InboxStatus.PROCESSED, after, _push_of(case), was_sent=event.reason is not FailureReason.NOT_SENT)


def _apply_instructions(case: Case, event: PaymentEvent) -> Outcome:
    assert event.instructions is not None
    is_news = outcomes.instruct(case, event.instructions)
    outcome = _apply_status(case, event)
    return Outcome(InboxStatus.PROCESSED, "how to pay it is known") if is_news else outcome


def _apply_paid(case: Case, event: PaymentEvent) -> Outcome:
    arrival = arrival_of(event)
    if arrival is None:
        if (case.intent.status, PaymentEventStatus.UNKNOWN) in INTENT_AFTER:
            outcomes.become_unknown(case)
        return Outcome(InboxStatus.FAILED, "said to be paid, without an amount")
    own = transactions.mirror(case.tx, event, case.now, intent_id=case.intent.id, request_id=case.request.id)
    if own.intent_id not in (None, case.intent.id):
        return Outcome(InboxStatus.FAILED, _ANOTHERS)
    if own.effect is not None:
        return _counted_before(case, own, arrival)
    twin = twins.of_prompt(case, own, arrival)
    if twin is not None and twin.intent_id not in (None, case.intent.id):
        return Outcome(InboxStatus.FAILED, _ANOTHERS_RECEIPT)
    if twin is not None and not _was_unclaimed(case, twin, own):
        outcomes.succeed(case)
        transactions.be_same(case.tx, own, twin)
        return Outcome(InboxStatus.IGNORED, COUNTED, _push_of(case))
    kind = outcomes.settle(case, arrival, own)
    return Outcome(InboxStatus.PROCESSED, RequestStatus.PAID if kind is None else kind, _push_of(case))


def _was_unclaimed(case: Case, twin: Transaction, own: Transaction) -> bool:
    """Money that lay in the queue because nobody knew what it was for turns out to be this prompt's: it leaves the
    queue, and is applied now."""
    return twins.is_unclaimed(case.tx, twin) and twins.withdraw(case.tx, case, twin, own)


def _counted_before(case: Case, own: Transaction, arrival: Arrival) -> Outcome:
    """Another report of money that is counted; it may bring the receipt."""
    freed = None if arrival.receipt is None else twins.learn(case, own, arrival.receipt)
    if freed is None:
        return Outcome(InboxStatus.IGNORED, COUNTED)
    kind = (
        outcomes.settle(case, arrival, freed)
        if freed.id == own.id
        else outcomes.settle_by_hand(case, freed.arrival, freed)
    )
    return Outcome(InboxStatus.PROCESSED, RequestStatus.PAID if kind is None else kind, _push_of(case))


def _without_intent(tx: Tx, event: PaymentEvent, registry: Registry, now: datetime) -> Outcome:
    """No intent of this vendor: kept, and if it is money, matched by its reference or queued for a person."""
    is_intent_unknown = event.intent_id is not None
    if event.status is not PaymentEventStatus.PAID:
        return Outcome(InboxStatus.FAILED, "this vendor has no such intent" if is_intent_unknown else "about no intent")
    arrival = arrival_of(event)
    if arrival is None:
        return Outcome(InboxStatus.FAILED, "said to be paid, without an amount")
    done: Done = take_by_hand(tx, event, arrival, registry, now)
    is_lost = is_intent_unknown and done.status is InboxStatus.PROCESSED
    return Outcome(InboxStatus.FAILED if is_lost else done.status, done.note)


def _push_of(case: Case) -> PaymentIntentId | None:
    """Whose reservation can be given back; references have none."""
    return case.intent.id if case.intent.rail in PUSHED_RAILS else None
