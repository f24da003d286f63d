"""`dukani c2b`: Daraja is told where to tell of money that is paid by hand; the sandbox plays a customer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pytest_httpserver import HTTPServer
from sqlalchemy import select

from contracts.states import ChargeStatus
from dukani.cli import dukani
from dukani.migrate import migrate
from dukani.prepare import CannotStart
from kit.clock import SystemClock
from kit.db import Database
from kit.settings import Settings, load_settings
from payment_adapter.callbacks.addresses import Addresses
from payment_adapter.charges.models import charges
from payment_adapter.providers.daraja.credentials import invented
from payment_adapter.vault.master import master_keys
from payment_adapter.vault.service import Origin, Vault
from tests.support.statements import Shop

REGISTER, SIMULATE = "/mpesa/c2b/v2/registerurl", "/mpesa/c2b/v2/simulate"
DONE = {"OriginatorCoversationID": "1", "ResponseCode": "0", "ResponseDescription": "success"}
PUBLIC = "https://pay.example.com"

Run = Callable[..., Result]


@pytest.fixture
def environ(httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    token = {"access_token": "t", "expires_in": "3599"}
    httpserver.expect_request("/oauth/v1/generate").respond_with_json(token)
    return {
        "DUKANI_DATA_DIR": str(tmp_path / "var"),
        "DUKANI_ADAPTER_PUBLIC_URL": PUBLIC,
        "DARAJA_BASE_URL": httpserver.url_for("").rstrip("/"),
    }


@pytest.fixture
def settings(environ: dict[str, str], tmp_path: Path) -> Settings:
    (tmp_path / "var").mkdir()
    made = load_settings(environ, dotenv=None)
    for lineage, url in (("platform", made.platform_database_url), ("payments", made.payments_database_url)):
        migrate(lineage, url)
    return made


@pytest.fixture
def run(settings: Settings, environ: dict[str, str]) -> Run:
    def invoke(*words: str, **more: str) -> Result:
        return CliRunner().invoke(dukani, words, env={**environ, **more})

    assert invoke("vendor", "create", "Mama Njeri", "--id", "mama-1").exit_code == 0
    return invoke


@pytest.fixture
def shop(settings: Settings, run: Run) -> Run:
    """With M-Pesa settings."""
    db = Database(settings.payments_database_url)
    with db.write() as tx:
        vault = Vault(master_keys(settings))
        vault.store(tx, "mama-1", "mpesa", invented("600001"), origin=Origin.VENDOR, now=SystemClock().now())
    db.close()
    return run


def asked(httpserver: HTTPServer, path: str) -> list[Any]:
    return [request.get_json() for request, _ in httpserver.log if request.path == path]


def address_of(settings: Settings) -> str:
    db = Database(settings.payments_database_url)
    with db.write() as tx:
        address = Addresses(Vault(master_keys(settings)), SystemClock(), PUBLIC).get_or_make(tx, "mama-1", "mpesa")
    db.close()
    return address.reveal()


@pytest.mark.parametrize(("words", "response_type"), [((), "Completed"), (("--unanswered", "cancel"), "Cancelled")])
def test_a_shops_own_address_is_registered_and_not_shown(
    httpserver: HTTPServer, shop: Run, settings: Settings, words: tuple[str, ...], response_type: str
) -> None:
    httpserver.expect_request(REGISTER).respond_with_json(DONE)
    done = shop("c2b", "register", "mama", *words)
    assert done.exit_code == 0, done.output
    address = address_of(settings)
    assert asked(httpserver, REGISTER) == [
        {
            "ShortCode": "600001",
            "ResponseType": response_type,
            "ConfirmationURL": address,
            "ValidationURL": f"{address}/check",
        }
    ]
    assert "600001" in done.output
    assert address.rpartition("/")[2] not in done.output


def test_registering_again_names_the_same_address(httpserver: HTTPServer, shop: Run) -> None:
    httpserver.expect_request(REGISTER).respond_with_json(DONE)
    for _ in range(2):
        assert shop("c2b", "register", "mama-1").exit_code == 0
    first, second = asked(httpserver, REGISTER)
    assert first == second


def test_addresses_that_are_registered_already_say_what_to_do(httpserver: HTTPServer, shop: Run) -> None:
    taken = {"requestId": "1", "errorCode": "500.003.1001", "errorMessage": "Urls are already registered"}
    httpserver.expect_request(REGISTER).respond_with_json(taken, status=500)
    refused = shop("c2b", "register", "mama")
    assert (refused.exit_code, "URL Management" in refused.output) == (1, True)


def test_a_public_address_that_daraja_refuses_is_found_before_daraja_is_asked(
    httpserver: HTTPServer, shop: Run
) -> None:
    refused = shop("c2b", "register", "mama", DUKANI_ADAPTER_PUBLIC_URL="https://mpesa.example.com")
    assert (refused.exit_code, "DUKANI_ADAPTER_PUBLIC_URL" in refused.output) == (1, True)
    assert asked(httpserver, REGISTER) == []


def test_the_sandbox_is_asked_to_pay_by_hand(httpserver: HTTPServer, shop: Run) -> None:
    httpserver.expect_request(SIMULATE).respond_with_json(DONE)
    done = shop("c2b", "simulate", "mama", "450", "--reference", "K7M3QD")
    assert done.exit_code == 0, done.output
    assert asked(httpserver, SIMULATE) == [
        {
            "ShortCode": "600001",
            "CommandID": "CustomerPayBillOnline",
            "Amount": 450,
            "Msisdn": "254708374149",
            "BillRefNumber": "K7M3QD",
        }
    ]


@pytest.mark.parametrize("shillings", ["0", "-5", "4.50", "250001", "much"])
def test_an_amount_that_nobody_can_pay_is_refused(httpserver: HTTPServer, shop: Run, shillings: str) -> None:
    assert shop("c2b", "simulate", "mama", "--", shillings).exit_code == 2
    assert asked(httpserver, SIMULATE) == []


def test_a_shop_that_is_not_there_or_has_no_settings_is_told_so(httpserver: HTTPServer, run: Run) -> None:
    unknown, bare = run("c2b", "register", "baraka"), run("c2b", "register", "mama")
    assert (unknown.exit_code, "dukani vendor list" in unknown.output) == (1, True)
    assert (bare.exit_code, "no M-Pesa settings" in bare.output) == (1, True)
    assert httpserver.log == []


def test_another_vault_key_is_named(shop: Run) -> None:
    refused = shop("c2b", "register", "mama", DUKANI_VAULT_KEY="5e" * 32)
    assert (refused.exit_code, "DUKANI_VAULT_KEY" in refused.output) == (1, True)


def test_a_payments_database_that_was_not_migrated_is_named(shop: Run, tmp_path: Path) -> None:
    refused = shop("c2b", "register", "mama", PAYMENTS_DATABASE_URL=f"sqlite:///{tmp_path / 'other.sqlite'}")
    assert isinstance(refused.exception, CannotStart)
    assert "--env payments" in str(refused.exception)


# --- asking about a receipt -------------------------------------------------------------------------------------------

STATUS = "/mpesa/transactionstatus/v1/query"
RECEIPT = "UF1E26WQJZ"


@pytest.fixture
def charge(settings: Settings, shop: Run) -> str:
    """One in review; its id."""
    db = Database(settings.payments_database_url)
    try:
        return Shop(db, "mama-1").charge(ChargeStatus.UNKNOWN, 45_000)
    finally:
        db.close()


def hinted(settings: Settings) -> list[str | None]:
    db = Database(settings.payments_database_url)
    try:
        with db.read() as tx:
            return list(tx.execute(select(charges.c.hinted_receipt)).scalars())
    finally:
        db.close()


def test_a_receipt_is_asked_about_for_a_charge_and_answered_to_the_shop_s_address(
    httpserver: HTTPServer, shop: Run, settings: Settings, charge: str
) -> None:
    httpserver.expect_request(STATUS).respond_with_json(DONE)
    done = shop("c2b", "ask", "mama", RECEIPT.lower(), "--charge", charge)
    assert done.exit_code == 0, done.output
    (body,) = asked(httpserver, STATUS)
    assert (body["TransactionID"], body["PartyA"], body["ResultURL"]) == (RECEIPT, "600001", address_of(settings))
    assert hinted(settings) == [RECEIPT]
    assert address_of(settings).rpartition("/")[2] not in done.output


def test_a_receipt_is_asked_about_without_a_charge(httpserver: HTTPServer, shop: Run, settings: Settings) -> None:
    httpserver.expect_request(STATUS).respond_with_json(DONE)
    assert shop("c2b", "ask", "mama", RECEIPT).exit_code == 0
    assert len(asked(httpserver, STATUS)) == 1


def test_what_can_not_be_asked_says_why(httpserver: HTTPServer, shop: Run, settings: Settings, charge: str) -> None:
    httpserver.expect_request(STATUS).respond_with_json({"errorCode": "400.002.02", "errorMessage": "no"}, status=400)
    for words, says in (
        ((RECEIPT, "--charge", "no-such-charge"), "dukani charges"),
        ((RECEIPT, "--charge", charge), "Nothing was learned"),
    ):
        refused = shop("c2b", "ask", "mama", *words)
        assert (refused.exit_code, says in refused.output) == (1, True), refused.output
    assert shop("c2b", "ask", "mama", "what?").exit_code == 2


def test_a_receipt_that_is_known_is_not_asked_about(httpserver: HTTPServer, shop: Run, settings: Settings) -> None:
    db = Database(settings.payments_database_url)
    Shop(db, "mama-1").charge(ChargeStatus.PAID, 45_000, receipt=RECEIPT)
    db.close()
    refused = shop("c2b", "ask", "mama", RECEIPT)
    assert (refused.exit_code, "is known here" in refused.output) == (1, True)
    assert asked(httpserver, STATUS) == []
