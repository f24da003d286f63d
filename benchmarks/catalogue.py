"""What a catalogue's size costs: what a chat asks of a shop with 100 items and of one with 10,000, in turn.

Nothing is remembered between questions. What counts is processor time, of this process and of the database's: it says
the same on a busy machine. On PostgreSQL the questions are asked as the application's role, of analysed tables."""

import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert, text

from benchmarks.measure import console, median, quantile_ms, show
from benchmarks.shops import engine
from contracts.ids import ItemId, VendorId
from contracts.money import Currency
from dukani.migrate import bring_up_to_date
from kit.db import Database
from kit.paging import Place
from router.catalog.indexing import index_waiting
from router.catalog.models import catalog_categories, catalog_items
from router.catalog.service import Catalogue
from router.vendors.models import vendors

SIZES = (100, 10_000)
ROUNDS = 60
ASKED_A_ROUND = 3
_WARM = 3
"""Rounds in which statements are prepared and plans are made."""
_CATEGORIES = 10
_PAGE = 9
_FIRST = ("Fresh", "Brown", "White", "Sweet", "Dry", "Large", "Small", "Red", "Green", "Golden")
_SECOND = ("milk", "bread", "rice", "beans", "soap", "maize", "tea", "sugar", "salt", "oil", "flour", "paper", "eggs")
_SEVERAL = ("milk", "brown bread", "suger", "salt", "rice", "golden tea", "oil", "eggs")

Ask = Callable[[Catalogue, VendorId, int], object]
"""A question to the shop of that many items."""


@dataclass(frozen=True, slots=True)
class Cost:
    cpu_us: float
    wait_s: float


def stock_shop(platform: Database, size: int) -> VendorId:
    """A shop with so many items in ten categories, indexed."""
    vendor_id = VendorId(f"shop-{size}")
    with platform.write() as tx:
        tx.execute(insert(vendors).values(id=vendor_id, name=vendor_id, word=vendor_id))
        for number in range(_CATEGORIES):
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
        "category_id": f"c{number % _CATEGORIES}",
        "keywords": "maziwa, leite" if number % 10 == 7 else "",
    }


def _search(query: str) -> Ask:
    def ask(shelves: Catalogue, vendor_id: VendorId, _size: int) -> object:
        return shelves.page(vendor_id, Currency.KES, query=query, category_id=None, after=0, limit=_PAGE)

    return ask


def _page(share: float, category: int | None = None) -> Ask:
    """A full page that begins at that share of the shelf."""
    step, category_id = (1, None) if category is None else (_CATEGORIES, f"c{category}")

    def ask(shelves: Catalogue, vendor_id: VendorId, size: int) -> object:
        skipped = min(int(share * size / step), size // step - _PAGE)
        end = (skipped - 1) * step + (category or 0)
        after: Place | int = Place(end, f"i{end}") if skipped else 0
        return shelves.page(vendor_id, Currency.KES, query="", category_id=category_id, after=after, limit=_PAGE)

    return ask


def _several(shelves: Catalogue, vendor_id: VendorId, size: int) -> object:
    return [_search(name)(shelves, vendor_id, size) for name in _SEVERAL]


def _card(shelves: Catalogue, vendor_id: VendorId, _size: int) -> object:
    return shelves.find(vendor_id, Currency.KES, "i42"), shelves.picture(vendor_id, ItemId("i42"))


QUESTIONS: dict[str, Ask] = {
    "shelves": lambda shelves, vendor_id, _: shelves.categories(vendor_id, Currency.KES),
    "first page": _page(0),
    "a page in the middle": _page(0.5),
    "last page": _page(1),
    "a shelf's first page": _page(0, category=3),
    "a shelf's last page": _page(1, category=3),
    "a word": _search("milk"),
    "a synonym": _search("maziwa"),
    "a beginning": _search("s"),
    "two words": _search("brown number"),
    "two words seldom together": _search("brown bread"),
    "two words never together": _search("fresh maziwa"),
    "a SKU": _search("sku-42"),
    "a misspelling": _search("suger"),
    "a word and one not found": _search("milk bicycle"),
    "not found": _search("bicycle"),
    "eight things at once": _several,
    "item card": _card,
    "an item to add": lambda shelves, vendor_id, _: shelves.find(vendor_id, Currency.KES, "i57"),
}


def _backend(platform: Database) -> Path | None:
    """Where Linux says how long the server's process for our one connection has run."""
    if not platform.is_postgres:
        return None
    with platform.read() as tx:
        pid: int = tx.execute(text("SELECT pg_backend_pid() AS pid")).scalar_one()
    return Path(f"/proc/{pid}/schedstat")


def _cpu_ns(backend: Path | None) -> int:
    return time.process_time_ns() + (0 if backend is None else int(backend.read_text().split()[0]))


def _costs(platform: Database, shops: Sequence[VendorId], ask: Ask) -> list[list[Cost]]:
    """Of each shop, round by round, asked in turn."""
    backend = _backend(platform)
    found: list[list[Cost]] = [[] for _ in shops]
    for round_no in range(_WARM + ROUNDS):
        for costs, vendor_id, size in zip(found, shops, SIZES, strict=True):
            began, used = time.perf_counter(), _cpu_ns(backend)
            for _ in range(ASKED_A_ROUND):
                ask(Catalogue(platform), vendor_id, size)
            cpu_ns, waited_s = _cpu_ns(backend) - used, time.perf_counter() - began
            if round_no >= _WARM:
                costs.append(Cost(cpu_ns / 1000 / ASKED_A_ROUND, waited_s / ASKED_A_ROUND))
    return found


@contextmanager
def _platform(engine_name: str) -> Generator[tuple[Database, Database]]:
    """As the application opens it, and as its owner does."""
    with engine(engine_name) as server, tempfile.TemporaryDirectory(prefix="dukani-bench-") as folder:
        if server is None:
            url = own_url = f"sqlite:///{folder}/platform.sqlite"
            bring_up_to_date("platform", url)
        else:
            own_url = server.create("platform")
            url = server.as_app(own_url)
        platform, owner = Database(url), Database(own_url)
        yield platform, owner
        owner.close()
        platform.close()


def run(engine_name: str) -> None:
    rows: list[Sequence[str]] = []
    ratios: list[float] = []
    with _platform(engine_name) as (platform, owner):
        shops = [stock_shop(platform, size) for size in SIZES]
        if platform.is_postgres:
            with owner.write() as tx:
                tx.execute(text("ANALYZE"))
        for name, ask in QUESTIONS.items():
            small, large = _costs(platform, shops, ask)
            ratio = median([b.cpu_us / a.cpu_us for a, b in zip(small, large, strict=True)])
            ratios.append(ratio)
            cells = [
                cell
                for costs in (small, large)
                for cell in (
                    f"{median([cost.cpu_us for cost in costs]):.0f}",
                    f"{quantile_ms([cost.wait_s for cost in costs], 0.5):.2f}",
                )
            ]
            rows.append([name, *cells, f"{ratio:.2f}"])
    columns = [column for size in SIZES for column in (f"{size:,}: CPU µs", "p50 ms")]
    show(f"A catalogue's size on {engine_name}", ("", *columns, "ratio of CPU"), rows)
    console.print(f"ratio of CPU, median of the questions: {median(ratios):.2f}; the worst: {max(ratios):.2f}")
