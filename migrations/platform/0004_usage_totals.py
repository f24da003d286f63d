"""Copies of every shop's usage totals."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, PrimaryKeyConstraint

from kit.columns import BigInt, Code, UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "usage_totals",
        Column("vendor_id", Code, nullable=False),
        Column("window_id", Code, nullable=False),
        Column("meter", Code, nullable=False),
        Column("quantity", BigInt, nullable=False),
        Column("revision", BigInt, nullable=False),
        Column("as_of", UtcTime, nullable=False),
        PrimaryKeyConstraint("vendor_id", "window_id", "meter", name="usage_totals_pk"),
        CheckConstraint("quantity >= 0", name="usage_totals_quantity_check"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
