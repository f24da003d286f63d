"""Sessions on one database, SQLite or PostgreSQL: a write transaction, a read transaction, and what follows a commit.

The edge (a request, a task) opens a transaction; services receive it and never commit."""

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import structlog
from sqlalchemy import Connection, CursorResult, Engine, Executable, NullPool, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from kit.sessions import KEPT, Scope, Session, Sessions, SqliteSession, VendorMoved, lock_key
from kit.statements import Rows, Statements

__all__ = [
    "LOCK_WAIT_S",
    "Database",
    "Scope",
    "Tx",
    "UnsafeRole",
    "VendorMoved",
    "insert_all_new",
    "insert_new",
    "is_lock_timeout",
    "lock_key",
    "refuse_superuser",
]

_log = structlog.get_logger()

LOCK_WAIT_S = 5
"""How long a statement waits for another transaction before it gives up (`is_lock_timeout`)."""

_OVERFLOW_SQLITE = 8
_OVERFLOW_POSTGRES = 4


class UnsafeRole(RuntimeError):
    """Row-level security would not hold for the role that is connected. The text says what to do."""


class Tx:
    """One open transaction."""

    __slots__ = ("_after_commit", "_conn", "_last", "_session", "_statements", "is_postgres")

    def __init__(self, session: Session, statements: Statements) -> None:
        self._session = session
        self._statements = statements
        self._conn: Connection = session.conn
        self.is_postgres = self._conn.dialect.name == "postgresql"
        self._after_commit: list[Callable[[], None]] = []
        self._last: list[str] = []

    @property
    def conn(self) -> Connection:
        """SQLAlchemy's own, in this transaction. It is neither to be committed nor rolled back."""
        self._session.open()
        return self._conn

    def execute(
        self, statement: Executable, params: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any] | Rows:
        """As SQLAlchemy's own; a statement that is executed again and again is compiled once (`kit.statements`)."""
        known = params or {}
        if not isinstance(known, Mapping) and len(known) == 1:
            known = known[0]
        if isinstance(known, Mapping):
            compiled = self._statements.compiled(statement, known)
            if compiled is not None:
                return self._session.run(compiled, known)
        result = self.conn.execute(statement, params)
        assert isinstance(result, CursorResult)
        return result

    def enter(self, scope: Scope) -> None:
        """Go on in another scope within this transaction. To read what belongs to others: takes no lock, and does not
        ask whether that vendor has moved."""
        self._session.enter(scope)

    def at_last(self, template: str, *values: str | int) -> None:
        """Run this statement right before the commit, on PostgreSQL in the same message: for what nobody in the
        transaction reads, at a tenth of the cost. Each `{}` of the template takes a value. If it fails, nothing of
        the transaction is kept."""
        quoted = (str(value) if isinstance(value, int) else self._session.quoted(value) for value in values)
        self._last.append(template.format(*quoted))

    def execute_last(self, statement: Executable, params: Mapping[str, Any]) -> None:
        """As `execute`, for what nobody in the transaction reads: on PostgreSQL it travels with the commit."""
        compiled = self._statements.compiled(statement, params)
        spelled = None if compiled is None else self._session.spelled(compiled, params)
        if spelled is None:
            self.execute(statement, params)
        else:
            self._last.append(spelled)

    @contextmanager
    def undoable(self) -> Generator[None]:
        """What follows is taken back if it raises, and nothing else of the transaction is: a savepoint, past
        SQLAlchemy. Not to be nested."""
        self._session.command("SAVEPOINT dukani")
        try:
            yield
        except BaseException:
            self._session.command("ROLLBACK TO SAVEPOINT dukani")
            raise
        finally:
            self._session.command("RELEASE SAVEPOINT dukani")

    def finish(self) -> None:
        """For `Database.write` alone."""
        self._session.finish(self._last)

    def after_commit(self, call: Callable[[], None]) -> None:
        """Run `call` once this transaction has committed, never if it rolls back. For wake-ups: it may be lost in a
        crash, so nothing may depend on it but speed."""
        self._after_commit.append(call)

    def committed(self) -> None:
        for call in self._after_commit:
            try:
                call()
            except Exception:
                _log.exception("what followed a commit failed")


class Database:
    """One database with a small pool. Thread-safe; opened on first use."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        overflow: int | None = None,
        wait_s: float = LOCK_WAIT_S,
        connect_timeout_s: int = 3,
    ) -> None:
        """At most `pool_size` connections stay open, `overflow` more come and go; a transaction waits `wait_s` for a
        free one (then sqlalchemy.exc.TimeoutError), and `connect_timeout_s` for the server to answer."""
        self.is_postgres = make_url(url).get_backend_name() == "postgresql"
        # SQLite admits one writer; queueing in the process is fair and fast where its own waiting polls.
        self._writer: threading.Lock | None = None if self.is_postgres else threading.Lock()
        self.engine = engine = _postgres_engine(url, connect_timeout_s) if self.is_postgres else _sqlite_engine(url)
        self._statements = Statements(engine.dialect)
        kind = _postgres_session() if self.is_postgres else SqliteSession
        if overflow is None:
            overflow = _OVERFLOW_POSTGRES if self.is_postgres else _OVERFLOW_SQLITE
        self._sessions = Sessions(lambda: kind(engine), keep=pool_size, limit=pool_size + overflow, wait_s=wait_s)

    @contextmanager
    def write(self, scope: Scope | None = None) -> Generator[Tx]:
        """A transaction that may write; commits at the end, rolls back on any exception.

        Raises VendorMoved for a scope whose vendor has left this database. While it is being moved, writers wait for
        `LOCK_WAIT_S` (then `is_lock_timeout`)."""
        if self._writer is not None and not self._writer.acquire(timeout=LOCK_WAIT_S * 2):
            raise TimeoutError("another transaction of this process has held the database too long")
        try:
            session = self._sessions.begun(scope, to_write=True)
            tx = Tx(session, self._statements)
            try:
                yield tx
                tx.finish()
            except BaseException:
                session.undo()
                raise
            finally:
                self._sessions.give_back(session)
        finally:
            if self._writer is not None:
                self._writer.release()
        tx.committed()

    def write_alone(self, statement: Executable, params: Mapping[str, Any]) -> CursorResult[Any] | Rows:
        """A transaction of this one statement: on PostgreSQL one message instead of three."""
        compiled = self._statements.compiled(statement, params) if self.is_postgres else None
        if compiled is None:
            with self.write() as tx:
                return tx.execute(statement, params)
        session = self._sessions.begun(None, to_write=True, alone=True)
        try:
            return session.run(compiled, params)
        finally:
            self._sessions.give_back(session)

    @contextmanager
    def read(self, scope: Scope | None = None) -> Generator[Tx]:
        """A transaction that only reads. On SQLite it never waits for a writer."""
        session = self._sessions.begun(scope, to_write=False)
        try:
            yield Tx(session, self._statements)
            session.finish()
        except BaseException:
            session.undo()
            raise
        finally:
            self._sessions.give_back(session)

    def ping(self) -> None:
        """Raises a database error when the database can't be used."""
        with self.read() as tx:
            tx.execute(text("SELECT 1"))

    @property
    def idle_connections(self) -> int:
        """How many are open and not in use."""
        return self._sessions.idle

    @property
    def used_connections(self) -> int:
        """How many are in a transaction."""
        return self._sessions.in_use

    def close_idle(self) -> None:
        """Give up the connections that nobody uses now; what is needed later is opened anew."""
        self._sessions.close_idle()

    def close(self) -> None:
        self._sessions.close()
        self.engine.dispose()


def _postgres_session() -> Callable[[Engine], Session]:
    from kit.postgres_session import PostgresSession  # noqa: PLC0415 - who stays with SQLite does not pay for psycopg

    return PostgresSession


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(
        url,
        poolclass=NullPool,  # `Sessions` keeps them
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": LOCK_WAIT_S},
    )

    def on_connect(raw: Any, _entry: ConnectionPoolEntry) -> None:
        cursor = raw.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # what was acknowledged survives a power cut
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={LOCK_WAIT_S * 1000}")
        cursor.close()

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", _begin_unless_kept("BEGIN IMMEDIATE"))
    return engine


def _postgres_engine(url: str, connect_timeout_s: int) -> Engine:
    engine = create_engine(
        url,
        poolclass=NullPool,  # `Sessions` keeps them
        use_native_hstore=False,  # nothing here has that type, and asking for it costs each new engine a query
        connect_args={
            "autocommit": True,  # who begins says so: a session in one message with its scope
            # What runs often is prepared by `kit.statements`. Psycopg's own would go with DEALLOCATE ALL at a savepoint
            # that is rolled back, and take those along.
            "prepare_threshold": None,
            "connect_timeout": connect_timeout_s,
            "tcp_user_timeout": 10_000,  # ms: a server that was cut off is given up on, whatever the kernel thinks
            "options": f"-c lock_timeout={LOCK_WAIT_S}s -c statement_timeout=30s -c timezone=UTC",
        },
    )
    event.listen(engine, "begin", _begin_unless_kept("BEGIN"))
    return engine


def _begin_unless_kept(statement: str) -> Callable[[Connection], None]:
    """For who uses the engine past `Database`, such as an inspection: there SQLAlchemy begins and ends."""

    def on_begin(conn: Connection) -> None:
        if not conn.get_execution_options().get(KEPT):
            raw: Any = conn.connection.driver_connection
            raw.execute(statement)

    return on_begin


def refuse_superuser(db: Database) -> None:
    """Raises UnsafeRole where row-level security does not bind the role that `db` connects as: a superuser, one with
    BYPASSRLS, or one that inherits a role which sees every vendor. On SQLite there is nothing to refuse."""
    if not db.is_postgres:
        return
    with db.read() as tx:
        role = tx.execute(text("SELECT * FROM pg_roles WHERE rolname = current_user")).one()
        name: str = role.rolname
        if role.rolsuper or role.rolbypassrls:
            what = "is a superuser" if role.rolsuper else "has BYPASSRLS"
            raise UnsafeRole(
                f"the database role {name} {what}, so that every shop could see every other's rows: connect as a role "
                f"made by CREATE ROLE … LOGIN NOSUPERUSER NOBYPASSRLS, and give the owner's URL as OPS_MIGRATION_URL"
            )
        inherited = tx.execute(_INHERITED).scalars().all()
    if inherited:
        raise UnsafeRole(
            f"the database role {name} inherits {', '.join(inherited)}, so that every shop could see every other's "
            f"rows: run REVOKE {inherited[0]} FROM {name}"
        )


_INHERITED = text(
    "SELECT DISTINCT r.rolname FROM pg_policy p "
    "CROSS JOIN unnest(p.polroles) AS named JOIN pg_roles r ON r.oid = named "
    "WHERE pg_get_expr(p.polqual, p.polrelid) = 'true' AND pg_has_role(current_user, r.oid, 'USAGE') ORDER BY r.rolname"
)


def insert_new(tx: Tx, table: Table, values: Mapping[str, Any], *, conflict: Sequence[str]) -> bool:
    """Insert the row unless one with the same `conflict` columns exists. Returns whether it was inserted.

    On PostgreSQL a twin that has inserted but not committed is waited for."""
    # What was returned was inserted; a row count is not reported for every kind of insert.
    return tx.execute(_insert_unless_there(table, tuple(conflict), tx.is_postgres), values).first() is not None


def insert_all_new(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]], *, conflict: Sequence[str]) -> None:
    """Insert these rows, all with the same columns, but for those that are there: in one go, in this order."""
    if rows:
        tx.execute(_insert_those_not_there(table, tuple(conflict), tx.is_postgres), rows)


@lru_cache(maxsize=256)
def _insert_those_not_there(table: Table, conflict: tuple[str, ...], is_postgres: bool) -> Executable:
    insert = postgresql.insert if is_postgres else sqlite.insert
    return insert(table).on_conflict_do_nothing(index_elements=conflict)


@lru_cache(maxsize=256)
def _insert_unless_there(table: Table, conflict: tuple[str, ...], is_postgres: bool) -> Executable:
    """Kept, because putting such a statement together costs more than running it."""
    insert = postgresql.insert if is_postgres else sqlite.insert
    return insert(table).on_conflict_do_nothing(index_elements=conflict).returning(table.c[conflict[0]])


def is_lock_timeout(error: DBAPIError) -> bool:
    """Whether the statement gave up waiting for another transaction (so that trying again is sensible)."""
    if getattr(error.orig, "sqlstate", None) in ("55P03", "40P01"):
        return True
    return isinstance(error, OperationalError) and "database is locked" in str(error.orig)
