"""A stamp on each shop whenever what is remembered of it changes, whoever changes it and however: also by hand, in SQL.

Stamps are given out under the lock of one row, so that a greater one never commits before a smaller one: who has seen
every stamp up to n has seen every change up to n."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, PrimaryKeyConstraint

from kit.columns import BigInt, Code

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_STAMPED = (
    ("vendors", "id"),
    ("vendor_capabilities", "vendor_id"),
    ("vendor_limits", "vendor_id"),
    ("vendor_rails", "vendor_id"),
)


def upgrade() -> None:
    op.create_table(
        "vendor_stamps",
        Column("vendor_id", Code, nullable=False),
        Column("stamp", BigInt, nullable=False),
        PrimaryKeyConstraint("vendor_id", name="vendor_stamps_pk"),
        sqlite_strict=True,
    )
    op.create_index("vendor_stamps_newest", "vendor_stamps", ["stamp"])
    op.create_table(
        "vendor_last_stamp",
        Column("id", BigInt, nullable=False),
        Column("stamp", BigInt, nullable=False),
        PrimaryKeyConstraint("id", name="vendor_last_stamp_pk"),
        CheckConstraint("id = 1", name="vendor_last_stamp_one_row_check"),
        sqlite_strict=True,
    )
    op.execute("INSERT INTO vendor_last_stamp (id, stamp) VALUES (1, 0)")
    if op.get_bind().dialect.name == "postgresql":
        _on_postgresql()
    else:
        _on_sqlite()


def _on_postgresql() -> None:
    # As its owner: whoever may change a shop need not be let write stamps.
    op.execute(
        """
        CREATE FUNCTION stamp_vendor() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
        DECLARE
            whose text;
            next_stamp bigint;
        BEGIN
            FOR whose IN
                SELECT DISTINCT j ->> TG_ARGV[0]
                FROM unnest(ARRAY[to_jsonb(OLD), to_jsonb(NEW)]) AS j WHERE j IS NOT NULL
            LOOP
                UPDATE vendor_last_stamp SET stamp = stamp + 1 RETURNING stamp INTO next_stamp;
                INSERT INTO vendor_stamps (vendor_id, stamp) VALUES (whose, next_stamp)
                ON CONFLICT (vendor_id) DO UPDATE SET stamp = EXCLUDED.stamp;
            END LOOP;
            RETURN NULL;
        END
        $$
        """
    )
    for table, column in _STAMPED:
        op.execute(
            f"CREATE TRIGGER {table}_stamp AFTER INSERT OR UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION stamp_vendor('{column}')"
        )


def _on_sqlite() -> None:
    for table, column in _STAMPED:
        for event, rows in (("INSERT", ("NEW",)), ("UPDATE", ("OLD", "NEW")), ("DELETE", ("OLD",))):
            stamping = " ".join(
                "UPDATE vendor_last_stamp SET stamp = stamp + 1; "
                "INSERT INTO vendor_stamps (vendor_id, stamp) "
                f"SELECT {row}.{column}, stamp FROM vendor_last_stamp WHERE true "
                "ON CONFLICT (vendor_id) DO UPDATE SET stamp = excluded.stamp;"
                for row in rows
            )
            op.execute(f"CREATE TRIGGER {table}_stamp_{event.lower()} AFTER {event} ON {table} BEGIN {stamping} END")


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
