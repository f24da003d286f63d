"""Who may ask a provider now: a bulkhead and a brake for each provider and vendor, in this process's memory.

A lane is one vendor with one provider. So many may be under way in each, and so many with each provider, fewer than
there are threads: what is slow there takes the threads of nobody else. A provider that says that it has had enough of a
vendor is left alone for a while, twice as long each time, and then gets one request at a time until it takes one."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Lane = tuple[str, str]
"""Provider and vendor."""

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 30.0
"""A push waits a minute at most: it must see the end of a pause."""


@dataclass(slots=True)
class _Pause:
    length_s: float
    until: float


class Brakes:
    """The pauses, shared by all who ask the same providers. Thread-safe."""

    def __init__(self, tick: Callable[[], float] = time.monotonic) -> None:
        self._tick = tick
        self._guard = threading.Lock()
        self._pauses: dict[Lane, _Pause] = {}

    def note(self, lane: Lane, *, is_throttled: bool) -> None:
        """What the provider made of a request."""
        with self._guard:
            if not is_throttled:
                self._pauses.pop(lane, None)
                return
            before = self._pauses.get(lane)
            now = self._tick()
            if before is not None and now < before.until:
                return  # answers to requests that were under way already say nothing new
            length_s = FIRST_PAUSE_S if before is None else min(before.length_s * 2, LONGEST_PAUSE_S)
            self._pauses[lane] = _Pause(length_s, now + length_s)

    def limits(self) -> dict[Lane, int]:
        """Lanes that are paused: 0, or 1 where a pause is over and one request may try."""
        with self._guard:
            now = self._tick()
            return {lane: 1 if now >= pause.until else 0 for lane, pause in self._pauses.items()}


class Lanes:
    """Thread-safe."""

    def __init__(self, *, per_lane: int = 3, per_provider: int = 8, brakes: Brakes | None = None) -> None:
        """`per_lane` under way for one vendor with one provider, `per_provider` with one provider."""
        self._per_lane = per_lane
        self._per_provider = per_provider
        self._brakes = brakes or Brakes()
        self._guard = threading.Lock()
        self._under_way: Counter[Lane] = Counter()

    def to_avoid(self) -> Iterator[tuple[list[Lane], list[str]]]:
        """(lanes, providers) not to take from: first all lanes that have anything under way, then those that have more,
        so that a vendor with little to do never waits behind one with much."""
        limits = self._brakes.limits()
        with self._guard:
            under_way = Counter(self._under_way)
        full = [name for name, count in self._by_provider(under_way).items() if count >= self._per_provider]
        for level in range(1, self._per_lane + 1):
            busy = {lane for lane, count in under_way.items() if count >= level}
            paused = {lane for lane, most in limits.items() if under_way[lane] >= most}
            yield sorted(busy | paused), full
            if not busy:
                return  # the next levels avoid no less

    def enter(self, lane: Lane) -> bool:
        """Take a place; False where there is none."""
        limits = self._brakes.limits()
        with self._guard:
            most = min(self._per_lane, limits.get(lane, self._per_lane))
            if self._under_way[lane] >= most or self._by_provider(self._under_way)[lane[0]] >= self._per_provider:
                return False
            self._under_way[lane] += 1
            return True

    def leave(self, lane: Lane, *, is_throttled: bool | None) -> None:
        """Give it back, and say what the provider made of it; None: it was not asked, or did not say."""
        with self._guard:
            self._under_way[lane] -= 1
            if self._under_way[lane] <= 0:
                del self._under_way[lane]
        if is_throttled is not None:
            self._brakes.note(lane, is_throttled=is_throttled)

    @staticmethod
    def _by_provider(under_way: Counter[Lane]) -> Counter[str]:
        counted: Counter[str] = Counter()
        for (provider, _), count in under_way.items():
            counted[provider] += count
        return counted


def shared(processes: int, *, per_lane: int, per_provider: int, brakes: Brakes) -> Lanes:
    """This process's part of limits that so many processes share: rounded up, since none may stand still."""
    return Lanes(per_lane=-(-per_lane // processes), per_provider=-(-per_provider // processes), brakes=brakes)
