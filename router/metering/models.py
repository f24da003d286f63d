"""Usage in an ops database (the records, what no total contains yet, the totals) and the totals of all shops together.

`window_id` is not called `window`, which PostgreSQL reserves."""

from sqlalchemy import CheckConstraint, Column, Index, PrimaryKeyConstraint, Table, UniqueConstraint, text

from kit.columns import BigInt, Code, UtcTime
from router.databases import ops_metadata, platform_metadata

# Written out, never bound: a database uses a partial index only for a condition that it can read.
_UNMIRRORED = text("mirrored <> revision")

usage_records = Table(
    "usage_records",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("id", Code, nullable=False),  # sorts by occurred_at
    Column("meter", Code, nullable=False),
    Column("subject", Code, nullable=False),  # what was counted: the same subject is counted once
    Column("quantity", BigInt, nullable=False),
    Column("occurred_at", UtcTime, nullable=False),
    Column("window_id", Code, nullable=False),
    PrimaryKeyConstraint("vendor_id", "window_id", "meter", "id", name="usage_records_pk"),
    UniqueConstraint("vendor_id", "meter", "subject", name="usage_records_subject_key"),
    CheckConstraint("length(meter) BETWEEN 1 AND 60", name="usage_records_meter_check"),
    CheckConstraint("length(subject) BETWEEN 1 AND 200", name="usage_records_subject_check"),
    CheckConstraint("quantity >= 1", name="usage_records_quantity_check"),
    CheckConstraint("length(window_id) = 7", name="usage_records_window_check"),
    sqlite_strict=True,
)
"""The truth. Append-only."""

usage_tail = Table(
    "usage_tail",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("id", Code, nullable=False),
    Column("window_id", Code, nullable=False),
    Column("meter", Code, nullable=False),
    Column("quantity", BigInt, nullable=False),
    PrimaryKeyConstraint("vendor_id", "id", name="usage_tail_pk"),
    sqlite_strict=True,
)
"""The records that no total contains yet: written with the record, taken away with the total's change."""

usage_totals = Table(
    "usage_totals",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("window_id", Code, nullable=False),
    Column("meter", Code, nullable=False),
    Column("quantity", BigInt, nullable=False),
    Column("revision", BigInt, nullable=False),
    Column("mirrored", BigInt, nullable=False, server_default="-1"),  # the revision that the platform database has
    Column("as_of", UtcTime, nullable=False),
    PrimaryKeyConstraint("vendor_id", "window_id", "meter", name="usage_totals_pk"),
    CheckConstraint("quantity >= 0", name="usage_totals_quantity_check"),
    Index("usage_totals_unmirrored", "vendor_id", sqlite_where=_UNMIRRORED, postgresql_where=_UNMIRRORED),
    sqlite_strict=True,
)
"""Derived: the sum of the records that are not in the tail."""

platform_usage_totals = Table(
    "usage_totals",
    platform_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("window_id", Code, nullable=False),
    Column("meter", Code, nullable=False),
    Column("quantity", BigInt, nullable=False),
    Column("revision", BigInt, nullable=False),  # of the shop's own total: an older one never replaces a newer
    Column("as_of", UtcTime, nullable=False),
    PrimaryKeyConstraint("vendor_id", "window_id", "meter", name="usage_totals_pk"),
    CheckConstraint("quantity >= 0", name="usage_totals_quantity_check"),
    sqlite_strict=True,
)
"""Derived twice: copies of every shop's totals, so that an operator need not open every database."""
