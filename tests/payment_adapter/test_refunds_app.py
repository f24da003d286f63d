"""A refund through the whole process: asked for by the router, reversed by Daraja, told back to the router."""

import json
from pathlib import Path
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from contracts.payment_api import RAILS_EVENTS_PATH, REFUND_EVENTS_PATH, RefundEvent
from dukani.migrate import migrate
from kit.clock import FixedClock
from kit.db import Database
from kit.service import Service
from kit.settings import Settings, load_settings
from kit.signing import KeyRing, sign_headers
from kit.webhooks import EventSigner
from payment_adapter.app import create_service
from payment_adapter.vault.envelope import MasterKeys
from tests.support.processes import eventually
from tests.support.refunds import RECEIPT, RefundDesk, result

TAKEN = {"OriginatorConversationID": "conversation-1", "ConversationID": "AG_1", "ResponseCode": "0"}


class Surroundings:
    """A Daraja that takes every reversal and a router that takes every event, on one socket."""

    def __init__(self, server: HTTPServer, folder: Path, clock: FixedClock) -> None:
        self.clock = clock
        url = server.url_for("").rstrip("/")
        self.settings: Settings = load_settings(
            {"DUKANI_DATA_DIR": str(folder), "DARAJA_BASE_URL": url, "DUKANI_ROUTER_URL": url}, dotenv=None
        )
        migrate("payments", self.settings.payments_database_url)
        self.events: list[RefundEvent] = []
        self.reversals: list[dict[str, Any]] = []
        token = {"access_token": "t", "expires_in": "3599"}
        server.expect_request("/oauth/v1/generate").respond_with_json(token)
        server.expect_request("/mpesa/reversal/v1/request").respond_with_handler(self._reverse)
        server.expect_request(RAILS_EVENTS_PATH, method="POST").respond_with_data(status=204)
        server.expect_request(REFUND_EVENTS_PATH, method="POST").respond_with_handler(self._take_event)

    def _reverse(self, request: Request) -> Response:
        self.reversals.append(request.get_json())
        return Response(json.dumps(TAKEN))

    def _take_event(self, request: Request) -> Response:
        signer = EventSigner(self.settings.secret("DUKANI_KEY_EVENTS_ADAPTER_ROUTER"))
        signer.verify(request.headers, request.get_data(), self.clock.now())
        self.events.append(RefundEvent.model_validate_json(request.get_data()))
        return Response(status=204)

    def ask(self, service: Service, wish: dict[str, Any]) -> int:
        body = json.dumps(wish).encode()
        ring = KeyRing.parse(self.settings.secret("DUKANI_KEY_ROUTER_ADAPTER"))
        key = wish["refund_id"]
        headers = sign_headers(ring, self.clock.now(), "POST", "/v1/refunds", body, idempotency_key=key)
        client = service.app.test_client()
        return client.post("/v1/refunds", data=body, headers=headers, content_type="application/json").status_code

    def told(self) -> list[str]:
        return [event.event_id for event in self.events]


def test_a_refund_goes_through_the_whole_process(httpserver: HTTPServer, tmp_path: Path, clock: FixedClock) -> None:
    around = Surroundings(httpserver, tmp_path, clock)
    service = create_service(around.settings, clock)
    master = MasterKeys.parse(around.settings.secret("DUKANI_VAULT_KEY"))
    desk = RefundDesk(Database(around.settings.payments_database_url), clock, master=master)
    desk.plant("vendor-mama")
    desk.pay()
    service.start()
    try:
        assert around.ask(service, desk.wish()) == 202
        eventually(lambda: around.told() == ["refund:refund-1:pending"], "the router hears that it was taken")
        (reversal,) = around.reversals
        assert (reversal["TransactionID"], reversal["Amount"]) == (RECEIPT, 450)
        base, _, secret = reversal["ResultURL"].rpartition("/")
        assert base == f"{around.settings.adapter_public_url}/callbacks/refunds"

        client = service.app.test_client()
        assert client.post(f"/callbacks/refunds/{'0' * 64}", json=result()).status_code == 404
        assert client.post(f"/callbacks/refunds/{secret}", json=result()).get_json()["ResultCode"] == 0

        told = ["refund:refund-1:pending", "refund:refund-1:done"]
        eventually(lambda: around.told() == told, "the router hears that it went back")
        assert (around.events[-1].provider_refund_id, len(around.reversals)) == ("UF2R00BACK", 1)
    finally:
        service.stop()
        desk.db.close()
