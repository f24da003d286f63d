"""The router's databases: the platform's own, and the one that holds a shop's business. Knows no shop by itself."""

from collections.abc import Callable, Sequence
from enum import StrEnum

from sqlalchemy import MetaData

from contracts.errors import ErrorCode
from contracts.ids import VendorId
from kit.db import Database
from kit.idempotency import idempotency_table
from kit.problems import Problem

platform_metadata = MetaData()
ops_metadata = MetaData()

ops_idempotency = idempotency_table(ops_metadata)
platform_idempotency = idempotency_table(platform_metadata)


class IsolationLevel(StrEnum):
    SHARED_DB = "shared_db"
    DEDICATED_DB = "dedicated_db"


class Databases:
    """Which database to open. `isolation_of` says where a vendor lives; it is given, not known."""

    def __init__(
        self, platform: Database, shared_ops: Database, isolation_of: Callable[[VendorId], IsolationLevel]
    ) -> None:
        self.platform = platform
        self._shared_ops = shared_ops
        self._isolation_of = isolation_of

    def ops(self, vendor_id: VendorId) -> Database:
        """The database of this vendor's orders and payments.

        Raises Problem 503 for a vendor with a database of its own: such databases can't be opened yet, and what
        belongs there is never written into the shared one."""
        if self._isolation_of(vendor_id) is not IsolationLevel.SHARED_DB:
            raise Problem(
                503,
                ErrorCode.UNAVAILABLE,
                "this shop has a dedicated database, which this installation can't serve yet; nothing was changed",
            )
        return self._shared_ops

    def every_ops(self) -> Sequence[Database]:
        """Every ops database that is open: for sweeps and relays."""
        return (self._shared_ops,)

    def ping(self) -> None:
        """Raises a database error when one can't be used."""
        self.platform.ping()
        self._shared_ops.ping()

    def close(self) -> None:
        self.platform.close()
        self._shared_ops.close()
