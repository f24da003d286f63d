"""What is counted for a shop's bill: records, the tail that no total contains yet, and totals."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, PrimaryKeyConstraint, UniqueConstraint, text

from kit.columns import BigInt, Code, UtcTime
from migrations.security import append_only, protect, relay_may

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _usage_records()
    _usage_tail()
    _usage_totals()


def _usage_records() -> None:
    op.create_table(
        "usage_records",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("meter", Code, nullable=False),
        Column("subject", Code, nullable=False),
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
    protect("usage_records")
    append_only("usage_records", "usage records are append-only")


def _usage_tail() -> None:
    op.create_table(
        "usage_tail",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("window_id", Code, nullable=False),
        Column("meter", Code, nullable=False),
        Column("quantity", BigInt, nullable=False),
        PrimaryKeyConstraint("vendor_id", "id", name="usage_tail_pk"),
        sqlite_strict=True,
    )
    protect("usage_tail")
    relay_may("usage_tail", select=["vendor_id"])


def _usage_totals() -> None:
    op.create_table(
        "usage_totals",
        Column("vendor_id", Code, nullable=False),
        Column("window_id", Code, nullable=False),
        Column("meter", Code, nullable=False),
        Column("quantity", BigInt, nullable=False),
        Column("revision", BigInt, nullable=False),
        Column("mirrored", BigInt, nullable=False, server_default="-1"),
        Column("as_of", UtcTime, nullable=False),
        PrimaryKeyConstraint("vendor_id", "window_id", "meter", name="usage_totals_pk"),
        CheckConstraint("quantity >= 0", name="usage_totals_quantity_check"),
        sqlite_strict=True,
    )
    op.create_index(
        "usage_totals_unmirrored",
        "usage_totals",
        ["vendor_id"],
        postgresql_where=text("mirrored <> revision"),
        sqlite_where=text("mirrored <> revision"),
    )
    protect("usage_totals")
    relay_may("usage_totals", select=["vendor_id", "revision", "mirrored"])


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
