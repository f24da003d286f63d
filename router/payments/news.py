"""What the customer and the vendor are told of a payment. Each fact is announced once, however often it is reported."""

from dataclasses import dataclass
from datetime import datetime

import structlog

from contracts.events import (
    EventType,
    ExceptionNews,
    InstructionsNews,
    OrderNews,
    PaidForNews,
    PaymentNews,
    RefundedToNews,
    RefundNews,
)
from contracts.ids import CustomerId, VendorId
from contracts.payment_api import PaymentInstructions, RefundStatus
from contracts.states import ExceptionKind, FailureReason
from kit.db import Tx
from router.customers.service import first_name, get_customer
from router.events.service import announce
from router.payments.case import Case, Claim
from router.payments.payables import PayableHandler
from router.payments.refund_record import Refund
from router.payments.transactions import Transaction

_log = structlog.get_logger()

MAX_PICTURE_CHARS = 40_000
"""Of an event, which its listeners take up to 64 KiB of. A longer picture is left out; its code can be typed."""


@dataclass(frozen=True, slots=True)
class About:
    """What money is about: a payable with somebody to tell, or nothing that anybody knows of."""

    tx: Tx
    vendor_id: VendorId
    now: datetime
    aggregate: str
    news: OrderNews | None


def about(claim: Claim) -> About:
    """Whoever asked for the try is told of its money, else the payable's customer."""
    news = claim.handler.news(claim.tx, claim.vendor_id, claim.payable_id, claim.now)
    if isinstance(claim, Case) and claim.is_by_other:
        news = news.model_copy(update={"customer_address": _asked_by(claim)})
    return About(claim.tx, claim.vendor_id, claim.now, claim.aggregate, news)


def about_payable(
    tx: Tx, handler: PayableHandler, vendor_id: VendorId, kind: str, payable_id: str, now: datetime
) -> About:
    return About(tx, vendor_id, now, f"{kind}:{payable_id}", handler.news(tx, vendor_id, payable_id, now))


def about_nothing(tx: Tx, transaction: Transaction, now: datetime) -> About:
    """Nobody to tell but the vendor."""
    return About(tx, transaction.vendor_id, now, f"payment:{transaction.id}", None)


def tell_failed(case: Case, reason: FailureReason | None, *, may_retry: bool) -> None:
    _tell_of_intent(case, EventType.PAYMENT_FAILED, reason, may_retry=may_retry)


def tell_unknown(case: Case) -> None:
    _tell_of_intent(case, EventType.PAYMENT_UNKNOWN, None, may_retry=False)


def tell_paid(claim: Claim, type: EventType) -> None:  # noqa: A002  # named as the envelope names it
    """The payable's own news. The receipt is in it if it was known by then (a look-up knows none); one that comes
    later shows wherever the order is shown, and is not announced again. Somebody else who paid is told, too."""
    news = claim.handler.news(claim.tx, claim.vendor_id, claim.payable_id, claim.now)
    announce(
        claim.tx,
        type=type,
        vendor_id=claim.vendor_id,
        aggregate=claim.aggregate,
        data=news,
        now=claim.now,
        fact="paid",
    )
    if isinstance(claim, Case) and claim.is_by_other:
        _tell_payer(claim, news)


def _tell_payer(case: Case, news: OrderNews) -> None:
    """That what they paid for is paid, and nothing more of an order that is not theirs."""
    order = news.order
    whose = get_customer(case.tx, case.vendor_id, case.request.customer_id)
    announce(
        case.tx,
        type=EventType.ORDER_PAID_FOR,
        vendor_id=case.vendor_id,
        aggregate=case.aggregate,
        data=PaidForNews(
            customer_address=_asked_by(case),
            customer_name=first_name(whose.name),
            shop_name=news.shop_name,
            order_id=order.order_id,
            order_code=order.code,
            amount_minor=case.request.amount.minor,
            currency=case.request.amount.currency,
            rail=case.intent.rail,
            receipt=order.receipt,
            paid_at=order.paid_at or case.now,
        ),
        now=case.now,
        fact="paid",
    )


def _asked_by(case: Case) -> str:
    return get_customer(case.tx, case.vendor_id, case.intent.customer_id).address


def tell_instructions(case: Case, instructions: PaymentInstructions) -> None:
    if instructions.qr_png is not None and len(instructions.qr_png) > MAX_PICTURE_CHARS:
        _log.warning("a picture to pay by is too large to be sent", intent_id=case.intent.id)
        instructions = instructions.model_copy(update={"qr_png": None})
    news = case.handler.news(case.tx, case.vendor_id, case.payable_id, case.now)
    announce(
        case.tx,
        type=EventType.PAYMENT_INSTRUCTIONS,
        vendor_id=case.vendor_id,
        aggregate=case.aggregate,
        data=InstructionsNews(
            order=news.order,
            customer_address=news.customer_address,
            shop_name=news.shop_name,
            intent_id=case.intent.id,
            rail=case.intent.rail,
            instructions=instructions,
        ),
        now=case.now,
        fact=case.intent.id,
    )


def tell_exception(about: About, transaction: Transaction, exception_id: str, kind: ExceptionKind) -> None:
    assert transaction.amount is not None
    announce(
        about.tx,
        type=EventType.PAYMENT_EXCEPTION,
        vendor_id=about.vendor_id,
        aggregate=about.aggregate,
        data=ExceptionNews(
            order=None if about.news is None else about.news.order,
            customer_address=None if about.news is None else about.news.customer_address,
            shop_name="" if about.news is None else about.news.shop_name,
            kind=kind,
            amount_minor=transaction.amount.minor,
            currency=transaction.amount.currency,
            receipt=transaction.receipt,
            exception_id=exception_id,
        ),
        now=about.now,
        fact=transaction.id,
    )


@dataclass(frozen=True, slots=True)
class OtherPayer:
    """Somebody else than whose order it is had paid: whose money goes back, and whether it had paid the order."""

    customer_id: CustomerId
    has_paid: bool


def tell_refund(
    about: About,
    refund: Refund,
    receipt: str | None,
    detail: str | None,
    status: RefundStatus,
    other: OtherPayer | None,
) -> None:
    """How a refund ended: for the shop, and if the money went back, for whoever paid it and whose order it had paid."""
    address = None if about.news is None else about.news.customer_address
    if other is not None and not other.has_paid:
        address = None
    announce(
        about.tx,
        type=EventType.PAYMENT_REFUNDED if status is RefundStatus.DONE else EventType.PAYMENT_REFUND_FAILED,
        vendor_id=about.vendor_id,
        aggregate=about.aggregate,
        data=RefundNews(
            order=None if about.news is None else about.news.order,
            customer_address=address,
            shop_name="" if about.news is None else about.news.shop_name,
            refund_id=refund.id,
            status=status,
            amount_minor=refund.amount.minor,
            currency=refund.amount.currency,
            receipt=receipt,
            detail=detail,
            is_by_other=other is not None,
        ),
        now=about.now,
        fact=f"{refund.id}:{status}",
    )
    if status is RefundStatus.DONE and other is not None and about.news is not None:
        _tell_refunded_to(about, about.news, refund, receipt, other)


def _tell_refunded_to(
    about: About, of_order: OrderNews, refund: Refund, receipt: str | None, other: OtherPayer
) -> None:
    """That their money came back, and nothing more of an order that is not theirs."""
    announce(
        about.tx,
        type=EventType.PAYMENT_REFUNDED_TO,
        vendor_id=about.vendor_id,
        aggregate=about.aggregate,
        data=RefundedToNews(
            customer_address=get_customer(about.tx, about.vendor_id, other.customer_id).address,
            shop_name=of_order.shop_name,
            order_code=of_order.order.code,
            refund_id=refund.id,
            amount_minor=refund.amount.minor,
            currency=refund.amount.currency,
            receipt=receipt,
        ),
        now=about.now,
        fact=refund.id,
    )


def _tell_of_intent(
    case: Case,
    type: EventType,  # noqa: A002  # named as the envelope names it
    reason: FailureReason | None,
    *,
    may_retry: bool,
) -> None:
    news = case.handler.news(case.tx, case.vendor_id, case.payable_id, case.now)
    announce(
        case.tx,
        type=type,
        vendor_id=case.vendor_id,
        aggregate=case.aggregate,
        data=PaymentNews(
            order=news.order,
            customer_address=_asked_by(case) if case.is_by_other else news.customer_address,
            shop_name=news.shop_name,
            intent_id=case.intent.id,
            reason=reason,
            may_retry=may_retry,
            is_by_other=case.is_by_other,
        ),
        now=case.now,
        fact=case.intent.id,
    )
