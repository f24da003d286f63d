"""Requests to addresses that other people gave us: to public machines only, once, within a deadline, followed nowhere.

Whoever may name an address could name one of ours: a database, a metadata service, this very process. So the name is
resolved once, every address that it leads to must be public, the connection goes to an address that was checked (with
the name in SNI and Host, and its certificate verified as usual), a redirect is an answer like any other, and no proxy
from the environment is asked. What was true when an address was registered is checked again with each request."""

import http.client
import io
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from kit.hosts import Address, HostRefused, LookUp, addresses_of, literal, look_up

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_URL_CHARACTERS = 2000
RESOLVE_WITHIN_S = 2.0
CONNECT_WITHIN_S = 3.0
READ_BODY_WITHIN_S = 2.0
"""How long the rest of an answer is waited for once its status is known: it is read for people only."""

_USER_AGENT = "Dukani-Webhooks/1"
_HTTPS_PORT = 443
_FIRST_UNPRIVILEGED_PORT = 1024
_PRINTABLE = re.compile(r"[!-~]+")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label of a name starts with a letter: 2130706433, 0x7f.1 and 127.0.0.0x1 are addresses in disguise.
_NAME = re.compile(rf"(?=.{{4,253}}\Z)(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])\Z")
_LOCAL_ENDINGS = (".localhost", ".local", ".internal", ".lan", ".home.arpa")

_NOT_PUBLIC = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' own; a metadata service, too
        "127.0.0.0/8",
        "168.63.129.16/32",  # the host of every virtual machine at Azure
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation, as 198.51.100.0/24 and 203.0.113.0/24
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
# Of IPv6 only what was handed out as global unicast is public. That leaves out loopback, link-local, unique-local,
# site-local, multicast, IPv4 in IPv6 clothes (::ffff:0:0/96, ::/96) and NAT64 (64:ff9b::/96, 64:ff9b:1::/48).
_GLOBAL_UNICAST = ip_network("2000::/3")
_NOT_PUBLIC_UNICAST = tuple(
    ip_network(block)
    for block in (
        "2001::/23",  # protocol assignments, among them Teredo, which carries addresses of IPv4
        "2001:db8::/32",  # documentation, as 3fff::/20
        "2002::/16",  # 6to4, which carries addresses of IPv4
        "3fff::/20",
    )
)


class AddressRefused(ValueError):
    """The address may not be called. The text says why and what to do."""


class NoAnswer(Exception):
    """Nobody answered, or not in time: the request may have arrived. `kind` is a short stable word."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    """No more than was asked to be kept."""
    headers: Mapping[str, str]
    """Looked up in any case."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An address taken apart, once."""

    is_https: bool
    host: str
    port: int
    target: str
    """Path and query, as sent."""
    has_default_port: bool

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.has_default_port else f"{name}:{self.port}"


def is_public(address: Address) -> bool:
    """Whether anybody on the internet could reach this address, by IANA's registries of special-purpose addresses."""
    if isinstance(address, IPv4Address):
        return not any(address in block for block in _NOT_PUBLIC)
    if address.scope_id is not None or address not in _GLOBAL_UNICAST:
        return False
    return not any(address in block for block in _NOT_PUBLIC_UNICAST)


class Outside:
    """Thread-safe. `near_is_allowed` is for local mode: this machine itself may then be called, also without TLS."""

    def __init__(
        self, *, near_is_allowed: bool = False, via: LookUp = look_up, trusted: ssl.SSLContext | None = None
    ) -> None:
        self._near_is_allowed = near_is_allowed
        self._via = via
        self._trusted = trusted

    def check(self, url: str) -> None:
        """Whether `post` would try. Raises AddressRefused, also for a name that nobody knows."""
        try:
            self._addresses(self._parse(url), RESOLVE_WITHIN_S)
        except HostRefused as error:
            raise AddressRefused(f"{error}; give an address that can be reached from the internet") from error

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, within_s: float = 10.0, keep_bytes: int = 4096
    ) -> Answer:
        """Send `body` once. `within_s` bounds everything together, look-up to last byte.

        Raises AddressRefused (nothing was sent) or NoAnswer (kind: dns, connect, tls, timeout, broken)."""
        deadline = _Deadline(within_s)
        to = self._parse(url)
        try:
            addresses = self._addresses(to, min(RESOLVE_WITHIN_S, within_s))
        except HostRefused as error:
            raise NoAnswer("dns", str(error)) from error
        connection = self._connected(to, addresses, deadline)
        try:
            return _exchange(connection, to, headers, body, deadline, keep_bytes)
        except TimeoutError as error:
            raise NoAnswer("timeout", f"no answer within {within_s:g} s") from error
        except (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError) as error:
            kind = "timeout" if deadline.left_s() <= 0 else "broken"
            raise NoAnswer(kind, type(error).__name__) from error
        finally:
            connection.close()

    def _parse(self, url: str) -> Destination:
        return parse_destination(url, near_is_allowed=self._near_is_allowed)

    def _addresses(self, to: Destination, within_s: float) -> list[Address]:
        """Raises AddressRefused, HostRefused."""
        written = literal(to.host)
        found = [written] if written else addresses_of(to.host, to.port, within_s=within_s, via=self._via)
        if self._near_is_allowed and all(address.is_loopback for address in found):
            return found
        if not to.is_https:
            raise AddressRefused("http:// is for this machine itself, in local mode; use https://")
        for address in found:
            if not is_public(address):
                # Not which address: our resolver may know more of an inner network than its owner tells strangers.
                raise AddressRefused(f"{to.host} leads to an address that is not public")
        return found

    def _connected(self, to: Destination, addresses: list[Address], deadline: "_Deadline") -> HTTPConnection:
        problem = NoAnswer("connect", f"{to.host} has no address that answers")
        for address in addresses:
            if deadline.left_s() <= 0:
                break
            connection = self._connection(to, address, min(CONNECT_WITHIN_S, deadline.left_s()))
            try:
                connection.connect()
                return connection
            except ssl.SSLCertVerificationError as error:
                problem = NoAnswer("tls", f"the certificate of {to.host} is not valid: {error.verify_message}")
            except ssl.SSLError as error:
                problem = NoAnswer("tls", f"no TLS with {to.host}: {error.reason}")
            except (OSError, urllib3.exceptions.HTTPError) as error:
                problem = NoAnswer("connect", f"{to.host} can't be connected to ({type(error).__name__})")
            connection.close()
        raise problem

    def _connection(self, to: Destination, address: Address, within_s: float) -> HTTPConnection:
        if not to.is_https:
            return HTTPConnection(str(address), to.port, timeout=within_s)
        if self._trusted is None:  # made on first use: it reads some hundred certificates
            self._trusted = ssl.create_default_context(cafile=certifi.where())
        return HTTPSConnection(
            str(address), to.port, timeout=within_s, ssl_context=self._trusted, server_hostname=to.host
        )


def parse_destination(url: str, *, near_is_allowed: bool) -> Destination:
    """Raises AddressRefused for everything but https://name[:port][/path][?query] on port 443 or above 1023."""
    if not 0 < len(url) <= MAX_URL_CHARACTERS or not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise AddressRefused(
            f"write the address in at most {MAX_URL_CHARACTERS} plain ASCII characters, without spaces or backslashes; "
            "a name with other letters in its xn-- form"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("this is not an address; expected https://shop.example.com/hooks") from None
    if parts.scheme not in ("https", "http") or (parts.scheme == "http" and not near_is_allowed):
        raise AddressRefused("the address must start with https://")
    if "@" in parts.netloc:
        raise AddressRefused("an address holds no user or password; the signature of a webhook proves who sent it")
    if "#" in url:
        raise AddressRefused("leave out what follows the #: it would never be sent")
    host = (parts.hostname or "").lower()
    if not _is_acceptable_name(host) and not (near_is_allowed and _is_near(host)):
        raise AddressRefused(
            "name a public machine, as in https://shop.example.com/hooks; no numbers, no names of a local network"
        )
    default = _HTTPS_PORT if parts.scheme == "https" else 80
    port = default if port is None else port
    if port != default and port < _FIRST_UNPRIVILEGED_PORT:
        raise AddressRefused(f"port {port} is not for webhooks: use {_HTTPS_PORT}, or one above 1023")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Destination(parts.scheme == "https", host, port, target, has_default_port=port == default)


def _is_acceptable_name(host: str) -> bool:
    return _NAME.match(host) is not None and not host.endswith(_LOCAL_ENDINGS)


def _is_near(host: str) -> bool:
    address = literal(host)
    return host == "localhost" or (address is not None and address.is_loopback)


class _Deadline:
    """A moment that may be brought forward, in monotonic time."""

    def __init__(self, within_s: float) -> None:
        self._at_s = monotonic() + within_s

    def left_s(self) -> float:
        return self._at_s - monotonic()

    def bring_forward(self, within_s: float) -> None:
        self._at_s = min(self._at_s, monotonic() + within_s)


class _TimedReads(io.RawIOBase):
    """Reads of a socket that end together at the deadline, however often a few bytes arrive before it."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: _Deadline) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        left_s = self._deadline.left_s()
        if left_s <= 0:
            raise TimeoutError("the answer took too long")
        self._sock.settimeout(left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _bounded_by(deadline: _Deadline) -> type[http.client.HTTPResponse]:
    class Bounded(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
            super().__init__(sock, *args, **options)
            self.fp = io.BufferedReader(_TimedReads(self.fp.detach(), sock, deadline))

    return Bounded


def _exchange(
    connection: HTTPConnection,
    to: Destination,
    headers: Mapping[str, str],
    body: bytes,
    deadline: _Deadline,
    keep_bytes: int,
) -> Answer:
    connection.timeout = max(deadline.left_s(), 0.001)
    connection.response_class = _bounded_by(deadline)
    fixed = {
        "host": to.host_header,
        "user-agent": _USER_AGENT,
        "accept-encoding": "identity",
        "connection": "close",
    }
    connection.request(
        "POST", to.target, body=body, headers={**headers, **fixed}, preload_content=False, decode_content=False
    )
    response = connection.getresponse()
    deadline.bring_forward(READ_BODY_WITHIN_S)
    return Answer(response.status, _first_bytes(response, keep_bytes), response.headers)


def _first_bytes(response: urllib3.HTTPResponse, keep_bytes: int) -> bytes:
    """What came of the body before it ended, broke off or took too long: its status was heard all the same."""
    kept = b""
    try:
        while len(kept) < keep_bytes:
            more = response.read1(keep_bytes - len(kept), decode_content=False)
            if not more:
                break
            kept += more
    except (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError):
        pass
    finally:
        response.close()
    return kept
