"""How fast we write: to one customer, and from one number. Both bounds are the channel's; crossing them costs messages.

To one customer about one message in 6 seconds lasts, with bursts allowed (developers.facebook.com, WhatsApp throughput,
error 131056); from one number Twilio sends 80 a second and keeps the rest for up to 4 hours
(twilio.com/docs/whatsapp, best practices)."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic_ns

BURST = 10
"""Messages to one customer that may leave at once, ahead of the lasting pace."""

_SECOND_NS = 1_000_000_000


def next_to_customer(paced_until: datetime | None, now: datetime, every: timedelta) -> tuple[datetime, datetime | None]:
    """When the next message to a customer may leave, and until when what was sent then takes at the lasting pace of
    one in `every` (zero: no bound)."""
    if not every:
        return now, None
    begins = max(paced_until or now, now)
    return max(now, begins - BURST * every), begins + every


class SenderPace:
    """Of the numbers that this process sends from, in memory: another process has a pace of its own, and a restart
    forgets it. The channel's own bound holds all the same. Thread-safe."""

    def __init__(self, per_second: int, monotonic_ns: Callable[[], int] = monotonic_ns) -> None:
        self._each_ns = _SECOND_NS // per_second
        self._monotonic_ns = monotonic_ns
        self._lock = threading.Lock()
        self._until_ns: dict[str, int] = {}

    def wait(self, sender: str) -> timedelta | None:
        """None: send now, it is counted. Else how long to wait before asking again."""
        now = self._monotonic_ns()
        with self._lock:
            until = max(self._until_ns.get(sender, 0), now)
            if until - now >= _SECOND_NS:
                return timedelta(microseconds=(until - now - _SECOND_NS) // 1000 + 1000)
            self._until_ns[sender] = until + self._each_ns
            return None

    def pause(self, sender: str, seconds: int) -> None:
        """The channel said that this was too much."""
        with self._lock:
            self._until_ns[sender] = max(
                self._until_ns.get(sender, 0), self._monotonic_ns() + (seconds + 1) * _SECOND_NS - 1
            )
