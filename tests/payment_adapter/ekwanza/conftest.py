"""A client of e-Kwanza and AppyPay whose sandbox is the test's own server."""

from collections.abc import Generator

import pytest
from pytest_httpserver import HTTPServer

from kit.clock import FixedClock
from payment_adapter.providers.ekwanza.client import Ekwanza
from payment_adapter.providers.wire import Http
from tests.support.ekwanza import hosts


@pytest.fixture
def ekwanza(httpserver: HTTPServer, clock: FixedClock) -> Generator[Ekwanza]:
    http = Http(connect_timeout_s=2, read_timeout_s=5)
    made = Ekwanza(hosts(httpserver), clock, http=http, charge_timeout_s=5)
    yield made
    made.close()
