"""Which shop a message belongs to, and whether the shop's usage contains it."""

import sqlalchemy as sa
from alembic import op

from kit.columns import Code, UtcTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("messages", sa.Column("vendor_id", Code))
    op.add_column("messages", sa.Column("reported_at", UtcTime))
    is_unreported = sa.text("sid IS NOT NULL AND vendor_id IS NOT NULL AND reported_at IS NULL")
    op.create_index(
        "messages_unreported",
        "messages",
        ["vendor_id", "seq"],
        sqlite_where=is_unreported,
        postgresql_where=is_unreported,
    )
