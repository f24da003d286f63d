"""What a db_target may say, where it may lead, and what is never said aloud."""

import json
from pathlib import Path
from typing import Any

import pytest

from kit.hosts import HostRefused
from kit.secret_refs import SecretStore
from kit.settings import Settings
from router.targets import Access, DbTarget, TargetError, check_target, parse_target
from tests.support.tenants import OWN, postgres_target, production_settings, settings_in

SECRET = "a password of an invented shop"
FAR = {"host": "db.example.com", "passwordSecretRef": "env:DUKANI_TENANT_VENDOR_OWN_PASSWORD", "sslmode": None}


@pytest.fixture
def local(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def production(tmp_path: Path) -> Settings:
    return production_settings(tmp_path)


def access(settings: Settings, *addresses: str, **environ: str) -> Access:
    environ = {"DUKANI_TENANT_VENDOR_OWN_PASSWORD": SECRET, **environ}
    store = SecretStore(settings.tenant_secrets_dir, environ)
    return Access(settings, store, lambda host, port: list(addresses), environ)


def far(**fields: Any) -> DbTarget:
    return postgres_target(**{**FAR, **fields})


def check(target: DbTarget, settings: Settings, *, via_api: bool = False) -> None:
    check_target(target, settings, vendor_id=OWN, via_api=via_api)


def fields_of(error: TargetError) -> list[str]:
    return [each.field for each in error.errors]


def test_a_target_is_read_as_it_is_written() -> None:
    written = {
        "type": "postgres",
        "host": "db.internal",
        "port": 6432,
        "database": "mama",
        "user": "mama_app",
        "passwordSecretRef": "file:mama.password",
        "sslmode": "verify-ca",
    }
    target = parse_target(json.dumps(written))
    assert target == parse_target(written)
    assert target.stored() == written
    assert parse_target(target.stored()) == target


def test_what_is_left_out_has_a_default() -> None:
    target = parse_target({"type": "postgresql", "host": "db.internal", "database": "mama", "user": "mama"})
    assert (target.type, target.port, target.sslmode) == ("postgres", 5432, None)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"type": "mysql"}, "type"),
        ({"host": ""}, "host"),
        ({"host": "a,b"}, "host"),
        ({"host": "user@host"}, "host"),
        ({"host": "host:5432"}, "host"),
        ({"host": "postgres://x"}, "host"),
        ({"host": "@abstract"}, "host"),
        ({"host": "-x"}, "host"),
        ({"host": "a" * 300}, "host"),
        ({"port": 0}, "port"),
        ({"port": 65536}, "port"),
        ({"database": ""}, "database"),
        ({"database": "host=evil.example.com"}, "database"),
        ({"database": "postgres://evil.example.com/x"}, "database"),
        ({"user": ""}, "user"),
        ({"user": "a b"}, "user"),
        ({"sslmode": "none"}, "sslmode"),
        ({"passwordSecretRef": SECRET}, "passwordSecretRef"),
        ({"passwordSecretRef": "file:../x"}, "passwordSecretRef"),
        ({"password": SECRET}, "password"),
        ({"sslrootcert": "/etc/shadow"}, "sslrootcert"),
        ({"options": "-c search_path=x"}, "options"),
    ],
)
def test_an_odd_field_is_named_and_its_value_is_not_repeated(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(TargetError) as refused:
        postgres_target(**fields)
    assert fields_of(refused.value) == [named]
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("raw", [None, "", "null", "{", "[]", "7", '"postgres"', "{}"])
def test_what_is_no_target_at_all_is_refused_clearly(raw: str | None) -> None:
    with pytest.raises(TargetError, match=r"^db_target\."):
        parse_target(raw)


def test_a_plain_password_is_never_shown() -> None:
    target = postgres_target(passwordSecretRef=f"plain:{SECRET}")
    assert SECRET not in repr(target) + str(target)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "/run/postgresql"])
def test_a_plain_password_is_for_this_machine_in_local_mode(local: Settings, production: Settings, host: str) -> None:
    target = postgres_target(host=host, passwordSecretRef=f"plain:{SECRET}")
    check(target, local)
    for settings, via_api in ((production, False), (local, True), (production, True)):
        with pytest.raises(TargetError) as refused:
            check(target, settings, via_api=via_api)
        assert "passwordSecretRef" in fields_of(refused.value)
        assert SECRET not in str(refused.value)


def test_a_plain_password_goes_to_no_other_machine(local: Settings) -> None:
    with pytest.raises(TargetError, match=r"passwordSecretRef.*this machine"):
        check(far(passwordSecretRef=f"plain:{SECRET}"), local)


def test_somebody_else_s_variable_is_refused_before_it_is_read(production: Settings) -> None:
    """With a host of one's own one would otherwise be sent the key as a password."""
    target = far(passwordSecretRef="env:MASTER_KEY")
    with pytest.raises(TargetError, match="not this vendor's") as refused:
        access(production, "10.0.0.5", MASTER_KEY=SECRET).url(target, OWN)
    assert SECRET not in str(refused.value)


def test_over_the_api_a_reference_is_surely_the_vendor_s_own(production: Settings) -> None:
    check(far(), production, via_api=True)
    check(far(passwordSecretRef="file:vendor-own.password"), production, via_api=True)
    for reference in ("env:DUKANI_TENANT_VENDOR_OWN_2_PASSWORD", "file:vendor-other.password", "env:PATH"):
        with pytest.raises(TargetError, match=r"passwordSecretRef.*VENDOR_OWN_PASSWORD|file:vendor-own\.password"):
            check(far(passwordSecretRef=reference), production, via_api=True)


def test_production_wants_a_password_and_a_proven_server(production: Settings) -> None:
    for mode in ("verify-full", "verify-ca", None):
        check(far(sslmode=mode), production)
    for mode in ("disable", "allow", "prefer", "require"):
        with pytest.raises(TargetError, match="sslmode"):
            check(far(sslmode=mode), production)
    with pytest.raises(TargetError, match="passwordSecretRef"):
        check(far(passwordSecretRef=None), production)


def test_in_production_a_far_server_must_prove_itself_on_the_wire(production: Settings) -> None:
    url = access(production, "10.0.0.5", PGSSLROOTCERT="/etc/dukani/roots.pem").url(far(), OWN)
    assert url.host == "db.example.com"  # what its certificate must say
    assert url.password == SECRET
    said = {name: url.query[name] for name in ("hostaddr", "sslmode", "channel_binding", "require_auth", "passfile")}
    assert said == {
        "hostaddr": "10.0.0.5",
        "sslmode": "verify-full",
        "channel_binding": "require",
        "require_auth": "scram-sha-256",
        "passfile": "/dev/null/none",
    }
    assert SECRET not in repr(url) + str(url)


def test_a_half_dead_connection_ends_in_seconds(production: Settings) -> None:
    query = access(production, "10.0.0.5").url(far(), OWN).query
    idle, interval, count = (int(str(query[f"keepalives_{name}"])) for name in ("idle", "interval", "count"))
    assert idle + interval * count <= 15
    assert int(str(query["tcp_user_timeout"])) <= 10_000


def test_a_database_on_this_machine_needs_no_certificate(production: Settings) -> None:
    for host in ("/run/postgresql", "127.0.0.1"):
        query = access(production).url(far(host=host), OWN).query
        assert "channel_binding" not in query
        assert "hostaddr" not in query


@pytest.mark.parametrize("host", ["169.254.169.254", "fe80::1", "0.0.0.1", "224.0.0.1", "::ffff:169.254.169.254"])
def test_an_address_that_no_database_has_is_refused_in_production(production: Settings, host: str) -> None:
    with pytest.raises(TargetError, match="host"):
        check(far(host=host), production)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "/run/postgresql", "::ffff:127.0.0.1"])
def test_over_the_api_nobody_reaches_into_this_machine(production: Settings, host: str) -> None:
    check(far(host=host), production)
    with pytest.raises(TargetError, match="host"):
        check(far(host=host), production, via_api=True)


@pytest.mark.parametrize("addresses", [["169.254.169.254"], ["10.0.0.5", "169.254.169.254"], ["127.0.0.1"], ["::1"]])
def test_a_name_that_leads_astray_is_refused_when_it_is_followed(production: Settings, addresses: list[str]) -> None:
    reach = access(production, *addresses)
    with pytest.raises(HostRefused):
        reach.checked_address(far())
    with pytest.raises(TargetError, match="host"):
        reach.url(far(), OWN)


def test_the_address_that_was_checked_is_the_one_that_is_called(production: Settings) -> None:
    assert access(production, "fd12::1", "10.0.0.5").checked_address(far()) == {"hostaddr": "10.0.0.5"}
    assert access(production, "fd12::1").checked_address(far()) == {"hostaddr": "fd12::1"}


def test_sqlite_is_for_local_mode_and_stays_in_the_data_folder(local: Settings, production: Settings) -> None:
    target = parse_target({"type": "sqlite", "database": "shops/own.sqlite"})
    check(target, local)
    with pytest.raises(TargetError, match="local mode"):
        check(target, production)
    for path in ("../own.sqlite", "/etc/own.sqlite", "shops/../../own.sqlite"):
        with pytest.raises(TargetError, match="database"):
            check(parse_target({"type": "sqlite", "database": path}), local)


def test_a_link_out_of_the_data_folder_is_not_followed(
    local: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (local.data_dir / "out").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(TargetError, match="database"):
        check(parse_target({"type": "sqlite", "database": "out/own.sqlite"}), local)
