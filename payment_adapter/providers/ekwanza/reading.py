"""Reads what both stacks and all callbacks share: fields in either spelling, dates in three, status and code."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import cast

from contracts.payment_api import PaymentInstructions
from contracts.states import PaymentEventStatus, Rail
from payment_adapter.providers.base import Failure
from payment_adapter.providers.ekwanza import codes
from payment_adapter.providers.wire import JsonObject

_LUANDA = timezone(timedelta(hours=1))
_MAX_TEXT = 300
_MICROSOFT_DATE = re.compile(r"/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/")


def field(content: JsonObject, name: str) -> object:
    """By its name as documented, or else in the other case: e-Kwanza writes `Code` in replies, `code` in callbacks."""
    if name in content:
        return content[name]
    return content.get(name[:1].swapcase() + name[1:])


def text(content: JsonObject, name: str) -> str | None:
    """A text or whole number as text; None for anything else, and for what is longer than any id or code."""
    value = field(content, name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and 0 < len(value.strip()) <= _MAX_TEXT:
        return value.strip()
    return None


def inner(content: JsonObject, name: str) -> JsonObject | None:
    value = field(content, name)
    return cast(JsonObject, value) if isinstance(value, Mapping) else None


def items(content: JsonObject, name: str) -> list[JsonObject]:
    value = field(content, name)
    listed = cast(list[object], value) if isinstance(value, list) else []
    return [cast(JsonObject, each) for each in listed if isinstance(each, Mapping)]


def moment(value: object) -> datetime | None:
    """`/Date(1760873332995)/` (milliseconds, as seen on the wire), or ISO with or without a zone. Without one it is
    taken for Luanda's: then what we tell the customer is the earlier of the two moments that can be meant."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    found = _MICROSOFT_DATE.fullmatch(value.strip())
    try:
        if found is not None:
            return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(found[1]))
        read = datetime.fromisoformat(value.strip())
        return (read if read.tzinfo is not None else read.replace(tzinfo=_LUANDA)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def has_zone(value: object) -> bool:
    return isinstance(value, str) and re.search(r"(?:Z|[+-][0-9]{2}:?[0-9]{2})$", value.strip()) is not None


def verdict(status: JsonObject, rail: Rail | None) -> tuple[PaymentEventStatus, Failure | None]:
    """What a `responseStatus` says.

    Sources disagree on `successful: true` alone (one integrator takes it for paid, one says that it is not final): it
    proves nothing here. Paid is code 100 or, where no code came, the word Success; older replies lack the word. What
    contradicts itself is UNKNOWN, with the code kept."""
    code, word, detail = text(status, "code"), text(status, "status"), text(status, "message") or ""
    by_word = None if word is None else codes.word_status(word)
    if code is None:
        if word is None or by_word is None:
            return PaymentEventStatus.UNKNOWN, None
        return by_word, codes.failure_by_status(by_word, word, rail)
    if code in codes.PENDING:
        return PaymentEventStatus.PENDING, None
    if code == codes.PAID:
        if by_word in (None, PaymentEventStatus.PAID):
            is_denied = field(status, "successful") is False
            return (PaymentEventStatus.UNKNOWN if is_denied else PaymentEventStatus.PAID), None
        if by_word is PaymentEventStatus.PENDING:
            return PaymentEventStatus.PENDING, None
        return PaymentEventStatus.UNKNOWN, None
    is_final = by_word in (PaymentEventStatus.FAILED, PaymentEventStatus.EXPIRED)
    if is_final or (by_word is None and (codes.is_listed(code) or field(status, "successful") is False)):
        by_code = codes.status_of(code)
        is_expired = PaymentEventStatus.EXPIRED in (by_code, by_word)
        return (PaymentEventStatus.EXPIRED if is_expired else by_code), codes.failure_of(code, detail)
    if by_word is PaymentEventStatus.PENDING and not codes.is_listed(code):
        return PaymentEventStatus.PENDING, None
    return PaymentEventStatus.UNKNOWN, codes.failure_of(code, detail)


def reference(content: JsonObject) -> PaymentInstructions | None:
    """Of an EMIS reference, which stands at the top (the schema, and TypeScript SDKs) or inside `responseStatus` (the
    sample in the documentation, and a PHP SDK)."""
    status = inner(content, "responseStatus")
    found = inner(content, "reference") or (inner(status, "reference") if status is not None else None)
    number = None if found is None else text(found, "referenceNumber")
    if found is None or number is None:
        return None
    return PaymentInstructions(
        entity=text(found, "entity"), reference=number, expires_at=moment(field(found, "dueDate"))
    )
