"""Whether somebody holds the phones: a page that shows them asks for the state again and again."""

import threading
import time

_GONE_AFTER_S = 20.0
"""Of real time: a page in a hidden tab asks every 3 s, on a busy machine later."""


class Watchers:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen_at: float | None = None

    def look(self) -> None:
        """A page asked."""
        with self._lock:
            self._seen_at = time.monotonic()

    def are_there(self) -> bool:
        with self._lock:
            return self._seen_at is not None and time.monotonic() - self._seen_at < _GONE_AFTER_S
