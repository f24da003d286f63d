"""Dedicated databases on a real server: what it is asked for, how a broken connection ends, what a look says."""

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from contracts.ids import VendorId
from kit.db import Database, Scope
from kit.patience import PatientConnection
from kit.problems import Problem
from router.dedicated import DedicatedDatabase, Tenants
from router.inspection import TargetReport, inspect_target
from router.targets import Access, DbTarget, parse_target
from tests.support.databases import NewDatabase
from tests.support.postgres import APP_ROLE, OWNER, Server
from tests.support.tenants import OWN, Proxy, black_hole, refusing_port, sqlite_target


def ask(database: DedicatedDatabase, statement: str = "SELECT 7") -> Any:
    with database.read(Scope(database.vendor_id)) as tx:
        return tx.execute(text(statement)).scalar_one()


@pytest.fixture
def own_database(postgres_database: NewDatabase) -> Database:
    return postgres_database("ops")


@pytest.fixture
def target(own_database: Database) -> DbTarget:
    url = own_database.engine.url
    written = {"type": "postgres", "host": url.query["host"], "database": url.database, "user": APP_ROLE}
    return parse_target(written)


@pytest.fixture
def own(tenants: Tenants, target: DbTarget) -> DedicatedDatabase:
    return tenants.database(OWN, target)


@pytest.fixture
def proxy(postgres: Server) -> Generator[Proxy]:
    with closing(Proxy(postgres.socket_dir / ".s.PGSQL.5432")) as proxy:
        yield proxy


@pytest.fixture
def through_proxy(tenants: Tenants, target: DbTarget, proxy: Proxy) -> DedicatedDatabase:
    near = {"host": "127.0.0.1", "port": proxy.port, "sslmode": "disable"}
    return tenants.database(OWN, target.model_copy(update=near))


def test_our_own_passwords_are_not_offered_and_nothing_is_said_about_it(
    own: DedicatedDatabase, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ask(own) == 7
    assert "password file" not in capfd.readouterr().err


def test_every_wait_is_bounded_by_the_server_too(own: DedicatedDatabase) -> None:
    assert ask(own, "SHOW statement_timeout") == "10s"
    assert ask(own, "SHOW lock_timeout") == "5s"
    assert ask(own, "SHOW timezone") == "UTC"


def test_rows_of_another_vendor_are_hidden_here_as_well(own: DedicatedDatabase, tenants: Tenants) -> None:
    row = "INSERT INTO vendor_fences (vendor_id, state, since) VALUES ('vendor-own', 'moving', now())"
    with own.write(Scope(OWN)) as tx:
        tx.execute(text(row))
    assert ask(own, "SELECT count(*) FROM vendor_fences") == 1
    with own.read(Scope("vendor-other")) as tx:
        assert tx.execute(text("SELECT count(*) FROM vendor_fences")).scalar_one() == 0


def test_a_server_that_restarted_while_nobody_asked_costs_no_error(own: DedicatedDatabase, postgres: Server) -> None:
    assert ask(own) == 7
    _end_sessions(postgres)
    assert ask(own) == 7


def test_a_connection_that_breaks_in_a_transaction_is_told_as_it_is(
    own: DedicatedDatabase, tenants: Tenants, postgres: Server
) -> None:
    def lose_it() -> None:
        with own.write(Scope(OWN)) as tx:
            _end_sessions(postgres)
            tx.execute(text("SELECT 1"))

    with pytest.raises(DBAPIError):
        lose_it()
    assert tenants.connections == 0
    assert ask(own) == 7


def test_a_server_that_goes_silent_is_given_up_and_costs_a_503(
    through_proxy: DedicatedDatabase, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(through_proxy) == 7
    proxy.fall_silent()
    monkeypatch.setattr(PatientConnection, "answer_within_s", 0.2)
    with pytest.raises(Problem, match="can't be reached") as refused:
        ask(through_proxy)
    assert refused.value.status == 503


def test_silence_in_the_middle_of_a_transaction_ends_it(
    through_proxy: DedicatedDatabase, tenants: Tenants, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask_in_vain() -> None:
        with through_proxy.write(Scope(OWN)) as tx:
            proxy.fall_silent()
            monkeypatch.setattr(PatientConnection, "answer_within_s", 0.2)
            tx.execute(text("SELECT 1"))

    with pytest.raises(DBAPIError, match="not answered"):
        ask_in_vain()
    assert tenants.connections == 0
    breaker = tenants.tenant(VendorId(OWN)).breaker
    assert breaker.succeeded(), "the failure was not noted"


def test_silence_at_the_commit_ends_it_too(
    through_proxy: DedicatedDatabase, tenants: Tenants, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def commit_in_vain() -> None:
        with through_proxy.write(Scope(OWN)) as tx:
            tx.execute(text("SELECT 1"))
            proxy.fall_silent()
            monkeypatch.setattr(PatientConnection, "answer_within_s", 0.2)

    with pytest.raises(DBAPIError, match="not answered"):
        commit_in_vain()
    assert tenants.connections == 0


def test_a_database_without_tables_is_not_prepared(tenants: Tenants, target: DbTarget, postgres: Server) -> None:
    url = postgres.create_empty()
    name = url.rpartition("/test_")[2].partition("?")[0]
    empty = tenants.database(OWN, target.model_copy(update={"database": f"test_{name}"}))
    for _ in range(5):
        with pytest.raises(Problem, match="not prepared"), empty.write(Scope(OWN)):
            pass
    postgres.drop(url)


# --- a look into it -----------------------------------------------------------------------------------------------


def look(target: DbTarget, access: Access, newest: str | None = None) -> TargetReport:
    return inspect_target(target, access, vendor_id=OWN, newest_revision=newest)


def test_a_database_that_can_be_used_needs_nothing(target: DbTarget, access: Access) -> None:
    report = look(target, access)
    assert (report.is_usable, report.is_reachable, report.is_let_in, report.can_write) == (True, True, True, True)
    assert report.revision
    assert report.what_to_do == []
    assert look(target, access, report.revision).is_usable


def test_a_look_says_what_to_do(target: DbTarget, access: Access, postgres: Server) -> None:
    empty = postgres.create_empty()
    name = "test_" + empty.rpartition("/test_")[2].partition("?")[0]
    cases: list[tuple[dict[str, Any], str | None, str]] = [
        ({"user": OWNER}, None, "no superuser"),
        ({"user": "nobody-here"}, None, "Correct the user"),
        ({"database": "no-such-database"}, None, "Make the database first"),
        ({"database": name, "user": OWNER}, None, "dukani migrate --env tenant"),
        ({"database": name}, None, "Let this user write"),
        ({}, "9999", "to 9999"),
        ({"host": "127.0.0.1", "port": refusing_port()}, None, "nothing answers there"),
        ({"password_secret_ref": "env:MASTER_KEY"}, None, "not this vendor's"),
    ]
    for fields, newest, expected in cases:
        report = look(target.model_copy(update=fields), access, newest)
        assert not report.is_usable, fields
        assert any(expected in each for each in report.what_to_do), (fields, report.what_to_do)
    postgres.drop(empty)


def test_one_that_lets_us_in_is_told_from_one_that_does_not(target: DbTarget, access: Access) -> None:
    refused = look(target.model_copy(update={"user": "nobody-here"}), access)
    assert (refused.is_reachable, refused.is_let_in) == (True, False)
    with black_hole() as hole:
        swallowed = look(
            target.model_copy(update={"host": "127.0.0.1", "port": hole.port, "sslmode": "disable"}), access
        )
    assert (swallowed.is_reachable, swallowed.is_let_in) == (False, False)
    assert "nothing answers there" in swallowed.what_to_do[0]


def test_a_look_into_a_file(access: Access, tmp_path: Path, sqlite_templates: Any) -> None:
    report = look(sqlite_target(tmp_path, sqlite_templates), access)
    assert (report.is_usable, report.what_to_do) == (True, [])
    missing = look(parse_target({"type": "sqlite", "database": "missing.sqlite"}), access)
    assert not missing.is_usable
    assert "Make the file first" in missing.what_to_do[0]


def _end_sessions(postgres: Server) -> None:
    with closing(Database(postgres.url("postgres"), pool_size=1)) as server, server.write() as tx:
        ended = text("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = :role")
        tx.execute(ended, {"role": APP_ROLE})
