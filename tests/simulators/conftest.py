"""The simulators behind a real socket, and a shop that keeps what they send it."""

from collections.abc import Generator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from kit.settings import Settings, load_settings
from tests.simulators.daraja_client import Daraja
from tests.simulators.ekwanza_client import API_KEY, MERCHANT, NOTIFICATION_TOKEN, REGISTRATION, Ekwanza
from tests.simulators.running import Simulators
from tests.simulators.shop import Shop
from tests.support.phone import Phone
from tests.support.processes import free_ports


@pytest.fixture
def shop(httpserver: HTTPServer) -> Shop:
    return Shop(httpserver)


@pytest.fixture
def settings(tmp_path: Path, shop: Shop) -> Settings:
    (port,) = free_ports(1)
    return load_settings(
        {
            "DUKANI_DATA_DIR": str(tmp_path),
            "DUKANI_SIMULATORS_PORT": str(port),
            "DUKANI_BOT_PUBLIC_URL": shop.url,
            "TWILIO_AUTH_TOKEN": "test-token",
        },
        dotenv=None,
    )


@pytest.fixture
def simulators(settings: Settings) -> Generator[Simulators]:
    running = Simulators(settings)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def phone(simulators: Simulators) -> Phone:
    return simulators.phone


@pytest.fixture
def daraja(simulators: Simulators, shop: Shop) -> Daraja:
    """Signed in already."""
    client = Daraja(simulators.settings.daraja_base_url, shop.callback_url)
    client.sign_in()
    return client


@pytest.fixture
def ekwanza(simulators: Simulators, shop: Shop) -> Ekwanza:
    """Signed in already; the shop's merchant account is registered."""
    simulators.phone.register_merchant(
        MERCHANT,
        name="Mercearia Kianda",
        webhook_url=shop.webhook_url,
        api_key=API_KEY,
        notification_token=NOTIFICATION_TOKEN,
        registration_number=REGISTRATION,
    )
    client = Ekwanza(simulators.base_url)
    client.sign_in()
    return client
