"""Tables of what shops sell, in the platform database. A hand-written INSERT need not name what has a default.

`catalog_words` and `catalog_spellings` are derived: an item whose `is_indexed` is false, because somebody wrote or
changed it in SQL, is put there before the shop's next search (a trigger sees to the flag). They hold what is on sale.

`catalog_counts` says how many items are on sale of each category, those of none under an empty id. Triggers keep it
with every change of an item, so that nobody counts a whole shelf to show a page of it."""

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
    false,
    text,
    true,
)

from kit.columns import BigInt, Code, Flag
from router.databases import platform_metadata

catalog_categories = Table(
    "catalog_categories",
    platform_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("id", Code, nullable=False),
    Column("name", Text, nullable=False),
    Column("position", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("vendor_id", "id", name="catalog_categories_pk"),
    UniqueConstraint("vendor_id", "name", name="catalog_categories_name_key"),
    ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="catalog_categories_vendor_fk"),
    sqlite_strict=True,
)

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
    Index("catalog_items_shelf", "vendor_id", "position", "id"),
    Index(
        "catalog_items_on_sale",
        "vendor_id",
        "currency",
        "position",
        "id",
        postgresql_where=text("active"),
        sqlite_where=text("active"),
    ),
    Index(
        "catalog_items_of_category",
        "vendor_id",
        "currency",
        "category_id",
        "position",
        "id",
        postgresql_where=text("active"),
        sqlite_where=text("active"),
    ),
    Index(
        "catalog_items_to_index",
        "vendor_id",
        "id",
        postgresql_where=text("NOT is_indexed"),
        sqlite_where=text("NOT is_indexed"),
    ),
    sqlite_strict=True,
)

catalog_counts = Table(
    "catalog_counts",
    platform_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("currency", Code, nullable=False),
    Column("category_id", Code, nullable=False),
    Column("items", BigInt, nullable=False),
    PrimaryKeyConstraint("vendor_id", "currency", "category_id", name="catalog_counts_pk"),
    ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="catalog_counts_vendor_fk", ondelete="CASCADE"),
    sqlite_strict=True,
)

catalog_words = Table(
    "catalog_words",
    platform_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("item_id", Code, nullable=False),
    Column("word", Code, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    PrimaryKeyConstraint("vendor_id", "item_id", "word", name="catalog_words_pk"),
    ForeignKeyConstraint(
        ["vendor_id", "item_id"],
        ["catalog_items.vendor_id", "catalog_items.id"],
        name="catalog_words_item_fk",
        ondelete="CASCADE",
    ),
    # What is written exactly so comes before what only begins so; then as it is shown.
    Index("catalog_words_in_order", "vendor_id", "word", "rank", "position", "item_id"),
    sqlite_strict=True,
)

catalog_spellings = Table(
    "catalog_spellings",
    platform_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("spelling", Code, nullable=False),
    Column("word", Code, nullable=False),
    PrimaryKeyConstraint("vendor_id", "spelling", "word", name="catalog_spellings_pk"),
    ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="catalog_spellings_vendor_fk"),
    sqlite_strict=True,
)

catalog_pictures = Table(
    "catalog_pictures",
    platform_metadata,
    Column("vendor_id", Code, nullable=False),
    Column("item_id", Code, nullable=False),
    Column("media_type", Code, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("vendor_id", "item_id", name="catalog_pictures_pk"),
    ForeignKeyConstraint(
        ["vendor_id", "item_id"],
        ["catalog_items.vendor_id", "catalog_items.id"],
        name="catalog_pictures_item_fk",
        ondelete="CASCADE",
    ),
    CheckConstraint("media_type IN ('image/png', 'image/jpeg')", name="catalog_pictures_type_check"),
    CheckConstraint("length(content) BETWEEN 1 AND 500000", name="catalog_pictures_size_check"),
    sqlite_strict=True,
)
