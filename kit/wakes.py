"""Wake-ups across processes: after a commit, `wake(topic)` reaches the loops that wait for it, wherever they run.

A loop of this process is woken at once. When none runs here, a thread tells the others: through Redis where REDIS_URL
is set, else by NOTIFY where the platform database is PostgreSQL, else not at all. A request never waits for it, and a
burst costs a message or two. Wake-ups are a hint: whatever is lost here is found by the next sweep, so an outage costs
speed alone. It is logged once, ended by a reconnect, and followed by one wake-up of everything, for what was missed."""

import hashlib
import random
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

import structlog
from sqlalchemy import Engine

from kit.metrics import woke
from kit.settings import Settings
from kit.wires import Line, Lost, Wire, postgres_wire, redis_wire

_log = structlog.get_logger()

QUIET_S = 0.005
"""After a message, so long what follows is gathered into the next one."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
_LISTEN_S = 0.5
"""How long one look for messages takes; a stop is noticed after it."""


def topic_of(engine: Engine, what: str) -> str:
    """The same in every process that works on the database, and for no other database. Tells nothing of its address."""
    url = engine.url
    place = f"{url.host}:{url.port}/{url.database}?{sorted(url.query.items())}"
    return f"{what}:{hashlib.sha256(place.encode()).hexdigest()[:16]}"


class Sleeper(Protocol):
    """What can be woken: a `kit.background.Loop`, or a part of one's work."""

    @property
    def is_running(self) -> bool: ...
    def wake(self) -> None: ...


class Wakes:
    """One per service. `listening` is to be among its loops, so that only those listen who have loops to wake."""

    def __init__(self, wire: Wire | None) -> None:
        self._wire = wire
        self._loops: defaultdict[str, list[Sleeper]] = defaultdict(list)
        self._outage = _Outage()
        self._pending: set[str] = set()
        self._there_is_some = threading.Condition()
        self._stopping = threading.Event()
        self._sender: threading.Thread | None = None
        self.listening = _Listening(wire, self._heard, self._outage)

    @classmethod
    def by(cls, settings: Settings) -> "Wakes":
        """By whatever these settings offer. Opens nothing yet."""
        if settings.redis_url is not None:
            return cls(redis_wire(settings.redis_url))
        if settings.platform_database_url.startswith("postgresql"):
            return cls(postgres_wire(settings.platform_database_url))
        return cls(None)

    def register(self, topic: str, loop: Sleeper) -> None:
        self._loops[topic].append(loop)

    def wake(self, topic: str) -> None:
        """There may be work of that kind now. Never blocks, never raises."""
        running = [loop for loop in self._loops.get(topic, ()) if loop.is_running]
        for loop in running:
            loop.wake()
        if running or self._wire is None or self._stopping.is_set():
            return
        with self._there_is_some:
            self._pending.add(topic)
            if self._sender is None:
                self._sender = threading.Thread(target=self._send_all, name="wakes-sending", daemon=True)
                self._sender.start()
            self._there_is_some.notify()

    def close(self) -> None:
        """Send nothing more. Does not wait: the thread ends by itself, or with the process."""
        self._stopping.set()
        with self._there_is_some:
            self._there_is_some.notify()

    def _heard(self, topics: set[str] | None) -> None:
        for topic, loops in list(self._loops.items()):
            if topics is None or topic in topics:
                for loop in loops:
                    loop.wake()

    def _send_all(self) -> None:
        assert self._wire is not None
        pause = _Pause()
        while not self._stopping.is_set():
            try:
                with self._wire() as line:
                    self._outage.is_over()
                    pause.reset()
                    self._send_on(line)
            except Lost as error:
                self._outage.began(error)
                woke("sent", "lost")
                self._stopping.wait(pause.next_s())

    def _send_on(self, line: Line) -> None:
        while not self._stopping.is_set():
            for topic in self._waiting():
                line.send(topic)
                with self._there_is_some:
                    self._pending.discard(topic)
                woke("sent", "ok")
            self._stopping.wait(QUIET_S)

    def _waiting(self) -> tuple[str, ...]:
        with self._there_is_some:
            self._there_is_some.wait_for(lambda: bool(self._pending) or self._stopping.is_set())
            return tuple(self._pending)


class _Listening:
    """Hears what other processes send, and wakes the loops of this one."""

    def __init__(self, wire: Wire | None, heard: Callable[[set[str] | None], None], outage: "_Outage") -> None:
        self._wire = wire
        self._heard = heard
        self._outage = outage
        self._stopping = threading.Event()

    def start(self) -> None:
        if self._wire is not None:
            threading.Thread(target=self._run, args=(self._wire,), name="wakes-listening", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()

    def join(self, timeout_s: float) -> None:
        """Nothing is under way that would have to be finished."""

    def _run(self, wire: Wire) -> None:
        pause = _Pause()
        while not self._stopping.is_set():
            try:
                with wire() as line:
                    line.listen()
                    self._outage.is_over()
                    pause.reset()
                    self._heard(None)
                    while not self._stopping.is_set():
                        topics = set(line.hear(_LISTEN_S))
                        if topics:
                            self._heard(topics)
                            woke("heard", "ok")
            except Lost as error:
                if not self._stopping.is_set():
                    self._outage.began(error)
                    self._stopping.wait(pause.next_s())


class _Outage:
    """Says once that it began and once that it is over, whichever thread notices."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_on = False

    def began(self, error: Lost) -> None:
        with self._lock:
            was_on, self._is_on = self._is_on, True
        if not was_on:
            _log.warning("wake-ups between processes are lost; sweeping meanwhile", why=str(error))

    def is_over(self) -> None:
        with self._lock:
            was_on, self._is_on = self._is_on, False
        if was_on:
            _log.info("wake-ups between processes are back")


class _Pause:
    """Between tries to connect: longer each time, with jitter, so that many processes don't come back as one."""

    def __init__(self) -> None:
        self._s = _FIRST_PAUSE_S

    def next_s(self) -> float:
        now_s, self._s = self._s, min(self._s * 2, _LONGEST_PAUSE_S)
        return now_s * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        self._s = _FIRST_PAUSE_S
