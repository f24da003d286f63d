"""Gives conversations back to the bot when their time is over: somebody who waits must not wait for ever in silence."""

from dataclasses import dataclass

import structlog
from sqlalchemy import literal_column, select

from contracts.ids import VendorId
from kit.background import Loop
from kit.clock import Clock
from kit.db import VendorMoved
from router.conversations.models import conversations
from router.conversations.service import end_turn
from router.databases import Databases, OpsDatabase, has_stayed
from router.vendors.service import Directory

_log = structlog.get_logger()

IDLE_S = 5.0
BATCH = 50


@dataclass(frozen=True, slots=True)
class TurnSweep:
    """One visit ends at most `BATCH` turns in a database, each in a transaction of its own."""

    databases: Databases
    directory: Directory
    clock: Clock

    def turn(self) -> bool:
        """A visit to the shared database."""
        return self.visit(self.databases.shared)

    def visit(self, database: OpsDatabase) -> bool:
        """Returns whether any turn was over."""
        c = conversations.c
        with database.across() as tx:
            due = tx.execute(
                select(c.vendor_id, c.id)
                .where(c.mode != literal_column("'bot'"), c.until <= self.clock.now(), has_stayed(c.vendor_id))
                .order_by(c.until)
                .limit(BATCH)
            ).all()
        ended = 0
        for row in due:
            try:
                vendor = self.directory.named(VendorId(row.vendor_id))
                with database.of(vendor.id).write() as tx:
                    end_turn(tx, vendor, row.id, self.clock.now())
            except VendorMoved:
                continue  # it is ended where the shop lives now
            except Exception:
                # One that can't be ended must not hold back the others.
                _log.exception("a conversation could not be given back", conversation=row.id)
                continue
            ended += 1
        return ended > 0

    def loop(self) -> Loop:
        return Loop("turn-sweep", self.turn, idle_s=IDLE_S)
