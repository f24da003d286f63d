"""Addresses, numbers and names of people: what is accepted, and in which form it is kept."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

from contracts.ids import ChannelAddress, CustomerId
from contracts.money import Currency

_SHOWS_NUMBER = re.compile(r"whatsapp:\+([1-9][0-9]{7,14})")
_ADDRESS = re.compile(r"[\x21-\x7e]{3,180}")
_LONGEST_FIRST_NAME = 20
_REGION: dict[Currency, str] = {Currency.KES: "KE", Currency.AOA: "AO"}


@dataclass(frozen=True, slots=True)
class Customer:
    """Who buys. `payer_msisdn` is the number that they asked to be charged, if they ever named one."""

    id: CustomerId
    address: ChannelAddress
    name: str
    payer_msisdn: str | None

    @property
    def phone(self) -> str | None:
        """The number that the address shows: digits with the country code, or None where it is hidden."""
        return phone_of(self.address)


def is_address(text: str) -> bool:
    """Printable ASCII without spaces, 3 to 180 characters: anything else was not written by a channel."""
    return _ADDRESS.fullmatch(text) is not None


def phone_of(address: str) -> str | None:
    shown = _SHOWS_NUMBER.fullmatch(address)
    return shown.group(1) if shown else None


def shown_number(msisdn: str | None, *, whole: bool) -> str | None:
    """The number as somebody may see it: 254708374149, or 2547*****149 where knowing who it is must do."""
    if msisdn is None or whole:
        return msisdn
    hidden = max(len(msisdn) - 7, 4)
    return f"{msisdn[:4]}{'*' * hidden}{msisdn[4 + hidden :]}"


def address_of(msisdn: str) -> ChannelAddress:
    return ChannelAddress(f"whatsapp:+{msisdn}")


@lru_cache(maxsize=10_000)
def normalized_msisdn(text: str, currency: Currency) -> str | None:
    """Digits with the country code (254708374149) of a number as people write it, or None if it is none.

    A number without a country code is one of the country whose money it is."""
    written = text.strip()
    for candidate in (written, f"+{written}"):
        try:
            number = phonenumbers.parse(candidate, _REGION[currency])
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return f"{number.country_code}{phonenumbers.national_significant_number(number)}"
    return None


def first_name(name: str) -> str:
    """What somebody else may read of a name: its first word, or nothing if that is no name (a link, a number)."""
    first = name.split(" ", 1)[0]
    is_name = len(first) <= _LONGEST_FIRST_NAME and first.replace("-", "").replace("'", "").isalpha()
    return first if is_name else ""


def tidy_name(text: str) -> str:
    """A name as it may stand in a message: one line, no control or direction marks, at most 80 characters."""
    kept = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join(kept.split())[:80].rstrip()
