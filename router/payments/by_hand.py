"""Money that came without an intent: paid to the till by hand, with an order's code typed as the account, or without.

The code decides what it was meant for, and nothing is guessed beyond it. What can be paid takes exact money as it takes
a prompt's. Everything else waits in the exceptions queue: `duplicate` for what is paid already, `late` for what was
cancelled, `under` and `over` for a wrong amount, `no_stock` for what is sold out, and `unmatched` where there is no
such code, or where nothing was ever asked for: a cart that was not confirmed is a wish, not a claim, and its customer
is told."""

from dataclasses import dataclass
from datetime import datetime

from contracts.ids import VendorId
from contracts.payment_api import PaymentEvent
from contracts.states import ExceptionKind, InboxStatus, RequestStatus
from kit.db import Tx
from router.payments import exceptions, news, outcomes, transactions, twins
from router.payments.case import Claim, open_claim
from router.payments.models import Effect
from router.payments.payables import Registry
from router.payments.transactions import Arrival, Transaction

COUNTED = "this money was counted before"
_KNOWN = "this provider transaction is known already"


@dataclass(frozen=True, slots=True)
class Done:
    status: InboxStatus
    note: str


@dataclass(frozen=True, slots=True)
class _Meant:
    """What the payer named, locked. `claim` None: nothing was ever asked for it."""

    kind: str
    payable_id: str
    claim: Claim | None


def take_by_hand(tx: Tx, event: PaymentEvent, arrival: Arrival, registry: Registry, now: datetime) -> Done:
    """Apply it to what its reference names, or queue it. The same money that a prompt brought is counted once.

    Money of an intent that this vendor has not is queued as it is: its reference was the intent's."""
    is_by_hand = event.intent_id is None and event.rail is None
    meant = _meant(tx, event, registry, now) if is_by_hand else None
    claim = None if meant is None else meant.claim
    request_id = None if claim is None else claim.request.id
    own = transactions.mirror(tx, event, now, intent_id=None, request_id=request_id)
    if own.intent_id is not None:
        return Done(InboxStatus.FAILED, _KNOWN)
    if own.effect is not None:
        return Done(InboxStatus.IGNORED, COUNTED)
    twin = None if arrival.receipt is None else transactions.counted_under(tx, arrival.receipt, besides=own)
    if twin is not None:
        transactions.be_same(tx, own, twin)
        return Done(InboxStatus.IGNORED, COUNTED)
    if claim is None:
        _queue(tx, own, arrival, meant, registry, now)
        return Done(InboxStatus.PROCESSED, ExceptionKind.UNMATCHED)
    prompted = twins.of_confirmation(claim, own, arrival)
    if prompted is not None:
        transactions.be_same(tx, own, prompted)
        if arrival.receipt is not None:
            transactions.learn_receipt(tx, prompted, arrival.receipt)
        return Done(InboxStatus.IGNORED, COUNTED)
    kind = outcomes.settle_by_hand(claim, arrival, own)
    return Done(InboxStatus.PROCESSED, RequestStatus.PAID if kind is None else kind)


def _meant(tx: Tx, event: PaymentEvent, registry: Registry, now: datetime) -> _Meant | None:
    vendor_id = VendorId(event.vendor_id)
    found = registry.find(tx, vendor_id, event.account_reference) if event.account_reference else None
    if found is None:
        return None
    kind, payable_id = found
    return _Meant(kind, payable_id, open_claim(tx, registry, vendor_id, kind, payable_id, now))


def _queue(tx: Tx, own: Transaction, arrival: Arrival, meant: _Meant | None, registry: Registry, now: datetime) -> None:
    """Money that pays nothing, since nothing was asked for."""
    counted = transactions.take_effect(tx, own, Effect.EXCEPTION, arrival)
    exception_id = exceptions.open_exception(
        tx,
        kind=ExceptionKind.UNMATCHED,
        transaction=counted,
        amount=arrival.amount,
        request_id=None,
        intent_id=None,
        now=now,
    )
    if meant is None:
        concerned = news.about_nothing(tx, counted, now)
    else:
        handler = registry.handler(meant.kind)
        concerned = news.about_payable(tx, handler, own.vendor_id, meant.kind, meant.payable_id, now)
    news.tell_exception(concerned, counted, exception_id, ExceptionKind.UNMATCHED)
