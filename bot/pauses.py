"""Shops that could not be told of something, and how long each is left alone: the others must not wait for one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from kit.clock import Clock
from kit.peers import Broken, Refusal, Unreachable

LONGEST = timedelta(minutes=10)
ENOUGH_UNANSWERED = 3
"""Shops for which nobody answered, before a turn takes the router for down."""


@dataclass(frozen=True, slots=True)
class _Pause:
    until: datetime
    lasts: timedelta


class Pauses:
    """For one thread."""

    def __init__(self, clock: Clock, first: timedelta) -> None:
        self._clock = clock
        self._first = first
        self._by_shop: dict[str, _Pause] = {}

    def holds(self, vendor_id: str) -> bool:
        pause = self._by_shop.get(vendor_id)
        return pause is not None and self._clock.now() < pause.until

    def end(self, vendor_id: str) -> None:
        """It was told."""
        self._by_shop.pop(vendor_id, None)

    def begin(self, vendor_id: str, error: Unreachable | Refusal) -> timedelta:
        """It was not told; how long it is left alone: twice as long each time, where it is the shop's own trouble."""
        earlier = self._by_shop.get(vendor_id)
        lasts = self._first if earlier is None or not is_shops_own(error) else min(earlier.lasts * 2, LONGEST)
        self._by_shop[vendor_id] = _Pause(self._clock.now() + lasts, lasts)
        return lasts


def is_shops_own(error: Unreachable | Refusal) -> bool:
    """Somebody answered, so it may concern this shop alone: its database is down, it is not known."""
    return isinstance(error, Refusal | Broken)
