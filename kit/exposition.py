"""A process's figures in Prometheus' format; in its multiprocess mode where `kit.metrics.share_through` was called.

Imported late: see `kit.metrics`."""

import os
from collections.abc import Callable, Iterable, Sequence

import prometheus_client
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily

from kit.measures import (
    CALLBACK,
    LOOP_TURN,
    MESSAGE,
    PAYMENT_EVENT,
    PUSH,
    REFUND,
    REPEAT,
    REQUEST,
    SHARED_FOLDER,
    WAKE,
    Gauge,
    Reading,
)

_log = structlog.get_logger()

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_COUNTERS = {
    LOOP_TURN: ("Turns of background loops", ("loop", "outcome")),
    PUSH: ("Payment prompts handed to a provider, by what came of it", ("outcome",)),
    REFUND: ("Money that goes back, by the provider and by the state that it came to", ("provider", "state")),
    PAYMENT_EVENT: ("Payment events taken, by what they said and what became of them", ("said", "became")),
    CALLBACK: ("Callbacks of payment providers, by what became of them", ("provider", "outcome")),
    MESSAGE: ("Messages to customers, by what came of handing them over", ("outcome", "about")),
    REPEAT: ("Messages of customers that a channel brought once more", ("channel",)),
    WAKE: ("Wake-ups to and from other processes", ("way", "outcome")),
}


class Books:
    """Not thread-safe but for `text`."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            REQUEST,
            "Requests answered: how many, and how long each took",
            ("method", "route", "status"),
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self._counters = {
            name: Counter(name, text, labels, registry=self._registry) for name, (text, labels) in _COUNTERS.items()
        }
        self._gauges: dict[str, prometheus_client.Gauge] = {}
        # Looking labels up costs twice as much as counting.
        self._adders: dict[tuple[str, tuple[str, ...]], Callable[[float], None]] = {}

    def record(self, metric: str, labels: tuple[str, ...], value: float) -> None:
        add = self._adders.get((metric, labels))
        if add is None:
            counted = self._requests.labels(*labels) if metric == REQUEST else self._counters[metric].labels(*labels)
            add = counted.observe if isinstance(counted, Histogram) else counted.inc
            self._adders[metric, labels] = add
        add(value)

    def show(self, gauge: Gauge) -> None:
        shown = self._gauges.get(gauge.name)
        if shown is None:
            shown = self._gauges[gauge.name] = prometheus_client.Gauge(
                gauge.name, gauge.help, gauge.labels, registry=self._registry, multiprocess_mode="livesum"
            )
        for labels, value in _readings(gauge):
            (shown.labels(*labels) if labels else shown).set(value)

    def text(self, read_now: Sequence[Gauge]) -> tuple[bytes, str]:
        """Everybody's figures, and these gauges as they are now. Also the content type."""
        asked = CollectorRegistry()
        asked.register(_ReadNow(read_now))
        return generate_latest(_everybodys(self._registry)) + generate_latest(asked), CONTENT_TYPE_LATEST

    def close(self) -> None:
        if SHARED_FOLDER in os.environ:
            multiprocess.mark_process_dead(os.getpid())


class _ReadNow:
    """What prometheus-client calls a collector. It keeps nothing, so nothing of it is in the workers' files."""

    def __init__(self, gauges: Sequence[Gauge]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for gauge in self._gauges:
            family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
            for labels, value in _readings(gauge):
                family.add_metric(labels, value)
            yield family


def _readings(gauge: Gauge) -> list[Reading]:
    """What can't be read now, such as rows of a database that is down, is left out: the gap says so."""
    try:
        return list(gauge.read())
    except Exception as error:
        _log.warning("a figure can't be read now", gauge=gauge.name, error=type(error).__name__)
        return []


def _everybodys(own: CollectorRegistry) -> CollectorRegistry:
    if SHARED_FOLDER not in os.environ:
        return own
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return registry
