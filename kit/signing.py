"""Signed requests between our own processes: HMAC-SHA256 over everything that matters, one key per directed pair.

Signed are method, path with query, the body's hash, `x-vendor-id` and `Idempotency-Key`; a timestamp bounds replay to
60 seconds. Within those, a recorded POST that is sent again is answered by its idempotency key and does nothing, and a
GET only asks again what its sender was allowed to see: so no nonces are kept."""

import hashlib
import hmac
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import structlog
from flask import request
from werkzeug.datastructures import Headers

from contracts.errors import ErrorCode
from kit.key_files import WatchedFile
from kit.problems import Problem
from kit.settings import Settings, SettingsError

_log = structlog.get_logger()

SKEW_S = 60

KEY_HEADER = "x-dukani-key"
TIME_HEADER = "x-dukani-timestamp"
SIGNATURE_HEADER = "x-dukani-signature"
VENDOR_HEADER = "x-vendor-id"
IDEMPOTENCY_HEADER = "idempotency-key"

MAX_KEYS = 2
MIN_SECRET_LENGTH = 32
_DEFAULT_KEY_ID = "1"

Keys = tuple[tuple[str, bytes], ...]
"""(key id, secret), the signing key first."""


class KeyRing:
    """The keys of one directed pair: the first signs, every one verifies (two during a rotation). Thread-safe.

    A ring from a file follows the file: what it holds now counts within a second. A file that can't be read any more,
    or holds no keys, changes nothing and is logged."""

    __slots__ = ("_file", "_keys")

    def __init__(self, keys: Keys, file: WatchedFile | None = None) -> None:
        self._keys = keys
        self._file = file

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `kid:secret[,kid2:secret2]`, or one bare secret. Raises ValueError for a secret under 32 characters,
        more than two keys, or two of one id."""
        return cls(parse_keys(text))

    @classmethod
    def in_file(cls, path: Path) -> Self:
        """The keys that a file holds, written as for `parse`. Raises ValueError, or OSError."""
        file = WatchedFile(path)
        return cls(parse_keys(file.read()), file)

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(key_id for key_id, _ in self._keys)})"

    @property
    def keys(self) -> Keys:
        """As they are now. Take them once for one decision."""
        if self._file is not None:
            try:
                changed = self._file.read_if_changed()
                if changed is not None:
                    self._keys = parse_keys(changed)
                    _log.info("signing keys were read again", file=self._file.path.name, key_ids=repr(self))
            except (OSError, ValueError) as error:
                _log.error("signing keys can't be read again", file=self._file.path.name, error=type(error).__name__)
        return self._keys

    def sign(self, message: bytes) -> tuple[str, str]:
        """(key id, hexadecimal signature) under the signing key."""
        key_id, secret = self.keys[0]
        return key_id, _signature(secret, message)

    def verifies(self, key_id: str, message: bytes, signature: str) -> bool:
        secret = dict(self.keys).get(key_id)
        return secret is not None and hmac.compare_digest(_signature(secret, message).encode(), signature.encode())


def parse_keys(text: str) -> Keys:
    """What `KeyRing.parse` says."""
    keys: list[tuple[str, bytes]] = []
    for part in text.split(","):
        key_id, separator, secret = part.strip().partition(":")
        if not separator:
            key_id, secret = _DEFAULT_KEY_ID, key_id
        if len(secret) < MIN_SECRET_LENGTH:
            raise ValueError(f"a signing secret has at least {MIN_SECRET_LENGTH} characters")
        keys.append((key_id, secret.encode()))
    if len({key_id for key_id, _ in keys}) != len(keys):
        raise ValueError("two signing keys have the same id; write them as id:secret,id2:secret2")
    if len(keys) > MAX_KEYS:
        raise ValueError(f"{len(keys)} signing keys are given; at most {MAX_KEYS} are accepted, during a rotation")
    return tuple(keys)


def key_ring(settings: Settings, name: str) -> KeyRing:
    """The ring in the secret of that name. Raises SettingsError, which names it."""
    try:
        path = settings.secret_file(name)
        return KeyRing.parse(settings.secret(name)) if path is None else KeyRing.in_file(path)
    except (ValueError, OSError) as error:
        if isinstance(error, SettingsError):
            raise
        raise SettingsError(f"{name}: {error}") from error


def check_pairs(settings: Settings, names: Collection[str]) -> None:
    """What every process asks of its own keys before it starts, in production: each pair has secrets of its own, of 32
    characters or more, and none is a development key. Raises SettingsError with a line per problem."""
    if settings.is_local:
        return
    problems: list[str] = []
    held: dict[bytes, str] = {}
    for name in sorted(names):
        try:
            keys = key_ring(settings, name).keys
        except SettingsError as error:
            problems.append(str(error))
            continue
        for _, secret in keys:
            if held.setdefault(secret, name) != name:
                problems.append(f"{name} holds a secret of {held[secret]}; give each pair of processes its own")
    if problems:
        raise SettingsError("\n".join(problems))


def _signature(secret: bytes, message: bytes) -> str:
    return hmac.new(secret, message, hashlib.sha256).hexdigest()


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
    key_id, secret = ring.keys[0]
    signature = _signature(secret, _message(key_id, timestamp, method, path_and_query, body, vendor, idempotency_key))
    headers = {KEY_HEADER: key_id, TIME_HEADER: timestamp, SIGNATURE_HEADER: f"v1={signature}"}
    if vendor is not None:
        headers[VENDOR_HEADER] = vendor
    if idempotency_key is not None:
        headers[IDEMPOTENCY_HEADER] = idempotency_key
    return headers


def verify_request(ring: KeyRing, now: datetime) -> None:
    """Check the current request's signature. Raises Problem 401 that says what is wrong, not what would be right."""
    query = request.query_string.decode("latin-1")  # whatever bytes came: what was signed is ASCII
    target = f"{request.path}?{query}" if query else request.path
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
    secret = dict(ring.keys).get(key_id)
    if secret is None:
        raise _refused("the signing key is not known here")
    # Not isdigit alone: it holds for digits that int() does not take.
    if not (timestamp.isascii() and timestamp.isdigit()) or len(timestamp) > 11:
        raise _refused(f"{TIME_HEADER} is not a number of seconds")
    skew_s = abs((now - datetime.fromtimestamp(int(timestamp), UTC)).total_seconds())
    if skew_s > SKEW_S:
        raise _refused(f"the request was signed {skew_s:.0f} s away from our clock; at most {SKEW_S} s are accepted")
    message = _message(
        key_id, timestamp, method, path_and_query, body, headers.get(VENDOR_HEADER), headers.get(IDEMPOTENCY_HEADER)
    )
    if not hmac.compare_digest(f"v1={_signature(secret, message)}".encode(), signature.encode()):
        raise _refused("the signature does not match the request")


def _refused(detail: str) -> Problem:
    return Problem(401, ErrorCode.UNAUTHENTICATED, detail)
