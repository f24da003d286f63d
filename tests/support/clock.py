"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime

import pytest

from kit.clock import FixedClock

NOON = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
"""Noon of a Friday in Nairobi (UTC+3, no summer time)."""


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)
