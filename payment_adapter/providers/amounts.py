"""Amounts between the wire's decimals and our minor units, exactly: what can't be read exactly is None."""

from decimal import Decimal, InvalidOperation

from contracts.money import Currency, Money

_MAX_TEXT = 20
_MAX_WHOLE_DIGITS = 12


def decimal_of(money: Money) -> Decimal:
    """Whole units with no more decimals than it takes: 100, 150.5, 150.25."""
    if money.is_whole:
        return Decimal(money.whole)
    decimals = len(str(money.currency.minor_per_whole)) - 1
    return Decimal(money.minor).scaleb(-decimals).normalize()


def minor_of(value: object, currency: Currency) -> int | None:
    """1, 1.0, "1.00" → 100 minor units. None for what is no positive amount of whole minor units."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        return None
    text = str(value).strip()
    if len(text) > _MAX_TEXT:
        return None
    try:
        whole = Decimal(text)
    except InvalidOperation:
        return None
    if not whole.is_finite() or whole <= 0 or abs(whole.adjusted()) > _MAX_WHOLE_DIGITS:
        return None
    minor = whole * currency.minor_per_whole
    return int(minor) if minor == minor.to_integral_value() else None
