"""Counting, in the transaction of the thing that is counted, and what was counted so far.

A record is never changed. Beside each new one stands a row of the tail, until the sweep (`rollup`) has added it to a
total; the sum of totals and tail, read in one statement, is therefore exact at any moment, and no order waits for the
row in which another one is counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Executable, bindparam, func, insert, select, union_all
from sqlalchemy.dialects import postgresql

from contracts.ids import VendorId, new_id
from kit.columns import Code
from kit.db import Tx, insert_new
from router.metering.models import usage_records, usage_tail, usage_totals
from router.metering.rules import Calendar, Metered, Window, window_at
from router.vendors.service import Vendor

__all__ = ["Calendar", "Metered", "Record", "calendar_of", "count", "records_of", "totals_of"]

_SUBJECT = ("vendor_id", "meter", "subject")
_TAIL = ("vendor_id", "id", "window_id", "meter", "quantity")


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that was counted, or several that were counted together."""

    id: str
    meter: str
    subject: str
    quantity: int
    occurred_at: datetime


def calendar_of(vendor: Vendor) -> Calendar:
    return Calendar(vendor.timezone, vendor.billing_anchor_day)


def count(
    tx: Tx,
    meter: Metered,
    vendor_id: VendorId,
    subject: str,
    calendar: Calendar,
    occurred_at: datetime,
    quantity: int = 1,
) -> bool:
    """Count this subject, in the window in which it occurred. Returns False, and changes nothing, if it was counted
    before. `tx` is of the vendor's ops database. One statement."""
    values = {
        "vendor_id": vendor_id,
        "id": new_id(occurred_at),
        "meter": meter,
        "subject": subject,
        "quantity": quantity,
        "occurred_at": occurred_at,
        "window_id": window_at(occurred_at, calendar).id,
    }
    return _count_on_postgres(tx, values) if tx.is_postgres else _count_on_sqlite(tx, values)


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


def _count_on_postgres(tx: Tx, values: Mapping[str, Any]) -> bool:
    return tx.execute(_COUNT, values).first() is not None


def _count_on_sqlite(tx: Tx, values: Mapping[str, Any]) -> bool:
    """Two statements: SQLite takes no INSERT within another, and a call within the process costs no journey."""
    is_new = insert_new(tx, usage_records, values, conflict=_SUBJECT)
    if is_new:
        tx.execute(_INTO_TAIL, {name: values[name] for name in _TAIL})
    return is_new


# Made once: putting these together costs more than running them.
def _counting() -> Executable:
    """The record, and the tail's row if the record is new, in one statement."""
    written = (
        postgresql.insert(usage_records)
        .values({column.name: bindparam(column.name, type_=column.type) for column in usage_records.c})
        .on_conflict_do_nothing(index_elements=_SUBJECT)
        .returning(*(usage_records.c[name] for name in _TAIL))
        .cte("written")
    )
    return insert(usage_tail).from_select(list(_TAIL), select(written)).returning(usage_tail.c.id)


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
_COUNT = _counting()
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
