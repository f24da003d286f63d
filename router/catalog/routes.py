"""What a shop sells, page by page or by search."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

from flask import Blueprint, Response
from pydantic import BaseModel, Field, StringConstraints

from contracts.ids import ItemId, VendorId
from contracts.router_api import ItemPage, ItemView
from contracts.states import Capability
from kit.db import Tx
from kit.web import answer, read_query
from router.catalog.rules import MAX_QUERY_LENGTH, Item
from router.catalog.service import Catalogue
from router.edge import Call, Edge, Routes
from router.operations import BY_BOT, Operation

Availability = Callable[[Tx, VendorId, Sequence[ItemId]], Mapping[ItemId, int]]
"""How many of each counted item can be had now. This room does not know who counts."""


class ItemQuery(BaseModel):
    query: Annotated[str, StringConstraints(max_length=MAX_QUERY_LENGTH)] = ""
    after: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}$")] = "0"
    limit: Annotated[int, Field(ge=1, le=50)] = 9


LIST_ITEMS = Operation(
    "items.list",
    "GET",
    "/v1/catalog/items",
    "What the shop sells, page by page or by search",
    BY_BOT,
    needs=(Capability.CATALOG,),
    query=ItemQuery,
    answer=ItemPage,
    tag="catalogue",
)


def catalog_routes(edge: Edge, catalogue: Catalogue, availability: Availability) -> Blueprint:
    routes = Routes(edge, "catalog")

    @routes.add(LIST_ITEMS)
    def items(call: Call) -> Response:
        vendor = call.vendor
        wanted = read_query(ItemQuery)
        found = catalogue.shelf(vendor.id, vendor.currency).search(wanted.query)
        start = int(wanted.after)
        page = found[start : start + wanted.limit]
        counted = [item.id for item in page if item.is_counted]
        left: Mapping[ItemId, int] = {}
        if counted:
            with edge.reading(vendor) as tx:
                left = availability(tx, vendor.id, counted)
        end = start + len(page)
        return answer(
            ItemPage(
                items=[_view(item, left) for item in page],
                next_after=str(end) if page and end < len(found) else None,
                total=len(found),
            )
        )

    return routes.blueprint


def _view(item: Item, left: Mapping[ItemId, int]) -> ItemView:
    return ItemView(
        item_id=item.id,
        sku=item.sku,
        name=item.name,
        description=item.description,
        unit=item.unit,
        price_minor=item.price.minor,
        currency=item.price.currency,
        available=left.get(item.id, 0) if item.is_counted else None,
    )
