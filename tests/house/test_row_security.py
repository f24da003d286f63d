"""Every table of an ops database belongs to vendors, and PostgreSQL shows each of them their own rows alone."""

from collections.abc import Generator

import pytest
from sqlalchemy import text

import router.app
from kit.db import Database
from router.databases import ops_metadata
from tests.support.postgres import Server

assert router.app  # every room's tables

OF_NOBODY = {"alembic_version"}
"""Tables without a vendor. Whatever else is none of a vendor's belongs into the platform database."""
VENDOR_COLUMNS = ("vendor_id", "scope")

PERSONAL = {
    *("body", "answer", "name", "payer_msisdn", "channel_address", "description", "reference", "receipt"),
    *("amount_minor", "total_minor", "unit_price_minor", "customer_id"),
}
"""Columns that no loop needs to see across shops, whatever table they are in."""

_TABLES = """
SELECT c.relname AS name, c.relrowsecurity AS is_on, c.relforcerowsecurity AS is_forced,
       (SELECT array_agg(a.attname::text) FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
       (SELECT array_agg(pg_get_expr(p.polqual, c.oid) || ' / ' || pg_get_expr(p.polwithcheck, c.oid))
          FROM pg_policy p WHERE p.polrelid = c.oid AND p.polroles = '{0}' AND p.polcmd = '*') AS policies,
       (SELECT array_agg(DISTINCT r.rolname::text) FROM pg_policy p JOIN pg_roles r ON r.oid = ANY (p.polroles)
         WHERE p.polrelid = c.oid AND p.polcmd IN ('r', '*')) AS readers
  FROM pg_class c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
"""
_GRANTED_TO_RELAY = """
SELECT table_name || '.' || column_name AS name, column_name, privilege_type
  FROM information_schema.column_privileges WHERE grantee = 'dukani_relay'
"""


@pytest.fixture(scope="module")
def ops(postgres: Server) -> Generator[Database]:
    url = postgres.create("ops")
    database = Database(url)
    yield database
    database.close()
    postgres.drop(url)


def test_every_table_of_a_vendor_shows_rows_in_the_scope_of_their_vendor_alone(ops: Database) -> None:
    with ops.read() as tx:
        tables = tx.execute(text(_TABLES)).all()
    assert {table.name for table in tables} == set(ops_metadata.tables) | OF_NOBODY
    for table in tables:
        owner = next((column for column in VENDOR_COLUMNS if column in table.columns), None)
        if owner is None:
            assert table.name in OF_NOBODY, f"{table.name} names no vendor: give it a vendor_id, and protect() it"
            continue
        assert (table.is_on, table.is_forced) == (True, True), f"{table.name}: its migration must protect() it"
        is_own = f"({owner} = NULLIF(current_setting('app.vendor_id'::text, true), ''::text))"
        assert table.policies == [f"{is_own} / {is_own}"], table.name
        assert set(table.readers or ()) <= {"dukani_inspect", "dukani_relay"}, table.name
        assert "dukani_inspect" in (table.readers or ()), table.name


def test_whoever_looks_across_shops_sees_nothing_personal_and_writes_only_leases_and_outcomes(ops: Database) -> None:
    with ops.read() as tx:
        granted = tx.execute(text(_GRANTED_TO_RELAY)).all()
    assert granted
    assert sorted(row.name for row in granted if row.column_name in PERSONAL) == []
    assert {row.privilege_type for row in granted} == {"SELECT", "UPDATE"}
    assert (
        sorted(row.name for row in granted if row.privilege_type == "UPDATE" and row.column_name == "vendor_id") == []
    )


def test_every_view_shows_what_its_reader_may_see(ops: Database) -> None:
    with ops.read() as tx:
        unsafe = tx.execute(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm') "
                "AND NOT coalesce(reloptions, '{}') @> '{security_invoker=true}'"
            )
        )
        assert unsafe.scalars().all() == [], "a view runs as its owner unless it is made with security_invoker = true"
