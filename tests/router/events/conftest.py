"""The mailroom, on both databases or, where no database decides, on SQLite alone."""

from collections.abc import Generator

import pytest

from kit.clock import FixedClock
from tests.support.databases import NewDatabase
from tests.support.mailroom import Mailroom, make_mailroom


@pytest.fixture
def mailroom(new_database: NewDatabase, clock: FixedClock) -> Generator[Mailroom]:
    """Runs the test twice, on SQLite and on PostgreSQL."""
    with make_mailroom(new_database, clock) as mailroom:
        yield mailroom


@pytest.fixture
def quick_mailroom(sqlite_database: NewDatabase, clock: FixedClock) -> Generator[Mailroom]:
    with make_mailroom(sqlite_database, clock) as mailroom:
        yield mailroom
