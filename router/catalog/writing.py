"""Changes a catalogue: items by their SKU, categories by their name, pictures. `Tx` is of the platform database."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import bindparam, func, select, update

from contracts.ids import ItemId, VendorId, derived_id
from contracts.money import Currency
from kit.db import Tx, insert_new
from router.catalog.models import catalog_categories, catalog_counts, catalog_items, catalog_pictures
from router.catalog.pictures import Picture
from router.catalog.rules import Item


class ItemWritten(StrEnum):
    """What became of an item that was given."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


def add_item(tx: Tx, vendor_id: VendorId, item: Item, position: int) -> bool:
    """Put an item into the shop's catalogue. Returns False, and changes nothing, if its SKU is there already."""
    row = {"vendor_id": vendor_id, "id": item.id, "position": position, **_values(item, is_active=True)}
    return insert_new(tx, catalog_items, row, conflict=["vendor_id", "sku"])


def lock_shelves(tx: Tx, vendor_id: VendorId, currency: Currency) -> None:
    """Until the transaction ends, whoever else puts several items into this shop waits: two that write the same ones
    in another order, and count them, would wait for each other for ever."""
    row = {"vendor_id": vendor_id, "currency": currency, "category_id": "", "items": 0}
    insert_new(tx, catalog_counts, row, conflict=["vendor_id", "currency", "category_id"])
    tx.execute(_LOCK_SHELVES, {"vendor": vendor_id, "currency": currency})


@dataclass(frozen=True, slots=True)
class Known:
    """An item that is there."""

    id: ItemId
    is_counted: bool


def known_item(tx: Tx, vendor_id: VendorId, sku: str) -> Known | None:
    row = tx.execute(_BY_SKU, {"vendor": vendor_id, "sku": sku}).first()
    return None if row is None else Known(ItemId(row.id), row.tracks_stock)


def order_categories(tx: Tx, vendor_id: VendorId, names: Sequence[str]) -> None:
    """These categories come first, in this order; those that are new are made."""
    for at, name in enumerate(names):
        category_id = put_category(tx, vendor_id, name)
        tx.execute(_PLACE_CATEGORY, {"vendor": vendor_id, "category": category_id, "position": at - len(names)})


def put_item(tx: Tx, vendor_id: VendorId, item: Item, *, is_active: bool) -> tuple[ItemId, ItemWritten]:
    """The item with this SKU as given, new or changed; a new one is the last. Its id stays what it was."""
    values = _values(item, is_active=is_active)
    row = tx.execute(_BY_SKU, {"vendor": vendor_id, "sku": item.sku}).first()
    if row is None:
        last: int = tx.execute(_LAST, {"vendor": vendor_id}).scalar_one()
        new = {"vendor_id": vendor_id, "id": item.id, "position": last + 1, **values}
        if insert_new(tx, catalog_items, new, conflict=["vendor_id", "sku"]):
            return item.id, ItemWritten.ADDED
        row = tx.execute(_BY_SKU, {"vendor": vendor_id, "sku": item.sku}).one()
    if all(getattr(row, name) == value for name, value in values.items()):
        return ItemId(row.id), ItemWritten.UNCHANGED
    tx.execute(
        update(catalog_items).where(catalog_items.c.vendor_id == vendor_id, catalog_items.c.id == row.id).values(values)
    )
    return ItemId(row.id), ItemWritten.CHANGED


def put_category(tx: Tx, vendor_id: VendorId, name: str) -> str:
    """The id of the shop's category of this name, made if it is new: then it is the last."""
    row = tx.execute(_BY_NAME, {"vendor": vendor_id, "name": name}).first()
    if row is None:
        last: int = tx.execute(_LAST_CATEGORY, {"vendor": vendor_id}).scalar_one()
        new_id = derived_id("category", vendor_id, name)
        new = {"vendor_id": vendor_id, "id": new_id, "name": name, "position": last + 1}
        insert_new(tx, catalog_categories, new, conflict=["vendor_id", "name"])
        row = tx.execute(_BY_NAME, {"vendor": vendor_id, "name": name}).one()
    found: str = row.id
    return found


def put_picture(tx: Tx, vendor_id: VendorId, item_id: ItemId, picture: Picture) -> bool:
    """Show the item with this picture. Returns False, and changes nothing, if there is no such item."""
    params = {"vendor": vendor_id, "item": item_id}
    if tx.execute(_BY_ID, params).first() is None:
        return False
    values = {
        "media_type": picture.media_type,
        "width": picture.width,
        "height": picture.height,
        "content": picture.content,
    }
    new = {"vendor_id": vendor_id, "item_id": item_id, **values}
    if not insert_new(tx, catalog_pictures, new, conflict=["vendor_id", "item_id"]):
        pictures = catalog_pictures.c
        tx.execute(
            update(catalog_pictures).where(pictures.vendor_id == vendor_id, pictures.item_id == item_id).values(values)
        )
    return True


def _values(item: Item, *, is_active: bool) -> dict[str, object]:
    return {
        "sku": item.sku,
        "name": item.name,
        "description": item.description,
        "unit": item.unit,
        "price_minor": item.price.minor,
        "currency": item.price.currency,
        "tracks_stock": item.is_counted,
        "category_id": item.category_id,
        "keywords": item.keywords,
        "active": is_active,
    }


_LOCK_SHELVES = (
    select(catalog_counts.c.vendor_id)
    .where(
        catalog_counts.c.vendor_id == bindparam("vendor"),
        catalog_counts.c.currency == bindparam("currency"),
        catalog_counts.c.category_id == "",
    )
    .with_for_update()
)
_OF_SHOP = catalog_items.c.vendor_id == bindparam("vendor")
_BY_SKU = select(catalog_items).where(_OF_SHOP, catalog_items.c.sku == bindparam("sku"))
_BY_ID = select(catalog_items.c.id).where(_OF_SHOP, catalog_items.c.id == bindparam("item"))
_LAST = select(func.coalesce(func.max(catalog_items.c.position), 0)).where(_OF_SHOP)
_CATEGORY_OF_SHOP = catalog_categories.c.vendor_id == bindparam("vendor")
_PLACE_CATEGORY = update(catalog_categories).where(_CATEGORY_OF_SHOP, catalog_categories.c.id == bindparam("category"))
_BY_NAME = select(catalog_categories).where(_CATEGORY_OF_SHOP, catalog_categories.c.name == bindparam("name"))
_LAST_CATEGORY = select(func.coalesce(func.max(catalog_categories.c.position), 0)).where(_CATEGORY_OF_SHOP)
