"""A shop's items: by page, by words, one by one, each answer remembered for a few seconds. What is not found is looked
for again first, and how much is read does not grow with the catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, func, select

from contracts.ids import ItemId, VendorId
from contracts.money import Currency, Money
from kit.db import Database, Tx
from kit.paging import Place, after
from kit.remembering import K, Remembered, V
from router.catalog.indexing import index_batch, index_waiting
from router.catalog.models import catalog_categories, catalog_items, catalog_pictures
from router.catalog.pictures import Picture, picture_in
from router.catalog.rules import Item
from router.catalog.searching import found, sold
from router.catalog.words import MAX_QUERY_LENGTH, keywords_from
from router.catalog.writing import ItemWritten, add_item, put_category, put_item, put_picture

__all__ = [
    "Catalogue",
    "Category",
    "Item",
    "ItemWritten",
    "Listed",
    "Page",
    "add_item",
    "index_batch",
    "keywords_from",
    "listed_items",
    "picture_in",
    "put_category",
    "put_item",
    "put_picture",
]

CACHE_S = 5.0
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what was asked for, and how many there are."""

    items: Sequence[Item]
    total: int


@dataclass(frozen=True, slots=True)
class Category:
    """`count` is how many of its items are on sale."""

    id: str
    name: str
    count: int


class _Answers(Remembered[K, V]):
    """By what was asked, for `CACHE_S`."""

    def __init__(self, at_most: int) -> None:
        super().__init__(at_most, CACHE_S, monotonic=lambda: monotonic())


class Catalogue:
    """What the shops of one platform database sell. Thread-safe."""

    def __init__(self, platform: Database) -> None:
        self._platform = platform
        self._items = _Answers[tuple[VendorId, Currency, str], Item](4 * _REMEMBERED)
        self._pages = _Answers[tuple[Any, ...], Page](_REMEMBERED)
        self._found = _Answers[tuple[Any, ...], list[ItemId]](_REMEMBERED)
        self._counts = _Answers[tuple[VendorId, Currency], dict[str | None, int]](_REMEMBERED)

    def find(self, vendor_id: VendorId, currency: Currency, item_id: str) -> Item | None:
        """One item that the shop sells now, at most `CACHE_S` old."""
        known = self._items.get((vendor_id, currency, item_id))
        if known is not None or not item_id.isprintable():
            return known
        with self._platform.read() as tx:
            items = _items(tx, vendor_id, currency, [ItemId(item_id)])
        if not items:
            return None
        self._items.put((vendor_id, currency, item_id), items[0])
        return items[0]

    def page(
        self, vendor_id: VendorId, currency: Currency, *, query: str, category_id: str | None, start: int, limit: int
    ) -> Page:
        """From the `start`th on, in the shop's order; with a query, best match first. At most `CACHE_S` old."""
        query = " ".join(query[:MAX_QUERY_LENGTH].split())
        key = (vendor_id, currency, query, category_id, start, limit)
        known = self._pages.get(key)
        if known is not None:
            return known
        if query:
            page = self._search(vendor_id, currency, query, category_id, start, limit)
        else:
            page = self._shelf(vendor_id, currency, category_id, start, limit)
        if page.items:
            self._pages.put(key, page)
            for item in page.items:
                self._items.put((vendor_id, currency, item.id), item)
        return page

    def categories(self, vendor_id: VendorId, currency: Currency) -> tuple[list[Category], int]:
        """Those with something on sale, in the shop's order, and how many items are in none. At most `CACHE_S` old."""
        counts = self._count(vendor_id, currency)
        with self._platform.read() as tx:
            categories = _categories(tx, vendor_id, counts)
        return [each for each in categories if each.count], counts.get(None, 0)

    def picture(self, vendor_id: VendorId, item_id: ItemId) -> Picture | None:
        with self._platform.read() as tx:
            row = tx.execute(_PICTURE, {"vendor": vendor_id, "item": item_id}).first()
        return None if row is None else Picture(row.media_type, row.width, row.height, bytes(row.content))

    def _shelf(self, vendor_id: VendorId, currency: Currency, category_id: str | None, start: int, limit: int) -> Page:
        counts = self._count(vendor_id, currency)
        total = sum(counts.values()) if category_id is None else counts.get(category_id, 0)
        with self._platform.read() as tx:
            in_order = (
                select(catalog_items.c.id)
                .where(*sold(vendor_id, currency, category_id))
                .order_by(catalog_items.c.position, catalog_items.c.id)
                .offset(start)
                .limit(limit)
            )
            ids = [ItemId(row.id) for row in tx.execute(in_order)]
            return Page(_items(tx, vendor_id, currency, ids), max(total, start + len(ids) if ids else 0))

    def _search(
        self, vendor_id: VendorId, currency: Currency, query: str, category_id: str | None, start: int, limit: int
    ) -> Page:
        key = (vendor_id, currency, query, category_id)
        ids = self._found.get(key)
        if ids is None:
            index_waiting(self._platform, vendor_id)
            with self._platform.read() as tx:
                ids = found(tx, vendor_id, currency, query, category_id)
            if ids:
                self._found.put(key, ids)
        with self._platform.read() as tx:
            return Page(_items(tx, vendor_id, currency, ids[start : start + limit]), len(ids))

    def _count(self, vendor_id: VendorId, currency: Currency) -> Mapping[str | None, int]:
        counts = self._counts.get((vendor_id, currency))
        if counts is None:
            with self._platform.read() as tx:
                counts = _counted(tx, vendor_id, currency)
            if counts:
                self._counts.put((vendor_id, currency), counts)
        return counts


@dataclass(frozen=True, slots=True)
class Listed:
    """An item as its vendor sees it, sold at present or not."""

    item: Item
    position: int
    is_active: bool


def all_categories(tx: Tx, vendor_id: VendorId, currency: Currency) -> list[Category]:
    """In the shop's order, those without an item on sale, too. `tx` is of the platform database."""
    return _categories(tx, vendor_id, _counted(tx, vendor_id, currency))


def _categories(tx: Tx, vendor_id: VendorId, counts: Mapping[str | None, int]) -> list[Category]:
    rows = tx.execute(_CATEGORIES, {"vendor": vendor_id})
    return [Category(row.id, row.name, counts.get(row.id, 0)) for row in rows]


def _counted(tx: Tx, vendor_id: VendorId, currency: Currency) -> dict[str | None, int]:
    by_category = (
        select(catalog_items.c.category_id, func.count().label("items"))
        .where(*sold(vendor_id, currency))
        .group_by(catalog_items.c.category_id)
    )
    return {row.category_id: row.items for row in tx.execute(by_category)}


def listed_items(
    tx: Tx, vendor_id: VendorId, *, sku: str | None, active: bool | None, end: Place | None, limit: int
) -> list[Listed]:
    """The vendor's items in the vendor's order, at most `limit`, in one statement. `tx` is of the platform database."""
    c = catalog_items.c
    which = _described().where(c.vendor_id == vendor_id)
    if sku is not None:
        which = which.where(c.sku == sku)
    if active is not None:
        which = which.where(c.active == active)
    if end is not None:
        which = which.where(after(c.position, c.id, end))
    rows = tx.execute(which.order_by(c.position, c.id).limit(limit))
    return [Listed(_item(row), row.position, row.active) for row in rows]


def _items(tx: Tx, vendor_id: VendorId, currency: Currency, ids: Sequence[ItemId]) -> list[Item]:
    """Those of these that are on sale, in this order."""
    if not ids:
        return []
    which = _described().where(*sold(vendor_id, currency), catalog_items.c.id.in_(ids))
    items = {ItemId(row.id): _item(row) for row in tx.execute(which)}
    return [items[item_id] for item_id in ids if item_id in items]


def _described() -> Select[Any]:
    """Rows of items with the name of their category, and whether they have a picture."""
    of_category = and_(
        catalog_categories.c.vendor_id == catalog_items.c.vendor_id,
        catalog_categories.c.id == catalog_items.c.category_id,
    )
    of_picture = and_(
        catalog_pictures.c.vendor_id == catalog_items.c.vendor_id, catalog_pictures.c.item_id == catalog_items.c.id
    )
    return select(
        catalog_items,
        catalog_categories.c.name.label("category"),
        select(catalog_pictures.c.width).where(of_picture).exists().label("has_picture"),
    ).select_from(catalog_items.outerjoin(catalog_categories, of_category))


_CATEGORIES = (
    select(catalog_categories)
    .where(catalog_categories.c.vendor_id == bindparam("vendor"))
    .order_by(catalog_categories.c.position, catalog_categories.c.id)
)
_PICTURE = select(catalog_pictures).where(
    catalog_pictures.c.vendor_id == bindparam("vendor"), catalog_pictures.c.item_id == bindparam("item")
)


def _item(row: Row[Any]) -> Item:
    return Item(
        id=ItemId(row.id),
        sku=row.sku,
        name=row.name,
        description=row.description,
        unit=row.unit,
        price=Money(row.price_minor, Currency(row.currency)),
        is_counted=row.tracks_stock,
        category_id=row.category_id,
        category=row.category,
        keywords=row.keywords,
        has_picture=bool(row.has_picture),
    )
