"""Gives conversations back to the bot when their time is over: somebody who waits must not wait for ever in silence."""

from dataclasses import dataclass

from sqlalchemy import literal_column, select

from contracts.ids import VendorId
from kit.background import Loop
from kit.clock import Clock
from kit.db import Tx
from router.conversations.models import conversations
from router.conversations.service import end_turn
from router.databases import Databases, OpsDatabase, has_stayed
from router.vendors.service import Directory

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
        over = ((VendorId(row.vendor_id), row.id) for row in due)
        return database.one_by_one(over, self._end, "a conversation could not be given back") > 0

    def _end(self, tx: Tx, vendor_id: VendorId, conversation_id: str) -> None:
        end_turn(tx, self.directory.named(vendor_id), conversation_id, self.clock.now())

    def loop(self) -> Loop:
        return Loop("turn-sweep", self.turn, idle_s=IDLE_S)
