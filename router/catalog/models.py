"""The table of what shops sell, in the platform database. A hand-written INSERT need not name what has a default."""

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
    false,
    true,
)

from kit.columns import BigInt, Code, Flag
from router.databases import platform_metadata

catalog_items = Table(
    "catalog_items",
    platform_metadata,
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
    PrimaryKeyConstraint("vendor_id", "id", name="catalog_items_pk"),
    UniqueConstraint("vendor_id", "sku", name="catalog_items_sku_key"),
    ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="catalog_items_vendor_fk"),
    CheckConstraint("price_minor BETWEEN 1 AND 100000000000", name="catalog_items_price_check"),
    CheckConstraint("currency IN ('KES', 'AOA')", name="catalog_items_currency_check"),
    CheckConstraint("currency <> 'KES' OR price_minor % 100 = 0", name="catalog_items_whole_shillings_check"),
    Index("catalog_items_shelf", "vendor_id", "position", "id"),
    sqlite_strict=True,
)
