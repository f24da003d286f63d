"""What the routes about money that came, and goes back, take and answer."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.errors import ErrorCode
from contracts.money import Currency
from contracts.payment_api import RefundStatus
from contracts.states import Rail
from kit.paging import NewestFirst, Time
from router.operations import BY_VENDOR, KeyScope, Operation
from router.payments.models import Effect
from router.payments.refund_record import MAX_NOTE_LENGTH
from router.payments.vendor_routes import NUMBERS, VendorException

_MAX_ID_LENGTH = 100

_Id = Annotated[str, StringConstraints(max_length=_MAX_ID_LENGTH, pattern=r"^[ -~]*$")]
_Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NOTE_LENGTH)]


class MoneyQuery(NewestFirst):
    receipt: _Id | None = Field(None, description="Only what has this receipt: the M-Pesa code.")
    since: Time | None = Field(None, description="Heard of at this time or later.")
    until: Time | None = Field(None, description="Heard of before this time.")
    order_id: _Id | None = Field(None, description="Only what came for this order.")


class RefundsQuery(NewestFirst):
    status: RefundStatus | None = Field(None, description="Only those that stand like this.")
    transaction_id: _Id | None = Field(None, description="Only those of this money.")


class Noted(BaseModel):
    """How the shop dealt with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    note: _Note = Field(examples=["Given back in cash"])


class WantedRefund(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    amount_minor: Annotated[int, Field(strict=True, gt=0, le=10**15)] | None = Field(
        None, description="How much of it, in minor units. Left out: all that did not go back yet."
    )
    note: _Note = Field(description="Why. The provider may show it to the payer.", examples=["Out of stock"])


class Decision(BaseModel):
    """What a statement of the provider shows of a refund that nobody could judge."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    went_back: bool
    note: _Note = Field(examples=["In the statement of 21 November"])


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class VendorMoney(_Answer):
    """Money that came in: a provider transaction, whether it was asked for or not."""

    transaction_id: str
    effect: Effect
    """`applied`: it paid something. `exception`: it waits, or waited, for a decision."""
    amount_minor: int
    refunded_minor: int
    """Of it, what went back or was asked to."""
    currency: Currency
    provider: str
    rail: Rail | None
    """None for money that was paid to the till by hand."""
    provider_transaction_id: str | None
    receipt: str | None
    payer_phone: str | None
    payer_name: str | None
    account_reference: str | None
    """What was typed as the account, where it was paid by hand."""
    payment_id: str | None
    """The try that it came of, if it was asked for."""
    paid_for: str | None
    """`order` for an order. None for money that nobody asked for."""
    paid_for_id: str | None
    reference: str | None
    received_at: datetime
    """When the provider says it came."""
    created_at: datetime


class VendorMoneyList(_Answer):
    transactions: list[VendorMoney]
    next_cursor: str | None


class VendorRefund(_Answer):
    refund_id: str
    transaction_id: str
    status: RefundStatus
    """`pending` until the provider has said how it ended; `unknown`: look at a statement, then say what it shows."""
    amount_minor: int
    currency: Currency
    note: str
    asked_by: str
    was_handed_over: bool
    """Whether the payment adapter has it."""
    provider_refund_id: str | None
    detail: str | None
    created_at: datetime
    updated_at: datetime


class VendorRefunds(_Answer):
    refunds: list[VendorRefund]
    next_cursor: str | None


_TRANSACTION = {"transaction_id": "The money's id, as the lists show it"}
_REFUND_ID = {"refund_id": "The refund's id"}
_EXCEPTION_ID = {"exception_id": "The exception's id, as the list shows it"}

LIST_MONEY = Operation(
    "vendor.money.list",
    "GET",
    "/api/v1/transactions",
    "Money that came in, newest first",
    BY_VENDOR,
    scope=KeyScope.PAYMENTS_READ,
    query=MoneyQuery,
    answer=VendorMoneyList,
    description="Also what was paid to the till by hand. " + NUMBERS,
    tag="payments",
)
SHOW_MONEY = Operation(
    "vendor.money.show",
    "GET",
    "/api/v1/transactions/<transaction_id>",
    "One piece of money",
    BY_VENDOR,
    scope=KeyScope.PAYMENTS_READ,
    answer=VendorMoney,
    problems=((404, ErrorCode.TRANSACTION_UNKNOWN),),
    description=NUMBERS,
    tag="payments",
    parameters=_TRANSACTION,
)
RESOLVE = Operation(
    "vendor.exceptions.resolve",
    "POST",
    "/api/v1/exceptions/<exception_id>/resolve",
    "Close an exception with a note",
    BY_VENDOR,
    scope=KeyScope.PAYMENTS_WRITE,
    body=Noted,
    answer=VendorException,
    problems=((404, ErrorCode.EXCEPTION_UNKNOWN), (409, ErrorCode.EXCEPTION_CLOSED)),
    description="For what the shop dealt with by itself. No money moves, and nobody is told.",
    tag="payments",
    parameters=_EXCEPTION_ID,
)
ATTACH = Operation(
    "vendor.exceptions.attach",
    "POST",
    "/api/v1/exceptions/<exception_id>/orders/<order_id>",
    "Let money that was set aside pay an order",
    BY_VENDOR,
    scope=KeyScope.PAYMENTS_WRITE,
    answer=VendorException,
    problems=(
        (404, ErrorCode.EXCEPTION_UNKNOWN),
        (404, ErrorCode.ORDER_UNKNOWN),
        (409, ErrorCode.EXCEPTION_CLOSED),
        (409, ErrorCode.AMOUNT_DIFFERS),
        (409, ErrorCode.ORDER_TRANSITION_REFUSED),
        (409, ErrorCode.ITEM_SOLD_OUT),
    ),
    description="Only where it is exactly what the order asks. The order is PAID then, and its customer is told.",
    tag="payments",
    parameters={**_EXCEPTION_ID, "order_id": "The id of a confirmed order"},
)
REFUND = Operation(
    "vendor.refunds.ask",
    "POST",
    "/api/v1/transactions/<transaction_id>/refund",
    "Give money back to whoever paid it",
    BY_VENDOR,
    scope=KeyScope.PAYMENTS_WRITE,
    body=WantedRefund,
    answer=VendorRefund,
    status=202,
    problems=(
        (404, ErrorCode.TRANSACTION_UNKNOWN),
        (409, ErrorCode.REFUND_UNAVAILABLE),
        (409, ErrorCode.EXCEPTION_CLOSED),
    ),
    description="Through the provider that it came by, never more than came. An order that it paid stays PAID. How it "
    "ended is told by payment.refunded or payment.refund_failed. Send an Idempotency-Key.",
    tag="payments",
    parameters=_TRANSACTION,
)
LIST_REFUNDS = Operation(
    "vendor.refunds.list",
    "GET",
    "/api/v1/refunds",
    "Refunds, newest first",
    BY_VENDOR,
    scope=KeyScope.PAYMENTS_READ,
    query=RefundsQuery,
    answer=VendorRefunds,
    tag="payments",
)
SHOW_REFUND = Operation(
    "vendor.refunds.show",
    "GET",
    "/api/v1/refunds/<refund_id>",
    "One refund",
    BY_VENDOR,
    scope=KeyScope.PAYMENTS_READ,
    answer=VendorRefund,
    problems=((404, ErrorCode.REFUND_UNKNOWN),),
    tag="payments",
    parameters=_REFUND_ID,
)
DECIDE_REFUND = Operation(
    "vendor.refunds.decide",
    "POST",
    "/api/v1/refunds/<refund_id>/decide",
    "Say what a statement shows of an unknown refund",
    BY_VENDOR,
    scope=KeyScope.PAYMENTS_WRITE,
    body=Decision,
    answer=VendorRefund,
    problems=((404, ErrorCode.REFUND_UNKNOWN), (409, ErrorCode.REFUND_SETTLED)),
    description="Only for one that is `unknown`: it is never asked for again by itself.",
    tag="payments",
    parameters=_REFUND_ID,
)
