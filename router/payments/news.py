"""What the customer and the vendor are told of a payment. Each fact is announced once, however often it is reported."""

from contracts.events import EventType, ExceptionNews, PaymentNews
from contracts.money import Money
from contracts.states import ExceptionKind, FailureReason
from router.events.service import announce
from router.payments.case import Case


def tell_failed(case: Case, reason: FailureReason | None, *, may_retry: bool) -> None:
    _tell_of_intent(case, EventType.PAYMENT_FAILED, reason, may_retry=may_retry)


def tell_unknown(case: Case) -> None:
    _tell_of_intent(case, EventType.PAYMENT_UNKNOWN, None, may_retry=False)


def tell_paid(case: Case, type: EventType) -> None:  # noqa: A002  # named as the envelope names it
    """The payable's own news. The receipt is in it if it was known by then (a look-up knows none); one that comes
    later shows wherever the order is shown, and is not announced again."""
    announce(
        case.tx,
        type=type,
        vendor_id=case.vendor_id,
        aggregate=case.aggregate,
        data=case.handler.news(case.tx, case.vendor_id, case.payable_id, case.now),
        now=case.now,
        fact="paid",
    )


def tell_exception(case: Case, *, transaction_id: str, kind: ExceptionKind, amount: Money, receipt: str | None) -> None:
    news = case.handler.news(case.tx, case.vendor_id, case.payable_id, case.now)
    announce(
        case.tx,
        type=EventType.PAYMENT_EXCEPTION,
        vendor_id=case.vendor_id,
        aggregate=case.aggregate,
        data=ExceptionNews(
            order=news.order,
            customer_address=news.customer_address,
            shop_name=news.shop_name,
            kind=kind,
            amount_minor=amount.minor,
            receipt=receipt,
        ),
        now=case.now,
        fact=transaction_id,
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
            customer_address=news.customer_address,
            shop_name=news.shop_name,
            intent_id=case.intent.id,
            reason=reason,
            may_retry=may_retry,
        ),
        now=case.now,
        fact=case.intent.id,
    )
