"""Opens shops from plain descriptions: where a word is free, with items and stock. What is there is left as it is."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from contracts.ids import ItemId, VendorId, derived_id
from contracts.money import Currency, Money
from contracts.payment_api import RailsNews
from contracts.places import Latitude, Longitude, Place
from contracts.states import RAIL_CAPABILITY, Capability, Rail
from kit.clock import Clock
from kit.db import Tx
from router.catalog.service import Item, add_item, index_batch, keywords_from, picture_in, put_category, put_picture
from router.databases import Databases
from router.delivery.service import Zone, put_zone
from router.hours.service import Hours, set_hours
from router.stock.service import put_on_shelf
from router.vendors.rails import apply_news
from router.vendors.service import Directory, Vendor, VendorStatus, open_shop
from router.vouchers.service import Voucher
from router.vouchers.service import make as make_voucher


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
    @property
    def category(self) -> str: ...
    @property
    def keywords(self) -> Sequence[str]: ...
    @property
    def picture(self) -> bytes: ...


class AreaToPlant(Protocol):
    """Where it delivers, for `fee_whole` units of its currency; in degrees and metres, or with no radius a name."""

    @property
    def name(self) -> str: ...
    @property
    def fee_whole(self) -> int: ...
    @property
    def latitude(self) -> Latitude: ...
    @property
    def longitude(self) -> Longitude: ...
    @property
    def radius_m(self) -> int | None: ...


class CouponToPlant(Protocol):
    """`percent` off goods of at least `minimum_whole`, once for each customer."""

    @property
    def code(self) -> str: ...
    @property
    def percent(self) -> int: ...
    @property
    def minimum_whole(self) -> int: ...


class ShopToPlant(Protocol):
    """`word` is what a customer writes after SHOP; `rails` are the ways to pay that it has switched on. `has_people`:
    somebody of it answers in the chat. `paybill`: what its customers are told to pay to by hand."""

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
    def has_people(self) -> bool: ...
    @property
    def paybill(self) -> str | None: ...
    @property
    def items(self) -> Sequence[ItemToPlant]: ...
    @property
    def areas(self) -> Sequence[AreaToPlant]: ...
    @property
    def coupon(self) -> CouponToPlant | None: ...
    @property
    def hours(self) -> Mapping[str, object]:
        """As `router.hours` reads them."""
        ...


_CAPABILITIES = frozenset({Capability.CATALOG, Capability.ORDERS})


def plant_shops(
    databases: Databases, directory: Directory, clock: Clock, shops: Sequence[ShopToPlant]
) -> list[tuple[VendorId, str]]:
    """Each shop's id and word. Running it again changes nothing; after a run that was cut off it completes it."""
    planted: list[tuple[VendorId, str]] = []
    for shop in shops:
        vendor = _vendor(shop)
        with databases.platform.write() as tx:
            vendor_id = open_shop(tx, vendor, clock.now())
            if vendor_id is None:
                _furnish(tx, vendor, shop)
        if vendor_id in (None, vendor.id):
            with databases.ops(vendor.id).write() as tx:
                for wanted in shop.items:
                    put_on_shelf(tx, vendor.id, _item_id(vendor.id, wanted), wanted.stock)
                if shop.coupon is not None:
                    make_voucher(tx, vendor.id, _voucher(shop.coupon, vendor.currency), clock.now())
        planted.append((vendor_id or vendor.id, vendor.word))
    return planted


def _vendor(shop: ShopToPlant) -> Vendor:
    word = shop.word.casefold()
    people = {Capability.HANDOVER} if shop.has_people else set[Capability]()
    return Vendor(
        id=VendorId(derived_id("vendor", word)),
        name=shop.name,
        word=word,
        status=VendorStatus.ACTIVE,
        currency=Currency(shop.currency),
        locale=shop.locale,
        timezone=shop.timezone,
        has_own_database=False,
        capabilities=_CAPABILITIES | people | {RAIL_CAPABILITY[rail] for rail in shop.rails},
        paybill=shop.paybill,
    )


def _furnish(tx: Tx, vendor: Vendor, shop: ShopToPlant) -> None:
    """Shelves, zones and hours of a shop that was just opened. `tx` is of the platform database."""
    for position, wanted in enumerate(shop.items, 1):
        category_id = put_category(tx, vendor.id, wanted.category)
        item = _item(vendor.id, shop, wanted, category_id)
        add_item(tx, vendor.id, item, position)
        put_picture(tx, vendor.id, item.id, picture_in(wanted.picture))
    index_batch(tx, vendor.id)
    for area in shop.areas:
        put_zone(tx, vendor.id, _zone(vendor, area))
    set_hours(tx, vendor.id, Hours.model_validate(shop.hours))


def _zone(vendor: Vendor, area: AreaToPlant) -> Zone:
    centre = None if area.radius_m is None else Place.at(area.latitude, area.longitude)
    fee = Money.of_whole(area.fee_whole, vendor.currency)
    return Zone(derived_id("zone", vendor.id, area.name), area.name, fee, centre, area.radius_m)


def _voucher(coupon: CouponToPlant, currency: Currency) -> Voucher:
    minimum = Money.of_whole(coupon.minimum_whole, currency)
    return Voucher("", coupon.code, coupon.percent, amount=None, minimum=minimum, per_customer=1)


def _item_id(vendor_id: VendorId, item: ItemToPlant) -> ItemId:
    return ItemId(derived_id("item", vendor_id, item.sku))


def _item(vendor_id: VendorId, shop: ShopToPlant, item: ItemToPlant, category_id: str) -> Item:
    currency = Currency(shop.currency)
    return Item(
        id=_item_id(vendor_id, item),
        sku=item.sku,
        name=item.name,
        description=item.description,
        unit=item.unit,
        price=Money.of_whole(item.price_whole, currency) + Money(item.price_cents, currency),
        is_counted=True,
        category_id=category_id,
        keywords=keywords_from(item.keywords),
    )


def hear_rails(databases: Databases, news: Sequence[RailsNews]) -> None:
    """Know at once what the payment adapter is about to tell of the planted shops: a first customer must not find a
    shop that can't be paid because its news is still on the way."""
    with databases.platform.write() as tx:
        for one in news:
            apply_news(tx, one)
