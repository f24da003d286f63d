"""The router's databases: the platform's own, and those that hold what happens in shops. Knows no shop by itself.

An ops database is shared by many shops or dedicated to one. A shop's rows are reached through `Databases.ops`, which
opens every transaction in the scope of that shop alone; loops that serve all shops see, across them, only what says
whose turn it is (`OpsDatabase.across`)."""

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import structlog
from sqlalchemy import CheckConstraint, Column, ColumnElement, MetaData, PrimaryKeyConstraint, Table, Text, select

from contracts.errors import ErrorCode
from contracts.ids import VendorId
from kit.columns import Code, UtcTime
from kit.db import Database, Scope, Tx, VendorMoved
from kit.idempotency import idempotency_table
from kit.problems import Problem
from router.dedicated import DedicatedDatabase, Tenants, target_unusable
from router.targets import DbTarget, Dedicated, Location, Shared, Unusable

_log = structlog.get_logger()

platform_metadata = MetaData()
ops_metadata = MetaData()

ops_idempotency = idempotency_table(ops_metadata)
platform_idempotency = idempotency_table(platform_metadata)

vendor_fences = Table(
    "vendor_fences",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("state", Code, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("note", Text),
    PrimaryKeyConstraint("vendor_id", name="vendor_fences_pk"),
    CheckConstraint("state IN ('moving', 'moved')", name="vendor_fences_state_check"),
    sqlite_strict=True,
)
"""A row: this vendor's data is leaving this database, or has left it. Every write in the vendor's scope looks here
(`kit.db.VendorMoved`); loops leave such a vendor's rows alone."""


def has_stayed(vendor_id: ColumnElement[str]) -> ColumnElement[bool]:
    """That this vendor lives here still: for loops that look across vendors, which would come back to the rows of one
    that has left for ever."""
    return ~select(vendor_fences.c.vendor_id).where(vendor_fences.c.vendor_id == vendor_id).exists()


RELAY_ROLE = "dukani_relay"
"""On PostgreSQL: sees of every vendor's rows the columns that say what is due, and may lease them."""


class IsolationLevel(StrEnum):
    SHARED_DB = "shared_db"
    DEDICATED_DB = "dedicated_db"


LISTED_FOR_S = 5.0
"""How old the list of dedicated databases may be."""


class Homes(Protocol):
    """Who lives where, as the platform database says."""

    def location(self, vendor_id: VendorId, *, anew: bool = False) -> Location:
        """At most some seconds old, or read now if `anew`. Raises Problem 404 for a vendor nobody knows."""
        ...

    def dedicated(self) -> Sequence[tuple[VendorId, DbTarget]]:
        """Every vendor with a database of its own that can be followed, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class ShopDatabase:
    """One vendor's rows in the ops database where they live.

    Raises Problem 503 where a database of its own can't be used now, before anything was changed."""

    db: Database | DedicatedDatabase
    vendor_id: VendorId
    look_again: Callable[[], Database | DedicatedDatabase] | None = None
    """Where the vendor lives now, should it have left this one."""

    @contextmanager
    def write(self) -> Generator[Tx]:
        """Raises Problem 503 for a vendor that is being moved, VendorMoved for one whose new home is not looked up."""
        with ExitStack() as stack:
            try:
                tx = stack.enter_context(self.db.write(Scope(self.vendor_id)))
            except VendorMoved:
                if self.look_again is None:
                    raise
                tx = self._write_in_new_home(stack, self.look_again())
            yield tx

    @contextmanager
    def read(self) -> Generator[Tx]:
        """After a move it may show, for as long as a location is remembered, how things stood when the vendor left."""
        with self.db.read(Scope(self.vendor_id)) as tx:
            yield tx

    def _write_in_new_home(self, stack: ExitStack, home: Database | DedicatedDatabase) -> Tx:
        try:
            return stack.enter_context(home.write(Scope(self.vendor_id)))
        except VendorMoved as moved:
            raise Problem(
                503, ErrorCode.UNAVAILABLE, "this shop is being moved to another database; try again", retry_after_s=2
            ) from moved


Due = tuple[VendorId, str]
"""Something of a vendor's that it is time for, by its id."""


@dataclass(frozen=True, slots=True)
class OpsDatabase:
    """A whole ops database, for loops. `only` names the vendor of a dedicated one.

    A vendor that has left it may still have rows in it: `of(…).write()` raises VendorMoved for those."""

    db: Database | DedicatedDatabase
    only: VendorId | None = None

    def of(self, vendor_id: VendorId) -> ShopDatabase:
        return ShopDatabase(self.db, vendor_id)

    @contextmanager
    def across(self) -> Generator[Tx]:
        """Read, of every vendor here, the columns that say what is due."""
        with self.db.read(self._scope()) as tx:
            yield tx

    @contextmanager
    def across_to_lease(self) -> Generator[Tx]:
        """As `across`, in a transaction that may also write leases and outcomes of deliveries."""
        with self.db.write(self._scope()) as tx:
            yield tx

    def one_by_one(self, due: Iterable[Due], do: Callable[[Tx, VendorId, str], None], failed: str) -> int:
        """`do` for each of these, in a transaction of its vendor of its own; how many were done. One that fails is
        logged as `failed` and holds back no other."""
        done = 0
        for vendor_id, what in due:
            try:
                with self.of(vendor_id).write() as tx:
                    do(tx, vendor_id, what)
            except VendorMoved:
                continue  # it is done where the vendor lives now
            except Exception:
                _log.exception(failed, vendor_id=vendor_id, id=what)
                continue
            done += 1
        return done

    def _scope(self) -> Scope:
        return Scope(self.only) if self.only is not None else Scope(role=RELAY_ROLE)


class Databases:
    """Which database to open. Where a vendor lives is given by `homes`, not known. Thread-safe."""

    def __init__(
        self,
        platform: Database,
        shared_ops: Database,
        homes: Homes,
        tenants: Tenants | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without `tenants`, vendors with a database of their own are refused."""
        self.platform = platform
        self.shared = OpsDatabase(shared_ops)
        self.tenants = tenants
        self.shared_ops = shared_ops
        self._homes = homes
        self._monotonic = monotonic
        self._listed: Sequence[tuple[VendorId, DbTarget]] = ()
        self._list_again_at_s = float("-inf")

    def ops(self, vendor_id: VendorId) -> ShopDatabase:
        """This vendor's orders and payments.

        Raises Problem 404 for a vendor nobody knows, 503 for one whose database is not set up."""
        db = self._home(vendor_id, self._homes.location(vendor_id))
        return ShopDatabase(db, vendor_id, lambda: self._home(vendor_id, self._homes.location(vendor_id, anew=True)))

    def every_ops(self) -> Sequence[OpsDatabase]:
        """The shared ops database, then every dedicated one that is worth trying now."""
        return (self.shared, *self.dedicated())

    def dedicated(self) -> list[OpsDatabase]:
        """Every dedicated database but those that failed lately. For visits: no connection stays open for them."""
        tenants = self.tenants
        if tenants is None:
            return []
        return [
            OpsDatabase(tenants.database(vendor_id, target, is_visit=True), only=vendor_id)
            for vendor_id, target in self._list()
            if tenants.is_worth_trying(vendor_id)
        ]

    def on_open(self, call: Callable[[VendorId, Database], None]) -> None:
        """Be told of each dedicated database before its first transaction."""
        if self.tenants is not None:
            self.tenants.on_open = call

    def ping(self) -> None:
        """Raises a database error when one that all need can't be used. A dedicated one concerns its vendor alone."""
        self.platform.ping()
        self.shared_ops.ping()

    def close(self) -> None:
        self.platform.close()
        self.shared_ops.close()
        if self.tenants is not None:
            self.tenants.close()

    def _home(self, vendor_id: VendorId, location: Location) -> Database | DedicatedDatabase:
        match location:
            case Shared():
                return self.shared_ops
            case Unusable():
                raise target_unusable()
            case Dedicated(target):
                if self.tenants is None:
                    raise Problem(503, ErrorCode.UNAVAILABLE, "this process serves no shop with a database of its own")
                return self.tenants.database(vendor_id, target)

    def _list(self) -> Sequence[tuple[VendorId, DbTarget]]:
        # Two threads may both read it: that is harmless, and rarer than a lock would be costly.
        if self._monotonic() >= self._list_again_at_s:
            self._listed = self._homes.dedicated()
            self._list_again_at_s = self._monotonic() + LISTED_FOR_S
        return self._listed
