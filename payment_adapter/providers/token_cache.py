"""OAuth tokens, one per vendor's credentials: fetched once however many ask, renewed a minute early."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contracts.states import FailureReason
from kit.clock import Clock
from payment_adapter.providers.base import Failure, NoAnswer
from payment_adapter.vault.secret import Secret

MARGIN = timedelta(seconds=60)
_LONGEST = timedelta(hours=1)  # what the documentations promise; a longer claim is not believed


class NoToken(Exception):
    """The provider gave no token, so nothing else was sent. `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure

    def no_answer(self) -> NoAnswer:
        """What it means to a look-up."""
        return NoAnswer(
            self.failure.detail,
            is_throttled=self.failure.is_throttled,
            is_refused=self.failure.reason is FailureReason.SHOP_SETUP,
        )


Owner = tuple[str, int]
"""Whose token: vendor and version of the credentials."""


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    token: Secret | None = None
    good_until: datetime | None = None


class TokenCache:
    """Thread-safe. Vendors don't wait for each other, nor do the sets of one: a charge of an account that the shop has
    left is asked about with the set of then."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slots: dict[Owner, _Slot] = {}
        self._guard = threading.Lock()

    def get(self, owner: Owner, fetch: Callable[[], tuple[Secret, timedelta]]) -> Secret:
        """A token with at least a minute left; `fetch` gives a new one and its lifetime. Raises what `fetch` raises."""
        slot = self._slot(owner)
        with slot.lock:
            if slot.token is None or not self._is_good(slot):
                slot.token, lifetime = fetch()
                slot.good_until = self._clock.now() + lifetime - MARGIN
            return slot.token

    def drop(self, owner: Owner, token: Secret) -> None:
        """The provider did not take this token. Forget it, unless another thread has fetched a newer one already."""
        slot = self._slot(owner)
        with slot.lock:
            if slot.token == token:
                slot.token = None

    def forget(self, owner: Owner) -> None:
        """Keep no token of this set."""
        with self._guard:
            self._slots.pop(owner, None)

    def _slot(self, owner: Owner) -> _Slot:
        with self._guard:
            if owner not in self._slots:
                mine = [key for key, slot in self._slots.items() if key[0] == owner[0] and not self._is_good(slot)]
                for key in mine:
                    del self._slots[key]
                self._slots[owner] = _Slot()
            return self._slots[owner]

    def _is_good(self, slot: _Slot) -> bool:
        return slot.good_until is not None and self._clock.now() < slot.good_until


def lifetime_of(expires_in: object) -> timedelta:
    """`expires_in` is seconds, as a number or a string; unreadable, the token is used once."""
    text = str(expires_in)
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        return timedelta(0)
    return min(timedelta(seconds=int(text)), _LONGEST)
