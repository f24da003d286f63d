"""The migrations make to the letter what the models say: columns, keys, checks, defaults and indexes."""

import pytest
from sqlalchemy import MetaData, text

import router.app  # every room's tables
import router.moving.models
from kit.db import Database, Tx
from router.databases import ops_metadata, platform_metadata
from tests.support.databases import NewDatabase, as_owner, seeing_all

assert router.app
assert router.moving.models

LINEAGES = pytest.mark.parametrize(("lineage", "metadata"), [("platform", platform_metadata), ("ops", ops_metadata)])

_POSTGRES = """
SELECT 'column ' || table_name || '.' || column_name AS name,
       concat_ws(' ', data_type, collation_name, is_nullable, column_default) AS definition
  FROM information_schema.columns WHERE table_schema = 'public'
   AND table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = 'public')
UNION ALL
SELECT 'constraint ' || conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index ' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
"""
_SQLITE = "SELECT type || ' ' || name AS name, sql AS definition FROM sqlite_master WHERE type IN ('table', 'index')"


def described(tx: Tx) -> dict[str, str]:
    """Everything but Alembic's own table, each thing by its name."""
    rows = tx.execute(text(_POSTGRES if tx.is_postgres else _SQLITE))
    return {
        row.name: " ".join((row.definition or "").split())
        for row in rows
        if "alembic_version" not in row.name and "sqlite_" not in row.name
    }


def empty(database: Database) -> None:
    with as_owner(database) as tx:
        if tx.is_postgres:
            tx.execute(text("DROP SCHEMA public CASCADE"))
            tx.execute(text("CREATE SCHEMA public"))
            return
        names = tx.execute(text("SELECT type, name FROM sqlite_master WHERE type IN ('view', 'table')")).all()
        tx.execute(text("PRAGMA defer_foreign_keys = ON"))
        for row in sorted(names, key=lambda row: row.type, reverse=True):
            if not row.name.startswith("sqlite_"):
                tx.execute(text(f"DROP {row.type} {row.name}"))


@LINEAGES
def test_the_migrations_make_what_the_models_say(new_database: NewDatabase, lineage: str, metadata: MetaData) -> None:
    migrated, made = new_database(lineage), new_database(lineage)
    empty(made)
    with as_owner(made) as tx:
        metadata.create_all(tx.conn)
    with seeing_all(migrated) as ours, seeing_all(made) as theirs:
        assert described(ours) == described(theirs)
        assert {name.split()[0] for name in described(ours)} >= {"index"}
        assert len(described(ours)) > len(metadata.tables)


@LINEAGES
def test_every_constraint_has_a_name(lineage: str, metadata: MetaData) -> None:
    unnamed = [
        f"{lineage}: {table.name} {type(constraint).__name__}"
        for table in metadata.tables.values()
        for constraint in table.constraints
        if not constraint.name and not (table.name == "outbox" and type(constraint).__name__ == "PrimaryKeyConstraint")
    ]
    assert unnamed == []


def test_whatever_belongs_to_a_shop_is_keyed_by_it() -> None:
    keyless = {"idempotency_records", "outbox"}  # by scope and sequence
    for table in ops_metadata.tables.values():
        if table.name not in keyless:
            assert next(iter(table.primary_key.columns)).name == "vendor_id", table.name
        assert "vendor_id" in table.c or "scope" in table.c, table.name
        for key in table.foreign_key_constraints:
            assert key.column_keys[0] == "vendor_id", key.name
