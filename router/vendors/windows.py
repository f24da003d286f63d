"""Counters in memory for the `limits` library: fixed windows alone.

The library's own memory storage looks through all its keys a hundred times a second, in threads of its own, while
requests come; at ten thousand keys that costs a request ten times as much (docs/decisions/0012-rate-limits.md)."""

import math
import threading
from dataclasses import dataclass
from time import monotonic

from limits.storage import Storage

from kit.clock import SystemClock

_SWEEP_EVERY_S = 60

_system = SystemClock()  # windows end by the machine's own clock, whatever the shop's clock says


@dataclass(slots=True)
class _Counter:
    value: int
    until_s: float


class Windows(Storage):
    """Thread-safe. What has ended is dropped once a minute."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._counters: dict[str, _Counter] = {}
        self._sweep_at_s = monotonic() + _SWEEP_EVERY_S

    def __len__(self) -> int:
        return len(self._counters)

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        with self._lock:
            now_s = monotonic()
            if now_s >= self._sweep_at_s:
                self._sweep(now_s)
            counter = self._counters.get(key)
            if counter is None or counter.until_s <= now_s:
                counter = self._counters[key] = _Counter(0, now_s + expiry)
            counter.value += amount
            return counter.value

    def get(self, key: str) -> int:
        counter = self._counters.get(key)
        return counter.value if counter is not None and monotonic() < counter.until_s else 0

    def get_expiry(self, key: str) -> int:
        """Seconds since the epoch."""
        counter = self._counters.get(key)
        left_s = 0 if counter is None else max(0, counter.until_s - monotonic())
        return math.ceil(_system.now().timestamp() + left_s)

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        with self._lock:
            count = len(self._counters)
            self._counters.clear()
        return count

    def clear(self, key: str) -> None:
        with self._lock:
            self._counters.pop(key, None)

    def _sweep(self, now_s: float) -> None:
        self._counters = {key: counter for key, counter in self._counters.items() if counter.until_s > now_s}
        self._sweep_at_s = now_s + _SWEEP_EVERY_S
