"""Reads an STK callback: tolerant of types (Daraja sends numbers and strings for one field), strict about meaning."""

from collections.abc import Mapping
from typing import cast

from contracts.states import PaymentEventStatus
from payment_adapter.providers.base import CallbackUnreadable, Report
from payment_adapter.providers.daraja import codes
from payment_adapter.providers.daraja.values import amount_minor_of, moment_of, receipt_of, text_of
from payment_adapter.providers.daraja.wire import JsonObject, read_object


def read(body: bytes) -> Report:
    """Raises CallbackUnreadable. A success that does not say its amount is UNKNOWN: it is asked about, not guessed."""
    content = read_object(body)
    if content is None:
        raise CallbackUnreadable("not a JSON object")
    callback = _object(_object(content.get("Body"), "Body").get("stkCallback"), "Body.stkCallback")
    transaction_id = text_of(callback.get("CheckoutRequestID"))
    code = text_of(callback.get("ResultCode"))
    if transaction_id is None or code is None:
        raise CallbackUnreadable("CheckoutRequestID or ResultCode is missing")
    request_id = text_of(callback.get("MerchantRequestID"))
    if code == codes.PENDING:
        return Report(PaymentEventStatus.PENDING, transaction_id=transaction_id, request_id=request_id)
    if code != codes.PAID:
        failure = codes.failure_of(code, text_of(callback.get("ResultDesc")) or "")
        return Report(codes.failed_status(code), failure, transaction_id=transaction_id, request_id=request_id)
    items = _items(callback.get("CallbackMetadata"))
    amount_minor = amount_minor_of(items.get("Amount"))
    return Report(
        PaymentEventStatus.UNKNOWN if amount_minor is None else PaymentEventStatus.PAID,
        amount_minor=amount_minor,
        receipt=receipt_of(items.get("MpesaReceiptNumber")),
        payer_msisdn=text_of(items.get("PhoneNumber")),
        transaction_id=transaction_id,
        request_id=request_id,
        occurred_at=moment_of(items.get("TransactionDate")),
    )


def _object(value: object, name: str) -> JsonObject:
    if not isinstance(value, Mapping):
        raise CallbackUnreadable(f"{name} is missing")
    return cast(JsonObject, value)


def _items(metadata: object) -> dict[str, object]:
    """Name → Value. Items without a Value are left out: `Balance` usually has none."""
    if not isinstance(metadata, Mapping):
        return {}
    listed = cast(JsonObject, metadata).get("Item")
    items: dict[str, object] = {}
    for item in cast(list[object], listed) if isinstance(listed, list) else []:
        if isinstance(item, Mapping):
            entry = cast(JsonObject, item)
            name, value = entry.get("Name"), entry.get("Value")
            if isinstance(name, str) and value is not None:
                items.setdefault(name, value)
    return items
