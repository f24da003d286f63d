"""Between router, bot and payment adapter: the signed charge grant, the charge made from it, and the payment event.

The router signs a grant, the bot hands it on unchanged, the adapter pushes only what it says."""

from datetime import datetime, timedelta
from enum import StrEnum

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
    payer_msisdn: str | None
    """Whose phone rings. None only for a rail that rings none (`PUSHED_RAILS`)."""
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


class PaymentInstructions(BaseModel):
    """What the customer needs to pay a reference or a ticket by themselves, in time."""

    model_config = ConfigDict(frozen=True)

    entity: str | None = None
    """Whom the reference is paid to, as a cash machine asks for it (EMIS: five digits)."""
    reference: str | None = None
    """What to type: the EMIS reference, or the ticket's code."""
    qr_png: str | None = None
    """A picture to scan: a PNG, base64."""
    expires_at: datetime | None = None


class PaymentEvent(BaseModel):
    """The normalized callback or look-up (adapter → router, POST /v1/payment-events as a Standard Webhook).

    The raw payload stays in the payment adapter."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    """Unique per fact: `mpesa:{checkout_request_id}:{status}`, `mpesa-c2b:{trans_id}`; a repeat carries the same id."""
    provider: str
    rail: Rail | None
    """None for money that was paid to the till by hand."""
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
    """As the provider tells it: of money paid by hand it may be masked (`2547 ***** 149`)."""
    payer_name: str | None = None
    """Of money paid by hand: the name that the provider gives."""
    account_reference: str | None = None
    """Of money paid by hand: what the payer typed as the account number, perhaps an order's code."""
    instructions: PaymentInstructions | None = None
    """With `pending`, for rails that ring no phone: how to pay."""
    occurred_at: datetime


class RefundStatus(StrEnum):
    PENDING = "pending"
    """The provider took it and has not said how it ended."""
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Nobody can say whether the money went back: never asked for again, a person looks at a statement."""


class NewRefund(BaseModel):
    """POST /v1/refunds (router → adapter, signed, `Idempotency-Key`: the refund's id) → 202 RefundView.

    Gives money of one provider transaction back to whoever paid it. 404 not_found: this vendor has no such payment
    here. 409 refund_unavailable: the provider can't, or can't give back so much."""

    refund_id: str
    vendor_id: str
    provider: str
    provider_transaction_id: str | None = None
    """As the payment event named it; `receipt` likewise. One of the two is needed."""
    receipt: str | None = None
    amount_minor: int = Field(gt=0)
    currency: Currency
    note: str = Field(max_length=100)


class RefundView(BaseModel):
    refund_id: str
    status: RefundStatus
    detail: str | None = None


class RefundEvent(BaseModel):
    """What became of a refund (adapter → router, POST /v1/refund-events as a Standard Webhook)."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    """`refund:{refund_id}:{status}`"""
    refund_id: str
    vendor_id: str
    status: RefundStatus
    provider_refund_id: str | None = None
    detail: str | None = None
    """The provider's reason, for the shop; holds no number and no secret."""
    occurred_at: datetime


class RailsNews(BaseModel):
    """Which rails a vendor's settings are complete for (adapter → router, POST /v1/rails-events as a Standard Webhook).

    All that the router hears of credentials. A rail that is not in `ready` is not offered."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    vendor_id: str
    provider: str
    version: int
    """Of the vendor's set of settings for this provider: news of an older set comes too late."""
    ready: list[Rail]
    missing: dict[Rail, list[str]]
    """By rail that is not ready, the names of the settings that it lacks."""
    occurred_at: datetime


PAYMENT_EVENTS_PATH = "/v1/payment-events"
REFUND_EVENTS_PATH = "/v1/refund-events"
RAILS_EVENTS_PATH = "/v1/rails-events"
