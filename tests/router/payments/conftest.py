"""A till on SQLite and on PostgreSQL: what holds for money holds on both."""

from functools import partial

import pytest

from kit.clock import FixedClock
from tests.support.databases import NewDatabase
from tests.support.till import Till


@pytest.fixture
def till(new_database: NewDatabase, clock: FixedClock) -> Till:
    return Till(new_database("ops"), partial(new_database, "platform"), clock)
