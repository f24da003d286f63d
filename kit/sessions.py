"""Connections that `kit.db` keeps open, begun and ended with as little as each database allows.

SQLAlchemy's share of a transaction (taking a connection from its pool, its own begin and commit, giving it back) costs
more than the database's. So a session is one connection whose SQLAlchemy side stays in a transaction that never ends;
the database's own is begun and ended past it. On PostgreSQL the scope, the lock and the look at the fence travel in
the same message as BEGIN."""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Protocol, cast

import psycopg
from psycopg import sql
from psycopg.pq import Escaping, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kit.patience import PatientConnection

KEPT = "dukani_kept"
"""The execution option that marks a session's connection: its transactions are not SQLAlchemy's business."""

_FENCES = "SELECT 1 FROM vendor_fences WHERE vendor_id = "
_OK = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)
_OPEN = (TransactionStatus.INTRANS, TransactionStatus.INERROR)


class VendorMoved(Exception):
    """This vendor's rows have left this database: look up where it lives now. Nothing was changed."""

    def __init__(self, vendor_id: str) -> None:
        super().__init__(f"{vendor_id} has moved to another database")
        self.vendor_id = vendor_id


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows a transaction may see, where the database enforces it (PostgreSQL). Everywhere else the same
    statements carry the vendor in their WHERE."""

    vendor_id: str | None = None
    """Row-level security shows this vendor's rows alone."""
    role: str | None = None
    """Taken for this transaction: what sees a few columns of every vendor's rows, such as `dukani_relay`."""
    past_fence: bool = False
    """For whoever moves the vendor: neither waits for the move nor is stopped by its fence."""


@lru_cache(maxsize=4096)
def lock_key(name: str) -> int:
    """The key of PostgreSQL's advisory lock for a vendor (or a role): signed, 64 bits.

    Whoever writes in a scope holds it shared; whoever moves the vendor takes it alone, `pg_advisory_lock(key)`."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)


class Session(Protocol):
    """One kept connection."""

    conn: Connection

    @property
    def is_usable(self) -> bool:
        """Whether it is between transactions and still connected."""
        ...

    def begin(self, scope: Scope | None, *, to_write: bool) -> None:
        """Raises VendorMoved or a DBAPIError; then nothing is begun."""
        ...

    def enter(self, scope: Scope) -> None:
        """Go on in another scope. For reading: takes no lock and asks no fence."""
        ...

    def finish(self, last: Sequence[str] = ()) -> None:
        """Run these statements and commit. Raises DBAPIError."""
        ...

    def quoted(self, text: str) -> str:
        """As a literal for a statement of `finish`."""
        ...

    def undo(self) -> None:
        """Roll back what is open, if anything. Raises nothing: a session that can't is not usable any more."""
        ...

    def close(self) -> None:
        """Raises nothing, however lost the connection is."""
        ...


class SqliteSession:
    __slots__ = ("_raw", "conn")

    def __init__(self, engine: Engine) -> None:
        self.conn = _kept(engine)
        self._raw = cast(sqlite3.Connection, self.conn.connection.driver_connection)

    @property
    def is_usable(self) -> bool:
        return not self._raw.in_transaction

    def begin(self, scope: Scope | None, *, to_write: bool) -> None:
        # A deferred BEGIN that later writes fails with "locked" whatever the timeout; IMMEDIATE queues up front.
        self._run("BEGIN IMMEDIATE" if to_write else "BEGIN")
        if to_write and scope is not None and scope.vendor_id is not None and not scope.past_fence:
            try:
                is_fenced = self._run(f"{_FENCES}?", (scope.vendor_id,)).fetchone() is not None
            except DBAPIError:
                self.undo()
                raise
            if is_fenced:
                self.undo()
                raise VendorMoved(scope.vendor_id)

    def enter(self, scope: Scope) -> None:
        pass

    def finish(self, last: Sequence[str] = ()) -> None:
        for statement in last:
            self._run(statement)
        self._run("COMMIT")

    def quoted(self, text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    def undo(self) -> None:
        if self._raw.in_transaction:
            try:
                self._raw.execute("ROLLBACK")
            except sqlite3.Error:
                pass  # not usable then, so it is closed

    def close(self) -> None:
        _closed(self.conn)

    def _run(self, statement: str, values: tuple[str, ...] = ()) -> sqlite3.Cursor:
        try:
            return self._raw.execute(statement, values)
        except sqlite3.Error as error:
            raise _as_sqlalchemy(statement, error, sqlite3.Error) from error


class PostgresSession:
    __slots__ = ("_exec", "_pg", "conn")

    def __init__(self, engine: Engine) -> None:
        self.conn = _kept(engine)
        raw = cast("psycopg.Connection[Any]", self.conn.connection.driver_connection)
        self._pg = raw.pgconn
        # Past psycopg's cursors: these statements take no values and bring no rows to decode.
        self._exec = raw.exec_now if isinstance(raw, PatientConnection) else raw.pgconn.exec_

    @property
    def is_usable(self) -> bool:
        return not self.conn.invalidated and self._pg.transaction_status == TransactionStatus.IDLE

    def begin(self, scope: Scope | None, *, to_write: bool) -> None:
        opening = "BEGIN" if to_write else "BEGIN READ ONLY"
        looks_at_fence = False
        if scope is not None:
            looks_at_fence = to_write and scope.vendor_id is not None and not scope.past_fence
            opening += _entering(scope)
            if to_write and not scope.past_fence:
                opening += _guarding(scope)
        try:
            result = self._run(opening)
        except DBAPIError:
            self.undo()
            raise
        if looks_at_fence and result.ntuples:
            self.undo()
            assert scope is not None
            raise VendorMoved(scope.vendor_id or "")

    def enter(self, scope: Scope) -> None:
        self._run(f"SET LOCAL ROLE NONE{_entering(scope)}")

    def finish(self, last: Sequence[str] = ()) -> None:
        # What fails of them keeps the COMMIT from being run.
        if self._run(";".join((*last, "COMMIT"))).command_status == b"ROLLBACK":
            unkept = psycopg.errors.InFailedSqlTransaction(
                "a statement had failed and that was ignored: nothing of the transaction was kept"
            )
            raise _as_sqlalchemy("COMMIT", unkept, psycopg.Error)

    def undo(self) -> None:
        if self._pg.transaction_status in _OPEN:
            try:
                self._exec(b"ROLLBACK")
            except psycopg.Error:
                pass  # not usable then, so it is closed

    def quoted(self, text: str) -> str:
        return Escaping(self._pg).escape_literal(text.encode()).decode()

    def close(self) -> None:
        _closed(self.conn)

    def _run(self, statement: str) -> PGresult:
        """One round trip for one or several statements; the result of the last one."""
        try:
            result = self._exec(statement.encode())
        except psycopg.Error as error:
            raise _as_sqlalchemy(statement, error, psycopg.Error) from error
        if result.status in _OK:
            return result
        error = psycopg.errors.error_from_result(result)
        if not error.sqlstate:  # the server has said nothing: the connection broke
            error = psycopg.OperationalError(str(error))
        raise _as_sqlalchemy(statement, error, psycopg.Error)


def _entering(scope: Scope) -> str:
    said = ""
    if scope.role is not None:
        said += f";SET LOCAL ROLE {_identifier(scope.role)}"
    if scope.vendor_id is not None:
        said += f";SELECT set_config('app.vendor_id',{_literal(scope.vendor_id)},true)"
    return said


def _guarding(scope: Scope) -> str:
    """Locks first, in a statement of their own: what is read next must see what their holder has committed."""
    said = ""
    if scope.role is not None:
        said += f";SELECT pg_advisory_xact_lock_shared({lock_key(scope.role)})"
    if scope.vendor_id is not None:
        said += f";SELECT pg_advisory_xact_lock_shared({lock_key(scope.vendor_id)})"
        said += f";{_FENCES}{_literal(scope.vendor_id)}"
    return said


@lru_cache(maxsize=4096)
def _literal(value: str) -> str:
    return sql.Literal(value).as_string(None)


@lru_cache(maxsize=16)
def _identifier(name: str) -> str:
    return sql.Identifier(name).as_string(None)


def _kept(engine: Engine) -> Connection:
    conn = engine.connect().execution_options(**{KEPT: True})
    conn.begin()
    return conn


def _closed(conn: Connection) -> None:
    conn.invalidate()  # or SQLAlchemy would roll back first, which a connection that is lost can't
    conn.close()


def _as_sqlalchemy(statement: str, error: Exception, base: type[Exception]) -> DBAPIError:
    wrapped = DBAPIError.instance(statement, None, error, base)
    assert isinstance(wrapped, DBAPIError)
    return wrapped


class Sessions:
    """A pool of them, the one used last taken first. Thread-safe."""

    def __init__(self, make: Callable[[], Session], *, keep: int, limit: int, wait_s: float) -> None:
        """`keep` stay open while idle; at most `limit` are open at once; a caller waits `wait_s` for one."""
        self._make = make
        self._keep = keep
        self._limit = limit
        self._wait_s = wait_s
        self._idle: deque[Session] = deque()
        self._free = threading.BoundedSemaphore(limit)
        self._in_use: set[Session] = set()
        self._is_closed = False

    def begun(self, scope: Scope | None, *, to_write: bool) -> Session:
        """A session in a new transaction; hand it back with `give_back`.

        Raises VendorMoved, PoolTimeout where all are busy, DBAPIError."""
        if not self._free.acquire(timeout=self._wait_s):
            raise PoolTimeout(f"all {self._limit} connections to the database are busy")
        try:
            session = self._begun(scope, to_write)
        except BaseException:
            self._free.release()
            raise
        self._in_use.add(session)
        return session

    def _begun(self, scope: Scope | None, to_write: bool) -> Session:
        while True:
            try:
                session, is_new = self._idle.pop(), False
            except IndexError:
                session, is_new = self._make(), True
            try:
                session.begin(scope, to_write=to_write)
            except BaseException as error:
                if session.is_usable:
                    self._put(session)
                    raise
                session.close()
                self.close_idle()
                if is_new or not isinstance(error, DBAPIError):
                    raise
                continue  # the server went away while this one was idle, and nothing was begun: a new one may do
            return session

    def give_back(self, session: Session) -> None:
        self._in_use.discard(session)
        if session.is_usable:
            self._put(session)
        else:
            session.close()
        self._free.release()

    def _put(self, session: Session) -> None:
        if self._is_closed or len(self._idle) >= self._keep:
            session.close()
        else:
            self._idle.append(session)

    @property
    def idle(self) -> int:
        return len(self._idle)

    @property
    def in_use(self) -> int:
        return len(self._in_use)

    def close_idle(self) -> None:
        while True:
            try:
                self._idle.pop().close()
            except IndexError:
                return

    def close(self) -> None:
        """Close those that are idle now, and each of the others when it is given back."""
        self._is_closed = True
        self.close_idle()
