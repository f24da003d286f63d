"""What was made at the channel to send buttons, lists and templates with: names and ids, shared by all processes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from time import monotonic

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from bot.store.tables import contents
from kit.columns import Code
from kit.db import Database, Tx

APPROVED = "approved"
"""The one state in which a template may be sent."""

_KNOWN_FOR_S = 10.0

_c = contents.c
_VALUES = ("sid", "approval", "reason", "checked_at")
_KEEP = {
    is_postgres: (made := insert(contents)).on_conflict_do_update(
        index_elements=["account", "name"], set_={name: made.excluded[name] for name in _VALUES}
    )
    for is_postgres, insert in ((True, postgresql.insert), (False, sqlite.insert))
}
_OF = select(_c.name, _c.sid, _c.approval, _c.reason).where(_c.account == bindparam("which", type_=Code))


@dataclass(frozen=True, slots=True)
class Known:
    """A content that exists at the channel. `approval` is None for what needs none."""

    name: str
    sid: str
    approval: str | None = None
    reason: str | None = None


def keep(tx: Tx, account: str, known: Known, now: datetime) -> None:
    """It exists, and that is how it stands."""
    tx.execute(
        _KEEP[tx.is_postgres],
        {
            "account": account,
            "name": known.name,
            "sid": known.sid,
            "approval": known.approval,
            "reason": known.reason,
            "checked_at": now,
        },
    )


def of(tx: Tx, account: str) -> dict[str, Known]:
    """By name."""
    rows = tx.execute(_OF, {"which": account})
    return {row.name: Known(row.name, row.sid, row.approval, row.reason) for row in rows}


class KnownContents:
    """What an account has, as of a few seconds ago. Thread-safe."""

    def __init__(self, db: Database, account: str, monotonic_s: Callable[[], float] = monotonic) -> None:
        self._db = db
        self._account = account
        self._monotonic_s = monotonic_s
        self._lock = Lock()
        self._known: dict[str, Known] = {}
        self._looked_at_s: float | None = None

    def sid_of(self, name: str) -> str | None:
        """None for what was never made, or is not approved."""
        known = self._fresh().get(name)
        return known.sid if known is not None and known.approval in (None, APPROVED) else None

    def _fresh(self) -> dict[str, Known]:
        now = self._monotonic_s()
        if self._looked_at_s is not None and now - self._looked_at_s < _KNOWN_FOR_S:
            return self._known
        with self._lock:
            if self._looked_at_s is None or now - self._looked_at_s >= _KNOWN_FOR_S:
                try:
                    with self._db.read() as tx:
                        self._known = of(tx, self._account)
                except SQLAlchemyError:
                    pass  # what was known may still be right; a text goes in any case
                self._looked_at_s = now
        return self._known
