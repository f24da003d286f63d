"""Words that find items, pictures of them, where shops deliver, and when they are open."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, LargeBinary, PrimaryKeyConstraint, Text

from kit.columns import BigInt, Code, JsonDoc

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_WORDS_COME_FROM = ("name", "keywords", "sku", "position", "active")


def upgrade() -> None:
    _catalog_words()
    _catalog_spellings()
    _catalog_pictures()
    _delivery_zones()
    _opening_hours()
    if op.get_bind().dialect.name == "postgresql":
        _forget_words_on_postgresql()
    else:
        _forget_words_on_sqlite()


def _catalog_words() -> None:
    op.create_table(
        "catalog_words",
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
        sqlite_strict=True,
    )
    op.create_index("catalog_words_in_order", "catalog_words", ["vendor_id", "word", "rank", "position", "item_id"])


def _catalog_spellings() -> None:
    op.create_table(
        "catalog_spellings",
        Column("vendor_id", Code, nullable=False),
        Column("spelling", Code, nullable=False),
        Column("word", Code, nullable=False),
        PrimaryKeyConstraint("vendor_id", "spelling", "word", name="catalog_spellings_pk"),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="catalog_spellings_vendor_fk"),
        sqlite_strict=True,
    )


def _catalog_pictures() -> None:
    op.create_table(
        "catalog_pictures",
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


def _delivery_zones() -> None:
    op.create_table(
        "delivery_zones",
        Column("vendor_id", Code, nullable=False),
        Column("id", Code, nullable=False),
        Column("name", Text, nullable=False),
        Column("fee_minor", BigInt, nullable=False),
        Column("position", Integer, nullable=False, server_default="0"),
        Column("latitude_e6", Integer),
        Column("longitude_e6", Integer),
        Column("radius_m", Integer),
        PrimaryKeyConstraint("vendor_id", "id", name="delivery_zones_pk"),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="delivery_zones_vendor_fk"),
        CheckConstraint("fee_minor >= 0", name="delivery_zones_fee_check"),
        CheckConstraint("radius_m > 0", name="delivery_zones_radius_check"),
        CheckConstraint(
            "(latitude_e6 IS NULL) = (radius_m IS NULL) AND (longitude_e6 IS NULL) = (radius_m IS NULL)",
            name="delivery_zones_place_check",
        ),
        sqlite_strict=True,
    )


def _opening_hours() -> None:
    op.create_table(
        "opening_hours",
        Column("vendor_id", Code, nullable=False),
        Column("hours", JsonDoc, nullable=False),
        PrimaryKeyConstraint("vendor_id", name="opening_hours_pk"),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="opening_hours_vendor_fk"),
        sqlite_strict=True,
    )


def _forget_words_on_postgresql() -> None:
    new, old = (", ".join(f"{row}.{name}" for name in _WORDS_COME_FROM) for row in ("NEW", "OLD"))
    op.execute(
        f"""
        CREATE FUNCTION forget_words() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF ({new}) IS DISTINCT FROM ({old}) THEN
                NEW.is_indexed := false;
            END IF;
            RETURN NEW;
        END
        $$
        """
    )
    op.execute(
        f"CREATE TRIGGER catalog_items_words BEFORE UPDATE OF {', '.join(_WORDS_COME_FROM)} ON catalog_items "
        "FOR EACH ROW EXECUTE FUNCTION forget_words()"
    )


def _forget_words_on_sqlite() -> None:
    is_changed = " OR ".join(f"OLD.{name} <> NEW.{name}" for name in _WORDS_COME_FROM)
    op.execute(
        f"CREATE TRIGGER catalog_items_words AFTER UPDATE OF {', '.join(_WORDS_COME_FROM)} ON catalog_items "
        f"WHEN {is_changed} "
        "BEGIN UPDATE catalog_items SET is_indexed = 0 WHERE vendor_id = NEW.vendor_id AND id = NEW.id; END"
    )


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
