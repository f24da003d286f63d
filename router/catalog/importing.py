"""Items as a shop gives them, one by one or as lines of a CSV file. Giving the same again changes nothing: the SKU says
which item is meant."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from contracts.errors import ErrorCode, FieldError
from contracts.ids import ItemId, VendorId, derived_id
from contracts.money import Currency, Money
from kit.db import Tx
from kit.problems import Problem
from router.catalog.rules import Item
from router.catalog.words import keywords_from
from router.catalog.writing import ItemWritten, known_item, lock_shelves, put_category, put_item

COLUMNS = ("sku", "name", "price", "description", "unit", "category", "keywords", "stock", "active")
REQUIRED = COLUMNS[:3]
MAX_ROWS = 1000
"""Of one request; a command line sends a file in parts."""
MAX_STOCK = 1_000_000_000

_PRICE = re.compile(r"([0-9]{1,9})(?:[.,]([0-9]{1,2}))?")
_NO = frozenset({"no", "false", "0", "hapana", "não", "nao"})

Given = tuple[int, "ItemGiven | str"]
"""A line: its number, and the item in it or what is wrong with it."""

SetCount = Callable[[Tx, VendorId, ItemId, int], int | None]
"""Count an item anew: None, or how many are held where that is more. This room does not know who counts."""

Line = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$")]
Name = Annotated[Line, Field(min_length=1, max_length=200)]


class ItemGiven(BaseModel):
    """An item of the catalogue. What is left out is empty; `stock` left out stays as it is counted, or not counted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: Annotated[Line, Field(min_length=1, max_length=64, examples=["MAMA-MILK"])]
    name: Annotated[Line, Field(min_length=1, max_length=200, examples=["Fresh milk 500 ml"])]
    price_minor: Annotated[int, Field(strict=True, ge=1, le=100_000_000_000, examples=[6500])]
    description: Annotated[Line, Field(max_length=1000)] = ""
    unit: Annotated[Line, Field(max_length=40)] = ""
    category: Name | None = Field(None, description="By its name; a new one is made.", examples=["Dairy"])
    keywords: list[Annotated[Line, Field(max_length=60)]] = Field(
        default_factory=list[str], max_length=30, description="Words that find it, too.", examples=[["maziwa", "leite"]]
    )
    stock: Annotated[int, Field(strict=True, ge=0, le=MAX_STOCK)] | None = Field(
        None, description="How many are on the shelf."
    )
    active: bool = Field(True, description="Whether customers see it.")


@dataclass(frozen=True, slots=True)
class Written:
    item_id: ItemId
    what: ItemWritten


@dataclass(slots=True)
class Outcome:
    """What became of some lines. Of a line with an error nothing was kept."""

    seen: dict[str, int] = field(default_factory=dict[str, int])
    """In which line each SKU stood."""
    written: dict[ItemWritten, int] = field(default_factory=lambda: dict.fromkeys(ItemWritten, 0))
    errors: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])


def write_item(
    platform: Tx, ops: Tx, vendor_id: VendorId, currency: Currency, given: ItemGiven, count: SetCount
) -> Written:
    """Keep the item and its stock. Raises Problem 422 amount_invalid or 409 stock_held: then nothing was changed."""
    if currency is Currency.KES and given.price_minor % currency.minor_per_whole:
        raise Problem(
            422,
            ErrorCode.AMOUNT_INVALID,
            f"{given.name}: shillings are whole, 6500 are sixty-five",
            errors=[FieldError(field="price_minor", problem="not a whole amount")],
        )
    known = known_item(platform, vendor_id, given.sku)
    item_id = ItemId(derived_id("item", vendor_id, given.sku)) if known is None else known.id
    if given.stock is not None:
        held = count(ops, vendor_id, item_id, given.stock)
        if held is not None:
            detail = f"{given.sku}: {held} are held for confirmed orders, more than {given.stock}"
            raise Problem(409, ErrorCode.STOCK_HELD, detail, reserved=held)
    item = Item(
        id=item_id,
        sku=given.sku,
        name=given.name,
        description=given.description,
        unit=given.unit,
        price=Money(given.price_minor, currency),
        is_counted=given.stock is not None or (known is not None and known.is_counted),
        category_id=None if given.category is None else put_category(platform, vendor_id, given.category),
        keywords=keywords_from(given.keywords),
    )
    item_id, what = put_item(platform, vendor_id, item, is_active=given.active)
    return Written(item_id, what)


def lines_of(text: str, currency: Currency) -> Iterator[Given]:
    """The items of a CSV file, each with the number of its line, or what is wrong with that line.

    Raises ValueError for a file without the columns that are needed."""
    dialect = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    reader = csv.DictReader(StringIO(text.removeprefix("\ufeff")), delimiter=dialect, strict=True)
    names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    missing = [name for name in REQUIRED if name not in names]
    unknown = [name for name in names if name not in COLUMNS]
    if missing or unknown:
        said = [f"lacks {', '.join(missing)}"] if missing else []
        said += [f"has {', '.join(map(repr, unknown))}, which nobody knows"] if unknown else []
        raise ValueError(f"the first line {' and '.join(said)}; columns are {', '.join(COLUMNS)}")
    reader.fieldnames = names
    try:
        for row in reader:
            yield reader.line_num, _given(row, currency)
    except csv.Error as error:
        yield reader.line_num + 1, f"not CSV: {error}"


def _given(row: Mapping[str | None, str | list[str] | None], currency: Currency) -> ItemGiven | str:
    if None in row:
        return "more cells than columns: put a text with a comma into quotes"
    cells = {name: value.strip() for name, value in row.items() if name and isinstance(value, str) and value.strip()}
    texts = ("sku", "name", "description", "unit", "category")
    values: dict[str, object] = {name: cells[name] for name in texts if name in cells}
    price = _PRICE.fullmatch(cells.get("price", ""))
    if price is None:
        return f"price {cells.get('price', '')!r}: write 120 or 1450.50"
    values["price_minor"] = int(price[1]) * currency.minor_per_whole + int((price[2] or "0").ljust(2, "0"))
    if currency is Currency.KES and price[2] and int(price[2]):
        return f"price {cells['price']!r}: shillings are whole"
    if "stock" in cells:
        if not re.fullmatch(r"[0-9]{1,9}", cells["stock"]):
            return f"stock {cells['stock']!r}: a whole number, or nothing where it is not counted"
        values["stock"] = int(cells["stock"])
    values["keywords"] = [each for each in re.split(r"[,;|]", cells.get("keywords", "")) if each.strip()]
    values["active"] = cells.get("active", "yes").lower() not in _NO
    try:
        return ItemGiven.model_validate(values)
    except ValidationError as error:
        return "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_input=False)
        )


def write_lines(
    platform: Tx,
    ops: Tx,
    vendor_id: VendorId,
    currency: Currency,
    lines: Sequence[Given],
    count: SetCount,
    outcome: Outcome,
) -> None:
    """Keep what can be kept, in two transactions that the caller opened, and add to the outcome."""
    lock_shelves(platform, vendor_id, currency)
    for number, given in lines:
        if isinstance(given, str):
            outcome.errors.append((number, given))
            continue
        if given.sku in outcome.seen:
            outcome.errors.append((number, f"{given.sku} stands in line {outcome.seen[given.sku]} already"))
            continue
        outcome.seen[given.sku] = number
        try:
            written = write_item(platform, ops, vendor_id, currency, given, count)
        except Problem as problem:
            outcome.errors.append((number, problem.detail))
            continue
        outcome.written[written.what] += 1
