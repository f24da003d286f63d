"""Money, times, numbers and plurals as each language writes them: CLDR's rules, through Babel."""

from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_skeleton
from babel.numbers import format_currency, format_decimal

from contracts.money import Currency, Money

_LOCALES = {"en": "en_GB", "sw": "sw_KE", "pt": "pt_AO"}
"""Where days stand before months, M-Pesa is at home, and the kwanza has a sign. en_KE would write Ksh for KES."""

_MONEY = {"en": "¤¤ {}", "sw": "¤ {}", "pt": "{} ¤"}
"""`KES 1,250`, `Ksh 1,250`, `1 250 Kz`. CLDR's own pattern leaves no space after a code in English."""

# Babel separates with no-break spaces, which some phones show as boxes and nobody can type.
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2007": " "})


def money_text(amount: Money, language: str = "en") -> str:
    """`KES 1,250`, with cents only where there are some: `KES 1,250.50`."""
    return _money_text(amount.minor, amount.currency, language)


@lru_cache(maxsize=4096)
def _money_text(minor: int, currency: Currency, language: str) -> str:
    whole, cents = divmod(abs(minor), currency.minor_per_whole)
    number = Decimal(whole)
    digits = "#,##0"
    if cents:
        places = len(str(currency.minor_per_whole)) - 1
        number = Decimal(f"{whole}.{cents:0{places}}")
        digits = f"#,##0.{'0' * places}"
    pattern = _MONEY.get(language, _MONEY["en"]).format(digits)
    signed = -number if minor < 0 else number
    text = format_currency(
        signed, currency, format=pattern, locale=_locale(language), currency_digits=False, decimal_quantization=False
    )
    return text.translate(_SPACES)


def time_text(moment: datetime, language: str, *, has_year: bool = False) -> str:
    """The day and the time of day, in the zone that the moment comes in: `21 Nov, 00:30`, `21 Nov 2026, 00:30`."""
    locale = _locale(language)
    day = format_skeleton("yMMMd" if has_year else "MMMd", moment, tzinfo=moment.tzinfo, locale=locale)
    return f"{day}, {format_skeleton('Hm', moment, tzinfo=moment.tzinfo, locale=locale)}".translate(_SPACES)


def number_text(number: int, language: str) -> str:
    """`12,000`. For what is counted, not for what somebody is to type."""
    return format_decimal(number, locale=_locale(language)).translate(_SPACES)


def is_plural(count: int, language: str) -> bool:
    return _locale(language).plural_form(count) != "one"


@lru_cache(maxsize=8)
def _locale(language: str) -> Locale:
    return Locale.parse(_LOCALES.get(language, _LOCALES["en"]))
