"""Keeps the words of what a shop sells: by which items are found, and how they may be misspelt. `Tx` is of the
platform."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Table, bindparam, delete, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from contracts.ids import VendorId
from kit.columns import is_plainly
from kit.db import Database, Tx
from router.catalog.models import catalog_items, catalog_spellings, catalog_words
from router.catalog.words import ranked_words, spellings

BATCH = 500
_ROWS_A_STATEMENT = 1000


def index_waiting(platform: Database, vendor_id: VendorId) -> None:
    """Put what waits into the index, batch by batch: after this a search finds it."""
    with platform.read() as tx:
        if not is_any_waiting(tx, vendor_id):
            return
    while True:
        with platform.write() as tx:
            if not index_batch(tx, vendor_id):
                return


def index_batch(tx: Tx, vendor_id: VendorId) -> bool:
    """Index some of what waits; what another transaction indexes is left to it. Returns whether any was."""
    rows = tx.execute(_WAITING, {"vendor": vendor_id, "limit": BATCH}).all()
    if rows:
        _index(tx, vendor_id, rows)
    return len(rows) == BATCH


def is_any_waiting(tx: Tx, vendor_id: VendorId) -> bool:
    return tx.execute(_ANY_WAITING, {"vendor": vendor_id}).first() is not None


def _index(tx: Tx, vendor_id: VendorId, rows: Sequence[Row[Any]]) -> None:
    ids = [row.id for row in rows]
    tx.execute(delete(catalog_words).where(catalog_words.c.vendor_id == vendor_id, catalog_words.c.item_id.in_(ids)))
    ranked = [(row, ranked_words(row.sku, row.name, row.keywords)) for row in rows if row.active]
    words = [
        {"vendor_id": vendor_id, "item_id": row.id, "word": word, "rank": rank, "position": row.position}
        for row, found in ranked
        for word, rank in found.items()
    ]
    distinct = sorted({word for _, found in ranked for word in found})
    near = [
        {"vendor_id": vendor_id, "spelling": spelling, "word": word}
        for word in distinct
        for spelling in sorted(spellings(word))
    ]
    _insert(tx, catalog_words, words)
    _insert(tx, catalog_spellings, near)
    tx.execute(
        update(catalog_items)
        .where(catalog_items.c.vendor_id == vendor_id, catalog_items.c.id.in_(ids))
        .values(is_indexed=true())
    )


def _insert(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Those that are not there, many with each statement: one by one they would cost ten times as much."""
    into = postgresql.insert(table) if tx.is_postgres else sqlite.insert(table)
    for start in range(0, len(rows), _ROWS_A_STATEMENT):
        values = into.values(rows[start : start + _ROWS_A_STATEMENT])
        tx.execute(values.on_conflict_do_nothing(index_elements=list(table.primary_key)))


_IS_WAITING = is_plainly("NOT catalog_items.is_indexed")
_OF_SHOP = catalog_items.c.vendor_id == bindparam("vendor")
_ANY_WAITING = select(catalog_items.c.id).where(_OF_SHOP, _IS_WAITING).limit(1)
_NEEDED = ("id", "sku", "name", "keywords", "position", "active")
_WAITING = (
    select(*(catalog_items.c[name] for name in _NEEDED))
    .where(_OF_SHOP, _IS_WAITING)
    .order_by(catalog_items.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
