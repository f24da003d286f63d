"""Conversations, their inbox, and the messages to customers."""

import sqlalchemy as sa
from alembic import op

from kit.columns import BigInt, Code, Flag, JsonDoc, UtcTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    _conversations()
    _inbox()
    _messages()
    _early_statuses()


def _conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", Code, nullable=False),
        sa.Column("shop_number", Code, nullable=False),
        sa.Column("address", Code, nullable=False),
        sa.Column("profile_name", sa.Text, nullable=False, server_default=""),
        sa.Column("state", JsonDoc),
        sa.Column("opted_out", Flag, nullable=False),
        sa.Column("last_message_at", UtcTime, nullable=False),
        sa.Column("waiting", sa.Integer, nullable=False),
        sa.Column("next_at", UtcTime, nullable=False),
        sa.Column("lease_owner", Code),
        sa.Column("lease_until", UtcTime),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="conversations_pkey"),
        sa.UniqueConstraint("shop_number", "address", name="conversations_customer_key"),
        sa.CheckConstraint("waiting >= 0", name="conversations_waiting_check"),
        sqlite_strict=True,
    )
    op.create_index("conversations_address", "conversations", ["address", "last_message_at"])
    _partial_index("conversations_due", "conversations", ["next_at"], "waiting > 0")


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("seq", BigInt, autoincrement=True),
        sa.Column("item_id", Code, nullable=False),
        sa.Column("kind", Code, nullable=False),
        sa.Column("conversation_id", Code),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("is_urgent", Flag, nullable=False),
        sa.Column("status", Code, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("errors", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text),
        sa.Column("received_at", UtcTime, nullable=False),
        sa.Column("done_at", UtcTime),
        sa.PrimaryKeyConstraint("seq", name="inbox_pkey"),
        sa.UniqueConstraint("item_id", name="inbox_item_id_key"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="inbox_conversation_fkey"),
        sa.CheckConstraint("kind IN ('message', 'news')", name="inbox_kind_check"),
        sa.CheckConstraint(
            "status IN ('received', 'processing', 'processed', 'ignored', 'failed')", name="inbox_status_check"
        ),
        sa.CheckConstraint("conversation_id IS NOT NULL OR status = 'ignored'", name="inbox_conversation_check"),
        sqlite_strict=True,
    )
    _partial_index(
        "inbox_open", "inbox", ["conversation_id", "is_urgent", "seq"], "status IN ('received', 'processing')"
    )


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("seq", BigInt, autoincrement=True),
        sa.Column("conversation_id", Code, nullable=False),
        sa.Column("inbox_seq", BigInt, nullable=False),
        sa.Column("purpose", Code, nullable=False),
        sa.Column("sender", Code, nullable=False),
        sa.Column("recipient", Code, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("answers_customer", Flag, nullable=False),
        sa.Column("status", Code, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("error_code", sa.Integer),
        sa.Column("sid", Code),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("next_at", UtcTime, nullable=False),
        sa.Column("tried_at", UtcTime),
        sa.Column("lease_owner", Code),
        sa.Column("lease_until", UtcTime),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("sent_at", UtcTime),
        sa.PrimaryKeyConstraint("seq", name="messages_pkey"),
        sa.UniqueConstraint("inbox_seq", "purpose", name="messages_inbox_seq_key"),
        sa.UniqueConstraint("sid", name="messages_sid_key"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="messages_conversation_fkey"),
        sa.ForeignKeyConstraint(["inbox_seq"], ["inbox.seq"], name="messages_inbox_fkey"),
        sa.CheckConstraint("purpose IN ('reply', 'notice', 'plain', 'again')", name="messages_purpose_check"),
        sa.CheckConstraint(
            "status IN ('queued', 'sending', 'uncertain', 'sent', 'delivered', 'read', 'failed', 'held', 'expired')",
            name="messages_status_check",
        ),
        sa.CheckConstraint("sid IS NOT NULL OR status NOT IN ('sent', 'delivered', 'read')", name="messages_sid_check"),
        sqlite_strict=True,
    )
    is_open = "status IN ('queued', 'sending', 'uncertain')"
    _partial_index("messages_due", "messages", ["next_at", "seq"], is_open)
    _partial_index("messages_open", "messages", ["conversation_id", "seq"], is_open)


def _early_statuses() -> None:
    op.create_table(
        "early_statuses",
        sa.Column("sid", Code, nullable=False),
        sa.Column("status", Code, nullable=False),
        sa.Column("error_code", sa.Integer),
        sa.Column("received_at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("sid", name="early_statuses_pkey"),
        sa.CheckConstraint("status IN ('delivered', 'read', 'failed')", name="early_statuses_status_check"),
        sqlite_strict=True,
    )


def _partial_index(name: str, table: str, columns: list[str], condition: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))
