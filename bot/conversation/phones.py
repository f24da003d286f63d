"""Phone numbers as people type them. A customer's number is never shown to anyone but that customer."""

import phonenumbers

from contracts.money import Currency

_REGIONS = {Currency.KES: "KE", Currency.AOA: "AO"}
_COUNTRY_CODES = {Currency.KES: "254", Currency.AOA: "244"}


def read_msisdn(text: str, currency: Currency) -> str | None:
    """`0708 374 149` or `+254 708 374 149` → `254708374149`; None if it is no possible number. A number without a
    country code is of the shop's country."""
    try:
        number = phonenumbers.parse(text, _REGIONS[currency])
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")


def is_of(msisdn: str, currency: Currency) -> bool:
    """Whether it is a number of the country where that money is paid."""
    return msisdn.startswith(_COUNTRY_CODES[currency])


def shown_in(address: str) -> str | None:
    """The number that a channel's address shows: `whatsapp:+254708374149` → `254708374149`."""
    _, _, number = address.partition(":+")
    return number if number.isascii() and number.isdigit() else None


def spoken_msisdn(msisdn: str) -> str:
    """`254708374149` → `0708 374149`, as its owner would write it."""
    try:
        number = phonenumbers.parse(f"+{msisdn.removeprefix('+')}")
    except phonenumbers.NumberParseException:
        return msisdn
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
