"""Vendors, what each may do, and what they sell."""

from alembic import op
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

from kit.columns import BigInt, Code, Flag, JsonDoc, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _vendors()
    _vendor_capabilities()
    _catalog_categories()
    _catalog_items()
    _idempotency_records()


def _vendors() -> None:
    op.create_table(
        "vendors",
        Column("id", Code, nullable=False),
        Column("name", Text, nullable=False),
        Column("word", Code),
        Column("status", Code, nullable=False, server_default="active"),
        Column("isolation_level", Code, nullable=False, server_default="shared_db"),
        Column("db_target", JsonDoc),
        Column("currency", Code, nullable=False, server_default="KES"),
        Column("locale", Code, nullable=False, server_default="en"),
        Column("timezone", Code, nullable=False, server_default="Africa/Nairobi"),
        Column("billing_anchor_day", Integer, nullable=False, server_default="1"),
        Column("whatsapp_address", Code),
        Column("paybill", Code),
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


def _vendor_capabilities() -> None:
    op.create_table(
        "vendor_capabilities",
        Column("vendor_id", Code, nullable=False),
        Column("capability", Code, nullable=False),
        Column("enabled", Flag, nullable=False, server_default=true()),
        PrimaryKeyConstraint("vendor_id", "capability", name="vendor_capabilities_pk"),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="vendor_capabilities_vendor_fk"),
        sqlite_strict=True,
    )


def _catalog_categories() -> None:
    op.create_table(
        "catalog_categories",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("name", Text, nullable=False),
        Column("position", Integer, nullable=False, server_default="0"),
        PrimaryKeyConstraint("vendor_id", "id", name="catalog_categories_pk"),
        UniqueConstraint("vendor_id", "name", name="catalog_categories_name_key"),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="catalog_categories_vendor_fk"),
        sqlite_strict=True,
    )


def _catalog_items() -> None:
    op.create_table(
        "catalog_items",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("sku", Code, nullable=False),
        Column("name", Text, nullable=False),
        Column("description", Text, nullable=False, server_default=""),
        Column("unit", Text, nullable=False, server_default=""),
        Column("price_minor", BigInt, nullable=False),
        Column("currency", Code, nullable=False, server_default="KES"),
        Column("position", Integer, nullable=False, server_default="0"),
        Column("active", Flag, nullable=False, server_default=true()),
        Column("tracks_stock", Flag, nullable=False, server_default=false()),
        Column("category_id", Code),
        Column("keywords", Text, nullable=False, server_default=""),
        Column("is_indexed", Flag, nullable=False, server_default=false()),
        PrimaryKeyConstraint("vendor_id", "id", name="catalog_items_pk"),
        UniqueConstraint("vendor_id", "sku", name="catalog_items_sku_key"),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="catalog_items_vendor_fk"),
        ForeignKeyConstraint(
            ["vendor_id", "category_id"],
            ["catalog_categories.vendor_id", "catalog_categories.id"],
            name="catalog_items_category_fk",
        ),
        CheckConstraint("price_minor BETWEEN 1 AND 100000000000", name="catalog_items_price_check"),
        CheckConstraint("currency IN ('KES', 'AOA')", name="catalog_items_currency_check"),
        CheckConstraint("currency <> 'KES' OR price_minor % 100 = 0", name="catalog_items_whole_shillings_check"),
        sqlite_strict=True,
    )
    op.create_index("catalog_items_shelf", "catalog_items", ["vendor_id", "position", "id"])
    op.create_index(
        "catalog_items_on_sale",
        "catalog_items",
        ["vendor_id", "currency", "position", "id"],
        postgresql_where=text("active"),
        sqlite_where=text("active"),
    )
    op.create_index(
        "catalog_items_of_category",
        "catalog_items",
        ["vendor_id", "currency", "category_id", "position", "id", "active"],
        postgresql_where=text("active"),
        sqlite_where=text("active"),
    )
    op.create_index(
        "catalog_items_to_index",
        "catalog_items",
        ["vendor_id", "id"],
        postgresql_where=text("NOT is_indexed"),
        sqlite_where=text("NOT is_indexed"),
    )


def _idempotency_records() -> None:
    op.create_table(
        "idempotency_records",
        Column("scope", Code, nullable=False),
        Column("principal", Code, nullable=False),
        Column("route", Code, nullable=False),
        Column("key", Code, nullable=False),
        Column("body_hash", Code, nullable=False),
        Column("status", Integer),
        Column("answer", Text),
        Column("created_at", UtcTime, nullable=False),
        PrimaryKeyConstraint("scope", "principal", "route", "key", name="idempotency_records_pk"),
        sqlite_strict=True,
    )


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
