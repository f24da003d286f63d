"""Carries the simulators' own requests to the shop: webhooks and callbacks. No redirects, no proxies, no retries."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urldefrag, urlencode

import urllib3

MOST_ANSWER_BYTES = 64 * 1024


class Delivery(StrEnum):
    ANSWERED = "answered"
    UNREACHABLE = "unreachable"
    """No connection, or it broke before an answer came."""
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, slots=True)
class Outcome:
    delivery: Delivery
    http_status: int | None = None
    content_type: str = ""
    body: bytes = b""

    @property
    def is_accepted(self) -> bool:
        return self.http_status is not None and 200 <= self.http_status < 300

    def describe(self) -> str:
        """For the phone page: what became of the request."""
        if self.http_status is not None:
            return f"HTTP {self.http_status}"
        return "no answer in time" if self.delivery is Delivery.TIMED_OUT else "no connection"


class Courier:
    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(num_pools=8, maxsize=16, retries=False)

    def post_form(
        self, url: str, fields: Mapping[str, str], headers: Mapping[str, str], *, connect_s: float, read_s: float
    ) -> Outcome:
        """A form as Twilio sends it: a blank field is sent too."""
        return self._post(
            url,
            urlencode(list(fields.items())).encode(),
            {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8", **headers},
            urllib3.Timeout(connect=connect_s, read=read_s),
        )

    def post_json(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        connect_s: float,
        read_s: float,
    ) -> Outcome:
        """On a connection of its own: a kept one that the other side just closed would lose a callback for nothing."""
        sent = {"Content-Type": "application/json", "Connection": "close", **(headers or {})}
        return self._post(url, body, sent, urllib3.Timeout(connect=connect_s, read=read_s))

    def get(self, url: str, most_bytes: int, *, connect_s: float, read_s: float) -> Outcome:
        """A file; one byte more than `most_bytes` of it at the most."""
        timeout = urllib3.Timeout(connect=connect_s, read=read_s)
        return self._request("GET", url, None, {"User-Agent": "TwilioProxy/1.1"}, timeout, most_bytes + 1)

    def close(self) -> None:
        self._pool.clear()

    def _post(self, url: str, body: bytes, headers: Mapping[str, str], timeout: urllib3.Timeout) -> Outcome:
        return self._request("POST", url, body, headers, timeout, MOST_ANSWER_BYTES)

    def _request(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout: urllib3.Timeout,
        most_bytes: int,
    ) -> Outcome:
        try:
            response = self._pool.request(
                method,
                urldefrag(url).url,
                body=body,
                headers=dict(headers),
                timeout=timeout,
                redirect=False,
                preload_content=False,
            )
            try:
                answer = response.read(most_bytes, decode_content=True)
                if len(answer) < most_bytes:
                    response.drain_conn()
                else:
                    response.close()  # the rest is not wanted
            finally:
                response.release_conn()
        except urllib3.exceptions.ConnectTimeoutError:
            return Outcome(Delivery.UNREACHABLE)
        except urllib3.exceptions.TimeoutError:
            return Outcome(Delivery.TIMED_OUT)
        except (urllib3.exceptions.HTTPError, OSError):
            return Outcome(Delivery.UNREACHABLE)
        return Outcome(Delivery.ANSWERED, response.status, response.headers.get("Content-Type", ""), answer)
