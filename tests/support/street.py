"""A shop that trades, and an empty database that it may move to: both on SQLite, or both on PostgreSQL."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from contracts.ids import VendorId
from kit.db import Database, Scope, VendorMoved
from router.moving.models import vendor_moves
from router.moving.rows import all_rows, moved_tables, vendor_column
from router.moving.service import Ends, Moved, Step, move
from router.vendors.homes import home_of
from router.vendors.service import Home
from tests.support.counter import MAMA, Counter
from tests.support.postgres import OWNER

BABA = VendorId("vendor-baba")
"""The neighbour, who stays."""


class Killed(BaseException):
    """Like a kill: nothing catches it, and what was not committed is rolled back."""


@dataclass(slots=True)
class Watching:
    """Remembers what it was shown, and does what a test wants done at a step."""

    at: dict[Step, Callable[[], None]] = field(default_factory=dict[Step, Callable[[], None]])
    steps: list[Step] = field(default_factory=list[Step])
    rows: dict[str, int] = field(default_factory=dict[str, int])

    def reached(self, step: Step) -> None:
        self.steps.append(step)
        if step in self.at:
            self.at[step]()

    def did(self, what: str, rows: int) -> None:
        self.rows[what] = self.rows.get(what, 0) + rows


def killing(step: Step) -> Watching:
    def kill() -> None:
        raise Killed(step)

    return Watching({step: kill})


@dataclass(slots=True)
class Street:
    """`counter` asks the router; the rest looks at the databases themselves."""

    counter: Counter
    target: Database
    target_home: Home

    @property
    def source(self) -> Database:
        return self.counter.db

    @property
    def ends(self) -> Ends:
        """As the application's role: row-level security holds for whoever moves, too."""
        return Ends(self.counter.platform, self._open, _prepared, self.counter.clock)

    @property
    def owners_ends(self) -> Ends:
        return Ends(self.counter.platform, self._open_as_owner, _prepared, self.counter.clock)

    def move(self, watcher: Watching | None = None, *, anew: bool = True) -> Moved:
        """`anew` False: without a target, as a move is finished."""
        return move(MAMA, self.target_home if anew else None, self.ends, watcher or Watching())

    def trade(self, customers: int = 4) -> None:
        """Orders in several states, with payments that came and some that did not. May be called once."""
        counter = self.counter
        counter.put("sugar", on_hand=1000)
        counter.put("flour", on_hand=None)
        for number in range(customers):
            who = f"whatsapp:+2547000000{10 + number}"
            counter.confirmed("sugar", 2, who=who)
            started = counter.started(who=who)
            if number % 2 == 0:
                counter.hear(started, transaction=f"ws_CO_{number}", receipt=f"TKL{number}")
            assert counter.add("flour", who=who).status == 200
            counter.clock.advance(timedelta(seconds=1))

    def home(self) -> Home:
        with self.counter.platform.read() as tx:
            home = home_of(tx, MAMA)
        assert home is not None
        return home

    def writes(self, database: Database) -> bool:
        """Whether Mama's rows can be written there."""
        try:
            with database.write(Scope(MAMA)):
                return True
        except VendorMoved:
            return False

    def held(self, database: Database, vendor_id: VendorId = MAMA) -> dict[str, int]:
        """Rows of this vendor, by table; tables without any are left out."""
        found: dict[str, int] = {}
        with database.read(Scope(vendor_id)) as tx:
            for table in moved_tables():
                which = select(func.count()).select_from(table).where(vendor_column(table) == vendor_id)
                if rows := tx.execute(which).scalar_one():
                    found[table.name] = rows
        return found

    def rows(self, database: Database) -> dict[str, list[Any]]:
        """Every row of Mama's, whole."""
        with database.read(Scope(MAMA)) as tx:
            return {
                table.name: [tuple(row.values()) for rows in all_rows(tx, table, MAMA) for row in rows]
                for table in moved_tables()
            }

    def moves(self) -> list[str]:
        """How each move ended, oldest first."""
        with self.counter.platform.read() as tx:
            return list(tx.execute(select(vendor_moves.c.status).order_by(vendor_moves.c.number)).scalars())

    def open(self, database: Database) -> Database:
        """The same with one connection, as a move wants it."""
        return Database(database.engine.url.render_as_string(hide_password=False), pool_size=1, overflow=0)

    def _open(self, vendor_id: VendorId, home: Home) -> Database:
        return self.open(self._database(home))

    def _open_as_owner(self, vendor_id: VendorId, home: Home) -> Database:
        database = self._database(home)
        url = database.engine.url.set(username=OWNER) if database.is_postgres else database.engine.url
        return Database(url.render_as_string(hide_password=False), pool_size=1, overflow=0)

    def _database(self, home: Home) -> Database:
        return self.source if home.is_shared else self.target


def _prepared(vendor_id: VendorId, home: Home) -> None:
    """The tests' databases have their tables already."""


def target_of(database: Database) -> dict[str, Any]:
    """The db_target that leads there."""
    url = database.engine.url
    if not database.is_postgres:
        return {"type": "sqlite", "database": Path(url.database or "").name}
    return {"type": "postgres", "host": url.query["host"], "database": url.database, "user": url.username}
