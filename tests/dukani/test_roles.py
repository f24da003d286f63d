"""Roles on PostgreSQL: what each may see and do, with roles of its own for each task or with one for all."""

import threading
from collections.abc import Generator

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from dukani.migrate import bring_up_to_date
from dukani.migration_error import MigrationError
from dukani.roles import grant_roles, make_group_roles
from kit.db import Database, Scope, refuse_superuser
from tests.support.databases import as_owner
from tests.support.postgres import Server, running

MAMA, BABA = "vendor-mama", "vendor-baba"
RELAY = Scope(role="dukani_relay")
DENIED = pytest.raises(ProgrammingError, match=r"permission denied|must be owner|row-level security")

NEWS = text(
    "INSERT INTO outbox (vendor_id, event_id, aggregate, type, body, created_at, next_at) "
    "VALUES (:vendor, 'event-1', 'order:1', 'order.paid', 'for one shop alone', now(), now())"
)


@pytest.fixture
def ops(postgres: Server) -> Generator[Database]:
    url = postgres.create("ops")
    database = Database(postgres.as_app(url))
    for vendor in (MAMA, BABA):
        with database.write(Scope(vendor)) as tx:
            tx.execute(NEWS, {"vendor": vendor})
            tx.execute(
                text("INSERT INTO customers VALUES (:vendor, 'c', 'whatsapp:+254700000001', 'Amina', NULL, now())"),
                {"vendor": vendor},
            )
    yield database
    database.close()
    postgres.drop(url)


# --- the application -------------------------------------------------------------------------------------------------


def test_what_the_relay_may_see_is_not_seen_by_an_ordinary_transaction(ops: Database) -> None:
    with ops.read(RELAY) as tx:
        assert len(tx.execute(text("SELECT vendor_id FROM outbox")).all()) == 2
    for scope, rows in ((None, 0), (Scope(MAMA), 1)):
        with ops.read(scope) as tx:
            assert len(tx.execute(text("SELECT vendor_id FROM outbox")).all()) == rows
            assert tx.execute(text("SELECT current_user")).scalar_one() == "dukani_app"
    with ops.read(RELAY) as tx:
        tx.enter(Scope(MAMA))
        assert tx.execute(text("SELECT body FROM outbox")).scalars().all() == ["for one shop alone"]


def test_whoever_inherits_from_the_relay_sees_no_more_for_it(ops: Database) -> None:
    with as_owner(ops) as tx:
        tx.execute(text("CREATE ROLE heir LOGIN"))
        grant_roles(tx.conn, "ops", "heir")
        tx.execute(text("GRANT dukani_relay TO heir WITH INHERIT TRUE"))
    heir = Database(ops.engine.url.set(username="heir").render_as_string(hide_password=False))
    try:
        for scope, rows in ((None, 0), (Scope(MAMA), 1), (RELAY, 2)):
            with heir.write(scope) as tx:
                assert len(tx.execute(text("SELECT seq FROM outbox")).all()) == rows
                assert tx.execute(text("UPDATE outbox SET status = 'pending'")).rowcount == rows
    finally:
        heir.close()
        with as_owner(ops) as tx:
            tx.execute(text("DROP OWNED BY heir"))
            tx.execute(text("DROP ROLE heir"))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM orders",
        "DELETE FROM payment_intents",
        "UPDATE ledger_entries SET note = 'x'",
        "DELETE FROM ledger_entries",
        "TRUNCATE outbox",
        "CREATE TABLE mine (id int)",
        "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
        "DROP POLICY orders_of_vendor ON orders",
        "SET LOCAL ROLE dukani_inspect",
        "SET LOCAL ROLE dukani",
        "UPDATE alembic_version SET version_num = '0000'",
    ],
)
def test_the_application_may_not_do_what_it_never_does(ops: Database, statement: str) -> None:
    with DENIED, ops.write(Scope(MAMA)) as tx:
        tx.execute(text(statement))


def test_the_application_owns_nothing(ops: Database) -> None:
    with ops.read() as tx:
        owned = tx.execute(text("SELECT relname FROM pg_class WHERE relowner = current_user::regrole")).all()
    assert owned == []
    refuse_superuser(ops)


# --- the relay -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT body FROM outbox",
        "SELECT * FROM outbox",
        "UPDATE outbox SET body = 'changed'",
        "UPDATE outbox SET vendor_id = 'vendor-baba'",
        "DELETE FROM outbox",
        "INSERT INTO outbox SELECT * FROM outbox",
        "SELECT channel_address FROM customers",
        "SELECT payer_msisdn FROM payment_intents",
        "SELECT total_minor FROM orders",
        "SELECT answer FROM idempotency_records",
        "SELECT * FROM payments",
    ],
)
def test_the_relay_sees_envelopes_and_nothing_of_what_is_in_them(ops: Database, statement: str) -> None:
    with DENIED, ops.write(RELAY) as tx:
        tx.execute(text(statement))


def test_the_relay_leases_what_is_due_for_every_shop(ops: Database) -> None:
    with ops.write(RELAY) as tx:
        leased = tx.execute(
            text(
                "UPDATE outbox SET lease_owner = 'me', attempts = attempts + 1 WHERE seq IN "
                "(SELECT seq FROM outbox WHERE status = 'pending' FOR UPDATE SKIP LOCKED) RETURNING vendor_id"
            )
        )
        assert sorted(leased.scalars()) == [BABA, MAMA]


# --- people ----------------------------------------------------------------------------------------------------------


def test_who_inspects_reads_everything_and_changes_nothing(ops: Database) -> None:
    with as_owner(ops) as tx:
        tx.execute(text("SET LOCAL ROLE dukani_inspect"))
        assert sorted(tx.execute(text("SELECT vendor_id FROM customers")).scalars()) == [BABA, MAMA]
        assert sorted(tx.execute(text("SELECT body FROM outbox")).scalars()) == ["for one shop alone"] * 2
        assert tx.execute(text("SELECT * FROM payments")).all() == []
    for statement in ("UPDATE outbox SET status = 'parked'", "DELETE FROM customers"):
        with DENIED, as_owner(ops) as tx:
            tx.execute(text("SET LOCAL ROLE dukani_inspect"))
            tx.execute(text(statement))


# --- who makes the roles ---------------------------------------------------------------------------------------------


def as_superuser(server: Server, *statements: str, database: str = "postgres") -> None:
    owners = Database(server.url(database))
    try:
        for statement in filter(str.strip, statements):
            with owners.engine.connect() as connection:
                connection.connection.driver_connection.execute(statement)  # pyright: ignore[reportOptionalMemberAccess]
    finally:
        owners.close()


def as_role(server: Server, role: str, database: str) -> str:
    return server.url(database).replace("://dukani@", f"://{role}@")


@pytest.fixture(scope="module")
def bare() -> Generator[Server]:
    """A server on which nobody has made a role yet."""
    with running() as server:
        yield server


def test_databases_that_are_migrated_at_once_may_make_the_roles_at_once(bare: Server) -> None:
    names = [f"at_once_{n}" for n in range(4)]
    as_superuser(bare, *(f"CREATE DATABASE {name}" for name in names))
    ready, failed = threading.Barrier(len(names)), list[Exception]()

    def make(connection: Connection) -> None:
        ready.wait(30)
        make_group_roles(connection, may_lack_them=False)
        connection.exec_driver_sql("SELECT pg_sleep(0.2)")  # so that the others meet what is not committed yet

    def run(name: str) -> None:
        database = Database(bare.url(name))
        try:
            with database.write() as tx:
                make(tx.conn)
        except Exception as error:
            failed.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=run, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    as_superuser(bare, *(f"DROP DATABASE {name}" for name in names), "DROP ROLE dukani_relay, dukani_inspect")


def test_a_role_that_may_not_make_roles_is_told_what_a_superuser_must_run(bare: Server) -> None:
    as_superuser(bare, "CREATE ROLE plain LOGIN", "CREATE DATABASE plain_shop OWNER plain")
    url = as_role(bare, "plain", "plain_shop")
    try:
        with pytest.raises(
            MigrationError, match="CREATE ROLE dukani_relay NOLOGIN; CREATE ROLE dukani_inspect"
        ) as raised:
            bring_up_to_date("ops", url)
        (advice,) = [part for part in str(raised.value).split(": ") if part.startswith("CREATE ROLE")]
        as_superuser(
            bare, *(f"{each};" for each in advice.removesuffix(" Then migrate again.").split(";") if each.strip())
        )
        assert bring_up_to_date("ops", url).steps
        _one_role_does_all(url)
    finally:
        as_superuser(bare, "DROP DATABASE plain_shop", "DROP ROLE plain, dukani_relay, dukani_inspect")


def test_a_dedicated_database_does_without_the_roles(bare: Server) -> None:
    as_superuser(bare, "CREATE ROLE tenant LOGIN", "CREATE DATABASE tenant_shop OWNER tenant")
    url = as_role(bare, "tenant", "tenant_shop")
    try:
        assert bring_up_to_date("ops", url, is_dedicated=True).steps
        database = Database(url)
        with database.write(Scope(MAMA)) as tx:
            tx.execute(NEWS, {"vendor": MAMA})
        with database.read() as tx:
            assert tx.execute(text("SELECT seq FROM outbox")).all() == []
        refuse_superuser(database)
        database.close()
    finally:
        as_superuser(bare, "DROP DATABASE tenant_shop", "DROP ROLE tenant")


def test_one_role_that_may_make_roles_does_all(bare: Server) -> None:
    as_superuser(bare, "CREATE ROLE shop LOGIN CREATEROLE", "CREATE DATABASE shop OWNER shop")
    url = as_role(bare, "shop", "shop")
    try:
        bring_up_to_date("ops", url)
        bring_up_to_date("ops", url)
        _one_role_does_all(url)
    finally:
        as_superuser(bare, "DROP DATABASE shop", "DROP ROLE IF EXISTS dukani_relay, dukani_inspect", "DROP ROLE shop")


def test_a_role_for_the_application_that_is_not_there_is_asked_for(bare: Server) -> None:
    as_superuser(bare, "CREATE DATABASE lonely")
    try:
        with pytest.raises(MigrationError, match="CREATE ROLE nobody_yet LOGIN NOSUPERUSER"):
            bring_up_to_date("ops", bare.url("lonely"), grant_to="nobody_yet")
    finally:
        as_superuser(bare, "DROP DATABASE lonely", "DROP ROLE IF EXISTS dukani_relay, dukani_inspect")


def _one_role_does_all(url: str) -> None:
    """Policies bind the owner of the tables, too, and it may take the relay's role."""
    database = Database(url)
    try:
        refuse_superuser(database)
        with database.write(Scope(MAMA)) as tx:
            tx.execute(NEWS, {"vendor": MAMA})
        for scope in (None, Scope(BABA)):
            with database.read(scope) as tx:
                assert tx.execute(text("SELECT seq FROM outbox")).all() == []
        with database.read(RELAY) as tx:
            assert len(tx.execute(text("SELECT seq FROM outbox")).all()) == 1
        with DENIED, database.read(RELAY) as tx:
            tx.execute(text("SELECT body FROM outbox"))
    finally:
        database.close()
