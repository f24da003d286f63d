"""A vendor's own database is opened when it is needed, closed when others need more, and followed when it changes."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from contracts.ids import VendorId
from kit.db import Database, Scope
from kit.problems import Problem
from router.databases import vendor_fences
from router.dedicated import AT_ONCE, KEPT, SECRET_KNOWN_FOR_S, SPARE, DedicatedDatabase, Tenants
from router.targets import Access, DbTarget, parse_target
from tests.support.tenants import OWN, Watch, postgres_target, settings_in

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

TargetOf = Callable[[str], DbTarget]


def ask(database: DedicatedDatabase) -> int:
    with database.read(Scope(database.vendor_id)) as tx:
        return tx.execute(text("SELECT 7")).scalar_one()


def refused(database: DedicatedDatabase) -> Problem:
    with pytest.raises(Problem) as problem:
        ask(database)
    assert (problem.value.status, problem.value.code) == (503, "unavailable")
    assert problem.value.retry_after_s is not None
    return problem.value


def test_nothing_is_opened_before_it_is_asked_for(tenants: Tenants, own: DedicatedDatabase) -> None:
    assert tenants.connections == 0
    assert ask(own) == 7
    assert tenants.connections == 1
    for _ in range(10):
        ask(own)
    assert tenants.connections == 1


def test_what_is_written_in_one_is_in_no_other(tenants: Tenants, file_of: TargetOf, watch: Watch) -> None:
    one, other = (tenants.database(VendorId(name), file_of(name)) for name in ("one", "other"))
    with one.write(Scope("one")) as tx:
        tx.execute(insert(vendor_fences).values(vendor_id="elsewhere", state="moved", since=NOW))
    counts: list[int] = []
    for database in (one, other):
        with database.read() as tx:
            counts.append(tx.execute(text("SELECT count(*) FROM vendor_fences")).scalar_one())
    assert counts == [1, 0]


def test_the_one_that_is_missed_the_least_is_closed_at_the_ceiling(
    access: Access, file_of: TargetOf, watch: Watch
) -> None:
    with closing(Tenants(access, ceiling=3, monotonic=watch)) as tenants:
        names = ["a", "b", "c", "d"]
        databases = {name: tenants.database(VendorId(name), file_of(name)) for name in names}
        for name in ("a", "b", "c", "a"):  # b was used the longest ago
            watch.now_s += 1
            ask(databases[name])
        opened = _connections_of(tenants)
        assert opened == {"a": 1, "b": 1, "c": 1}
        watch.now_s += 1
        ask(databases["d"])
        assert _connections_of(tenants) == {"a": 1, "b": 0, "c": 1, "d": 1}
        assert ask(databases["b"]) == 7
        assert tenants.connections == 3


def test_a_loop_that_looks_in_keeps_nothing_open_that_shops_need(
    access: Access, file_of: TargetOf, watch: Watch
) -> None:
    with closing(Tenants(access, ceiling=3, monotonic=watch)) as tenants:
        for name in ("a", "b"):
            ask(tenants.database(VendorId(name), file_of(name)))
        watch.now_s += 1
        ask(tenants.database(VendorId("visited"), file_of("visited"), is_visit=True))
        ask(tenants.database(VendorId("c"), file_of("c")))
        assert _connections_of(tenants) == {"a": 1, "b": 1, "visited": 0, "c": 1}


def test_what_is_in_use_is_never_closed(access: Access, file_of: TargetOf) -> None:
    with closing(Tenants(access, ceiling=3)) as tenants, ExitStack() as stack:
        transactions = [
            stack.enter_context(tenants.database(VendorId(name), file_of(name)).read()) for name in ("a", "b", "c")
        ]
        late = tenants.database(VendorId("d"), file_of("d"))
        assert "busy" in refused(late).detail
        assert [tx.execute(text("SELECT 1")).scalar_one() for tx in transactions] == [1, 1, 1]
        stack.close()
        assert ask(late) == 7


def test_only_so_many_requests_of_a_vendor_wait_and_the_others_are_answered_at_once(
    tenants: Tenants, own: DedicatedDatabase
) -> None:
    tenant = tenants.tenant(own.vendor_id)
    for _ in range(AT_ONCE):
        assert tenant.let_in.acquire(blocking=False)
    assert "too much to do" in refused(own).detail
    tenant.let_in.release()
    assert ask(own) == 7


def test_when_all_connections_are_busy_the_next_waits_a_second_and_is_refused(own: DedicatedDatabase) -> None:
    with ExitStack() as stack:
        for _ in range(KEPT + SPARE):
            stack.enter_context(own.read())
        assert "busy" in refused(own).detail
    assert ask(own) == 7  # that it was busy is no failure


def test_a_new_target_is_followed_and_the_old_one_closed_when_nobody_uses_it(
    tenants: Tenants, file_of: TargetOf
) -> None:
    told: list[Database] = []
    tenants.on_open = lambda vendor_id, database: told.append(database)
    old, new = (tenants.database(OWN, file_of(name)) for name in ("old", "new"))
    with old.read() as tx:
        assert ask(new) == 7
        assert tenants.connections == 2
        assert tx.execute(text("SELECT 1")).scalar_one() == 1
    assert tenants.connections == 1
    assert [database.idle_connections for database in told] == [0, 1]


def test_a_password_that_was_changed_is_used_within_seconds(tmp_path: Path, watch: Watch) -> None:
    settings = settings_in(tmp_path)
    settings.tenant_secrets_dir.mkdir()
    kept = settings.tenant_secrets_dir / "own.password"
    opened: list[str] = []

    def open_database(url: str, **_: object) -> Database:
        opened.append(url.partition("@")[0])
        return Database(f"sqlite:///{tmp_path}/stand-in.sqlite")

    def write(password: str) -> None:
        kept.write_text(password)
        kept.chmod(0o600)

    target = postgres_target(passwordSecretRef="file:own.password")
    with closing(Tenants(Access.of(settings, {}), ceiling=9, monotonic=watch, open_database=open_database)) as tenants:
        database = tenants.database(OWN, target)
        for password, passing_s in (("first", 0.0), ("second", SECRET_KNOWN_FOR_S / 2), ("second", SECRET_KNOWN_FOR_S)):
            write(password)
            watch.now_s += passing_s
            ask(database)
        watch.now_s += 10 * SECRET_KNOWN_FOR_S
        ask(database)
    assert [each.rpartition(":")[2] for each in opened] == ["first", "second"]


def test_a_target_that_can_not_be_followed_is_one_vendor_s_503(tenants: Tenants, own: DedicatedDatabase) -> None:
    broken = tenants.database(VendorId("broken"), postgres_target(passwordSecretRef="env:MASTER_KEY"))
    assert "db_target" in refused(broken).detail
    assert "MASTER_KEY" not in refused(broken).detail
    assert ask(own) == 7


def test_a_file_that_is_not_there_is_not_made(tenants: Tenants, tmp_path: Path) -> None:
    missing = tenants.database(OWN, parse_target({"type": "sqlite", "database": "missing.sqlite"}))
    refused(missing)
    assert not (tmp_path / "missing.sqlite").exists()


def test_a_database_without_tables_says_that_it_is_not_prepared(tenants: Tenants, tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    empty = tenants.database(OWN, parse_target({"type": "sqlite", "database": "empty.sqlite"}))
    for _ in range(10):  # it answers, so no breaker opens
        with pytest.raises(Problem, match="not prepared"), empty.read() as tx:
            tx.execute(select(vendor_fences))
    with pytest.raises(Problem, match="not prepared"), empty.write(Scope(OWN)):
        pass


def test_a_statement_that_is_refused_is_the_caller_s_own_affair(own: DedicatedDatabase) -> None:
    fence = {"vendor_id": "elsewhere", "state": "no such state", "since": NOW}
    for _ in range(5):
        with pytest.raises(DBAPIError), own.write(Scope(OWN)) as tx:
            tx.execute(insert(vendor_fences).values(**fence))
    assert ask(own) == 7


def test_nothing_stays_open_after_the_end(access: Access, file_of: TargetOf) -> None:
    tenants = Tenants(access, ceiling=60)
    told: list[Database] = []
    tenants.on_open = lambda vendor_id, database: told.append(database)
    for name in ("a", "b"):
        ask(tenants.database(VendorId(name), file_of(name)))
    tenants.close()
    assert [database.idle_connections for database in told] == [0, 0]
    assert tenants.connections == 0


def _connections_of(tenants: Tenants) -> dict[str, int]:
    found = {vendor_id: tenants.tenant(VendorId(vendor_id)).line for vendor_id in ("a", "b", "c", "d", "visited")}
    return {name: line.database.idle_connections for name, line in found.items() if line is not None}
