"""Answers that take their time, and error pages that come from a gateway in between."""

import time

from flask import Response

from simulators import faults
from simulators.fault_names import Fault
from simulators.store import Store


def wait(store: Store, own: Fault) -> None:
    """As long as the fault for every provider says, or `own`, the one for this provider alone."""
    with store.transaction() as tx:
        delay_s = max(faults.seconds(tx, Fault.ANSWER_DELAY_S), faults.seconds(tx, own))
    time.sleep(delay_s)


def html_error(http_status: int, reason: str) -> Response:
    title = f"{http_status} {reason}"
    html = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Response(html, http_status, content_type="text/html")
