"""Goes round the dedicated databases, so that what waits in each is done though nobody asks.

Each is visited when something was announced in it, and at least every `EVERY_S`: a hundred quiet ones cost three or
four short looks a second. What a visit does is given; where one fails, the next try is left to its breaker."""

import hashlib
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from contracts.ids import VendorId
from kit.background import Loop
from kit.db import VendorMoved
from kit.problems import Problem
from kit.wakes import Wakes
from router.databases import Databases, OpsDatabase

_log = structlog.get_logger()

EVERY_S = 25.0
"""And as much as a tenth more, so that many don't fall due together for ever. Below the 30 s that are promised."""
IDLE_S = 1.0
THREADS = 4
"""One that does not answer keeps one of them for a few seconds."""

Work = Callable[[OpsDatabase], bool]
"""One bounded piece of work in a database. Returns whether there was any."""


class Rounds:
    """Thread-safe: several threads take turns, never two of them in one database."""

    def __init__(
        self,
        databases: Databases,
        works: Sequence[Work],
        wakes: Wakes | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """With `wakes` it also hears of what other processes announced."""
        self._databases = databases
        self._wakes = wakes
        self._heard_of: set[VendorId] = set()
        self._works = works
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._due_at_s: dict[VendorId, float] = {}
        self._woken: dict[VendorId, None] = {}
        self._visited: set[VendorId] = set()
        self.loop = Loop("dedicated-rounds", self.turn, idle_s=IDLE_S, threads=THREADS)

    def wake(self, vendor_id: VendorId) -> None:
        """There may be work in this vendor's own database now. Never blocks."""
        with self._lock:
            self._woken[vendor_id] = None
        self.loop.wake()

    def news_of(self, vendor_id: VendorId) -> Callable[[], None]:
        """What to call when something was announced in this vendor's own database: these rounds are woken, or those
        of another process where these don't run."""
        self._listen_for(vendor_id)
        return partial(self.wake, vendor_id) if self._wakes is None else partial(self._wakes.wake, _topic(vendor_id))

    def turn(self) -> bool:
        """Visit the one whose turn it is. Returns whether any was due."""
        database = self._next()
        if database is None:
            return False
        assert database.only is not None
        is_more = False
        try:
            is_more = self._visit(database)
        finally:
            self._left(database.only, is_more=is_more)
        return True

    def _visit(self, database: OpsDatabase) -> bool:
        is_more = False
        for work in self._works:
            try:
                is_more = work(database) or is_more
            except (Problem, VendorMoved):
                return False  # it can't be used now, which was logged where it was noticed
            except Exception:
                _log.exception("work in a shop's own database failed", vendor_id=database.only)
        return is_more

    def _next(self) -> OpsDatabase | None:
        present = {each.only: each for each in self._databases.dedicated() if each.only is not None}
        for vendor_id in present:
            self._listen_for(vendor_id)
        with self._lock:
            now_s = self._monotonic()
            free = [vendor_id for vendor_id in present if vendor_id not in self._visited]
            woken = next((vendor_id for vendor_id in free if vendor_id in self._woken), None)
            if woken is not None:
                return present[self._taken(woken)]
            for gone in [each for each in self._due_at_s if each not in present and self._due_at_s[each] <= now_s]:
                del self._due_at_s[gone]  # left out for now, or for good
            due = min(free, key=lambda vendor_id: self._due_at_s.get(vendor_id, now_s), default=None)
            if due is None or self._due_at_s.get(due, now_s) > now_s:
                return None
            return present[self._taken(due)]

    def _listen_for(self, vendor_id: VendorId) -> None:
        if self._wakes is None or vendor_id in self._heard_of:
            return
        with self._lock:
            if vendor_id not in self._heard_of:
                self._heard_of.add(vendor_id)
                self._wakes.register(_topic(vendor_id), _Bell(self, vendor_id))

    def _taken(self, vendor_id: VendorId) -> VendorId:
        self._woken.pop(vendor_id, None)  # woken again during the visit, it is visited again
        self._visited.add(vendor_id)
        return vendor_id

    def _left(self, vendor_id: VendorId, *, is_more: bool) -> None:
        pause_s = 0.0 if is_more else EVERY_S * random.uniform(1.0, 1.1)
        with self._lock:
            self._visited.discard(vendor_id)
            self._due_at_s[vendor_id] = self._monotonic() + pause_s


@dataclass(frozen=True, slots=True)
class _Bell:
    """Wakes the rounds for one vendor."""

    rounds: Rounds
    vendor_id: VendorId

    @property
    def is_running(self) -> bool:
        return self.rounds.loop.is_running

    def wake(self) -> None:
        self.rounds.wake(self.vendor_id)


def _topic(vendor_id: VendorId) -> str:
    # Hashed: an id may be longer than a message to other processes.
    return f"dedicated:{hashlib.sha256(vendor_id.encode()).hexdigest()[:16]}"
