"""Finds items by words, with a number of rows read that does not grow with the catalogue. `Tx` is of the platform.

Words stand in an index in the order in which items are shown, and hold what is on sale: so a search reads as many rows
as it shows. Each statement here is made once. What it asks of one row at a time is asked with LIMIT 1, which keeps
PostgreSQL from reading whole shelves to join them, as it would of tables that were filled a moment ago."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, Subquery, bindparam, case, func, literal_column, select
from sqlalchemy.orm import aliased

from contracts.ids import ItemId, VendorId
from contracts.money import Currency
from kit.columns import Code, is_one_of, is_plainly
from kit.db import Tx
from router.catalog.models import catalog_items, catalog_spellings, catalog_words
from router.catalog.words import AFTER_ALL, MAX_TERMS, SKU_RANK, misspellings, nearest, whole, words_in

MOST_FOUND = 200
"""More says that the words were too few."""
_LOOKED_AT = 1000
"""Rows of the rarest of several words that are looked at for the others."""
_COUNTED = 100
"""Rows of a word: what has more is not rare. Of two such words the later one leads: it is the noun, or the number."""
_COMBINED = 4
"""Of words that no item holds all of, so many of the rarest are looked for together."""
_MEANT = 200
"""Known words that a written one may stand for."""

_ORDER = ("word", "rank", "position", "item_id")
ON_SALE = is_plainly("catalog_items.active")


@dataclass(frozen=True, slots=True)
class _Search:
    """Where it is looked, and how many are wanted."""

    tx: Tx
    vendor_id: VendorId
    currency: Currency
    category_id: str | None
    wanted: int

    def holding(self, begins: Sequence[str]) -> list[ItemId]:
        """Items that hold words that begin so, one of each: what is written as the first one before what only begins
        so."""
        statement = _holding(len(begins), in_category=self.category_id is not None)
        return self._asked(statement, dict(_bounds(begins)))

    def of_sku(self, sku: str) -> list[ItemId]:
        return self._asked(_of_sku(in_category=self.category_id is not None), {"w0": sku})

    def _asked(self, statement: Select[Any], words: dict[str, str]) -> list[ItemId]:
        params = {"vendor": self.vendor_id, "currency": self.currency, "wanted": self.wanted, **words}
        if self.category_id is not None:
            params["category"] = self.category_id
        return [ItemId(row.item_id) for row in self.tx.execute(statement, params)]


@dataclass(frozen=True, slots=True)
class _Term:
    """What a word of the query stands for: words that begin so, of so many rows as far as they are counted."""

    begin: str
    rows: int


def found(
    tx: Tx, vendor_id: VendorId, currency: Currency, query: str, category_id: str | None, wanted: int
) -> list[ItemId]:
    """The `wanted` best, best match first: the SKU, then what holds every word, then what holds some."""
    search = _Search(tx, vendor_id, currency, category_id, min(wanted, MOST_FOUND))
    words, sku = words_in(query)[:MAX_TERMS], whole(query)
    if words == [sku]:  # a SKU that is a word leads its rows
        ids = search.holding(words)
        return ids or _by_words(search, words)
    ids = search.of_sku(sku) if sku else []
    return _each_once(ids, _by_words(search, words))[: search.wanted]


def _by_words(search: _Search, words: Sequence[str]) -> list[ItemId]:
    terms = _terms(search, words)
    if not terms:
        return []
    rarest = [term for _, term in sorted(enumerate(terms), key=lambda each: (each[1].rows, -each[0]))]
    ids = search.holding([term.begin for term in rarest])
    return ids if ids or len(terms) == 1 else _holding_some(search, terms, rarest)


def _holding_some(search: _Search, terms: Sequence[_Term], rarest: Sequence[_Term]) -> list[ItemId]:
    """Where no item holds all of them: those that hold most, then those of each word in turn."""
    ids: list[ItemId] = []
    for size in range(min(len(rarest) - 1, _COMBINED), 1, -1):
        for together in combinations(rarest[:_COMBINED], size):
            ids = _each_once(ids, search.holding([term.begin for term in together]))
        if ids:
            break
    for term in terms:
        if len(ids) < search.wanted:
            ids = _each_once(ids, search.holding([term.begin]))
    return ids[: search.wanted]


def _each_once(*found_ids: Iterable[ItemId]) -> list[ItemId]:
    return list(dict.fromkeys(item_id for ids in found_ids for item_id in ids))


def _terms(search: _Search, words: Sequence[str]) -> list[_Term]:
    """What is known of them, in their order: as they are written or as they were meant."""
    counts = _counts(search, words)
    missing = {word for word in words if not counts[word]}
    meant = _meant(search, missing) if missing else {}
    counts |= _counts(search, sorted(set(meant.values()))) if meant else {}
    begins = dict.fromkeys(meant.get(word, word) for word in words)
    return [_Term(begin, counts[begin]) for begin in begins if counts[begin]]


def _counts(search: _Search, words: Sequence[str]) -> dict[str, int]:
    """How many rows each beginning has, as far as it matters which has the fewest."""
    if not words:
        return {}
    nothing = {name: AFTER_ALL for at in range(MAX_TERMS) for name in (f"w{at}", f"w{at}_end")}
    row = search.tx.execute(_COUNTS, {"vendor": search.vendor_id, **nothing, **dict(_bounds(words))}).one()
    return dict(zip(words, row, strict=False))


def _meant(search: _Search, written: set[str]) -> dict[str, str]:
    """Known words for words that nothing begins with."""
    near = {word: misspellings(word) for word in written}
    wanted = sorted({spelling for spellings in near.values() for spelling in spellings})
    if not wanted:
        return {}
    rows = search.tx.execute(_NEAR, {"vendor": search.vendor_id, "spellings": wanted})
    known = {row.word for row in rows}
    meant = {word: nearest(word, known) for word in written}
    return {word: stands_for for word, stands_for in meant.items() if stands_for is not None}


def sold(*, in_category: bool) -> list[ColumnElement[bool]]:
    """What customers of the shop see, with the parameters `vendor`, `currency` and `category`."""
    conditions: list[ColumnElement[bool]] = [
        catalog_items.c.vendor_id == bindparam("vendor"),
        catalog_items.c.currency == bindparam("currency"),
        ON_SALE,
    ]
    if in_category:
        conditions.append(catalog_items.c.category_id == bindparam("category"))
    return conditions


def _begins(words: Any, name: str) -> tuple[ColumnElement[bool], ...]:
    return (
        words.c.vendor_id == bindparam("vendor"),
        words.c.word >= bindparam(name),
        words.c.word < bindparam(f"{name}_end"),
    )


def _bounds(begins: Sequence[str]) -> Iterable[tuple[str, str]]:
    for at, begin in enumerate(begins):
        yield f"w{at}", begin
        yield f"w{at}_end", begin + AFTER_ALL


def _is_there(rows: Select[Any]) -> ColumnElement[bool]:
    """EXISTS that stays a look at an index for each row: with a LIMIT nothing is joined."""
    return rows.limit(1).scalar_subquery().is_not(None)


def _is_sold(words: Any, *, in_category: bool) -> ColumnElement[bool]:
    c = catalog_items.c
    item = select(c.position).where(c.vendor_id == bindparam("vendor"), c.id == words.c.item_id, is_sold())
    return _is_there(item.where(c.category_id == bindparam("category")) if in_category else item)


def is_sold() -> ColumnElement[bool]:
    """That an item which is found by its id is sold: said so that no index of a shelf seems to help to find it."""
    return case((ON_SALE, catalog_items.c.currency)) == bindparam("currency")


def _holds(words: Any, led: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """That the item of a led row has a row of words like that, which is found by the item."""
    of_item = select(words.c.word).where(words.c.vendor_id == bindparam("vendor"), words.c.item_id == led.c.item_id)
    return _is_there(of_item.where(*conditions))


def _spelt(words: Any) -> ColumnElement[str]:
    """The word of a row, not to be found by."""
    return words.c.word + literal_column("''", Code)


@lru_cache(maxsize=2 * MAX_TERMS)
def _holding(terms: int, *, in_category: bool) -> Select[Any]:
    """The rows of the first one, in their order; of an item the first row alone."""
    led: Any = catalog_words
    if terms > 1:
        led = _led(terms)
    holding = select(led.c.item_id).where(_is_sold(led, in_category=in_category))
    holding = holding.limit(bindparam("wanted", type_=Integer))
    if terms == 1:
        return holding.where(_is_first(led), *_begins(led, "w0")).order_by(*(led.c[name] for name in _ORDER))
    return holding  # in the order of `led`: to sort anew would be to look at all of it


def _led(terms: int) -> Subquery:
    """Rows of the first one whose items hold the others, too. Each LIMIT keeps apart what is looked at one by one."""
    first = (
        select(*(catalog_words.c[name] for name in _ORDER))
        .where(*_begins(catalog_words, "w0"))
        .order_by(*(catalog_words.c[name] for name in _ORDER))
        .limit(_LOOKED_AT)
        .subquery("first")
    )
    holding = select(first.c.item_id)
    for at in range(1, terms):
        other = aliased(catalog_words, name=f"other{at}")
        begins = (_spelt(other) >= bindparam(f"w{at}"), _spelt(other) < bindparam(f"w{at}_end"))
        holding = holding.where(_holds(other, first, *begins))
    return holding.where(_is_first(first)).limit(_LOOKED_AT).subquery("led")


def _is_first(led: Any) -> ColumnElement[bool]:
    earlier = aliased(catalog_words, name="earlier")
    return ~_holds(earlier, led, _spelt(earlier) >= bindparam("w0"), _spelt(earlier) < led.c.word)


@lru_cache(maxsize=2)
def _of_sku(*, in_category: bool) -> Select[Any]:
    return (
        select(catalog_words.c.item_id)
        .where(
            catalog_words.c.vendor_id == bindparam("vendor"),
            catalog_words.c.word == bindparam("w0"),
            catalog_words.c.rank == SKU_RANK,
            _is_sold(catalog_words, in_category=in_category),
        )
        .order_by(catalog_words.c.position, catalog_words.c.item_id)
        .limit(bindparam("wanted", type_=Integer))
    )


def _counted(name: str) -> ColumnElement[int]:
    rows = select(catalog_words.c.rank).where(*_begins(catalog_words, name)).limit(_COUNTED).subquery()
    return select(func.count()).select_from(rows).scalar_subquery().label(name)


_COUNTS = select(*(_counted(f"w{at}") for at in range(MAX_TERMS)))
_NEAR = (
    select(catalog_spellings.c.word)
    .where(
        catalog_spellings.c.vendor_id == bindparam("vendor", type_=Code),
        is_one_of(catalog_spellings.c.spelling, "spellings"),
    )
    .distinct()
    .limit(_MEANT)
)
