"""When a delivery to a vendor's endpoint is tried again, when it is given up, and what an answer means."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

DELAYS_S = (5, 30, 2 * 60, 10 * 60, 30 * 60, 2 * 3600, 6 * 3600, 12 * 3600)
"""After each failure in a row; the last one repeats."""
KEEP_TRYING_FOR = timedelta(days=3)
"""From the first try on; then it is parked."""
FAILING_FOR = timedelta(days=5)
"""Without a single success: then the endpoint is disabled."""
JITTER = 0.2
LONGEST_RETRY_AFTER_S = 12 * 3600

UNWELL_AFTER = 5
"""Failures in a row of the endpoint as a whole, after which it is only probed, one delivery at a time."""
PROBE_EVERY = timedelta(seconds=60)
DISABLED_RECHECK = timedelta(minutes=5)
"""Of a disabled endpoint with deliveries that wait. Whoever enables it says so; this is for what was lost."""
SLOW_MS = 2000
"""An endpoint that takes so long shares half of the threads with others of its kind."""


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    PARKED = "parked"
    """Given up: it waits for a person, and holds back later events of its own aggregate."""
    DISCARDED = "discarded"
    """Will never be sent: its endpoint was deleted, it was a test, or a person said so."""


class Cause(StrEnum):
    EVENT = "event"
    REPLAY = "replay"
    PING = "ping"


class EndpointStatus(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt. `status_code` None: nobody answered, and `error` says how."""

    status_code: int | None
    duration_ms: int
    error: str | None = None
    answer: str = ""
    retry_after_s: int | None = None

    @property
    def is_accepted(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300

    @property
    def is_gone(self) -> bool:
        """410: whoever listens there wants nothing more."""
        return self.status_code == 410

    @property
    def is_unwell(self) -> bool:
        """The endpoint as a whole can't take anything now, whatever the event."""
        return self.status_code is None or self.status_code >= 500 or self.status_code == 429

    @property
    def problem(self) -> str | None:
        """In a few words; None if it was accepted."""
        if self.is_accepted:
            return None
        return self.error if self.status_code is None else f"answered {self.status_code}"


def next_try(
    failures: int, first_tried_at: datetime, now: datetime, *, jitter: float, retry_after_s: int | None = None
) -> datetime | None:
    """When to try again after `failures` (at least 1) in this round; None to give up. `jitter` is from -1 to 1."""
    delay_s = DELAYS_S[min(failures, len(DELAYS_S)) - 1] * (1 + JITTER * jitter)
    if retry_after_s is not None:
        delay_s = max(delay_s, min(retry_after_s, LONGEST_RETRY_AFTER_S))
    at = now + timedelta(seconds=delay_s)
    return at if at <= first_tried_at + KEEP_TRYING_FOR else None


def must_be_disabled(failing_since: datetime | None, now: datetime) -> bool:
    return failing_since is not None and now - failing_since >= FAILING_FOR


def without_controls(text: str, limit: int) -> str:
    """Of a stranger's answer, what a person may look at: no control characters, nothing that turns text around."""
    return "".join(char if char.isprintable() else " " for char in text)[:limit]
