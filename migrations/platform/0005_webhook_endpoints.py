"""Vendors' webhook endpoints."""

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

from kit.columns import Code, JsonDoc, UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook_endpoints",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("slot", Integer, nullable=False),
        Column("url", Text, nullable=False),
        Column("description", Text, nullable=False, server_default=""),
        Column("event_types", JsonDoc, nullable=False),
        Column("status", Code, nullable=False, server_default="enabled"),
        Column("disabled_reason", Text),
        Column("failing_since", UtcTime),
        Column("secret_version", Integer, nullable=False, server_default="1"),
        Column("secret_key_id", Code, nullable=False),
        Column("previous_key_id", Code),
        Column("previous_until", UtcTime),
        Column("created_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("vendor_id", "id", name="webhook_endpoints_pk"),
        UniqueConstraint("vendor_id", "slot", name="webhook_endpoints_slot_key"),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="webhook_endpoints_vendor_fk"),
        CheckConstraint("slot BETWEEN 1 AND 10", name="webhook_endpoints_slot_check"),
        CheckConstraint("length(url) BETWEEN 8 AND 2000", name="webhook_endpoints_url_check"),
        CheckConstraint("status IN ('enabled', 'disabled')", name="webhook_endpoints_status_check"),
        CheckConstraint("secret_version >= 1", name="webhook_endpoints_secret_version_check"),
        CheckConstraint(
            "(previous_key_id IS NULL) = (previous_until IS NULL)", name="webhook_endpoints_previous_check"
        ),
        sqlite_strict=True,
    )
    op.create_index(
        "webhook_endpoints_enabled",
        "webhook_endpoints",
        ["vendor_id"],
        postgresql_where=text("status = 'enabled'"),
        sqlite_where=text("status = 'enabled'"),
    )


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
