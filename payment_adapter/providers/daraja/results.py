"""Reads the results that Daraja posts afterwards, of a reversal and of a transaction status query.

Parameters may repeat a key, lack a value, and be one object or a list of them; only what is needed is read, and the
first value of a key counts."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, cast

from contracts.payment_api import RefundStatus
from kit.logging import redact
from payment_adapter.providers.base import CallbackUnreadable, NoAnswer, RefundAnswer, RefundReport
from payment_adapter.providers.daraja.codes import MAX_DETAIL
from payment_adapter.providers.daraja.values import amount_minor_of, moment_of, receipt_of, text_of, words_of
from payment_adapter.providers.daraja.wire import JsonObject, read_object

_DONE = "0"
_STILL_UNDER_WAY = "4999"
_MAX_STATUS = 40

_WORDS: dict[str, str] = {
    "1": "the shop's M-Pesa account holds too little",
    "11": "the state of the shop's M-Pesa account does not allow it: ask Safaricom's customer care",
    "21": "the initiator may not do this: in the M-Pesa organisation portal, give it a role that may reverse",
    "2001": "the initiator's name or password is not right: look at initiator_name and its password or credential",
    "2006": "the shop's M-Pesa account is not active: ask Safaricom's customer care",
    "2028": "the shop's short code may not do this: ask Safaricom's customer care",
    "8006": "the initiator's password is locked: set a new one in the M-Pesa organisation portal",
    "R000001": "it was given back already",
    "R000002": "M-Pesa does not know a payment with this receipt",
}
"""For the shop. From Safaricom's Reversal, Transaction Status and B2C pages; 2001 means a wrong PIN for an STK push."""

_ENDED = {
    "completed": RefundStatus.DONE,
    "cancelled": RefundStatus.FAILED,
    "declined": RefundStatus.FAILED,
    "expired": RefundStatus.FAILED,
    "initiated": RefundStatus.PENDING,
    "authorized": RefundStatus.PENDING,
    "pending authorized": RefundStatus.PENDING,
}


class _Result(NamedTuple):
    code: str
    description: str
    conversation_id: str | None
    transaction_id: str | None
    parameters: dict[str, object]


class TransactionStatus(NamedTuple):
    """What a status query found of one transaction. `status` is Daraja's own word, such as Completed."""

    status: str
    receipt: str | None
    amount_minor: int | None
    ended_at: datetime | None
    paid_to: str | None
    """The short code of whom it was paid to; a person's number where it was a person."""


def read_reversal(body: bytes) -> RefundReport:
    """Raises CallbackUnreadable."""
    result = _read(body)
    receipt = receipt_of(result.parameters.get("OriginalTransactionID"))
    amount_minor = amount_minor_of(result.parameters.get("Amount"))
    if result.code == _STILL_UNDER_WAY:
        answer = RefundAnswer(RefundStatus.PENDING, result.conversation_id)
    elif result.code == _DONE:
        answer = RefundAnswer(RefundStatus.DONE, result.conversation_id)
    else:
        answer = RefundAnswer(RefundStatus.FAILED, result.conversation_id, explain(result.code, result.description))
    return RefundReport(answer, receipt, amount_minor, result.transaction_id)


def read_status_of_reversal(body: bytes) -> RefundReport | NoAnswer:
    """Raises CallbackUnreadable."""
    found = read_status(body)
    if isinstance(found, NoAnswer):
        return found
    ended = _ENDED.get(found.status.lower())
    if ended is None:
        return NoAnswer(f"a status that is not known here: {found.status}")
    detail = f"M-Pesa says {found.status}" if ended is RefundStatus.FAILED else None
    # The receipt is the reversal's own, not that of the payment it reverses.
    return RefundReport(RefundAnswer(ended, detail=detail), None, found.amount_minor, found.receipt)


def read_status(body: bytes) -> TransactionStatus | NoAnswer:
    """What came to the address of a status query. Raises CallbackUnreadable."""
    result = _read(body)
    if result.code != _DONE:
        return NoAnswer(f"the question was not answered: {explain(result.code, result.description)}")
    status = words_of(result.parameters.get("TransactionStatus"), _MAX_STATUS)
    if status is None:
        return NoAnswer("the answer names no TransactionStatus")
    return TransactionStatus(
        status,
        receipt_of(result.parameters.get("ReceiptNo")),
        amount_minor_of(result.parameters.get("Amount")),
        moment_of(result.parameters.get("FinalisedTime")),
        _number_of(result.parameters.get("CreditPartyName")),
    )


def is_result(body: bytes) -> bool:
    """Whether it is what Daraja posts afterwards, rather than what it tells of by itself."""
    content = read_object(body)
    return content is not None and "Result" in content


def is_completed(found: TransactionStatus) -> bool:
    return _ENDED.get(found.status.lower()) is RefundStatus.DONE


def explain(code: str, description: str) -> str:
    """A code of a reversal or a status query, for the shop."""
    known = _WORDS.get(code)
    return f"{known} ({code})" if known else f"M-Pesa says: {description or 'no reason'} ({code})"


def said(value: object) -> str:
    """The provider's own words, without numbers of people; empty where there are none."""
    return redact(words_of(value, MAX_DETAIL) or "")


def _read(body: bytes) -> _Result:
    content = read_object(body)
    result = None if content is None else content.get("Result")
    if not isinstance(result, Mapping):
        raise CallbackUnreadable("no Result in it")
    fields = cast(JsonObject, result)
    code = text_of(fields.get("ResultCode"))
    if code is None:
        raise CallbackUnreadable("Result.ResultCode is missing")
    return _Result(
        code,
        said(fields.get("ResultDesc")),
        text_of(fields.get("OriginatorConversationID")),
        receipt_of(fields.get("TransactionID")),
        _parameters(fields.get("ResultParameters")),
    )


def _number_of(party: object) -> str | None:
    """Of `174379 - Mama Njeri's Groceries`, the number."""
    text = text_of(party)
    return None if text is None else text.partition(" ")[0]


def _parameters(given: object) -> dict[str, object]:
    if not isinstance(given, Mapping):
        return {}
    listed = cast(JsonObject, given).get("ResultParameter")
    found: dict[str, object] = {}
    for item in cast(list[object], listed) if isinstance(listed, list) else [listed]:
        if isinstance(item, Mapping):
            parameter = cast(JsonObject, item)
            key, value = parameter.get("Key"), parameter.get("Value")
            if isinstance(key, str) and value is not None:
                found.setdefault(key, value)
    return found
