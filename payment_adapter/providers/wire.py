"""HTTP to a provider. Its one subtle duty: to know whether a request that failed can have arrived.

Nothing is retried here, redirects are not followed, and no proxy or .netrc of the machine interferes. Numbers keep
their digits in both directions: JSON is read and written with int and Decimal, never with binary fractions."""

import json
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from http.cookiejar import DefaultCookiePolicy
from typing import cast

import requests
import urllib3
from requests.adapters import HTTPAdapter

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 25.0
MAX_REPLY_BYTES = 64 * 1024
"""More is not read. What is cut off there is no JSON any more, and so says nothing."""

_LONGEST_WAIT_S = 3600

# An address may hold a secret, and urllib3 writes addresses: each request at DEBUG, odd headers at WARNING.
for _name in ("urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(logging.ERROR)


class NotSent(Exception):
    """The connection was never made: certain that nothing arrived."""


class NoReply(Exception):
    """The request left and no whole answer came back: it may have been carried out."""


JsonObject = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    retry_after_s: int | None = None
    """What a gateway that turns requests away says of when to come back."""

    @property
    def is_throttled(self) -> bool:
        """HTTP 429: turned away because there were too many."""
        return self.status == 429

    def json_object(self) -> JsonObject | None:
        """The body as a JSON object; None for anything else (an HTML page, nothing at all)."""
        return read_object(self.body)


def read_object(body: bytes) -> JsonObject | None:
    """A JSON object with its numbers exact (int or Decimal), or None."""

    def refuse(constant: str) -> object:
        raise ValueError(constant)  # NaN and Infinity are not JSON

    try:
        content = json.loads(body, parse_float=Decimal, parse_constant=refuse)
    except (ValueError, RecursionError):
        return None
    return cast(JsonObject, content) if isinstance(content, dict) else None


def write_object(content: JsonObject) -> bytes:
    """JSON in which a Decimal stands as the number that it is."""
    return _write(content).encode()


class Http:
    """Thread-safe. `hosts` is how many hosts connections are kept for."""

    def __init__(
        self,
        *,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
        hosts: int = 1,
    ) -> None:
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._kept = _session(hosts)
        # A connection that the other side closes while it lies idle leaves a request in doubt: what may not fail that
        # way gets a fresh one.
        self._fresh = _session(hosts)
        self._fresh.headers["connection"] = "close"

    def send(
        self,
        method: str,
        url: str,
        *,
        is_repeatable: bool,
        body: bytes | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        user: tuple[str, str] | None = None,
        read_timeout_s: float | None = None,
    ) -> Reply:
        """`is_repeatable`: it may be asked again, and so may go out on a kept connection. `user`: name and password.
        Raises NotSent, NoReply, whose texts hold no address."""
        session = self._kept if is_repeatable else self._fresh
        try:
            response = session.request(
                method,
                url,
                data=form if body is None else body,
                headers=headers,
                auth=user,
                timeout=(self._connect_timeout_s, read_timeout_s or self._read_timeout_s),
                allow_redirects=False,
                stream=True,
            )
            with response:
                content: bytes = response.raw.read(MAX_REPLY_BYTES, decode_content=True)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            # The exception's text may hold the address and the payload: only its kind is passed on.
            kind = type(error).__name__
            raise (NotSent(kind) if _never_left(error) else NoReply(kind)) from None
        return Reply(response.status_code, content, _seconds(response.headers.get("retry-after")))

    def close(self) -> None:
        self._kept.close()
        self._fresh.close()


def _write(value: object) -> str:
    if isinstance(value, Mapping):
        content = cast(JsonObject, value)
        return "{" + ", ".join(f"{json.dumps(name)}: {_write(each)}" for name, each in content.items()) + "}"
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value)


def _seconds(text: str | None) -> int | None:
    """`Retry-After` in seconds, an hour at most; its other form, a date, is not asked for."""
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 6):
        return None
    return min(int(text), _LONGEST_WAIT_S)


def _session(hosts: int) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = HTTPAdapter(pool_connections=hosts, pool_maxsize=8, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _never_left(error: Exception) -> bool:
    """Whether the connection, or its handshake, failed before a byte of the request was written."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause: object = error
    for _ in range(6):
        if isinstance(cause, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)):
            return True
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        if isinstance(cause, urllib3.exceptions.MaxRetryError):
            cause = cause.reason
        elif isinstance(cause, Exception) and cause.args and isinstance(cause.args[0], Exception):
            cause = cause.args[0]
        else:
            return False
    return False
