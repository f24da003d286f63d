"""A database that fails is left alone, tried by one at a time, and trusted again as soon as it answers."""

import pytest

from router.breaker import FAILURES_TO_OPEN, FIRST_PAUSE_S, LONGEST_PAUSE_S, Breaker, Closed, StaysOpen
from tests.support.tenants import Watch


@pytest.fixture
def breaker(watch: Watch) -> Breaker:
    return Breaker(watch)


def opened(breaker: Breaker) -> Breaker:
    for _ in range(FAILURES_TO_OPEN):
        breaker.failed(breaker.admit())
    return breaker


def retry_after_s(breaker: Breaker) -> int:
    with pytest.raises(StaysOpen) as refused:
        breaker.admit()
    return refused.value.retry_after_s


def test_one_that_never_failed_lets_everybody_in_at_once(breaker: Breaker) -> None:
    assert [breaker.admit() for _ in range(100)] == [Closed.TRUSTING] * 100
    assert breaker.would_admit


def test_after_one_failure_they_come_one_at_a_time(breaker: Breaker) -> None:
    breaker.failed(breaker.admit())
    assert breaker.would_admit
    assert breaker.admit() is Closed.PROBING
    assert not breaker.would_admit
    assert retry_after_s(breaker) == 1


def test_it_opens_with_the_third_failure_in_a_row_and_says_so_once(breaker: Breaker) -> None:
    assert [breaker.failed(breaker.admit()) for _ in range(FAILURES_TO_OPEN)] == [False, False, True]
    assert retry_after_s(breaker) == FIRST_PAUSE_S
    assert not breaker.would_admit


def test_a_success_in_between_starts_the_count_anew(breaker: Breaker) -> None:
    for _ in range(10):
        for _ in range(FAILURES_TO_OPEN - 1):
            breaker.failed(breaker.admit())
        breaker.admit()
        assert breaker.succeeded()
    assert breaker.admit() is Closed.TRUSTING
    assert not breaker.succeeded()


def test_after_the_pause_one_tries_and_the_others_still_wait(breaker: Breaker, watch: Watch) -> None:
    opened(breaker)
    watch.now_s += FIRST_PAUSE_S - 0.001
    assert retry_after_s(breaker) == 1
    watch.now_s += 0.001
    assert breaker.would_admit
    assert breaker.admit() is Closed.PROBING
    assert retry_after_s(breaker) == 1
    assert breaker.succeeded()
    assert breaker.admit() is Closed.TRUSTING


def test_each_probe_that_fails_doubles_the_pause_up_to_a_minute(breaker: Breaker, watch: Watch) -> None:
    opened(breaker)
    pauses: list[int] = []
    for _ in range(20):
        pauses.append(retry_after_s(breaker))
        watch.now_s += pauses[-1]
        breaker.failed(breaker.admit())
    assert pauses[:5] == [5, 10, 20, 40, 60]
    assert set(pauses[4:]) == {LONGEST_PAUSE_S}


def test_those_who_were_under_way_when_it_opened_make_the_pause_no_longer(breaker: Breaker) -> None:
    under_way = [breaker.admit() for _ in range(20)]
    for how in under_way:
        breaker.failed(how)
    assert retry_after_s(breaker) == FIRST_PAUSE_S


def test_a_probe_that_said_nothing_leaves_the_turn_to_the_next(breaker: Breaker, watch: Watch) -> None:
    opened(breaker)
    watch.now_s += FIRST_PAUSE_S
    breaker.undecided(breaker.admit())
    assert breaker.admit() is Closed.PROBING
