"""What verbs share: the platform and the payments database without a running process, errors as sentences, and tables
for people."""

import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
from pydantic import BaseModel, ValidationError

from contracts.ids import VendorId
from contracts.money import Money
from dukani.prepare import CannotStart
from kit.settings import Settings, load_settings

if TYPE_CHECKING:
    from kit.db import Database
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
    from kit.db import Database

    settings = load_settings()
    database = Database(settings.platform_database_url)
    try:
        with (
            database_trouble_said("platform"),
            refusals_said(),
            database.read() if only_looking else database.write() as tx,
        ):
            yield Desk(tx, settings, settings.clock().now())
    finally:
        database.close()


@contextmanager
def database_trouble_said(name: str, more: str = "") -> Generator[None]:
    """A database that can't be used becomes CannotStart, which says what to look at. `name` as `dukani migrate` knows
    it; `more` is said besides."""
    from sqlalchemy.exc import DBAPIError

    from kit.db import is_lock_timeout

    try:
        yield
    except DBAPIError as error:
        if is_lock_timeout(error):
            raise CannotStart(f"The {name} database is busy: try again in a moment.{more}") from error
        kind, url = type(error).__name__, f"{name.upper()}_DATABASE_URL"
        raise CannotStart(
            f"The {name} database can't be used ({kind}): is {url} right, and was `dukani migrate --env {name}` "
            f"run?{more}"
        ) from error


@contextmanager
def payments_database(settings: Settings, more: str = "") -> "Generator[Database]":
    """The payments database, closed at the end. Trouble with it is said as by `database_trouble_said`."""
    from kit.db import Database

    database = Database(settings.payments_database_url)
    try:
        with database_trouble_said("payments", more):
            yield database
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


def amount_of(money: Money) -> str:
    """`KES 1,450.50`"""
    whole, part = divmod(money.minor, money.currency.minor_per_whole)
    return f"{money.currency} {whole:,}.{part:02}"


def when(moment: datetime | None) -> str:
    return "–" if moment is None else moment.strftime("%Y-%m-%d %H:%M UTC")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
