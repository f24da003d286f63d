"""A real PostgreSQL for tests: no service, no root, started when a test first asks for it and gone with the run.

How it is started, and as whom, is in `dukani.engines`. Each worker of a parallel run has a server of its own."""

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from dukani.engines import postgres as engine
from dukani.migrate import bring_up_to_date

OWNER = engine.SUPERUSER
APP_ROLE = "dukani_app"
"""What the application connects as: owns nothing, and row-level security binds it."""
_SETTINGS = ("shared_buffers=32MB",)
# A test's data need not survive a power cut; what is measured must.
_HASTY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")


@dataclass(slots=True)
class Server:
    """A running server. Databases are named by the SQLAlchemy URL of their owner, a superuser, whom no policy binds."""

    socket_dir: Path
    _templates: dict[str, str] = field(default_factory=dict[str, str])
    _made: int = 0

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{OWNER}@/{database}?host={self.socket_dir}"

    def as_app(self, url: str) -> str:
        """The same database for the application's role."""
        return url.replace(f"://{OWNER}@", f"://{APP_ROLE}@", 1)

    def create(self, lineage: str) -> str:
        """A new database with all tables of that lineage, copied from a template that was migrated once. The
        application's role may work in it."""
        template = self._templates.get(lineage)
        if template is None:
            template = f"template_{lineage}"
            self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(template)))
            bring_up_to_date(lineage, self.url(template), grant_to=APP_ROLE)
            self._templates[lineage] = template
        return self._new(template)

    def create_empty(self) -> str:
        """A new database without any table."""
        return self._new("template1")

    def drop(self, url: str) -> None:
        """With the connections that are still open to it."""
        name = url.removeprefix(f"postgresql+psycopg://{OWNER}@/").partition("?")[0]
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _new(self, template: str) -> str:
        self._made += 1
        name = f"test_{self._made}"
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def make_app_role(self) -> None:
        self._execute(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS").format(sql.Identifier(APP_ROLE)))

    def _execute(self, statement: sql.Composed) -> None:
        with self._connect() as connection:
            connection.execute(statement)

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(host=str(self.socket_dir), user=OWNER, dbname="postgres", autocommit=True)


@pytest.fixture(scope="session")
def postgres() -> Generator[Server]:
    """One server per worker for the whole run. Ask it for databases."""
    with running() as server:
        yield server


@contextmanager
def running(*, durable: bool = False) -> Generator[Server]:
    """A server of one's own. `durable` makes commits reach the disk, as benchmarks must."""
    # Short, because a socket's path may have 107 characters; /tmp, because another user must be able to enter.
    folder = Path(tempfile.mkdtemp(prefix="dukani-pg-", dir="/tmp"))
    try:
        settings = _SETTINGS if durable else _SETTINGS + _HASTY
        with engine.running(folder / "data", folder, settings=settings, keeps_data=False):
            server = Server(folder)
            server.make_app_role()
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)
