"""Events between processes as Standard Webhooks (standardwebhooks.com): signed, dated, identified."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from standardwebhooks import Webhook
from werkzeug.datastructures import Headers

from contracts.errors import ErrorCode
from kit.problems import Problem
from kit.signing import KeyRing

TOLERANCE_S = 5 * 60


class EventSigner:
    """Signs with the first secret, verifies with any: `secret[,older secret]`, or a pair's key ring as it is then."""

    def __init__(self, secrets: str | KeyRing) -> None:
        if isinstance(secrets, str):
            secrets = KeyRing(tuple((str(at), each.strip().encode()) for at, each in enumerate(secrets.split(","))))
        self._ring = secrets

    def headers(self, event_id: str, now: datetime, body: bytes) -> dict[str, str]:
        """The three headers. The timestamp is that of this attempt; the id stays with the event."""
        return {
            "webhook-id": event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self._ring.keys[0][1]).sign(event_id, now, body.decode()),
            "content-type": "application/json",
        }

    def verify(self, headers: Mapping[str, str] | Headers, body: bytes, now: datetime) -> str:
        """Returns the event's id. Raises Problem 401.

        The library's own check reads the system's clock; here the one clock decides what is too old."""
        event_id = headers.get("webhook-id")
        timestamp = headers.get("webhook-timestamp")
        given = headers.get("webhook-signature")
        if not event_id or not timestamp or not given:
            raise _refused("webhook-id, webhook-timestamp and webhook-signature are needed")
        # Not isdigit alone: it holds for digits that int() does not take.
        if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 11:
            raise _refused("webhook-timestamp is not a number of seconds")
        sent_at = datetime.fromtimestamp(int(timestamp), UTC)
        if abs((now - sent_at).total_seconds()) > TOLERANCE_S:
            raise _refused(f"the event was signed more than {TOLERANCE_S} s away from our clock")
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise _refused("the body is not UTF-8") from None
        signatures = given.split(" ")
        for _, secret in self._ring.keys:
            expected = Webhook(secret).sign(event_id, sent_at, text).encode()
            if any(hmac.compare_digest(expected, signature.encode()) for signature in signatures):
                return event_id
        raise _refused("the signature does not match the event")


def _refused(detail: str) -> Problem:
    return Problem(401, ErrorCode.UNAUTHENTICATED, detail)
