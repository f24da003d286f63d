"""A shop's items: by page, by words, one by one, each answer remembered for a few seconds. What is not found is looked
for again first, and how much is read does not grow with the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sqlalchemy import FromClause, Integer, Row, Select, and_, bindparam, cast, func, select, tuple_

from contracts.ids import ItemId, VendorId
from contracts.money import Currency, Money
from kit.columns import BigInt, Code, is_one_of
from kit.db import Database, Tx
from kit.paging import CursorUnreadable, Place, after, paged
from kit.remembering import K, Remembered, V
from router.catalog.indexing import index_batch, index_waiting, is_any_waiting
from router.catalog.models import catalog_categories, catalog_counts, catalog_items, catalog_pictures
from router.catalog.pictures import Picture, picture_in
from router.catalog.rules import Item
from router.catalog.searching import found, is_sold, sold
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
    """Some of what was asked for, and where the next page begins, if there is one.

    `total` is how many there are; of a search how many are known of: those up to here, and one more if there are."""

    items: Sequence[Item]
    total: int
    following: str | None


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
        self._shelves = _Answers[tuple[VendorId, Currency], tuple[list[Category], int]](_REMEMBERED)

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
        self,
        vendor_id: VendorId,
        currency: Currency,
        *,
        query: str,
        category_id: str | None,
        after: Place | int,
        limit: int,
    ) -> Page:
        """The first ones, or those after a page that was shown: in the shop's order after a Place, with a query after
        so many, best match first. At most `CACHE_S` old.

        Raises CursorUnreadable for the one where it must be the other."""
        query = " ".join(query[:MAX_QUERY_LENGTH].split())
        if after != 0 and isinstance(after, int) is not bool(query):
            raise CursorUnreadable
        key = (vendor_id, currency, query, category_id, after, limit)
        known = self._pages.get(key)
        if known is not None:
            return known
        if isinstance(after, int) and query:
            page = self._search(vendor_id, currency, query, category_id, after, limit)
        else:
            page = self._shelf(vendor_id, currency, category_id, _START if isinstance(after, int) else after, limit)
        if page.items:
            self._pages.put(key, page)
            for item in page.items:
                self._items.put((vendor_id, currency, item.id), item)
        return page

    def categories(self, vendor_id: VendorId, currency: Currency) -> tuple[list[Category], int]:
        """Those with something on sale, in the shop's order, and how many items are in none. At most `CACHE_S` old."""
        known = self._shelves.get((vendor_id, currency))
        if known is not None:
            return known
        with self._platform.read() as tx:
            found_ones = [each for each in all_categories(tx, vendor_id, currency) if each.count]
            others = _total(tx, vendor_id, currency, "")
        if found_ones:
            self._shelves.put((vendor_id, currency), (found_ones, others))
        return found_ones, others

    def picture(self, vendor_id: VendorId, item_id: ItemId) -> Picture | None:
        with self._platform.read() as tx:
            row = tx.execute(_PICTURE, {"vendor": vendor_id, "item": item_id}).first()
        return None if row is None else Picture(row.media_type, row.width, row.height, bytes(row.content))

    def _shelf(self, vendor_id: VendorId, currency: Currency, category_id: str | None, end: Place, limit: int) -> Page:
        params = {"vendor": vendor_id, "currency": currency, "position": end.position, "id": end.id, "limit": limit + 1}
        statement = _SHELF
        if category_id is not None:
            statement, params["category"] = _CATEGORY, category_id
        with self._platform.read() as tx:
            rows = tx.execute(statement, params).all()
            total = _total(tx, vendor_id, currency, category_id)
        page, following = paged(rows, limit, lambda row: Place(row.position, row.id))
        return Page([_item(row) for row in page], total, following)

    def _search(
        self, vendor_id: VendorId, currency: Currency, query: str, category_id: str | None, start: int, limit: int
    ) -> Page:
        end = start + limit
        with self._platform.read() as tx:
            is_waiting = is_any_waiting(tx, vendor_id)
            asked = None if is_waiting else _found(tx, vendor_id, currency, query, category_id, start, limit)
        if asked is None:
            index_waiting(self._platform, vendor_id)
            with self._platform.read() as tx:
                asked = _found(tx, vendor_id, currency, query, category_id, start, limit)
        ids, items = asked
        return Page(items, len(ids), str(end) if len(ids) > end else None)


@dataclass(frozen=True, slots=True)
class Listed:
    """An item as its vendor sees it, sold at present or not."""

    item: Item
    position: int
    is_active: bool


def all_categories(tx: Tx, vendor_id: VendorId, currency: Currency) -> list[Category]:
    """In the shop's order, those without an item on sale, too. `tx` is of the platform database."""
    rows = tx.execute(_CATEGORIES, {"vendor": vendor_id, "currency": currency})
    return [Category(row.id, row.name, row.items or 0) for row in rows]


def _total(tx: Tx, vendor_id: VendorId, currency: Currency, category_id: str | None) -> int:
    """How many items are on sale: in all, or of one category; with an empty id, of none."""
    params = {"vendor": vendor_id, "currency": currency}
    if category_id is None:
        return tx.execute(_TOTAL, params).scalar_one()
    return tx.execute(_OF_CATEGORY, {**params, "category": category_id}).scalar_one_or_none() or 0


def listed_items(
    tx: Tx, vendor_id: VendorId, *, sku: str | None, active: bool | None, end: Place | None, limit: int
) -> list[Listed]:
    """The vendor's items in the vendor's order, at most `limit`, in one statement. `tx` is of the platform database."""
    c = catalog_items.c
    which = _described(catalog_items).where(c.vendor_id == vendor_id)
    if sku is not None:
        which = which.where(c.sku == sku)
    if active is not None:
        which = which.where(c.active == active)
    if end is not None:
        which = which.where(after(c.position, c.id, end))
    rows = tx.execute(which.order_by(c.position, c.id).limit(limit))
    return [Listed(_item(row), row.position, row.active) for row in rows]


def _found(
    tx: Tx, vendor_id: VendorId, currency: Currency, query: str, category_id: str | None, start: int, limit: int
) -> tuple[list[ItemId], list[Item]]:
    """What is found up to the end of that page and one more, and the items of the page."""
    ids = found(tx, vendor_id, currency, query, category_id, start + limit + 1)
    return ids, _items(tx, vendor_id, currency, ids[start : start + limit])


def _items(tx: Tx, vendor_id: VendorId, currency: Currency, ids: Sequence[ItemId]) -> list[Item]:
    """Those of these that are on sale, in this order."""
    if not ids:
        return []
    rows = tx.execute(_OF_IDS, {"vendor": vendor_id, "currency": currency, "ids": list(ids)})
    items = {ItemId(row.id): _item(row) for row in rows}
    return [items[item_id] for item_id in ids if item_id in items]


def _described(items: FromClause) -> Select[Any]:
    """Rows of items with the name of their category, and whether they have a picture."""
    of_category = and_(
        catalog_categories.c.vendor_id == items.c.vendor_id, catalog_categories.c.id == items.c.category_id
    )
    of_picture = and_(catalog_pictures.c.vendor_id == items.c.vendor_id, catalog_pictures.c.item_id == items.c.id)
    return select(
        items,
        catalog_categories.c.name.label("category"),
        select(catalog_pictures.c.width).where(of_picture).scalar_subquery().is_not(None).label("has_picture"),
    ).select_from(items.outerjoin(catalog_categories, of_category))


def _shelf(*, in_category: bool) -> Select[Any]:
    """A page first and by itself, from the index, wherever on the shelf it stands; then what is shown of it."""
    c = catalog_items.c
    place = tuple_(bindparam("position", type_=c.position.type), bindparam("id", type_=c.id.type))
    page = (
        select(catalog_items)
        .where(*sold(in_category=in_category), tuple_(c.position, c.id) > place)
        .order_by(c.position, c.id)
        .limit(bindparam("limit", type_=Integer))
        .subquery("page")
    )
    return _described(page).order_by(page.c.position, page.c.id)


# Made once: putting these together costs more than running them.
_SHELF, _CATEGORY = _shelf(in_category=False), _shelf(in_category=True)
_START = Place(-(2**31), "")
_OF_IDS = _described(catalog_items).where(
    catalog_items.c.vendor_id == bindparam("vendor"), is_one_of(catalog_items.c.id, "ids"), is_sold()
)
_COUNTED = (
    catalog_counts.c.vendor_id == bindparam("vendor", type_=Code),
    catalog_counts.c.currency == bindparam("currency", type_=Code),
)
_TOTAL = select(cast(func.coalesce(func.sum(catalog_counts.c["items"]), 0), BigInt).label("total")).where(*_COUNTED)
_OF_CATEGORY = select(catalog_counts.c["items"].label("total")).where(
    *_COUNTED, catalog_counts.c.category_id == bindparam("category", type_=Code)
)
_CATEGORIES = (
    select(catalog_categories.c.id, catalog_categories.c.name, catalog_counts.c["items"])
    .select_from(
        catalog_categories.outerjoin(
            catalog_counts, and_(*_COUNTED, catalog_counts.c.category_id == catalog_categories.c.id)
        )
    )
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
