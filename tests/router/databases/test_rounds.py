"""Each dedicated database is visited when something happened in it, and every half minute besides."""

import threading
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import pytest

from contracts.ids import VendorId
from kit.wakes import Wakes
from router.databases import Databases, OpsDatabase
from router.dedicated import Tenants, target_unusable
from router.rounds import EVERY_S, IDLE_S, Rounds, Work
from router.targets import Access, Dedicated
from tests.support.databases import NewDatabase
from tests.support.homes import AllAt
from tests.support.tenants import Watch, settings_in, sqlite_target

NAMES = tuple(VendorId(name) for name in ("a", "b", "c"))
LONGEST_S = 30.0


@pytest.fixture
def databases(
    sqlite_database: NewDatabase, tmp_path: Path, sqlite_templates: Callable[[str], Path]
) -> Generator[Databases]:
    homes = AllAt(Dedicated(sqlite_target(tmp_path, sqlite_templates)), NAMES)
    tenants = Tenants(Access.of(settings_in(tmp_path), {}), ceiling=60)
    with closing(Databases(sqlite_database("platform"), sqlite_database("ops"), homes, tenants)) as databases:
        yield databases


class Visits:
    def __init__(self) -> None:
        self.made: list[str] = []

    def work(self, database: OpsDatabase) -> bool:
        with database.across() as tx:
            assert tx is not None
        self.made.append(str(database.only))
        return False


def run(rounds: Rounds) -> None:
    while rounds.turn():
        pass


@pytest.fixture
def visits() -> Visits:
    return Visits()


@pytest.fixture
def rounds(databases: Databases, visits: Visits, watch: Watch) -> Rounds:
    return Rounds(databases, [visits.work], monotonic=watch)


def test_at_the_start_each_is_visited_once(rounds: Rounds, visits: Visits) -> None:
    run(rounds)
    assert visits.made == list(NAMES)


def test_each_is_visited_again_within_half_a_minute_and_not_before_its_time(
    rounds: Rounds, visits: Visits, watch: Watch
) -> None:
    run(rounds)
    watch.now_s += EVERY_S - 0.001
    run(rounds)
    assert len(visits.made) == len(NAMES)
    watch.now_s += LONGEST_S - EVERY_S - IDLE_S
    run(rounds)
    assert sorted(visits.made) == sorted(NAMES * 2)


def test_one_in_which_something_happened_is_visited_at_once_and_alone(rounds: Rounds, visits: Visits) -> None:
    run(rounds)
    visits.made.clear()
    rounds.wake(NAMES[1])
    rounds.wake(NAMES[1])
    rounds.wake(VendorId("nobody"))
    run(rounds)
    assert visits.made == [NAMES[1]]


def test_where_more_waits_the_next_visit_follows_at_once(databases: Databases, watch: Watch) -> None:
    left = dict.fromkeys(NAMES, 3)

    def work(database: OpsDatabase) -> bool:
        assert database.only is not None
        left[database.only] -= 1
        return left[database.only] > 0

    run(Rounds(databases, [work], monotonic=watch))
    assert set(left.values()) == {0}


def test_one_that_fails_holds_back_no_other_and_no_other_work(
    databases: Databases, visits: Visits, watch: Watch
) -> None:
    def fail(database: OpsDatabase) -> bool:
        if database.only == NAMES[0]:
            raise RuntimeError("this one is odd")
        return False

    works: list[Work] = [fail, visits.work]
    run(Rounds(databases, works, monotonic=watch))
    assert visits.made == list(NAMES)


def test_one_that_is_down_is_left_for_the_next_round(databases: Databases, visits: Visits, watch: Watch) -> None:
    def fail(database: OpsDatabase) -> bool:
        if database.only == NAMES[0]:
            raise target_unusable()
        return False

    rounds = Rounds(databases, [fail, visits.work], monotonic=watch)
    run(rounds)
    assert visits.made == list(NAMES[1:])


def test_two_threads_are_never_in_one_database(databases: Databases, watch: Watch) -> None:
    inside: set[str] = set()
    met: list[str] = []
    lock = threading.Lock()
    together = threading.Barrier(len(NAMES))

    def work(database: OpsDatabase) -> bool:
        name = str(database.only)
        with lock:
            if name in inside:
                met.append(name)
            inside.add(name)
        together.wait(30)  # all three are visited at the same time
        with lock:
            inside.discard(name)
        return False

    rounds = Rounds(databases, [work], monotonic=watch)
    threads = [threading.Thread(target=run, args=(rounds,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert met == []


def test_its_loop_does_what_was_woken(databases: Databases, watch: Watch) -> None:
    seen = threading.Semaphore(0)

    def work(database: OpsDatabase) -> bool:
        seen.release()
        return False

    rounds = Rounds(databases, [work], Wakes(None), monotonic=watch)
    rounds.loop.start()
    try:
        for _ in NAMES:
            assert seen.acquire(timeout=30)
        rounds.news_of(NAMES[2])()
        assert seen.acquire(timeout=30)
    finally:
        rounds.loop.stop()
        rounds.loop.join(30)


def test_news_wakes_the_rounds_of_the_process_in_which_they_run(
    databases: Databases, visits: Visits, watch: Watch
) -> None:
    wakes = Wakes(None)
    rounds = Rounds(databases, [visits.work], wakes, monotonic=watch)
    told = rounds.news_of(NAMES[2])
    run(rounds)
    visits.made.clear()
    told()  # these rounds don't run: another process, if there is one, hears of it
    run(rounds)
    assert visits.made == []
    rounds.wake(NAMES[2])
    run(rounds)
    assert visits.made == [NAMES[2]]
