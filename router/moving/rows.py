"""Rows of one vendor in one ops database, in the order of keys and in a form that means the same on every engine.

Knows no table by name: whatever the ops lineage keeps for a vendor is seen, so that no new table is forgotten. Times
are text in UTC to the microsecond and flags are 0 and 1: nothing is left to convert in Python, where most of a copy's
time would go."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import (
    Column,
    Integer,
    Table,
    Text,
    cast,
    column,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    table,
    text,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from contracts.ids import VendorId
from kit.columns import Flag, JsonDoc, UtcTime
from kit.db import Tx
from router.databases import ops_metadata, vendor_fences

BATCH = 1000
"""Rows that are held in memory at a time."""

Row = dict[str, Any]
Key = tuple[Any, ...]
"""The values of a primary key but for the vendor's."""


def moved_tables() -> list[Table]:
    """Every table of an ops database that holds rows of vendors, parents before children."""
    return [each for each in ops_metadata.sorted_tables if each is not vendor_fences]


def vendor_column(of: Table) -> Column[Any]:
    """The column that says whose a row is."""
    return of.c["vendor_id"] if "vendor_id" in of.c else of.c["scope"]


def key_of(of: Table, row: Row) -> Key:
    return tuple(row[each.name] for each in _key(of))


def rows_between(
    tx: Tx, of: Table, vendor_id: VendorId, after: Key | None, upto: Key | None, limit: int | None = None
) -> list[Row]:
    """This vendor's rows with keys after `after` and up to `upto`, in their order; None is no bound."""
    columns = (_plain(each, is_postgres=tx.is_postgres).label(each.name) for each in of.c)
    statement = _bounded(select(*columns).select_from(of), of, vendor_id, after, upto).order_by(*_key(of)).limit(limit)
    names = of.c.keys()
    return [dict(zip(names, row, strict=True)) for row in tx.execute(statement)]


def mark(tx: Tx, of: Table, vendor_id: VendorId, after: Key | None, upto: Key | None) -> str | None:
    """What becomes another when any of these rows does: to be compared with what the same database said before, and
    with nothing else. None where the database can't tell sooner than the rows themselves are read."""
    if not tx.is_postgres:
        return None
    whole_rows = func.string_agg(literal_column(f"{_name(tx, of)}::text"), aggregate_order_by(literal("\n"), *_key(of)))
    digest = func.encode(func.sha256(func.convert_to(func.coalesce(whole_rows, ""), "UTF8")), "hex")
    return tx.execute(_bounded(select(digest).select_from(of), of, vendor_id, after, upto)).scalar_one()


def all_rows(tx: Tx, of: Table, vendor_id: VendorId, after: Key | None = None) -> Iterator[list[Row]]:
    """This vendor's rows with keys after `after`, `BATCH` at a time."""
    while rows := rows_between(tx, of, vendor_id, after, None, BATCH):
        yield rows
        after = key_of(of, rows[-1])


def has_rows(tx: Tx, vendor_id: VendorId) -> str | None:
    """The name of a table in which this vendor has a row, if there is one."""
    for each in moved_tables():
        if tx.execute(select(vendor_column(each)).where(vendor_column(each) == vendor_id).limit(1)).first():
            return each.name
    return None


def put(tx: Tx, of: Table, rows: list[Row]) -> None:
    if not tx.is_postgres:
        tx.execute(insert(_bare(of)), rows)
        return
    # One statement for all of them costs a fifth of executing it for each, and COPY is refused where rows are secured.
    name, columns = _name(tx, of), ", ".join(_names(tx, of.c))
    given = f"json_populate_recordset(NULL::{name}, CAST(:rows AS json))"
    tx.execute(text(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {given}"), {"rows": as_json(rows)})  # noqa: S608


def change(tx: Tx, of: Table, before: Row, after: Row) -> None:
    """Only what differs is set: some columns refuse to be, even to what they are."""
    differing = [name for name in after if before[name] != after[name]]
    if not tx.is_postgres:
        bare = _bare(of)
        where = (bare.c[each.name] == after[each.name] for each in of.primary_key)
        tx.execute(update(bare).where(*where).values({name: after[name] for name in differing}))
        return
    name = _name(tx, of)
    new = ", ".join(f"{each} = given.{each}" for each in _names(tx, (of.c[each] for each in differing)))
    given = f"json_populate_record(NULL::{name}, CAST(:row AS json)) given"
    tx.execute(text(f"UPDATE {name} SET {new} FROM {given} WHERE {_same_key(tx, of)}"), {"row": as_json(after)})  # noqa: S608


def take_away(tx: Tx, of: Table, rows: list[Row]) -> None:
    if not tx.is_postgres:
        bare = _bare(of)
        for row in rows:
            tx.execute(delete(bare).where(*(bare.c[each.name] == row[each.name] for each in of.primary_key)))
        return
    name = _name(tx, of)
    given = f"json_populate_recordset(NULL::{name}, CAST(:rows AS json)) given"
    tx.execute(text(f"DELETE FROM {name} USING {given} WHERE {_same_key(tx, of)}"), {"rows": as_json(rows)})  # noqa: S608


def go_on_counting(tx: Tx, of: Table) -> None:
    """What the database numbers by itself goes on after what was put into it. On SQLite it does so anyway."""
    numbered = of.autoincrement_column
    if numbered is None or not tx.is_postgres:
        return
    highest = tx.execute(select(func.max(numbered))).scalar_one()
    if highest is None:
        return
    place = {"table": of.name, "column": numbered.name}
    sequence = tx.execute(text("SELECT pg_get_serial_sequence(:table, :column)"), place).scalar_one()
    if tx.execute(text("SELECT has_sequence_privilege(:name, 'UPDATE')"), {"name": sequence}).scalar_one():
        tx.execute(text("SELECT setval(:name, :highest)"), {"name": sequence, "highest": highest})
        return
    # A role that may only draw numbers draws them.
    draw = "SELECT count(nextval(CAST(:name AS regclass))) FROM generate_series(1, :highest)"
    tx.execute(text(draw), {"name": sequence, "highest": highest})


as_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode


def _key(of: Table) -> list[Column[Any]]:
    return [each for each in of.primary_key if each is not vendor_column(of)]


def _bounded(statement: Any, of: Table, vendor_id: VendorId, after: Key | None, upto: Key | None) -> Any:
    key, statement = tuple_(*_key(of)), statement.where(vendor_column(of) == vendor_id)
    if after is not None:
        statement = statement.where(key > tuple_(*_literals(of, after)))
    if upto is not None:
        statement = statement.where(key <= tuple_(*_literals(of, upto)))
    return statement


def _literals(of: Table, key: Key) -> list[Any]:
    return [literal(value, each.type) for each, value in zip(_key(of), key, strict=True)]


def _plain(each: Column[Any], *, is_postgres: bool) -> Any:
    match each.type:
        case UtcTime() if is_postgres:
            in_utc = func.timezone("UTC", each)
            return func.to_char(in_utc, 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"', type_=Text())
        case UtcTime():
            return type_coerce(each, Text())
        case Flag():
            return cast(each, Integer()) if is_postgres else type_coerce(each, Integer())
        case _:
            return each


def _bare(of: Table) -> Any:
    """The table without types that would want to convert what is plain already."""
    return table(of.name, *(column(each.name, each.type if isinstance(each.type, JsonDoc) else None) for each in of.c))


def _name(tx: Tx, of: Table) -> str:
    return tx.conn.dialect.identifier_preparer.format_table(of)


def _names(tx: Tx, columns: Iterable[Column[Any]]) -> list[str]:
    return [tx.conn.dialect.identifier_preparer.format_column(each) for each in columns]


def _same_key(tx: Tx, of: Table) -> str:
    return " AND ".join(f"{_name(tx, of)}.{each} = given.{each}" for each in _names(tx, of.primary_key))
