"""Counts calls of the vendor API. A command is counted in its own transaction; a question has none, and waits for none.

Questions are counted in memory and written down every few seconds, and when the process stops: what a killed process
had not written is lost, at most `FLUSH_S` of questions. What was tried to be written keeps its subject until it is
known to be, so that a lost answer of the database counts nothing twice."""

import secrets
import threading
from dataclasses import dataclass
from datetime import datetime
from itertools import count as counting

import structlog

from contracts.ids import VendorId, derived_id, new_id
from kit.background import Loop
from kit.db import Tx
from router.databases import Databases
from router.edge import Call
from router.metering.rules import Calendar, Metered, window_at
from router.metering.service import Thing, calendar_of, count, count_all

_log = structlog.get_logger()

FLUSH_S = 5.0


@dataclass(slots=True)
class _Pile:
    """Questions of one vendor in one window."""

    vendor_id: VendorId
    calendar: Calendar
    quantity: int
    last_at: datetime
    subject: str = ""


class CallMeter:
    """The edge's `Meter`. Thread-safe. Every process that answers requests has its own, and runs its own loop."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._counted: dict[tuple[VendorId, str], _Pile] = {}
        self._unwritten: dict[tuple[VendorId, str], _Pile] = {}
        self._process = secrets.token_hex(8)
        self._numbers = counting(1)

    def command(self, tx: Tx, call: Call) -> None:
        """One statement in the command's transaction."""
        # Without a key nothing says that another call is the same.
        made = call.caller.name, call.operation.name, call.key
        subject = new_id(call.now) if call.key is None else derived_id("api_call", *map(str, made))
        count(tx, Metered.API_CALLS, call.vendor.id, subject, calendar_of(call.vendor), call.now)

    def question(self, call: Call) -> None:
        calendar = calendar_of(call.vendor)
        which = call.vendor.id, window_at(call.now, calendar).id
        with self._lock:
            pile = self._counted.get(which)
            if pile is None:
                self._counted[which] = _Pile(call.vendor.id, calendar, 1, call.now)
            else:
                pile.quantity += 1
                pile.last_at = call.now

    def flush(self) -> None:
        """Write down what was counted. What can't be written now is kept for the next time."""
        with self._flushing:
            with self._lock:
                for which in [which for which in self._counted if which not in self._unwritten]:
                    pile = self._counted.pop(which)
                    pile.subject = f"{self._process}:{next(self._numbers)}"
                    self._unwritten[which] = pile
            for which, pile in list(self._unwritten.items()):
                try:
                    self._write(pile)
                except Exception as error:
                    # A vendor whose database is down must not hold back the others.
                    why = type(error).__name__
                    _log.warning("API calls not written yet", vendor_id=pile.vendor_id, calls=pile.quantity, why=why)
                else:
                    del self._unwritten[which]

    def loop(self, *, idle_s: float = FLUSH_S) -> Loop:
        return Loop("usage-calls", self._turn, idle_s=idle_s)

    def _turn(self) -> bool:
        self.flush()
        return False

    def _write(self, pile: _Pile) -> None:
        with self._databases.ops(pile.vendor_id).write() as tx:
            counted_together = Thing(pile.subject, pile.last_at, pile.quantity)
            count_all(tx, Metered.API_CALLS, pile.vendor_id, pile.calendar, [counted_together])
