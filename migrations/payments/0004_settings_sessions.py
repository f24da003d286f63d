"""Tickets that opened a vendor's settings in a browser."""

import sqlalchemy as sa
from alembic import op

from kit.columns import Code, JsonDoc, UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "settings_sessions",
        sa.Column("ticket_id", Code, nullable=False),
        sa.Column("session_hash", Code, nullable=False),
        sa.Column("vendor_id", Code, nullable=False),
        sa.Column("vendor_name", sa.Text, nullable=False),
        sa.Column("rails", JsonDoc, nullable=False),
        sa.Column("asked_by", Code, nullable=False),
        sa.Column("opened_at", UtcTime, nullable=False),
        sa.Column("expires_at", UtcTime, nullable=False),
        sa.Column("trials", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("ticket_id", name="settings_sessions_pkey"),
        sa.UniqueConstraint("session_hash", name="settings_sessions_hash_key"),
        sa.CheckConstraint("length(session_hash) = 64", name="settings_sessions_hash_check"),
        sqlite_strict=True,
    )
