"""A till on SQLite and on PostgreSQL: what holds for money holds on both."""

import sqlite3
from functools import partial

import pytest
from sqlalchemy import event

from kit.clock import FixedClock
from tests.support.clock import NOON
from tests.support.databases import NewDatabase
from tests.support.till import Till


@pytest.fixture
def till(new_database: NewDatabase, clock: FixedClock) -> Till:
    return Till(new_database("ops"), partial(new_database, "platform"), clock)


@pytest.fixture
def quick_till(sqlite_database: NewDatabase) -> Till:
    """For very many steps: nothing waits for the disk."""
    ops = sqlite_database("ops")

    def forget_the_disk(raw: sqlite3.Connection, _entry: object) -> None:
        raw.execute("PRAGMA synchronous=OFF")

    event.listen(ops.engine, "connect", forget_the_disk)
    return Till(ops, partial(sqlite_database, "platform"), FixedClock(NOON))
