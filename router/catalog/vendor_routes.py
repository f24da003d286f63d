"""The catalogue over the vendor's API: what the shop sells, and how many of it are left."""

from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Annotated

from flask import Blueprint, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from contracts.errors import ErrorCode, FieldError
from contracts.ids import ItemId, VendorId
from contracts.money import Currency
from contracts.states import Capability
from kit.db import Tx
from kit.paging import InOrder, Place, paged
from kit.problems import Problem
from kit.web import answer, read_body, read_query
from router.catalog.importing import (
    MAX_ROWS,
    Given,
    ItemGiven,
    Name,
    Outcome,
    SetCount,
    lines_of,
    write_item,
    write_lines,
)
from router.catalog.pictures import Picture, PictureRefused
from router.catalog.service import Listed, all_categories, listed_items
from router.catalog.shrinking import kept_from
from router.catalog.writing import ItemWritten, lock_shelves, order_categories, put_picture
from router.edge import Call, Edge, Routes
from router.operations import BY_VENDOR, KeyScope, Operation
from router.vendors.service import Vendor

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
    category: str | None = None
    keywords: str = ""
    has_picture: bool = False


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ItemKept(_Answer):
    item_id: str
    outcome: ItemWritten
    """Whether it was new, changed, or as it is already."""


class Import(BaseModel):
    """Lines of a CSV file with the columns sku, name, price (in whole units, such as 120 or 1450.50) and, if wanted,
    description, unit, category, keywords, stock, active. At most 1,000 at a time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    csv: Annotated[str, StringConstraints(min_length=1, max_length=450_000)] = Field(
        examples=["sku,name,price,category,keywords,stock\nMAMA-MILK,Fresh milk 500 ml,65,Dairy,maziwa;leite,48\n"]
    )


class LineProblem(_Answer):
    line: int
    """Counted from 1, the columns' names."""
    problem: str


class Imported(_Answer):
    added: int
    changed: int
    unchanged: int
    errors: list[LineProblem]
    """Of these lines nothing was kept; of all others everything."""


class NewPicture(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    content_base64: Annotated[str, StringConstraints(min_length=1)] = Field(
        description="A PNG or JPEG of at most 8 MB and 25 megapixels, such as a phone takes. What is larger than "
        "500 kB or 2,048 pixels a side, or says where it was taken, is kept as a JPEG of 1,024 pixels that doesn't.",
        examples=["iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mNoaGgAAAMEAYF1LgG8AAAAAElFTkSuQmCC"],
    )


class PictureKept(_Answer):
    item_id: str
    media_type: str
    width: int
    height: int


class VendorCategory(_Answer):
    category_id: str
    name: str
    count: int
    """How many of its items are on sale."""


class VendorCategories(_Answer):
    categories: list[VendorCategory]


class CategoryOrder(BaseModel):
    """The categories that come first, in this order. New ones are made; others follow as they stood."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: list[Name] = Field(max_length=100, examples=[["Vegetables", "Dairy"]])


class VendorItems(BaseModel):
    model_config = ConfigDict(frozen=True)

    items: list[VendorItem]
    next_cursor: str | None


PUT_ITEM = Operation(
    "vendor.items.put",
    "POST",
    "/api/v1/items",
    "Add an item, or change the one with this SKU",
    BY_VENDOR,
    needs=(Capability.CATALOG,),
    scope=KeyScope.SHOP_WRITE,
    body=ItemGiven,
    answer=ItemKept,
    problems=((422, ErrorCode.AMOUNT_INVALID), (409, ErrorCode.STOCK_HELD)),
    description="The whole item: what is left out is empty, but for `stock`. Customers see it within 5 seconds; an "
    "order that has it already keeps its name and price.",
    tag="catalogue",
)
IMPORT_ITEMS = Operation(
    "vendor.items.import",
    "POST",
    "/api/v1/items/import",
    "Add or change many items, from CSV",
    BY_VENDOR,
    needs=(Capability.CATALOG,),
    scope=KeyScope.SHOP_WRITE,
    body=Import,
    answer=Imported,
    max_body_bytes=500_000,
    description="Each line stands for itself: what is wrong with one is said by its number. The same again changes "
    "nothing.",
    tag="catalogue",
)
PUT_PICTURE = Operation(
    "vendor.items.picture",
    "POST",
    "/api/v1/items/<item_id>/picture",
    "Show an item with a picture",
    BY_VENDOR,
    needs=(Capability.CATALOG,),
    scope=KeyScope.SHOP_WRITE,
    body=NewPicture,
    answer=PictureKept,
    problems=((404, ErrorCode.ITEM_UNKNOWN), (422, ErrorCode.PICTURE_INVALID)),
    max_body_bytes=10_700_000,
    tag="catalogue",
    parameters={"item_id": "The item's id, as the list shows it"},
)
LIST_CATEGORIES = Operation(
    "vendor.categories.list",
    "GET",
    "/api/v1/categories",
    "The categories, in the shop's order",
    BY_VENDOR,
    needs=(Capability.CATALOG,),
    scope=KeyScope.SHOP_READ,
    answer=VendorCategories,
    tag="catalogue",
)
ORDER_CATEGORIES = Operation(
    "vendor.categories.order",
    "PUT",
    "/api/v1/categories",
    "Put the categories in order",
    BY_VENDOR,
    needs=(Capability.CATALOG,),
    scope=KeyScope.SHOP_WRITE,
    body=CategoryOrder,
    answer=VendorCategories,
    tag="catalogue",
)
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


def vendor_catalog_routes(edge: Edge, counts: Counts, set_count: SetCount) -> Blueprint:
    routes = Routes(edge, "vendor_catalog")
    _writing_routes(routes, edge, set_count)

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


def _writing_routes(routes: Routes, edge: Edge, set_count: SetCount) -> None:
    @routes.add(PUT_ITEM)
    def put(call: Call) -> Response:
        given, vendor = read_body(ItemGiven), call.vendor

        def effect(tx: Tx) -> tuple[int, ItemKept]:
            lock_shelves(tx, vendor.id, vendor.currency)
            with edge.databases.ops(vendor.id).write() as ops:
                written = write_item(tx, ops, vendor.id, vendor.currency, given, set_count)
            return 200, ItemKept(item_id=written.item_id, outcome=written.what)

        return edge.perform_on_platform(call, effect)

    @routes.add(IMPORT_ITEMS)
    def import_items(call: Call) -> Response:
        vendor = call.vendor
        lines = _lines(read_body(Import).csv, vendor)

        def effect(tx: Tx) -> tuple[int, Imported]:
            outcome = Outcome()
            with edge.databases.ops(vendor.id).write() as ops:
                write_lines(tx, ops, vendor.id, vendor.currency, lines, set_count, outcome)
            errors = [LineProblem(line=number, problem=problem) for number, problem in outcome.errors]
            return 200, Imported(errors=errors, **{what.value: n for what, n in outcome.written.items()})

        return edge.perform_on_platform(call, effect)

    @routes.add(PUT_PICTURE)
    def picture(call: Call, item_id: str) -> Response:
        shown = _picture(read_body(NewPicture).content_base64)

        def effect(tx: Tx) -> tuple[int, PictureKept]:
            if not put_picture(tx, call.vendor.id, ItemId(item_id), shown):
                raise Problem(404, ErrorCode.ITEM_UNKNOWN, "the shop has no item with this id")
            kept = PictureKept(item_id=item_id, media_type=shown.media_type, width=shown.width, height=shown.height)
            return 200, kept

        return edge.perform_on_platform(call, effect)

    @routes.add(LIST_CATEGORIES)
    def categories(call: Call) -> Response:
        with edge.databases.platform.read() as tx:
            return answer(_categories(tx, call.vendor))

    @routes.add(ORDER_CATEGORIES)
    def order(call: Call) -> Response:
        names = list(dict.fromkeys(read_body(CategoryOrder).names))

        def effect(tx: Tx) -> tuple[int, VendorCategories]:
            order_categories(tx, call.vendor.id, names)
            return 200, _categories(tx, call.vendor)

        return edge.perform_on_platform(call, effect)


def _categories(tx: Tx, vendor: Vendor) -> VendorCategories:
    found = all_categories(tx, vendor.id, vendor.currency)
    return VendorCategories(
        categories=[VendorCategory(category_id=each.id, name=each.name, count=each.count) for each in found]
    )


def _lines(text: str, vendor: Vendor) -> list[Given]:
    try:
        lines = list(islice(lines_of(text, vendor.currency), MAX_ROWS + 1))
    except ValueError as error:
        problem = FieldError(field="csv", problem=str(error))
        raise Problem(422, ErrorCode.INVALID_REQUEST, str(error), errors=[problem]) from error
    if len(lines) > MAX_ROWS:
        detail = f"at most {MAX_ROWS} lines at a time: send the others with another request"
        errors = [FieldError(field="csv", problem=detail)]
        raise Problem(422, ErrorCode.INVALID_REQUEST, detail, errors=errors)
    return lines


def _picture(content_base64: str) -> Picture:
    try:
        return kept_from(b64decode(content_base64, validate=True))
    except (ValueError, PictureRefused) as error:  # what is not ASCII is no binascii.Error
        why = str(error) if isinstance(error, PictureRefused) else "not Base64"
        raise Problem(422, ErrorCode.PICTURE_INVALID, f"this can't be shown: {why}") from error


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
        category=item.category,
        keywords=item.keywords,
        has_picture=item.has_picture,
    )
