"""Between router, bot and payment adapter: the signed charge grant, the charge made from it, and the payment event.

The router signs a grant, the bot hands it on unchanged, the adapter pushes only what it says."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from contracts.money import Currency
from contracts.states import ChargeStatus, FailureReason, PaymentEventStatus, Rail

GRANT_LIFETIME = timedelta(seconds=60)
"""From signing to first use. It also bounds the time from claim to call."""


class ChargeGrant(BaseModel):
    """What may be charged: once per `intent_id`, by nobody else, for nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    intent_id: str
    request_id: str
    vendor_id: str
    rail: Rail
    amount_minor: int = Field(gt=0)
    currency: Currency
    payer_msisdn: str
    account_reference: str = Field(max_length=12)
    """The order code: shown in the prompt, and what a statement is matched by."""
    description: str = Field(max_length=13)
    issued_at: datetime
    expires_at: datetime


class NewCharge(BaseModel):
    """POST /v1/charges (bot → adapter, signed, `Idempotency-Key`: the intent's id) → 202 ChargeView.

    The same grant again: the same charge, even after it expired. 409 grant_conflict: another content for a known
    intent. 403 grant_invalid: not signed by the router. A grant first seen after its expiry: 202 with status `failed`
    and reason `not_sent`."""

    grant: str = Field(max_length=4096)


class ChargeView(BaseModel):
    charge_id: str
    intent_id: str
    status: ChargeStatus
    reason: FailureReason | None = None


class PaymentEvent(BaseModel):
    """The normalized callback or look-up (adapter → router, POST /v1/payment-events as a Standard Webhook).

    The raw payload stays in the payment adapter."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    """Unique per fact: `mpesa:{checkout_request_id}:{status}`, `mpesa-c2b:{trans_id}`; a repeat carries the same id."""
    provider: str
    rail: Rail
    vendor_id: str
    intent_id: str | None
    """None for money that came unasked."""
    status: PaymentEventStatus
    reason: FailureReason | None = None
    may_retry: bool = False
    """Whether the customer may be offered another try."""
    amount_minor: int | None = None
    """What the provider says was paid; for a look-up, which reports none, the amount that was asked."""
    currency: Currency | None = None
    provider_transaction_id: str | None = None
    """The provider's id of the transaction (CheckoutRequestID): effects are unique per (provider, this id)."""
    receipt: str | None = None
    """The receipt number the customer knows; a look-up has none, a later callback brings it."""
    payer_msisdn: str | None = None
    instructions: str | None = None
    occurred_at: datetime
