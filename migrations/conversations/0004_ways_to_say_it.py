"""What can be tapped, approved templates, Twilio's contents for both; consents; how fast a customer is written to."""

import sqlalchemy as sa
from alembic import op

from kit.columns import BigInt, Code, Flag, JsonDoc, UtcTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("messages", sa.Column("tappable", JsonDoc))
    op.add_column("messages", sa.Column("template", JsonDoc))
    op.add_column("conversations", sa.Column("paced_until", UtcTime))
    op.add_column("conversations", sa.Column("blocked_at", UtcTime))
    op.create_table(
        "contents",
        sa.Column("account", Code, nullable=False),
        sa.Column("name", Code, nullable=False),
        sa.Column("sid", Code, nullable=False),
        sa.Column("approval", Code),
        sa.Column("reason", sa.Text),
        sa.Column("checked_at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("account", "name", name="contents_pkey"),
        sqlite_strict=True,
    )
    op.create_table(
        "consents",
        sa.Column("seq", BigInt, autoincrement=True),
        sa.Column("conversation_id", Code, nullable=False),
        sa.Column("is_given", Flag, nullable=False),
        sa.Column("item_id", Code, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="consents_pkey"),
        sa.UniqueConstraint("item_id", name="consents_item_key"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="consents_conversation_fkey"),
        sqlite_strict=True,
    )
    op.create_index("consents_conversation", "consents", ["conversation_id", "seq"])
