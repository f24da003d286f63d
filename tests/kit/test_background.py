"""A loop works while there is work, wakes at once, survives errors and finishes its turn when it is stopped."""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager

from structlog.testing import capture_logs

from kit.background import Loop

LONG_S = 60.0
WITHIN_S = 10.0


@contextmanager
def running(
    turn: Callable[[], bool | None],
    *,
    idle_s: float = LONG_S,
    threads: int = 1,
    is_handed_work: Callable[[], bool] = lambda: False,
) -> Generator[Loop]:
    loop = Loop("test", turn, idle_s=idle_s, threads=threads, is_handed_work=is_handed_work)
    loop.start()
    try:
        yield loop
    finally:
        loop.stop()
        loop.join(WITHIN_S)


def test_turns_follow_each_other_while_there_is_work() -> None:
    left = list(range(100))
    done = threading.Event()

    def turn() -> bool:
        if left:
            left.pop()
            return True
        done.set()
        return False

    with running(turn):
        assert done.wait(WITHIN_S)
    assert left == []


def test_a_wake_up_ends_the_sleep_at_once() -> None:
    turns = threading.Semaphore(0)

    def turn() -> bool:
        turns.release()
        return False

    with running(turn) as loop:
        assert turns.acquire(timeout=WITHIN_S)
        loop.wake()
        assert turns.acquire(timeout=WITHIN_S)
        assert not turns.acquire(timeout=0.2)


def test_a_wake_up_during_a_turn_is_not_lost() -> None:
    in_turn, go_on = threading.Event(), threading.Event()
    turns: list[int] = []
    second = threading.Event()

    def turn() -> bool:
        turns.append(1)
        if len(turns) == 1:
            in_turn.set()
            assert go_on.wait(WITHIN_S)
        else:
            second.set()
        return False

    with running(turn) as loop:
        assert in_turn.wait(WITHIN_S)
        loop.wake()
        go_on.set()
        assert second.wait(WITHIN_S)


def test_without_a_wake_up_it_sweeps_after_the_idle_time() -> None:
    turns = threading.Semaphore(0)

    def turn() -> bool:
        turns.release()
        return False

    with running(turn, idle_s=0.01):
        for _ in range(3):
            assert turns.acquire(timeout=WITHIN_S)


def test_of_several_idle_threads_one_looks() -> None:
    idle_s, threads, looks = 0.1, 8, list[float]()

    def turn() -> bool:
        looks.append(time.monotonic())
        return False

    began = time.monotonic()
    with running(turn, idle_s=idle_s, threads=threads):
        while len(looks) < threads + 4:
            assert time.monotonic() < began + WITHIN_S
            time.sleep(0.01)
    assert len(looks) <= threads + (time.monotonic() - began) / idle_s + 1


def test_work_that_is_handed_over_again_and_again_puts_off_no_sweep() -> None:
    handed: deque[int] = deque()
    sweeps = threading.Semaphore(0)

    def turn() -> bool | None:
        if handed:
            handed.popleft()
            return None
        sweeps.release()
        return False

    began = time.monotonic()
    with running(turn, idle_s=0.2, is_handed_work=lambda: bool(handed)) as loop:
        for _ in range(3):
            while not sweeps.acquire(timeout=0.02):
                assert time.monotonic() < began + WITHIN_S
                handed.append(1)
                loop.nudge()


def test_an_error_in_a_turn_is_logged_and_the_loop_goes_on() -> None:
    turns: list[int] = []
    second = threading.Event()

    def turn() -> bool:
        turns.append(1)
        if len(turns) == 1:
            raise RuntimeError("a broken turn")
        second.set()
        return False

    with capture_logs() as logs, running(turn):
        assert second.wait(WITHIN_S)
    assert [(line["event"], line["loop"]) for line in logs] == [("background turn failed", "test")]


def test_stopping_lets_the_turn_under_way_finish_and_takes_no_other() -> None:
    in_turn, go_on = threading.Event(), threading.Event()
    finished: list[int] = []

    def turn() -> bool:
        in_turn.set()
        assert go_on.wait(WITHIN_S)
        finished.append(1)
        return True

    loop = Loop("test", turn, idle_s=LONG_S)
    loop.start()
    assert in_turn.wait(WITHIN_S)
    loop.stop()
    assert loop.is_stopping
    go_on.set()
    loop.join(WITHIN_S)
    assert finished == [1]


def test_several_threads_work_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=WITHIN_S)  # passes only when three turns are under way at once
    passed = threading.Semaphore(0)

    def turn() -> bool:
        together.wait()
        passed.release()
        return False

    with running(turn, threads=3):
        for _ in range(3):
            assert passed.acquire(timeout=WITHIN_S)


def test_a_loop_that_never_started_can_be_stopped() -> None:
    loop = Loop("test", lambda: False, idle_s=LONG_S)
    loop.stop()
    loop.join(WITHIN_S)
    assert loop.is_stopping
