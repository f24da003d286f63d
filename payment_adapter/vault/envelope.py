"""Envelope encryption: AES-256-GCM, a key id in every ciphertext, and associated data that ties it to its place.

Moved to another row, vendor or field, a ciphertext no longer opens."""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kit.key_files import WatchedFile

_log = structlog.get_logger()

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


def sealed_with(text: str) -> str:
    """The id of the key that sealed this."""
    return text.removeprefix(f"{_FORMAT}.").partition(".")[0]


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


class MasterKeys:
    """The keys that wrap vendors' data keys. They live outside the database; the first wraps, every one unwraps.

    Keys from a file follow the file: what it holds now counts within a second, and at once for a data key that was
    wrapped with one that is not known here yet. Thread-safe."""

    __slots__ = ("_file", "_keys")

    def __init__(self, keys: tuple[Key, ...], file: WatchedFile | None = None) -> None:
        self._keys = keys
        self._file = file

    @classmethod
    def parse(cls, text: str) -> Self:
        """From 64 hexadecimal characters, or several such keys separated by commas. Raises ValueError."""
        return cls(_parsed(text))

    @classmethod
    def in_file(cls, path: Path) -> Self:
        """The keys that a file holds, written as for `parse`. Raises ValueError, or OSError."""
        file = WatchedFile(path)
        return cls(_parsed(file.read()), file)

    def __repr__(self) -> str:
        return f"MasterKeys({', '.join(key.id for key in self._keys)})"

    @property
    def keys(self) -> tuple[Key, ...]:
        """As they are now, the wrapping one first. Take them once for one decision."""
        if self._file is not None:
            self._follow(self._file.read_if_changed)
        return self._keys

    def wrap(self, key: Key, place: bytes) -> str:
        return seal(self.keys[0], key.material, place)

    def unwrap(self, key_id: str, wrapped: str, place: bytes) -> Key:
        """The data key of that id. Raises CannotOpen."""
        by_id = {key.id: key for key in self.keys}
        if sealed_with(wrapped) not in by_id and self._file is not None:
            self._follow(self._file.read)
            by_id = {key.id: key for key in self._keys}
        return Key(key_id, unseal(by_id, wrapped, place))

    def _follow(self, look: Callable[[], str | None]) -> None:
        """A file that can't be read any more, or holds no keys, changes nothing and is logged."""
        try:
            text = look()
            if text is not None:
                self._keys = _parsed(text)
                _log.info("vault keys were read", key_ids=repr(self))
        except (OSError, ValueError) as error:
            _log.error("vault keys can't be read again", error=type(error).__name__)


def _parsed(text: str) -> tuple[Key, ...]:
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
    return tuple(keys)
