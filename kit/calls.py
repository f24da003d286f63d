"""HTTP calls to one address over connections that are kept open, with as little as HTTP/1.1 allows.

For the few peers that are called for every message: our own processes and Twilio. A client that may go anywhere
(proxies, redirects, cookies, compression) costs five times the processor time of what is done here, most of it to read
the headers of an answer. How a call ended is told exactly: nothing was sent, or nobody knows."""

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

if TYPE_CHECKING:
    from ssl import SSLContext

_MOST_HEAD = 64 * 1024
_MOST_BODY = 16 * 1024 * 1024
_AT_ONCE = 64 * 1024
_NOT_IN_TARGET = re.compile(r"[^\x21-\x7e]")
_NOT_IN_HEADER = re.compile(r"[\r\n\x00]")
_BODILESS = (204, 304)


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
        """`target` is path and query as they are to be sent. Raises NotConnected, CutOff, or ValueError for a target
        or header that no request can have."""
        message = self._message(method, target, headers, body)
        connection = self._kept() or self._connected()
        try:
            answer, is_reusable = connection.ask(message, self._answer_s, has_body=method != "HEAD")
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

    def ask(self, message: bytes, within_s: float, *, has_body: bool) -> tuple[Answer, bool]:
        """The answer, and whether the connection can be used again. Raises OSError, or ValueError for no HTTP."""
        self._socket.settimeout(within_s)
        received = _Received(self._socket, monotonic() + within_s)
        self._socket.sendall(message)
        version, status, headers = _head(received.through(b"\r\n\r\n", _MOST_HEAD))
        while 100 <= status < 200:
            version, status, headers = _head(received.through(b"\r\n\r\n", _MOST_HEAD))
        is_reusable = version == b"HTTP/1.1" and headers.get("connection", "").lower() != "close"
        if not has_body or status in _BODILESS:
            body = b""
        elif "chunked" in headers.get("transfer-encoding", "").lower():
            body = _from_chunks(received)
        elif "content-length" in headers:
            body = received.exactly(_size(headers["content-length"], 10))
        else:
            body, is_reusable = received.to_the_end(), False
        return Answer(status, headers, body), is_reusable and received.is_empty

    def close(self) -> None:
        try:
            self._socket.close()
        except OSError:
            pass  # it is gone either way


class _Received:
    """What comes in, until a moment of the monotonic clock."""

    __slots__ = ("_bytes", "_is_first", "_socket", "_until_s")

    def __init__(self, connected: socket.socket, until_s: float) -> None:
        self._socket = connected
        self._until_s = until_s
        self._bytes = b""
        self._is_first = True

    @property
    def is_empty(self) -> bool:
        return not self._bytes

    def through(self, mark: bytes, most: int) -> bytes:
        """All up to this mark, without it."""
        while True:
            found, is_there, rest = self._bytes.partition(mark)
            if is_there:
                self._bytes = rest
                return found
            if len(self._bytes) > most:
                raise ValueError("too long")
            self._more()

    def exactly(self, size: int) -> bytes:
        if size > _MOST_BODY:
            raise ValueError("too long")
        if len(self._bytes) < size:
            parts, missing = [self._bytes], size - len(self._bytes)
            while missing > 0:
                self._bytes = b""
                self._more()
                parts.append(self._bytes)
                missing -= len(self._bytes)
            self._bytes = b"".join(parts)
        found, self._bytes = self._bytes[:size], self._bytes[size:]
        return found

    def to_the_end(self) -> bytes:
        parts, size = [self._bytes], len(self._bytes)
        while received := self._receive():
            parts.append(received)
            size += len(received)
            if size > _MOST_BODY:
                raise ValueError("too long")
        self._bytes = b""
        return b"".join(parts)

    def _more(self) -> None:
        received = self._receive()
        if not received:
            raise ConnectionResetError("closed before the end of the answer")
        self._bytes = self._bytes + received if self._bytes else received

    def _receive(self) -> bytes:
        if self._is_first:
            self._is_first = False
        else:
            left_s = self._until_s - monotonic()
            if left_s <= 0:
                raise TimeoutError
            self._socket.settimeout(left_s)
        return self._socket.recv(_AT_ONCE)


def _head(raw: bytes) -> tuple[bytes, int, dict[str, str]]:
    first, *lines = raw.split(b"\r\n")
    version, _, rest = first.partition(b" ")
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise ValueError("no HTTP/1 answer")
    headers: dict[str, str] = {}
    for line in lines:
        name, is_header, value = line.decode("latin-1").partition(":")
        if not is_header:
            raise ValueError("a line of the head is no header")
        headers[name.lower()] = value.strip()
    return version, _size(rest[:3].decode("latin-1"), 10), headers


def _from_chunks(received: _Received) -> bytes:
    parts: list[bytes] = []
    room = _MOST_BODY
    while size := _size(received.through(b"\r\n", 1024).partition(b";")[0].decode("latin-1").strip(), 16):
        room -= size
        if room < 0:
            raise ValueError("too long")
        parts.append(received.exactly(size))
        if received.exactly(2) != b"\r\n":
            raise ValueError("a chunk is longer than it says")
    while received.through(b"\r\n", _MOST_HEAD):
        pass  # what may follow the last chunk
    return b"".join(parts)


def _size(text: str, base: int) -> int:
    """Raises ValueError; int() alone takes signs, spaces, underscores and digits of other scripts."""
    if not text.isascii() or not text.isalnum():
        raise ValueError(f"{text!r} is no number")
    return int(text, base)
