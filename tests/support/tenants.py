"""Vendors' own databases for tests: settings to reach them by, targets, and servers that misbehave."""

import shutil
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from contracts.ids import VendorId
from kit.settings import Settings, load_settings
from router.targets import DbTarget, parse_target

OWN = VendorId("vendor-own")


def settings_in(folder: Path, **environ: str) -> Settings:
    return load_settings({"DUKANI_DATA_DIR": str(folder), **environ}, dotenv=None)


def production_settings(folder: Path) -> Settings:
    return settings_in(
        folder,
        DUKANI_ENV="production",
        DUKANI_BOT_PUBLIC_URL="https://bot.example.com",
        DUKANI_ADAPTER_PUBLIC_URL="https://pay.example.com",
        TWILIO_ACCOUNT_SID="AC" + "0" * 32,
        TWILIO_WHATSAPP_FROM="whatsapp:+14155238886",
    )


def postgres_target(**fields: Any) -> DbTarget:
    """`own` on this machine, unless the fields say otherwise."""
    usual = {"type": "postgres", "host": "127.0.0.1", "port": 5432, "database": "own", "user": "own"}
    return parse_target({**usual, "sslmode": "disable", **fields})


def sqlite_target(folder: Path, template: Callable[[str], Path], name: str = "own") -> DbTarget:
    """A migrated file of its own in the data folder."""
    shutil.copyfile(template("ops"), folder / f"{name}.sqlite")
    return parse_target({"type": "sqlite", "database": f"{name}.sqlite"})


class Watch:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class BlackHole:
    """A server that lets everybody in and never says a word."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._swallowed: list[socket.socket] = []
        self._arrival = threading.Condition()
        threading.Thread(target=self._swallow, daemon=True).start()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    @property
    def swallowed(self) -> int:
        with self._arrival:
            return len(self._swallowed)

    def wait_for(self, count: int, within_s: float = 30.0) -> None:
        with self._arrival:
            assert self._arrival.wait_for(lambda: len(self._swallowed) >= count, within_s)

    def close(self) -> None:
        self._listener.close()
        with self._arrival:
            for each in self._swallowed:
                each.close()

    def _swallow(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._arrival:
                self._swallowed.append(connection)
                self._arrival.notify_all()


class Proxy:
    """Stands before a server and passes everything on, until it is told to swallow what the server says."""

    def __init__(self, socket_file: Path) -> None:
        self._socket_file = socket_file
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._may_pass = threading.Event()
        self._may_pass.set()
        self._is_over = threading.Event()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def fall_silent(self) -> None:
        self._may_pass.clear()

    def close(self) -> None:
        self._is_over.set()
        self._may_pass.set()
        for each in (self._listener, *self._open):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._socket_file))
            self._open += [client, server]
            threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(server, client, self._may_pass), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, when: threading.Event | None = None) -> None:
        try:
            while data := source.recv(65536):
                if when is not None:
                    when.wait()
                if self._is_over.is_set():
                    return
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # one side has hung up


@contextmanager
def black_hole() -> Generator[BlackHole]:
    with closing(BlackHole()) as hole:
        yield hole


def refusing_port() -> int:
    """Nobody listens there."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return listener.getsockname()[1]
