"""Until when a message means something, and what it reminds of."""

import sqlalchemy as sa
from alembic import op

from kit.columns import JsonDoc, UtcTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("messages", sa.Column("not_after", UtcTime))
    op.add_column("messages", sa.Column("while_left", JsonDoc))
    where = sa.text("status = 'held' AND not_after IS NOT NULL")
    op.create_index("messages_passing", "messages", ["not_after"], sqlite_where=where, postgresql_where=where)
