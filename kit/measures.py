"""What is measured: the names of the figures, and gauges, which are looked at rather than counted."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Prometheus-client's own name for the folder that workers share."""

REQUEST = "dukani_request_seconds"
LOOP_TURN = "dukani_loop_turns"
PUSH = "dukani_pushes"
REFUND = "dukani_refunds"
PAYMENT_EVENT = "dukani_payment_events"
WAKE = "dukani_wakes"
CALLBACK = "dukani_callbacks"
MESSAGE = "dukani_messages"
REPEAT = "dukani_repeated_messages"

Reading = tuple[tuple[str, ...], float]
"""Values of the labels, in their order, and what is read."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """Something that is looked at rather than counted.

    `is_of_process`: each worker reads its own once a second, and the sum over workers is shown (pools, breakers).
    Otherwise it is the same whoever asks, and read when somebody does (rows of a database)."""

    name: str
    help: str
    labels: tuple[str, ...]
    read: Callable[[], Iterable[Reading]]
    is_of_process: bool
