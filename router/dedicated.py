"""Vendors' own databases: a few connections to each, opened on first use, and what keeps one that is down from hurting
anybody but its vendor.

A request passes three gates before it waits for anything: no more than `AT_ONCE` of a vendor's requests are let in; a
breaker leaves alone what failed lately; and a ceiling bounds the connections of this process to all of them."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import SecretStr
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from contracts.errors import ErrorCode
from contracts.ids import VendorId
from kit.db import LOCK_WAIT_S, Database, Scope, Tx, VendorMoved, is_lock_timeout
from kit.hosts import HostRefused
from kit.problems import Problem
from router.breaker import Breaker, Closed, StaysOpen
from router.targets import Access, DbTarget, TargetError

if TYPE_CHECKING:
    from kit.patience import PatientConnection

_log = structlog.get_logger()

KEPT = 2
SPARE = 1
WAITING = 3
AT_ONCE = KEPT + SPARE + WAITING
POOL_WAIT_S = 1.0
CONNECT_WITHIN_S = 2
STATEMENT_WITHIN_S = 10
SECRET_KNOWN_FOR_S = 5.0
"""How long a password is used before its reference is resolved again."""
CONNECTING_AT_ONCE = 4
"""In this process, to all dedicated databases together: half of its threads, if every one of them swallowed calls."""

_UNPREPARED = ("42P01", "42703", "42501", "3F000")  # no such table or column, not allowed, no such schema

Begin = Callable[[Database], AbstractContextManager[Tx]]


class _NoRoom(Exception):
    """Every connection that this process may have to dedicated databases is in use."""


@dataclass(slots=True, eq=False)
class _Line:
    """The connections to one target with one password. `users` are the transactions under way or about to be."""

    target: DbTarget
    password: SecretStr | None
    database: Database
    good_until_s: float
    used_at_s: float = float("-inf")
    users: int = 0
    is_retired: bool = False

    @property
    def connections(self) -> int:
        return min(self.users, KEPT + SPARE) + self.database.idle_connections


@dataclass(slots=True, eq=False)
class _Tenant:
    vendor_id: VendorId
    breaker: Breaker
    line: _Line | None = None
    changing: threading.Lock = field(default_factory=threading.Lock)
    let_in: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(AT_ONCE))


class Tenants:
    """The dedicated databases of one process. Thread-safe."""

    def __init__(
        self,
        access: Access,
        *,
        ceiling: int,
        monotonic: Callable[[], float] = time.monotonic,
        open_database: Callable[..., Database] = Database,
    ) -> None:
        """`ceiling`: at most so many connections to all of them together."""
        self._access = access
        self._ceiling = max(ceiling, KEPT + SPARE)
        self._monotonic = monotonic
        self._open_database = open_database
        self._tenants: dict[VendorId, _Tenant] = {}
        self._lines: set[_Line] = set()
        self._lock = threading.Lock()
        self._connecting = threading.BoundedSemaphore(CONNECTING_AT_ONCE)
        self.on_open: Callable[[VendorId, Database], None] = lambda vendor_id, database: None
        """Told of each database before its first transaction."""

    def database(self, vendor_id: VendorId, target: DbTarget, *, is_visit: bool = False) -> "DedicatedDatabase":
        """`is_visit`: a loop looks in, which is no reason to keep connections open for it."""
        return DedicatedDatabase(self, vendor_id, target, is_visit)

    def is_worth_trying(self, vendor_id: VendorId) -> bool:
        """False while its breaker is open."""
        tenant = self._tenants.get(vendor_id)
        return tenant is None or tenant.breaker.would_admit

    @property
    def connections(self) -> int:
        """Open now, or about to be."""
        with self._lock:
            return sum(line.connections for line in self._lines)

    @property
    def failing(self) -> list[VendorId]:
        """Whose database could not be used when it was last tried."""
        with self._lock:
            return [tenant.vendor_id for tenant in self._tenants.values() if tenant.breaker.is_failing]

    def close(self) -> None:
        with self._lock:
            lines, self._lines = self._lines, set()
            self._tenants.clear()
        for line in lines:
            line.database.close()

    def tenant(self, vendor_id: VendorId) -> _Tenant:
        tenant = self._tenants.get(vendor_id)
        if tenant is None:
            with self._lock:
                tenant = self._tenants.setdefault(vendor_id, _Tenant(vendor_id, Breaker(self._monotonic)))
        return tenant

    def take_line(self, tenant: _Tenant, target: DbTarget, *, is_visit: bool) -> _Line:
        """Give it back with `leave_line`. Raises TargetError."""
        line = self._present_line(tenant, target, is_visit=is_visit)
        if line is not None:
            return line
        with tenant.changing:
            line = self._present_line(tenant, target, is_visit=is_visit)
            if line is not None:
                return line
            password = self._access.password(target, tenant.vendor_id)
            old = tenant.line
            now_s = self._monotonic()
            if old is not None and (old.target, old.password) == (target, password):
                old.good_until_s = now_s + SECRET_KNOWN_FOR_S
            else:
                self._replace(tenant, old, target, password, now_s)
        return self.take_line(tenant, target, is_visit=is_visit)

    def leave_line(self, line: _Line) -> None:
        with self._lock:
            line.users -= 1
            is_over = line.is_retired and line.users == 0
            if is_over:
                self._lines.discard(line)
        if is_over:
            line.database.close()

    def _present_line(self, tenant: _Tenant, target: DbTarget, *, is_visit: bool) -> _Line | None:
        with self._lock:
            line, now_s = tenant.line, self._monotonic()
            if line is None or line.good_until_s <= now_s or line.target != target:
                return None
            line.users += 1
            if not is_visit:
                line.used_at_s = now_s
            return line

    def _replace(
        self, tenant: _Tenant, old: _Line | None, target: DbTarget, password: SecretStr | None, now_s: float
    ) -> None:
        line = _Line(target, password, self._opened(tenant, target, password), now_s + SECRET_KNOWN_FOR_S)
        with self._lock:
            tenant.line = line
            self._lines.add(line)
            if old is not None:
                line.used_at_s = old.used_at_s
                old.is_retired = True
                old.users += 1
        self.on_open(tenant.vendor_id, line.database)
        if old is not None:
            _log.info("a shop's own database is reached in another way now", vendor_id=tenant.vendor_id)
            tenant.breaker = Breaker(self._monotonic)
            self.leave_line(old)

    def _opened(self, tenant: _Tenant, target: DbTarget, password: SecretStr | None) -> Database:
        url = self._access.url_without_address(target, password)
        database = self._open_database(
            url.render_as_string(hide_password=False),
            pool_size=KEPT,
            overflow=SPARE,
            wait_s=POOL_WAIT_S,
            connect_timeout_s=CONNECT_WITHIN_S,
        )

        def connect(_dialect: Any, _entry: Any, arguments: list[Any], parameters: dict[str, Any]) -> Any:
            self._make_room(tenant)
            if not database.is_postgres:
                return None  # as usual
            return self._connect(target, arguments, parameters)

        event.listen(database.engine, "do_connect", connect)
        return database

    def _connect(self, target: DbTarget, arguments: list[Any], parameters: dict[str, Any]) -> "PatientConnection":
        if not self._connecting.acquire(timeout=POOL_WAIT_S):
            raise _NoRoom
        try:
            return connect_patiently(self._access, target, arguments, parameters)
        finally:
            self._connecting.release()

    def _make_room(self, tenant: _Tenant) -> None:
        """For the connection that this tenant is about to open. Raises _NoRoom."""
        while True:
            with self._lock:
                if sum(line.connections for line in self._lines) <= self._ceiling:
                    return
                idle = [line for line in self._lines if line.database.idle_connections and line is not tenant.line]
            if not idle:
                raise _NoRoom
            # Connections in use are never closed; idle ones where they are missed the least.
            min(idle, key=lambda line: (not line.is_retired, line.used_at_s)).database.close_idle()


@dataclass(frozen=True, slots=True)
class DedicatedDatabase:
    """One vendor's own database, with the two doors of `kit.db.Database`.

    Both raise Problem 503 where it can't be used now, before anything was changed, and VendorMoved. What breaks later
    is raised as it comes: what became of a commit under way is not known."""

    tenants: Tenants
    vendor_id: VendorId
    target: DbTarget
    is_visit: bool

    @contextmanager
    def write(self, scope: Scope | None = None) -> Generator[Tx]:
        with self._used(lambda database: database.write(scope)) as tx:
            yield tx

    @contextmanager
    def read(self, scope: Scope | None = None) -> Generator[Tx]:
        with self._used(lambda database: database.read(scope)) as tx:
            yield tx

    @contextmanager
    def _used(self, begin: Begin) -> Generator[Tx]:
        tenant = self.tenants.tenant(self.vendor_id)
        if not tenant.let_in.acquire(blocking=False):
            raise _unavailable("this shop's own database has too much to do at once; try again in a moment", 1)
        try:
            with self._line(tenant) as line, ExitStack() as stack:
                tx = self._entered(tenant, line.database, begin, stack)
                try:
                    yield tx
                except DBAPIError as error:
                    self._note(tenant, error)
                    raise
        finally:
            tenant.let_in.release()

    @contextmanager
    def _line(self, tenant: _Tenant) -> Generator[_Line]:
        try:
            line = self.tenants.take_line(tenant, self.target, is_visit=self.is_visit)
        except TargetError as error:
            _log.error("a shop's db_target can't be followed", vendor_id=self.vendor_id, why=str(error))
            raise target_unusable() from error
        try:
            yield line
        finally:
            self.tenants.leave_line(line)

    def _entered(self, tenant: _Tenant, database: Database, begin: Begin, stack: ExitStack) -> Tx:
        breaker = tenant.breaker
        try:
            how = breaker.admit()
        except StaysOpen as error:
            raise _down(error.retry_after_s) from None
        try:
            tx = stack.enter_context(begin(database))
        except VendorMoved:
            breaker.succeeded()
            raise
        except (PoolTimeout, _NoRoom) as error:
            breaker.undecided(how)
            raise _unavailable("every connection to this shop's own database is busy; try again", 1) from error
        except HostRefused as error:
            raise self._failed(breaker, how, str(error)) from error
        except DBAPIError as error:
            if is_lock_timeout(error):
                breaker.undecided(how)
                raise
            if _is_unprepared(error):
                breaker.succeeded()
                _log.error("a shop's own database is not prepared", vendor_id=self.vendor_id, why=_why(error))
                raise _not_prepared() from error
            raise self._failed(breaker, how, _why(error)) from error
        except BaseException:
            breaker.undecided(how)
            raise
        if breaker.succeeded():
            _log.info("a shop's own database answers again", vendor_id=self.vendor_id)
        return tx

    def _failed(self, breaker: Breaker, how: Closed, why: str) -> Problem:
        if breaker.failed(how):
            _log.error("a shop's own database is left alone for a while", vendor_id=self.vendor_id, why=why)
        else:
            _log.warning("a shop's own database can't be reached", vendor_id=self.vendor_id, why=why)
        return _down(2)

    def _note(self, tenant: _Tenant, error: DBAPIError) -> None:
        """Something went wrong within a transaction. Raises Problem 503 where it says that tables are missing."""
        if is_lost(error):
            self._failed(tenant.breaker, Closed.TRUSTING, _why(error))
        elif _is_unprepared(error):
            _log.error("a shop's own database is not prepared", vendor_id=self.vendor_id, why=_why(error))
            raise _not_prepared() from error


def connect_patiently(
    access: Access, target: DbTarget, arguments: list[Any], parameters: dict[str, Any]
) -> "PatientConnection":
    """For SQLAlchemy's `do_connect`. Raises HostRefused, psycopg.Error."""
    from kit.patience import PatientConnection  # noqa: PLC0415 - brings psycopg, which SQLite can do without

    limits = f"-c lock_timeout={LOCK_WAIT_S}s -c statement_timeout={STATEMENT_WITHIN_S}s -c timezone=UTC"
    # Looked up for each connection: a database that was moved to another machine is found there.
    address = access.checked_address(target)
    return PatientConnection.connect(*arguments, **{**parameters, **address, "options": limits})


def is_lost(error: DBAPIError) -> bool:
    """Whether the connection broke, rather than that a statement was refused."""
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return isinstance(error, (OperationalError, InterfaceError)) and not _is_of_sqlite(error)
    return state.startswith(("08", "57P"))


def _is_of_sqlite(error: DBAPIError) -> bool:
    return type(error.orig).__module__ == "sqlite3"


def _is_unprepared(error: DBAPIError) -> bool:
    if _is_of_sqlite(error):
        return str(error.orig).startswith(("no such table", "no such column"))
    return getattr(error.orig, "sqlstate", None) in _UNPREPARED


def _why(error: DBAPIError) -> str:
    """For the log: the kind of error and the server's own code, not its text, which may hold anything."""
    state = getattr(error.orig, "sqlstate", None)
    return type(error.orig).__name__ + (f" {state}" if state else "")


def _down(retry_after_s: int) -> Problem:
    return _unavailable("this shop's own database can't be reached at the moment; try again later", retry_after_s)


def _not_prepared() -> Problem:
    return _unavailable("this shop's own database is not prepared: its tables are missing or not ours to use", 30)


def target_unusable() -> Problem:
    """503: nobody but whoever registered it can mend it, and they need not be the one who asks."""
    return _unavailable("this shop's own database is not set up: its db_target can't be used", 30)


def _unavailable(detail: str, retry_after_s: int) -> Problem:
    return Problem(503, ErrorCode.UNAVAILABLE, detail, retry_after_s=retry_after_s)
