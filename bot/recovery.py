"""After a bot of this machine was killed: its leases are given up at once instead of running out."""

import structlog

from bot.sending import SETTLE
from bot.store import conversations, messages
from kit.clock import Clock
from kit.db import Database
from kit.owners import Owner

_log = structlog.get_logger()


class Recovery:
    def __init__(self, db: Database, clock: Clock, owner: Owner) -> None:
        self._db = db
        self._clock = clock
        self._owner = owner

    def turn(self) -> bool:
        """Returns False: the next look is never urgent."""
        for name in self._owner.gone():
            with self._db.write() as tx:
                turns = conversations.give_up_leases(tx, name)
                sends = messages.abandoned(tx, name, self._clock.now() + SETTLE)
            self._owner.forget(name)
            _log.warning("took over from a bot that was killed", turns=turns, messages_to_look_up=sends)
        return False
