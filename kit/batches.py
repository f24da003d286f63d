"""What several threads ask for at the same moment, done in one go: a group commit.

It has no thread of its own and adds no wait: who finds nobody at work does what waits, its own item among it; what
arrives meanwhile is the next batch, done by the first of those who brought it. So a lone item is done at once, and the
more there are, the larger the batches."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import structlog

_log = structlog.get_logger()

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Closed(RuntimeError):
    """Nothing more is taken: the process is ending."""


class _Place(Generic[Item, Answer]):
    """One item and the thread that waits for its answer. All but `item` is guarded by the queue."""

    __slots__ = ("answers", "error", "is_done", "is_taken", "item", "leads", "woken")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.answers: list[Answer] = []
        self.error: BaseException | None = None
        self.is_taken = False
        self.is_done = False
        self.leads = False
        self.woken = threading.Event()


class Batches(Generic[Item, Answer]):
    """Thread-safe. One batch is under way at a time."""

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Answer]],
        *,
        key: Callable[[Item], str],
        most: int = 128,
        wait_s: float = 10.0,
    ) -> None:
        """`run` does a batch, sorted by `key` so that rows are always locked in one order, and gives an answer for
        each. Where it raises, nothing of the batch may have been kept: then each item is run on its own, once."""
        self._run = run
        self._key = key
        self._most = most
        self._wait_s = wait_s
        self._guard = threading.Condition()
        self._waiting: deque[_Place[Item, Answer]] = deque()
        self._is_busy = False
        self._is_closed = False

    def submit(self, item: Item) -> Answer:
        """The item's answer, once its batch is done. Raises what `run` raised for this item alone; Closed; TimeoutError
        when its batch was not done in time: then it was withdrawn, or may still be done by the batch it is in."""
        place: _Place[Item, Answer] = _Place(item)
        with self._guard:
            if self._is_closed:
                raise Closed("nothing more is taken")
            self._waiting.append(place)
            place.leads = not self._is_busy
            self._is_busy = True
        if not place.leads and not place.woken.wait(self._wait_s):
            self._give_up(place)
        if not place.is_done:
            self._lead()
        if place.error is not None:
            raise place.error
        return place.answers[0]

    def close(self, timeout_s: float = 5.0) -> None:
        """Take nothing more, and wait for what was taken. Called twice, it does nothing more."""
        with self._guard:
            self._is_closed = True
            self._guard.wait_for(lambda: not self._is_busy, timeout_s)

    def _give_up(self, place: _Place[Item, Answer]) -> None:
        """Unless it was done, or made to lead, at the last moment."""
        with self._guard:
            if place.is_done or place.leads:
                return
            if not place.is_taken:
                self._waiting.remove(place)
        raise TimeoutError("too many at once: the batch was not done in time")

    def _lead(self) -> None:
        """Do one batch, then let the first of those who came meanwhile do the next."""
        with self._guard:
            places = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            for place in places:
                place.is_taken = True
        try:
            self._do(sorted(places, key=lambda place: self._key(place.item)))
        finally:
            with self._guard:
                for place in places:
                    if not place.is_done:  # this thread is being ended
                        self._settle(place, error=RuntimeError("the batch broke off"))
                if self._waiting:
                    self._waiting[0].leads = True
                    self._waiting[0].woken.set()
                else:
                    self._is_busy = False
                    self._guard.notify_all()

    def _do(self, places: Sequence[_Place[Item, Answer]]) -> None:
        try:
            answers = self._run([place.item for place in places])
            if len(answers) != len(places):
                raise RuntimeError(f"{len(answers)} answers to {len(places)} items")
        except Exception as error:
            if len(places) == 1:
                with self._guard:
                    self._settle(places[0], error=error)
                return
            _log.warning("a batch is done one by one now", items=len(places), error=type(error).__name__)
            for place in places:
                self._do([place])
            return
        with self._guard:
            for place, answer in zip(places, answers, strict=True):
                self._settle(place, answer)

    @staticmethod
    def _settle(place: _Place[Item, Answer], *answers: Answer, error: BaseException | None = None) -> None:
        place.answers.extend(answers)
        place.error = error
        place.is_done = True
        place.woken.set()
