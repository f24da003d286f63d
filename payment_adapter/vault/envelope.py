"""Envelope encryption: AES-256-GCM, a key id in every ciphertext, and associated data that ties it to its place.

Moved to another row, vendor or field, a ciphertext no longer opens."""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D: 96 bits, at random, far below 2^32 messages a key
_FORMAT = "v1"


class CannotOpen(ValueError):
    """The ciphertext was sealed with another key, for another place, or is damaged."""


@dataclass(frozen=True, slots=True)
class Key:
    id: str
    material: bytes = field(repr=False)


def new_key(key_id: str) -> Key:
    return Key(key_id, secrets.token_bytes(KEY_BYTES))


def bind(*parts: str) -> bytes:
    """The associated data for a place, `vendor|provider|field|version`. Raises ValueError for a part that would make
    two places look alike."""
    if any("|" in part or not part for part in parts):
        raise ValueError("a part of a vault address is not empty and holds no |")
    return "|".join(parts).encode()


def seal(key: Key, plaintext: bytes, place: bytes) -> str:
    """`v1.<key id>.<base64url of nonce and ciphertext>`."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = nonce + AESGCM(key.material).encrypt(nonce, plaintext, place)
    return f"{_FORMAT}.{key.id}.{base64.urlsafe_b64encode(sealed).decode()}"


def unseal(keys: Mapping[str, Key], text: str, place: bytes) -> bytes:
    """Raises CannotOpen."""
    version, _, rest = text.partition(".")
    key_id, _, encoded = rest.partition(".")
    key = keys.get(key_id)
    if version != _FORMAT or key is None:
        raise CannotOpen(f"sealed with a key that is not here ({key_id[:16]!r})")
    try:
        sealed = base64.b64decode(encoded, altchars=b"-_", validate=True)
        return AESGCM(key.material).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise CannotOpen("sealed for another place, or damaged") from error


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """The keys that wrap vendors' data keys. They live outside the database; the first wraps, every one unwraps."""

    keys: tuple[Key, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """From 64 hexadecimal characters, or several such keys separated by commas. Raises ValueError."""
        keys: list[Key] = []
        for part in text.split(","):
            try:
                material = bytes.fromhex(part.strip())
            except ValueError:
                material = b""
            if len(material) != KEY_BYTES:
                raise ValueError("expected 64 hexadecimal characters (or several such keys separated by commas)")
            # Named by its fingerprint, so that whoever rotates keys has no names to keep apart.
            keys.append(Key(hashlib.sha256(b"dukani vault key " + material).hexdigest()[:12], material))
        return cls(tuple(keys))

    @property
    def by_id(self) -> dict[str, Key]:
        return {key.id: key for key in self.keys}

    @property
    def current(self) -> Key:
        return self.keys[0]
