"""Finds items by words, with a number of rows read that does not grow with the catalogue. `Tx` is of the platform."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from contracts.ids import ItemId, VendorId
from contracts.money import Currency
from kit.db import Tx
from router.catalog.models import catalog_items, catalog_spellings, catalog_words
from router.catalog.words import AFTER_ALL, MAX_TERMS, SKU_RANK, misspellings, nearest, whole, words_in

MOST_FOUND = 200
"""More says that the words were too few."""
_LOOKED_AT = 1000
"""Rows of the rarest word that are looked at, in the order of words: what is written so exactly comes first."""

ON_SALE: ColumnElement[bool] = literal_column("catalog_items.active", Boolean)
"""Written out, so that both databases recognise the partial indexes."""


@dataclass(frozen=True, slots=True)
class _Term:
    """What a word of the query stands for: words that begin so."""

    begin: str
    is_known: bool
    rows: int


def found(tx: Tx, vendor_id: VendorId, currency: Currency, query: str, category_id: str | None) -> list[ItemId]:
    """Best match first: the SKU, then what holds every word, then what holds some."""
    terms = _terms(tx, vendor_id, query)
    ids = _by_sku(tx, vendor_id, currency, query, category_id)
    known = sorted((term for term in terms if term.is_known), key=lambda term: term.rows)
    if known:
        matching = _holding(tx, vendor_id, currency, known, category_id)
        if not matching and len(known) > 1:
            matching = _holding_some(tx, vendor_id, currency, [term for term in terms if term.is_known], category_id)
        ids += [item_id for item_id in matching if item_id not in ids]
    return ids[:MOST_FOUND]


def _terms(tx: Tx, vendor_id: VendorId, query: str) -> list[_Term]:
    words = words_in(query)[:MAX_TERMS]
    counts = _counts(tx, vendor_id, words)
    missing = {word for word in words if not counts[word]}
    meant = _meant(tx, vendor_id, missing) if missing else {}
    again = _counts(tx, vendor_id, sorted(set(meant.values())))
    terms: list[_Term] = []
    for word in words:
        begin = meant.get(word, word)
        rows = counts[word] or again.get(begin, 0)
        terms.append(_Term(begin, is_known=rows > 0, rows=rows))
    return terms


def _counts(tx: Tx, vendor_id: VendorId, words: Sequence[str]) -> dict[str, int]:
    """How many rows each beginning has, as far as it matters which has the fewest."""
    if not words:
        return {}
    parts = [
        select(
            literal_column(str(at), Integer).label("at"),
            select(func.count())
            .select_from(
                select(catalog_words.c.rank).where(*_begins(catalog_words, f"w{at}")).limit(_LOOKED_AT).subquery()
            )
            .scalar_subquery()
            .label("rows"),
        )
        for at in range(len(words))
    ]
    params = {"vendor": vendor_id, **_bounds(words)}
    counted = {row.at: row.rows for row in tx.execute(union_all(*parts), params)}
    return {word: counted[at] for at, word in enumerate(words)}


def _meant(tx: Tx, vendor_id: VendorId, written: set[str]) -> dict[str, str]:
    """Known words for words that nothing begins with."""
    near = {word: misspellings(word) for word in written}
    wanted = sorted({spelling for spellings in near.values() for spelling in spellings})
    if not wanted:
        return {}
    rows = tx.execute(
        select(catalog_spellings.c.word)
        .where(catalog_spellings.c.vendor_id == vendor_id, catalog_spellings.c.spelling.in_(wanted))
        .distinct()
        .limit(_LOOKED_AT)
    )
    known = {row.word for row in rows}
    meant = {word: nearest(word, known) for word in written}
    return {word: stands_for for word, stands_for in meant.items() if stands_for is not None}


def _by_sku(tx: Tx, vendor_id: VendorId, currency: Currency, query: str, category_id: str | None) -> list[ItemId]:
    wanted = whole(query)
    if not wanted:
        return []
    words = (
        select(catalog_words.c.item_id, catalog_words.c.word, catalog_words.c.rank)
        .where(
            catalog_words.c.vendor_id == bindparam("vendor"),
            catalog_words.c.word == bindparam("w0"),
            catalog_words.c.rank == SKU_RANK,
        )
        .limit(MOST_FOUND)
    )
    return _ranked(tx, words, vendor_id, currency, [wanted], category_id)


def _holding(
    tx: Tx, vendor_id: VendorId, currency: Currency, terms: Sequence[_Term], category_id: str | None
) -> list[ItemId]:
    """Items that hold all of them; the first, which is the rarest, leads."""
    words = _led()
    for at in range(1, len(terms)):
        other = aliased(catalog_words, name=f"other{at}")
        words = words.where(
            select(other.c.rank).where(other.c.item_id == catalog_words.c.item_id, *_begins(other, f"w{at}")).exists()
        )
    return _ranked(tx, words, vendor_id, currency, [each.begin for each in terms], category_id)


def _holding_some(
    tx: Tx, vendor_id: VendorId, currency: Currency, terms: Sequence[_Term], category_id: str | None
) -> list[ItemId]:
    """Items that hold any of them, those that hold more of them first."""
    held: dict[ItemId, int] = {}
    for term in terms:
        for item_id in _ranked(tx, _led(), vendor_id, currency, [term.begin], category_id):
            held[item_id] = held.get(item_id, 0) + 1
    return sorted(held, key=lambda item_id: -held[item_id])


def _led() -> Select[Any, Any, Any]:
    """Rows of words that begin as the first one does, what is written so exactly before all others."""
    return (
        select(catalog_words.c.item_id, catalog_words.c.word, catalog_words.c.rank)
        .where(*_begins(catalog_words, "w0"))
        .order_by(catalog_words.c.word, catalog_words.c.item_id)
        .limit(_LOOKED_AT)
    )


def _ranked(
    tx: Tx,
    words: Select[Any, Any, Any],
    vendor_id: VendorId,
    currency: Currency,
    begins: Sequence[str],
    category_id: str | None,
) -> list[ItemId]:
    # The words are found first, by themselves: neither database may begin with a whole shelf.
    found_words = words.subquery("found_words")
    statement = (
        select(catalog_items.c.id, found_words.c.word, found_words.c.rank, catalog_items.c.position)
        .select_from(found_words.join(catalog_items, catalog_items.c.id == found_words.c.item_id))
        .where(*sold(vendor_id, currency, category_id))
    )
    rows = sorted(
        tx.execute(statement, {"vendor": vendor_id, **_bounds(begins)}),
        key=lambda row: (row.word != begins[0], row.rank, row.position, row.id),
    )
    return [ItemId(each) for each in dict.fromkeys(row.id for row in rows)][:MOST_FOUND]


def sold(vendor_id: VendorId, currency: Currency, category_id: str | None = None) -> list[ColumnElement[bool]]:
    """What customers of the shop see."""
    conditions: list[ColumnElement[bool]] = [
        catalog_items.c.vendor_id == vendor_id,
        catalog_items.c.currency == currency,
        ON_SALE,
    ]
    if category_id is not None:
        conditions.append(catalog_items.c.category_id == category_id)
    return conditions


def _begins(words: Any, name: str) -> tuple[Any, ...]:
    return (
        words.c.vendor_id == bindparam("vendor"),
        words.c.word >= bindparam(name),
        words.c.word < bindparam(f"{name}_end"),
    )


def _bounds(begins: Sequence[str]) -> dict[str, str]:
    bounds: dict[str, str] = {}
    for at, begin in enumerate(begins):
        bounds[f"w{at}"], bounds[f"w{at}_end"] = begin, begin + AFTER_ALL
    return bounds
