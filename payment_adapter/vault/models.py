"""Tables of the vault: a wrapped data key per vendor, and sealed credentials by field and version."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Table, Text

from kit.columns import Code, UtcTime
from payment_adapter.schema import metadata

data_keys = Table(
    "vault_data_keys",
    metadata,
    Column("vendor_id", Code, nullable=False),
    Column("key_id", Code, nullable=False),
    Column("wrapped", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("vendor_id", "key_id", name="vault_data_keys_pkey"),
    sqlite_strict=True,
)

credentials = Table(
    "vault_credentials",
    metadata,
    Column("vendor_id", Code, nullable=False),
    Column("provider", Code, nullable=False),
    Column("field", Code, nullable=False),
    Column("version", Integer, nullable=False),
    Column("key_id", Code, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("origin", Code, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("vendor_id", "provider", "field", "version", name="vault_credentials_pkey"),
    ForeignKeyConstraint(
        ["vendor_id", "key_id"],
        ["vault_data_keys.vendor_id", "vault_data_keys.key_id"],
        name="vault_credentials_key_fkey",
    ),
    CheckConstraint("version > 0", name="vault_credentials_version_check"),
    CheckConstraint("origin IN ('planted', 'vendor')", name="vault_credentials_origin_check"),
    sqlite_strict=True,
)
