"""A vendor's rows from one ops database to another, table by table in the order of keys, and proof that they are equal.

Knows no table by name: whatever the ops lineage keeps for a vendor goes along, so that no new table is forgotten."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import Column, Row, Table, func, insert, select, text, tuple_

from contracts.ids import VendorId
from kit.db import Tx
from router.databases import ops_metadata, vendor_fences

BATCH = 1000
"""Rows that are held in memory at a time."""

OnRows = Callable[[str, int], None]
"""Told of a table's name and how many more of its rows are done."""


@dataclass(slots=True)
class Digest:
    """How many rows there were, and a checksum of their values that is the same on every engine."""

    count: int = 0
    _hash: Any = field(default_factory=lambda: blake2b(digest_size=16))

    def add(self, rows: Sequence[Row[Any]]) -> None:
        self.count += len(rows)
        for row in rows:
            self._hash.update(_as_json(list(row)).encode())
            self._hash.update(b"\n")

    @property
    def checksum(self) -> str:
        return self._hash.hexdigest()

    def is_like(self, other: "Digest") -> bool:
        return (self.count, self.checksum) == (other.count, other.checksum)


def moved_tables() -> list[Table]:
    """Every table of an ops database that holds rows of vendors, parents before children."""
    return [table for table in ops_metadata.sorted_tables if table is not vendor_fences]


def vendor_column(table: Table) -> Column[Any]:
    """The column that says whose a row is."""
    return table.c["vendor_id"] if "vendor_id" in table.c else table.c["scope"]


def rows_of(tx: Tx, table: Table, vendor_id: VendorId) -> Iterator[Sequence[Row[Any]]]:
    """All rows of this vendor in the order of the primary key, some at a time."""
    owner = vendor_column(table)
    key = [column for column in table.primary_key if column is not owner]
    everything = select(table).where(owner == vendor_id).order_by(*key)
    if not key:
        yield tx.execute(everything).all()
        return
    batch = everything.limit(BATCH)
    places = [list(table.c).index(column) for column in key]
    statement = batch
    while rows := tx.execute(statement).all():
        yield rows
        if len(rows) < BATCH:
            return
        last = [rows[-1][place] for place in places]
        statement = batch.where(key[0] > last[0] if len(key) == 1 else tuple_(*key) > tuple_(*last))


def count(tx: Tx, table: Table, vendor_id: VendorId) -> int:
    return tx.execute(select(func.count()).select_from(table).where(vendor_column(table) == vendor_id)).scalar_one()


def has_rows(tx: Tx, vendor_id: VendorId) -> str | None:
    """The name of a table in which this vendor has a row, if there is one."""
    for table in moved_tables():
        if tx.execute(select(vendor_column(table)).where(vendor_column(table) == vendor_id).limit(1)).first():
            return table.name
    return None


def copy(source: Tx, target: Tx, table: Table, vendor_id: VendorId, on_rows: OnRows) -> Digest:
    """Copy this vendor's rows as they are; what the source held is returned."""
    read = Digest()
    for rows in rows_of(source, table, vendor_id):
        read.add(rows)
        _put(target, table, rows)
        on_rows(table.name, len(rows))
    if read.count:
        _go_on_counting(target, table)
    return read


def digest(tx: Tx, table: Table, vendor_id: VendorId, on_rows: OnRows) -> Digest:
    found = Digest()
    for rows in rows_of(tx, table, vendor_id):
        found.add(rows)
        on_rows(table.name, len(rows))
    return found


def _put(tx: Tx, table: Table, rows: Sequence[Row[Any]]) -> None:
    names = table.c.keys()
    values = [dict(zip(names, row, strict=True)) for row in rows]
    if not tx.is_postgres:
        tx.execute(insert(table), values)
        return
    # One statement for all of them costs a fifth of executing it for each, and COPY is refused where rows are secured.
    name = tx.conn.dialect.identifier_preparer.format_table(table)
    columns = ", ".join(tx.conn.dialect.identifier_preparer.format_column(column) for column in table.c)
    statement = (
        f"INSERT INTO {name} ({columns}) SELECT {columns} "  # noqa: S608  # names of our own tables
        f"FROM json_populate_recordset(NULL::{name}, CAST(:rows AS json))"
    )
    tx.execute(text(statement), {"rows": _as_json(values)})


def _go_on_counting(tx: Tx, table: Table) -> None:
    """What the database numbers by itself goes on after what was copied. On SQLite it does so anyway."""
    column = table.autoincrement_column
    if column is None or not tx.is_postgres:
        return
    place = {"table": table.name, "column": column.name}
    highest = tx.execute(select(func.max(column))).scalar_one()
    sequence = tx.execute(text("SELECT pg_get_serial_sequence(:table, :column)"), place).scalar_one()
    if tx.execute(text("SELECT has_sequence_privilege(:name, 'UPDATE')"), {"name": sequence}).scalar_one():
        tx.execute(text("SELECT setval(:name, :highest)"), {"name": sequence, "highest": highest})
        return
    # A role that may only draw numbers draws them.
    draw = "SELECT count(nextval(CAST(:name AS regclass))) FROM generate_series(1, :highest)"
    tx.execute(text(draw), {"name": sequence, "highest": highest})


def _as_json(value: Any) -> str:
    return json.dumps(value, default=_plain, sort_keys=True, separators=(",", ":"))


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    raise TypeError(f"a column holds a {type(value).__name__}, which was never compared between databases")
