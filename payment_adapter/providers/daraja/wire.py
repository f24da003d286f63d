"""HTTP to Daraja. Its one subtle duty: to know whether a request that failed can have arrived.

Nothing is retried here, redirects are not followed, and no proxy or .netrc of the machine interferes."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from http.cookiejar import DefaultCookiePolicy
from typing import Any, cast

import requests
import urllib3
from requests.adapters import HTTPAdapter

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 25.0
MAX_REPLY_BYTES = 64 * 1024
"""More is not read. What is cut off there is no JSON any more, and so says nothing."""


class NotSent(Exception):
    """The connection was never made: certain that nothing arrived."""


class NoReply(Exception):
    """The request left and no whole answer came back: it may have been carried out."""


JsonObject = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes

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


class Wire:
    """Thread-safe. `base_url` has no trailing slash."""

    def __init__(
        self, base_url: str, *, connect_timeout_s: float = CONNECT_TIMEOUT_S, read_timeout_s: float = READ_TIMEOUT_S
    ) -> None:
        self._base_url = base_url
        self._timeouts_s = (connect_timeout_s, read_timeout_s)
        self._kept = _session()
        # A connection that the other side closes while it lies idle leaves a push in doubt: what may not fail that way
        # gets a fresh one.
        self._fresh = _session()
        self._fresh.headers["connection"] = "close"

    def get(self, path: str, *, user: str, password: str) -> Reply:
        """Raises NotSent, NoReply."""
        return self._send(self._fresh, "GET", path, auth=(user, password))

    def ask(self, path: str, token: str, body: JsonObject) -> Reply:
        """POST something that may be asked again. Raises NotSent, NoReply."""
        return self._send(self._kept, "POST", path, json=body, headers={"authorization": f"Bearer {token}"})

    def tell(self, path: str, token: str, body: JsonObject) -> Reply:
        """POST something that must not happen twice. Raises NotSent, NoReply."""
        return self._send(self._fresh, "POST", path, json=body, headers={"authorization": f"Bearer {token}"})

    def close(self) -> None:
        self._kept.close()
        self._fresh.close()

    def _send(self, session: requests.Session, method: str, path: str, **content: Any) -> Reply:
        try:
            response = session.request(
                method,
                self._base_url + path,
                timeout=self._timeouts_s,
                allow_redirects=False,
                stream=True,
                **content,
            )
            with response:
                body: bytes = response.raw.read(MAX_REPLY_BYTES, decode_content=True)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            # The exception's text may hold the address and the payload: only its kind is passed on.
            kind = type(error).__name__
            raise (NotSent(kind) if _never_left(error) else NoReply(kind)) from None
        return Reply(response.status_code, body)


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=8, max_retries=0)
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
