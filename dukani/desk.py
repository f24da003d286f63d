"""What the verbs about shops and keys share: the platform database without a running router, errors as sentences, and
tables for people."""

import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
from pydantic import BaseModel, ValidationError

from contracts.ids import VendorId
from dukani.prepare import CannotStart
from kit.settings import Settings, load_settings

if TYPE_CHECKING:
    from router.databases import Databases

BY = "command line"
"""Who changes things here, in the record of changes."""

_PIPED_WIDTH = 1000  # nothing is folded there: whoever reads it looks for whole names and ids

M = TypeVar("M", bound=BaseModel)

as_json = click.option("--json", "as_json", is_flag=True, help="For programs: JSON instead of a table.")


@dataclass(frozen=True, slots=True)
class Desk:
    """One command's transaction in the platform database."""

    tx: Any  # kit.db.Tx, which is imported when a command runs
    settings: Settings
    now: datetime

    def vendor(self, id_or_word: str) -> VendorId:
        """The shop that was named. Raises ClickException."""
        from router.vendors.service import find_vendor

        vendor_id = find_vendor(self.tx, id_or_word)
        if vendor_id is None:
            raise click.ClickException(
                f"There is no shop with the id or the word {id_or_word!r}: `dukani vendor list` shows them."
            )
        return vendor_id


@contextmanager
def refusals_said() -> Generator[None]:
    """What is refused within becomes a ClickException, which says what to do."""
    from kit.problems import Problem

    try:
        yield
    except Problem as problem:
        fields = [f"  {error.field}: {error.problem}" for error in problem.errors]
        raise click.ClickException("\n".join([_sentence(problem.detail), *fields])) from problem


@contextmanager
def at_desk(*, only_looking: bool = False) -> Generator[Desk]:
    """A transaction that commits at the end; it writes, unless it is `only_looking`.

    What is refused becomes a ClickException that says what to do; a database that can't be used, CannotStart."""
    from sqlalchemy.exc import DBAPIError

    from kit.db import Database, is_lock_timeout

    settings = load_settings()
    database = Database(settings.platform_database_url)
    try:
        with refusals_said(), database.read() if only_looking else database.write() as tx:
            yield Desk(tx, settings, settings.clock().now())
    except DBAPIError as error:
        if is_lock_timeout(error):
            raise CannotStart("The platform database is busy: try again in a moment.") from error
        kind = type(error).__name__
        raise CannotStart(
            f"The platform database can't be used ({kind}): is PLATFORM_DATABASE_URL right, and was `dukani migrate "
            "--env platform` run?"
        ) from error
    finally:
        database.close()


@contextmanager
def every_database(settings: Settings) -> "Generator[Databases]":
    """The platform database and every ops database, closed at the end."""
    from kit.db import Database
    from router.databases import Databases
    from router.dedicated import Tenants
    from router.targets import Access
    from router.vendors.service import Directory

    platform = Database(settings.platform_database_url)
    tenants = Tenants(Access.of(settings), ceiling=settings.dedicated_connections)
    databases = Databases(platform, Database(settings.ops_database_url), Directory(platform), tenants)
    try:
        yield databases
    finally:
        databases.close()


def checked(model: type[M], **values: object) -> M:
    """The model with the values that were given (not None). Raises ClickException that names each wrong one."""
    try:
        return model.model_validate({name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        lines: list[str] = []
        for problem in error.errors(include_url=False, include_context=False, include_input=False):
            where = ".".join(str(part) for part in problem["loc"])
            said = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{where}: {said}" if where else said)
        raise click.ClickException("\n".join(lines)) from error


def show_json(model: BaseModel) -> None:
    click.echo(model.model_dump_json(indent=2))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for row in rows:
        # Text, since a name may hold what rich would take for its own mark-up.
        table.add_row(*(Text("–" if cell is None else str(cell)) for cell in row))
    is_terminal = sys.stdout.isatty()
    Console(file=sys.stdout, width=None if is_terminal else _PIPED_WIDTH).print(table)


def when(moment: datetime | None) -> str:
    return "–" if moment is None else moment.strftime("%Y-%m-%d %H:%M UTC")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
