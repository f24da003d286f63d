"""What migrations did to each database, and which vendors are being moved between them."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, Integer, PrimaryKeyConstraint, Text, UniqueConstraint, text

from kit.columns import BigInt, Code, JsonDoc, UtcTime

revision = "0009"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _database_migrations()
    _vendor_moves()


def _database_migrations() -> None:
    op.create_table(
        "database_migrations",
        Column("id", Code, nullable=False),
        Column("database_name", Code, nullable=False),
        Column("status", Code, nullable=False),
        Column("runner", Code, nullable=False),
        Column("from_revision", Code),
        Column("to_revision", Code),
        Column("started_at", UtcTime, nullable=False),
        Column("finished_at", UtcTime),
        Column("duration_ms", BigInt),
        Column("error", Text),
        PrimaryKeyConstraint("id", name="database_migrations_pk"),
        CheckConstraint(
            "status IN ('running', 'done', 'failed', 'interrupted')", name="database_migrations_status_check"
        ),
        CheckConstraint("(status = 'running') = (finished_at IS NULL)", name="database_migrations_finished_check"),
        sqlite_strict=True,
    )
    op.create_index("database_migrations_of_database", "database_migrations", ["database_name", "started_at", "id"])


def _vendor_moves() -> None:
    op.create_table(
        "vendor_moves",
        Column("id", Code, nullable=False),
        Column("vendor_id", Code, nullable=False),
        Column("number", Integer, nullable=False),
        Column("status", Code, nullable=False),
        Column("from_isolation", Code, nullable=False),
        Column("from_target", JsonDoc),
        Column("to_isolation", Code, nullable=False),
        Column("to_target", JsonDoc),
        Column("started_at", UtcTime, nullable=False),
        Column("finished_at", UtcTime),
        Column("purged_at", UtcTime),
        PrimaryKeyConstraint("vendor_id", "number", name="vendor_moves_pk"),
        UniqueConstraint("id", name="vendor_moves_id_key"),
        CheckConstraint("status IN ('moving', 'moved', 'abandoned')", name="vendor_moves_status_check"),
        CheckConstraint("(status = 'moving') = (finished_at IS NULL)", name="vendor_moves_finished_check"),
        CheckConstraint("from_isolation IN ('shared_db', 'dedicated_db')", name="vendor_moves_from_check"),
        CheckConstraint("to_isolation IN ('shared_db', 'dedicated_db')", name="vendor_moves_to_check"),
        sqlite_strict=True,
    )
    is_moving = text("status = 'moving'")
    op.create_index(
        "vendor_moves_one_at_a_time",
        "vendor_moves",
        ["vendor_id"],
        unique=True,
        postgresql_where=is_moving,
        sqlite_where=is_moving,
    )


def downgrade() -> None:
    raise NotImplementedError("a shop's history is not taken back: restore a backup instead")
