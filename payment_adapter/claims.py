"""Claims to ask a provider for something once: which of this process are under way, which have lost their answer.

Whoever claims says so before the commit, calls with no transaction open, and commits the answer. A claim whose process
ended, or went silent, before the answer is given up: nobody asks a second time."""

import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from kit.clock import Clock
from kit.db import Database, Tx
from kit.owners import Owner

_log = structlog.get_logger()

_COMMIT_TRIES = 3
_RECOVER_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Held:
    """A claim as its row says."""

    id: str
    owner: str | None
    since: datetime | None


IsLost = Callable[[Held], bool]


class Claims:
    """Of one kind of thing. Thread-safe."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        owner: Owner,
        lease: timedelta,
        *,
        unfinished: Callable[[Tx], Iterable[Held]],
        give_up: Callable[[Tx, str, IsLost], None],
    ) -> None:
        """`lease`: how long a claim of a process elsewhere is believed to be under way. `unfinished` names those that
        have no answer; `give_up` locks one and, if it is claimed still and lost still, settles that nobody knows."""
        self._db = db
        self._clock = clock
        self._owner = owner
        self._lease = lease
        self._unfinished = unfinished
        self._give_up = give_up
        self._under_way: set[str] = set()
        self._guard = threading.Lock()
        self._recover_at = 0.0  # monotonic

    @property
    def owner(self) -> str:
        return self._owner.name

    def leave(self) -> None:
        """The process ends. What is still on its way is found by whoever comes next."""
        with self._guard:
            is_busy = bool(self._under_way)
        self._owner.close(leaves_work=is_busy)

    def begin(self, claim_id: str) -> None:
        """Before the commit of the claim: from then on one of ours that is not in here has lost its answer."""
        with self._guard:
            self._under_way.add(claim_id)

    @contextmanager
    def working_on(self, claim_id: str) -> Generator[None]:
        """Around the call and the commit of its answer."""
        try:
            yield
        finally:
            with self._guard:
                self._under_way.discard(claim_id)

    def commit_answer(self, finish: Callable[[Tx], None]) -> None:
        """An answer that can't be stored leaves a claim in doubt, so storing it is worth a second and third try."""
        for tries_left in reversed(range(_COMMIT_TRIES)):
            try:
                with self._db.write() as tx:
                    finish(tx)
                return
            except (SQLAlchemyError, TimeoutError) as error:
                _log.warning("a provider's answer is not stored yet", error=type(error).__name__)
                if not tries_left:
                    raise

    def recover_in_turn(self) -> bool:
        """As `recover`, but once a second at most: False in between."""
        return self._is_time_to_recover() and self.recover()

    def recover(self) -> bool:
        """Give up the claims that nobody will answer for any more. Returns whether there were any."""
        gone = frozenset(self._owner.gone())

        def is_lost(held: Held) -> bool:
            return self._is_lost(held, gone)

        with self._db.read() as tx:
            lost = [held.id for held in self._unfinished(tx) if is_lost(held)]
        for claim_id in lost:
            with self._db.write() as tx:
                self._give_up(tx, claim_id, is_lost)
        for name in gone:
            self._owner.forget(name)
        return bool(lost)

    def _is_time_to_recover(self) -> bool:
        with self._guard:
            now = time.monotonic()
            if now < self._recover_at:
                return False
            self._recover_at = now + _RECOVER_EVERY_S
            return True

    def _is_lost(self, held: Held, gone: frozenset[str]) -> bool:
        if held.owner == self._owner.name:
            with self._guard:
                return held.id not in self._under_way
        if held.owner in gone:
            return True
        assert held.since is not None
        return self._clock.now() >= held.since + self._lease
