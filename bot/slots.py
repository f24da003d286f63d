"""Which jobs this process works on, so that one can go straight from the commit that made it to a free thread.

Only for speed: what is lost here with the process is claimed again from the database."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from enum import Enum, auto
from typing import Generic, TypeVar

K = TypeVar("K", int, str)
J = TypeVar("J")


class Ran(Enum):
    """What a thread found to do. After a claimed job there may be more to claim; after one that was handed over
    nobody has said so, and a look would be wasted."""

    NOTHING = auto()
    HANDED_OVER = auto()
    CLAIMED = auto()


class HeldElsewhere(Exception):
    """Another thread of this process works on that: roll the claim back and look again."""


class Offer(Generic[K, J]):
    """A thread's promise to take a job at once, made before the transaction that leases it."""

    __slots__ = ("_hold", "accepted", "is_open")

    def __init__(self, is_open: bool, hold: Callable[[K], None]) -> None:
        self.is_open = is_open
        self.accepted: tuple[K, J] | None = None
        self._hold = hold

    def accept(self, key: K, job: J) -> None:
        """Call it within the transaction that leases the job; the thread gets it after the commit.

        Whoever had the key before has given up its lease by then, and is about to free it."""
        self._hold(key)
        self.accepted = (key, job)


class Slots(Generic[K, J]):
    """As many slots as a loop has threads. Thread-safe.

    A key that is held here belongs to one thread of this process, whatever its lease in the database says. A lease of
    this process whose key is not held was left over by a failed commit, and may be claimed anew."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._busy = 0
        self._held: Counter[K] = Counter()
        self._handed_over: deque[tuple[K, J, int]] = deque()
        self._unclaimed = 0
        self._tips_taken = 0
        self.wake: Callable[[], None] = lambda: None
        """There may be something to claim. Set to the loop's, once there is one; `nudge` likewise."""
        self.nudge: Callable[[], None] = lambda: None
        """Something was handed over."""

    @contextmanager
    def offer(self) -> Generator[Offer[K, J]]:
        """To be opened around a transaction; without a free thread the offer is not open."""
        offer = Offer[K, J](self._reserve(), self._hold)
        try:
            yield offer
        except BaseException:
            if offer.is_open:
                self._free(offer.accepted[0] if offer.accepted else None)
            raise
        if offer.accepted is not None:
            with self._lock:
                self._handed_over.append((*offer.accepted, self._unclaimed))
            self.nudge()
        elif offer.is_open:
            self._free(None)

    def is_handed_work(self) -> bool:
        return bool(self._handed_over)

    def look(self) -> None:
        """Something came that could not be handed over. Whoever has a job from before it looks again afterwards: it
        may have waited for just that job."""
        with self._lock:
            self._unclaimed += 1
        self.wake()

    def take_tip(self) -> bool:
        """Whether something came that nobody has tried to claim since: then it is worth trying without a look first."""
        with self._lock:
            if self._tips_taken >= self._unclaimed:
                return False
            self._tips_taken += 1
            return True

    def run_next(self, claim: Callable[[Callable[[K], None]], J | None], work: Callable[[J], None]) -> Ran:
        """Work on what was handed over, or else on what `claim` finds.

        `claim` gets a function that it calls with the key before it commits its lease; it raises HeldElsewhere."""
        job: J | None = None
        key: K | None = None
        unclaimed_then = 0

        def hold(claimed: K) -> None:
            nonlocal key
            with self._lock:
                if self._held[claimed]:
                    raise HeldElsewhere
                self._held[claimed] += 1
            key = claimed

        with self._lock:
            if self._handed_over:
                key, job, unclaimed_then = self._handed_over.popleft()
            elif self._busy >= self._size:
                return Ran.NOTHING  # every free thread is promised a job that is being committed
            else:
                self._busy += 1
        try:
            if job is not None:
                work(job)
                return Ran.HANDED_OVER if unclaimed_then == self._unclaimed else Ran.CLAIMED
            job = claim(hold)
            if job is None:
                return Ran.NOTHING
            work(job)
            return Ran.CLAIMED
        except HeldElsewhere:
            return Ran.CLAIMED
        finally:
            self._free(key)

    def held(self) -> list[K]:
        with self._lock:
            return [key for key, count in self._held.items() if count]

    def take_back(self) -> list[K]:
        """The keys of jobs that were handed over and not begun. They are held no longer: for a process that stops."""
        with self._lock:
            keys = [key for key, _, _ in self._handed_over]
            self._handed_over.clear()
            for key in keys:
                self._release(key)
            self._busy -= len(keys)
        return keys

    def _reserve(self) -> bool:
        with self._lock:
            if self._busy >= self._size:
                return False
            self._busy += 1
            return True

    def _hold(self, key: K) -> None:
        with self._lock:
            self._held[key] += 1

    def _free(self, key: K | None) -> None:
        with self._lock:
            self._busy -= 1
            if key is not None:
                self._release(key)

    def _release(self, key: K) -> None:
        self._held[key] -= 1
        if not self._held[key]:
            del self._held[key]
