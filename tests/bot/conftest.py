"""A bot on SQLite, and the same on both databases for what locks, races or must not be lost."""

from collections.abc import Callable

import pytest

from kit.clock import FixedClock
from kit.db import Database
from tests.support.bot import BotUnderTest


@pytest.fixture
def bot(sqlite_database: Callable[[str], Database], clock: FixedClock) -> BotUnderTest:
    return BotUnderTest(sqlite_database("conversations"), clock)


@pytest.fixture
def any_bot(new_database: Callable[[str], Database], clock: FixedClock) -> BotUnderTest:
    """Runs the test on SQLite and on PostgreSQL."""
    return BotUnderTest(new_database("conversations"), clock)
