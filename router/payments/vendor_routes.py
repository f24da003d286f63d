"""The vendor's view of the money, over the API: payments (each try to collect) and exceptions. Read only: what is
decided about money, and what came whatever for, is in `money_routes`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from flask import Blueprint, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Row

from contracts.errors import ErrorCode
from contracts.ids import CustomerId
from contracts.money import Currency
from contracts.payment_api import PaymentInstructions
from contracts.states import ExceptionKind, FailureReason, IntentStatus, Rail
from kit.db import Tx
from kit.paging import Moment, NewestFirst, Time, paged
from kit.problems import Problem
from kit.web import answer, read_query
from router.customers.service import Customer, people, shown_number
from router.edge import Call, Edge, Routes
from router.operations import BY_VENDOR, KeyScope, Operation
from router.payments.listing import Try, exceptions, one_exception, one_try, tries
from router.payments.models import ExceptionStatus, Resolution
from router.payments.transactions import OWN_ID

_MAX_ID_LENGTH = 100

NUMBERS = (
    "Payers' numbers are masked (2547*****149), and the provider's own id is left out since it may hold one, unless "
    "the API key is good for customers:read too."
)


class PaymentsQuery(NewestFirst):
    status: IntentStatus | None = Field(None, description="Only those that stand like this.")
    since: Time | None = Field(None, description="Made at this time or later.")
    until: Time | None = Field(None, description="Made before this time.")
    order_id: Annotated[str, StringConstraints(max_length=_MAX_ID_LENGTH)] | None = Field(
        None, description="Only tries to collect for this order."
    )


class ExceptionsQuery(NewestFirst):
    status: ExceptionStatus | None = Field(None, description="Only those that stand like this.")
    kind: ExceptionKind | None = Field(None, description="Only those of this kind.")
    since: Time | None = Field(None, description="Made at this time or later.")
    until: Time | None = Field(None, description="Made before this time.")


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class VendorPayment(_Answer):
    """One try to collect money for something: a payment intent, and the provider transaction that came of it."""

    payment_id: str
    request_id: str
    status: IntentStatus
    reason: FailureReason | str | None
    """Why it did not happen."""
    rail: Rail
    amount_minor: int
    """What was asked for, in minor units: 3000 are thirty shillings."""
    currency: Currency
    payer_phone: str | None
    paid_for: str
    """`order` for an order."""
    paid_for_id: str
    """The order's id."""
    reference: str
    """What the payer read: the order's code."""
    created_at: datetime
    updated_at: datetime
    provider: str | None
    provider_transaction_id: str | None
    receipt: str | None
    """The provider's receipt number, once money came: the M-Pesa code."""
    received_minor: int | None
    """What came, once it did."""
    received_at: datetime | None
    transaction_id: str | None
    """The money itself, by which it is given back."""
    refunded_minor: int
    """Of what came, what went back or was asked to."""
    instructions: PaymentInstructions | None
    """Of a reference or a ticket: what the customer was given to pay it by."""


class VendorPayments(_Answer):
    payments: list[VendorPayment]
    next_cursor: str | None


class Claimant(_Answer):
    customer_id: str
    name: str
    phone: str | None
    """None for a customer whose number is hidden."""


class VendorException(_Answer):
    """Money that arrived and could not be applied: late, no_stock, duplicate, under, over or unmatched."""

    exception_id: str
    kind: ExceptionKind
    status: ExceptionStatus
    amount_minor: int
    """What came, in minor units."""
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
    received_at: datetime
    payment_id: str | None
    """The try that it came of; none for money that nobody asked for."""
    meant_for: str | None
    """`order` for an order."""
    meant_for_id: str | None
    reference: str | None
    created_at: datetime
    claimed_by: Claimant | None
    """The first customer who named its receipt in the chat. It proves nothing: compare who paid."""
    claimed_at: datetime | None
    transaction_id: str
    """The money itself, by which it is given back."""
    refunded_minor: int
    """Of what came, what went back or was asked to."""
    resolved_at: datetime | None
    resolution: Resolution | None
    note: str | None
    """What the shop noted when it decided."""
    resolved_by: str | None
    """Who decided: a key of the shop, or an operator. None where it resolved itself."""


class VendorExceptions(_Answer):
    exceptions: list[VendorException]
    next_cursor: str | None


LIST_PAYMENTS = Operation(
    "vendor.payments.list",
    "GET",
    "/api/v1/payments",
    "Payments, newest first",
    BY_VENDOR,
    scope=KeyScope.PAYMENTS_READ,
    query=PaymentsQuery,
    answer=VendorPayments,
    description=NUMBERS,
    tag="payments",
)
SHOW_PAYMENT = Operation(
    "vendor.payments.show",
    "GET",
    "/api/v1/payments/<payment_id>",
    "One payment",
    BY_VENDOR,
    scope=KeyScope.PAYMENTS_READ,
    answer=VendorPayment,
    problems=((404, ErrorCode.PAYMENT_UNKNOWN),),
    description=NUMBERS,
    tag="payments",
    parameters={"payment_id": "The payment's id, as the list shows it"},
)
LIST_EXCEPTIONS = Operation(
    "vendor.exceptions.list",
    "GET",
    "/api/v1/exceptions",
    "Money that needs a decision, newest first",
    BY_VENDOR,
    scope=KeyScope.PAYMENTS_READ,
    query=ExceptionsQuery,
    answer=VendorExceptions,
    description=NUMBERS,
    tag="payments",
)
SHOW_EXCEPTION = Operation(
    "vendor.exceptions.show",
    "GET",
    "/api/v1/exceptions/<exception_id>",
    "One exception",
    BY_VENDOR,
    scope=KeyScope.PAYMENTS_READ,
    answer=VendorException,
    problems=((404, ErrorCode.EXCEPTION_UNKNOWN),),
    description=NUMBERS,
    tag="payments",
    parameters={"exception_id": "The exception's id, as the list shows it"},
)


def vendor_payment_routes(edge: Edge, order_kind: str) -> Blueprint:
    """`order_kind` is the kind of payable that orders are."""
    routes = Routes(edge, "vendor_payments")
    _add_payments(routes, edge, order_kind)
    _add_exceptions(routes, edge)
    return routes.blueprint


def _add_payments(routes: Routes, edge: Edge, order_kind: str) -> None:
    @routes.add(LIST_PAYMENTS)
    def payments(call: Call) -> Response:
        wanted = read_query(PaymentsQuery)
        if not can_be_id(wanted.order_id or "none"):
            return answer(VendorPayments(payments=[], next_cursor=None))
        with edge.reading(call.vendor) as tx:
            found = tries(
                tx,
                call.vendor.id,
                status=wanted.status,
                since=wanted.since,
                until=wanted.until,
                payable=None if wanted.order_id is None else (order_kind, wanted.order_id),
                end=wanted.cursor,
                limit=wanted.limit + 1,
            )
        page, following = paged(found, wanted.limit, lambda each: Moment(each.intent.created_at, each.intent.id))
        whole = call.sees_numbers
        return answer(VendorPayments(payments=[_payment(each, whole=whole) for each in page], next_cursor=following))

    @routes.add(SHOW_PAYMENT)
    def payment(call: Call, payment_id: str) -> Response:
        found = None
        if can_be_id(payment_id):
            with edge.reading(call.vendor) as tx:
                found = one_try(tx, call.vendor.id, payment_id)
        if found is None:
            raise Problem(404, ErrorCode.PAYMENT_UNKNOWN, "the shop has no payment with this id")
        return answer(_payment(found, whole=call.sees_numbers))


def _add_exceptions(routes: Routes, edge: Edge) -> None:
    @routes.add(LIST_EXCEPTIONS)
    def exceptions_of_shop(call: Call) -> Response:
        wanted = read_query(ExceptionsQuery)
        with edge.reading(call.vendor) as tx:
            found = exceptions(
                tx,
                call.vendor.id,
                status=wanted.status,
                kind=wanted.kind,
                since=wanted.since,
                until=wanted.until,
                end=wanted.cursor,
                limit=wanted.limit + 1,
            )
            page, following = paged(found, wanted.limit, lambda row: Moment(row.created_at, row.id))
            shown = shown_exceptions(tx, call, page)
        return answer(VendorExceptions(exceptions=shown, next_cursor=following))

    @routes.add(SHOW_EXCEPTION)
    def exception(call: Call, exception_id: str) -> Response:
        with edge.reading(call.vendor) as tx:
            found = one_exception(tx, call.vendor.id, exception_id) if can_be_id(exception_id) else None
            if found is None:
                raise Problem(404, ErrorCode.EXCEPTION_UNKNOWN, "the shop has no exception with this id")
            (shown,) = shown_exceptions(tx, call, [found])
        return answer(shown)


def can_be_id(text: str) -> bool:
    """Nothing else can be one, and not every database would take it as a parameter."""
    return 0 < len(text) <= _MAX_ID_LENGTH and text.isprintable()


def _payment(each: Try, *, whole: bool) -> VendorPayment:
    row, money = each.intent, each.transaction
    was_received = money is not None and money.effect is not None
    return VendorPayment(
        payment_id=row.id,
        request_id=row.request_id,
        status=IntentStatus(row.status),
        reason=row.reason,
        rail=Rail(row.rail),
        amount_minor=row.amount_minor,
        currency=Currency(row.currency),
        payer_phone=shown_number(row.payer_msisdn, whole=whole),
        paid_for=row.payable_kind,
        paid_for_id=row.payable_id,
        reference=row.reference,
        created_at=row.created_at,
        updated_at=row.updated_at,
        provider=None if money is None else money.provider,
        provider_transaction_id=None if money is None else provider_id(money, whole=whole),
        receipt=None if money is None else money.receipt,
        received_minor=money.amount_minor if money is not None and was_received else None,
        received_at=money.occurred_at if money is not None and was_received else None,
        transaction_id=money.id if money is not None and was_received else None,
        refunded_minor=0 if money is None else money.refunded_minor,
        instructions=None if row.instructions is None else PaymentInstructions.model_validate_json(row.instructions),
    )


def shown_exceptions(tx: Tx, call: Call, rows: Sequence[Row[Any]]) -> list[VendorException]:
    """In the order given, with whoever named their receipts."""
    who = people(tx, call.vendor.id, {CustomerId(row.claimed_by) for row in rows if row.claimed_by is not None})
    return [_exception(row, who, whole=call.sees_numbers) for row in rows]


def _claimant(customer: Customer | None, *, whole: bool) -> Claimant | None:
    if customer is None:
        return None
    phone = shown_number(customer.phone, whole=whole)
    return Claimant(customer_id=customer.id, name=customer.name, phone=phone)


def _exception(row: Row[Any], who: Mapping[CustomerId, Customer], *, whole: bool) -> VendorException:
    return VendorException(
        exception_id=row.id,
        kind=ExceptionKind(row.kind),
        status=ExceptionStatus(row.status),
        amount_minor=row.amount_minor,
        currency=Currency(row.currency),
        provider=row.provider,
        rail=None if row.rail is None else Rail(row.rail),
        provider_transaction_id=provider_id(row, whole=whole),
        receipt=row.receipt,
        payer_phone=shown_number(row.payer_msisdn, whole=whole),
        payer_name=row.payer_name,
        account_reference=row.account_reference,
        received_at=row.occurred_at,
        payment_id=row.intent_id,
        meant_for=row.payable_kind,
        meant_for_id=row.payable_id,
        reference=row.reference,
        created_at=row.created_at,
        claimed_by=_claimant(who.get(row.claimed_by), whole=whole),
        claimed_at=row.claimed_at,
        transaction_id=row.transaction_id,
        refunded_minor=row.refunded_minor,
        resolved_at=row.resolved_at,
        resolution=None if row.resolution is None else Resolution(row.resolution),
        note=row.note,
        resolved_by=row.resolved_by,
    )


def provider_id(row: Row[Any], *, whole: bool) -> str | None:
    """M-Pesa's CheckoutRequestID ends in the payer's number."""
    known: str = row.provider_transaction_id
    return known if whole and not known.startswith(OWN_ID) else None
