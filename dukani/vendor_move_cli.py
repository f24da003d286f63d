"""`dukani vendor move` and `dukani vendor purge`: to another database while the shop trades, and clearing up after."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import click

from dukani.prepare import CannotStart
from kit.settings import Settings, load_settings

if TYPE_CHECKING:
    from contracts.ids import VendorId
    from router.moving.service import Ends, Step

_EVERY = 5000
"""Rows between two signs of life, where they are lines."""


@click.command()
@click.argument("shop", metavar="VENDOR")
@click.option("--to", "where", type=click.Choice(["dedicated"]), help="Into a database of its own.")
@click.option("--target", type=click.File(), metavar="FILE|-", help="Its db_target as JSON; - reads standard input.")
@click.option("--abandon", "is_abandoned", is_flag=True, help="Give up a move that has not switched yet.")
def move(shop: str, where: str | None, target: IO[str] | None, is_abandoned: bool) -> None:
    """Move a vendor, named by id or word, to another database while it trades.

    Everything goes along, and is compared before the switch; the vendor's writers wait meanwhile. A move that was cut
    off is finished by the same command, or given up with --abandon. The rows it leaves behind stay, behind a fence,
    until `dukani vendor purge`."""
    if is_abandoned and (where or target):
        raise click.UsageError("--abandon goes without --to and --target")
    if (where is None) != (target is None):
        raise click.UsageError("--to dedicated and --target go together; without both, a move is finished")
    settings = load_settings()
    with _ends(settings, shop) as (ends, vendor_id):
        if is_abandoned:
            _abandon(ends, vendor_id)
        else:
            _move(settings, ends, vendor_id, target.read() if target else None)


@click.command()
@click.argument("shop", metavar="VENDOR")
def purge(shop: str) -> None:
    """Delete the rows that a vendor's last move left behind. They are gone for good: you are asked for its id."""
    from router.moving.service import purge as purge_vendor

    with _ends(load_settings(), shop) as (ends, vendor_id):
        click.echo(f"This deletes every row of {vendor_id} in the database that it has left, not in its new home.")
        if click.prompt("Type the vendor's id to go on", default="", show_default=False) != vendor_id:
            raise CannotStart("That is not its id: nothing was deleted.")
        progress = _Progress()
        purged = purge_vendor(vendor_id, ends, progress)
        progress.wipe()
    click.echo(f"{sum(purged.values())} rows were deleted. The fence stays, so that nobody writes there by mistake.")


def _move(settings: Settings, ends: "Ends", vendor_id: "VendorId", document: str | None) -> None:
    from dukani.moving import destination
    from router.moving.service import move as move_vendor

    home = destination(settings, vendor_id, document) if document is not None else None
    progress = _Progress()
    moved = move_vendor(vendor_id, home, ends, progress)
    progress.wipe()
    for table, rows in moved.rows.items():
        if rows:
            click.echo(f"  {table}: {rows} rows, equal")
    waited = f"{moved.writers_waited_s:.1f} s"
    click.echo(
        f"{vendor_id} lives in its own database now. {sum(moved.rows.values())} rows; its writers waited {waited}."
    )
    click.echo(f"What it left behind is frozen; when you no longer want it: dukani vendor purge {vendor_id}")


def _abandon(ends: "Ends", vendor_id: "VendorId") -> None:
    from router.moving.service import abandon

    abandoned = abandon(vendor_id, ends, _Progress())
    click.echo(f"The move of {vendor_id} is abandoned: it lives, and is written, where it was.")
    if abandoned.left_behind:
        click.echo(f"Rows may be left in the target, which could not be cleared: {abandoned.left_behind}")
        click.echo("Empty that database before you use it for a vendor.")


@contextmanager
def _ends(settings: Settings, shop: str) -> Generator[tuple["Ends", "VendorId"]]:
    """What goes wrong meanwhile becomes a sentence and exit code 1."""
    from sqlalchemy.exc import SQLAlchemyError

    from dukani.moving import ends_of
    from router.moving.service import Busy, HalfWay, MoveRefused
    from router.vendors.homes import find_vendor

    ends = ends_of(settings)
    try:
        with ends.platform.read() as tx:
            vendor_id = find_vendor(tx, shop)
        if vendor_id is None:
            raise CannotStart(f"There is no vendor with the id or the word {shop!r}.")
        yield ends, vendor_id
    except (MoveRefused, Busy, HalfWay) as error:
        raise CannotStart(f"{shop}: {error}") from error
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise CannotStart(
            f"{shop}: {reason}\nNothing is lost. The same command again goes on from where it was; "
            f"`dukani vendor move {shop} --abandon` gives a move up."
        ) from error
    finally:
        ends.platform.close()


class _Progress:
    """Shows what is being copied: one line that changes on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._rows = 0
        self._said = 0

    def reached(self, step: "Step") -> None:
        self.wipe()
        click.echo(_STEPS[step])

    def did(self, what: str, rows: int) -> None:
        self._rows += rows
        if self._is_terminal:
            click.echo(f"\r\033[2K  {self._rows} rows · {what}", nl=False)
        elif self._rows - self._said >= _EVERY:
            self._said = self._rows
            click.echo(f"  {self._rows} rows · {what}")

    def wipe(self) -> None:
        if self._is_terminal:
            click.echo("\r\033[2K", nl=False)


_STEPS = {
    "begun": "Preparing the target, and copying while the vendor trades …",
    "copied": "Everything is copied. Once more, while nobody writes …",
    "alone": "The vendor's writers wait. Making good what has changed, and comparing …",
    "compared": "All rows are in the target, and equal.",
    "fenced": "The old home is frozen.",
    "arrived": "The new home is complete.",
    "switched": "The vendor lives in its new home.",
}
