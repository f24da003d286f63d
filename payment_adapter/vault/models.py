"""Tables of the vault: a wrapped data key per vendor, sets of credentials by version, and their sealed fields."""

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

# The newest version counts. Rows stay for good, as a record of who stored what when; `erased_at` says that the fields
# of a version are gone. A set of origin `removed` never had any.
sets = Table(
    "vault_sets",
    metadata,
    Column("vendor_id", Code, nullable=False),
    Column("provider", Code, nullable=False),
    Column("version", Integer, nullable=False),
    Column("origin", Code, nullable=False),
    Column("stored_by", Code, nullable=False),
    Column("stored_at", UtcTime, nullable=False),
    Column("erased_at", UtcTime),
    PrimaryKeyConstraint("vendor_id", "provider", "version", name="vault_sets_pkey"),
    CheckConstraint("version > 0", name="vault_sets_version_check"),
    CheckConstraint("origin IN ('planted', 'vendor', 'removed')", name="vault_sets_origin_check"),
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
    PrimaryKeyConstraint("vendor_id", "provider", "version", "field", name="vault_credentials_pkey"),
    ForeignKeyConstraint(
        ["vendor_id", "provider", "version"],
        ["vault_sets.vendor_id", "vault_sets.provider", "vault_sets.version"],
        name="vault_credentials_set_fkey",
    ),
    ForeignKeyConstraint(
        ["vendor_id", "key_id"],
        ["vault_data_keys.vendor_id", "vault_data_keys.key_id"],
        name="vault_credentials_key_fkey",
    ),
    sqlite_strict=True,
)
