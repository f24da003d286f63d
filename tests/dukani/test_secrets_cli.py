"""`dukani secrets`: credentials go in and never come out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from werkzeug import Response

from dukani import secrets_entry, vault_rotation
from dukani.cli import dukani
from dukani.prepare import CannotStart
from kit.db import Database
from kit.signing import KeyRing
from kit.tickets import open_ticket
from payment_adapter.charges.models import outbox
from payment_adapter.vault.envelope import MasterKeys
from payment_adapter.vault.master import wrapped_otherwise
from payment_adapter.vault.service import Vault
from tests.support.databases import NewDatabase

Run = Callable[..., Result]

CANARY = "canary-secret-7"
WHOLE = {
    "consumer_key": f"{CANARY}-key",
    "consumer_secret": f"{CANARY}-secret",
    "passkey": f"{CANARY}-passkey",
    "shortcode": "600123",
    "party_b": "600123",
    "transaction_type": "CustomerPayBillOnline",
}
LINES = "\n".join(f"{name}={value}" for name, value in WHOLE.items())


@pytest.fixture
def payments(new_database: NewDatabase) -> Database:
    return new_database("payments")


@pytest.fixture
def run(new_database: NewDatabase, payments: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """With two shops, mama and baraka."""
    monkeypatch.chdir(tmp_path)
    platform = new_database("platform")
    environ = {
        "DUKANI_DATA_DIR": str(tmp_path / "var"),
        "PLATFORM_DATABASE_URL": platform.engine.url.render_as_string(hide_password=False),
        "PAYMENTS_DATABASE_URL": payments.engine.url.render_as_string(hide_password=False),
        "DUKANI_KEY_ROUTER_ADAPTER": "r" * 32,
        "DARAJA_BASE_URL": "http://127.0.0.1:9",
    }

    def invoke(*words: str, stdin: str | None = None, **more: str) -> Result:
        result = CliRunner().invoke(dukani, words, input=stdin, env={**environ, **more})
        assert CANARY not in result.output
        assert CANARY not in str(result.exception)
        return result

    for name in ("mama", "baraka"):
        assert invoke("vendor", "create", name, "--id", f"{name}-1", "--word", name).exit_code == 0
    return invoke


@pytest.fixture
def vault(run: Run, tmp_path: Path) -> Vault:
    """As the adapter has it, whose key is made up at first use."""
    assert run("secrets", "list").exit_code == 0
    return Vault(MasterKeys.in_file(tmp_path / "var" / "keys" / "DUKANI_VAULT_KEY"))


def held(vault: Vault, payments: Database, vendor: str = "mama-1", provider: str = "mpesa") -> dict[str, str]:
    with payments.read() as tx:
        found = vault.load(tx, vendor, provider)
    return {} if found is None else {name: value.reveal() for name, value in found.fields.items()}


def news(payments: Database) -> list[dict[str, Any]]:
    with payments.read() as tx:
        rows = tx.execute(select(outbox.c.body).order_by(outbox.c.seq)).scalars()
        return [json.loads(row) for row in rows]


def store(run: Run, vendor: str = "mama") -> None:
    assert run("secrets", "set", vendor, "mpesa", stdin=LINES).exit_code == 0


def test_what_is_piped_in_is_stored_and_shown_by_name_alone(run: Run, vault: Vault, payments: Database) -> None:
    stored = run("secrets", "set", "mama", "mpesa", stdin=f"# of the portal\n\n{LINES}\n")
    assert stored.exit_code == 0, stored.output
    assert "ready" in stored.output
    assert held(vault, payments) == WHOLE
    assert held(vault, payments, "baraka-1") == {}
    listed = json.loads(run("secrets", "list", "--json").stdout)["sets"]
    assert [(each["vendor_id"], each["version"], each["ready"], each["stored_by"]) for each in listed] == [
        ("mama-1", 1, ["mpesa_stk"], "command line")
    ]
    assert "mama-1" in run("secrets", "list").output
    shown = run("secrets", "show", "MAMA")
    assert "passkey" in shown.output
    assert "600123" not in shown.output
    whole = json.loads(run("secrets", "show", "mama", "--json").stdout)
    assert whole["versions"][0]["fields"] == sorted(WHOLE)
    assert "600123" not in json.dumps(whole)
    assert [(each["vendor_id"], each["ready"]) for each in news(payments)] == [("mama-1", ["mpesa_stk"])]


def test_a_file_of_one_s_own_and_text_of_several_lines_are_taken(
    run: Run, vault: Vault, payments: Database, tmp_path: Path
) -> None:
    file = tmp_path / "mpesa.json"
    file.write_text(json.dumps(WHOLE))
    file.chmod(0o644)
    refused = run("secrets", "set", "mama", "mpesa", "--from-file", str(file))
    assert (refused.exit_code, held(vault, payments)) == (1, {})
    assert "chmod 600 it first" in refused.output
    file.chmod(0o600)
    assert run("secrets", "set", "mama", "mpesa", "--from-file", str(file)).exit_code == 0
    assert held(vault, payments) == WHOLE
    note = tmp_path / "passkey"
    note.write_text("another\n")
    note.chmod(0o600)
    assert run("secrets", "set", "mama", "mpesa", "--take", f"passkey={note}").exit_code == 0
    assert held(vault, payments) == {**WHOLE, "passkey": "another"}
    assert run("secrets", "set", "mama", "mpesa", "--without", "passkey").exit_code == 0
    assert "passkey" not in held(vault, payments)


def test_what_is_typed_is_not_echoed_and_what_is_left_empty_stays(
    run: Run, vault: Vault, payments: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(run)
    answers = {"Consumer key": "typed-key", "Passkey": "typed-passkey"}
    hidden: dict[str, bool] = {}

    def prompt(label: str, *, default: str, hide_input: bool, **_: object) -> str:
        hidden[label] = hide_input
        return answers.get(label, default)

    monkeypatch.setattr(secrets_entry.click, "prompt", prompt)
    monkeypatch.setattr(secrets_entry, "_is_typed", lambda: True)
    assert run("secrets", "set", "mama", "mpesa").exit_code == 0
    assert held(vault, payments) == {**WHOLE, "consumer_key": "typed-key", "passkey": "typed-passkey"}
    assert hidden["Consumer key"]
    assert hidden["Passkey"]
    assert not hidden["Short code"]
    hidden.clear()
    assert run("secrets", "set", "mama", "mpesa", "--only", "passkey").exit_code == 0
    assert list(hidden) == ["Passkey"]


@pytest.mark.parametrize(
    ("words", "stdin", "says"),
    [
        (("set", "nobody", "mpesa"), LINES, "There is no shop"),
        (("set", "mama", "cash"), LINES, "ekwanza, mpesa"),
        (("set", "mama", "mpesa"), f"keys={CANARY}", "has no such setting"),
        (("set", "mama", "mpesa"), f"passkey={CANARY}\nno sign {CANARY}", "Line 2: expected name=value"),
        (("set", "mama", "mpesa"), f'{{"passkey": ["{CANARY}"]}}', "JSON object of texts"),
        (("set", "mama", "mpesa"), f'{{"passkey": "{CANARY}', "JSON object of texts"),
        (("set", "mama", "mpesa"), f"transaction_type={CANARY}", "choose one of"),
        (("set", "mama", "mpesa"), "", "nothing was given"),
        (("set", "mama", "mpesa", "--only", "wrong"), LINES, "There is no setting wrong"),
        (("set", "mama", "mpesa", "--take", "passkey"), None, "certificate=/path"),
        (("set", "mama", "mpesa", "--take", "passkey=/nowhere"), None, "can't be read"),
        (("set", "mama", "mpesa", f"passkey={CANARY[:3]}"), None, "unexpected extra argument"),
        (("check", "mama"), None, "There is nothing stored"),
        (("check", "mama", "cash"), None, "ekwanza, mpesa"),
        (("rotate",), None, "Say which"),
        (("rotate", "--master", "--vendor", "mama"), None, "Say which"),
        (("rotate", "--vendor", "mama"), None, "nothing stored"),
        (("import", "--vendor", "mama"), None, "nothing to import"),
        (("import",), None, "--vendor"),
        (("remove", "mama", "cash", "--yes"), None, "ekwanza, mpesa"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(
    run: Run, payments: Database, words: tuple[str, ...], stdin: str | None, says: str
) -> None:
    result = run("secrets", *words, stdin=stdin)
    assert result.exit_code in (1, 2)
    assert says.lower() in result.output.lower()
    assert "Traceback" not in result.output
    assert news(payments) == []


def test_the_environment_is_imported_for_the_one_shop_that_is_named(run: Run, vault: Vault, payments: Database) -> None:
    environ = {
        "DARAJA_CONSUMER_KEY": f"{CANARY}-key",
        "DARAJA_CONSUMER_SECRET": f"{CANARY}-secret",
        "EKWANZA_CLIENT_ID": f"{CANARY}-id",
    }
    imported = run("secrets", "import", "--vendor", "mama", **environ)
    assert imported.exit_code == 0, imported.output
    assert "mama-1 alone" in imported.output
    assert held(vault, payments)["consumer_key"] == f"{CANARY}-key"
    assert held(vault, payments, provider="ekwanza")["client_id"] == f"{CANARY}-id"
    for provider in ("mpesa", "ekwanza"):
        assert held(vault, payments, "baraka-1", provider) == {}
    assert {each["vendor_id"] for each in news(payments)} == {"mama-1"}
    # With the environment still set, another shop has nothing of it.
    assert run("secrets", "check", "baraka", **environ).exit_code == 1
    assert json.loads(run("secrets", "show", "baraka", "--json", **environ).stdout)["sets"] == []


def test_settings_are_proven_with_a_live_token(run: Run, vault: Vault, httpserver: HTTPServer) -> None:
    store(run)
    daraja = {"DARAJA_BASE_URL": httpserver.url_for("").rstrip("/")}
    httpserver.expect_request("/oauth/v1/generate").respond_with_json({"access_token": "t", "expires_in": "3599"})
    httpserver.expect_request("/mpesa/stkpushquery/v1/query").respond_with_json(
        {"requestId": "r", "errorCode": "500.001.1001", "errorMessage": "The transaction is being processed"},
        status=500,
    )
    good = run("secrets", "check", "mama", "mpesa", **daraja)
    assert (good.exit_code, "WRONG" in good.output) == (0, False), good.output
    httpserver.clear()
    httpserver.expect_request("/oauth/v1/generate").respond_with_handler(lambda _request: Response(b"", 400))
    wrong = run("secrets", "check", "mama", **daraja)
    assert wrong.exit_code == 1
    assert "Daraja refuses the consumer key and secret" in wrong.output
    told = json.loads(run("secrets", "check", "mama", "--json", **daraja).stdout)
    assert (told["is_good"], told["findings"][0]["setting"]) == (False, "consumer_key")
    unreachable = run("secrets", "check", "mama")
    assert unreachable.exit_code == 1
    assert "try again later" in unreachable.output


def test_a_shop_s_key_is_exchanged(run: Run, vault: Vault, payments: Database) -> None:
    store(run)
    rotated = run("secrets", "rotate", "--vendor", "mama")
    assert "mama-1 has a new data key; sets sealed with it: 1." in rotated.output
    assert held(vault, payments) == WHOLE


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_rotation, "UNTIL_NOTICED_S", 0.0)


@pytest.mark.usefixtures("no_waiting")
def test_the_master_key_in_a_file_is_exchanged(run: Run, vault: Vault, payments: Database, tmp_path: Path) -> None:
    store(run)
    store(run, "baraka")
    file = tmp_path / "var" / "keys" / "DUKANI_VAULT_KEY"
    before = file.read_text().strip()
    rotated = run("secrets", "rotate", "--master")
    assert rotated.exit_code == 0, rotated.output
    assert "2 of 2 data keys are wrapped with the new key" in rotated.output
    after = file.read_text().strip()
    assert (len(after), before == after, file.stat().st_mode & 0o777) == (64, False, 0o600)
    assert before not in rotated.output
    assert after not in rotated.output
    assert held(vault, payments) == held(vault, payments, "baraka-1") == WHOLE
    assert wrapped_otherwise(payments, MasterKeys.parse(f"{after},{before}")) == {}


@pytest.mark.usefixtures("no_waiting")
def test_a_rotation_that_was_cut_off_is_finished(
    run: Run, vault: Vault, payments: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(run)
    file = tmp_path / "var" / "keys" / "DUKANI_VAULT_KEY"

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(vault_rotation, "wrap_anew", killed)
        assert run("secrets", "rotate", "--master").exit_code != 0
    assert len(file.read_text().strip().split(",")) == 2
    assert held(vault, payments) == WHOLE
    kept = run("secrets", "rotate", "--master", "--keep-old")
    assert "begun before" in kept.output
    assert len(file.read_text().strip().split(",")) == 2
    assert run("secrets", "rotate", "--master").exit_code == 0
    assert len(file.read_text().strip().split(",")) == 1
    assert held(vault, payments) == WHOLE


@pytest.mark.usefixtures("no_waiting")
def test_no_key_is_dropped_while_something_can_not_be_opened(
    run: Run, vault: Vault, payments: Database, tmp_path: Path
) -> None:
    store(run)
    assert run("secrets", "set", "baraka", "mpesa", stdin=LINES, DUKANI_VAULT_KEY="77" * 32).exit_code == 0
    refused = run("secrets", "rotate", "--master")
    assert isinstance(refused.exception, CannotStart)
    assert "baraka-1" in str(refused.exception)
    file = tmp_path / "var" / "keys" / "DUKANI_VAULT_KEY"
    assert len(file.read_text().strip().split(",")) == 2
    assert held(vault, payments) == WHOLE
    assert "can't be opened" in run("secrets", "show", "baraka").output
    assert "DUKANI_VAULT_KEY" in run("secrets", "set", "baraka", "mpesa", stdin=LINES).output


def test_a_master_key_in_the_environment_is_exchanged_by_hand_in_steps(run: Run, payments: Database) -> None:
    old, new = "0a" * 32, "0b" * 32
    assert run("secrets", "set", "mama", "mpesa", stdin=LINES, DUKANI_VAULT_KEY=old).exit_code == 0
    told = run("secrets", "rotate", "--master", DUKANI_VAULT_KEY=old)
    assert isinstance(told.exception, CannotStart)
    assert "DUKANI_VAULT_KEY=NEW,OLD" in told.output
    done = run("secrets", "rotate", "--master", DUKANI_VAULT_KEY=f"{new},{old}")
    assert "1 data keys were wrapped anew" in done.output
    assert held(Vault(MasterKeys.parse(new)), payments) == WHOLE


def test_a_link_is_printed_for_the_shop_that_is_named(run: Run) -> None:
    made = run("secrets", "link", "mama")
    assert made.exit_code == 0, made.output
    head, _, token = made.stdout.strip().partition("/settings/")
    ticket = open_ticket(KeyRing.parse("r" * 32), token)
    assert (head, ticket.vendor_id, ticket.asked_by) == ("http://127.0.0.1:3040", "mama-1", "command line")
    assert "For mama, until" in made.stderr
    assert "credentials link" in run("vendor", "show", "mama").output


def test_settings_are_removed_after_a_question_and_announced_anew(run: Run, vault: Vault, payments: Database) -> None:
    store(run)
    assert run("secrets", "remove", "mama", "mpesa", stdin="n\n").exit_code == 1
    assert held(vault, payments) == WHOLE
    assert "Removed." in run("secrets", "remove", "mama", "mpesa", stdin="y\n").output
    assert held(vault, payments) == {}
    assert "had nothing stored" in run("secrets", "remove", "mama", "mpesa", "--yes").output
    assert json.loads(run("secrets", "list", "--json").stdout)["sets"] == []
    assert "1 sets of settings are announced" in run("secrets", "announce").output
    assert [(each["version"], each["ready"]) for each in news(payments)] == [(1, ["mpesa_stk"]), (2, []), (2, [])]


def test_a_database_that_was_not_migrated_is_told_from_one_that_was(run: Run, tmp_path: Path) -> None:
    result = run("secrets", "list", PAYMENTS_DATABASE_URL=f"sqlite:///{tmp_path / 'empty.sqlite'}")
    assert isinstance(result.exception, CannotStart)
    assert "dukani migrate --env payments" in str(result.exception)
