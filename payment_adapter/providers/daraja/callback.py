"""Reads an STK callback: tolerant of types (Daraja sends numbers and strings for one field), strict about meaning."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import cast

from contracts.money import Currency
from contracts.states import PaymentEventStatus
from payment_adapter.providers.base import CallbackUnreadable, Report
from payment_adapter.providers.daraja import codes
from payment_adapter.providers.daraja.answers import text_of
from payment_adapter.providers.daraja.wire import JsonObject, read_object

_EAT = timezone(timedelta(hours=3))
_MAX_AMOUNT_TEXT = 20
_MAX_AMOUNT_DIGITS = 12
_RECEIPT = re.compile(r"[A-Z0-9]{6,20}")


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
    amount_minor = _amount_minor(items.get("Amount"))
    receipt = text_of(items.get("MpesaReceiptNumber"))
    return Report(
        PaymentEventStatus.UNKNOWN if amount_minor is None else PaymentEventStatus.PAID,
        amount_minor=amount_minor,
        receipt=receipt if receipt is not None and _RECEIPT.fullmatch(receipt) else None,
        payer_msisdn=text_of(items.get("PhoneNumber")),
        transaction_id=transaction_id,
        request_id=request_id,
        occurred_at=_moment(text_of(items.get("TransactionDate"))),
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


def _amount_minor(value: object) -> int | None:
    """1, 1.0, "1.00" → 100 cents. None for what is no positive amount of whole cents."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        return None
    text = str(value).strip()
    if len(text) > _MAX_AMOUNT_TEXT:
        return None
    try:
        whole = Decimal(text)
    except InvalidOperation:
        return None
    if not whole.is_finite() or whole <= 0 or abs(whole.adjusted()) > _MAX_AMOUNT_DIGITS:
        return None
    minor = whole * Currency.KES.minor_per_whole
    return int(minor) if minor == minor.to_integral_value() else None


def _moment(text: str | None) -> datetime | None:
    """TransactionDate is local to Nairobi: 20260601193604 is 16:36:04 UTC."""
    if text is None or not re.fullmatch(r"[0-9]{14}", text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=_EAT).astimezone(UTC)
    except ValueError:
        return None
