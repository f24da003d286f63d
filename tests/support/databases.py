"""Migrated databases for tests: the same test on SQLite and on PostgreSQL, or on SQLite alone."""

import shutil
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

import pytest
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from dukani.migrate import migrate
from kit.db import Database, Tx
from tests.support.postgres import OWNER, Server

NewDatabase = Callable[[str], Database]
"""`new_database("ops")`: a fresh database with that lineage's tables, closed and gone when the test ends.

On PostgreSQL an ops database is opened as the application opens it: row-level security holds, so that nothing is seen
or written without a scope, and no table can be made. `as_owner` is past all that."""


def _hasten(connection: object, _entry: ConnectionPoolEntry, _proxy: object) -> None:
    if isinstance(connection, SqliteConnection):
        connection.execute("PRAGMA synchronous=OFF").close()


# As on the PostgreSQL of the tests, only a power cut would show whether a commit has reached the disk. What else a
# commit promises holds all the same, and processes that a test starts wait for the disk as ever.
event.listen(Pool, "checkout", _hasten)


@contextmanager
def as_owner(database: Database) -> Generator[Tx]:
    """A transaction in which a test sees every vendor's rows, and may do what only the owner of the tables may."""
    with _owners(database) as owners, owners.write() as tx:
        yield tx


@contextmanager
def seeing_all(database: Database) -> Generator[Tx]:
    """The same for looking on: on SQLite it never waits for a writer."""
    with _owners(database) as owners, owners.read() as tx:
        yield tx


@contextmanager
def _owners(database: Database) -> Generator[Database]:
    if not database.is_postgres:
        yield database
        return
    url = database.engine.url.set(username=OWNER).render_as_string(hide_password=False)
    with closing(Database(url, pool_size=1)) as owners:
        yield owners


@pytest.fixture(scope="session")
def sqlite_templates(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A migrated file per lineage; tests copy it, which is faster than migrating."""
    folder = tmp_path_factory.mktemp("templates")

    def template(lineage: str) -> Path:
        path = folder / f"{lineage}.sqlite"
        if not path.exists():
            migrate(lineage, f"sqlite:///{path}")
        return path

    return template


@pytest.fixture
def sqlite_database(tmp_path: Path, sqlite_templates: Callable[[str], Path]) -> Generator[NewDatabase]:
    with ExitStack() as stack:
        yield partial(_on_sqlite, stack, tmp_path, sqlite_templates)


@pytest.fixture
def postgres_database(postgres: Server) -> Generator[NewDatabase]:
    with ExitStack() as stack:
        yield partial(_on_postgres, stack, postgres)


@pytest.fixture(params=["sqlite", "postgres"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[NewDatabase]:
    """Runs the test twice. On PostgreSQL the server starts with the first test that asks."""
    with ExitStack() as stack:
        if request.param == "postgres":
            server: Server = request.getfixturevalue("postgres")
            yield partial(_on_postgres, stack, server)
        else:
            templates: Callable[[str], Path] = request.getfixturevalue("sqlite_templates")
            yield partial(_on_sqlite, stack, tmp_path, templates)


def _on_sqlite(stack: ExitStack, folder: Path, templates: Callable[[str], Path], lineage: str) -> Database:
    made = len(list(folder.glob("*.sqlite")))
    path = folder / f"{lineage}-{made}.sqlite"
    shutil.copyfile(templates(lineage), path)
    database = Database(f"sqlite:///{path}")
    stack.callback(database.close)
    return database


def _on_postgres(stack: ExitStack, server: Server, lineage: str) -> Database:
    url = server.create(lineage)
    stack.callback(server.drop, url)
    database = Database(server.as_app(url) if lineage == "ops" else url)
    stack.callback(database.close)
    return database
