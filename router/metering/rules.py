"""What is metered, and in which window of a shop's calendar a moment lies.

A window is a month of the shop's own time that begins at midnight of its anchor day; `2026-11` is the one that begins
in November 2026. Windows are decided by the moments at which they begin, so that they follow one another without gap
or overlap whatever a zone does to its clocks."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

WINDOW_PATTERN = "^20[0-9]{2}-(0[1-9]|1[0-2])$"


class Metered(StrEnum):
    """What is counted, each thing once."""

    ORDERS = "orders"
    """Every order that was created, whatever became of it."""
    PAYMENT_INTENTS = "payment_intents"
    """Every try to collect, whatever came of it."""
    API_CALLS = "api_calls"
    """Every call with an API key of the shop that was let in: commands that had their effect, and all questions."""
    MESSAGES = "messages"
    """Every message to a customer that Twilio accepted."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """How a shop's months run: an IANA zone, and the day of the month (1 to 28) on which they begin.

    A zone that nobody knows counts as UTC: a wrong name must not keep a shop from taking orders."""

    timezone: str
    anchor_day: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.anchor_day <= 28:
            raise ValueError(f"a month begins on a day from 1 to 28, not on {self.anchor_day}")

    @property
    def zone(self) -> tzinfo:
        return _zone(self.timezone)


@dataclass(frozen=True, slots=True)
class Window:
    """From `begins_at` up to, not including, `ends_at`; both UTC."""

    id: str
    begins_at: datetime
    ends_at: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.begins_at <= moment < self.ends_at


def window_at(moment: datetime, calendar: Calendar) -> Window:
    """The window that contains this aware moment."""
    local = moment.astimezone(calendar.zone)
    month = local.year * 12 + local.month - 1
    if local.day < calendar.anchor_day:
        month -= 1
    window = _window(calendar, month)
    # Around a change of the clocks the local date alone may be on the wrong side.
    if moment < window.begins_at:
        return _window(calendar, month - 1)
    if moment >= window.ends_at:
        return _window(calendar, month + 1)
    return window


def window_named(window_id: str, calendar: Calendar) -> Window:
    """Raises ValueError for what is no `YYYY-MM`."""
    year, separator, month = window_id.partition("-")
    if not separator or not (len(year), len(month)) == (4, 2) or not (year + month).isdigit():
        raise ValueError(f"{window_id!r} is no window; write it like 2026-11")
    if not (1 <= int(month) <= 12 and int(year) >= 1):
        raise ValueError(f"{window_id!r} is no month of any year")
    return _window(calendar, int(year) * 12 + int(month) - 1)


@lru_cache(maxsize=4096)
def _window(calendar: Calendar, month: int) -> Window:
    """`month` counts from the year 0. Kept, because every metered thing asks for the present one."""
    year, month_0 = divmod(month, 12)
    return Window(f"{year:04}-{month_0 + 1:02}", _beginning(calendar, month), _beginning(calendar, month + 1))


def _beginning(calendar: Calendar, month: int) -> datetime:
    """Midnight of the anchor day. Where the clocks skip it: the moment that it would have been without the change;
    where they strike it twice: the first time."""
    year, month_0 = divmod(month, 12)
    return datetime(year, month_0 + 1, calendar.anchor_day, tzinfo=calendar.zone, fold=0).astimezone(UTC)


@lru_cache(maxsize=1024)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
