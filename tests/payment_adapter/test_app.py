"""The adapter as one process: built from settings and run with its loops, between a Daraja and a router on sockets."""

import json
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import func, select
from werkzeug import Request, Response

from contracts.ids import new_id
from contracts.money import Currency
from contracts.payment_api import GRANT_LIFETIME, ChargeGrant, NewCharge, PaymentEvent
from contracts.states import Rail
from dukani.migrate import migrate
from kit.clock import FixedClock
from kit.db import Database
from kit.grants import sign_grant
from kit.service import Service
from kit.settings import Settings, SettingsError, load_settings
from kit.signing import KeyRing, sign_headers
from kit.webhooks import EventSigner
from payment_adapter.app import check_callback_address, create_service
from payment_adapter.planting import plant
from payment_adapter.vault.envelope import MasterKeys
from payment_adapter.vault.models import credentials
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Origin, Vault
from tests.support.payments import PAYER, stk_paid
from tests.support.processes import eventually

KEYS = {
    "DARAJA_CONSUMER_KEY": "given-key",
    "DARAJA_CONSUMER_SECRET": "given-secret",
    "DARAJA_SHORTCODE": "600123",
    "DARAJA_PASSKEY": "given-passkey",
}


def settings_for(folder: Path, **environ: str) -> Settings:
    settings = load_settings({"DUKANI_DATA_DIR": str(folder), **environ}, dotenv=None)
    migrate("payments", settings.payments_database_url)
    return settings


def planted(settings: Settings, vendor_id: str) -> dict[str, str] | None:
    db = Database(settings.payments_database_url)
    with db.read() as tx:
        found = Vault(MasterKeys.parse(settings.secret("DUKANI_VAULT_KEY"))).load(tx, vendor_id, "mpesa")
    db.close()
    return None if found is None else {name: value.reveal() for name, value in found.fields.items()}


def count_sets(settings: Settings) -> int:
    db = Database(settings.payments_database_url)
    with db.read() as tx:
        count: int = tx.execute(
            select(func.count()).select_from(credentials).where(credentials.c.field == "passkey")
        ).scalar_one()
    db.close()
    return count


# --- planting ------------------------------------------------------------


def test_demo_vendors_get_credentials_of_their_own_on_the_public_short_code(tmp_path: Path, clock: FixedClock) -> None:
    settings = settings_for(tmp_path)
    plant(settings, clock, ["mama", "baraka"])

    mama, baraka = planted(settings, "mama"), planted(settings, "baraka")
    assert mama is not None
    assert baraka is not None
    assert (mama["shortcode"], mama["party_b"], mama["transaction_type"]) == (
        "174379",
        "174379",
        "CustomerPayBillOnline",
    )
    assert mama["consumer_key"] != baraka["consumer_key"]
    assert planted(settings, "fundi") is None

    plant(settings, clock, ["mama", "baraka"])
    assert planted(settings, "mama") == mama
    assert count_sets(settings) == 2


def test_the_environments_credentials_are_for_the_planted_vendors_only(tmp_path: Path, clock: FixedClock) -> None:
    settings = settings_for(tmp_path, **KEYS)
    plant(settings, clock, ["mama"])

    mama = planted(settings, "mama")
    assert mama is not None
    assert (mama["consumer_key"], mama["shortcode"], mama["party_b"]) == ("given-key", "600123", "600123")
    assert (mama["consumer_secret"], mama["passkey"]) == ("given-secret", "given-passkey")
    assert planted(settings, "baraka") is None


def test_credentials_given_later_replace_planted_ones_and_never_a_vendors_own(
    tmp_path: Path, clock: FixedClock
) -> None:
    settings = settings_for(tmp_path)
    plant(settings, clock, ["mama"])
    db = Database(settings.payments_database_url)
    with db.write() as tx:
        vault = Vault(MasterKeys.parse(settings.secret("DUKANI_VAULT_KEY")))
        vault.store(tx, "baraka", "mpesa", {"consumer_key": Secret("own")}, origin=Origin.VENDOR, now=clock.now())
    db.close()

    given = load_settings({"DUKANI_DATA_DIR": str(tmp_path), **KEYS}, dotenv=None)
    for _ in range(2):
        plant(given, clock, ["mama", "baraka"])

    assert (planted(given, "mama") or {})["consumer_key"] == "given-key"
    assert planted(given, "baraka") == {"consumer_key": "own"}
    assert count_sets(given) == 2  # mama's first, and the one that replaced it


@pytest.mark.parametrize(
    ("left_out", "named"),
    [
        ("DARAJA_CONSUMER_KEY", "DARAJA_CONSUMER_KEY"),
        ("DARAJA_CONSUMER_SECRET", "DARAJA_CONSUMER_SECRET"),
        ("DARAJA_PASSKEY", "DARAJA_PASSKEY"),
    ],
)
def test_half_a_set_of_credentials_is_an_error_that_names_the_rest(
    tmp_path: Path, clock: FixedClock, left_out: str, named: str
) -> None:
    settings = settings_for(tmp_path, **{name: value for name, value in KEYS.items() if name != left_out})
    with pytest.raises(SettingsError, match=f"^{named}: ") as caught:
        plant(settings, clock, ["mama"])
    assert "given" not in str(caught.value)
    assert planted(settings, "mama") is None


def test_a_key_and_a_secret_alone_stand_for_the_public_sandbox_pair(tmp_path: Path, clock: FixedClock) -> None:
    settings = settings_for(tmp_path, DARAJA_CONSUMER_KEY="k", DARAJA_CONSUMER_SECRET="s")
    plant(settings, clock, ["mama"])
    mama = planted(settings, "mama") or {}
    assert (mama["consumer_key"], mama["shortcode"]) == ("k", "174379")
    assert mama["passkey"].startswith("bfb279f9")


def test_a_short_code_that_is_none_is_an_error(tmp_path: Path, clock: FixedClock) -> None:
    settings = settings_for(tmp_path, **{**KEYS, "DARAJA_SHORTCODE": "17 43 79"})
    with pytest.raises(SettingsError, match="DARAJA_SHORTCODE"):
        plant(settings, clock, ["mama"])


# --- building ------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://mpesa.example.com",
        "https://shop.example.com/M-PESA",
        "https://safaricom-pay.example.com",
        "https://pay.example.com/cmd",
        "https://pay.example.com/exec",
        "https://EXE.example.com",
        "https://mysql.example.com",
        "https://query.example.com",
        "https://jquery.example.com/x",
    ],
)
def test_an_address_that_daraja_would_refuse_stops_the_start(tmp_path: Path, clock: FixedClock, url: str) -> None:
    settings = load_settings({"DUKANI_DATA_DIR": str(tmp_path), "DUKANI_ADAPTER_PUBLIC_URL": url}, dotenv=None)
    with pytest.raises(SettingsError, match="DUKANI_ADAPTER_PUBLIC_URL"):
        create_service(settings, clock)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:3040", "https://pay.mama-njeri.example", "https://a.example/sub/path"]
)
def test_an_ordinary_address_is_fine(url: str) -> None:
    check_callback_address(url)


@pytest.mark.parametrize(
    ("name", "value"),
    [("DUKANI_VAULT_KEY", "short"), ("DUKANI_KEY_BOT_ADAPTER", "short"), ("DUKANI_KEY_GRANT", "a:short,b:short")],
)
def test_a_key_that_can_not_be_used_is_named_and_not_shown(
    tmp_path: Path, clock: FixedClock, name: str, value: str
) -> None:
    settings = load_settings({"DUKANI_DATA_DIR": str(tmp_path), name: value}, dotenv=None)
    with pytest.raises(SettingsError, match=name) as caught:
        create_service(settings, clock)
    assert value not in str(caught.value).replace(name, "").split()


def test_production_starts_only_with_every_secret(tmp_path: Path, clock: FixedClock) -> None:
    environ = {
        "DUKANI_ENV": "production",
        "DUKANI_DATA_DIR": str(tmp_path),
        "DUKANI_BOT_PUBLIC_URL": "https://bot.example",
        "DUKANI_ADAPTER_PUBLIC_URL": "https://pay.example",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_WHATSAPP_FROM": "whatsapp:+14155238886",
        **KEYS,
    }
    settings = load_settings(environ, dotenv=None)
    with pytest.raises(SettingsError, match="DUKANI_VAULT_KEY"):
        create_service(settings, clock)
    with pytest.raises(SettingsError, match="local mode"):
        plant(settings, clock, ["mama"])


def test_it_is_alive_without_a_database_and_ready_only_with_one(tmp_path: Path, clock: FixedClock) -> None:
    missing = f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.sqlite'}"
    settings = load_settings({"DUKANI_DATA_DIR": str(tmp_path), "PAYMENTS_DATABASE_URL": missing}, dotenv=None)
    service = create_service(settings, clock)
    client = service.app.test_client()
    assert client.get("/health").status_code == 200
    assert client.get("/ready").status_code == 503
    assert client.post(f"/callbacks/{'0' * 64}", data=b"{}").status_code == 503
    service.stop()

    service = create_service(settings_for(tmp_path), clock)
    assert service.app.test_client().get("/ready").status_code == 200
    service.stop()


# --- running ------------------------------------------------------------


class Surroundings:
    """A Daraja that accepts every push and a router that takes every event, on one socket."""

    def __init__(self, server: HTTPServer, folder: Path, clock: FixedClock) -> None:
        self.server = server
        self.clock = clock
        url = server.url_for("").rstrip("/")
        self.settings = settings_for(folder, DARAJA_BASE_URL=url, DUKANI_ROUTER_URL=url)
        plant(self.settings, clock, ["mama"])
        self.events: list[PaymentEvent] = []
        self.query_result: dict[str, Any] = {"ResultCode": "4999"}
        self.router_is_down = False
        self.refused = 0
        server.expect_request("/oauth/v1/generate").respond_with_json({"access_token": "t", "expires_in": "3599"})
        server.expect_request("/mpesa/stkpush/v1/processrequest").respond_with_handler(self._accept)
        server.expect_request("/mpesa/stkpushquery/v1/query").respond_with_handler(self._query)
        server.expect_request("/v1/payment-events", method="POST").respond_with_handler(self._take_event)

    @property
    def pushes(self) -> list[dict[str, Any]]:
        path = "/mpesa/stkpush/v1/processrequest"
        return [request.get_json() for request, _ in list(self.server.log) if request.path == path]

    def _accept(self, _request: Request) -> Response:
        number = len(self.pushes) + 1
        return Response(
            json.dumps({"ResponseCode": "0", "CheckoutRequestID": f"ws_CO_{number}", "MerchantRequestID": "m"})
        )

    def _query(self, _request: Request) -> Response:
        return Response(json.dumps(self.query_result))

    def _take_event(self, request: Request) -> Response:
        if self.router_is_down:
            self.refused += 1
            return Response(status=503)
        signer = EventSigner(self.settings.secret("DUKANI_KEY_EVENTS_ADAPTER_ROUTER"))
        event_id = signer.verify(request.headers, request.get_data(), self.clock.now())
        event = PaymentEvent.model_validate_json(request.get_data())
        assert event.event_id == event_id
        self.events.append(event)
        return Response(status=204)

    def told(self) -> list[str]:
        return [event.event_id for event in self.events]

    def ask(self, service: Service, intent_id: str) -> int:
        now = self.clock.now()
        grant = ChargeGrant(
            intent_id=intent_id,
            request_id=new_id(now),
            vendor_id="mama",
            rail=Rail.MPESA_STK,
            amount_minor=45_000,
            currency=Currency.KES,
            payer_msisdn=PAYER,
            account_reference="K7M3QD",
            description="Mama Njeri",
            issued_at=now,
            expires_at=now + GRANT_LIFETIME,
        )
        token = sign_grant(KeyRing.parse(self.settings.secret("DUKANI_KEY_GRANT")), grant)
        body = NewCharge(grant=token).model_dump_json().encode()
        ring = KeyRing.parse(self.settings.secret("DUKANI_KEY_BOT_ADAPTER"))
        headers = sign_headers(ring, now, "POST", "/v1/charges", body, idempotency_key=intent_id)
        response = service.app.test_client().post(
            "/v1/charges", data=body, headers=headers, content_type="application/json"
        )
        return response.status_code


@pytest.fixture
def around(httpserver: HTTPServer, tmp_path: Path, clock: FixedClock) -> Surroundings:
    return Surroundings(httpserver, tmp_path, clock)


@pytest.fixture
def service(around: Surroundings, clock: FixedClock) -> Generator[Service]:
    made = create_service(around.settings, clock)
    made.start()
    yield made
    made.stop()


def test_a_purchase_goes_through_the_whole_process(around: Surroundings, service: Service) -> None:
    assert around.ask(service, "intent-1") == 202
    eventually(lambda: around.told() == ["mpesa:ws_CO_1:pending"], "the push is announced as pending")
    (push,) = around.pushes
    base, _, secret = push["CallBackURL"].rpartition("/")
    assert base == f"{around.settings.adapter_public_url}/callbacks"

    answer = service.app.test_client().post(f"/callbacks/{secret}", json=stk_paid())
    assert answer.get_json() == {"ResultCode": 0, "ResultDesc": "Accepted"}
    eventually(lambda: len(around.events) == 2, "the payment is announced")
    assert around.told()[-1] == "mpesa:ws_CO_1:paid"
    assert around.events[-1].receipt == "UF1E26WQJZ"


def test_a_lost_callback_is_made_up_for_by_asking(around: Surroundings, service: Service) -> None:
    around.ask(service, "intent-1")
    eventually(lambda: len(around.events) == 1, "the push is announced as pending")
    around.query_result = {"ResponseCode": "0", "ResultCode": "0", "ResultDesc": "ok"}
    around.clock.advance(timedelta(seconds=15))
    eventually(lambda: len(around.events) == 2, "the payment is announced")
    assert (around.told()[-1], around.events[-1].amount_minor) == ("mpesa:ws_CO_1:paid", 45_000)


def test_events_wait_for_a_router_that_is_down_and_keep_their_order(around: Surroundings, service: Service) -> None:
    around.router_is_down = True
    around.ask(service, "intent-1")
    eventually(lambda: around.refused > 0, "the push was taken, and the router was told in vain")
    secret = around.pushes[0]["CallBackURL"].rpartition("/")[2]
    service.app.test_client().post(f"/callbacks/{secret}", json=stk_paid())
    assert around.events == []

    around.router_is_down = False

    def has_arrived() -> bool:
        around.clock.advance(timedelta(seconds=1))
        return len(around.events) == 2

    eventually(has_arrived, "both events arrive")
    assert around.told() == ["mpesa:ws_CO_1:pending", "mpesa:ws_CO_1:paid"]


def test_what_a_stopped_process_took_in_the_next_one_finishes(
    around: Surroundings, service: Service, clock: FixedClock
) -> None:
    service.stop()
    asleep = create_service(around.settings, clock)  # takes requests, runs no loop
    assert around.ask(asleep, "intent-1") == 202
    asleep.stop()
    assert around.pushes == []

    awake = create_service(around.settings, clock)
    awake.start()
    eventually(lambda: around.told() == ["mpesa:ws_CO_1:pending"], "the next process pushes")
    awake.stop()
