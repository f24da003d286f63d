"""A case: everything the payment core knows about one payable, read under its locks, for whoever decides about it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select

from contracts.ids import PaymentIntentId, VendorId
from contracts.states import IntentStatus
from kit.db import Tx
from router.payments import intents, requests
from router.payments.intents import Intent
from router.payments.models import payment_intents, payment_requests
from router.payments.payables import PayableHandler, Registry
from router.payments.requests import Request


@dataclass(frozen=True, slots=True)
class Claim:
    """One payable with what was asked for it. Payable and requests stay locked until the transaction ends."""

    tx: Tx
    now: datetime
    vendor_id: VendorId
    handler: PayableHandler
    request: Request
    """The one that is meant: an intent's own, else the latest."""
    all_requests: list[Request]
    """Of the payable, oldest first."""
    all_intents: list[Intent]
    """Of all its requests, oldest first."""

    @property
    def payable_id(self) -> str:
        return self.request.payable_id

    @property
    def aggregate(self) -> str:
        return f"{self.request.payable_kind}:{self.request.payable_id}"


@dataclass(frozen=True, slots=True)
class Case(Claim):
    """One intent and what stands around it."""

    intent: Intent

    @property
    def other_intents(self) -> list[IntentStatus]:
        """Statuses of the request's other intents."""
        return [
            other.status
            for other in self.all_intents
            if other.request_id == self.request.id and other.id != self.intent.id
        ]

    @property
    def is_by_other(self) -> bool:
        """Whether somebody else than the order's customer asked for it, from their own phone."""
        return self.intent.customer_id != self.request.customer_id

    @property
    def is_latest(self) -> bool:
        """Whether no later try was made: only about that one is the customer waiting for news."""
        return self.all_intents[-1].id == self.intent.id


_PAYABLE_OF = (
    select(payment_requests.c.payable_kind, payment_requests.c.payable_id)
    .join_from(
        payment_intents,
        payment_requests,
        (payment_requests.c.vendor_id == payment_intents.c.vendor_id)
        & (payment_requests.c.id == payment_intents.c.request_id),
    )
    .where(payment_intents.c.vendor_id == bindparam("of_vendor"), payment_intents.c.id == bindparam("which"))
)


def open_case(
    tx: Tx, registry: Registry, vendor_id: VendorId, intent_id: PaymentIntentId, now: datetime
) -> Case | None:
    """Lock and read the case of an intent; None if this vendor has no such intent."""
    payable = tx.execute(_PAYABLE_OF, {"of_vendor": vendor_id, "which": intent_id}).one_or_none()
    if payable is None:
        return None
    claim = open_claim(tx, registry, vendor_id, payable.payable_kind, payable.payable_id, now)
    assert claim is not None
    intent = next(intent for intent in claim.all_intents if intent.id == intent_id)
    return Case(
        tx=tx,
        now=now,
        vendor_id=vendor_id,
        handler=claim.handler,
        request=next(request for request in claim.all_requests if request.id == intent.request_id),
        all_requests=claim.all_requests,
        all_intents=claim.all_intents,
        intent=intent,
    )


def open_claim(
    tx: Tx, registry: Registry, vendor_id: VendorId, payable_kind: str, payable_id: str, now: datetime
) -> Claim | None:
    """Lock and read what was asked for a payable; None if nothing ever was."""
    handler = registry.handler(payable_kind)
    handler.lock(tx, vendor_id, payable_id)
    all_requests = requests.lock_requests(tx, vendor_id=vendor_id, payable_kind=payable_kind, payable_id=payable_id)
    if not all_requests:
        return None
    return Claim(
        tx=tx,
        now=now,
        vendor_id=vendor_id,
        handler=handler,
        request=all_requests[-1],
        all_requests=all_requests,
        all_intents=intents.of_requests(tx, vendor_id, [request.id for request in all_requests]),
    )


def claim_of_request(tx: Tx, registry: Registry, vendor_id: VendorId, request_id: str, now: datetime) -> Claim:
    """The claim of a request that a row of ours names, with that request as the one that is meant."""
    r = payment_requests.c
    row = tx.execute(select(r.payable_kind, r.payable_id).where(r.vendor_id == vendor_id, r.id == request_id)).one()
    claim = open_claim(tx, registry, vendor_id, row.payable_kind, row.payable_id, now)
    assert claim is not None
    return claim
