"""Counts what may be an attack, and says so: once a minute of each kind, however many there are."""

import threading
from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from kit.clock import Clock
from kit.metrics import callback_came

_log = structlog.get_logger()

_SAY_EVERY = timedelta(minutes=1)


class Suspicion(StrEnum):
    """Its value is what the metric calls it."""

    STRANGER = "unknown_secret"
    """The secret is nobody's. Nothing else is kept of it."""
    FORGED = "forged"
    """The secret is a shop's, and the provider's signature is missing or wrong. Nothing else is kept of it."""
    OTHER_SOURCE = "other_source"
    """It came from where the provider is not known to call from. It is kept all the same."""


_SENTENCES = {
    Suspicion.STRANGER: "callbacks with unknown secrets",
    Suspicion.FORGED: "callbacks whose signature is missing or wrong were refused",
    Suspicion.OTHER_SOURCE: "callbacks came from an address that the provider is not known to call from",
}


class Watch:
    """Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._said_at: dict[Suspicion, datetime] = {}
        self._counted: Counter[Suspicion] = Counter()

    def count(self, what: Suspicion) -> int:
        """Since the process started."""
        with self._guard:
            return self._counted[what]

    def note(self, what: Suspicion, provider: str = "", vendor_id: str = "", source: str = "") -> None:
        callback_came(provider, what.value)
        with self._guard:
            self._counted[what] += 1
            count = self._counted[what]
            now = self._clock.now()
            said_at = self._said_at.get(what)
            if said_at is not None and now < said_at + _SAY_EVERY:
                return
            self._said_at[what] = now
        details = {"provider": provider, "vendor": vendor_id, "source": source}
        _log.warning(_SENTENCES[what], count=count, **{name: value for name, value in details.items() if value})
