"""OAuth tokens, one per vendor's credentials: fetched once however many ask, renewed a minute early."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kit.clock import Clock
from payment_adapter.providers.base import Failure
from payment_adapter.vault.secret import Secret

MARGIN = timedelta(seconds=60)
_LONGEST = timedelta(hours=1)  # what the documentations promise; a longer claim is not believed


class NoToken(Exception):
    """The provider gave no token, so nothing else was sent. `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


Owner = tuple[str, int]
"""Whose token: vendor and version of the credentials."""


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    version: int = 0
    token: Secret | None = None
    good_until: datetime | None = None


class TokenCache:
    """Thread-safe. Vendors don't wait for each other."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slots: dict[str, _Slot] = {}
        self._guard = threading.Lock()

    def get(self, owner: Owner, fetch: Callable[[], tuple[Secret, timedelta]]) -> Secret:
        """A token with at least a minute left; `fetch` gives a new one and its lifetime. Raises what `fetch` raises."""
        vendor_id, version = owner
        slot = self._slot(vendor_id)
        with slot.lock:
            is_good = slot.good_until is not None and self._clock.now() < slot.good_until
            if slot.token is None or slot.version != version or not is_good:
                slot.token, lifetime = fetch()
                slot.version = version
                slot.good_until = self._clock.now() + lifetime - MARGIN
            return slot.token

    def drop(self, owner: Owner, token: Secret) -> None:
        """The provider did not take this token. Forget it, unless another thread has fetched a newer one already."""
        slot = self._slot(owner[0])
        with slot.lock:
            if slot.token == token:
                slot.token = None

    def forget(self, owner: Owner) -> None:
        """Keep no token of this set."""
        slot = self._slot(owner[0])
        with slot.lock:
            if slot.version == owner[1]:
                slot.token = None

    def _slot(self, vendor_id: str) -> _Slot:
        with self._guard:
            return self._slots.setdefault(vendor_id, _Slot())


def lifetime_of(expires_in: object) -> timedelta:
    """`expires_in` is seconds, as a number or a string; unreadable, the token is used once."""
    text = str(expires_in)
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        return timedelta(0)
    return min(timedelta(seconds=int(text)), _LONGEST)
