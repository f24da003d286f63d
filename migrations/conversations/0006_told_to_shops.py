"""What the router was told of conversations: whose shop a message concerned, and which status was told last."""

import sqlalchemy as sa
from alembic import op

from kit.columns import Code, UtcTime

revision = "0006"
down_revision = "0005"

_IS_NEWS = "(told_status IS NULL OR told_status <> status AND told_status <> '-')"


def upgrade() -> None:
    op.add_column("inbox", sa.Column("vendor_id", Code))
    op.add_column("inbox", sa.Column("told_at", UtcTime))
    op.add_column("messages", sa.Column("known_as", Code))
    op.add_column("messages", sa.Column("told_status", Code))
    _partial_index("inbox_untold", "inbox", "vendor_id IS NOT NULL AND told_at IS NULL")
    arrived, lost = "('sent', 'delivered', 'read')", "('failed', 'held', 'expired')"
    _partial_index("messages_untold", "messages", f"vendor_id IS NOT NULL AND status IN {arrived} AND {_IS_NEWS}")
    _partial_index("messages_lost", "messages", f"vendor_id IS NOT NULL AND status IN {lost} AND {_IS_NEWS}")


def _partial_index(name: str, table: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, ["vendor_id", "seq"], sqlite_where=where, postgresql_where=where)
