"""Tables of the shops. Whatever a hand-written INSERT leaves out has a default, so that SQL can open a shop."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    true,
)

from kit.columns import Code, Flag, JsonDoc, UtcTime
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
    Column("whatsapp_address", Code),
    Column("created_at", UtcTime),
    PrimaryKeyConstraint("id", name="vendors_pk"),
    UniqueConstraint("word", name="vendors_word_key"),
    UniqueConstraint("whatsapp_address", name="vendors_whatsapp_address_key"),
    CheckConstraint("word = lower(word)", name="vendors_word_check"),
    CheckConstraint("status IN ('active', 'suspended')", name="vendors_status_check"),
    CheckConstraint("isolation_level IN ('shared_db', 'dedicated_db')", name="vendors_isolation_level_check"),
    CheckConstraint("currency IN ('KES', 'AOA')", name="vendors_currency_check"),
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
