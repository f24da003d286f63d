"""Reminders: one of a cart, one of an unpaid order, by day, never of what was dealt with, exactly once."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.clock import FixedClock
from router.orders.reminders import DAY_BEGINS, DAY_ENDS, Patience, Reminders, by_day, end_of_day
from tests.support.counter import AMINA, BARAKA, MAMA, Counter, make_counter
from tests.support.databases import NewDatabase

NAIROBI = ZoneInfo("Africa/Nairobi")
PATIENCE = Patience(cart=timedelta(hours=3), order=timedelta(hours=1))
REMINDERS = ("cart.left_behind", "order.unpaid")


def at(hour: int, minute: int = 0, day: int = 21) -> datetime:
    """In Nairobi."""
    return datetime(2026, 11, day, hour, minute, tzinfo=NAIROBI).astimezone(UTC)


@pytest.fixture
def morning(new_database: NewDatabase, tmp_path: Path) -> Generator[Counter]:
    """On both databases, at nine in the morning, with milk and eggs on the shelf."""
    for counter in make_counter(new_database, FixedClock(at(9)), tmp_path):
        counter.put("milk", on_hand=50)
        counter.put("eggs", on_hand=None)
        yield counter


def reminders(counter: Counter, patience: Patience = PATIENCE) -> Reminders:
    return Reminders(counter.databases, counter.directory, counter.clock, patience)


def said(counter: Counter, patience: Patience = PATIENCE) -> list[str]:
    """What customers were reminded of, all in all, after the sweep came by twice."""
    for _ in range(2):
        reminders(counter, patience).turn()
    return [each for each in counter.news() if each in REMINDERS]


def test_a_cart_is_spoken_of_once_and_counts_from_its_last_change(morning: Counter) -> None:
    morning.add("milk")
    morning.clock.advance(timedelta(hours=2))
    morning.add("eggs")
    morning.clock.advance(timedelta(hours=3) - timedelta(microseconds=1))
    assert said(morning) == []
    morning.clock.advance(timedelta(microseconds=1))
    assert said(morning) == ["cart.left_behind"]
    morning.add("eggs")
    morning.clock.advance(timedelta(hours=3))
    assert said(morning) == ["cart.left_behind"]


def test_a_reminder_says_until_when_it_may_be_said(morning: Counter) -> None:
    morning.add("milk")
    morning.clock.advance(timedelta(hours=3))
    assert said(morning) == ["cart.left_behind"]
    (news,) = morning.announced()
    assert datetime.fromisoformat(news.data["not_after"]) == at(20)


def test_an_unpaid_order_is_spoken_of_once_though_its_cart_was(morning: Counter) -> None:
    morning.add("milk")
    morning.clock.advance(timedelta(hours=3))
    assert said(morning) == ["cart.left_behind"]
    morning.confirm()
    morning.clock.advance(timedelta(hours=1))
    assert said(morning) == ["cart.left_behind", "order.unpaid"]
    morning.clock.advance(timedelta(hours=9))
    assert said(morning) == ["cart.left_behind", "order.unpaid"]


def test_nothing_is_said_of_what_was_dealt_with(morning: Counter) -> None:
    paid = morning.confirmed("eggs")
    morning.hear(morning.started(paid.code))
    morning.confirmed("eggs", who=BARAKA)
    morning.cancel(who=BARAKA)
    morning.add("milk", who=BARAKA)
    morning.remove(1, who=BARAKA)
    morning.add("milk", who=AMINA)
    morning.cancel(who=AMINA)
    morning.clock.advance(timedelta(hours=5))
    assert said(morning) == []


def test_at_night_it_waits_for_the_morning_and_may_be_settled_by_then(morning: Counter) -> None:
    morning.clock.advance(timedelta(hours=10, minutes=30))  # 19:30
    morning.confirmed("eggs")
    morning.confirmed("eggs", who=BARAKA)
    morning.clock.advance(timedelta(hours=1))
    assert said(morning) == []
    morning.cancel(who=BARAKA)
    morning.clock.advance(timedelta(hours=11, minutes=29))  # 07:59
    assert said(morning) == []
    morning.clock.advance(timedelta(minutes=1))
    assert said(morning) == ["order.unpaid"]


def test_while_a_prompt_is_on_the_phone_nobody_is_reminded(morning: Counter) -> None:
    order = morning.confirmed("eggs")
    morning.clock.advance(timedelta(minutes=59, seconds=50))
    morning.started(order.code)
    morning.clock.advance(timedelta(seconds=20))
    assert said(morning) == []


def test_a_shop_that_wants_no_reminders_has_none(morning: Counter) -> None:
    morning.add("milk")
    morning.confirmed("eggs", who=BARAKA)
    morning.clock.advance(timedelta(hours=5))
    assert said(morning, Patience(cart=None, order=None)) == []


def test_several_workers_at_once_say_it_once(morning: Counter) -> None:
    customers = [f"whatsapp:+2547000000{number:02}" for number in range(10, 16)]
    for who in customers:
        morning.add("eggs", who=who)
    morning.clock.advance(timedelta(hours=3))
    together = Barrier(4)

    def work(_number: int) -> bool:
        together.wait(timeout=30)
        return reminders(morning).turn()

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(work, range(4)))
    assert morning.news() == ["cart.left_behind"] * len(customers)
    assert MAMA


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 # bounds of naive
    st.sampled_from(["Africa/Nairobi", "Africa/Luanda", "Europe/Lisbon"]),
)
def test_a_reminder_is_never_early_never_at_night_and_at_most_twelve_hours_late(moment: datetime, name: str) -> None:
    spoken = by_day(moment, ZoneInfo(name))
    assert moment <= spoken <= moment + timedelta(hours=13)
    assert DAY_BEGINS <= spoken.astimezone(ZoneInfo(name)).time() < DAY_ENDS
    last = end_of_day(spoken, ZoneInfo(name))
    assert spoken < last <= spoken + timedelta(hours=12)
    assert last.astimezone(ZoneInfo(name)).time() == DAY_ENDS
