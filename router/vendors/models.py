"""Tables of the shops. Whatever a hand-written INSERT leaves out has a default, so that SQL can open a shop."""

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
    true,
)

from kit.columns import BigInt, Code, Flag, JsonDoc, UtcTime
from router.databases import platform_metadata

vendors = Table(
    "vendors",
    platform_metadata,
    Column("id", Code, nullable=False),
    Column("name", Text, nullable=False),
    Column("word", Code),  # casefolded; a shop without one answers to its id
    Column("status", Code, nullable=False, server_default="active"),
    Column("isolation_level", Code, nullable=False, server_default="shared_db"),
    Column("db_target", JsonDoc),
    Column("currency", Code, nullable=False, server_default="KES"),
    Column("locale", Code, nullable=False, server_default="en"),
    Column("timezone", Code, nullable=False, server_default="Africa/Nairobi"),
    Column("billing_anchor_day", Integer, nullable=False, server_default="1"),  # when its month begins
    Column("whatsapp_address", Code),
    Column("paybill", Code),  # M-Pesa numbers as they stand on the shop's wall; customers are told them
    Column("till", Code),
    Column("created_at", UtcTime),
    PrimaryKeyConstraint("id", name="vendors_pk"),
    UniqueConstraint("word", name="vendors_word_key"),
    UniqueConstraint("whatsapp_address", name="vendors_whatsapp_address_key"),
    CheckConstraint("word = lower(word)", name="vendors_word_check"),
    CheckConstraint("status IN ('active', 'suspended')", name="vendors_status_check"),
    CheckConstraint("isolation_level IN ('shared_db', 'dedicated_db')", name="vendors_isolation_level_check"),
    CheckConstraint("currency IN ('KES', 'AOA')", name="vendors_currency_check"),
    CheckConstraint("billing_anchor_day BETWEEN 1 AND 28", name="vendors_billing_anchor_day_check"),
    sqlite_strict=True,
)

vendor_capabilities = Table(
    "vendor_capabilities",
    platform_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("capability", Code, nullable=False),
    Column("enabled", Flag, nullable=False, server_default=true()),
    PrimaryKeyConstraint("vendor_id", "capability", name="vendor_capabilities_pk"),
    ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="vendor_capabilities_vendor_fk"),
    sqlite_strict=True,
)

# A key of the platform has no vendor. `scopes` are words with a space between. Of the token only its SHA-256 is kept:
# 256 random bits can't be guessed from it, so the slow hash that a password needs would only slow every request.
api_keys = Table(
    "api_keys",
    platform_metadata,
    Column("id", Code, nullable=False),
    Column("vendor_id", Code),
    Column("name", Text, nullable=False),
    Column("token_hash", Code, nullable=False),
    Column("scopes", Code, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", Code, nullable=False),
    Column("expires_at", UtcTime),
    Column("revoked_at", UtcTime),
    Column("revoked_by", Code),
    Column("last_used_at", UtcTime),
    PrimaryKeyConstraint("id", name="api_keys_pk"),
    ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="api_keys_vendor_fk"),
    CheckConstraint("length(token_hash) = 64", name="api_keys_token_hash_check"),
    CheckConstraint("scopes <> ''", name="api_keys_scopes_check"),
    Index("api_keys_of_vendor", "vendor_id", "created_at", "id"),
    sqlite_strict=True,
)

# NULL: as `router.vendors.rules.RateLimits` says, today and whenever that changes.
vendor_limits = Table(
    "vendor_limits",
    platform_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("shop_per_minute", Integer),
    Column("bot_per_minute", Integer),
    Column("key_per_minute", Integer),
    Column("customer_per_minute", Integer),
    PrimaryKeyConstraint("vendor_id", name="vendor_limits_pk"),
    ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="vendor_limits_vendor_fk"),
    CheckConstraint("shop_per_minute BETWEEN 1 AND 1000000", name="vendor_limits_shop_check"),
    CheckConstraint("bot_per_minute BETWEEN 1 AND 1000000", name="vendor_limits_bot_check"),
    CheckConstraint("key_per_minute BETWEEN 1 AND 1000000", name="vendor_limits_key_check"),
    CheckConstraint("customer_per_minute BETWEEN 1 AND 1000000", name="vendor_limits_customer_check"),
    sqlite_strict=True,
)

# What the payment adapter told: whether a vendor's settings are complete for a rail, and the names of those that are
# not. No foreign key: news of a vendor may come before the vendor does, and is kept.
vendor_rails = Table(
    "vendor_rails",
    platform_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("rail", Code, nullable=False),
    Column("provider", Code, nullable=False, server_default=""),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("is_ready", Flag, nullable=False, server_default=true()),
    Column("missing", JsonDoc, nullable=False, server_default=text("'[]'")),
    Column("announced_at", UtcTime),
    PrimaryKeyConstraint("vendor_id", "rail", name="vendor_rails_pk"),
    CheckConstraint("version >= 0", name="vendor_rails_version_check"),
    sqlite_strict=True,
)

# Written by triggers, at every change of what the directory remembers of a shop; greater stamps commit later.
vendor_stamps = Table(
    "vendor_stamps",
    platform_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("stamp", BigInt, nullable=False),
    PrimaryKeyConstraint("vendor_id", name="vendor_stamps_pk"),
    Index("vendor_stamps_newest", "stamp"),
    sqlite_strict=True,
)

vendor_last_stamp = Table(
    "vendor_last_stamp",
    platform_metadata,
    Column("id", BigInt, nullable=False),
    Column("stamp", BigInt, nullable=False),
    PrimaryKeyConstraint("id", name="vendor_last_stamp_pk"),
    CheckConstraint("id = 1", name="vendor_last_stamp_one_row_check"),
    sqlite_strict=True,
)

# Append-only: who changed what about a shop (or, without a vendor, about the platform) through the API or the command
# line. Triggers of the migration refuse UPDATE and DELETE.
vendor_changes = Table(
    "vendor_changes",
    platform_metadata,
    Column("id", Code, nullable=False),
    Column("vendor_id", Code),
    Column("subject", Code, nullable=False),
    Column("old_value", Text),
    Column("new_value", Text),
    Column("changed_at", UtcTime, nullable=False),
    Column("changed_by", Code, nullable=False),
    PrimaryKeyConstraint("id", name="vendor_changes_pk"),
    Index("vendor_changes_of_vendor", "vendor_id", "changed_at", "id"),
    sqlite_strict=True,
)
