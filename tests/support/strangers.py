"""Servers on this machine for who calls addresses that strangers gave: one that must never be hit, one that answers."""

import socket
import ssl
import threading
from collections.abc import Callable, Sequence

from kit.outside import Outside

LONG_S = 20.0
"""More than any test should take, even on a machine that is busy with others."""


class Canary:
    """A listener on this machine that nobody should ever connect to."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(0)

    @property
    def port(self) -> int:
        return self.socket.getsockname()[1]

    def was_hit(self) -> bool:
        try:
            self.socket.accept()[0].close()
        except BlockingIOError:
            return False
        return True


def leads_to(*addresses: str) -> Callable[[str, int], Sequence[str]]:
    return lambda _host, _port: addresses


def near() -> Outside:
    return Outside(near_is_allowed=True, via=leads_to("127.0.0.1"))


class served:  # noqa: N801  # read as a verb: with served(answer) as port
    """One connection is accepted and given these pieces, with a pause after each; what was asked is kept."""

    def __init__(
        self, *pieces: bytes, pause_s: float = 0.0, context: ssl.SSLContext | None = None, waits_for: bytes = b"{}"
    ) -> None:
        self.asked = b""
        self._waits_for = waits_for
        self._pieces = pieces
        self._pause_s = pause_s
        self._context = context
        self._over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> int:
        self._thread.start()
        return self._socket.getsockname()[1]

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._socket.close()
        self._thread.join(LONG_S)

    def _serve(self) -> None:
        try:
            connection = self._socket.accept()[0]
            connection.settimeout(LONG_S)
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                while not self.asked.endswith(self._waits_for):
                    more = connection.recv(65536)
                    if not more:
                        return
                    self.asked += more
                for piece in self._pieces:
                    connection.sendall(piece)
                    if self._over.wait(self._pause_s):
                        return
        except OSError:
            return  # the caller hung up, as some tests want
