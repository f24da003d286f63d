"""What a process counts about itself.

Noting something costs an append to a list; a thread carries the notes to prometheus-client once a second, which is
also when that library is first imported, so that neither a start nor a request waits for it. Labels hold templates and
states, never a path, a number or somebody's name: paths hold secrets.

A process with several workers shares its figures through files: call `share_through` before the workers are forked.
Nothing is noted until `start`."""

import os
import shutil
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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
)

if TYPE_CHECKING:
    from kit.exposition import Books

CARRY_EVERY_S = 1.0
MOST_NOTES = 50_000
"""Older ones are forgotten first. A second of work makes far fewer."""


class Figures:
    """The figures of one process. Thread-safe."""

    def __init__(self) -> None:
        self._notes: deque[tuple[str, tuple[str, ...], float]] = deque(maxlen=MOST_NOTES)
        self._is_on = False
        self._gauges: tuple[Gauge, ...] = ()
        self._books: Books | None = None
        self._carrying = threading.Lock()
        self._stopping = threading.Event()

    def note(self, metric: str, labels: tuple[str, ...], value: float = 1.0) -> None:
        if self._is_on:
            self._notes.append((metric, labels, value))

    def start(self, gauges: Sequence[Gauge] = ()) -> None:
        self._gauges = tuple(gauges)
        self._is_on = True
        self._stopping.clear()
        threading.Thread(target=self._run, name="metrics", daemon=True).start()

    def stop(self) -> None:
        """Note nothing more. What this worker counted stays in the sum of all; what it had open does not."""
        self._is_on = False
        self._stopping.set()
        with self._carrying:
            if self._books is not None:
                self._carry(self._books)
                self._books.close()

    def text(self) -> tuple[bytes, str]:
        """What Prometheus reads, and its content type."""
        with self._carrying:
            books = self._opened()
            self._carry(books)
        return books.text([gauge for gauge in self._gauges if not gauge.is_of_process])

    def _run(self) -> None:
        while not self._stopping.wait(CARRY_EVERY_S):
            with self._carrying:
                if not self._stopping.is_set():
                    self._carry(self._opened())

    def _opened(self) -> "Books":
        if self._books is None:
            from kit.exposition import Books  # noqa: PLC0415 - 20 ms that a start does not have

            self._books = Books()
        return self._books

    def _carry(self, books: "Books") -> None:
        while self._notes:
            books.record(*self._notes.popleft())
        for gauge in self._gauges:
            if gauge.is_of_process:
                books.show(gauge)


figures = Figures()
"""This process's own."""


def request_answered(method: str, route: str, status: int, took_s: float) -> None:
    """`route` is the template, such as `/orders/<order_id>`."""
    figures.note(REQUEST, (method, route, str(status)), took_s)


def loop_turned(loop: str, outcome: str) -> None:
    """`outcome` is `worked`, `idle` or `failed`."""
    figures.note(LOOP_TURN, (loop, outcome))


def pushed(outcome: str) -> None:
    """A payment prompt was handed to a provider, or may have been."""
    figures.note(PUSH, (outcome,))


def refund_moved(provider: str, state: str) -> None:
    """Money that goes back came to this state: `created` for what was opened."""
    figures.note(REFUND, (provider, state))


def callback_came(provider: str, outcome: str) -> None:
    """`outcome` is `kept`, `forged`, `unknown_secret` (then of no provider) or, besides, `other_source`."""
    figures.note(CALLBACK, (provider, outcome))


def payment_event_taken(said: str, became: str) -> None:
    figures.note(PAYMENT_EVENT, (said, became))


def woke(way: str, outcome: str) -> None:
    """`way` is `sent` or `heard`."""
    figures.note(WAKE, (way, outcome))


def message_ended(outcome: str, about: str) -> None:
    """A message to a customer. `outcome` is `sent` (`about`: its kind), `held`, `expired`, `failed` or `undelivered`
    (why: a word or the channel's code)."""
    figures.note(MESSAGE, (outcome, about))


def message_repeated(channel: str) -> None:
    """A channel told us of a customer's message that we had already."""
    figures.note(REPEAT, (channel,))


def share_through(folder: Path) -> None:
    """Let the workers of this process, forked hereafter, add up their figures in `folder`, which is emptied first.

    Raises OSError."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ[SHARED_FOLDER] = str(folder)
