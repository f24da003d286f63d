"""What a catalogue's size costs: the same questions to shelves of 100 and of 10,000 items.

`python -m benchmarks.catalogue <url of an empty, migrated platform database>` prints milliseconds at the median and at
the 99th of a hundred, nothing remembered between questions."""

import sys
import time
from collections.abc import Callable
from functools import partial

from sqlalchemy import insert

from contracts.ids import VendorId
from contracts.money import Currency
from kit.db import Database
from router.catalog.indexing import index_waiting
from router.catalog.models import catalog_categories, catalog_items
from router.catalog.service import Catalogue
from router.vendors.models import vendors

SIZES = (100, 10_000)
ROUNDS = 100
_FIRST = ("Fresh", "Brown", "White", "Sweet", "Dry", "Large", "Small", "Red", "Green", "Golden")
_SECOND = ("milk", "bread", "rice", "beans", "soap", "maize", "tea", "sugar", "salt", "oil", "flour", "paper", "eggs")


def stock_shop(platform: Database, size: int) -> VendorId:
    """A shop with so many items in ten categories, indexed."""
    vendor_id = VendorId(f"shop-{size}")
    with platform.write() as tx:
        tx.execute(insert(vendors).values(id=vendor_id, name=vendor_id, word=vendor_id))
        for number in range(10):
            row = {"vendor_id": vendor_id, "id": f"c{number}", "name": f"Category {number}", "position": number}
            tx.execute(insert(catalog_categories), row)
        for start in range(0, size, 1000):
            rows = [_item(vendor_id, number) for number in range(start, min(size, start + 1000))]
            tx.execute(insert(catalog_items).values(rows))
    index_waiting(platform, vendor_id)
    return vendor_id


def _item(vendor_id: VendorId, number: int) -> dict[str, object]:
    name = f"{_FIRST[number % 10]} {_SECOND[number // 10 % 13]} number {number}"
    return {
        "vendor_id": vendor_id,
        "id": f"i{number}",
        "sku": f"SKU-{number}",
        "name": name,
        "price_minor": 10_000,
        "position": number,
        "category_id": f"c{number % 10}",
        "keywords": "maziwa, leite" if number % 130 == 7 else "",
    }


def measured(ask: Callable[[int], object]) -> tuple[str, str]:
    """Median and 99th percentile, in milliseconds."""
    took: list[float] = []
    for number in range(ROUNDS):
        begun = time.perf_counter()
        ask(number)
        took.append(time.perf_counter() - begun)
    took.sort()
    return f"{took[ROUNDS // 2] * 1000:.2f}", f"{took[ROUNDS * 99 // 100] * 1000:.2f}"


def _asked(
    platform: Database, vendor_id: VendorId, query: str, category_id: str | None, start: int, _number: int
) -> object:
    fresh = Catalogue(platform)
    return fresh.page(vendor_id, Currency.KES, query=query, category_id=category_id, start=start, limit=9)


def main(url: str) -> None:
    platform = Database(url)
    shops = {size: stock_shop(platform, size) for size in SIZES}
    questions = {
        "first page": ("", None, 0),
        "a category's third page": ("", "c3", 18),
        "a word": ("milk", None, 0),
        "a synonym": ("maziwa", None, 0),
        "two words": ("brown bread", None, 0),
        "a misspelling": ("suger", None, 0),
        "a beginning": ("s", None, 0),
    }
    sys.stdout.write(f"{'question':26}" + "".join(f"{size:>10,} items: median, p99 ms" for size in SIZES) + "\n")
    for name, (query, category_id, start) in questions.items():
        cells: list[str] = []
        for vendor_id in shops.values():
            ask = partial(_asked, platform, vendor_id, query, category_id, start)
            cells.append("{:>20} {:>8}".format(*measured(ask)))
        sys.stdout.write(f"{name:26}" + "".join(cells) + "\n")
    platform.close()


if __name__ == "__main__":
    main(sys.argv[1])
