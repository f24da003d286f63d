"""A shop's settings: which rails they are complete for, what the environment names, where each environment answers."""

from typing import Any

import pytest

from contracts.states import Rail
from kit.settings import Settings, load_settings
from payment_adapter.providers.ekwanza.credentials import (
    ENVIRONMENT_NAMES,
    RAILS,
    SETTINGS,
    CredentialsUnusable,
    EkwanzaCredentials,
    Environment,
    Hosts,
    from_environment,
    hosts_by_environment,
    invented,
    missing,
)
from payment_adapter.vault.secret import Secret
from tests.support.ekwanza import GPO_METHOD, REF_METHOD, credentials

GATEWAY = ["gpo", "emis_ref"]


def load(**values: str) -> Settings:
    return load_settings(values, dotenv=None)


def lacking(**changes: Any) -> dict[str, list[str]]:
    return {rail.value: names for rail, names in missing(credentials(**changes).fields).items() if names}


def test_a_whole_set_is_ready_for_every_rail() -> None:
    assert missing(credentials().fields) == {Rail.GPO: [], Rail.EMIS_REF: [], Rail.TICKET: []}


def test_an_invented_set_is_whole_and_never_the_same() -> None:
    first, second = invented(), invented("66700922")
    assert not any(missing(first).values())
    assert second["merchant_account"].reveal() == "66700922"
    same = {name for name in first if first[name] == second[name]}
    assert same <= {"environment", "signature_encoding"}


@pytest.mark.parametrize(
    ("name", "rails"),
    [
        ("environment", [*GATEWAY, "ticket"]),
        ("client_id", GATEWAY),
        ("client_secret", GATEWAY),
        ("merchant_account", GATEWAY),
        ("api_key", [*GATEWAY, "ticket"]),
        ("payment_method_gpo", ["gpo"]),
        ("payment_method_ref", ["emis_ref"]),
        ("notification_token", ["ticket"]),
        ("company_registration", ["ticket"]),
    ],
)
def test_a_setting_that_is_missing_closes_the_rails_that_need_it(name: str, rails: list[str]) -> None:
    assert lacking(**{name: ""}) == {rail: [name] for rail in rails}
    assert next(setting.rails for setting in SETTINGS if setting.name == name) == {Rail(rail) for rail in rails}


@pytest.mark.parametrize(
    ("name", "value", "rails"),
    [
        ("environment", "test", [*GATEWAY, "ticket"]),
        ("client_id", "with space", GATEWAY),
        ("client_secret", "line\nbreak", GATEWAY),
        ("resource", "no guid", GATEWAY),
        ("payment_method_gpo", "REF_" + GPO_METHOD, ["gpo"]),
        ("payment_method_gpo", "GPO_GPO_" + GPO_METHOD, ["gpo"]),
        ("payment_method_ref", "53c70da3", ["emis_ref"]),
        ("notification_token", "../Operations", ["ticket"]),
        ("merchant_account", "1/2", GATEWAY),
        ("signature_encoding", "binary", ["ticket"]),
    ],
)
def test_a_setting_that_can_not_be_right_counts_as_missing(name: str, value: str, rails: list[str]) -> None:
    assert lacking(**{name: value}) == {rail: [name] for rail in rails}


def test_nothing_is_ready_for_a_shop_without_settings() -> None:
    assert {rail for rail, names in missing({}).items() if names} == RAILS


def test_unusable_settings_are_named_and_never_shown() -> None:
    given = credentials(client_id="my secret client id")
    with pytest.raises(CredentialsUnusable, match="client_id") as caught:
        EkwanzaCredentials.of(given, Rail.GPO)
    assert "my secret" not in str(caught.value)
    assert "client~secret" not in repr(EkwanzaCredentials.of(credentials(), Rail.GPO))


def test_the_environment_names_a_whole_set() -> None:
    given = from_environment(
        load(
            EKWANZA_ENV="production",
            EKWANZA_CLIENT_ID="client",
            EKWANZA_CLIENT_SECRET="secret",
            EKWANZA_MERCHANT_ACCOUNT="66700922",
            EKWANZA_API_KEY="key",
            EKWANZA_PAYMENT_METHOD_GPO=GPO_METHOD,
            EKWANZA_PAYMENT_METHOD_GPR=REF_METHOD,
            EKWANZA_NOTIFICATION_TOKEN="TOKEN",
            EKWANZA_COMPANY_REGISTRATION="6254-26/250222",
        )
    )
    assert given is not None
    assert not any(missing(given).values())
    assert given["environment"].reveal() == "production"
    assert given["payment_method_ref"].reveal() == REF_METHOD


@pytest.mark.parametrize("name", ["EKWANZA_PAYMENT_METHOD_GPR", "EKWANZA_PAYMENT_METHOD_REF"])
def test_both_names_of_the_method_for_references_are_known(name: str) -> None:
    given = from_environment(load(**{name: REF_METHOD}))
    assert given == {"environment": Secret("sandbox"), "payment_method_ref": Secret(REF_METHOD)}


def test_an_environment_that_names_nothing_gives_nothing() -> None:
    assert from_environment(load()) is None
    assert from_environment(load(EKWANZA_ENV="sandbox")) is None


def test_what_the_environment_names_is_kept_from_processes_without_business_with_it() -> None:
    from kit.settings import SECRET_NAMES

    assert set(ENVIRONMENT_NAMES) <= set(SECRET_NAMES)
    assert "key-of-the-shop" not in repr(load(EKWANZA_API_KEY="key-of-the-shop"))


def test_in_local_mode_the_simulators_stand_for_both_environments() -> None:
    base = "http://127.0.0.1:3050/ekwanza"
    simulated = Hosts(f"{base}/gateway", f"{base}/token", f"{base}/native")
    assert hosts_by_environment(load()) == dict.fromkeys(Environment, simulated)


def test_with_the_simulators_off_each_environment_has_its_own_hosts() -> None:
    hosts = hosts_by_environment(load(DUKANI_SIMULATORS="off"))
    assert hosts[Environment.SANDBOX].gateway == "https://gwy-api-tst.appypay.co.ao"
    assert hosts[Environment.PRODUCTION].gateway == "https://gwy-api.appypay.co.ao"
    assert "appypaydev" in hosts[Environment.SANDBOX].token
    assert "auth.appypay.co.ao" in hosts[Environment.PRODUCTION].token


def test_a_host_that_is_set_wins_with_or_without_its_version() -> None:
    hosts = hosts_by_environment(
        load(
            DUKANI_SIMULATORS="off",
            EKWANZA_GATEWAY_BASE_URL="https://gateway.example.com/v2.0/",
            EKWANZA_NATIVE_BASE_URL="https://partnersapi.e-kwanza.ao",
        )
    )
    for environment in Environment:
        assert hosts[environment].gateway == "https://gateway.example.com"
        assert hosts[environment].native == "https://partnersapi.e-kwanza.ao"
    assert hosts[Environment.SANDBOX].token != hosts[Environment.PRODUCTION].token
