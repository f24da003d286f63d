"""What the payment adapter told of each vendor's rails."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, Integer, PrimaryKeyConstraint, true
from sqlalchemy import text as sql

from kit.columns import Code, Flag, JsonDoc, UtcTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vendor_rails",
        Column("vendor_id", Code, nullable=False),
        Column("rail", Code, nullable=False),
        Column("provider", Code, nullable=False, server_default=""),
        Column("version", Integer, nullable=False, server_default="0"),
        Column("is_ready", Flag, nullable=False, server_default=true()),
        Column("missing", JsonDoc, nullable=False, server_default=sql("'[]'")),
        Column("announced_at", UtcTime),
        PrimaryKeyConstraint("vendor_id", "rail", name="vendor_rails_pk"),
        CheckConstraint("version >= 0", name="vendor_rails_version_check"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
