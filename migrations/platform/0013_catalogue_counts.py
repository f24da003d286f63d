"""How many items stand on each shelf, counted as they change; and words in the order in which they are shown.

Both are derived. The counts are kept by triggers, whoever writes an item and however: also by hand, in SQL. Words are
put there again before the shop's next search."""

from alembic import op
from sqlalchemy import Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, text

from kit.columns import BigInt, Code

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_WORDS_COME_FROM = ("name", "keywords", "sku", "position", "active")


def upgrade() -> None:
    _catalog_counts()
    op.execute(
        "INSERT INTO catalog_counts (vendor_id, currency, category_id, items) "
        "SELECT vendor_id, currency, coalesce(category_id, ''), count(*) FROM catalog_items WHERE active "
        "GROUP BY vendor_id, currency, coalesce(category_id, '')"
    )
    _page_by_category()
    op.drop_table("catalog_words")
    _catalog_words()
    if op.get_bind().dialect.name == "postgresql":
        _count_on_postgresql()
        _forget_words_on_postgresql()
        op.execute("UPDATE catalog_items SET is_indexed = false")
    else:
        _count_on_sqlite()
        _forget_words_on_sqlite()
        op.execute("UPDATE catalog_items SET is_indexed = 0")


def _catalog_counts() -> None:
    op.create_table(
        "catalog_counts",
        Column("vendor_id", Code, nullable=False),
        Column("currency", Code, nullable=False),
        Column("category_id", Code, nullable=False),
        Column("items", BigInt, nullable=False),
        PrimaryKeyConstraint("vendor_id", "currency", "category_id", name="catalog_counts_pk"),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"], name="catalog_counts_vendor_fk", ondelete="CASCADE"),
        sqlite_strict=True,
    )


def _page_by_category() -> None:
    """No shelf is counted from its index any more."""
    op.drop_index("catalog_items_of_category", "catalog_items")
    op.create_index(
        "catalog_items_of_category",
        "catalog_items",
        ["vendor_id", "currency", "category_id", "position", "id"],
        postgresql_where=text("active"),
        sqlite_where=text("active"),
    )


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


def _count_on_postgresql() -> None:
    # Once for each statement, so that an import costs as many counts as it has statements; in the order of keys, and
    # as its owner: whoever may change an item need not be let write counts.
    op.execute(
        """
        CREATE FUNCTION count_items() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
        DECLARE
            changed text := '';
        BEGIN
            IF TG_OP <> 'DELETE' THEN
                changed := 'SELECT vendor_id, currency, category_id, 1 AS n FROM added WHERE active';
            END IF;
            IF TG_OP = 'UPDATE' THEN
                changed := changed || ' UNION ALL ';
            END IF;
            IF TG_OP <> 'INSERT' THEN
                changed := changed || 'SELECT vendor_id, currency, category_id, -1 AS n FROM removed WHERE active';
            END IF;
            EXECUTE 'INSERT INTO catalog_counts AS known (vendor_id, currency, category_id, items) '
                'SELECT vendor_id, currency, coalesce(category_id, ''''), sum(n) FROM (' || changed || ') AS changed '
                'GROUP BY 1, 2, 3 HAVING sum(n) <> 0 ORDER BY 1, 2, 3 '
                'ON CONFLICT (vendor_id, currency, category_id) DO UPDATE SET items = known.items + excluded.items';
            RETURN NULL;
        END
        $$
        """
    )
    tables = {"INSERT": "NEW TABLE AS added", "DELETE": "OLD TABLE AS removed"}
    tables["UPDATE"] = " ".join(tables.values())
    for event, named in tables.items():
        op.execute(
            f"CREATE TRIGGER catalog_items_count_{event.lower()} AFTER {event} ON catalog_items "
            f"REFERENCING {named} FOR EACH STATEMENT EXECUTE FUNCTION count_items()"
        )
    op.execute(
        "CREATE FUNCTION count_no_items() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
        "SET search_path FROM CURRENT AS $$ BEGIN DELETE FROM catalog_counts; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER catalog_items_count_truncate AFTER TRUNCATE ON catalog_items "
        "FOR EACH STATEMENT EXECUTE FUNCTION count_no_items()"
    )


def _count_on_sqlite() -> None:
    def counted(row: str, n: int) -> str:
        return (
            "INSERT INTO catalog_counts (vendor_id, currency, category_id, items) "
            f"SELECT {row}.vendor_id, {row}.currency, coalesce({row}.category_id, ''), {n} WHERE {row}.active "
            "ON CONFLICT (vendor_id, currency, category_id) DO UPDATE SET items = items + excluded.items;"
        )

    for event, changes in (
        ("INSERT", counted("NEW", 1)),
        ("UPDATE OF vendor_id, currency, category_id, active", f"{counted('OLD', -1)} {counted('NEW', 1)}"),
        ("DELETE", counted("OLD", -1)),
    ):
        name = f"catalog_items_count_{event.partition(' ')[0].lower()}"
        op.execute(f"CREATE TRIGGER {name} AFTER {event} ON catalog_items BEGIN {changes} END")


def _forget_words_on_postgresql() -> None:
    new, old = (", ".join(f"{row}.{name}" for name in _WORDS_COME_FROM) for row in ("NEW", "OLD"))
    op.execute(
        f"""
        CREATE OR REPLACE FUNCTION forget_words() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF ({new}) IS DISTINCT FROM ({old}) THEN
                NEW.is_indexed := false;
            END IF;
            RETURN NEW;
        END
        $$
        """
    )
    op.execute("DROP TRIGGER catalog_items_words ON catalog_items")
    op.execute(
        f"CREATE TRIGGER catalog_items_words BEFORE UPDATE OF {', '.join(_WORDS_COME_FROM)} ON catalog_items "
        "FOR EACH ROW EXECUTE FUNCTION forget_words()"
    )


def _forget_words_on_sqlite() -> None:
    is_changed = " OR ".join(f"OLD.{name} <> NEW.{name}" for name in _WORDS_COME_FROM)
    op.execute("DROP TRIGGER catalog_items_words")
    op.execute(
        f"CREATE TRIGGER catalog_items_words AFTER UPDATE OF {', '.join(_WORDS_COME_FROM)} ON catalog_items "
        f"WHEN {is_changed} "
        "BEGIN UPDATE catalog_items SET is_indexed = 0 WHERE vendor_id = NEW.vendor_id AND id = NEW.id; END"
    )


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
