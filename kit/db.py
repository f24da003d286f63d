"""Sessions on one database, SQLite or PostgreSQL: a write transaction, a read transaction, and what follows a commit.

The edge (a request, a task) opens a transaction; services receive it and never commit."""

import sqlite3
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import structlog
from sqlalchemy import Connection, CursorResult, Engine, Executable, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

_log = structlog.get_logger()

LOCK_WAIT_S = 5
"""How long a statement waits for another transaction before it gives up (`is_lock_timeout`)."""

_READ_ONLY = "dukani_read_only"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows a transaction may see, where the database enforces it (PostgreSQL). Everywhere else the same
    statements carry the vendor in their WHERE."""

    vendor_id: str | None = None
    """Row-level security shows this vendor's rows alone."""
    role: str | None = None
    """Taken for this transaction: what sees a few columns of every vendor's rows, such as `dukani_relay`."""


class Tx:
    """One open transaction."""

    __slots__ = ("_after_commit", "conn")

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self._after_commit: list[Callable[[], None]] = []

    @property
    def is_postgres(self) -> bool:
        return self.conn.dialect.name == "postgresql"

    def execute(
        self, statement: Executable, params: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        result = self.conn.execute(statement, params)
        assert isinstance(result, CursorResult)
        return result

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

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        parsed = make_url(url)
        self.is_postgres = parsed.get_backend_name() == "postgresql"
        # SQLite admits one writer; queueing in the process is fair and fast where its own waiting polls.
        self._writer: threading.Lock | None = None if self.is_postgres else threading.Lock()
        if self.is_postgres:
            self.engine = _postgres_engine(url, pool_size)
        else:
            self.engine = _sqlite_engine(url, pool_size)

    @contextmanager
    def write(self, scope: Scope | None = None) -> Generator[Tx]:
        """A transaction that may write; commits at the end, rolls back on any exception."""
        if self._writer is not None and not self._writer.acquire(timeout=LOCK_WAIT_S * 2):
            raise TimeoutError("another transaction of this process has held the database too long")
        try:
            with self.engine.connect() as conn, conn.begin():
                tx = Tx(conn)
                yield tx
        finally:
            if self._writer is not None:
                self._writer.release()
        tx.committed()

    @contextmanager
    def read(self, scope: Scope | None = None) -> Generator[Tx]:
        """A transaction that only reads. On SQLite it never waits for a writer."""
        with self.engine.connect() as plain:
            conn = plain.execution_options(**{_READ_ONLY: True})
            with conn.begin():
                yield Tx(conn)

    def ping(self) -> None:
        """Raises a database error when the database can't be used."""
        with self.read() as tx:
            tx.execute(text("SELECT 1"))

    def close(self) -> None:
        self.engine.dispose()


def _sqlite_engine(url: str, pool_size: int) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=8,
        pool_timeout=LOCK_WAIT_S,
        pool_reset_on_return=None,  # `write` and `read` always end what they begin
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": LOCK_WAIT_S},
    )

    def on_connect(raw: Any, _entry: ConnectionPoolEntry) -> None:
        cursor = raw.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # what was acknowledged survives a power cut
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={LOCK_WAIT_S * 1000}")
        cursor.close()

    def on_begin(conn: Connection) -> None:
        # A deferred BEGIN that later writes fails with "locked" whatever the timeout; IMMEDIATE queues up front.
        # Past SQLAlchemy's own execution, whose cost a BEGIN would pay with every transaction.
        raw: sqlite3.Connection = conn.connection.driver_connection  # pyright: ignore[reportAssignmentType]
        raw.execute("BEGIN" if conn.get_execution_options().get(_READ_ONLY) else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
    return engine


def _postgres_engine(url: str, pool_size: int) -> Engine:
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=4,
        pool_timeout=LOCK_WAIT_S,
        pool_pre_ping=False,
        connect_args={
            "connect_timeout": 3,
            "options": f"-c lock_timeout={LOCK_WAIT_S}s -c statement_timeout=30s -c timezone=UTC",
        },
    )


def insert_new(tx: Tx, table: Table, values: Mapping[str, Any], *, conflict: Sequence[str]) -> bool:
    """Insert the row unless one with the same `conflict` columns exists. Returns whether it was inserted.

    On PostgreSQL a twin that has inserted but not committed is waited for."""
    # What was returned was inserted; a row count is not reported for every kind of insert.
    return tx.execute(_insert_unless_there(table, tuple(conflict), tx.is_postgres), values).first() is not None


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
