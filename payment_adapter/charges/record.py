"""A charge as it was read, and the payment event that tells the router of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row

from contracts.money import Currency, Money
from contracts.payment_api import ChargeGrant, PaymentEvent, PaymentInstructions
from contracts.states import ChargeStatus, FailureReason, PaymentEventStatus, Rail
from payment_adapter.providers.base import ChargeRef

NEWS: dict[ChargeStatus, PaymentEventStatus] = {
    ChargeStatus.ACCEPTED: PaymentEventStatus.PENDING,
    ChargeStatus.PAID: PaymentEventStatus.PAID,
    ChargeStatus.FAILED: PaymentEventStatus.FAILED,
    ChargeStatus.EXPIRED: PaymentEventStatus.EXPIRED,
    ChargeStatus.UNKNOWN: PaymentEventStatus.UNKNOWN,
}
"""Which statuses are told. That a charge was created or claimed concerns nobody else."""


class Source(StrEnum):
    """Who said so. A failure that only a query reports stays open to being asked again."""

    PUSH = "push"
    CALLBACK = "callback"
    QUERY = "query"
    STATEMENT = "statement"
    """A provider's statement, which a person compared and told us to follow. Only ever of money that came."""


@dataclass(frozen=True, slots=True)
class Charge:
    vendor_id: str
    charge_id: str
    intent_id: str
    request_id: str
    rail: Rail
    provider: str
    amount: Money
    payer_msisdn: str | None = field(repr=False)
    account_reference: str
    our_reference: str
    description: str
    grant_expires_at: datetime
    opened_as: ChargeStatus
    status: ChargeStatus
    reason: FailureReason | None
    may_retry: bool
    provider_code: str | None
    provider_detail: str | None
    """Why it stands where it stands, in the provider's words or in ours: for people."""
    decided_by: Source | None
    created_at: datetime
    claim_owner: str | None
    claimed_at: datetime | None
    provider_transaction_id: str | None
    provider_request_id: str | None
    instructions: PaymentInstructions | None = field(repr=False)
    paid_amount_minor: int | None
    receipt: str | None
    paid_at: datetime | None
    hinted_amount_minor: int | None
    """What a callback said was paid: it counts once the provider says that it was paid. `hinted_receipt` likewise."""
    hinted_receipt: str | None
    next_poll_at: datetime | None
    asked_at: datetime | None
    """When the provider was asked about it last."""
    hints_asked: int
    """How many hints brought a question forward."""

    @classmethod
    def of(cls, row: Row[Any]) -> "Charge":
        return cls(
            vendor_id=row.vendor_id,
            charge_id=row.charge_id,
            intent_id=row.intent_id,
            request_id=row.request_id,
            rail=Rail(row.rail),
            provider=row.provider,
            amount=Money(row.amount_minor, Currency(row.currency)),
            payer_msisdn=row.payer_msisdn,
            account_reference=row.account_reference,
            our_reference=row.our_reference,
            description=row.description,
            grant_expires_at=row.grant_expires_at,
            opened_as=ChargeStatus(row.opened_as),
            status=ChargeStatus(row.status),
            reason=None if row.reason is None else FailureReason(row.reason),
            may_retry=row.may_retry,
            provider_code=row.provider_code,
            provider_detail=row.provider_detail,
            decided_by=None if row.decided_by is None else Source(row.decided_by),
            created_at=row.created_at,
            claim_owner=row.claim_owner,
            claimed_at=row.claimed_at,
            provider_transaction_id=row.provider_transaction_id,
            provider_request_id=row.provider_request_id,
            instructions=None if row.instructions is None else PaymentInstructions.model_validate(row.instructions),
            paid_amount_minor=row.paid_amount_minor,
            receipt=row.receipt,
            paid_at=row.paid_at,
            hinted_amount_minor=row.hinted_amount_minor,
            hinted_receipt=row.hinted_receipt,
            next_poll_at=row.next_poll_at,
            asked_at=row.asked_at,
            hints_asked=row.hints_asked,
        )

    @property
    def ref(self) -> ChargeRef:
        """What the provider is asked by."""
        return ChargeRef(self.rail, self.amount, self.our_reference, self.provider_transaction_id, self.receipt)

    def says_the_same_as(self, grant: ChargeGrant) -> bool:
        """Whether the grant asks for what this charge is. Its dates may differ: the router may sign one intent anew."""
        return (
            self.vendor_id == grant.vendor_id
            and self.intent_id == grant.intent_id
            and self.request_id == grant.request_id
            and self.rail is grant.rail
            and self.amount == Money(grant.amount_minor, grant.currency)
            and self.payer_msisdn == grant.payer_msisdn
            and self.account_reference == grant.account_reference
            and self.description == grant.description
        )

    def event(self, now: datetime, *, is_enriched: bool = False) -> PaymentEvent | None:
        """What the router is told of this status; None where it is told nothing.

        The id is the fact's own: the same fact learned twice has one id. Money that was announced before its receipt
        was known, and then got one, is a second fact."""
        status = NEWS.get(self.status)
        if status is None:
            return None
        is_paid = status is PaymentEventStatus.PAID
        event_id = f"{self.provider}:{self.provider_transaction_id or self.charge_id}:{status}"
        return PaymentEvent(
            event_id=f"{event_id}:{self.receipt}" if is_enriched else event_id,
            provider=self.provider,
            rail=self.rail,
            vendor_id=self.vendor_id,
            intent_id=self.intent_id,
            status=status,
            reason=None if is_paid else self.reason,
            may_retry=self.may_retry and not is_paid,
            amount_minor=self.paid_amount_minor if is_paid else None,
            currency=self.amount.currency,
            provider_transaction_id=self.provider_transaction_id,
            receipt=self.receipt if is_paid else None,
            payer_msisdn=self.payer_msisdn,
            instructions=self.instructions if status is PaymentEventStatus.PENDING else None,
            occurred_at=(self.paid_at if is_paid else None) or now,
        )
