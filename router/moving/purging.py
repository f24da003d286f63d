"""Deletes the rows of a vendor that has left a database: behind its fence, children before parents, some at a time."""

from sqlalchemy import delete, select, text, tuple_

from contracts.ids import VendorId
from kit.db import Database, Scope
from router.moving.copying import OnRows
from router.moving.rows import moved_tables, vendor_column

BATCH = 5000
"""Rows that one transaction deletes: on SQLite everybody else waits meanwhile."""


def purge_rows(db: Database, vendor_id: VendorId, on_rows: OnRows) -> dict[str, int]:
    """How many rows were deleted, by table. Where no fence stands, histories refuse (DBAPIError)."""
    purged: dict[str, int] = {}
    for table in reversed(moved_tables()):
        owner = vendor_column(table)
        key = tuple_(*table.primary_key)
        some = select(*table.primary_key).where(owner == vendor_id).limit(BATCH)
        statement = delete(table).where(owner == vendor_id, key.in_(some))
        purged[table.name] = 0
        while True:
            with db.write(Scope(vendor_id, past_fence=True)) as tx:
                if tx.is_postgres:
                    tx.execute(text("SET LOCAL statement_timeout = 0"))
                    tx.execute(text("SELECT set_config('dukani.purging', :vendor, true)"), {"vendor": vendor_id})
                gone = tx.execute(statement).rowcount
            if not gone:
                break
            purged[table.name] += gone
            on_rows(table.name, gone)
    return purged
