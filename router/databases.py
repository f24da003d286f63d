"""The router's databases: the platform's own, and those that hold what happens in shops. Knows no shop by itself.

An ops database is shared by many shops or dedicated to one. A shop's rows are reached through `Databases.ops`, which
opens every transaction in the scope of that shop alone; loops that serve all shops see, across them, only what says
whose turn it is (`OpsDatabase.across`)."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import MetaData

from contracts.errors import ErrorCode
from contracts.ids import VendorId
from kit.db import Database, Scope, Tx
from kit.idempotency import idempotency_table
from kit.problems import Problem

platform_metadata = MetaData()
ops_metadata = MetaData()

ops_idempotency = idempotency_table(ops_metadata)
platform_idempotency = idempotency_table(platform_metadata)

RELAY_ROLE = "dukani_relay"
"""On PostgreSQL: sees of every vendor's rows the columns that say what is due, and may lease them."""


class IsolationLevel(StrEnum):
    SHARED_DB = "shared_db"
    DEDICATED_DB = "dedicated_db"


@dataclass(frozen=True, slots=True)
class ShopDatabase:
    """One vendor's rows in the ops database where they live."""

    db: Database
    vendor_id: VendorId

    @contextmanager
    def write(self) -> Generator[Tx]:
        with self.db.write(Scope(self.vendor_id)) as tx:
            yield tx

    @contextmanager
    def read(self) -> Generator[Tx]:
        with self.db.read(Scope(self.vendor_id)) as tx:
            yield tx


@dataclass(frozen=True, slots=True)
class OpsDatabase:
    """A whole ops database, for loops. `only` names the vendor of a dedicated one."""

    db: Database
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

    def _scope(self) -> Scope:
        return Scope(self.only) if self.only is not None else Scope(role=RELAY_ROLE)


class Databases:
    """Which database to open. `isolation_of` says where a vendor lives; it is given, not known."""

    def __init__(
        self, platform: Database, shared_ops: Database, isolation_of: Callable[[VendorId], IsolationLevel]
    ) -> None:
        self.platform = platform
        self.shared = OpsDatabase(shared_ops)
        self._isolation_of = isolation_of

    def ops(self, vendor_id: VendorId) -> ShopDatabase:
        """This vendor's orders and payments.

        Raises Problem 404 for a vendor nobody knows, 503 for one whose database can't be used now."""
        if self._isolation_of(vendor_id) is not IsolationLevel.SHARED_DB:
            raise Problem(
                503,
                ErrorCode.UNAVAILABLE,
                "this shop has a dedicated database, which this installation can't serve yet; nothing was changed",
            )
        return self.shared.of(vendor_id)

    def every_ops(self) -> Sequence[OpsDatabase]:
        """Every ops database, the shared one first: for sweeps and relays."""
        return (self.shared,)

    def ping(self) -> None:
        """Raises a database error when one that all need can't be used."""
        self.platform.ping()
        self.shared.db.ping()

    def close(self) -> None:
        self.platform.close()
        self.shared.db.close()
