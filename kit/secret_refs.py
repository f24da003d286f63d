"""References to secrets: where a tenant's password is kept, in place of the password itself.

`env:NAME`, `file:name` or, on one machine only, `plain:the secret`. A reference is written by somebody who may be
allowed less than this process: it resolves only to what was put there for that very vendor."""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pydantic import SecretStr

MAX_SECRET_BYTES = 4096

_ENV_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,254}")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_NOT_PLAIN = re.compile(r"[^A-Z0-9]")
_OWN_ENDINGS = re.compile(r"_PASSWORD|__[A-Z0-9_]+")
"""After a vendor's prefix. With any other, vendor `mama` could name what was put there for `mama-2`."""


class SecretRefError(ValueError):
    """A reference can't be used. The text says why and what to do; it never holds a secret."""


class Scheme(StrEnum):
    ENV = "env"
    FILE = "file"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class SecretRef:
    scheme: Scheme
    name: str = field(repr=False)  # of a `plain:` reference it is the secret

    def __str__(self) -> str:
        return f"{self.scheme}:…" if self.scheme is Scheme.PLAIN else f"{self.scheme}:{self.name}"


@dataclass(frozen=True, slots=True)
class SecretStore:
    """What references resolve to. `environ` is looked at when a reference is resolved, so it may be the live one."""

    folder: Path
    """The one folder of `file:`: mode 0600 files of our own, no links, no folders in it."""
    environ: Mapping[str, str] = field(repr=False)

    def resolve(self, ref: SecretRef, vendor_id: str) -> SecretStr:
        """Raises SecretRefError. Whether `plain:` is allowed at all is for the caller to decide."""
        match ref.scheme:
            case Scheme.PLAIN:
                return SecretStr(ref.name)
            case Scheme.ENV:
                return SecretStr(self._from_environment(ref.name, vendor_id))
            case Scheme.FILE:
                return SecretStr(self._from_file(ref.name))

    def _from_environment(self, name: str, vendor_id: str) -> str:
        if not name.startswith(f"{env_prefix(vendor_id)}_"):
            raise SecretRefError(f"env:{name} is not this vendor's: its names start with {env_prefix(vendor_id)}_")
        value = self.environ.get(name, "")
        if not value:
            raise SecretRefError(f"env:{name} is not set in the environment of this process")
        return value

    def _from_file(self, name: str) -> str:
        path = self.folder / name
        try:
            # Opened without following a link and without waiting for a pipe; then what was opened is looked at.
            opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            reason = "it is a link" if path.is_symlink() else (error.strerror or "not possible").lower()
            raise SecretRefError(f"file:{name} can't be read from {self.folder} ({reason})") from error
        try:
            _check_file(name, os.fstat(opened))
            content = os.read(opened, MAX_SECRET_BYTES + 1)  # a plain file gives all it has at once
        finally:
            os.close(opened)
        if len(content) > MAX_SECRET_BYTES:
            raise SecretRefError(f"file:{name} is longer than {MAX_SECRET_BYTES} bytes")
        try:
            value = content.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise SecretRefError(f"file:{name} is not UTF-8 text") from None
        if not value or "\x00" in value:
            raise SecretRefError(f"file:{name} is empty, or not text")
        return value


def _check_file(name: str, kind: os.stat_result) -> None:
    if not stat.S_ISREG(kind.st_mode):
        raise SecretRefError(f"file:{name} is not a plain file")
    if kind.st_uid != os.geteuid():
        raise SecretRefError(f"file:{name} belongs to another user than this process: chown it")
    if stat.S_IMODE(kind.st_mode) & 0o077:
        raise SecretRefError(f"file:{name} can be read by others: chmod 600 it")


def parse_ref(text: str) -> SecretRef:
    """Raises SecretRefError, which never repeats what might be a secret."""
    scheme, colon, name = text.partition(":")
    if not colon or scheme not in list(Scheme):
        raise SecretRefError("expected env:NAME or file:name")
    ref = SecretRef(Scheme(scheme), name)
    match ref.scheme:
        case Scheme.ENV if not _ENV_NAME.fullmatch(name):
            raise SecretRefError("after env: stands the name of a variable: capitals, digits and _")
        case Scheme.FILE if not _FILE_NAME.fullmatch(name):
            raise SecretRefError("after file: stands a file's name alone: letters, digits, dot, _ and -")
        case Scheme.PLAIN if not name or "\x00" in name:
            raise SecretRefError("after plain: stands the secret itself")
        case _:
            return ref


def env_prefix(vendor_id: str) -> str:
    """What the names of this vendor's variables start with. Two ids that differ only in signs share it."""
    return f"DUKANI_TENANT_{_NOT_PLAIN.sub('_', vendor_id.upper())}"


def is_surely_of(ref: SecretRef, vendor_id: str) -> bool:
    """Whether nobody but this vendor can be meant, so that even a stranger may name it for that vendor."""
    match ref.scheme:
        case Scheme.ENV:
            prefix = env_prefix(vendor_id)
            return ref.name.startswith(prefix) and _OWN_ENDINGS.fullmatch(ref.name.removeprefix(prefix)) is not None
        case Scheme.FILE:
            return ref.name == vendor_id or ref.name.startswith(f"{vendor_id}.")
        case Scheme.PLAIN:
            return False
