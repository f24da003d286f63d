"""Reads Daraja's answers to a push and to a query. Decides by HTTP status, error code and, for the one code that means
four things, by its message; anything it does not recognise is in doubt, never a guess.

Error codes are from Safaricom's documentation; shapes marked "seen" were published by integrators."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from contracts.states import FailureReason, PaymentEventStatus
from payment_adapter.providers.base import Accepted, Failure, NoAnswer, Outcome, Refused, Report, Unclear
from payment_adapter.providers.daraja import codes
from payment_adapter.providers.daraja.values import text_of
from payment_adapter.providers.daraja.wire import JsonObject, Reply


@dataclass(frozen=True, slots=True)
class TokenInvalid:
    """Daraja did not take the token: nothing was done. Each product has its own shape for this."""

    failure: Failure


_TOKEN_CODES = frozenset({"404.001.03", "400.003.01", "404.001.04"})
_SYSTEM_BUSY = "500.003.02"
_QUOTA = "500.003.03"
_WAIT_S = {_SYSTEM_BUSY: 120, _QUOTA: 300}
"""Busy says "in few minutes" and means a spike arrest, too; of a quota nothing is said."""
_THROTTLED_WAIT_S = 30
"""The gateway's own spike arrest, and 429 without a Retry-After."""
_LOCKED_WAIT_S = 60
_AMBIGUOUS_CODE = "500.001.1001"

_SETUP_MESSAGES = ("merchant does not exist", "wrong credentials")
_LOCKED_MESSAGE = "unable to lock subscriber"
_PENDING_MESSAGE = "being processed"


def read_push(reply: Reply) -> Outcome | TokenInvalid:
    """What the answer to a push says of it."""
    body = reply.json_object()
    if reply.status == 200 and body is not None and "ResponseCode" in body:
        return _read_accepted(body)
    code, message = error_of(reply)
    if is_token_error(reply.status, code):
        return TokenInvalid(Failure(FailureReason.SHOP_SETUP, False, code or str(reply.status), _short(message)))
    wait_s = busy_for_s(reply)
    if wait_s is not None:
        return _refused(FailureReason.BUSY, True, code or str(reply.status), message, wait_s, is_throttled=True)
    if not code:
        return Unclear(f"HTTP {reply.status} without a body that can be read")
    if code == _AMBIGUOUS_CODE:
        return _read_ambiguous(code, message)
    if 400 <= reply.status < 500:
        is_amount = "amount" in message.lower()
        return _refused(FailureReason.AMOUNT_REFUSED if is_amount else FailureReason.NOT_SENT, False, code, message)
    return Unclear(f"HTTP {reply.status}, {code}: {_short(message)}")


def read_query(reply: Reply) -> Report | NoAnswer | TokenInvalid:
    """What the answer to a query says of the charge. It holds neither amount nor receipt."""
    body = reply.json_object()
    if reply.status == 200 and body is not None and ("ResultCode" in body or "ResponseCode" in body):
        return _read_result(body)
    code, message = error_of(reply)
    if is_token_error(reply.status, code):
        return TokenInvalid(Failure(FailureReason.SHOP_SETUP, False, code or str(reply.status), _short(message)))
    if code == _AMBIGUOUS_CODE and _PENDING_MESSAGE in message.lower():
        return Report(PaymentEventStatus.PENDING)  # the older shape of "pending", seen 2018
    return NoAnswer(
        f"HTTP {reply.status} {code} {_short(message)}".strip(),
        is_throttled=busy_for_s(reply) is not None,
        is_refused=is_setup_error(message),
    )


def _read_accepted(body: JsonObject) -> Outcome:
    response_code = text_of(body.get("ResponseCode"))
    transaction_id = text_of(body.get("CheckoutRequestID"))
    description = _short(text_of(body.get("ResponseDescription")) or "")
    if response_code is None:
        return Unclear("HTTP 200 without a ResponseCode that can be read")
    if response_code != "0":
        return _refused(FailureReason.NOT_SENT, False, response_code, description)
    if transaction_id is None:
        return Unclear("accepted without a CheckoutRequestID")
    return Accepted(transaction_id, text_of(body.get("MerchantRequestID")))


def _read_ambiguous(code: str, message: str) -> Outcome:
    if is_setup_error(message):
        return _refused(FailureReason.SHOP_SETUP, False, code, message)
    if _LOCKED_MESSAGE in message.lower():
        # Another prompt is on that phone; the documentation says to wait a minute at least.
        return _refused(FailureReason.BUSY, True, code, message, _LOCKED_WAIT_S)
    return Unclear(f"{code}: {_short(message)}")


def _read_result(body: JsonObject) -> Report | NoAnswer:
    code = text_of(body.get("ResultCode"))
    transaction_id = text_of(body.get("CheckoutRequestID"))
    request_id = text_of(body.get("MerchantRequestID"))
    if code is None and text_of(body.get("ResponseCode")) not in (None, "0"):
        return NoAnswer(f"the query was not accepted ({text_of(body.get('ResponseCode'))})")
    if code is None or code == codes.PENDING:
        return Report(PaymentEventStatus.PENDING, transaction_id=transaction_id, request_id=request_id)
    if code == codes.PAID:
        return Report(PaymentEventStatus.PAID, transaction_id=transaction_id, request_id=request_id)
    failure = codes.failure_of(code, text_of(body.get("ResultDesc")) or "")
    return Report(codes.failed_status(code), failure, transaction_id=transaction_id, request_id=request_id)


def error_of(reply: Reply) -> tuple[str, str]:
    """(code, message), empty where there is none. Knows Daraja's own body and the gateway's `fault`."""
    body = reply.json_object()
    if body is None:
        return "", ""
    code = text_of(body.get("errorCode"))
    if code is not None:
        return code, text_of(body.get("errorMessage")) or ""
    fault = body.get("fault")
    if isinstance(fault, Mapping):
        inner = cast(JsonObject, fault)
        detail = inner.get("detail")
        code = text_of(cast(JsonObject, detail).get("errorcode")) if isinstance(detail, Mapping) else None
        return code or "", text_of(inner.get("faultstring")) or ""
    return "", ""


def is_token_error(status: int, code: str) -> bool:
    """Whether the token was not taken, which each product says in its own way."""
    return status == 401 or code in _TOKEN_CODES or code.startswith("401.002.")


def busy_for_s(reply: Reply) -> int | None:
    """How long to wait, of an answer that says that Daraja is busy and has done nothing; None for any other."""
    code, _ = error_of(reply)
    if code in _WAIT_S:
        return reply.retry_after_s or _WAIT_S[code]
    if reply.status == 429 or "ratelimit" in code.lower():
        return reply.retry_after_s or _THROTTLED_WAIT_S
    return None


def is_setup_error(message: str) -> bool:
    """Whether the message says that short code or passkey are wrong."""
    return any(known in message.lower() for known in _SETUP_MESSAGES)


def _refused(
    reason: FailureReason,
    may_retry: bool,
    code: str,
    message: str,
    retry_after_s: int | None = None,
    *,
    is_throttled: bool = False,
) -> Refused:
    failure = Failure(reason, may_retry, code, _short(message), retry_after_s=retry_after_s, is_throttled=is_throttled)
    return Refused(failure)


def _short(message: str) -> str:
    return message[: codes.MAX_DETAIL]
