"""Runs one Service until it is told to stop: under granian, or its loops alone.

SIGTERM or SIGINT drains: the process is no longer ready, requests under way are answered, loops finish their turn,
connections close, exit 0. SIGUSR1 only makes it unready, for a proxy to look elsewhere before the SIGTERM follows.

A lone worker is this process itself. Several are forked from it, share what it imported, and live and die with it: a
worker that dies takes the parent along (exit 1), and a parent that is killed takes the workers."""

import ctypes
import gc
import mmap
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from enum import Enum, auto
from types import FrameType
from typing import Any, NoReturn, assert_never

from granian.constants import Interfaces, RuntimeModes
from granian.log import LogLevels
from granian.server.mp import MPServer

from kit.ports import check_port
from kit.service import DRAIN_S, Service
from kit.settings import SettingsError
from kit.signals import wake_for_signals

STOP_WITHIN_S = DRAIN_S + 4
"""A process that was told to stop and has not by then ends all the same, with exit code 1."""


class LoopsIn(Enum):
    """Which workers run a service's loops besides answering."""

    EVERY_WORKER = auto()
    FIRST_WORKER = auto()
    NO_WORKER = auto()


_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PARENT_POLL_S = 0.25


def serve(
    name: str,
    build: Callable[[], Service],
    *,
    port: int,
    host: str = "127.0.0.1",
    threads: int = 4,
    workers: int = 1,
    loops: LoopsIn = LoopsIn.EVERY_WORKER,
) -> NoReturn:
    """Serve until told to stop; ends the process. Import what `build` needs before calling: workers share it.

    `threads` bounds the requests that one worker works on at a time. Raises PortTaken before anything is built."""
    check_port(port, host)
    # fork, so that workers start from imported modules; no thread runs in the parent yet.
    multiprocessing.set_start_method("fork", force=True)
    server = _Server(
        name,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        runtime_mode=RuntimeModes.mt,
        websockets=False,
        log_level=LogLevels.error,
        workers_kill_timeout=int(STOP_WITHIN_S) + 1,
    )
    # What is imported by now lives as long as the process: collections need not look at it, and forks share its pages.
    gc.collect()
    gc.freeze()
    worker = _Worker(build, loops, parent=os.getpid())
    if workers == 1:
        server.serve_here(worker)
    else:
        server.serve(spawn_target=worker.run, target_loader=worker.load, wrap_loader=False)
    sys.exit(0)


class _Server(MPServer):
    def serve_here(self, worker: "_Worker") -> None:
        """What a worker process would do, in this one: a parent that only watches would cost 35 MB and the time of a
        fork. Granian has no public way to ask for it."""
        self._init_shared_socket()
        self._start_ipc()
        self._spawn_worker(0, worker.run, worker.load).inner.run()


def work(build: Callable[[], Service]) -> NoReturn:
    """Run the loops of a service and listen nowhere, until told to stop; ends the process."""
    told = threading.Event()

    def stop(_how: int, _frame: FrameType | None) -> None:
        told.set()

    for how in (signal.SIGTERM, signal.SIGINT):
        signal.signal(how, stop)
    wake_for_signals(_stop_within_the_limit)
    service = _or_exit_2(build)
    service.start()
    told.wait()
    service.stop()
    sys.exit(0)


def _or_exit_2(build: Callable[[], Service]) -> Service:
    try:
        return build()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


class _Notice:
    """That the process was asked to become unready. One byte which it shares with its workers."""

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)
        signal.signal(signal.SIGUSR1, self._give)

    def _give(self, _how: int, _frame: FrameType | None) -> None:
        self._byte[0] = 1

    @property
    def was_given(self) -> bool:
        return self._byte[0] == 1


class _Worker:
    def __init__(self, build: Callable[[], Service], loops: LoopsIn, parent: int) -> None:
        self._build = build
        self._loops = loops
        self._parent = parent
        self._service: Service | None = None
        self._number = 1
        self._notice = _Notice()

    def load(self) -> Any:
        service = _or_exit_2(self._build)
        service.drain_when(lambda: self._notice.was_given)
        service.start(with_loops=self._runs_loops())
        self._service = service
        return service.app

    def _runs_loops(self) -> bool:
        match self._loops:
            case LoopsIn.EVERY_WORKER:
                return True
            case LoopsIn.FIRST_WORKER:
                return self._number == 1
            case LoopsIn.NO_WORKER:
                return False
            case _:
                assert_never(self._loops)

    def run(self, number: int, *args: Any, **kwargs: Any) -> None:
        self._number = number
        # A parent's handlers are not a worker's; until granian sets its own, a signal simply ends this process.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if os.getpid() != self._parent:
            die_with(self._parent, signal.SIGKILL)
        wake_for_signals(self._on_signal)
        try:
            # The worker's body is not public; it is passed as `spawn_target` so that a drain can follow it.
            MPServer._spawn_wsgi_worker(number, *args, **kwargs)  # pyright: ignore[reportPrivateUsage]
        finally:
            if self._service is not None:
                self._service.stop()

    def _on_signal(self, how: signal.Signals) -> None:
        if how in (signal.SIGTERM, signal.SIGINT) and self._service is not None:
            self._service.drain()
        _stop_within_the_limit(how)


def _stop_within_the_limit(how: signal.Signals) -> None:
    if how not in (signal.SIGTERM, signal.SIGINT):
        return

    def give_up() -> None:
        sys.stderr.write(f"not done {STOP_WITHIN_S:.0f} s after {how.name}: ending with work under way\n")
        sys.stderr.flush()
        os._exit(1)

    timer = threading.Timer(STOP_WITHIN_S, give_up)
    timer.daemon = True
    timer.start()


def die_with(parent: int, how: signal.Signals) -> None:
    """When the process `parent` ends, however it ends, this one gets the signal `how`. Call it in the main thread."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, how, 0, 0, 0)
        if os.getppid() != parent:  # it ended before the line above
            signal.raise_signal(how)
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_POLL_S)
        os.kill(os.getpid(), how)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
