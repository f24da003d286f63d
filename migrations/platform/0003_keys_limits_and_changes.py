"""API keys, a shop's own limits, and who changed what about a shop."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Text

from kit.columns import Code, UtcTime
from migrations.security import append_only

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _api_keys()
    _vendor_limits()
    _vendor_changes()


def _api_keys() -> None:
    op.create_table(
        "api_keys",
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
        sqlite_strict=True,
    )
    op.create_index("api_keys_of_vendor", "api_keys", ["vendor_id", "created_at", "id"])


def _vendor_limits() -> None:
    op.create_table(
        "vendor_limits",
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


def _vendor_changes() -> None:
    op.create_table(
        "vendor_changes",
        Column("id", Code, nullable=False),
        Column("vendor_id", Code),
        Column("subject", Code, nullable=False),
        Column("old_value", Text),
        Column("new_value", Text),
        Column("changed_at", UtcTime, nullable=False),
        Column("changed_by", Code, nullable=False),
        PrimaryKeyConstraint("id", name="vendor_changes_pk"),
        sqlite_strict=True,
    )
    op.create_index("vendor_changes_of_vendor", "vendor_changes", ["vendor_id", "changed_at", "id"])
    append_only("vendor_changes")


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
