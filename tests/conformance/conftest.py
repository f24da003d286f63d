"""A rail of a provider with its simulator behind a real socket, and a shop that hears what the provider sends."""

import base64
import logging
from collections.abc import Generator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs

from contracts.money import Currency
from contracts.states import Rail
from kit.settings import load_settings
from payment_adapter.providers.daraja import credentials as daraja_credentials
from payment_adapter.providers.daraja import initiator
from payment_adapter.providers.daraja.client import Daraja
from payment_adapter.providers.daraja.wire import Wire
from payment_adapter.providers.ekwanza import credentials as ekwanza_credentials
from payment_adapter.providers.ekwanza.client import Ekwanza
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials, Origin
from tests.simulators.running import Simulators
from tests.simulators.shop import Shop
from tests.support.processes import free_ports
from tests.support.provider_cases import ACCOUNT, EKWANZA_TROUBLES, MPESA_TROUBLES, VENDOR, Case

SECURITY_CREDENTIAL = base64.b64encode(b"as the developer portal makes it".ljust(256, b".")).decode()
RAILS = [Rail.MPESA_STK, Rail.GPO, Rail.EMIS_REF, Rail.TICKET]


@pytest.fixture
def shop(httpserver: HTTPServer) -> Shop:
    return Shop(httpserver)


@pytest.fixture
def simulators(tmp_path: Path, shop: Shop) -> Generator[Simulators]:
    (port,) = free_ports(1)
    running = Simulators(
        load_settings(
            {
                "DUKANI_DATA_DIR": str(tmp_path),
                "DUKANI_SIMULATORS_PORT": str(port),
                "DUKANI_BOT_PUBLIC_URL": shop.url,
                "TWILIO_AUTH_TOKEN": "test-token",
            },
            dotenv=None,
        )
    )
    try:
        yield running
    finally:
        running.stop()


def _mpesa(simulators: Simulators, shop: Shop) -> Case:
    for_refunds = {initiator.NAME: Secret("apioperator"), initiator.CREDENTIAL: Secret(SECURITY_CREDENTIAL)}
    return Case(
        Rail.MPESA_STK,
        Daraja(Wire(simulators.settings.daraja_base_url), simulators.clock),
        Credentials(VENDOR, "mpesa", 1, Origin.VENDOR, {**daraja_credentials.invented(), **for_refunds}),
        Currency.KES,
        simulators.phone,
        simulators.clock,
        shop.callback_url,
        MPESA_TROUBLES,
        {"consumer_key": "wrong-consumer-key"},
    )


def _ekwanza(simulators: Simulators, shop: Shop, rail: Rail) -> Case:
    fields = ekwanza_credentials.invented(ACCOUNT)
    simulators.phone.register_merchant(
        ACCOUNT,
        webhook_url=shop.webhook_url,
        api_key=fields["api_key"].reveal(),
        notification_token=fields["notification_token"].reveal(),
        registration_number=fields["company_registration"].reveal(),
        client_id=fields["client_id"].reveal(),
        client_secret=fields["client_secret"].reveal(),
    )
    is_ticket = rail is Rail.TICKET
    wrong = {"notification_token": "wrongTOKEN"} if is_ticket else {"client_secret": "wrong-client-secret"}
    return Case(
        rail,
        Ekwanza(ekwanza_credentials.hosts_by_environment(simulators.settings), simulators.clock),
        Credentials(VENDOR, "ekwanza", 1, Origin.VENDOR, fields),
        Currency.AOA,
        simulators.phone,
        simulators.clock,
        shop.callback_url,
        EKWANZA_TROUBLES,
        wrong,
    )


@pytest.fixture(params=RAILS)
def case(
    request: pytest.FixtureRequest, simulators: Simulators, shop: Shop, caplog: pytest.LogCaptureFixture
) -> Generator[Case]:
    """Every test of this page also shows that no secret is said or logged on the way."""
    rail = Rail(request.param)
    made = _mpesa(simulators, shop) if rail is Rail.MPESA_STK else _ekwanza(simulators, shop, rail)
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logged:
        yield made
    made.provider.close()
    # What werkzeug writes down is the simulator's and the shop's side.
    lines = [record.getMessage() for record in caplog.records if record.name != "werkzeug"]
    everything = f"{made.told!r} {made.order()!r} {made.credentials!r} {logged!r} {lines!r}"
    assert [secret for secret in made.secrets() if secret in everything] == []
