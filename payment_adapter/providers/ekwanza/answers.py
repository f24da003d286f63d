"""Reads AppyPay's answers to a charge, a look-up and a refund: by status and code together, never by HTTP 200, which
business failures have, too. Anything that is not recognised is in doubt, never a guess."""

from datetime import datetime, timedelta

from contracts.money import Currency
from contracts.payment_api import PaymentInstructions, RefundStatus
from contracts.states import FailureReason, PaymentEventStatus, Rail
from payment_adapter.providers.amounts import minor_of
from payment_adapter.providers.base import (
    Accepted,
    ChargeOrder,
    ChargeRef,
    Failure,
    NoAnswer,
    Outcome,
    RefundAnswer,
    Refused,
    Report,
    Settled,
    Unclear,
)
from payment_adapter.providers.ekwanza import codes, reading
from payment_adapter.providers.wire import JsonObject, Reply

REFERENCE_LIVES = timedelta(hours=72)
"""Where the gateway names no due date."""

_DONE = (200, 201, 202)
_UNAUTHORIZED, _TIMED_OUT = 401, 408
_BAD_REQUEST = (400, 404, 405, 413, 415, 422)
"""With a JSON body that has no code, they are the framework's own words about a request that it did not pass on."""
_THROTTLED_WAIT_S = 30
"""Where a 429 does not say how long."""
_REFUND_STATUS = {
    PaymentEventStatus.PAID: RefundStatus.DONE,
    PaymentEventStatus.PENDING: RefundStatus.PENDING,
    PaymentEventStatus.FAILED: RefundStatus.FAILED,
    PaymentEventStatus.EXPIRED: RefundStatus.FAILED,
    PaymentEventStatus.UNKNOWN: RefundStatus.UNKNOWN,
}


def is_token_error(reply: Reply) -> bool:
    return reply.status == _UNAUTHORIZED


def is_refusal(reply: Reply, code: str) -> bool:
    """Whether the gateway says that it did nothing: an error of ours that it has a code for, or its throttle."""
    if reply.is_throttled:
        return True
    return bool(code) and 400 <= reply.status < 500 and reply.status != _TIMED_OUT and code != codes.DUPLICATE


def error_of(body: JsonObject | None) -> tuple[str, str]:
    """(code, message), empty where there is none. Knows the gateway's own body and that of the proxy before it."""
    if body is None:
        return "", ""
    said = reading.inner(body, "responseStatus") or reading.inner(body, "error") or body
    return reading.text(said, "code") or "", (reading.text(said, "message") or "")[: codes.MAX_DETAIL]


def read_charge(reply: Reply, order: ChargeOrder, now: datetime) -> Outcome:
    """What the answer to a charge says of it. An EMIS reference without its number is accepted without
    instructions."""
    body = reply.json_object()
    if reply.status in _DONE and body is not None:
        return _read_done(body, order, now)
    code, message = error_of(body)
    if reply.is_throttled:
        return Refused(throttled(reply, message))
    if is_refusal(reply, code):
        return Refused(codes.failure_of(code, message))
    if not code and body is not None and reply.status in _BAD_REQUEST:
        detail = reading.text(body, "title") or message or "the gateway refuses the form of the request"
        return Refused(Failure(FailureReason.NOT_SENT, False, f"HTTP {reply.status}", detail[: codes.MAX_DETAIL]))
    return Unclear(f"HTTP {reply.status} {code} {message}".strip())


def read_payment(payment: JsonObject, charge: ChargeRef) -> Report | NoAnswer:
    """What a look-up's `payment` says of the charge, if it is the charge's. Its own `status` decides; why it failed
    stands in the last of its events."""
    transaction_id = reading.text(payment, "id")
    named = reading.text(payment, "merchantTransactionId")
    is_other = charge.transaction_id is not None and transaction_id not in (None, charge.transaction_id)
    if is_other or named not in (None, charge.our_reference):
        return NoAnswer("the answer names another charge")
    if reading.text(payment, "currency") not in (None, Currency.AOA):
        return NoAnswer("the answer is in another currency")
    said = _last_event(payment)
    word = reading.text(payment, "status")
    status, failure = reading.verdict(
        said if word is None else {**said, "status": word, "successful": None}, charge.rail
    )
    amount = reading.field(payment, "amount")
    amount_minor = minor_of(amount, Currency.AOA)
    if status is PaymentEventStatus.PAID and amount is not None and amount_minor is None:
        status = PaymentEventStatus.UNKNOWN  # an amount that can't be read is not the amount that was asked
    updated = reading.field(payment, "updatedDate")
    return Report(
        status,
        failure,
        amount_minor=amount_minor,
        transaction_id=transaction_id,
        occurred_at=reading.moment(updated) if reading.has_zone(updated) else None,
    )


def read_refund(reply: Reply) -> RefundAnswer:
    body = reply.json_object()
    code, message = error_of(body)
    detail = f"{code} {message}".strip() or f"HTTP {reply.status}"
    said = None if body is None else reading.inner(body, "responseStatus")
    if reply.status in _DONE and body is not None and said is not None:
        status, _ = reading.verdict(said, None)
        return RefundAnswer(_REFUND_STATUS[status], reading.text(body, "id"), detail)
    return RefundAnswer(RefundStatus.FAILED if is_refusal(reply, code) else RefundStatus.UNKNOWN, None, detail)


def throttled(reply: Reply, message: str) -> Failure:
    """Of a request that was turned away because there were too many."""
    wait_s = reply.retry_after_s or _THROTTLED_WAIT_S
    return Failure(FailureReason.BUSY, True, "429", message, retry_after_s=wait_s, is_throttled=True)


def instructions_of(content: JsonObject, now: datetime) -> PaymentInstructions | None:
    found = reading.reference(content)
    if found is None:
        return None
    return found.model_copy(update={"expires_at": found.expires_at or now + REFERENCE_LIVES})


def _read_done(body: JsonObject, order: ChargeOrder, now: datetime) -> Outcome:
    transaction_id = reading.text(body, "id")
    said = reading.inner(body, "responseStatus")
    if said is None:
        return Unclear("answered without a status that can be read")
    status, failure = reading.verdict(said, order.rail)
    if failure is not None and failure.code == codes.DUPLICATE:
        return Unclear("the gateway knows this charge already")
    if transaction_id is None and status in (PaymentEventStatus.PAID, PaymentEventStatus.PENDING):
        return Unclear("answered without an id")
    if order.rail is Rail.EMIS_REF and status in (PaymentEventStatus.PAID, PaymentEventStatus.PENDING):
        # "Success" of a reference that is being made means that it was made: nobody can have paid it yet.
        assert transaction_id is not None
        return Accepted(transaction_id, None, instructions_of(body, now))
    match status:
        case PaymentEventStatus.PENDING:
            assert transaction_id is not None
            return Accepted(transaction_id, None)
        case PaymentEventStatus.UNKNOWN:
            return Unclear(f"answered in a way that says nothing: {'' if failure is None else failure.code}".strip())
        case PaymentEventStatus.PAID | PaymentEventStatus.FAILED | PaymentEventStatus.EXPIRED:
            return Settled(Report(status, failure, transaction_id=transaction_id, occurred_at=now))


def _last_event(payment: JsonObject) -> JsonObject:
    """The status of the last event of the charge itself (a refund is an event, too), empty where none is listed."""
    events = reading.items(payment, "transactionEvents")
    own = [each for each in events if (reading.text(each, "type") or "Charge").lower() == "charge"]
    own.sort(key=lambda each: reading.text(each, "createdDate") or "")
    return (reading.inner(own[-1], "responseStatus") if own else None) or {}
