"""The router behind its counter, on both databases or, where no database decides, on SQLite alone."""

from collections.abc import Generator
from pathlib import Path

import pytest

from kit.clock import FixedClock
from tests.support.counter import Counter, make_counter
from tests.support.databases import NewDatabase


@pytest.fixture
def counter(new_database: NewDatabase, clock: FixedClock, tmp_path: Path) -> Generator[Counter]:
    """Runs the test twice, on SQLite and on PostgreSQL: for money, stock and states."""
    yield from make_counter(new_database, clock, tmp_path)


@pytest.fixture
def quick_counter(sqlite_database: NewDatabase, clock: FixedClock, tmp_path: Path) -> Generator[Counter]:
    """On SQLite alone: for what no database decides."""
    yield from make_counter(sqlite_database, clock, tmp_path)
