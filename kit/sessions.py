"""Connections that `kit.db` keeps open, begun and ended with as little as each database allows.

SQLAlchemy's share of a transaction (taking a connection from its pool, its own begin and commit, giving it back) costs
more than the database's. So a session is one connection whose SQLAlchemy side stays in a transaction that never ends;
the database's own is begun and ended past it. PostgreSQL's sessions are in `kit.postgres_session`: who has none does
not pay for its driver."""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Protocol, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kit.statements import Compiled, Rows

KEPT = "dukanikept"
"""The execution option that marks a session's connection: its transactions are not SQLAlchemy's business."""

FENCES = "SELECT 1 FROM vendor_fences WHERE vendor_id = "


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
        """Raises VendorMoved or a DBAPIError; then nothing is begun. The database may hear of it only with the first
        statement."""
        ...

    def open(self) -> None:
        """Tell the database that it has begun, if it was not told yet. Raises DBAPIError."""
        ...

    def look(self) -> None:
        """Raises DBAPIError where the other side is known to have closed the connection. Nothing is begun."""
        ...

    def enter(self, scope: Scope) -> None:
        """Go on in another scope. For reading: takes no lock and asks no fence."""
        ...

    def run(self, statement: Compiled, params: Mapping[str, Any]) -> Rows:
        """Raises DBAPIError, as SQLAlchemy would."""
        ...

    def command(self, statement: str) -> None:
        """Run a statement without values or rows. Raises DBAPIError."""
        ...

    def spelled(self, statement: Compiled, params: Mapping[str, Any]) -> str | None:
        """The statement with its values in it, for `finish`; None where that is no gain. Raises DBAPIError."""
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
        self.conn = kept(engine)
        self._raw = cast(sqlite3.Connection, self.conn.connection.driver_connection)

    @property
    def is_usable(self) -> bool:
        return not self._raw.in_transaction

    def begin(self, scope: Scope | None, *, to_write: bool) -> None:
        # A deferred BEGIN that later writes fails with "locked" whatever the timeout; IMMEDIATE queues up front.
        self._run("BEGIN IMMEDIATE" if to_write else "BEGIN")
        if to_write and scope is not None and scope.vendor_id is not None and not scope.past_fence:
            try:
                is_fenced = self._run(f"{FENCES}?", (scope.vendor_id,)).fetchone() is not None
            except DBAPIError:
                self.undo()
                raise
            if is_fenced:
                self.undo()
                raise VendorMoved(scope.vendor_id)

    def open(self) -> None:
        pass

    def look(self) -> None:
        pass

    def enter(self, scope: Scope) -> None:
        pass

    def spelled(self, statement: Compiled, params: Mapping[str, Any]) -> str | None:
        del statement, params
        return None

    def run(self, statement: Compiled, params: Mapping[str, Any]) -> Rows:
        try:
            cursor = self._raw.execute(statement.sql, statement.values(params))
            found = [] if cursor.description is None else cursor.fetchall()
        except sqlite3.Error as error:
            raise as_sqlalchemy(statement.sql, error, sqlite3.Error) from error
        return statement.rows(found, [column[0] for column in cursor.description or ()], cursor.rowcount)

    def command(self, statement: str) -> None:
        self._run(statement)

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
        closed(self.conn)

    def _run(self, statement: str, values: tuple[str, ...] = ()) -> sqlite3.Cursor:
        try:
            return self._raw.execute(statement, values)
        except sqlite3.Error as error:
            raise as_sqlalchemy(statement, error, sqlite3.Error) from error


def kept(engine: Engine) -> Connection:
    conn = engine.connect().execution_options(**{KEPT: True})
    conn.begin()
    return conn


def closed(conn: Connection) -> None:
    conn.invalidate()  # or SQLAlchemy would roll back first, which a connection that is lost can't
    conn.close()


def as_sqlalchemy(statement: str, error: Exception, base: type[Exception]) -> DBAPIError:
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

    def begun(self, scope: Scope | None, *, to_write: bool, alone: bool = False) -> Session:
        """A session in a new transaction, or for one statement `alone`; hand it back with `give_back`.

        Raises VendorMoved, PoolTimeout where all are busy, DBAPIError."""
        if not self._free.acquire(timeout=self._wait_s):
            raise PoolTimeout(f"all {self._limit} connections to the database are busy")
        try:
            session = self._begun(scope, to_write, alone)
        except BaseException:
            self._free.release()
            raise
        self._in_use.add(session)
        return session

    def _begun(self, scope: Scope | None, to_write: bool, alone: bool) -> Session:
        while True:
            try:
                session, is_new = self._idle.pop(), False
            except IndexError:
                session, is_new = self._make(), True
            try:
                if alone:
                    session.look()
                else:
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
