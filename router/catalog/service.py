"""A shop's items, read whole and remembered for a few seconds; what is not found is looked for again first."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sqlalchemy import Row, Select, select, true

from contracts.ids import ItemId, VendorId
from contracts.money import Currency, Money
from kit.db import Database, Tx, insert_new
from kit.paging import Place, after
from router.catalog.models import catalog_items
from router.catalog.rules import Item, Shelf

__all__ = ["Catalogue", "Item", "Listed", "Shelf", "add_item", "listed_items"]

CACHE_S = 5.0
_CACHED_SHELVES = 64


@dataclass(frozen=True, slots=True)
class _Remembered:
    shelf: Shelf
    until_s: float


class Catalogue:
    """The shelves of the shops in one platform database. Thread-safe."""

    def __init__(self, platform: Database) -> None:
        self._platform = platform
        self._remembered: OrderedDict[tuple[VendorId, Currency], _Remembered] = OrderedDict()
        self._lock = threading.Lock()

    def shelf(self, vendor_id: VendorId, currency: Currency) -> Shelf:
        """What the shop sells in its currency, at most `CACHE_S` old; an empty shelf is never remembered."""
        with self._lock:
            remembered = self._remembered.get((vendor_id, currency))
            if remembered is not None and monotonic() < remembered.until_s:
                self._remembered.move_to_end((vendor_id, currency))
                return remembered.shelf
        return self._read(vendor_id, currency)

    def find(self, vendor_id: VendorId, currency: Currency, item_id: str) -> Item | None:
        """One item that the shop sells now. One that is not remembered is asked for by itself."""
        item = self.shelf(vendor_id, currency).by_id.get(ItemId(item_id))
        if item is not None or not item_id.isprintable():
            return item
        with self._platform.read() as tx:
            row = tx.execute(_sold(vendor_id, currency).where(catalog_items.c.id == item_id)).one_or_none()
        return None if row is None else _item(row)

    def _read(self, vendor_id: VendorId, currency: Currency) -> Shelf:
        in_order = _sold(vendor_id, currency).order_by(catalog_items.c.position, catalog_items.c.id)
        with self._platform.read() as tx:
            shelf = Shelf.of([_item(row) for row in tx.execute(in_order)])
        with self._lock:
            if shelf.items:
                self._remembered[vendor_id, currency] = _Remembered(shelf, monotonic() + CACHE_S)
                self._remembered.move_to_end((vendor_id, currency))
                if len(self._remembered) > _CACHED_SHELVES:
                    self._remembered.popitem(last=False)
            else:
                self._remembered.pop((vendor_id, currency), None)
        return shelf


@dataclass(frozen=True, slots=True)
class Listed:
    """An item as its vendor sees it, sold at present or not."""

    item: Item
    position: int
    is_active: bool


def listed_items(
    tx: Tx, vendor_id: VendorId, *, sku: str | None, active: bool | None, end: Place | None, limit: int
) -> list[Listed]:
    """The vendor's items in the vendor's order, at most `limit`, in one statement. `tx` is of the platform database."""
    c = catalog_items.c
    which = select(catalog_items).where(c.vendor_id == vendor_id)
    if sku is not None:
        which = which.where(c.sku == sku)
    if active is not None:
        which = which.where(c.active == active)
    if end is not None:
        which = which.where(after(c.position, c.id, end))
    rows = tx.execute(which.order_by(c.position, c.id).limit(limit))
    return [Listed(_item(row), row.position, row.active) for row in rows]


def _sold(vendor_id: VendorId, currency: Currency) -> Select[Any]:
    return select(catalog_items).where(
        catalog_items.c.vendor_id == vendor_id,
        catalog_items.c.currency == currency,
        catalog_items.c.active.is_(true()),
    )


def add_item(tx: Tx, vendor_id: VendorId, item: Item, position: int) -> bool:
    """Put an item into the shop's catalogue. Returns False, and changes nothing, if its SKU is there already.

    `tx` is of the platform database."""
    row = {
        "vendor_id": vendor_id,
        "id": item.id,
        "sku": item.sku,
        "name": item.name,
        "description": item.description,
        "unit": item.unit,
        "price_minor": item.price.minor,
        "currency": item.price.currency,
        "position": position,
        "tracks_stock": item.is_counted,
    }
    return insert_new(tx, catalog_items, row, conflict=["vendor_id", "sku"])


def _item(row: Row[Any]) -> Item:
    return Item(
        id=ItemId(row.id),
        sku=row.sku,
        name=row.name,
        description=row.description,
        unit=row.unit,
        price=Money(row.price_minor, Currency(row.currency)),
        is_counted=row.tracks_stock,
    )
