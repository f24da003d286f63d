"""Background work in threads: a loop that works while there is work, sleeps, and is woken by a commit."""

import threading
import time
from collections.abc import Callable

import structlog

from kit.metrics import loop_turned

_log = structlog.get_logger()

_PAUSE_AFTER_ERROR_S = 0.5


class Loop:
    """One named background loop.

    `turn` does one bounded piece of work and returns whether it found any; after a turn that did, the next follows at
    once. Otherwise the loop sleeps until `wake()` or until none of its threads has looked for `idle_s` seconds of real
    time: the wake-up is for speed, the sweep is for truth. An exception in a turn is logged and the loop goes on.

    Work that is handed to the loop in memory needs no look around: `is_handed_work` says whether some waits, and
    `nudge()` wakes one sleeping thread for it without making the busy ones look again. A turn that did such work and
    did not look returns None: it puts off no sweep."""

    def __init__(
        self,
        name: str,
        turn: Callable[[], bool | None],
        *,
        idle_s: float,
        threads: int = 1,
        is_handed_work: Callable[[], bool] = lambda: False,
    ) -> None:
        self.name = name
        self._turn = turn
        self._idle_s = idle_s
        self._is_handed_work = is_handed_work
        self._stopping = threading.Event()
        self._awake = threading.Condition()
        self._tickets = 0
        self._looked_at_s = 0.0
        self._threads = [threading.Thread(target=self._run, name=f"{name}-{n}", daemon=True) for n in range(threads)]

    _was_started = False

    def start(self) -> None:
        self._was_started = True
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """There may be work now. Never blocks; a wake-up during a turn is not lost."""
        with self._awake:
            self._tickets += 1
            self._awake.notify()

    def nudge(self) -> None:
        """Something was handed over; call it afterwards, so that a thread on its way to sleep sees it."""
        with self._awake:
            self._awake.notify()

    def stop(self) -> None:
        """Take no new turn. The one under way is finished; `join` waits for it."""
        self._stopping.set()
        with self._awake:
            self._awake.notify_all()

    def join(self, timeout_s: float) -> None:
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout_s)

    @property
    def is_running(self) -> bool:
        """Whether it takes turns in this process: somebody started it and nobody stopped it."""
        return self._was_started and not self._stopping.is_set()

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._awake:
                seen = self._tickets
            try:
                worked = self._turn()
            except Exception:
                _log.exception("background turn failed", loop=self.name)
                loop_turned(self.name, "failed")
                self._stopping.wait(_PAUSE_AFTER_ERROR_S)
                continue
            loop_turned(self.name, "idle" if worked is False else "worked")
            if worked:
                continue
            if worked is not None:
                self._looked_at_s = time.monotonic()
            self._sleep(seen)

    def _sleep(self, seen: int) -> None:
        """Until something is there, or nobody has looked for `idle_s`: of several idle threads one looks."""
        with self._awake:
            while not self._is_up(seen):
                left_s = self._looked_at_s + self._idle_s - time.monotonic()
                if left_s <= 0:
                    self._looked_at_s = time.monotonic()
                    return
                self._awake.wait(left_s)

    def _is_up(self, seen: int) -> bool:
        return self._tickets != seen or self._stopping.is_set() or self._is_handed_work()
