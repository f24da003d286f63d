"""Events of an outbox delivered by POST, as Standard Webhooks, to another of our processes."""

from collections.abc import Callable

import urllib3

from kit.clock import Clock
from kit.outbox import Delivered, Delivery, OutboxEvent, Park, Retry
from kit.webhooks import EventSigner

_CAN_NOT_BE_TAKEN = (400, 413, 422)


def http_delivery(
    url: str, signer: EventSigner, clock: Clock, *, timeout_s: float = 10.0, park_after: int | None = None
) -> Callable[[OutboxEvent], Delivery]:
    """Deliver by POST, as a Standard Webhook. 2xx is accepted; everything else is tried again, for ever.

    With `park_after`, an event that was refused for what it is (not for who sent it) is parked at that attempt. Until
    then the versions of our own processes may differ, or a listener may be on its way to be mended."""
    pool = urllib3.PoolManager(
        num_pools=1, maxsize=8, retries=False, timeout=urllib3.Timeout(connect=min(2.0, timeout_s), read=timeout_s)
    )

    def deliver(event: OutboxEvent) -> Delivery:
        body = event.body.encode()
        headers = signer.headers(event.event_id, clock.now(), body)
        try:
            response = pool.request("POST", url, body=body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            return Retry(type(error).__name__)
        if 200 <= response.status < 300:
            return Delivered()
        why = f"answered {response.status}"
        is_for_good = response.status in _CAN_NOT_BE_TAKEN and park_after is not None and event.attempts >= park_after
        return Park(why) if is_for_good else Retry(why)

    return deliver
