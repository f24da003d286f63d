"""Kwanzas on the wire: JSON numbers with decimals, read and written without a float ever standing for money."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import cast

MINOR_PER_WHOLE = 100

_MOST_WHOLE_DIGITS = 12
_MARK = "\ue000"
_MARKED = re.compile(r'"\\ue000([0-9]+(?:\.[0-9]+)?)"')


class BadAmount(ValueError):
    """No positive amount of whole cêntimos."""


def minor_of(value: object) -> int:
    """150, 150.5, "150.50" → cêntimos. Raises BadAmount, also for what holds parts of a cêntimo."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        raise BadAmount
    text = str(value)
    if len(text) > _MOST_WHOLE_DIGITS + 4:
        raise BadAmount
    try:
        whole = Decimal(text)
    except InvalidOperation:
        raise BadAmount from None
    if not whole.is_finite() or whole <= 0 or whole.adjusted() >= _MOST_WHOLE_DIGITS:
        raise BadAmount
    minor = whole * MINOR_PER_WHOLE
    if minor != minor.to_integral_value():
        raise BadAmount
    return int(minor)


def text(amount_minor: int) -> str:
    """`1500.00`"""
    return f"{amount_minor // MINOR_PER_WHOLE}.{amount_minor % MINOR_PER_WHOLE:02d}"


def number(amount_minor: int) -> str:
    """A JSON number as the samples write it (100, 1.2, 225.7), for `dumps` to put down."""
    shown = text(amount_minor)
    return _MARK + (shown.rstrip("0").rstrip("."))


def decimal_number(amount_minor: int) -> str:
    """As `number`, with a decimal always: 150.0, as e-Kwanza writes it."""
    shown = text(amount_minor)
    return _MARK + (shown.removesuffix("0"))


def dumps(body: Mapping[str, object]) -> str:
    """JSON, with the amounts in it as numbers."""
    return _MARKED.sub(r"\1", json.dumps(body))


def loads(raw: bytes) -> dict[str, object] | None:
    """One JSON object with its numbers as Decimal, or None."""
    try:
        value: object = json.loads(raw, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    return cast(dict[str, object], value) if isinstance(value, dict) else None
