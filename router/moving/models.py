"""Tables of the platform database about databases: what migrations did to each, and which vendors are being moved."""

from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from kit.columns import BigInt, Code, JsonDoc, UtcTime
from router.databases import platform_metadata


class MigrationStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class MoveStatus(StrEnum):
    MOVING = "moving"
    MOVED = "moved"
    ABANDONED = "abandoned"


database_migrations = Table(
    "database_migrations",
    platform_metadata,
    Column("id", Code, nullable=False),
    Column("database_name", Code, nullable=False),  # platform, ops, conversations, payments, or tenant:<vendor>
    Column("status", Code, nullable=False),
    Column("runner", Code, nullable=False),  # the process that did it, as kit.owners names it
    Column("from_revision", Code),
    Column("to_revision", Code),
    Column("started_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    Column("duration_ms", BigInt),
    Column("error", Text),
    PrimaryKeyConstraint("id", name="database_migrations_pk"),
    CheckConstraint("status IN ('running', 'done', 'failed', 'interrupted')", name="database_migrations_status_check"),
    CheckConstraint("(status = 'running') = (finished_at IS NULL)", name="database_migrations_finished_check"),
    Index("database_migrations_of_database", "database_name", "started_at", "id"),
    sqlite_strict=True,
)
"""A row per try that changed something or failed. The latest of a database is its state."""

vendor_moves = Table(
    "vendor_moves",
    platform_metadata,
    Column("id", Code, nullable=False),
    Column("vendor_id", Code, nullable=False),
    Column("number", Integer, nullable=False),  # 1, 2, … of this vendor
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
    Index(
        "vendor_moves_one_at_a_time",
        "vendor_id",
        unique=True,
        postgresql_where=text("status = 'moving'"),
        sqlite_where=text("status = 'moving'"),
    ),
    sqlite_strict=True,
)
"""What an operator wants, so that a move that was cut off can be finished or abandoned. Where a vendor lives is said by
`vendors` alone, and whether a database may be written by its fences alone."""
