"""Live pushes: one prompt at a time per payer number, across shops."""

from alembic import op
from sqlalchemy import Column, PrimaryKeyConstraint, text, true

from kit.columns import Code, Flag, UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "live_pushes",
        Column("intent_id", Code, nullable=False),
        Column("vendor_id", Code, nullable=False),
        Column("payer_msisdn", Code, nullable=False),
        Column("reserved_at", UtcTime, nullable=False),
        Column("expires_at", UtcTime, nullable=False),
        Column("released_at", UtcTime),
        Column("was_used", Flag, nullable=False, server_default=true()),
        PrimaryKeyConstraint("intent_id", name="live_pushes_pk"),
        sqlite_strict=True,
    )
    op.create_index(
        "live_pushes_one_per_number",
        "live_pushes",
        ["payer_msisdn"],
        unique=True,
        postgresql_where=text("released_at IS NULL"),
        sqlite_where=text("released_at IS NULL"),
    )
    op.create_index("live_pushes_of_number", "live_pushes", ["payer_msisdn", "reserved_at"])
    op.create_index(
        "live_pushes_unreleased",
        "live_pushes",
        ["expires_at"],
        postgresql_where=text("released_at IS NULL"),
        sqlite_where=text("released_at IS NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
