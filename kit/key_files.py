"""Keys in files: read again soon after they change, and replaced in one step.

So a key can be rotated under a running process, which is never told: it looks, at most once a second, whether the file
is still the one that it has read."""

import os
import secrets
from pathlib import Path
from time import monotonic

LOOK_EVERY_S = 1.0
"""How long a changed file may go unnoticed by a process that uses it."""

_Stamp = tuple[int, int, int]


class WatchedFile:
    """One file, as it was when it was read last. Thread-safe: two that look at once read the same thing twice."""

    __slots__ = ("_look_at_s", "_stamp", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: _Stamp | None = None
        self._look_at_s = 0.0

    def read(self) -> str:
        """What it holds now. Raises OSError, or ValueError for what is no text."""
        # The stamp is taken first: whatever replaces the file after that is noticed the next time.
        self._look_at_s = monotonic() + LOOK_EVERY_S
        self._stamp = _stamp(self.path)
        return self.path.read_text(encoding="utf-8").strip()

    def read_if_changed(self) -> str | None:
        """What it holds, if it is another than it was; None where nobody needs to look yet. Raises as `read`."""
        if monotonic() < self._look_at_s:
            return None
        self._look_at_s = monotonic() + LOOK_EVERY_S
        return None if _stamp(self.path) == self._stamp else self.read()


def replace_text(path: Path, text: str) -> None:
    """Put this text in place of a file, for its owner's eyes (mode and owner stay as they were). A reader sees the old
    text or the new, never a part. Raises OSError."""
    before = path.stat()
    # Where the file is a link (as secrets that are mounted often are), what it points to is replaced.
    target = path.resolve()
    draft = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fchmod(file.fileno(), before.st_mode & 0o777)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _stamp(path: Path) -> _Stamp:
    at = path.stat()
    return at.st_mtime_ns, at.st_size, at.st_ino
