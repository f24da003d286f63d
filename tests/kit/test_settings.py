"""Settings say what is wrong with them, all of it at once, and keep secrets apart."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.clock import SharedClock, SystemClock
from kit.settings import DEV_INTERNAL_KEY, Settings, SettingsError, load_settings

PRODUCTION = {
    "DUKANI_ENV": "production",
    "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000001",
    "TWILIO_WHATSAPP_FROM": "whatsapp:+254700000001",
    "DUKANI_BOT_PUBLIC_URL": "https://shop.example.com",
    "DUKANI_ADAPTER_PUBLIC_URL": "https://pay.example.com",
}


def load(**values: str) -> Settings:
    return load_settings(values, dotenv=None)


def problems(**values: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(**values)
    return str(caught.value).splitlines()


def test_nothing_needs_to_be_set_on_ones_own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load()
    assert settings.is_local
    assert settings.simulators_on
    ports = (settings.bot_port, settings.router_port, settings.adapter_port, settings.simulators_port)
    assert ports == (3020, 3030, 3040, 3050)
    assert settings.twilio_api_base_url.startswith("http://127.0.0.1:3050/")
    assert settings.daraja_base_url.startswith("http://127.0.0.1:3050/")
    assert settings.ops_database_url == f"sqlite:///{tmp_path}/var/ops.sqlite"
    assert settings.redis_url is None


def test_with_the_simulators_off_the_providers_own_hosts_are_meant() -> None:
    settings = load(DUKANI_SIMULATORS="off")
    assert settings.twilio_api_base_url == "https://api.twilio.com"
    assert settings.daraja_base_url == "https://sandbox.safaricom.co.ke"


def test_a_base_url_that_is_set_wins_over_the_simulators() -> None:
    settings = load(DARAJA_BASE_URL="http://127.0.0.1:9000/daraja/")
    assert settings.daraja_base_url == "http://127.0.0.1:9000/daraja"


def test_our_own_addresses_follow_the_ports() -> None:
    settings = load(DUKANI_ROUTER_PORT="4030", DUKANI_BOT_PORT="4020")
    assert settings.router_url == "http://127.0.0.1:4030"
    assert settings.bot_public_url == "http://127.0.0.1:4020"


@pytest.mark.parametrize("scheme", ["postgres://", "postgresql://", "postgresql+psycopg://"])
def test_every_usual_spelling_of_a_postgres_url_means_psycopg_3(scheme: str) -> None:
    settings = load(OPS_DATABASE_URL=f"{scheme}shop@127.0.0.1:5432/ops")
    assert settings.ops_database_url == "postgresql+psycopg://shop@127.0.0.1:5432/ops"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DUKANI_ENV", "staging"),
        ("DUKANI_SIMULATORS", "maybe"),
        ("DUKANI_BOT_PORT", "http"),
        ("DUKANI_BOT_PORT", "0"),
        ("DUKANI_BOT_PORT", "65536"),
        ("DUKANI_BOT_PORT", "-1"),
        ("DUKANI_BOT_PORT", "30.5"),
        ("DUKANI_ROUTER_PORT", "٣٠٣٠"),
        ("DUKANI_ROUTER_PORT", "3020"),
        ("DUKANI_BOT_PUBLIC_URL", "shop.example.com"),
        ("DUKANI_BOT_PUBLIC_URL", "ftp://shop.example.com"),
        ("DUKANI_BOT_PUBLIC_URL", "https://"),
        ("DUKANI_BOT_PUBLIC_URL", "https://shop.example.com/?a=1"),
        ("DUKANI_BOT_PUBLIC_URL", "https://shop.example.com:port"),
        ("DUKANI_BOT_PUBLIC_URL", "https://[::1"),
        ("DARAJA_BASE_URL", "nonsense"),
        ("EKWANZA_GATEWAY_BASE_URL", "nonsense"),
        ("EKWANZA_TOKEN_URL", "ftp://token.example.com"),
        ("EKWANZA_NATIVE_BASE_URL", "https://native.example.com/?a=1"),
        ("TWILIO_WHATSAPP_FROM", "+254700000001"),
        ("OPS_DATABASE_URL", "mysql://shop@127.0.0.1/ops"),
        ("REDIS_URL", "127.0.0.1:6379"),
        ("DUKANI_HOLD_MINUTES", "0"),
        ("DUKANI_CONFIRM_MPESA", "sometimes"),
    ],
)
def test_a_value_that_cant_be_used_is_named(name: str, value: str) -> None:
    (problem,) = problems(**{name: value})
    assert name in problem


@pytest.mark.parametrize(("port", "usable"), [("1", True), ("65535", True), ("0", False), ("65536", False)])
def test_a_port_is_within_its_bounds(port: str, usable: bool) -> None:
    if usable:
        assert load(DUKANI_BOT_PORT=port).bot_port == int(port)
    else:
        assert len(problems(DUKANI_BOT_PORT=port)) == 1


def test_all_problems_are_shown_by_one_start() -> None:
    found = problems(DUKANI_BOT_PORT="x", REDIS_URL="y", DARAJA_BASE_URL="z")
    assert [problem.partition(":")[0].partition("=")[0] for problem in found] == [
        "DUKANI_BOT_PORT",
        "DARAJA_BASE_URL",
        "REDIS_URL",
    ]


def test_a_database_password_never_stands_in_a_complaint() -> None:
    (problem,) = problems(OPS_DATABASE_URL="mysql://shop:hunter2@127.0.0.1/ops")
    assert "hunter2" not in problem


def test_an_empty_value_is_as_good_as_none() -> None:
    assert load(DUKANI_BOT_PORT="", REDIS_URL="  ").bot_port == 3020


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("DUKANI_BOT_PORT=4001\nDUKANI_ROUTER_PORT=4002\n")
    settings = load_settings({"DUKANI_BOT_PORT": "5001"}, dotenv=file)
    assert (settings.bot_port, settings.router_port) == (5001, 4002)


@given(st.dictionaries(st.sampled_from(["DUKANI_ENV", "DUKANI_BOT_PORT", "DARAJA_BASE_URL", "REDIS_URL"]), st.text()))
def test_any_text_gives_settings_or_a_settings_error(values: dict[str, str]) -> None:
    complaint = ""
    try:
        assert 1 <= load_settings(values, dotenv=None).bot_port <= 65535
    except SettingsError as error:
        complaint = str(error)
    assert complaint == "" or any(name in complaint for name in values)


class TestProduction:
    def test_it_starts_with_everything_set(self) -> None:
        settings = load(**PRODUCTION)
        assert not settings.is_local
        assert not settings.simulators_on
        assert isinstance(settings.clock(), SystemClock)

    @pytest.mark.parametrize("name", [name for name in PRODUCTION if name != "DUKANI_ENV"])
    def test_what_is_missing_is_named(self, name: str) -> None:
        values = {known: value for known, value in PRODUCTION.items() if known != name}
        (problem,) = problems(**values)
        assert name in problem

    def test_simulators_are_refused(self) -> None:
        (problem,) = problems(**PRODUCTION, DUKANI_SIMULATORS="on")
        assert "DUKANI_SIMULATORS" in problem

    def test_an_address_without_tls_is_refused(self) -> None:
        values = {**PRODUCTION, "DUKANI_BOT_PUBLIC_URL": "http://shop.example.com"}
        (problem,) = problems(**values)
        assert "DUKANI_BOT_PUBLIC_URL" in problem

    def test_a_missing_secret_is_an_error_and_none_is_made_up(self, tmp_path: Path) -> None:
        settings = load(**PRODUCTION, DUKANI_DATA_DIR=str(tmp_path))
        with pytest.raises(SettingsError, match="DUKANI_KEY_GRANT"):
            settings.secret("DUKANI_KEY_GRANT")
        assert list(tmp_path.iterdir()) == []

    def test_the_development_key_opens_nothing(self) -> None:
        settings = load(**PRODUCTION, DUKANI_KEY_GRANT=DEV_INTERNAL_KEY)
        with pytest.raises(SettingsError, match="DUKANI_KEY_GRANT"):
            settings.secret("DUKANI_KEY_GRANT")


class TestSecrets:
    def test_a_missing_one_is_made_once_and_kept_private(self, tmp_path: Path) -> None:
        settings = load(DUKANI_DATA_DIR=str(tmp_path))
        made = settings.secret("DUKANI_KEY_GRANT")
        assert len(made) == 64
        assert settings.secret("DUKANI_KEY_GRANT") == made
        assert load(DUKANI_DATA_DIR=str(tmp_path)).secret("DUKANI_KEY_GRANT") == made
        (file,) = (tmp_path / "keys").iterdir()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    def test_a_process_can_not_ask_for_a_secret_that_is_none_of_its_business(self, tmp_path: Path) -> None:
        environ = {"DUKANI_DATA_DIR": str(tmp_path), "DUKANI_VAULT_KEY": "f" * 64, "TWILIO_AUTH_TOKEN": "t" * 32}
        bots = load_settings(environ, dotenv=None).narrowed_to({"TWILIO_AUTH_TOKEN"})
        assert bots.secret("TWILIO_AUTH_TOKEN") == "t" * 32
        for ask in (bots.secret, bots.optional_secret):
            with pytest.raises(SettingsError, match="DUKANI_VAULT_KEY"):
                ask("DUKANI_VAULT_KEY")
        assert not (tmp_path / "keys").exists()

    def test_two_names_are_two_secrets(self, tmp_path: Path) -> None:
        settings = load(DUKANI_DATA_DIR=str(tmp_path))
        assert settings.secret("DUKANI_KEY_GRANT") != settings.secret("DUKANI_VAULT_KEY")

    def test_one_that_is_set_is_used_and_nothing_is_written(self, tmp_path: Path) -> None:
        settings = load(DUKANI_DATA_DIR=str(tmp_path), DUKANI_KEY_GRANT="chosen")
        assert settings.secret("DUKANI_KEY_GRANT") == "chosen"
        assert list(tmp_path.iterdir()) == []

    def test_none_shows_when_settings_are_printed(self) -> None:
        assert "hunter2" not in repr(load(DUKANI_VAULT_KEY="hunter2"))


def test_a_local_shop_has_the_clock_that_can_be_moved(tmp_path: Path) -> None:
    assert isinstance(load(DUKANI_DATA_DIR=str(tmp_path)).clock(), SharedClock)


def test_two_databases_can_not_be_one(tmp_path: Path) -> None:
    url = "postgresql://db.example/shop"
    environ = {"DUKANI_DATA_DIR": str(tmp_path), "OPS_DATABASE_URL": url, "PAYMENTS_DATABASE_URL": url}
    with pytest.raises(SettingsError, match="PAYMENTS_DATABASE_URL is the same as OPS_DATABASE_URL"):
        load_settings(environ, dotenv=None)
