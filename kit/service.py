"""What each process hands to whoever runs it: a WSGI application, the loops behind it, and whether it can serve."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flask import Flask

from kit.background import Loop

DRAIN_S = 8.0
"""How long a stopping process may take to finish the turns under way."""


@dataclass(slots=True)
class Service:
    """`<process>/app.py` offers `create_service(settings, clock) -> Service`. Nothing runs until `start`."""

    name: str
    app: Flask
    loops: Sequence[Loop] = ()
    on_stop: Sequence[Callable[[], None]] = field(default_factory=tuple)
    """Closed last: pools, connections, files."""

    def start(self) -> None:
        for loop in self.loops:
            loop.start()

    def stop(self) -> None:
        for loop in self.loops:
            loop.stop()
        for loop in self.loops:
            loop.join(DRAIN_S)
        for close in self.on_stop:
            close()
