"""Who lives where: looked up anew when a vendor has left, and never another vendor's trouble."""

from collections.abc import Callable, Generator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select

from contracts.ids import VendorId
from kit.db import Database, VendorMoved
from kit.problems import Problem
from router.databases import Databases, vendor_fences
from router.dedicated import Tenants
from router.targets import Access, DbTarget, Dedicated, Shared, Unusable
from tests.support.databases import NewDatabase
from tests.support.homes import AllAt
from tests.support.tenants import OWN, postgres_target, refusing_port, settings_in, sqlite_target

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
MARK = {"vendor_id": OWN, "state": "moved", "since": NOW}


@pytest.fixture
def homes() -> AllAt:
    return AllAt()


@pytest.fixture
def target(tmp_path: Path, sqlite_templates: Callable[[str], Path]) -> DbTarget:
    return sqlite_target(tmp_path, sqlite_templates)


@pytest.fixture
def databases(sqlite_database: NewDatabase, homes: AllAt, tmp_path: Path) -> Generator[Databases]:
    tenants = Tenants(Access.of(settings_in(tmp_path), {}), ceiling=60)
    with closing(Databases(sqlite_database("platform"), sqlite_database("ops"), homes, tenants)) as databases:
        yield databases


def leave_a_mark(databases: Databases, vendor_id: str = OWN) -> None:
    """Something that tells which database was written to."""
    with databases.ops(VendorId(vendor_id)).write() as tx:
        tx.execute(insert(vendor_fences).values(vendor_id="mark", state="moved", since=NOW))


def marks(database: Database) -> int:
    with database.read() as tx:
        return len(tx.execute(select(vendor_fences).where(vendor_fences.c.vendor_id == "mark")).all())


def fence(databases: Databases) -> None:
    with databases.shared_ops.write() as tx:
        tx.execute(insert(vendor_fences).values(**MARK))


def marks_at(databases: Databases, target: DbTarget) -> int:
    assert databases.tenants is not None
    with databases.tenants.database(OWN, target).read() as tx:
        return len(tx.execute(select(vendor_fences).where(vendor_fences.c.vendor_id == "mark")).all())


def test_a_shared_vendor_is_in_the_shared_database_and_a_dedicated_one_in_its_own(
    databases: Databases, homes: AllAt, target: DbTarget
) -> None:
    homes.place = Dedicated(target)
    leave_a_mark(databases)
    assert (marks(databases.shared_ops), marks_at(databases, target)) == (0, 1)


def test_a_vendor_that_has_moved_is_written_where_it_lives_now_though_we_had_not_heard(
    databases: Databases, homes: AllAt, target: DbTarget
) -> None:
    database = databases.ops(OWN)  # and this remembers the old home as well
    with database.write():
        pass
    fence(databases)
    homes.place = Dedicated(target)
    with database.write() as tx:
        tx.execute(insert(vendor_fences).values(vendor_id="mark", state="moved", since=NOW))
    assert homes.asked_anew == 1
    assert (marks(databases.shared_ops), marks_at(databases, target)) == (0, 1)


def test_while_a_vendor_is_moved_its_writers_are_asked_to_come_back(databases: Databases, homes: AllAt) -> None:
    fence(databases)
    with pytest.raises(Problem, match="being moved") as refused, databases.ops(OWN).write():
        pass
    assert (refused.value.status, refused.value.retry_after_s) == (503, 2)
    assert homes.asked_anew == 1
    leave_a_mark(databases, "vendor-other")
    assert marks(databases.shared_ops) == 1


def test_a_move_that_is_abandoned_leaves_everything_as_it_was(databases: Databases) -> None:
    fence(databases)
    with pytest.raises(Problem), databases.ops(OWN).write():
        pass
    with databases.shared_ops.write() as tx:
        tx.execute(delete(vendor_fences))
    leave_a_mark(databases)
    assert marks(databases.shared_ops) == 1


def test_what_goes_wrong_in_a_transaction_is_undone_in_the_new_home_too(
    databases: Databases, homes: AllAt, target: DbTarget
) -> None:
    with databases.ops(OWN).read():
        pass
    fence(databases)
    homes.place = Dedicated(target)

    def write_and_fail() -> None:
        with databases.ops(OWN).write() as tx:
            tx.execute(insert(vendor_fences).values(vendor_id="mark", state="moved", since=NOW))
            raise RuntimeError("changed its mind")

    with pytest.raises(RuntimeError, match="changed its mind"):
        write_and_fail()
    assert marks_at(databases, target) == 0


def test_a_loop_is_told_that_a_vendor_has_left(databases: Databases) -> None:
    fence(databases)
    with pytest.raises(VendorMoved), databases.shared.of(OWN).write():
        pass


def test_a_target_that_can_not_be_read_is_a_clear_answer(databases: Databases, homes: AllAt) -> None:
    homes.place = Unusable("db_target.host: say on which host the database is")
    with pytest.raises(Problem, match="not set up") as refused:
        databases.ops(OWN)
    assert (refused.value.status, refused.value.retry_after_s) == (503, 30)


def test_a_process_without_dedicated_databases_says_so(sqlite_database: NewDatabase, target: DbTarget) -> None:
    databases = Databases(sqlite_database("platform"), sqlite_database("ops"), AllAt(Dedicated(target)))
    with pytest.raises(Problem, match="serves no shop"):
        databases.ops(OWN)
    assert databases.every_ops() == (databases.shared,)


def test_every_ops_is_the_shared_one_and_the_dedicated_ones_that_answer(
    databases: Databases, homes: AllAt, target: DbTarget
) -> None:
    assert [each.only for each in databases.every_ops()] == [None]
    homes.place, homes.named = Dedicated(target), [VendorId(name) for name in ("a", "b", "c")]
    databases._list_again_at_s = 0.0  # pyright: ignore[reportPrivateUsage]  # as if the list were old
    assert [each.only for each in databases.every_ops()] == [None, "a", "b", "c"]
    assert databases.tenants is not None
    breaker = databases.tenants.tenant(VendorId("b")).breaker
    for _ in range(3):
        breaker.failed(breaker.admit())
    assert [each.only for each in databases.every_ops()] == [None, "a", "c"]


def test_a_dedicated_database_that_is_down_does_not_make_the_router_unready(databases: Databases, homes: AllAt) -> None:
    homes.place = Dedicated(postgres_target(port=refusing_port()))
    with pytest.raises(Problem, match="can't be reached"), databases.ops(OWN).read():
        pass
    databases.ping()


def test_shared_is_where_a_vendor_lives_of_whom_nothing_else_is_said() -> None:
    assert AllAt().location(OWN) == Shared()
