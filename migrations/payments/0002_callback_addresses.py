"""The shops' own callback addresses."""

import sqlalchemy as sa
from alembic import op

from kit.columns import Code, UtcTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "callback_addresses",
        sa.Column("vendor_id", Code, nullable=False),
        sa.Column("provider", Code, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("secret_hash", Code, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("replaced_at", UtcTime),
        sa.PrimaryKeyConstraint("vendor_id", "provider", "version", name="callback_addresses_pkey"),
        sa.UniqueConstraint("secret_hash", name="callback_addresses_secret_hash_key"),
        sqlite_strict=True,
    )
