"""The table of tickets that were opened, each in one browser."""

from sqlalchemy import CheckConstraint, Column, Integer, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from kit.columns import Code, JsonDoc, UtcTime
from payment_adapter.schema import metadata

# Of the browser's secret only its SHA-256 is kept: 256 random bits can't be guessed from it.
settings_sessions = Table(
    "settings_sessions",
    metadata,
    Column("ticket_id", Code, nullable=False),
    Column("session_hash", Code, nullable=False),
    Column("vendor_id", Code, nullable=False),
    Column("vendor_name", Text, nullable=False),
    Column("rails", JsonDoc, nullable=False),
    Column("asked_by", Code, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("trials", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("ticket_id", name="settings_sessions_pkey"),
    UniqueConstraint("session_hash", name="settings_sessions_hash_key"),
    CheckConstraint("length(session_hash) = 64", name="settings_sessions_hash_check"),
    sqlite_strict=True,
)
