"""Events of an outbox delivered by POST, as Standard Webhooks, to another of our processes.

By the standard library's own client, one kept connection for each thread that delivers: at a fraction of what a client
costs that may go anywhere, through proxies and redirects."""

import http.client
import threading
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from kit.clock import Clock
from kit.outbox import Delivered, Delivery, OutboxEvent, Park, Retry
from kit.webhooks import EventSigner

_CAN_NOT_BE_TAKEN = (400, 413, 422)
_MOST_READ = 64 * 1024
"""Of an answer, which only its status counts of. A longer one costs its connection."""


def http_delivery(
    url: str, signer: EventSigner, clock: Clock, *, timeout_s: float = 10.0, park_after: int | None = None
) -> Callable[[OutboxEvent], Delivery]:
    """Deliver by POST, as a Standard Webhook. 2xx is accepted; everything else is tried again, for ever.

    With `park_after`, an event that was refused for what it is (not for who sent it) is parked at that attempt. Until
    then the versions of our own processes may differ, or a listener may be on its way to be mended."""
    post = _Poster(url, timeout_s)

    def deliver(event: OutboxEvent) -> Delivery:
        body = event.body.encode()
        try:
            status = post(body, signer.headers(event.event_id, clock.now(), body))
        except (OSError, http.client.HTTPException) as error:
            return Retry(type(error).__name__)
        if 200 <= status < 300:
            return Delivered()
        why = f"answered {status}"
        is_for_good = status in _CAN_NOT_BE_TAKEN and park_after is not None and event.attempts >= park_after
        return Park(why) if is_for_good else Retry(why)

    return deliver


class _Poster:
    """POSTs to one address. Thread-safe."""

    def __init__(self, url: str, timeout_s: float) -> None:
        parts = urlsplit(url)
        self._is_secure = parts.scheme == "https"
        self._place = parts.netloc
        self._target = parts.path + (f"?{parts.query}" if parts.query else "")
        self._timeout_s = timeout_s
        self._kept = threading.local()

    def __call__(self, body: bytes, headers: Mapping[str, str]) -> int:
        """The status that was answered. Raises OSError or http.client.HTTPException."""
        kept: http.client.HTTPConnection | None = getattr(self._kept, "connection", None)
        if kept is not None:
            self._kept.connection = None
            try:
                return self._ask(kept, body, headers)
            except (http.client.BadStatusLine, ConnectionError):
                pass  # the other side closed it meanwhile: once more on a fresh one, the event has an id
        make = http.client.HTTPSConnection if self._is_secure else http.client.HTTPConnection
        return self._ask(make(self._place, timeout=self._timeout_s), body, headers)

    def _ask(self, connection: http.client.HTTPConnection, body: bytes, headers: Mapping[str, str]) -> int:
        try:
            connection.request("POST", self._target, body, dict(headers))
            response = connection.getresponse()
            response.read(_MOST_READ)
            is_whole = response.isclosed()
        except BaseException:
            connection.close()
            raise
        if is_whole and not response.will_close:
            self._kept.connection = connection
        else:
            connection.close()
        return response.status
