"""Reads Daraja's answers to a push and to a query. Decides by HTTP status, error code and, for the one code that means
four things, by its message; anything it does not recognise is in doubt, never a guess.

Error codes are from Safaricom's documentation; shapes marked "seen" were published by integrators."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from contracts.states import FailureReason, PaymentEventStatus
from payment_adapter.providers.base import Accepted, Failure, NoAnswer, Outcome, Refused, Report, Unclear
from payment_adapter.providers.daraja import codes
from payment_adapter.providers.daraja.wire import JsonObject, Reply


@dataclass(frozen=True, slots=True)
class TokenInvalid:
    """Daraja did not take the token: nothing was done. Each product has its own shape for this."""

    failure: Failure


_TOKEN_CODES = frozenset({"404.001.03", "400.003.01", "404.001.04"})
_BUSY_CODES = frozenset({"500.003.02", "500.003.03"})  # busy or spike arrest, quota
_AMBIGUOUS_CODE = "500.001.1001"

_SETUP_MESSAGES = ("merchant does not exist", "wrong credentials")
_LOCKED_MESSAGE = "unable to lock subscriber"
_PENDING_MESSAGE = "being processed"


def read_push(reply: Reply) -> Outcome | TokenInvalid:
    """What the answer to a push says of it."""
    body = reply.json_object()
    if reply.status == 200 and body is not None and "ResponseCode" in body:
        return _read_accepted(body)
    code, message = _error(body)
    if _is_token_error(reply.status, code):
        return TokenInvalid(Failure(FailureReason.SHOP_SETUP, False, code or str(reply.status), _short(message)))
    if reply.status == 429 or code in _BUSY_CODES or "ratelimit" in code.lower():
        return _refused(FailureReason.BUSY, True, code or str(reply.status), message)
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
    code, message = _error(body)
    if _is_token_error(reply.status, code):
        return TokenInvalid(Failure(FailureReason.SHOP_SETUP, False, code or str(reply.status), _short(message)))
    if code == _AMBIGUOUS_CODE and _PENDING_MESSAGE in message.lower():
        return Report(PaymentEventStatus.PENDING)  # the older shape of "pending", seen 2018
    return NoAnswer(f"HTTP {reply.status} {code} {_short(message)}".strip())


def text_of(value: object) -> str | None:
    """A code, id or number as text, whether it came as a string or as an integer; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str) and value.strip():
        return value.strip()
    return None


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
    lowered = message.lower()
    if any(known in lowered for known in _SETUP_MESSAGES):
        return _refused(FailureReason.SHOP_SETUP, False, code, message)
    if _LOCKED_MESSAGE in lowered:
        return _refused(FailureReason.BUSY, True, code, message)  # another prompt is on that phone
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


def _error(body: JsonObject | None) -> tuple[str, str]:
    """(code, message), empty where there is none. Knows Daraja's own body and the gateway's `fault`."""
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


def _is_token_error(status: int, code: str) -> bool:
    return status == 401 or code in _TOKEN_CODES or code.startswith("401.002.")


def _refused(reason: FailureReason, may_retry: bool, code: str, message: str) -> Refused:
    return Refused(Failure(reason, may_retry, code, _short(message)))


def _short(message: str) -> str:
    return message[: codes.MAX_DETAIL]
