"""What a shop sells, page by page or by search."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from flask import Blueprint, Response
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StringConstraints, WithJsonSchema

from contracts.errors import ErrorCode, FieldError
from contracts.ids import ItemId, VendorId
from contracts.router_api import (
    MAX_LOOKED_UP,
    CategoryList,
    CategoryView,
    ItemCard,
    ItemPage,
    ItemsFound,
    ItemView,
    PictureView,
)
from contracts.states import Capability
from kit.db import Tx
from kit.paging import MAX_CURSOR_LENGTH, CursorUnreadable, Place, place_in
from kit.problems import Problem
from kit.web import answer, read_query
from router.catalog.pictures import Picture
from router.catalog.rules import Item
from router.catalog.searching import MOST_FOUND
from router.catalog.service import Catalogue
from router.catalog.words import MAX_QUERY_LENGTH
from router.edge import Call, Edge, Routes
from router.operations import BY_BOT, Operation

Availability = Callable[[Tx, VendorId, Sequence[ItemId]], Mapping[ItemId, int]]
"""How many of each counted item can be had now. This room does not know who counts."""


def _where_it_ended(text: object) -> Place | int:
    """A search goes on after so many, a shelf behind its last item."""
    if isinstance(text, str) and len(text) <= len(str(MOST_FOUND)) and text.isascii() and text.isdigit():
        return int(text)
    return place_in(text)


class ItemQuery(BaseModel):
    query: Annotated[str, StringConstraints(max_length=MAX_QUERY_LENGTH)] = ""
    category: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    after: Annotated[
        Place | int | None,
        BeforeValidator(_where_it_ended),
        WithJsonSchema({"type": "string", "maxLength": MAX_CURSOR_LENGTH}),
        Field(description="Where to go on: `next_after` of the page before, as it is. Left out: from the start."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=50)] = 9


def _names(queries: str) -> str:
    if queries.count("\n") >= MAX_LOOKED_UP:
        raise ValueError(f"at most {MAX_LOOKED_UP} names, a line feed between them")
    return queries


class LookUpQuery(BaseModel):
    queries: Annotated[
        str, StringConstraints(min_length=1, max_length=MAX_LOOKED_UP * MAX_QUERY_LENGTH), AfterValidator(_names)
    ]
    limit: Annotated[int, Field(ge=1, le=20)] = 9


LIST_ITEMS = Operation(
    "items.list",
    "GET",
    "/v1/catalog/items",
    "What the shop sells, page by page, by category or by search",
    BY_BOT,
    needs=(Capability.CATALOG,),
    query=ItemQuery,
    answer=ItemPage,
    tag="catalogue",
)
LOOK_UP = Operation(
    "items.look_up",
    "GET",
    "/v1/catalog/lookup",
    "What several names find, as a search for each would",
    BY_BOT,
    needs=(Capability.CATALOG,),
    query=LookUpQuery,
    answer=ItemsFound,
    tag="catalogue",
)
SHOW_ITEM = Operation(
    "items.show",
    "GET",
    "/v1/catalog/items/<item_id>",
    "One item, with its picture",
    BY_BOT,
    needs=(Capability.CATALOG,),
    answer=ItemCard,
    problems=((404, ErrorCode.ITEM_UNKNOWN),),
    tag="catalogue",
    parameters={"item_id": "The item's id, as the list shows it"},
)
LIST_CATEGORIES = Operation(
    "categories.list",
    "GET",
    "/v1/catalog/categories",
    "The categories with something on sale",
    BY_BOT,
    needs=(Capability.CATALOG,),
    answer=CategoryList,
    tag="catalogue",
)


def catalog_routes(edge: Edge, catalogue: Catalogue, availability: Availability) -> Blueprint:
    routes = Routes(edge, "catalog")

    def left_of(call: Call, items: Sequence[Item]) -> Mapping[ItemId, int]:
        counted = [item.id for item in items if item.is_counted]
        if not counted:
            return {}
        with edge.reading(call.vendor) as tx:
            return availability(tx, call.vendor.id, counted)

    @routes.add(LIST_ITEMS)
    def items(call: Call) -> Response:
        vendor = call.vendor
        wanted = read_query(ItemQuery)
        try:
            page = catalogue.page(
                vendor.id,
                vendor.currency,
                query=wanted.query,
                category_id=wanted.category,
                after=wanted.after or 0,
                limit=wanted.limit,
            )
        except CursorUnreadable as error:
            problem = FieldError(field="after", problem=str(error))
            raise Problem(422, ErrorCode.INVALID_REQUEST, str(error), errors=[problem]) from error
        left = left_of(call, page.items)
        views = [ItemView.model_validate(_shown(item, left)) for item in page.items]
        return answer(ItemPage(items=views, next_after=page.following, total=page.total))

    @routes.add(LOOK_UP)
    def look_up(call: Call) -> Response:
        vendor, wanted = call.vendor, read_query(LookUpQuery)
        names = [" ".join(name.split()) for name in wanted.queries.split("\n")]
        pages = [
            catalogue.page(vendor.id, vendor.currency, query=name, category_id=None, after=0, limit=wanted.limit).items
            if name
            else ()
            for name in names
        ]
        left = left_of(call, list({item.id: item for page in pages for item in page}.values()))
        return answer(
            ItemsFound(found=[[ItemView.model_validate(_shown(item, left)) for item in page] for page in pages])
        )

    _single_routes(routes, catalogue, left_of)
    return routes.blueprint


def _single_routes(
    routes: Routes, catalogue: Catalogue, left_of: Callable[[Call, Sequence[Item]], Mapping[ItemId, int]]
) -> None:
    @routes.add(SHOW_ITEM)
    def item(call: Call, item_id: str) -> Response:
        found = catalogue.find(call.vendor.id, call.vendor.currency, item_id)
        if found is None:
            raise Problem(404, ErrorCode.ITEM_UNKNOWN, "the shop does not sell this (any more)")
        picture = catalogue.picture(call.vendor.id, found.id) if found.has_picture else None
        return answer(ItemCard(**_shown(found, left_of(call, [found])), picture=picture_view(picture)))

    @routes.add(LIST_CATEGORIES)
    def categories(call: Call) -> Response:
        found, others = catalogue.categories(call.vendor.id, call.vendor.currency)
        views = [CategoryView(category_id=each.id, name=each.name, count=each.count) for each in found]
        return answer(CategoryList(categories=views, others=others))


def picture_view(picture: Picture | None) -> PictureView | None:
    """As it travels."""
    if picture is None:
        return None
    return PictureView(
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        content_base64=b64encode(picture.content).decode(),
    )


def _shown(item: Item, left: Mapping[ItemId, int]) -> dict[str, Any]:
    """The fields of an ItemView."""
    return {
        "item_id": item.id,
        "sku": item.sku,
        "name": item.name,
        "description": item.description,
        "unit": item.unit,
        "price_minor": item.price.minor,
        "currency": item.price.currency,
        "available": left.get(item.id, 0) if item.is_counted else None,
        "category_id": item.category_id,
        "category": item.category,
        "has_picture": item.has_picture,
    }
