"""HTTP calls to one address over connections that are kept open, with as little as HTTP/1.1 allows.

For the few peers that are called for every message: our own processes and Twilio. A client that may go anywhere
(proxies, redirects, cookies, compression) costs five times the processor time of what is done here, most of it to read
the headers of an answer in Python; httptools reads them here. How a call ended is told exactly: nothing was sent, or
nobody knows."""

import re
import select
import socket
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

if TYPE_CHECKING:
    from ssl import SSLContext

_MOST_HEAD = 64 * 1024
_MOST_BODY = 16 * 1024 * 1024
_AT_ONCE = 64 * 1024
_NOT_IN_TARGET = re.compile(r"[^\x21-\x7e]")
_NOT_IN_HEADER = re.compile(r"[\r\n\x00]")


class NotConnected(Exception):
    """No connection came about: nothing was sent."""


class CutOff(Exception):
    """The request went out, or some of it, and no whole answer came back that can be read."""


class TimedOut(CutOff):
    """The answer did not come in time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` by their names in small letters; of those that came more than once the last."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Calls:
    """To one address, `http://` or `https://`. Thread-safe. Neither proxies nor redirects are followed."""

    def __init__(
        self, base_url: str, *, keep: int, connect_s: float, answer_s: float, ca_file: str | None = None
    ) -> None:
        """At most `keep` connections stay open while nobody uses them. A call waits `connect_s` for a connection, then
        `answer_s` for the whole answer. `ca_file`: whose certificates count; None: those of this system.

        Raises ValueError for what is no such address."""
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{base_url} is no http or https address")
        self._is_secure = parts.scheme == "https"
        self._peer = (parts.hostname, parts.port or (443 if self._is_secure else 80))
        self._host = parts.netloc.rpartition("@")[2]
        self._prefix = parts.path.rstrip("/")
        self._keep = keep
        self._connect_s = connect_s
        self._answer_s = answer_s
        self._ca_file = ca_file
        self._tls: SSLContext | None = None
        self._lock = threading.Lock()
        self._idle: deque[_Connection] = deque()

    def request(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """`target` is path and query as they are to be sent; HEAD is not for here. Raises NotConnected, CutOff, or
        ValueError for a target or header that no request can have."""
        message = self._message(method, target, headers, body)
        connection = self._kept() or self._connected()
        try:
            answer, is_reusable = connection.ask(message, self._answer_s)
        except TimeoutError as error:
            connection.close()
            raise TimedOut("no answer in time") from error
        except (OSError, ValueError) as error:
            connection.close()
            raise CutOff(type(error).__name__) from error
        except BaseException:
            connection.close()
            raise
        if is_reusable and len(self._idle) < self._keep:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def close(self) -> None:
        """Those that are in use are closed by whoever uses them, or kept again."""
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:
                return  # somebody took it

    def _message(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
        if _NOT_IN_TARGET.search(target):
            raise ValueError("a request's target is printable ASCII without spaces")
        lines = [
            f"{method} {self._prefix}{target} HTTP/1.1",
            f"host: {self._host}",
            "accept-encoding: identity",
        ]
        for name, value in headers.items():
            if _NOT_IN_HEADER.search(value):
                raise ValueError(f"the header {name} holds a line break")
            lines.append(f"{name}: {value}")
        if body or method == "POST":
            lines.append(f"content-length: {len(body)}")
        lines.append("\r\n")
        return "\r\n".join(lines).encode("latin-1") + body

    def _kept(self) -> "_Connection | None":
        """The one used last of those that the other side has not closed."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.is_quiet:
                return connection
            connection.close()

    def _connected(self) -> "_Connection":
        try:
            raw = socket.create_connection(self._peer, self._connect_s)
        except OSError as error:
            raise NotConnected(type(error).__name__) from error
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._is_secure:
                raw = self._context().wrap_socket(raw, server_hostname=self._peer[0])
        except (OSError, ValueError) as error:
            raw.close()
            raise NotConnected(type(error).__name__) from error
        return _Connection(raw)

    def _context(self) -> "SSLContext":
        with self._lock:
            if self._tls is None:
                import ssl  # noqa: PLC0415 - who talks to this machine alone does not pay for it

                self._tls = ssl.create_default_context(cafile=self._ca_file)
                self._tls.set_alpn_protocols(["http/1.1"])
            return self._tls


class _Connection:
    __slots__ = ("_poll", "_socket")

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._poll = select.poll()
        self._poll.register(connected, select.POLLIN)

    @property
    def is_quiet(self) -> bool:
        """Between two answers nothing may come: what does is its end, or no answer of ours."""
        return not self._poll.poll(0)

    def ask(self, message: bytes, within_s: float) -> tuple[Answer, bool]:
        """The answer, and whether the connection can be used again. Raises OSError, or ValueError for no HTTP."""
        until_s = monotonic() + within_s
        self._socket.settimeout(within_s)
        self._socket.sendall(message)
        reading = _Reading()
        while not reading.is_whole:
            received = self._socket.recv(_AT_ONCE)
            if not received:
                reading.ended()
                break
            reading.take(received)
            if not reading.is_whole:
                left_s = until_s - monotonic()
                if left_s <= 0:
                    raise TimeoutError
                self._socket.settimeout(left_s)
        return Answer(reading.status, reading.headers, b"".join(reading.parts)), reading.is_reusable

    def close(self) -> None:
        try:
            self._socket.close()
        except OSError:
            pass  # it is gone either way


class _Reading:
    """One answer as it comes in; llhttp, Node's parser, knows what is HTTP. The `on_` methods are what it calls."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.parts: list[bytes] = []
        self.is_whole = False
        self.is_reusable = False
        self._parser = HttpResponseParser(self)
        self._has_head = False
        self._room = _MOST_HEAD

    def take(self, received: bytes) -> None:
        """Raises ValueError for what is no HTTP, or too long."""
        if not self._has_head:
            self._room -= len(received)
        try:
            self._parser.feed_data(received)
        except (HttpParserError, HttpParserUpgrade) as error:
            if not self.is_whole:
                raise ValueError("no HTTP answer") from error
            self.is_reusable = False
        if self._room < 0:
            raise ValueError("too long")

    def ended(self) -> None:
        """The other side has closed. Raises ConnectionResetError where more was to come."""
        is_open_ended = "content-length" not in self.headers and "transfer-encoding" not in self.headers
        if not (self._has_head and is_open_ended):
            raise ConnectionResetError("closed before the end of the answer")
        self.is_whole = True

    def on_message_begin(self) -> None:
        if self.is_whole:
            self.is_reusable = False  # whatever it is, nobody asked for it

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.is_whole:
            self.headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        if self.is_whole:
            return
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self.headers.clear()  # it says that there is more to come
        else:
            self._has_head, self._room = True, _MOST_BODY

    def on_body(self, body: bytes) -> None:
        if not self.is_whole:
            self._room -= len(body)
            self.parts.append(body)

    def on_message_complete(self) -> None:
        if self._has_head and not self.is_whole:
            self.is_whole = True
            self.is_reusable = self._parser.should_keep_alive()
