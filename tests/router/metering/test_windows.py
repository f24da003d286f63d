"""Windows follow one another without gap or overlap, in any zone, on any anchor day."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from router.metering.rules import Calendar, window_at, window_named

# Summer time at midnight (Cairo, Havana, Asuncion, Beirut), half hours, a day that was left out (Kwajalein, Apia),
# both sides of the date line, and where our shops are.
ZONES = (
    "Africa/Nairobi",
    "Africa/Luanda",
    "Africa/Cairo",
    "America/Asuncion",
    "America/Havana",
    "America/St_Johns",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Europe/Lisbon",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Pacific/Kwajalein",
    "UTC",
    "Mars/Olympus",
)

calendars = st.builds(Calendar, st.sampled_from(ZONES), st.integers(1, 28))
moments = st.datetimes(datetime(1971, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@given(calendars, moments)
@example(Calendar("Pacific/Kwajalein", 21), at("1993-08-21T11:30:00+00:00"))
@example(Calendar("Pacific/Kwajalein", 21), at("1993-08-20T12:00:00+00:00"))
@example(Calendar("America/St_Johns", 25), at("1987-10-25T03:00:00+00:00"))
@example(Calendar("Africa/Cairo", 28), at("2023-04-27T22:00:00+00:00"))
def test_every_moment_lies_in_its_window_and_in_no_neighbour(calendar: Calendar, moment: datetime) -> None:
    window = window_at(moment, calendar)
    before = window_at(window.begins_at - timedelta(microseconds=1), calendar)
    after = window_at(window.ends_at, calendar)
    assert moment in window
    assert moment not in before
    assert moment not in after
    assert (before.ends_at, window.ends_at) == (window.begins_at, after.begins_at)
    assert before.id < window.id < after.id


@given(calendars, moments)
def test_a_window_is_the_same_by_its_name(calendar: Calendar, moment: datetime) -> None:
    window = window_at(moment, calendar)
    assert window_named(window.id, calendar) == window


@given(calendars, moments)
def test_a_window_begins_on_its_anchor_day_or_where_the_clocks_skip_it_right_after(
    calendar: Calendar, moment: datetime
) -> None:
    window = window_at(moment, calendar)
    begins = window.begins_at.astimezone(calendar.zone)
    midnight = datetime(begins.year, int(window.id[5:]), calendar.anchor_day, tzinfo=calendar.zone)
    assert timedelta(0) <= begins.replace(tzinfo=None) - midnight.replace(tzinfo=None) <= timedelta(hours=24)
    assert timedelta(days=27) <= window.ends_at - window.begins_at <= timedelta(days=32)


@given(calendars, moments, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_a_later_moment_never_lies_in_an_earlier_window(calendar: Calendar, moment: datetime, step: timedelta) -> None:
    assert window_at(moment, calendar).id <= window_at(moment + step, calendar).id


@pytest.mark.parametrize(
    ("moment", "zone", "anchor_day", "window"),
    [
        ("2026-10-31T20:59:59.999999+00:00", "Africa/Nairobi", 1, "2026-10"),
        ("2026-10-31T21:00:00+00:00", "Africa/Nairobi", 1, "2026-11"),
        ("2026-10-31T22:59:59+00:00", "Africa/Luanda", 1, "2026-10"),
        ("2026-10-31T23:00:00+00:00", "Africa/Luanda", 1, "2026-11"),
        ("2026-11-14T20:59:59+00:00", "Africa/Nairobi", 15, "2026-10"),
        ("2026-11-14T21:00:00+00:00", "Africa/Nairobi", 15, "2026-11"),
        ("2027-01-03T12:00:00+00:00", "Africa/Nairobi", 28, "2026-12"),
        ("2026-11-20T12:00:00+03:00", "Mars/Olympus", 1, "2026-11"),
    ],
)
def test_midnight_of_the_anchor_day_is_the_shop_s_own(moment: str, zone: str, anchor_day: int, window: str) -> None:
    assert window_at(at(moment), Calendar(zone, anchor_day)).id == window


def test_a_midnight_that_the_clocks_skip_is_where_they_jump() -> None:
    cairo = Calendar("Africa/Cairo", 28)  # 2023-04-28 began at 01:00
    begins = window_named("2023-04", cairo).begins_at
    assert begins == at("2023-04-27T22:00:00+00:00")
    assert begins.astimezone(ZoneInfo("Africa/Cairo")).hour == 1


def test_a_midnight_that_the_clocks_strike_twice_counts_the_first_time() -> None:
    havana = Calendar("America/Havana", 2)  # 2025-11-02: at 01:00 back to 00:00
    assert window_named("2025-11", havana).begins_at == at("2025-11-02T04:00:00+00:00")


@pytest.mark.parametrize(
    "wrong", ["", "2026", "2026-13", "2026-00", "2026-1", "26-11", "2026-11-01", "abcd-ef", "0000-01"]
)
def test_what_is_no_month_is_no_window(wrong: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        window_named(wrong, Calendar("Africa/Nairobi"))


@pytest.mark.parametrize("day", [0, 29, -1])
def test_a_month_begins_on_a_day_that_every_month_has(day: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 28"):
        Calendar("Africa/Nairobi", day)
