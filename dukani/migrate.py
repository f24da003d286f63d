"""Brings a database to the newest revision of its lineage: one Alembic lineage per database, under `migrations/`."""

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError

from dukani.migration_error import MigrationError, Unreachable
from dukani.revisions import Fit, fit, newest_in
from dukani.roles import grant_roles
from kit.db import Database, Tx, is_lock_timeout
from kit.settings import Settings

ROOT = Path(__file__).resolve().parent.parent

LOCK_WAIT_S = 3
"""How long a change of a table in use may wait for its lock. While it waits, everyone who comes after it waits too."""
TRIES = 20
"""How often a migration that met a lock is begun anew, `PAUSE_S` apart: a minute and a half in all."""
PAUSE_S = 1.5

_LOCK_KEY = 0x64756B616E69  # "dukani": two migrations of one PostgreSQL database wait for each other


@dataclass(frozen=True, slots=True)
class Step:
    """One revision that was applied."""

    lineage: str
    revision: str
    title: str


@dataclass(frozen=True, slots=True)
class Migrated:
    """Revisions before and after; `before` is None for a database that had no tables."""

    before: str | None
    after: str
    steps: tuple[Step, ...]


def lineage_url(settings: Settings, lineage: str) -> str:
    """Where the application reaches this database."""
    urls = {
        "platform": settings.platform_database_url,
        "ops": settings.ops_database_url,
        "conversations": settings.conversations_database_url,
        "payments": settings.payments_database_url,
    }
    return urls[lineage]


def grantee(settings: Settings, lineage: str) -> str | None:
    """The role that the application connects as, where another one owns the tables."""
    url, owner = make_url(lineage_url(settings, lineage)), make_url(settings.migration_urls[lineage])
    return None if url.username == owner.username else url.username


def migrate(lineage: str, url: str, on_step: Callable[[Step], None] = lambda step: None) -> int:
    """Apply what is missing, in one transaction, and return how many revisions that were. Raises MigrationError."""
    migrated = bring_up_to_date(lineage, url)
    for step in migrated.steps:
        on_step(step)
    return len(migrated.steps)


def bring_up_to_date(
    lineage: str,
    url: str,
    *,
    grant_to: str | None = None,
    is_dedicated: bool = False,
    setting: str | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Migrated:
    """Apply what is missing and grant `grant_to` what the application needs, all in one transaction.

    A table that is in use is waited for `LOCK_WAIT_S` at a time, so that the shop goes on in between. `setting` names
    what a person would correct. A dedicated database may lack the roles that see across shops: its loops need none.
    Raises MigrationError, Unreachable."""
    setting = setting or f"{lineage.upper()}_DATABASE_URL"
    database = Database(url, pool_size=1)
    try:
        for attempt in range(1, TRIES + 1):
            try:
                return _attempt(database, lineage, grant_to, is_dedicated)
            except CommandError as error:
                raise MigrationError(f"{lineage}: {error}. Was this database made by a newer Dukani?") from error
            except (DBAPIError, sqlite3.Error) as error:
                if not _met_a_lock(error):
                    raise _failure(lineage, error, setting) from error
                if attempt == TRIES:
                    raise MigrationError(
                        f"{lineage}: a table was in use through {TRIES} tries ({_first_line(error)}); "
                        "end the transaction that holds it, or run this again when the shop is quieter"
                    ) from error
            pause(PAUSE_S)
        raise AssertionError("the last try returns or raises")
    finally:
        database.close()


def revision_of(url: str) -> str | None:
    """The revision that this database is at; None without tables. Raises DBAPIError."""
    database = Database(url, pool_size=1)
    try:
        with database.read() as tx:
            return _revision(tx.conn)
    finally:
        database.close()


def reach(lineage: str, url: str, setting: str) -> str | None:
    """As `revision_of`. Raises Unreachable and MigrationError, as `bring_up_to_date` does."""
    try:
        return revision_of(url)
    except (DBAPIError, sqlite3.Error) as error:
        raise _failure(lineage, error, setting) from error


def newest(lineage: str) -> str:
    """The revision that a database of this lineage should be at."""
    return newest_in(ROOT / "migrations" / lineage)


def fit_of(lineage: str, url: str) -> Fit:
    """Whether this version can work on that database as it is. Raises DBAPIError."""
    return fit(revision_of(url), newest(lineage))


def _attempt(database: Database, lineage: str, grant_to: str | None, is_dedicated: bool) -> Migrated:
    steps: list[Step] = []
    with database.write() as tx:
        if tx.is_postgres:
            tx.execute(text("SET LOCAL statement_timeout = 0"))
            # Another migration of this database is waited for without a limit: it gives up by itself.
            tx.execute(text("SET LOCAL lock_timeout = 0"))
            tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
            tx.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT_S}s'"))
        before = _revision(tx.conn)
        _upgrade(lineage, tx.conn, steps.append, is_dedicated)
        _grant(tx, lineage, grant_to)
    return Migrated(before, steps[-1].revision if steps else before or "", tuple(steps))


def _grant(tx: Tx, lineage: str, grant_to: str | None) -> None:
    if grant_to is not None and tx.is_postgres:
        grant_roles(tx.conn, lineage, grant_to)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(lineage: str) -> Config:
    config = Config()
    # Alembic's own option syntax: % is escaped, and only a newline separates, so that any folder's name will do.
    config.set_main_option("path_separator", "newline")
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    config.set_main_option("version_locations", str(ROOT / "migrations" / lineage).replace("%", "%%"))
    return config


def script_directory(lineage: str) -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(lineage))


def _upgrade(lineage: str, connection: Connection, on_step: Callable[[Step], None], is_dedicated: bool) -> None:
    def applied(*, step: Any, **_: Any) -> None:
        revision = step.up_revision
        on_step(Step(lineage, revision.revision, (revision.doc or "").strip().splitlines()[0]))

    config = _config(lineage)
    config.attributes["connection"] = connection
    config.attributes["on_step"] = applied
    config.attributes["is_dedicated"] = is_dedicated
    command.upgrade(config, "head")


# SQLite's own errors come bare where a connection is opened or a transaction begun, and wrapped from a statement.


def _met_a_lock(error: DBAPIError | sqlite3.Error) -> bool:
    return is_lock_timeout(error) if isinstance(error, DBAPIError) else "database is locked" in str(error)


def _failure(lineage: str, error: DBAPIError | sqlite3.Error, setting: str) -> MigrationError:
    # Without a statement it was the connection that failed.
    never_connected = not isinstance(error, DBAPIError) or error.statement is None or error.connection_invalidated
    kind = Unreachable if never_connected else MigrationError
    return kind(f"{lineage}: {_first_line(error)} (see {setting})")


def _first_line(error: DBAPIError | sqlite3.Error) -> str:
    return str(error.orig if isinstance(error, DBAPIError) else error).strip().partition("\n")[0]
