"""Usage on both databases or, where no database decides, on SQLite alone."""

import pytest

from router.metering.rollup import Rollup
from tests.support.counter import Counter
from tests.support.usage import Usage


@pytest.fixture
def usage(counter: Counter) -> Usage:
    return Usage(counter, Rollup(counter.databases, counter.clock))


@pytest.fixture
def quick_usage(quick_counter: Counter) -> Usage:
    return Usage(quick_counter, Rollup(quick_counter.databases, quick_counter.clock))
