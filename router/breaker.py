"""Spares everybody the wait for a database that is down: after a few failures it is left alone for a while.

Knows no database: it is told what went well and what did not, and says whether to try."""

import math
import threading
import time
from collections.abc import Callable
from enum import StrEnum

FAILURES_TO_OPEN = 3
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 60.0


class Closed(StrEnum):
    """How a breaker lets one through."""

    TRUSTING = "trusting"
    """As many at once as like."""
    PROBING = "probing"
    """Alone: whoever comes meanwhile is refused. End it with `succeeded`, `failed` or `undecided`."""


class StaysOpen(Exception):
    """Not now: it failed, and may be tried again in `retry_after_s` (whole seconds, at least 1)."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"left alone for another {retry_after_s} s")
        self.retry_after_s = retry_after_s


class Breaker:
    """Of one database. Thread-safe.

    Trusting until the first failure. From then on one at a time may try; after `FAILURES_TO_OPEN` in a row nobody for
    `FIRST_PAUSE_S`, then one; each further failure doubles the pause up to `LONGEST_PAUSE_S`. A success ends it all."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures = 0
        self._is_probed = False
        self._retry_at_s = 0.0

    def admit(self) -> Closed:
        """Raises StaysOpen."""
        if self._failures == 0:  # read without the lock: a failure that is being noted counts for the next one
            return Closed.TRUSTING
        with self._lock:
            if self._failures == 0:
                return Closed.TRUSTING
            left_s = self._retry_at_s - self._monotonic()
            if self._is_probed or left_s > 0:
                raise StaysOpen(max(1, math.ceil(left_s)))
            self._is_probed = True
            return Closed.PROBING

    @property
    def is_failing(self) -> bool:
        """Whether the last that was heard of it was a failure."""
        return self._failures > 0

    @property
    def would_admit(self) -> bool:
        """Whether trying makes sense now, without taking the turn."""
        with self._lock:
            return self._failures == 0 or not (self._is_probed or self._retry_at_s > self._monotonic())

    def succeeded(self) -> bool:
        """Returns whether that ended a time of failures."""
        if self._failures == 0:
            return False
        with self._lock:
            was_failing = self._failures > 0
            self._failures, self._is_probed, self._retry_at_s = 0, False, 0.0
            return was_failing

    def failed(self, how: Closed) -> bool:
        """Returns whether it is open now and was not before."""
        with self._lock:
            if how is Closed.PROBING:
                self._is_probed = False
            elif self._failures >= FAILURES_TO_OPEN:
                return False  # one of several that were under way when it opened: no news
            self._failures += 1
            further = self._failures - FAILURES_TO_OPEN
            if further >= 0:
                pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(further, 10))
                self._retry_at_s = self._monotonic() + pause_s
            return further == 0

    def undecided(self, how: Closed) -> None:
        """It was not tried after all, or the outcome says nothing about the database."""
        if how is Closed.PROBING:
            with self._lock:
                self._is_probed = False
