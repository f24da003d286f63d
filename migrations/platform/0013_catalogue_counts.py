"""How many items stand on each shelf, counted as they change: by triggers, whoever writes an item and however, also by
hand in SQL."""

from alembic import op
from sqlalchemy import Column, ForeignKeyConstraint, PrimaryKeyConstraint, text

from kit.columns import BigInt, Code

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _catalog_counts()
    op.execute(
        "INSERT INTO catalog_counts (vendor_id, currency, category_id, items) "
        "SELECT vendor_id, currency, coalesce(category_id, ''), count(*) FROM catalog_items WHERE active "
        "GROUP BY vendor_id, currency, coalesce(category_id, '')"
    )
    _page_by_category()
    if op.get_bind().dialect.name == "postgresql":
        _count_on_postgresql()
    else:
        _count_on_sqlite()


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
        "SET search_path FROM CURRENT AS $$ BEGIN UPDATE catalog_counts SET items = 0; RETURN NULL; END $$"
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


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
