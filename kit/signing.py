"""Signed requests between our own processes: HMAC-SHA256 over everything that matters, one key per directed pair.

Signed are method, path with query, the body's hash, `x-vendor-id` and `Idempotency-Key`; a timestamp bounds replay to
60 seconds (and an idempotency key makes a replayed POST harmless)."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from flask import request
from werkzeug.datastructures import Headers

from contracts.errors import ErrorCode
from kit.problems import Problem
from kit.settings import Settings, SettingsError

SKEW_S = 60

KEY_HEADER = "x-dukani-key"
TIME_HEADER = "x-dukani-timestamp"
SIGNATURE_HEADER = "x-dukani-signature"
VENDOR_HEADER = "x-vendor-id"
IDEMPOTENCY_HEADER = "idempotency-key"

_DEFAULT_KEY_ID = "1"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of one directed pair: the first signs, every one verifies (two during a rotation)."""

    keys: tuple[tuple[str, bytes], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `kid:secret[,kid2:secret2]`, or one bare secret. Raises ValueError for a secret under 32 characters."""
        keys: list[tuple[str, bytes]] = []
        for part in text.split(","):
            key_id, separator, secret = part.strip().partition(":")
            if not separator:
                key_id, secret = _DEFAULT_KEY_ID, key_id
            if len(secret) < 32:
                raise ValueError("a signing secret has at least 32 characters")
            keys.append((key_id, secret.encode()))
        if len({key_id for key_id, _ in keys}) != len(keys):
            raise ValueError("two signing keys have the same id; write them as id:secret,id2:secret2")
        return cls(tuple(keys))

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(key_id for key_id, _ in self.keys)})"

    def sign(self, message: bytes) -> tuple[str, str]:
        """(key id, hexadecimal signature) under the signing key."""
        key_id, secret = self.keys[0]
        return key_id, hmac.new(secret, message, hashlib.sha256).hexdigest()

    def verifies(self, key_id: str, message: bytes, signature: str) -> bool:
        for known, secret in self.keys:
            if known == key_id:
                expected = hmac.new(secret, message, hashlib.sha256).hexdigest()
                return hmac.compare_digest(expected.encode(), signature.encode())
        return False

    def knows(self, key_id: str) -> bool:
        return any(known == key_id for known, _ in self.keys)


def key_ring(settings: Settings, name: str) -> KeyRing:
    """The ring in the secret of that name. Raises SettingsError, which names it."""
    secret = settings.secret(name)
    try:
        return KeyRing.parse(secret)
    except ValueError as error:
        raise SettingsError(f"{name}: {error}") from error


def _message(
    key_id: str, timestamp: str, method: str, target: str, body: bytes, vendor: str | None, key: str | None
) -> bytes:
    body_hash = hashlib.sha256(body).hexdigest()
    return "\n".join(("v1", key_id, timestamp, method, target, body_hash, vendor or "", key or "")).encode()


def sign_headers(
    ring: KeyRing,
    now: datetime,
    method: str,
    path_and_query: str,
    body: bytes,
    *,
    vendor: str | None = None,
    idempotency_key: str | None = None,
) -> dict[str, str]:
    """The headers that make this request ours; `path_and_query` exactly as sent."""
    timestamp = str(int(now.timestamp()))
    key_id, _ = ring.keys[0]
    _, signature = ring.sign(_message(key_id, timestamp, method, path_and_query, body, vendor, idempotency_key))
    headers = {KEY_HEADER: key_id, TIME_HEADER: timestamp, SIGNATURE_HEADER: f"v1={signature}"}
    if vendor is not None:
        headers[VENDOR_HEADER] = vendor
    if idempotency_key is not None:
        headers[IDEMPOTENCY_HEADER] = idempotency_key
    return headers


def verify_request(ring: KeyRing, now: datetime) -> None:
    """Check the current request's signature. Raises Problem 401 that says what is wrong, not what would be right."""
    target = request.full_path if request.query_string else request.path
    verify(ring, now, request.method, target, request.get_data(), request.headers)


def verify(
    ring: KeyRing, now: datetime, method: str, path_and_query: str, body: bytes, headers: Mapping[str, str] | Headers
) -> None:
    """`verify_request` on plain values."""
    key_id = headers.get(KEY_HEADER)
    timestamp = headers.get(TIME_HEADER)
    signature = headers.get(SIGNATURE_HEADER)
    if not key_id or not timestamp or not signature:
        raise _refused(f"the request is not signed: {KEY_HEADER}, {TIME_HEADER} and {SIGNATURE_HEADER} are needed")
    if not ring.knows(key_id):
        raise _refused("the signing key is not known here")
    if not timestamp.isdigit() or len(timestamp) > 12:
        raise _refused(f"{TIME_HEADER} is not a number of seconds")
    skew_s = abs((now - datetime.fromtimestamp(int(timestamp), UTC)).total_seconds())
    if skew_s > SKEW_S:
        raise _refused(f"the request was signed {skew_s:.0f} s away from our clock; at most {SKEW_S} s are accepted")
    message = _message(
        key_id, timestamp, method, path_and_query, body, headers.get(VENDOR_HEADER), headers.get(IDEMPOTENCY_HEADER)
    )
    if not signature.startswith("v1=") or not ring.verifies(key_id, message, signature.removeprefix("v1=")):
        raise _refused("the signature does not match the request")


def _refused(detail: str) -> Problem:
    return Problem(401, ErrorCode.UNAUTHENTICATED, detail)
