"""Conversations, their messages, and who of the shop is told of what, in an ops database."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from kit.columns import BigInt, Code, JsonDoc, UtcTime
from router.databases import ops_metadata

# Written out, never bound: a database uses a partial index only for a condition that it can read.
_NOT_THE_BOTS = text("mode <> 'bot'")
_NOT_ARRIVED = text("status IN ('held', 'expired', 'failed')")

conversations = Table(
    "conversations",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("id", Code, nullable=False),
    Column("customer_id", Code, nullable=False),
    Column("mode", Code, nullable=False, server_default="bot"),
    Column("until", UtcTime),  # the bot is mute until then
    Column("about", Text, nullable=False, server_default=""),  # what the customer wrote with asking for a person
    Column("asked_at", UtcTime),
    Column("taken_by", Text),
    Column("last_at", UtcTime, nullable=False),
    Column("last_author", Code, nullable=False),
    Column("last_line", Text, nullable=False, server_default=""),
    Column("customer_last_at", UtcTime),  # free text may be sent for 24 hours from here
    Column("unread", Integer, nullable=False, server_default="0"),  # of the customer, since a person last answered
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
    Index("conversations_newest", "vendor_id", "last_at", "id"),
    Index("conversations_by_mode", "vendor_id", "mode", "last_at", "id"),
    Index("conversations_due", "until", sqlite_where=_NOT_THE_BOTS, postgresql_where=_NOT_THE_BOTS),
    sqlite_strict=True,
)

chat_messages = Table(
    "chat_messages",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("id", Code, nullable=False),  # as the bot and the shop's API name it
    Column("conversation_id", Code, nullable=False),
    Column("author", Code, nullable=False),
    Column("written_by", Text),  # who of the shop, of a staff message
    Column("body", Text, nullable=False, server_default=""),
    Column("media", JsonDoc, nullable=False),  # a list of kinds: image, audio, location…
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
    Index("chat_messages_newest", "vendor_id", "conversation_id", "at", "id"),
    Index(
        "chat_messages_undelivered",
        "vendor_id",
        "at",
        "id",
        sqlite_where=_NOT_ARRIVED,
        postgresql_where=_NOT_ARRIVED,
    ),
    sqlite_strict=True,
)

alert_recipients = Table(
    "alert_recipients",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("id", Code, nullable=False),
    Column("address", Code, nullable=False),  # of the chat that alerts go to
    Column("name", Text, nullable=False, server_default=""),
    Column("joined_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("vendor_id", "id", name="alert_recipients_pk"),
    UniqueConstraint("vendor_id", "address", name="alert_recipients_address_key"),
    CheckConstraint("length(address) BETWEEN 3 AND 180", name="alert_recipients_address_check"),
    sqlite_strict=True,
)

alert_invitations = Table(
    "alert_invitations",
    ops_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("code", Code, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("vendor_id", "code", name="alert_invitations_pk"),
    sqlite_strict=True,
)
