"""Batches: nobody waits for company, one bad item harms itself alone, and nobody waits for ever."""

import threading
from collections.abc import Callable, Sequence

import pytest

from kit.batches import Batches, Closed

LONG_S = 30.0


class Work:
    """A `run` that keeps what it was given and can be held up."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.may_go = threading.Event()
        self.may_go.set()
        self.has_begun = threading.Event()
        self.bad: set[int] = set()

    def __call__(self, items: Sequence[int]) -> list[str]:
        self.batches.append(list(items))
        self.has_begun.set()
        assert self.may_go.wait(LONG_S)
        if self.bad & set(items):
            raise ValueError("a bad item")
        return [f"did {item}" for item in items]


def batches_of(work: Callable[[Sequence[int]], Sequence[str]], **limits: float) -> Batches[int, str]:
    return Batches(work, key=lambda item: f"{item:03}", **limits)  # type: ignore[arg-type]


class Crowd:
    """Threads that each submit one item while the first batch is held up."""

    def __init__(self, batches: Batches[int, str]) -> None:
        self.batches = batches
        self.answers: dict[int, str | BaseException] = {}
        self.threads: list[threading.Thread] = []

    def brings(self, item: int) -> None:
        def submit() -> None:
            try:
                self.answers[item] = self.batches.submit(item)
            except Exception as error:
                self.answers[item] = error

        thread = threading.Thread(target=submit)
        thread.start()
        self.threads.append(thread)

    def waits(self, count: int) -> None:
        """Until so many items wait for the batch after the one under way."""
        guard = self.batches._guard  # pyright: ignore[reportPrivateUsage]
        for _ in range(3000):
            with guard:
                if len(self.batches._waiting) >= count:  # pyright: ignore[reportPrivateUsage]
                    return
            threading.Event().wait(0.01)
        raise AssertionError("they never came")

    def goes_home(self) -> None:
        for thread in self.threads:
            thread.join(LONG_S)
            assert not thread.is_alive()


def held_up(work: Work, **limits: float) -> Crowd:
    """A crowd whose first item, 0, is being done and not done yet."""
    crowd = Crowd(batches_of(work, **limits))
    work.may_go.clear()
    crowd.brings(0)
    assert work.has_begun.wait(LONG_S)
    return crowd


def test_a_lone_item_is_done_at_once_by_the_thread_that_brings_it() -> None:
    seen: list[threading.Thread] = []

    def run(items: Sequence[int]) -> list[str]:
        seen.append(threading.current_thread())
        return [str(item) for item in items]

    batches = batches_of(run)
    assert [batches.submit(1), batches.submit(2)] == ["1", "2"]
    assert seen == [threading.current_thread()] * 2


def test_what_comes_meanwhile_is_one_batch_sorted_by_its_key() -> None:
    work = Work()
    crowd = held_up(work)
    for item in (5, 3, 9, 1):
        crowd.brings(item)
    crowd.waits(4)
    work.may_go.set()
    crowd.goes_home()

    assert work.batches == [[0], [1, 3, 5, 9]]
    assert crowd.answers == {item: f"did {item}" for item in (0, 1, 3, 5, 9)}


def test_a_batch_has_a_largest_size() -> None:
    work = Work()
    crowd = held_up(work, most=2)
    for item in range(1, 6):
        crowd.brings(item)
    crowd.waits(5)
    work.may_go.set()
    crowd.goes_home()
    assert sorted(len(batch) for batch in work.batches) == [1, 1, 2, 2]


def test_an_item_that_breaks_its_batch_fails_alone() -> None:
    work = Work()
    work.bad = {3}
    crowd = held_up(work)
    for item in (1, 2, 3, 4):
        crowd.brings(item)
    crowd.waits(4)
    work.may_go.set()
    crowd.goes_home()

    assert work.batches == [[0], [1, 2, 3, 4], [1], [2], [3], [4]]
    assert isinstance(crowd.answers.pop(3), ValueError)
    assert crowd.answers == {item: f"did {item}" for item in (0, 1, 2, 4)}


def test_a_batch_that_fails_once_is_done_item_by_item() -> None:
    work = Work()
    crowd = held_up(work)
    real, failures = work.__call__, [RuntimeError("the database went away")]

    def flaky(items: Sequence[int]) -> list[str]:
        if len(items) > 1 and failures:
            raise failures.pop()
        return real(items)

    crowd.batches._run = flaky  # pyright: ignore[reportPrivateUsage]
    for item in (1, 2):
        crowd.brings(item)
    crowd.waits(2)
    work.may_go.set()
    crowd.goes_home()
    assert crowd.answers == {item: f"did {item}" for item in (0, 1, 2)}


def test_too_few_answers_are_a_failure_and_never_somebody_elses() -> None:
    def run(items: Sequence[int]) -> list[str]:
        return []

    with pytest.raises(RuntimeError, match="0 answers to 1"):
        batches_of(run).submit(1)


def test_after_a_failure_the_next_item_is_done() -> None:
    work = Work()
    work.bad = {1}
    batches = batches_of(work)
    with pytest.raises(ValueError, match="bad"):
        batches.submit(1)
    assert batches.submit(2) == "did 2"


def test_who_waits_too_long_withdraws_and_is_not_done() -> None:
    work = Work()
    crowd = held_up(work, wait_s=0.05)
    crowd.brings(1)
    crowd.threads[-1].join(LONG_S)
    assert isinstance(crowd.answers[1], TimeoutError)

    work.may_go.set()
    crowd.goes_home()
    assert work.batches == [[0]]
    assert crowd.batches.submit(2) == "did 2"


def test_who_was_taken_when_the_time_ran_out_is_told_so_and_done_all_the_same() -> None:
    work = Work()
    crowd = held_up(work, wait_s=LONG_S)
    second = threading.Event()
    real = work.__call__

    def slow(items: Sequence[int]) -> list[str]:
        if 1 in items:
            second.set()
            assert crowd_is_told.wait(LONG_S)
        return real(items)

    crowd_is_told = threading.Event()
    crowd.batches._run = slow  # pyright: ignore[reportPrivateUsage]
    crowd.brings(1)
    crowd.waits(1)
    crowd.brings(2)
    crowd.waits(2)
    place_of_2 = crowd.batches._waiting[-1]  # pyright: ignore[reportPrivateUsage]
    work.may_go.set()
    assert second.wait(LONG_S)  # 1 leads the second batch, and 2 is in it
    with pytest.raises(TimeoutError):
        crowd.batches._give_up(place_of_2)  # pyright: ignore[reportPrivateUsage]
    crowd_is_told.set()
    crowd.goes_home()

    assert work.batches == [[0], [1, 2]]
    assert crowd.answers == {item: f"did {item}" for item in (0, 1, 2)}


def test_a_thread_that_is_ended_while_it_leads_leaves_nobody_waiting() -> None:
    class Ended(BaseException):
        pass

    work = Work()

    def killed(items: Sequence[int]) -> list[str]:
        work(items)
        raise Ended

    batches = batches_of(killed)
    crowd = Crowd(batches)
    work.may_go.clear()

    def lead() -> None:
        with pytest.raises(Ended):
            batches.submit(0)

    leader = threading.Thread(target=lead)
    leader.start()
    assert work.has_begun.wait(LONG_S)
    crowd.brings(1)
    crowd.waits(1)
    batches._run = work  # pyright: ignore[reportPrivateUsage]
    work.may_go.set()
    leader.join(LONG_S)
    crowd.goes_home()
    assert crowd.answers == {1: "did 1"}


def test_after_closing_nothing_is_taken_and_what_was_taken_is_done() -> None:
    work = Work()
    crowd = held_up(work)
    crowd.brings(1)
    crowd.waits(1)
    closer = threading.Thread(target=crowd.batches.close, args=(LONG_S,))
    closer.start()
    while not crowd.batches._is_closed:  # pyright: ignore[reportPrivateUsage]
        threading.Event().wait(0.01)
    with pytest.raises(Closed):
        crowd.batches.submit(2)
    work.may_go.set()
    closer.join(LONG_S)
    crowd.goes_home()
    assert crowd.answers == {0: "did 0", 1: "did 1"}
    crowd.batches.close()


def test_many_threads_are_all_answered_with_their_own_answer() -> None:
    sizes: list[int] = []

    def run(items: Sequence[int]) -> list[str]:
        sizes.append(len(items))
        return [f"did {item}" for item in items]

    batches = batches_of(run, most=16)
    wrong: list[str] = []

    def submit_some(first: int) -> None:
        for item in range(first, first + 50):
            answer = batches.submit(item)
            if answer != f"did {item}":
                wrong.append(answer)

    threads = [threading.Thread(target=submit_some, args=(n * 50,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
    assert (wrong, sum(sizes)) == ([], 800)
    assert max(sizes) <= 16
