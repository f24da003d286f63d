"""`dukani catalog …`: what a shop sells, straight in the databases; no router need run."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dukani.desk import every_database, refusals_said, show_table
from kit.settings import load_settings

if TYPE_CHECKING:
    from router.catalog.importing import Given
    from router.databases import Databases
    from router.vendors.service import Vendor

BATCH = 200
"""Lines that are kept or not kept together, should the command be cut off: it can be run again."""


@dataclass(frozen=True, slots=True)
class ShopDesk:
    """One command's shop, and every database."""

    databases: "Databases"
    vendor: "Vendor"


@contextmanager
def shop_desk(id_or_word: str) -> Generator[ShopDesk]:
    """What is refused within becomes a ClickException that says what to do."""
    from router.vendors.service import Directory, find_vendor

    with refusals_said(), every_database(load_settings()) as databases:
        with databases.platform.read() as tx:
            vendor_id = find_vendor(tx, id_or_word)
        if vendor_id is None:
            raise click.ClickException(
                f"There is no shop with the id or the word {id_or_word!r}: `dukani vendor list` shows them."
            )
        yield ShopDesk(databases, Directory(databases.platform).known(vendor_id))


@click.group()
def catalog() -> None:
    """Items, categories and pictures. A shop is named by its id or its word."""


@catalog.command(name="import")
@click.argument("vendor")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_items(vendor: str, file: Path) -> None:
    """Add or change items from a CSV FILE.

    Its first line names the columns: sku, name, price (in whole units, such as 120 or 1450.50) and, if wanted,
    description, unit, category, keywords, stock, active. The SKU says which item is meant; the same file again changes
    nothing. A line that can't be used is named, and all others are kept."""
    from router.catalog.importing import Outcome, lines_of, write_lines
    from router.catalog.indexing import index_waiting
    from router.stock.service import count_anew

    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file} can't be read as UTF-8 text ({type(error).__name__}).") from error
    with shop_desk(vendor) as desk:
        shop, databases = desk.vendor, desk.databases
        try:
            lines = list(lines_of(text, shop.currency))
        except ValueError as error:
            raise click.ClickException(f"{file}: {error}.") from error
        outcome = Outcome()
        with click.progressbar(length=len(lines), label=shop.name, file=sys.stderr) as bar:
            for batch in in_batches(lines):
                with databases.platform.write() as platform, databases.ops(shop.id).write() as ops:
                    write_lines(platform, ops, shop.id, shop.currency, batch, count_anew, outcome)
                bar.update(len(batch))
        index_waiting(databases.platform, shop.id)
    counts = ", ".join(f"{number} {what}" for what, number in outcome.written.items())
    click.echo(f"{counts}. Customers see it within 5 seconds.")
    if outcome.errors:
        for number, problem in outcome.errors:
            click.echo(f"line {number}: {problem}", err=True)
        raise click.ClickException(f"{len(outcome.errors)} lines were left out; mend them and run it again.")


@catalog.command()
@click.argument("vendor")
@click.argument("sku")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def picture(vendor: str, sku: str, file: Path) -> None:
    """Show the item with this SKU with the PNG or JPEG in FILE: at most 8 MB and 25 megapixels.

    A photograph is kept smaller, upright, and without what the camera noted of where and when it was taken."""
    from router.catalog.pictures import PictureRefused
    from router.catalog.shrinking import kept_from
    from router.catalog.writing import known_item, put_picture

    try:
        shown = kept_from(file.read_bytes())
    except PictureRefused as error:
        raise click.ClickException(f"{file} can't be shown: {error}.") from error
    with shop_desk(vendor) as desk, desk.databases.platform.write() as tx:
        item = known_item(tx, desk.vendor.id, sku)
        if item is None:
            raise click.ClickException(f"{desk.vendor.name} has no item with the SKU {sku!r}.")
        put_picture(tx, desk.vendor.id, item.id, shown)
    click.echo(f"{sku}: {shown.media_type}, {shown.width} by {shown.height} pixels.")


@catalog.command()
@click.argument("vendor")
@click.argument("name", nargs=-1)
def categories(vendor: str, name: tuple[str, ...]) -> None:
    """List a shop's categories; with NAMEs, put these first, in this order, and make those that are new."""
    from router.catalog.service import all_categories
    from router.catalog.writing import order_categories

    with shop_desk(vendor) as desk, desk.databases.platform.write() as tx:
        if name:
            order_categories(tx, desk.vendor.id, list(dict.fromkeys(name)))
        found = all_categories(tx, desk.vendor.id, desk.vendor.currency)
    show_table(("category", "items on sale", "id"), ((each.name, each.count, each.id) for each in found))


def in_batches(lines: "list[Given]") -> "Generator[list[Given]]":
    """`BATCH` at a time."""
    for start in range(0, len(lines), BATCH):
        yield lines[start : start + BATCH]
