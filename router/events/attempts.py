"""One attempt to deliver: the body, signed, sent outside; and what came back, in words that can be kept and shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Protocol

import structlog

from kit.clock import Clock
from kit.outside import AddressRefused, Answer, NoAnswer
from router.events.endpoints import Endpoint
from router.events.lanes import Claimed
from router.events.payloads import UnreadablePayload, body_of
from router.events.rules import Cause, Outcome, without_controls
from router.events.signing import SecretGone, Signatures

_log = structlog.get_logger()

WITHIN_S = 10.0
KEPT_CHARACTERS = 500


class Poster(Protocol):
    """What `kit.outside.Outside` does."""

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, within_s: float = ..., keep_bytes: int = ...
    ) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Sender:
    outside: Poster
    signatures: Signatures
    clock: Clock

    def attempt(self, endpoint: Endpoint, delivery: Claimed) -> Outcome:
        """Raises nothing that the world can cause."""
        began_s = monotonic()

        def took_ms() -> int:
            return int((monotonic() - began_s) * 1000)

        try:
            body = _body(delivery)
            headers = self.signatures.headers(endpoint, delivery.event_id, body, self.clock.now())
            answer = self.outside.post(endpoint.url, headers, body, within_s=WITHIN_S, keep_bytes=KEPT_CHARACTERS * 4)
        except UnreadablePayload as error:
            _log.error("an event can't be told to its vendor", event_id=delivery.event_id, why=str(error))
            return Outcome(None, took_ms(), "unreadable")
        except SecretGone as error:
            _log.error("a webhook can't be signed", endpoint_id=endpoint.id, why=str(error))
            return Outcome(None, took_ms(), "secret_gone", "the signing secret is no longer valid: rotate it")
        except AddressRefused as error:
            return Outcome(None, took_ms(), "address_refused", without_controls(str(error), KEPT_CHARACTERS))
        except NoAnswer as error:
            return Outcome(None, took_ms(), error.kind, without_controls(str(error), KEPT_CHARACTERS))
        return Outcome(
            answer.status,
            took_ms(),
            None if 200 <= answer.status < 300 else "refused",
            without_controls(answer.body.decode(errors="replace"), KEPT_CHARACTERS),
            _retry_after_s(answer, self.clock.now()),
        )


def _body(delivery: Claimed) -> bytes:
    """Raises UnreadablePayload."""
    if delivery.stored is None:
        raise UnreadablePayload("the event is not in the outbox any more")
    return delivery.stored.encode() if delivery.cause is Cause.PING else body_of(delivery.stored)


def _retry_after_s(answer: Answer, now: datetime) -> int | None:
    """Seconds, or a date (RFC 9110, 10.2.3); None for anything else."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), 10**8)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0, int((at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()))
