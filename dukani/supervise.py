"""Runs several processes as one: starts them together, prefixes what they print, stops all when one stops."""

import contextlib
import http.client
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from queue import Empty, SimpleQueue
from types import FrameType

READY_WITHIN_S = 60.0
"""On a slow machine; a usual start takes two or three seconds."""

DRAIN_WITHIN_S = 15.0
"""More than a process takes to drain, so that the kill is for one that hangs."""

_READY_POLL_S = 0.05
_KEPT_LINES = 20
_LAST_LINES_S = 2.0  # to read what was printed before the end


@dataclass(frozen=True, slots=True)
class Job:
    """One process to run. `port` answers `GET /ready` with 200 once it can serve."""

    name: str
    command: Sequence[str]
    port: int


class News(Enum):
    STOP_ASKED = auto()
    STOP_INSISTED = auto()


@dataclass(frozen=True, slots=True)
class Ended:
    name: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Ready:
    pass


class _Child:
    def __init__(self, job: Job, environ: Mapping[str, str]) -> None:
        self.job = job
        self.last_lines: deque[str] = deque(maxlen=_KEPT_LINES)
        # A group of its own: Ctrl-C in the terminal reaches the supervisor alone, which then asks each to drain.
        self.process = subprocess.Popen(
            job.command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def send(self, how: signal.Signals) -> None:
        """To its whole group when killing, so that no worker outlives its parent."""
        with contextlib.suppress(ProcessLookupError):
            if how is signal.SIGKILL:
                os.killpg(self.process.pid, how)
            else:
                self.process.send_signal(how)


class Supervisor:
    """`run` returns an exit code: 0 after a stop that was asked for, 1 when a process stopped by itself or never
    became ready, 130 when the drain was cut short."""

    def __init__(
        self,
        jobs: Sequence[Job],
        *,
        environ: Mapping[str, str],
        on_line: Callable[[str, str], None],
        on_ready: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._jobs = jobs
        self._environ = environ
        self._on_line = on_line
        self._on_ready = on_ready
        self._say = say
        self._children: list[_Child] = []
        self._readers: list[threading.Thread] = []
        # SimpleQueue may be filled from a signal handler while its reader waits; Queue may not.
        self._news: SimpleQueue[News | Ended | Ready] = SimpleQueue()

    def run(self) -> int:
        """Call in the main thread: it takes SIGINT and SIGTERM for as long as it runs."""
        before = {how: signal.signal(how, self._on_signal) for how in (signal.SIGINT, signal.SIGTERM)}
        try:
            self._start()
            return self._watch()
        finally:
            for child in self._children:
                child.send(signal.SIGKILL)
                child.process.wait()
            for reader in self._readers:
                reader.join(_LAST_LINES_S)
            for how, handler in before.items():
                signal.signal(how, handler)

    def _on_signal(self, _how: int, _frame: FrameType | None) -> None:
        self._news.put(News.STOP_INSISTED if self._stop_was_asked else News.STOP_ASKED)
        self._stop_was_asked = True

    _stop_was_asked = False

    def _start(self) -> None:
        for job in self._jobs:
            child = _Child(job, self._environ)
            self._children.append(child)
            reader = threading.Thread(target=self._read, args=(child,), name=f"read-{job.name}", daemon=True)
            reader.start()
            self._readers.append(reader)
        threading.Thread(target=self._await_ready, name="await-ready", daemon=True).start()

    def _read(self, child: _Child) -> None:
        assert child.process.stdout is not None
        with child.process.stdout as lines:
            for line in lines:
                child.last_lines.append(line.rstrip("\n"))
                self._on_line(child.job.name, line.rstrip("\n"))
        self._news.put(Ended(child.job.name, child.process.wait()))

    def _await_ready(self) -> None:
        waiting = [job.port for job in self._jobs]
        while waiting and not self._stop_was_asked and all(child.is_running for child in self._children):
            waiting = [port for port in waiting if not is_ready(port)]
            if waiting:
                time.sleep(_READY_POLL_S)
        if not waiting:
            self._news.put(Ready())

    def _watch(self) -> int:
        deadline: float | None = time.monotonic() + READY_WITHIN_S
        while True:
            try:
                news = self._news.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
            except Empty:
                late = [job.name for job in self._jobs if not is_ready(job.port)]
                self._say(f"{', '.join(late)} not ready after {READY_WITHIN_S:.0f} s; stopping.")
                self._drain()
                return 1
            match news:
                case Ready():
                    deadline = None
                    self._on_ready()
                case Ended(name, exit_code):
                    self._report(name, exit_code)
                    self._drain()
                    return 1
                case News.STOP_ASKED | News.STOP_INSISTED:
                    self._say("Stopping: finishing what is under way (Ctrl-C again to stop at once).")
                    return 0 if self._drain() else 130

    def _report(self, name: str, exit_code: int) -> None:
        how = f"was killed by signal {-exit_code}" if exit_code < 0 else f"stopped (exit {exit_code})"
        self._say(f"{name} {how}; stopping the others. Its last lines:")
        for line in next(child for child in self._children if child.job.name == name).last_lines:
            self._say(f"  {line}")

    def _drain(self) -> bool:
        """Ask all to finish, and wait. False when a person insisted, or a process hung and is killed by `run`."""
        for child in self._children:
            child.send(signal.SIGTERM)
        deadline = time.monotonic() + DRAIN_WITHIN_S
        while any(child.is_running for child in self._children):
            try:
                news = self._news.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                return False
            if news is News.STOP_INSISTED:
                return False
        return True


def is_ready(port: int) -> bool:
    """Whether that port of this machine answers `GET /ready` with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
