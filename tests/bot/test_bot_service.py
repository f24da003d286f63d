"""The bot put together as it runs: real loops, real sockets, and nobody at home at the router."""

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from twilio.request_validator import RequestValidator
from werkzeug import Request, Response

from bot.app import create_service
from bot.inbound import twilio
from dukani.migrate import migrate
from kit.clock import SystemClock
from kit.service import Service
from kit.settings import Settings
from tests.support.bot import ACCOUNT, ACHIENG, PUBLIC_URL, SHOP, TOKEN, settings_of, sid
from tests.support.processes import ROOT, eventually, free_ports


@pytest.fixture
def sent(httpserver: HTTPServer) -> list[dict[str, str]]:
    """What Twilio was given."""
    given: list[dict[str, str]] = []

    def take(request: Request) -> Response:
        given.append(request.form.to_dict())
        return Response(f'{{"sid": "{sid(900 + len(given))}"}}', 201, content_type="application/json")

    httpserver.expect_request(f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", method="POST").respond_with_handler(take)
    return given


@pytest.fixture
def settings(tmp_path: Path, httpserver: HTTPServer) -> Settings:
    router, adapter = free_ports(2)
    return settings_of(
        DUKANI_DATA_DIR=str(tmp_path),
        DUKANI_ROUTER_PORT=str(router),
        DUKANI_ADAPTER_PORT=str(adapter),
        TWILIO_API_BASE_URL=httpserver.url_for("").rstrip("/"),
    )


@pytest.fixture
def service(settings: Settings) -> Generator[Service]:
    migrate("conversations", settings.conversations_database_url)
    made = create_service(settings, SystemClock())
    made.start()
    yield made
    made.stop()


def hear(service: Service, body: str, number: int = 1) -> int:
    form = {"AccountSid": ACCOUNT, "Body": body, "From": ACHIENG, "MessageSid": sid(number), "To": SHOP}
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC_URL + twilio.PATH, form)
    return service.app.test_client().post(twilio.PATH, data=form, headers={"X-Twilio-Signature": signature}).status_code


def test_it_is_alive_and_ready(service: Service) -> None:
    client = service.app.test_client()
    assert client.get("/health").status_code == 200
    assert client.get("/ready").status_code == 200


def test_without_its_database_it_is_alive_and_not_ready(settings: Settings, tmp_path: Path) -> None:
    tmp_path.joinpath("conversations.sqlite").mkdir()
    service = create_service(settings, SystemClock())
    client = service.app.test_client()
    assert client.get("/health").status_code == 200
    assert client.get("/ready").status_code == 503
    assert hear(service, "hello") == 503  # not acknowledged, so Twilio tries its fallback
    for close in service.on_stop:
        close()


def test_a_customer_hears_that_the_shop_can_not_be_reached_and_stop_still_works(
    service: Service, sent: list[dict[str, str]]
) -> None:
    assert hear(service, "SHOP mama", 1) == 200
    eventually(lambda: len(sent) == 1, "the customer was told", 10)
    assert "can't reach the shop" in sent[0]["Body"]
    assert sent[0]["StatusCallback"] == PUBLIC_URL + "/webhooks/twilio/status"
    assert hear(service, "STOP", 2) == 200
    eventually(lambda: len(sent) == 2, "STOP was answered", 10)
    assert {(message["To"], message["From"]) for message in sent} == {(ACHIENG, SHOP)}


def test_a_stopped_bot_leaves_no_lease_behind(settings: Settings, sent: list[dict[str, str]]) -> None:
    migrate("conversations", settings.conversations_database_url)
    first = create_service(settings, SystemClock())
    assert hear(first, "HELP") == 200  # leased at once; its loops never ran
    for close in first.on_stop:
        close()
    second = create_service(settings, SystemClock())
    second.start()
    eventually(lambda: len(sent) == 1, "the next bot answered", 10)
    second.stop()
    assert list((settings.data_dir / "leases").iterdir()) == []


def test_the_slow_part_of_the_sdk_is_not_loaded_with_the_bot() -> None:
    loaded = "import sys, bot.app; sys.exit('twilio.rest' in sys.modules or 'requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, timeout=60, check=False).returncode == 0
