"""A shop that trades, and an empty database that it may move to: both on SQLite, or both on PostgreSQL."""

from collections.abc import Generator
from pathlib import Path

import pytest

from kit.clock import FixedClock
from router.databases import IsolationLevel
from router.vendors.service import Home
from tests.support.counter import make_counter
from tests.support.databases import NewDatabase
from tests.support.street import BABA, Street, target_of


@pytest.fixture
def street(new_database: NewDatabase, clock: FixedClock, tmp_path: Path) -> Generator[Street]:
    for counter in make_counter(new_database, clock, tmp_path):
        counter.open_shop(BABA, "Baba Otieno")
        target = new_database("ops")
        yield Street(counter, target, Home(IsolationLevel.DEDICATED_DB, target_of(target)))
