"""Conversations as a shop's people see them, their messages, and who of the shop is told of what."""

from alembic import op
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    text,
)

from kit.columns import BigInt, Code, JsonDoc, UtcTime
from migrations.security import protect, relay_may

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NOT_THE_BOTS = "mode <> 'bot'"
_NOT_ARRIVED = "status IN ('held', 'expired', 'failed')"


def upgrade() -> None:
    _conversations()
    _chat_messages()
    _alerts()


def _conversations() -> None:
    op.create_table(
        "conversations",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("customer_id", Code, nullable=False),
        Column("mode", Code, nullable=False, server_default="bot"),
        Column("until", UtcTime),
        Column("about", Text, nullable=False, server_default=""),
        Column("asked_at", UtcTime),
        Column("taken_by", Text),
        Column("last_at", UtcTime, nullable=False),
        Column("last_author", Code, nullable=False),
        Column("last_line", Text, nullable=False, server_default=""),
        Column("customer_last_at", UtcTime),
        Column("unread", Integer, nullable=False, server_default="0"),
        Column("created_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("vendor_id", "id", name="conversations_pk"),
        UniqueConstraint("vendor_id", "customer_id", name="conversations_customer_key"),
        ForeignKeyConstraint(
            ["vendor_id", "customer_id"], ["customers.vendor_id", "customers.id"], name="conversations_customer_fk"
        ),
        CheckConstraint("mode IN ('bot', 'waiting', 'staff')", name="conversations_mode_check"),
        CheckConstraint("(mode = 'bot') = (until IS NULL)", name="conversations_until_check"),
        CheckConstraint("last_author IN ('customer', 'bot', 'staff')", name="conversations_author_check"),
        CheckConstraint("unread >= 0", name="conversations_unread_check"),
        sqlite_strict=True,
    )
    op.create_index("conversations_newest", "conversations", ["vendor_id", "last_at", "id"])
    op.create_index("conversations_by_mode", "conversations", ["vendor_id", "mode", "last_at", "id"])
    op.create_index(
        "conversations_due",
        "conversations",
        ["until"],
        postgresql_where=text(_NOT_THE_BOTS),
        sqlite_where=text(_NOT_THE_BOTS),
    )
    protect("conversations")
    relay_may("conversations", select=["vendor_id", "id", "mode", "until"])


def _chat_messages() -> None:
    op.create_table(
        "chat_messages",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("conversation_id", Code, nullable=False),
        Column("author", Code, nullable=False),
        Column("written_by", Text),
        Column("body", Text, nullable=False, server_default=""),
        Column("media", JsonDoc, nullable=False),
        Column("status", Code, nullable=False),
        Column("reason", Text),
        Column("error_code", BigInt),
        Column("at", UtcTime, nullable=False),
        Column("status_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("vendor_id", "id", name="chat_messages_pk"),
        ForeignKeyConstraint(
            ["vendor_id", "conversation_id"],
            ["conversations.vendor_id", "conversations.id"],
            name="chat_messages_conversation_fk",
        ),
        CheckConstraint("length(id) BETWEEN 1 AND 100", name="chat_messages_id_check"),
        CheckConstraint("author IN ('customer', 'bot', 'staff')", name="chat_messages_author_check"),
        CheckConstraint(
            "status IN ('received', 'queued', 'sent', 'delivered', 'read', 'held', 'expired', 'failed')",
            name="chat_messages_status_check",
        ),
        CheckConstraint("(author = 'customer') = (status = 'received')", name="chat_messages_received_check"),
        sqlite_strict=True,
    )
    op.create_index("chat_messages_newest", "chat_messages", ["vendor_id", "conversation_id", "at", "id"])
    op.create_index(
        "chat_messages_undelivered",
        "chat_messages",
        ["vendor_id", "at", "id"],
        postgresql_where=text(_NOT_ARRIVED),
        sqlite_where=text(_NOT_ARRIVED),
    )
    protect("chat_messages")


def _alerts() -> None:
    op.create_table(
        "alert_recipients",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("address", Code, nullable=False),
        Column("name", Text, nullable=False, server_default=""),
        Column("joined_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("vendor_id", "id", name="alert_recipients_pk"),
        UniqueConstraint("vendor_id", "address", name="alert_recipients_address_key"),
        CheckConstraint("length(address) BETWEEN 3 AND 180", name="alert_recipients_address_check"),
        sqlite_strict=True,
    )
    protect("alert_recipients")
    op.create_table(
        "alert_invitations",
        Column("vendor_id", Code, nullable=False),
        Column("code", Code, nullable=False),
        Column("expires_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("vendor_id", "code", name="alert_invitations_pk"),
        sqlite_strict=True,
    )
    protect("alert_invitations")


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
