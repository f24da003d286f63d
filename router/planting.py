"""Opens shops from plain descriptions: where a word is free, with items and stock. What is there is left as it is."""

from collections.abc import Sequence
from typing import Protocol

from contracts.ids import ItemId, VendorId, derived_id
from contracts.money import Currency, Money
from contracts.payment_api import RailsNews
from contracts.states import RAIL_CAPABILITY, Capability, Rail
from kit.clock import Clock
from router.catalog.service import Item, add_item
from router.databases import Databases
from router.stock.service import put_on_shelf
from router.vendors.rails import apply_news
from router.vendors.service import Directory, Vendor, VendorStatus, open_shop


class ItemToPlant(Protocol):
    """`price_whole` is in whole units of the shop's currency, `price_cents` what is above them in minor units; `stock`
    is how many are on the shelf."""

    @property
    def sku(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def price_whole(self) -> int: ...
    @property
    def price_cents(self) -> int: ...
    @property
    def unit(self) -> str: ...
    @property
    def stock(self) -> int: ...


class ShopToPlant(Protocol):
    """`word` is what a customer writes after SHOP; `rails` are the ways to pay that it has switched on."""

    @property
    def word(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def timezone(self) -> str: ...
    @property
    def locale(self) -> str: ...
    @property
    def rails(self) -> Sequence[Rail]: ...
    @property
    def items(self) -> Sequence[ItemToPlant]: ...


_CAPABILITIES = frozenset({Capability.CATALOG, Capability.ORDERS})


def plant_shops(
    databases: Databases, directory: Directory, clock: Clock, shops: Sequence[ShopToPlant]
) -> list[tuple[VendorId, str]]:
    """Each shop's id and word. Running it again changes nothing; after a run that was cut off it completes it."""
    planted: list[tuple[VendorId, str]] = []
    for shop in shops:
        vendor = _vendor(shop)
        items = [_item(vendor.id, shop, item) for item in shop.items]
        with databases.platform.write() as tx:
            vendor_id = open_shop(tx, vendor, clock.now())
            if vendor_id is None:
                for position, item in enumerate(items, 1):
                    add_item(tx, vendor.id, item, position)
        if vendor_id in (None, vendor.id):
            with databases.ops(vendor.id).write() as tx:
                for item, wanted in zip(items, shop.items, strict=True):
                    put_on_shelf(tx, vendor.id, item.id, wanted.stock)
        planted.append((vendor_id or vendor.id, vendor.word))
    return planted


def _vendor(shop: ShopToPlant) -> Vendor:
    word = shop.word.casefold()
    return Vendor(
        id=VendorId(derived_id("vendor", word)),
        name=shop.name,
        word=word,
        status=VendorStatus.ACTIVE,
        currency=Currency(shop.currency),
        locale=shop.locale,
        timezone=shop.timezone,
        has_own_database=False,
        capabilities=_CAPABILITIES | {RAIL_CAPABILITY[rail] for rail in shop.rails},
    )


def _item(vendor_id: VendorId, shop: ShopToPlant, item: ItemToPlant) -> Item:
    currency = Currency(shop.currency)
    return Item(
        id=ItemId(derived_id("item", vendor_id, item.sku)),
        sku=item.sku,
        name=item.name,
        description=item.description,
        unit=item.unit,
        price=Money.of_whole(item.price_whole, currency) + Money(item.price_cents, currency),
        is_counted=True,
    )


def hear_rails(databases: Databases, news: Sequence[RailsNews]) -> None:
    """Know at once what the payment adapter is about to tell of the planted shops: a first customer must not find a
    shop that can't be paid because its news is still on the way."""
    with databases.platform.write() as tx:
        for one in news:
            apply_news(tx, one)
