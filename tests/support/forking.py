"""Processes of the shop that are forked from one that has imported what they need, and not by way of the command line.

A start costs a tenth of what the imports cost, and a run of the tests has hundreds. There is one zygote
(`tests.support.zygote`) for each of the four processes, made when a test first asks for it, for all tests of this
worker. It is an interpreter of its own, so that nothing of pytest's is in what it forks, and it ends with this one,
however this ends."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from dukani.processes import Process

_POLL_S = 0.01
_END_WITHIN_S = 10.0


class Running(Protocol):
    """What a `subprocess.Popen` and a forked process have in common. `poll` and `wait` return the exit code, or minus
    the signal that killed it; `wait` raises `subprocess.TimeoutExpired`. A signal to one that ended does nothing."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class ZygoteEnded(AssertionError):
    """It could not import what it should, or something killed it. The text is what it said last."""


class Zygote:
    """`environ` is what its interpreter sees; what it forks sees what is given then. It imports while nobody waits: the
    first answer takes as long as that does."""

    def __init__(self, process: Process, environ: Mapping[str, str]) -> None:
        self._process = process
        self._asking = threading.Lock()
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.support.zygote", process.value],
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
        )

    @property
    def pid(self) -> int:
        return self._parent.pid

    def fork(self, arguments: Sequence[str], *, environ: Mapping[str, str], folder: Path, log: Path) -> "Forked":
        """What `python -m dukani <arguments>` would start there; what it prints is added to `log`."""
        request = {"arguments": arguments, "environ": dict(environ), "folder": str(folder), "log": str(log)}
        return Forked(self, self.ask({"do": "fork", **request})["pid"])

    def ask(self, request: Mapping[str, object]) -> dict[str, Any]:
        """Raises ZygoteEnded."""
        assert self._parent.stdin is not None
        with self._asking:
            with suppress(BrokenPipeError):  # then nothing is to be heard either
                self._parent.stdin.write(json.dumps(request) + "\n")
                self._parent.stdin.flush()
            return self._hear()

    def _hear(self) -> dict[str, Any]:
        assert self._parent.stdout is not None
        line = self._parent.stdout.readline()
        if not line:
            exit_code = self._parent.wait()
            self._complaints.seek(0)
            said = self._complaints.read().decode(errors="replace")
            raise ZygoteEnded(f"the zygote of the {self._process} ended (exit {exit_code}):\n{said}")
        return json.loads(line)

    def close(self) -> None:
        """It ends, and what it forked is told to drain."""
        for pipe in (self._parent.stdin, self._parent.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
        try:
            self._parent.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._parent.kill()
            self._parent.wait()
        self._complaints.close()


class Forked:
    """A process that a zygote forked: its own child, which it alone can wait for."""

    def __init__(self, zygote: Zygote, pid: int) -> None:
        self.pid = pid
        self._zygote = zygote
        self._exit_code: int | None = None

    def poll(self) -> int | None:
        if self._exit_code is None:
            self._exit_code = self._zygote.ask({"do": "poll", "pid": self.pid})["exit_code"]
        return self._exit_code

    def wait(self, timeout: float | None = None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        while (exit_code := self.poll()) is None:
            if timeout is not None and deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            time.sleep(_POLL_S)
        return exit_code

    def send_signal(self, sig: int) -> None:
        # Until its end was told it keeps its number, so that the signal can't reach another.
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Zygotes:
    """One for each process, made when it is first asked for."""

    def __init__(self) -> None:
        self._by_process: dict[Process, Zygote] = {}

    def of(self, process: Process, environ: Mapping[str, str]) -> Zygote:
        if process not in self._by_process:
            self._by_process[process] = Zygote(process, environ)
        return self._by_process[process]

    def close(self) -> None:
        while self._by_process:
            self._by_process.popitem()[1].close()


zygotes = Zygotes()
"""This worker's own: a session's fixture closes them, and their end of input if it is killed."""
