"""What was read lately, for a few seconds: a bounded number of answers, the least used forgotten first."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Answers by what was asked, each for `for_s` seconds. Thread-safe. What may not be remembered, such as that
    something is not there, is not to be put in."""

    def __init__(self, at_most: int, for_s: float, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._at_most = at_most
        self._for_s = for_s
        self._monotonic = monotonic
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """None where it is not known, or no longer."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            until_s, value = found
            if self._monotonic() >= until_s:
                del self._kept[key]
                return None
            self._kept.move_to_end(key)
            return value

    def put(self, key: K, value: V) -> None:
        with self._lock:
            self._kept[key] = (self._monotonic() + self._for_s, value)
            self._kept.move_to_end(key)
            if len(self._kept) > self._at_most:
                self._kept.popitem(last=False)

    def forget(self, key: K) -> None:
        with self._lock:
            self._kept.pop(key, None)

    def forget_all(self) -> None:
        with self._lock:
            self._kept.clear()
