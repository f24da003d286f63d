"""Table of the callbacks room: the inbox, raw as it came."""

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
    Column("charge_id", Code, nullable=False),
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
    UniqueConstraint("charge_id", "body_hash", name="callback_inbox_body_key"),
    ForeignKeyConstraint(
        ["vendor_id", "charge_id"], ["charges.vendor_id", "charges.charge_id"], name="callback_inbox_charge_fkey"
    ),
    CheckConstraint(
        "status IN ('received', 'processing', 'processed', 'ignored', 'failed')", name="callback_inbox_status_check"
    ),
    Index(
        "callback_inbox_due",
        "next_at",
        postgresql_where=text("status = 'received'"),
        sqlite_where=text("status = 'received'"),
    ),
    sqlite_strict=True,
)
