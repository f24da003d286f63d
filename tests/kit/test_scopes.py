"""A transaction sees its own vendor's rows, writes where its vendor lives, and leaves nothing behind for the next."""

import threading
from collections.abc import Generator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kit.db import Database, Scope, UnsafeRole, VendorMoved, is_lock_timeout, lock_key, refuse_superuser
from tests.support.databases import NewDatabase, as_owner, seeing_all
from tests.support.postgres import Server
from tests.support.processes import eventually

MAMA, BABA = "vendor-mama", "vendor-baba"
PUT = text("INSERT INTO stock (vendor_id, item_id, on_hand) VALUES (:vendor, :item, 1)")
SEEN = text("SELECT vendor_id || '/' || item_id FROM stock ORDER BY 1")


@pytest.fixture
def ops(new_database: NewDatabase) -> Database:
    return new_database("ops")


@pytest.fixture
def bound(postgres: Server) -> Generator[Database]:
    """An ops database on PostgreSQL, with one connection, so that every transaction follows another one on it."""
    url = postgres.create("ops")
    database = Database(postgres.as_app(url), pool_size=1, overflow=0, wait_s=0.05)
    yield database
    database.close()
    postgres.drop(url)


def put(db: Database, vendor: str, item: str = "milk", scope: Scope | None = None) -> None:
    with db.write(scope or Scope(vendor)) as tx:
        tx.execute(PUT, {"vendor": vendor, "item": item})


def seen(db: Database, scope: Scope | None) -> list[str]:
    with db.read(scope) as tx:
        return list(tx.execute(SEEN).scalars())


def fence(db: Database, vendor: str, state: str = "moved") -> None:
    with as_owner(db) as tx:
        tx.execute(
            text("INSERT INTO vendor_fences (vendor_id, state, since) VALUES (:vendor, :state, :since)"),
            {"vendor": vendor, "state": state, "since": "2026-11-21T09:00:00.000000+00:00"},
        )


# --- what is seen ----------------------------------------------------------------------------------------------------


def test_without_a_scope_nothing_is_seen_on_a_fresh_connection_nor_on_a_used_one(bound: Database) -> None:
    assert seen(bound, None) == []
    put(bound, MAMA)
    assert seen(bound, None) == []
    assert seen(bound, Scope("")) == []


def test_a_scope_shows_its_vendors_rows_and_ends_with_its_transaction(bound: Database) -> None:
    put(bound, MAMA)
    put(bound, BABA)
    assert seen(bound, Scope(MAMA)) == [f"{MAMA}/milk"]
    assert seen(bound, Scope(BABA)) == [f"{BABA}/milk"]
    with pytest.raises(RuntimeError), bound.write(Scope(MAMA)):
        raise RuntimeError
    assert seen(bound, None) == []


@pytest.mark.parametrize("vendor", [BABA, ""])
def test_nothing_is_written_outside_the_scope(bound: Database, vendor: str) -> None:
    for scope in (Scope(MAMA), Scope(""), None):
        with pytest.raises(ProgrammingError, match="row-level security"), bound.write(scope) as tx:
            tx.execute(PUT, {"vendor": vendor, "item": "milk"})
    with seeing_all(bound) as tx:
        assert tx.execute(SEEN).all() == []


@pytest.mark.parametrize("vendor", ["o'brien", "back\\slash", "two\nlines", "x'; DROP TABLE stock; --", "njĩrũ"])
def test_a_vendors_name_is_a_value_whatever_is_in_it(ops: Database, vendor: str) -> None:
    put(ops, vendor)
    assert seen(ops, Scope(vendor)) == [f"{vendor}/milk"]


def test_what_goes_on_in_another_scope_sees_that_vendors_rows(bound: Database) -> None:
    put(bound, MAMA)
    put(bound, BABA)
    with bound.read(Scope(MAMA)) as tx:
        tx.enter(Scope(BABA))
        assert list(tx.execute(SEEN).scalars()) == [f"{BABA}/milk"]
    assert seen(bound, None) == []


def test_a_reading_transaction_writes_nothing(bound: Database) -> None:
    with pytest.raises(DBAPIError, match="read-only"), bound.read(Scope(MAMA)) as tx:
        tx.execute(PUT, {"vendor": MAMA, "item": "milk"})


# --- fences and movers -----------------------------------------------------------------------------------------------


def test_a_vendor_that_has_moved_is_not_written_for_and_others_are(ops: Database) -> None:
    put(ops, MAMA)
    fence(ops, MAMA)
    with pytest.raises(VendorMoved, match=MAMA) as raised:
        put(ops, MAMA, "eggs")
    assert raised.value.vendor_id == MAMA
    put(ops, BABA)
    with seeing_all(ops) as tx:
        assert list(tx.execute(SEEN).scalars()) == [f"{BABA}/milk", f"{MAMA}/milk"]


def test_a_vendor_that_has_moved_can_still_be_read_and_moved(ops: Database) -> None:
    put(ops, MAMA)
    fence(ops, MAMA, "moving")
    with ops.read(Scope(MAMA)) as tx:
        assert list(tx.execute(SEEN).scalars()) == [f"{MAMA}/milk"]
    put(ops, MAMA, "eggs", Scope(MAMA, past_fence=True))


def test_the_key_of_a_vendors_lock_is_signed_and_never_changes() -> None:
    assert lock_key(MAMA) == 2418665605212507859
    keys = [lock_key(f"vendor-{n}") for n in range(200)]
    assert len(set(keys)) == 200
    assert min(keys) < 0 < max(keys)
    assert all(-(2**63) <= key < 2**63 for key in keys)


def test_a_writer_waits_for_a_move_and_then_hears_of_it(postgres: Server) -> None:
    url = postgres.create("ops")
    app, mover = Database(postgres.as_app(url)), Database(url)
    heard: list[str] = []

    def write() -> None:
        try:
            put(app, MAMA)
        except VendorMoved as moved:
            heard.append(moved.vendor_id)

    def is_waiting() -> bool:
        with mover.read() as tx:
            return bool(tx.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())

    writer = threading.Thread(target=write)
    try:
        with mover.write() as tx:
            tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key(MAMA)})
            writer.start()
            eventually(is_waiting, "the writer waits")
            put(app, BABA)  # nobody else does
            tx.execute(text("INSERT INTO vendor_fences VALUES (:vendor, 'moving', now(), NULL)"), {"vendor": MAMA})
        writer.join(30)
        assert heard == [MAMA]
    finally:
        for database in (app, mover):
            database.close()
        postgres.drop(url)


def test_a_writer_that_waits_too_long_for_a_move_is_told_to_try_again(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.create("ops")
    mover = Database(url)
    monkeypatch.setattr("kit.db.LOCK_WAIT_S", 1)
    app = Database(postgres.as_app(url))
    try:
        with mover.write() as tx:
            tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key(MAMA)})
            with pytest.raises(DBAPIError) as raised:
                put(app, MAMA)
        assert is_lock_timeout(raised.value)
        put(app, MAMA)
    finally:
        for database in (app, mover):
            database.close()
        postgres.drop(url)


# --- connections -----------------------------------------------------------------------------------------------------


def test_a_failure_that_was_ignored_is_no_commit(bound: Database) -> None:
    unkept = pytest.raises(DBAPIError, match="nothing of the transaction was kept")
    with unkept, bound.write(Scope(MAMA)) as tx:
        tx.execute(PUT, {"vendor": MAMA, "item": "milk"})
        with pytest.raises(DBAPIError):
            tx.execute(PUT, {"vendor": MAMA, "item": "milk"})
    assert seen(bound, Scope(MAMA)) == []


def test_a_connection_that_died_while_it_was_idle_is_replaced(bound: Database) -> None:
    put(bound, MAMA)
    with as_owner(bound) as tx:
        tx.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'dukani_app'"))
    assert seen(bound, Scope(MAMA)) == [f"{MAMA}/milk"]


def test_a_connection_that_dies_in_a_transaction_loses_that_one_alone(bound: Database) -> None:
    with pytest.raises(DBAPIError), bound.write(Scope(MAMA)) as tx:  # noqa: PT012
        tx.execute(PUT, {"vendor": MAMA, "item": "milk"})
        with as_owner(bound) as other:
            other.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'dukani_app'"))
        tx.execute(PUT, {"vendor": MAMA, "item": "eggs"})
    assert seen(bound, Scope(MAMA)) == []


def test_whoever_finds_every_connection_busy_is_told_so(bound: Database) -> None:
    with bound.write(Scope(MAMA)), pytest.raises(PoolTimeout, match="busy"), bound.read():
        pass
    assert seen(bound, Scope(MAMA)) == []


# --- whom no policy binds --------------------------------------------------------------------------------------------


def test_a_role_that_policies_bind_may_serve(ops: Database) -> None:
    refuse_superuser(ops)


def test_a_superuser_may_not_serve(bound: Database) -> None:
    url = bound.engine.url.set(username="dukani").render_as_string(hide_password=False)
    owners = Database(url)
    try:
        with pytest.raises(UnsafeRole, match="is a superuser"):
            refuse_superuser(owners)
    finally:
        owners.close()


@pytest.mark.parametrize(
    ("undone", "done", "why"),
    [
        ("ALTER ROLE {role} NOBYPASSRLS", "ALTER ROLE {role} BYPASSRLS", "BYPASSRLS"),
        (
            "REVOKE dukani_inspect FROM {role}",
            "GRANT dukani_inspect TO {role}",
            "inherits dukani_inspect",
        ),
    ],
    ids=["bypassing", "inheriting"],
)
def test_a_role_that_passes_policies_by_may_not_serve(bound: Database, done: str, undone: str, why: str) -> None:
    with as_owner(bound) as tx:
        tx.execute(text("CREATE ROLE another LOGIN"))
    url = bound.engine.url.set(username="another").render_as_string(hide_password=False)
    another = Database(url)
    try:
        refuse_superuser(another)
        with as_owner(bound) as tx:
            tx.execute(text(done.format(role="another")))
        with pytest.raises(UnsafeRole, match=why):
            refuse_superuser(another)
    finally:
        another.close()
        with as_owner(bound) as tx:
            tx.execute(text(undone.format(role="another")))
            tx.execute(text("DROP ROLE another"))
