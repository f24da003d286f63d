"""Counting, in the transaction of the thing that is counted, and what was counted so far.

A record is never changed. Beside each new one stands a row of the tail, until the sweep (`rollup`) has added it to a
total; the sum of totals and tail, read in one statement, is therefore exact at any moment, and no order waits for the
row in which another one is counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BindParameter, Executable, bindparam, func, insert, select, union_all
from sqlalchemy.dialects import postgresql, sqlite

from contracts.ids import VendorId, new_id
from kit.columns import Code
from kit.db import Tx
from router.metering.models import usage_records, usage_tail, usage_totals
from router.metering.rules import Calendar, Metered, Window, window_at
from router.vendors.service import Vendor

__all__ = ["Calendar", "Metered", "Record", "Thing", "calendar_of", "count", "count_all", "records_of", "totals_of"]


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that was counted, or several that were counted together."""

    id: str
    meter: str
    subject: str
    quantity: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Thing:
    """What is to be counted: once, whoever says how often that it happened."""

    subject: str
    occurred_at: datetime
    quantity: int = 1


def calendar_of(vendor: Vendor) -> Calendar:
    return Calendar(vendor.timezone, vendor.billing_anchor_day)


def count(tx: Tx, meter: Metered, vendor_id: VendorId, subject: str, calendar: Calendar, occurred_at: datetime) -> None:
    """Count one subject as this transaction commits, in the window in which it occurred; nothing, if it was counted
    before. `tx` is of the vendor's ops database."""
    window_id, record_id = window_at(occurred_at, calendar).id, new_id(occurred_at)
    moment = occurred_at.astimezone(UTC).isoformat(timespec="microseconds")
    values = vendor_id, record_id, meter, subject, moment, window_id
    if tx.is_postgres:
        tx.at_last(_COUNT, *values)
    else:
        tx.at_last(_RECORD, *values)
        tx.at_last(_TAIL, vendor_id, window_id, meter, record_id)


def count_all(tx: Tx, meter: Metered, vendor_id: VendorId, calendar: Calendar, things: Sequence[Thing]) -> int:
    """Count what was not counted before, at once. Returns how many that were."""
    rows = [
        {
            "vendor_id": vendor_id,
            "id": new_id(thing.occurred_at),
            "meter": meter,
            "subject": thing.subject,
            "quantity": thing.quantity,
            "occurred_at": thing.occurred_at,
            "window_id": window_at(thing.occurred_at, calendar).id,
        }
        # In one order everywhere, so that two who say the same never wait for each other in a circle.
        for thing in sorted(things, key=lambda thing: thing.subject)
    ]
    if not rows:
        return 0
    new = tx.execute(_INSERT[tx.is_postgres], rows).mappings().all()
    if new:
        tx.execute(_INTO_TAIL, [dict(row) for row in new])
    return len(new)


def totals_of(tx: Tx, vendor_id: VendorId, window_id: str) -> dict[str, int]:
    """What was counted in that window, by meter, to this moment. Meters that counted nothing are missing."""
    rows = tx.execute(_TOTALS, {"vendor": vendor_id, "window": window_id})
    return {row.meter: int(row.quantity) for row in rows}


def records_of(
    tx: Tx, vendor_id: VendorId, window: Window, *, meter: Metered | None, before: str | None, limit: int
) -> list[Record]:
    """Newest first, those with an id below `before`."""
    statement = _RECORDS[meter is None]
    params = {"vendor": vendor_id, "window": window.id, "before": before or _AFTER_EVERY_ID, "limit": limit}
    if meter is not None:
        params["meter"] = meter
    rows = tx.execute(statement, params)
    return [Record(row.id, row.meter, row.subject, row.quantity, row.occurred_at) for row in rows]


_RECORD = (
    "INSERT INTO usage_records (vendor_id, id, meter, subject, quantity, occurred_at, window_id)"
    " VALUES ({}, {}, {}, {}, 1, {}, {}) ON CONFLICT (vendor_id, meter, subject) DO NOTHING"
)
_COUNT = (
    "WITH written AS ("
    "INSERT INTO usage_records (vendor_id, id, meter, subject, quantity, occurred_at, window_id)"
    " VALUES ({}, {}, {}, {}, 1, {}, {}) ON CONFLICT (vendor_id, meter, subject) DO NOTHING"
    " RETURNING vendor_id, id, window_id, meter, quantity)"
    " INSERT INTO usage_tail (vendor_id, id, window_id, meter, quantity)"
    " SELECT vendor_id, id, window_id, meter, quantity FROM written"
)
"""PostgreSQL does both in one, and looks nothing up."""
_TAIL = (
    "INSERT INTO usage_tail (vendor_id, id, window_id, meter, quantity)"
    " SELECT vendor_id, id, window_id, meter, quantity FROM usage_records"
    " WHERE vendor_id = {} AND window_id = {} AND meter = {} AND id = {}"
)
"""SQLite takes no INSERT within another. What was counted before has got no record under the new id."""


def _records(of_all_meters: bool) -> Executable:
    """Each meter's part walks the primary key from its newest record and stops at the limit."""
    r = usage_records.c

    def newest(meter: Metered | BindParameter[str]) -> Any:
        return (
            select(r.id, r.meter, r.subject, r.quantity, r.occurred_at)
            .where(
                r.vendor_id == bindparam("vendor"),
                r.window_id == bindparam("window"),
                r.meter == meter,
                r.id < bindparam("before"),
            )
            .order_by(r.id.desc())
            .limit(bindparam("limit"))
        )

    if not of_all_meters:
        return newest(bindparam("meter", type_=Code))
    found = union_all(*(select(newest(meter).subquery()) for meter in Metered)).subquery()
    return select(found).order_by(found.c.id.desc()).limit(bindparam("limit"))


_AFTER_EVERY_ID = "g"  # ids are hexadecimal
_record = usage_records.c
_INSERT = {
    is_postgres: insert_(usage_records)
    .on_conflict_do_nothing(index_elements=["vendor_id", "meter", "subject"])
    .returning(_record.vendor_id, _record.id, _record.window_id, _record.meter, _record.quantity)
    for is_postgres, insert_ in ((True, postgresql.insert), (False, sqlite.insert))
}
_INTO_TAIL = insert(usage_tail)
_RECORDS = {of_all_meters: _records(of_all_meters) for of_all_meters in (True, False)}

_parts = union_all(
    *(
        select(table.c.meter, table.c.quantity).where(
            table.c.vendor_id == bindparam("vendor"), table.c.window_id == bindparam("window")
        )
        for table in (usage_totals, usage_tail)
    )
).subquery()
_TOTALS = select(_parts.c.meter, func.sum(_parts.c.quantity).label("quantity")).group_by(_parts.c.meter)
