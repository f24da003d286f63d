"""Refunds from the router's wish to the provider's last word, with the whole adapter between them, against the
simulator of Daraja: also when the answer is lost, the result never comes, comes twice, or only a timeout comes."""

import json
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response
from werkzeug.serving import make_server

from contracts.payment_api import PAYMENT_EVENTS_PATH, RAILS_EVENTS_PATH, REFUND_EVENTS_PATH, RefundEvent
from dukani.migrate import migrate
from kit.clock import Clock
from kit.settings import Settings, load_settings
from kit.signing import KeyRing, sign_headers
from payment_adapter import hand_payments
from payment_adapter.app import create_service
from payment_adapter.hand_payments import ResponseType
from payment_adapter.planting import plant
from tests.simulators.running import Simulators
from tests.support.processes import eventually, free_ports

VENDOR = "vendor-mama"
PAYBILL = "174379"
REVERSAL_PATH = "/mpesa/reversal/v1/request"
STATUS_PATH = "/mpesa/transactionstatus/v1/query"
RESULTS_AFTER_S = 30


@dataclass(slots=True)
class Router:
    """Takes every event and remembers them."""

    server: HTTPServer
    payments: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    refunds: list[RefundEvent] = field(default_factory=list[RefundEvent])

    def __post_init__(self) -> None:
        self.server.expect_request(RAILS_EVENTS_PATH).respond_with_data(status=204)
        self.server.expect_request(PAYMENT_EVENTS_PATH).respond_with_handler(self._take_payment)
        self.server.expect_request(REFUND_EVENTS_PATH).respond_with_handler(self._take_refund)

    def _take_payment(self, request: Request) -> Response:
        self.payments.append(json.loads(request.get_data()))
        return Response(status=204)

    def _take_refund(self, request: Request) -> Response:
        self.refunds.append(RefundEvent.model_validate_json(request.get_data()))
        return Response(status=204)

    def told(self) -> list[str]:
        return [event.status.value for event in self.refunds]


class Adapter:
    """The whole adapter behind a socket, with its loops."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.service = create_service(self.settings, self.clock)
        self._server = make_server("127.0.0.1", self.settings.adapter_port, self.service.app, threaded=True)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.service.start()
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.service.stop()

    def refund(self, receipt: str, amount_minor: int, refund_id: str = "refund-1") -> tuple[int, Any]:
        """As the router asks for one: the status and the body of the answer."""
        wish = {
            "refund_id": refund_id,
            "vendor_id": VENDOR,
            "provider": "mpesa",
            "receipt": receipt,
            "amount_minor": amount_minor,
            "currency": "KES",
            "note": "Sold out",
        }
        body = json.dumps(wish).encode()
        ring = KeyRing.parse(self.settings.secret("DUKANI_KEY_ROUTER_ADAPTER"))
        headers = sign_headers(ring, self.clock.now(), "POST", "/v1/refunds", body, idempotency_key=refund_id)
        client = self.service.app.test_client()
        response = client.post("/v1/refunds", data=body, headers=headers, content_type="application/json")
        return response.status_code, response.get_json()


@pytest.fixture
def router(httpserver: HTTPServer) -> Router:
    return Router(httpserver)


@pytest.fixture
def settings(httpserver: HTTPServer, tmp_path: Path) -> Settings:
    simulators, adapter = free_ports(2)
    made = load_settings(
        {
            "DUKANI_DATA_DIR": str(tmp_path),
            "DUKANI_SIMULATORS_PORT": str(simulators),
            "DUKANI_ADAPTER_PORT": str(adapter),
            "DUKANI_ROUTER_URL": httpserver.url_for("").rstrip("/"),
            "TWILIO_AUTH_TOKEN": "test-token",
        },
        dotenv=None,
    )
    migrate("payments", made.payments_database_url)
    plant(made, made.clock(), [VENDOR])
    return made


@pytest.fixture
def simulators(settings: Settings) -> Generator[Simulators]:
    running = Simulators(settings)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def adapter(settings: Settings, simulators: Simulators, router: Router) -> Generator[Adapter]:
    running = Adapter(settings, simulators.clock)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def receipt(settings: Settings, simulators: Simulators, adapter: Adapter, router: Router) -> str:
    """Of 450 shillings that Achieng paid to the shop by hand, and of which the router has heard."""
    hand_payments.register(settings, simulators.clock, VENDOR, ResponseType.COMPLETED)
    simulators.phone.pay_till("Achieng", PAYBILL, 450, "K7M3QD")
    eventually(lambda: bool(router.payments), "the router hears of the money")
    (event,) = router.payments
    assert (event["amount_minor"], event["account_reference"], event["intent_id"]) == (45_000, "K7M3QD", None)
    # Held back, so that the answer to a request comes before its result, unless a test says otherwise.
    simulators.phone.faults(result_delay_s=RESULTS_AFTER_S)
    assert event["event_id"] == f"mpesa-c2b:{event['receipt']}"
    return str(event["receipt"])


def requests_to(simulators: Simulators, path: str) -> int:
    """How many requests have reached this path of Daraja."""
    return [one["endpoint"] for one in simulators.phone.daraja_requests()].count(f"/daraja{path}")


def reversals(simulators: Simulators) -> int:
    return requests_to(simulators, REVERSAL_PATH)


def results_come(simulators: Simulators) -> None:
    """Those that Daraja has held back so far."""
    simulators.phone.advance(RESULTS_AFTER_S)


def is_asked(simulators: Simulators) -> None:
    """It is time to ask what became of the refund, and the adapter has."""
    simulators.phone.advance(120)
    eventually(lambda: requests_to(simulators, STATUS_PATH) == 1, "Daraja is asked")


def hears(router: Router, *told: str) -> None:
    eventually(lambda: router.told() == list(told), f"the router hears {told}, not {router.told()}")


def test_money_that_was_paid_by_hand_goes_back_to_the_wallet(
    simulators: Simulators, adapter: Adapter, router: Router, receipt: str
) -> None:
    before = simulators.phone.balance("Achieng")
    assert adapter.refund(receipt, 45_000)[0] == 202
    hears(router, "pending")
    results_come(simulators)
    hears(router, "pending", "done")
    assert simulators.phone.balance("Achieng") == before + 450
    assert adapter.refund(receipt, 100, "refund-2")[1]["code"] == "refund_unavailable"
    assert reversals(simulators) == 1


def test_a_result_that_comes_before_the_answer_or_after_it_is_the_end(
    simulators: Simulators, adapter: Adapter, router: Router, receipt: str
) -> None:
    simulators.phone.faults(result_delay_s=0)
    adapter.refund(receipt, 45_000)
    eventually(lambda: "done" in router.told(), "the router hears that it went back")
    assert reversals(simulators) == 1


def test_a_result_that_comes_twice_counts_once(
    simulators: Simulators, adapter: Adapter, router: Router, receipt: str
) -> None:
    simulators.phone.faults(result_twice=True)
    before = simulators.phone.callbacks()
    adapter.refund(receipt, 45_000)
    hears(router, "pending")
    results_come(simulators)
    hears(router, "pending", "done")
    eventually(lambda: simulators.phone.callbacks() >= before + 2, "both results were sent")
    assert router.told() == ["pending", "done"]


def test_a_reversal_that_is_refused_says_why_and_the_money_stays(
    simulators: Simulators, adapter: Adapter, router: Router, receipt: str
) -> None:
    simulators.phone.faults(reversal_refused=1)
    before = simulators.phone.balance("Achieng")
    adapter.refund(receipt, 45_000)
    hears(router, "pending")
    results_come(simulators)
    hears(router, "pending", "failed")
    assert "role" in (router.refunds[-1].detail or "")
    assert simulators.phone.balance("Achieng") == before

    assert adapter.refund(receipt, 45_000, "refund-2")[0] == 202
    hears(router, "pending", "failed", "pending")
    results_come(simulators)
    hears(router, "pending", "failed", "pending", "done")


def test_a_reversal_whose_answer_is_lost_is_known_by_its_result_and_asked_for_once(
    simulators: Simulators, adapter: Adapter, router: Router, receipt: str
) -> None:
    simulators.phone.faults(reversal_timeout=1)
    before = simulators.phone.balance("Achieng")
    adapter.refund(receipt, 45_000)
    hears(router, "unknown")
    assert adapter.refund(receipt, 45_000, "refund-2")[0] == 409
    results_come(simulators)
    hears(router, "unknown", "done")
    assert (reversals(simulators), simulators.phone.balance("Achieng")) == (1, before + 450)


def test_a_result_that_never_comes_is_asked_for(
    simulators: Simulators, adapter: Adapter, router: Router, receipt: str
) -> None:
    simulators.phone.faults(result_lost=1)
    adapter.refund(receipt, 45_000)
    hears(router, "pending")
    is_asked(simulators)
    results_come(simulators)
    hears(router, "pending", "done")
    assert reversals(simulators) == 1


def test_a_reversal_that_ran_out_of_time_there_is_in_doubt_and_stays_so(
    simulators: Simulators, adapter: Adapter, router: Router, receipt: str
) -> None:
    simulators.phone.faults(result_timeout=1)
    before = simulators.phone.balance("Achieng")
    adapter.refund(receipt, 45_000)
    hears(router, "pending")
    results_come(simulators)
    hears(router, "pending", "unknown")
    answered = simulators.phone.callbacks()
    is_asked(simulators)
    results_come(simulators)
    eventually(lambda: simulators.phone.callbacks() > answered, "the question was answered")
    assert router.told() == ["pending", "unknown"]
    assert (reversals(simulators), simulators.phone.balance("Achieng")) == (1, before)
