"""Who changed what about a shop, or about the platform itself: append-only, in the transaction of the change."""

from datetime import datetime

from sqlalchemy import insert, select

from contracts.ids import VendorId, new_id
from kit.db import Tx
from kit.paging import Moment, NewestFirst, before, paged
from router.vendors.models import vendor_changes
from router.vendors.wire import VendorChangeRecord, VendorChanges


def record_change(
    tx: Tx, vendor_id: VendorId | None, subject: str, old: str | None, new: str | None, now: datetime, *, by: str
) -> None:
    """`tx` is of the platform database; `by` names the caller: `key:<id>`, `operator`, `command line`."""
    row = {"id": new_id(now), "vendor_id": vendor_id, "subject": subject, "old_value": old, "new_value": new}
    tx.execute(insert(vendor_changes).values({**row, "changed_at": now, "changed_by": by}))


def list_changes(tx: Tx, vendor_id: VendorId, wanted: NewestFirst) -> VendorChanges:
    """The newest first."""
    at, row_id = vendor_changes.c.changed_at, vendor_changes.c.id
    statement = select(vendor_changes).where(vendor_changes.c.vendor_id == vendor_id)
    if wanted.cursor is not None:
        statement = statement.where(before(at, row_id, wanted.cursor))
    rows = tx.execute(statement.order_by(at.desc(), row_id.desc()).limit(wanted.limit + 1)).all()
    page, next_cursor = paged(rows, wanted.limit, lambda row: Moment(row.changed_at, row.id))
    changes = [
        VendorChangeRecord(
            subject=row.subject,
            old_value=row.old_value,
            new_value=row.new_value,
            changed_at=row.changed_at,
            changed_by=row.changed_by,
        )
        for row in page
    ]
    return VendorChanges(changes=changes, next_cursor=next_cursor)
