"""The adapter's rooms over a migrated database, on SQLite and on PostgreSQL or on SQLite alone; a client of Daraja."""

from collections.abc import Generator

import pytest
from pytest_httpserver import HTTPServer

from kit.clock import FixedClock
from payment_adapter.providers.base import ChargeOrder
from payment_adapter.providers.daraja.client import Daraja
from payment_adapter.providers.daraja.wire import Wire
from tests.support.daraja import order_of
from tests.support.databases import NewDatabase
from tests.support.payments import Desk


@pytest.fixture
def desk(new_database: NewDatabase, clock: FixedClock) -> Desk:
    made = Desk(new_database("payments"), clock)
    made.plant()
    return made


@pytest.fixture
def sqlite_desk(sqlite_database: NewDatabase, clock: FixedClock) -> Desk:
    made = Desk(sqlite_database("payments"), clock)
    made.plant()
    return made


@pytest.fixture
def daraja(httpserver: HTTPServer, clock: FixedClock) -> Generator[Daraja]:
    made = Daraja(Wire(httpserver.url_for("").rstrip("/"), connect_timeout_s=2, read_timeout_s=0.4), clock)
    yield made
    made.close()


@pytest.fixture
def order(clock: FixedClock) -> ChargeOrder:
    return order_of(clock)
