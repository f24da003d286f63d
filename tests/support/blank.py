"""A database of PostgreSQL that a test is done with, made as good as new for the next one.

To copy a template is to make hundreds of files, a quarter of a second of a core; to take out what one test wrote costs
a few milliseconds. Nothing of one test may show in another: rows and sequences are put back, and a database in which
anything else has changed (a table, a policy, a right, a setting), or that has grown large, is not used again."""

from collections.abc import Sequence
from typing import LiteralString, cast

import psycopg
from psycopg import sql

_LARGE_BYTES = 4_000_000

# Whatever changes a row of a catalogue leaves a newer transaction's number in it. What lies below 16384 came with
# PostgreSQL itself.
_OURS = (
    ("pg_class", "oid"),
    ("pg_attribute", "attrelid"),
    ("pg_attrdef", "oid"),
    ("pg_constraint", "oid"),
    ("pg_index", "indexrelid"),
    ("pg_policy", "oid"),
    ("pg_proc", "oid"),
    ("pg_rewrite", "oid"),
    ("pg_sequence", "seqrelid"),
    ("pg_statistic", "starelid"),
    ("pg_trigger", "oid"),
    ("pg_type", "oid"),
)
_WHOLE = ("pg_cast", "pg_default_acl", "pg_event_trigger", "pg_extension", "pg_namespace", "pg_publication")
_OF_THE_DATABASE = (
    "SELECT count(setdatabase), hashtext(row(datdba, datacl, datconnlimit, datallowconn, datistemplate)::text) "
    "FROM pg_database LEFT JOIN pg_db_role_setting ON setdatabase = pg_database.oid "
    "WHERE datname = current_database() GROUP BY pg_database.oid"
)
_SHAPE = " UNION ALL ".join(
    (
        *(f"SELECT count(*), sum(xmin::text::bigint) FROM {name} WHERE {key} >= 16384" for name, key in _OURS),  # noqa: S608 - the constants above
        *(f"SELECT count(*), sum(xmin::text::bigint) FROM {name}" for name in _WHOLE),  # noqa: S608 - the constants above
        _OF_THE_DATABASE,
    )
)
_WRITTEN = (
    "SELECT oid::regclass::text, pg_table_size(oid) FROM pg_class "
    "WHERE oid >= 16384 AND relkind = 'r' AND relnamespace <> 'pg_toast'::regnamespace AND pg_relation_size(oid) > 0"
)
_SEQUENCES = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'S'"


class Blank:
    """What a database holds that nobody has used yet: its shape, the rows that migrations wrote, its sequences."""

    def __init__(self, unused: psycopg.Connection) -> None:
        self._shape = _shape(unused)
        self._rows = [_to_insert(unused, table) for table, _ in _written(unused)]
        self._sequences = [_to_set(unused, name) for (name,) in unused.execute(_SEQUENCES).fetchall()]

    def restore(self, used: psycopg.Connection) -> bool:
        """Put rows and sequences back. False where that would not be enough, or not be worth while."""
        written = _written(used)
        if sum(size for _, size in written) > _LARGE_BYTES or _shape(used) != self._shape:
            return False
        emptied = [sql.SQL("DELETE FROM {}").format(_raw(table)) for table, _ in written]
        # As a replica does: neither keys nor triggers ask in which order rows go.
        replica = sql.SQL("SET session_replication_role = replica")
        used.execute(sql.SQL("; ").join((replica, *emptied, *self._rows, *self._sequences)))
        return True


def _shape(connection: psycopg.Connection) -> Sequence[tuple[object, ...]]:
    return connection.execute(_SHAPE.encode()).fetchall()


def _written(connection: psycopg.Connection) -> list[tuple[str, int]]:
    return [(table, size) for table, size in connection.execute(_WRITTEN).fetchall()]


def _to_insert(connection: psycopg.Connection, table: str) -> sql.Composed:
    found = connection.execute(sql.SQL("SELECT json_agg(t)::text FROM {} t").format(_raw(table))).fetchone()
    assert found is not None
    form = "INSERT INTO {} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::{}, {})"
    return sql.SQL(form).format(_raw(table), _raw(table), sql.Literal(found[0] or "[]"))


def _to_set(connection: psycopg.Connection, sequence: str) -> sql.Composed:
    found = connection.execute(sql.SQL("SELECT last_value, is_called FROM {}").format(_raw(sequence))).fetchone()
    assert found is not None
    return sql.SQL("SELECT setval({}, {}, {})").format(sql.Literal(sequence), *map(sql.Literal, found))


def _raw(name: str) -> sql.SQL:
    """A name that PostgreSQL wrote itself, with its quotes and its schema where it needs them."""
    return sql.SQL(cast(LiteralString, name))
