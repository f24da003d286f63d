"""The catalogue over the vendor's API: what the shop sells, and how many of it are left."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

from flask import Blueprint, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from contracts.ids import ItemId, VendorId
from contracts.money import Currency
from contracts.states import Capability
from kit.db import Tx
from kit.paging import InOrder, Place, paged
from kit.web import answer, read_query
from router.catalog.service import Listed, listed_items
from router.edge import Call, Edge, Routes
from router.operations import BY_VENDOR, KeyScope, Operation

Counts = Callable[[Tx, VendorId, Sequence[ItemId]], Mapping[ItemId, tuple[int, int]]]
"""(on the shelf, held of these) of each counted item. This room does not know who counts."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("only printable characters")
    return text


class ItemsQuery(InOrder):
    sku: Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_printable)] | None = Field(
        None, description="Only the item with this SKU."
    )
    active: bool | None = Field(None, description="Only what is on sale, or only what is not.")


class VendorItem(BaseModel):
    model_config = ConfigDict(frozen=True)

    item_id: str
    sku: str
    name: str
    description: str
    unit: str
    """What one of it is: kg, packet, piece."""
    price_minor: int
    currency: Currency
    active: bool
    """Whether customers see it."""
    on_hand: int | None
    """How many are on the shelf; None where the shop does not count."""
    reserved: int | None
    """How many of those are held for confirmed orders."""
    available: int | None
    """How many can be had now."""


class VendorItems(BaseModel):
    model_config = ConfigDict(frozen=True)

    items: list[VendorItem]
    next_cursor: str | None


LIST_ITEMS = Operation(
    "vendor.items.list",
    "GET",
    "/api/v1/items",
    "The catalogue with its stock, in the shop's order",
    BY_VENDOR,
    needs=(Capability.CATALOG,),
    scope=KeyScope.SHOP_READ,
    query=ItemsQuery,
    answer=VendorItems,
    tag="catalogue",
)


def vendor_catalog_routes(edge: Edge, counts: Counts) -> Blueprint:
    routes = Routes(edge, "vendor_catalog")

    @routes.add(LIST_ITEMS)
    def items(call: Call) -> Response:
        wanted = read_query(ItemsQuery)
        with edge.databases.platform.read() as tx:
            found = listed_items(
                tx,
                call.vendor.id,
                sku=wanted.sku,
                active=wanted.active,
                end=wanted.cursor,
                limit=wanted.limit + 1,
            )
        page, following = paged(found, wanted.limit, lambda listed: Place(listed.position, listed.item.id))
        counted = [listed.item.id for listed in page if listed.item.is_counted]
        left: Mapping[ItemId, tuple[int, int]] = {}
        if counted:
            with edge.reading(call.vendor) as tx:
                left = counts(tx, call.vendor.id, counted)
        return answer(VendorItems(items=[_shown(listed, left) for listed in page], next_cursor=following))

    return routes.blueprint


def _shown(listed: Listed, left: Mapping[ItemId, tuple[int, int]]) -> VendorItem:
    item = listed.item
    on_hand, reserved = left.get(item.id, (0, 0)) if item.is_counted else (None, None)
    return VendorItem(
        item_id=item.id,
        sku=item.sku,
        name=item.name,
        description=item.description,
        unit=item.unit,
        price_minor=item.price.minor,
        currency=item.price.currency,
        active=listed.is_active,
        on_hand=on_hand,
        reserved=reserved,
        available=None if on_hand is None or reserved is None else on_hand - reserved,
    )
