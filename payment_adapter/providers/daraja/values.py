"""Reads single values as Daraja writes them: numbers that come as strings, amounts, receipts, times of Nairobi."""

import re
from datetime import UTC, datetime, timedelta, timezone

from contracts.money import Currency
from payment_adapter.providers.amounts import minor_of

_EAT = timezone(timedelta(hours=3))
_RECEIPT = re.compile(r"[A-Z0-9]{6,20}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]+")


def text_of(value: object) -> str | None:
    """A code, id or number as text, whether it came as a string or as an integer; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str) and value.strip():
        return value.strip()
    return None


def words_of(value: object, longest: int) -> str | None:
    """What a stranger typed, on one line: without control and direction characters, cut at `longest`."""
    text = text_of(value)
    if text is None:
        return None
    return " ".join(_UNPRINTABLE.sub(" ", text).split())[:longest].rstrip() or None


def amount_minor_of(value: object) -> int | None:
    """1, 1.0, "1.00" → 100 cents. None for what is no positive amount of whole cents."""
    return minor_of(value, Currency.KES)


def receipt_of(value: object) -> str | None:
    """A receipt number, which the customer's SMS names, too; None for what can't be one."""
    text = text_of(value)
    return text if text is not None and _RECEIPT.fullmatch(text) else None


def moment_of(value: object) -> datetime | None:
    """Daraja's times are local to Nairobi: 20260601193604 is 16:36:04 UTC."""
    text = text_of(value)
    if text is None or not re.fullmatch(r"[0-9]{14}", text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=_EAT).astimezone(UTC)
    except ValueError:
        return None
