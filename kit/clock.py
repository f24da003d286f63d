"""The one clock. Everything that expires, is due or is stamped asks it; waiting and timeouts use monotonic time.

In local mode the clock of all processes can be moved together: an offset in a small file that each process maps into
its memory. Production has no such file and reads the system's time."""

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

_OFFSET = struct.Struct("<q")  # microseconds ahead of the system's clock


class Clock(Protocol):
    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is moved: for tests within one process."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock needs an aware datetime")
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, step: timedelta) -> None:
        self._now += step


class SharedClock:
    """The system's time plus an offset that all processes of one local shop share through a file.

    Reading costs one memory access, so moving the clock is seen at once everywhere. Two movers at the same moment
    could lose one move; only a test or a person moves it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.stat().st_size < _OFFSET.size:
            path.write_bytes(_OFFSET.pack(0))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _OFFSET.size)
        self._seen = (_OFFSET.pack(0), timedelta(0))

    @property
    def offset(self) -> timedelta:
        raw = self._map[:]
        seen, offset = self._seen
        if raw != seen:
            (offset_us,) = _OFFSET.unpack(raw)
            offset = timedelta(microseconds=offset_us)
            self._seen = (raw, offset)  # one assignment: threads see a pair that belongs together
        return offset

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def advance(self, step: timedelta) -> None:
        """Move every process's clock. Raises ValueError for a step backwards: stored times would lie ahead of now."""
        if step < timedelta(0):
            raise ValueError("the clock only moves forward")
        total = self.offset + step
        _OFFSET.pack_into(self._map, 0, total // timedelta(microseconds=1))
        self._map.flush()
