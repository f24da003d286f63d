"""The real processes on free ports, as `dukani serve` starts them: for journeys that kill and restart them.

Most are forked from one that has imported what they need (`tests.support.forking`), which costs a tenth of a start by
the command line; what a test asks for `by_command` is started as a shop's owner would."""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import urllib3

from dukani.introduce import introduce
from dukani.prepare import LINEAGES, migrate_all
from dukani.processes import Process, command_line, place, wanted
from dukani.seed import seed
from dukani.supervise import is_ready
from kit.clock import SharedClock
from kit.ports import PortTaken, check_port
from kit.settings import Settings, load_settings
from tests.support.canaries import OURS, check_logs, own_keys
from tests.support.forking import Running, Zygote, zygotes

ROOT = Path(__file__).resolve().parents[2]

_WITHIN_S = 30.0
_PYTHON = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nothing listens on, all different.

    Below the range that the system takes for outgoing connections: one of those could get a port between this look
    and the process that is to listen on it."""
    found: list[int] = []
    for port in random.sample(range(20_000, 32_000), 1_000):
        if len(found) == count:
            break
        if _is_free(port):
            found.append(port)
    return found


def eventually(happened: Callable[[], bool], what: str, within_s: float = _WITHIN_S) -> None:
    """Wait until it happened. Raises AssertionError, naming what did not, after `within_s` seconds of real time."""
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """A process that ended but was not yet waited for by its parent counts as gone."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@dataclass(frozen=True, slots=True)
class _File:
    """One of a data folder, by its path there. In memory, so that nothing is left of it in the end."""

    path: Path
    mode: int
    content: bytes

    def write_to(self, folder: Path) -> None:
        path = folder / self.path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=self.mode)
        path.write_bytes(self.content)


_prepared: list[_File] = []
"""Databases and keys of a shop that is prepared and never ran; none before the first one is."""


def _files(folder: Path) -> list[_File]:
    # The clock is of the shop that has it open.
    found = [path for path in folder.rglob("*") if path.is_file() and path.name != "clock"]
    return [_File(path.relative_to(folder), path.stat().st_mode & 0o777, path.read_bytes()) for path in found]


class Shop:
    """A shop of real processes in a folder of its own. `settings`, `clock` and `environ` are what they see."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        bot, router, adapter, simulators = free_ports(4)
        self.folder = folder
        self.environ = {
            "DUKANI_ENV": "local",
            "DUKANI_DATA_DIR": str(folder / "var"),
            "DUKANI_BOT_PORT": str(bot),
            "DUKANI_ROUTER_PORT": str(router),
            "DUKANI_ADAPTER_PORT": str(adapter),
            "DUKANI_SIMULATORS_PORT": str(simulators),
            **(environ or {}),
        }
        self.settings: Settings = load_settings(self.environ, dotenv=None)
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        self._running: dict[Process, Running] = {}
        self._is_usual = not environ
        self._is_to_be_introduced = False
        self.options: dict[Process, tuple[str, ...]] = {}
        """What `dukani serve` is told besides, by process."""

    @property
    def clock(self) -> SharedClock:
        """Moves all processes' time with `advance`."""
        clock = self.settings.clock()
        assert isinstance(clock, SharedClock)
        return clock

    def prepare(self) -> None:
        """What `dukani up` does first: tables, the demo shops, credentials. Shops that are told nothing of their own
        get copies of what that made for the first of them."""
        is_usual = self._is_usual and not list(self.settings.data_dir.glob("*.sqlite"))
        if is_usual and _prepared:
            for file in _prepared:
                file.write_to(self.settings.data_dir)
        else:
            migrate_all(self.settings, LINEAGES, lambda line: None)
            seed(self.settings, lambda line: None)
            if is_usual:
                _prepared.extend(_files(self.settings.data_dir))
        self._is_to_be_introduced = True

    def url(self, process: Process) -> str:
        return place(process, self.settings).url

    def start(self, *processes: Process, by_command: bool = False) -> None:
        """These, or all that are not running; returns when each is ready. What `python -m dukani serve` itself does is
        the same `by_command`: that also proves the way there, and costs a second of imports for each."""
        chosen = processes or tuple(process for process in wanted(self.settings) if process not in self._running)
        for process in () if by_command else chosen:
            self._zygote(process)  # all import at the same time
        for process in chosen:
            self._running[process] = self._by_command(process) if by_command else self._forked(process)
        for process in chosen:
            self._await_ready(process)
        if Process.SIMULATORS in chosen and self._is_to_be_introduced:
            introduce(self.settings, pytest.fail)
            self._is_to_be_introduced = False

    def _forked(self, process: Process) -> Running:
        zygote = self._zygote(process)
        arguments = ("serve", process.value, "--parent", str(zygote.pid), *self.options.get(process, ()))
        return zygote.fork(arguments, environ=self._its_environ(), folder=self.folder, log=self._log_path(process))

    def _zygote(self, process: Process) -> Zygote:
        return zygotes.of(process, {**_clean_environ(), **_PYTHON})

    def _by_command(self, process: Process) -> Running:
        with self._log_path(process).open("ab") as log:
            return subprocess.Popen(
                command_line(process, *self.options.get(process, ())),
                cwd=self.folder,
                env=self._its_environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _its_environ(self) -> dict[str, str]:
        return {**_clean_environ(), **self.environ, **_PYTHON}

    def kill(self, process: Process) -> None:
        """As the kernel would: no drain, no goodbye. Returns when its port is free again."""
        self._end(process, signal.SIGKILL)

    def stop(self, process: Process) -> int:
        """Drain it; returns its exit code."""
        return self._end(process, signal.SIGTERM)

    def restart(self, process: Process) -> None:
        """Kill it, if it runs, and start it again."""
        if process in self._running:
            self.kill(process)
        self.start(process)

    def stop_all(self) -> None:
        for process in self._running.values():
            process.terminate()
        with ExitStack() as every:  # one that hangs must not keep the others alive
            for process in list(self._running):
                every.callback(self.stop, process)

    @property
    def running(self) -> tuple[Process, ...]:
        return tuple(self._running)

    def pid(self, process: Process) -> int:
        """Of the process that was started; where it has several workers, they are its children."""
        return self._running[process].pid

    def get(self, process: Process, path: str, headers: Mapping[str, str]) -> Any:
        """The JSON that this process answers. Raises AssertionError for anything but 2xx."""
        return self._ask(process, "GET", path, None, headers)

    def post(self, process: Process, path: str, body: Mapping[str, object], headers: Mapping[str, str]) -> Any:
        """As `get`, with a JSON body."""
        return self._ask(process, "POST", path, json.dumps(body).encode(), headers)

    def _ask(self, process: Process, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Any:
        url = place(process, self.settings).url + path
        answer = urllib3.request(method, url, body=body, headers={"content-type": "application/json", **headers})
        assert 200 <= answer.status < 300, f"{method} {path} answered {answer.status}: {answer.data[:500]!r}"
        return answer.json()

    def log(self, process: Process) -> str:
        """Everything it printed, over all its lives."""
        path = self._log_path(process)
        return path.read_text(errors="replace") if path.exists() else ""

    def _log_path(self, process: Process) -> Path:
        return self.folder / f"{process}.log"

    def _await_ready(self, process: Process) -> None:
        port = place(process, self.settings).port
        deadline = time.monotonic() + _WITHIN_S
        while not is_ready(port):
            ended = self._running[process].poll()
            if ended is not None or time.monotonic() > deadline:
                raise AssertionError(f"{process} is not ready (exit {ended}):\n{self.log(process)}")
            time.sleep(0.01)

    def _end(self, process: Process, how: signal.Signals) -> int:
        running = self._running.pop(process)
        running.send_signal(how)
        try:
            exit_code = running.wait(_WITHIN_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
            raise
        port = place(process, self.settings).port
        eventually(lambda: _is_free(port), f"{process} gives its port back")
        return exit_code


@pytest.fixture(scope="session", autouse=True)
def _no_zygote_outlives_the_run() -> Generator[None]:
    yield
    zygotes.close()


@pytest.fixture
def shop(tmp_path: Path) -> Generator[Shop]:
    """All processes, running, with the demo shops planted. In the end their logs hold no key and no phone number."""
    made = Shop(tmp_path)
    made.prepare()
    try:
        made.start()
        yield made
    finally:
        made.stop_all()
    check_logs({process: made.log(process) for process in OURS}, own_keys(made.settings))


def _is_free(port: int) -> bool:
    try:
        check_port(port)
    except PortTaken:
        return False
    return True


def _clean_environ() -> dict[str, str]:
    """This run's environment without settings of the shop, so that a developer's own never reach a test, and without
    what pytest says of itself."""
    ours = (
        "DUKANI_",
        "TWILIO_",
        "DARAJA_",
        "EKWANZA_",
        "REDIS_URL",
        "PLATFORM_",
        "OPS_",
        "CONVERSATIONS_",
        "PAYMENTS_",
        "PYTEST_",
    )
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
