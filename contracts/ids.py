"""Identifiers: time-ordered UUIDs for machines, short codes without look-alike letters for people."""

import hashlib
import secrets
import threading
import uuid
from datetime import datetime
from typing import NewType

VendorId = NewType("VendorId", str)
CustomerId = NewType("CustomerId", str)
ItemId = NewType("ItemId", str)
OrderId = NewType("OrderId", str)
PaymentRequestId = NewType("PaymentRequestId", str)
PaymentIntentId = NewType("PaymentIntentId", str)
ChannelAddress = NewType("ChannelAddress", str)
"""Who chats, as the channel names them: `whatsapp:+254708374149`, or a business-scoped id for a hidden number."""

# No vowels (no accidental words), none of 0/O, 1/I/L, 5/S, 2/Z, 8/B, U/V.
CODE_ALPHABET = "34679CDFGHJKMNPQRTWXY"
CODE_LENGTH = 6

_UUID7_VERSION = 0x7
_UUID8_VERSION = 0x8  # "custom": here the first 16 bytes of a SHA-256
_UUID_VARIANT = 0b10


_last_lock = threading.Lock()
_last: tuple[int, int] = (-1, 0)  # the millisecond, and the 74 bits that follow it


def _next_random(unix_ms: int) -> int:
    """74 bits: at random for a new millisecond, else a random step above the last ones."""
    global _last  # noqa: PLW0603 - one sequence per process
    with _last_lock:
        bits = _last[1] + 1 + secrets.randbits(32) if unix_ms == _last[0] else secrets.randbits(73)
        _last = (unix_ms, bits)
    return bits


def new_id(now: datetime) -> str:
    """A UUID version 7 (RFC 9562): sorts by creation time, to the millisecond; then, within a process, in the order
    made (the RFC's "monotonic random")."""
    unix_ms = int(now.timestamp() * 1000)
    random_a, random_b = divmod(_next_random(unix_ms), 1 << 62)
    value = (unix_ms & ((1 << 48) - 1)) << 80 | _UUID7_VERSION << 76 | random_a << 64 | _UUID_VARIANT << 62 | random_b
    return str(uuid.UUID(int=value))


def derived_id(*parts: str) -> str:
    """The same id for the same parts, for ever: what a retry must not make twice takes its id from here."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()[:16]
    value = int.from_bytes(digest)
    value = value & ~(0xF << 76) | _UUID8_VERSION << 76
    value = value & ~(0b11 << 62) | _UUID_VARIANT << 62
    return str(uuid.UUID(int=value))


def new_code(length: int = CODE_LENGTH) -> str:
    """A code that a person can read aloud and type. Uniqueness is the caller's (a constraint, and another try)."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(length))
