"""What each process hands to whoever runs it: a WSGI application, the loops behind it, and whether it can serve."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from flask import Flask

from kit.measures import Gauge
from kit.metrics import figures
from kit.web import DRAINING

DRAIN_S = 8.0
"""How long a stopping process may take to finish the turns under way."""


class Work(Protocol):
    """Something that runs in threads behind a service, such as a `kit.background.Loop`."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def join(self, timeout_s: float) -> None: ...


@dataclass(slots=True)
class Service:
    """`<process>/app.py` offers `create_service(settings, clock) -> Service`. Nothing runs until `start`."""

    name: str
    app: Flask
    loops: Sequence[Work] = ()
    on_stop: Sequence[Callable[[], None]] = field(default_factory=tuple)
    """Closed last: pools, connections, files."""
    gauges: Sequence[Gauge] = ()
    answering: Sequence[Work] = ()
    """Loops of every process that answers, whoever runs the others: they write down what it has only in its memory."""

    def start(self, *, with_loops: bool = True) -> None:
        """Without its loops it only answers: others do what it leaves to be done."""
        figures.start(self.gauges)
        for loop in (*self.answering, *(self.loops if with_loops else ())):
            loop.start()

    def drain(self) -> None:
        """Say at once that this process can't serve any more; it still does."""
        self.app.config[DRAINING] = lambda: True

    def drain_when(self, is_told: Callable[[], bool]) -> None:
        """Be unready as soon as `is_told` says so."""
        self.app.config[DRAINING] = is_told

    def stop(self) -> None:
        self.drain()
        loops = (*self.loops, *self.answering)
        for loop in loops:
            loop.stop()
        for loop in loops:
            loop.join(DRAIN_S)
        for close in self.on_stop:
            close()
        figures.stop()
