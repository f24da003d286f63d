"""One line of a provider's statement in our words, and how its cells are read.

Nothing is guessed: a cell that can be read in two ways, or in none, makes its line `Unreadable`, which is listed with
its number while the others go on."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum

from contracts.money import Currency

EAST_AFRICA = timezone(timedelta(hours=3), "EAT")
"""M-Pesa's own times, all year round."""
WEST_AFRICA = timezone(timedelta(hours=1), "WAT")
"""Luanda's."""


class CellUnreadable(ValueError):
    """The text says what is wrong with the cell and how it should look."""


class Kind(StrEnum):
    """What a line is about, by its own words."""

    PAYMENT = "payment"
    """A customer's money came in."""
    INCOME = "income"
    """Money came in, of which the words do not say that a customer paid it."""
    REVERSAL = "reversal"
    """A payment was taken back; positive: money that had gone out came back."""
    OUTGOING = "outgoing"
    """Withdrawals, transfers to the bank, charges."""
    NOTHING = "nothing"
    """It never completed, it moved no money, or it repeats the table's heading."""


@dataclass(frozen=True, slots=True)
class Line:
    """`number` is where it begins in the file, from 1; `amount_minor` is signed: below zero left the account."""

    number: int
    kind: Kind
    receipt: str
    """The provider's id of the transaction: M-Pesa's receipt number, AppyPay's payment id."""
    at: datetime
    amount_minor: int
    reference: str = ""
    """What names the order: the account number as it was typed, or our own reference."""
    phone: str = field(default="", repr=False)
    """Digits, with `*` where the provider hides them."""
    payer_name: str = field(default="", repr=False)
    linked: str = ""
    """Of a reversal: the receipt of what it takes back."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    number: int
    why: str


# --- cells -----------------------------------------------------------------------------------------------------------

_AMOUNT = re.compile(
    r"(-?)(?:(?:KES|Ksh|AOA|Kz)\.? ?)?(-?)([0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,13})(?:\.([0-9]{1,2})0*)?", re.I
)

_MAX_DIGITS = 10


def minor_units(text: str, currency: Currency) -> int:
    """`1,250.50` is 125050; an empty cell is 0. Raises CellUnreadable: `1.250,50`, `1E+05` and the like are not
    guessed at."""
    text = text.strip().replace("\u00a0", "")
    if text in ("", "-"):
        return 0
    match = _AMOUNT.fullmatch(text)
    if match is None or (match[1] and match[2]):
        raise CellUnreadable(f"{_shown(text)} is no amount: it should look like 1,250.00")
    minus, inner_minus, whole, cents = match.groups()
    if len(whole.replace(",", "")) > _MAX_DIGITS:
        raise CellUnreadable(f"{_shown(text)} is more than anybody pays")
    minor = int(whole.replace(",", "")) * currency.minor_per_whole + int((cents or "0").ljust(2, "0"))
    return -minor if minus or inner_minus else minor


_TIME = re.compile(
    r"(?:(?P<y1>[0-9]{4})[-/.](?P<m1>[0-9]{1,2})[-/.](?P<d1>[0-9]{1,2})"
    r"|(?P<d2>[0-9]{1,2})[-/.](?P<m2>[0-9]{1,2})[-/.](?P<y2>[0-9]{4}))"
    r"(?:T|,? +)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.[0-9]{1,9})?)?"
    r" ?(?P<half>[AaPp])?(?:\.?[Mm]\.?)?(?P<zone>Z| ?[+-][0-9]{2}:?[0-9]{2})?"
)
_FIRST_YEAR = 2000
_COMPACT = re.compile(r"[0-9]{14}")


def moment(text: str, zone: tzinfo) -> datetime:
    """A time of day with its date: year first, day first (never month first), or `20261120120030`; `zone` is whose it
    is where it does not say so. Raises CellUnreadable."""
    text = text.strip()
    if _COMPACT.fullmatch(text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:8]} {text[8:10]}:{text[10:12]}:{text[12:]}"
    match = _TIME.fullmatch(text)
    if match is None:
        raise CellUnreadable(
            f"{_shown(text)} is no time: it should look like 2026-11-20 12:00:30 or 20-11-2026 12:00:30"
        )
    part = match.groupdict()
    hour = int(part["hour"])
    if part["half"]:
        if not 1 <= hour <= 12:
            raise CellUnreadable(f"{_shown(text)} is no time of day")
        hour = hour % 12 + (12 if part["half"] in "pP" else 0)
    year = int(part["y1"] or part["y2"])
    if not _FIRST_YEAR <= year < _FIRST_YEAR + 100:
        raise CellUnreadable(f"{_shown(text)} is in the year {year}")
    try:
        return datetime(
            year,
            int(part["m1"] or part["m2"]),
            int(part["d1"] or part["d2"]),
            hour,
            int(part["minute"]),
            int(part["second"] or 0),
            tzinfo=_zone(part["zone"]) or zone,
        )
    except ValueError as error:
        raise CellUnreadable(
            f"{_shown(text)} is no date: the day stands before the month, or the year first"
        ) from error


def _zone(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text == "Z":
        return UTC
    sign, digits = text.strip()[0], re.sub("[^0-9]", "", text)
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if sign == "-" else offset)


_PHONE = re.compile(r"\+?[0-9][0-9* ]{7,17}")
_MIN_SHOWN = 3


def phone_number(text: str) -> str:
    """The number at the beginning of such as `254708374149 - NJERI` or `0708****149 - NJERI`: as digits and `*`, with
    the country's code. Empty where there is none (or a hash of one)."""
    match = _PHONE.match(text.strip())
    if match is None or re.fullmatch("[0-9a-fA-F]{40,}", text.strip()):
        return ""
    digits = re.sub("[+ ]", "", match[0])
    return "254" + digits[1:] if digits.startswith("0") else digits


def may_be_the_same_phone(told: str, known: str) -> bool:
    """Whether a number that may be masked (`2547****149`), or missing, does not contradict one that is known."""
    if not told or not known:
        return True
    if "*" not in told:
        return told == known
    before, _, rest = told.partition("*")
    after = rest.rpartition("*")[2] or rest.strip("*")
    return known.startswith(before) and known.endswith(after)


def masked(phone: str) -> str:
    """For reports: never the whole number."""
    if "*" in phone or len(phone) < 2 * _MIN_SHOWN:
        return phone
    return phone[: _MIN_SHOWN + 1] + "*" * (len(phone) - 2 * _MIN_SHOWN - 1) + phone[-_MIN_SHOWN:]


def same_reference(text: str) -> str:
    """What two spellings of one account number have in common: `k7m-3qd ` and `K7M3QD`."""
    return re.sub("[^A-Z0-9]", "", text.upper())


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
