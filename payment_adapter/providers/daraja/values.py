"""Reads single values as Daraja writes them: numbers that come as strings, amounts, receipts, times of Nairobi."""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation

from contracts.money import Currency

_EAT = timezone(timedelta(hours=3))
_MAX_AMOUNT_TEXT = 20
_MAX_AMOUNT_DIGITS = 12
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
