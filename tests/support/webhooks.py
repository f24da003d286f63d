"""What tests of the vendor's webhook API have in common."""

import json
from datetime import timedelta
from typing import Any

from tests.support.counter import Answer, Counter
from tests.support.vendor_api import VendorApi

WEBHOOKS = "/api/v1/webhooks"
NEAR = "http://127.0.0.1:65009/in"
"""This machine, which may be named in local mode; nobody listens there."""


def patch(api: VendorApi, path: str, **body: Any) -> Answer:
    return api.raw("PATCH", path, json.dumps(body).encode(), {"content-type": "application/json"})


def created(api: VendorApi, **body: Any) -> dict[str, Any]:
    answer = api.post(WEBHOOKS, {"url": NEAR, **body})
    assert answer.status == 201, answer
    return answer.body


def sold(counter: Counter, times: int = 1) -> None:
    """Orders that are confirmed: each is an event."""
    for _ in range(times):
        counter.clock.advance(timedelta(minutes=1))
        counter.confirmed("milk")
