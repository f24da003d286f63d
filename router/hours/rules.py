"""Opening hours: a week, exceptions to it, and what they say of a moment. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from contracts.router_api import MAX_DAYS_AHEAD

MAX_EXCEPTIONS = 100
USUAL_OPENING = time(8)
"""When a shop that keeps no hours begins its day, for orders that are for another one."""

_PERIOD = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
_DAY_MIN = 24 * 60
_LOOK_BACK = timedelta(days=1)


def _period(text: str) -> str:
    minutes_of(text)
    return text


def minutes_of(period: str) -> tuple[int, int]:
    """(from, until) in minutes after midnight; past midnight, `until` is more than a day's.

    Raises ValueError for what is no period."""
    found = _PERIOD.fullmatch(period)
    if found is None:
        raise ValueError("write a period as 08:00-20:00; 18:00-02:00 goes on past midnight, 00:00-24:00 is all day")
    opens, closes = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if closes > _DAY_MIN:
        raise ValueError("a day ends at 24:00")
    return opens, closes if closes > opens else closes + _DAY_MIN


Period = Annotated[str, AfterValidator(_period), Field(max_length=11, examples=["08:00-20:00"])]
Periods = Annotated[list[Period], Field(max_length=4)]


class Week(BaseModel):
    """The periods of each day; none: closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mon: Periods = Field(default_factory=list[str])
    tue: Periods = Field(default_factory=list[str])
    wed: Periods = Field(default_factory=list[str])
    thu: Periods = Field(default_factory=list[str])
    fri: Periods = Field(default_factory=list[str])
    sat: Periods = Field(default_factory=list[str])
    sun: Periods = Field(default_factory=list[str])


class Hours(BaseModel):
    """In the shop's own zone. A day among the exceptions has its periods instead of its weekday's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    week: Week
    exceptions: dict[date, Periods] = Field(
        default_factory=dict[date, list[str]], examples=[{"2026-12-25": [], "2026-12-24": ["08:00-13:00"]}]
    )

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if len(self.exceptions) > MAX_EXCEPTIONS:
            raise ValueError(f"at most {MAX_EXCEPTIONS} exceptions: leave out those that are over")
        return self

    def periods_of(self, day: date) -> list[str]:
        """Of that day, as written."""
        by_weekday = (
            self.week.mon,
            self.week.tue,
            self.week.wed,
            self.week.thu,
            self.week.fri,
            self.week.sat,
            self.week.sun,
        )
        return self.exceptions.get(day, by_weekday[day.weekday()])


@dataclass(frozen=True, slots=True)
class Opening:
    is_open: bool
    opens_at: datetime | None
    closes_at: datetime | None


def opening_at(hours: Hours, zone: ZoneInfo, now: datetime) -> Opening:
    """Whether it is open, and when that changes, if it does within `MAX_DAYS_AHEAD` days."""
    today = now.astimezone(zone).date()
    for opens, closes in _stretches(hours, zone, today - _LOOK_BACK, MAX_DAYS_AHEAD + 2):
        if closes <= now:
            continue
        if opens > now:
            return Opening(is_open=False, opens_at=opens, closes_at=None)
        ends = closes if closes - now < timedelta(days=MAX_DAYS_AHEAD) else None
        return Opening(is_open=True, opens_at=None, closes_at=ends)
    return Opening(is_open=False, opens_at=None, closes_at=None)


def opens_on(hours: Hours | None, zone: ZoneInfo, day: date, now: datetime) -> datetime | None:
    """When the shop opens on that day, after now. None: not (any more)."""
    if hours is None:
        usual = datetime.combine(day, USUAL_OPENING, zone).astimezone(UTC)
        return usual if usual > now else None
    begins = [opens for opens, _ in _stretches(hours, zone, day, 1) if opens > now]
    return begins[0] if begins else None


def _stretches(hours: Hours, zone: ZoneInfo, first: date, days: int) -> Iterator[tuple[datetime, datetime]]:
    """When it is open, in order; what touches or overlaps is one."""
    found = sorted(
        (_moment(day, opens, zone), _moment(day, closes, zone))
        for day in (first + timedelta(days=at) for at in range(days))
        for opens, closes in map(minutes_of, hours.periods_of(day))
    )
    begun: tuple[datetime, datetime] | None = None
    for opens, closes in found:
        if begun is not None and opens <= begun[1]:
            begun = begun[0], max(begun[1], closes)
            continue
        if begun is not None:
            yield begun
        begun = opens, closes
    if begun is not None:
        yield begun


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    wall = datetime.combine(day + timedelta(days=minute // _DAY_MIN), time(minute // 60 % 24, minute % 60), zone)
    return wall.astimezone(UTC)
