"""Brings a database to the newest revision of its lineage: one Alembic lineage per database, under `migrations/`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from kit.db import Database
from kit.settings import Settings

ROOT = Path(__file__).resolve().parent.parent

_LOCK_KEY = 0x64756B616E69  # "dukani": two migrations of one PostgreSQL database wait for each other


class MigrationError(RuntimeError):
    """A database could not be brought up to date. It is as it was before; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Step:
    """One revision that was applied."""

    lineage: str
    revision: str
    title: str


def lineage_url(settings: Settings, lineage: str) -> str:
    urls = {
        "platform": settings.platform_database_url,
        "ops": settings.ops_database_url,
        "conversations": settings.conversations_database_url,
        "payments": settings.payments_database_url,
    }
    return urls[lineage]


def migrate(lineage: str, url: str, on_step: Callable[[Step], None] = lambda step: None) -> int:
    """Apply what is missing, in one transaction, and return how many revisions that were. Raises MigrationError."""
    applied = 0

    def count(step: Step) -> None:
        nonlocal applied
        applied += 1
        on_step(step)

    database = Database(url, pool_size=1)
    try:
        with database.write() as tx:
            if tx.is_postgres:
                tx.execute(text("SET LOCAL statement_timeout = 0"))
                tx.execute(text("SET LOCAL lock_timeout = 0"))
                tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
            _upgrade(lineage, tx.conn, count)
    except CommandError as error:
        raise MigrationError(f"{lineage}: {error}. Was this database made by a newer Dukani?") from error
    except DBAPIError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise MigrationError(f"{lineage}: {reason} (see {lineage.upper()}_DATABASE_URL)") from error
    finally:
        database.close()
    return applied


def newest(lineage: str) -> str | None:
    """The revision that a database of this lineage should be at."""
    return ScriptDirectory.from_config(_config(lineage)).get_current_head()


def _config(lineage: str) -> Config:
    config = Config()
    # Alembic's own option syntax: % is escaped, and only a newline separates, so that any folder's name will do.
    config.set_main_option("path_separator", "newline")
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    config.set_main_option("version_locations", str(ROOT / "migrations" / lineage).replace("%", "%%"))
    return config


def _upgrade(lineage: str, connection: Connection, on_step: Callable[[Step], None]) -> None:
    def applied(*, step: Any, **_: Any) -> None:
        revision = step.up_revision
        on_step(Step(lineage, revision.revision, (revision.doc or "").strip().splitlines()[0]))

    config = _config(lineage)
    config.attributes["connection"] = connection
    config.attributes["on_step"] = applied
    command.upgrade(config, "head")
