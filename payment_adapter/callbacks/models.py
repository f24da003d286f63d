"""Tables of the callbacks room: the inbox, raw as it came, and the shops' own addresses."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from kit.columns import Code, JsonDoc, UtcTime
from payment_adapter.schema import metadata

inbox = Table(
    "callback_inbox",
    metadata,
    Column("vendor_id", Code, nullable=False),
    Column("callback_id", Code, nullable=False),
    Column("provider", Code, nullable=False),
    # The charge whose address it came to; none for what came to an address of the shop.
    Column("charge_id", Code),
    Column("sent_to", Code, nullable=False),
    # Of the fact, where it could be read on arrival: for whoever looks.
    Column("event_id", Text),
    Column("body_hash", Code, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("headers", JsonDoc, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("status", Code, nullable=False, server_default="received"),
    Column("outcome", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", UtcTime, nullable=False),
    Column("processed_at", UtcTime),
    PrimaryKeyConstraint("vendor_id", "callback_id", name="callback_inbox_pkey"),
    UniqueConstraint("vendor_id", "sent_to", "body_hash", name="callback_inbox_body_key"),
    ForeignKeyConstraint(
        ["vendor_id", "charge_id"], ["charges.vendor_id", "charges.charge_id"], name="callback_inbox_charge_fkey"
    ),
    CheckConstraint(
        "status IN ('received', 'processing', 'processed', 'ignored', 'failed')", name="callback_inbox_status_check"
    ),
    CheckConstraint("sent_to = coalesce(charge_id, provider)", name="callback_inbox_sent_to_check"),
    Index(
        "callback_inbox_due",
        "next_at",
        postgresql_where=text("status = 'received'"),
        sqlite_where=text("status = 'received'"),
    ),
    sqlite_strict=True,
)

addresses = Table(
    "callback_addresses",
    metadata,
    Column("vendor_id", Code, nullable=False),
    Column("provider", Code, nullable=False),
    # The secret itself is in the vault.
    Column("version", Integer, nullable=False),
    Column("secret_hash", Code, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    # Since then another is shown; this one is good until that one is replaced, too.
    Column("replaced_at", UtcTime),
    PrimaryKeyConstraint("vendor_id", "provider", "version", name="callback_addresses_pkey"),
    UniqueConstraint("secret_hash", name="callback_addresses_secret_hash_key"),
    sqlite_strict=True,
)
