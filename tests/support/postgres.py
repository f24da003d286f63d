"""A real PostgreSQL for tests: no service, no root, started when a test first asks for it and gone with the run.

How it is started, and as whom, is in `dukani.engines`. Each worker of a parallel run has a server of its own."""

import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from dukani.engines import postgres as engine
from dukani.migrate import bring_up_to_date
from tests.support.blank import Blank

OWNER = engine.SUPERUSER
APP_ROLE = "dukani_app"
"""What the application connects as: owns nothing, and row-level security binds it."""
_SETTINGS = ("shared_buffers=32MB",)
# A test's data need not survive a power cut; what is measured must.
_HASTY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")
_CONNECTED = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
_END_ALL = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"


@dataclass(slots=True)
class Server:
    """A running server. Databases are named by the SQLAlchemy URL of their owner, a superuser, whom no policy binds."""

    socket_dir: Path
    _blanks: dict[str, Blank] = field(default_factory=dict[str, Blank])
    """By lineage, once there is a template of it."""
    _lineages: dict[str, str] = field(default_factory=dict[str, str])
    """Of the databases that are in use and have one, by name."""
    _spares: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Names of databases that are as good as new, by lineage."""
    _made: int = 0
    _kept: psycopg.Connection | None = None

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{OWNER}@/{database}?host={self.socket_dir}"

    def as_app(self, url: str) -> str:
        """The same database for the application's role."""
        return url.replace(f"://{OWNER}@", f"://{APP_ROLE}@", 1)

    def create(self, lineage: str) -> str:
        """A database with all tables of that lineage, which nobody else has or knows the name of: one that was given
        back, or a copy of a template that was migrated once. The application's role may work in it."""
        template = f"template_{lineage}"
        if lineage not in self._blanks:
            self._execute("CREATE DATABASE {}", template)
            bring_up_to_date(lineage, self.url(template), grant_to=APP_ROLE)
        spares = self._spares.setdefault(lineage, [])
        name = spares.pop() if spares else self._copy(template)
        if lineage not in self._blanks:
            with closing(self._connect(name)) as connection:
                self._blanks[lineage] = Blank(connection)
        self._lineages[name] = lineage
        return self.url(name)

    def create_empty(self) -> str:
        """A new database without any table."""
        return self.url(self._copy("template1"))

    def drop(self, url: str) -> None:
        """With the connections that are still open to it. Nobody finds it under this name again."""
        name = url.removeprefix(f"postgresql+psycopg://{OWNER}@/").partition("?")[0]
        lineage = self._lineages.pop(name, None)
        spare = self._new_name()
        if lineage is None or not self._is_restored(name, spare, self._blanks[lineage]):
            for each in (name, spare):
                self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", each)
        else:
            self._spares[lineage].append(spare)

    def make_app_role(self) -> None:
        self._execute("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS", APP_ROLE)

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()

    def _new_name(self) -> str:
        self._made += 1
        return f"test_{self._made}"

    def _copy(self, template: str) -> str:
        name = self._new_name()
        self._execute("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
        return name

    def _is_restored(self, name: str, spare: str, blank: Blank) -> bool:
        """Under a new name, which nobody knows who worked in it. If not, it is under either."""
        # Who closed a moment ago is about to be gone, and PostgreSQL itself would look again only after 100 ms.
        patience = time.monotonic() + 0.05
        while self._connected(name) and time.monotonic() < patience:
            time.sleep(0.001)
        try:
            self._keeper().execute(_END_ALL, (name,))
            self._execute("ALTER DATABASE {} RENAME TO {}", name, spare)
            with closing(self._connect(spare)) as connection:
                return blank.restore(connection)
        except psycopg.Error:
            return False

    def _connected(self, name: str) -> int:
        found = self._keeper().execute(_CONNECTED, (name,)).fetchone()
        assert found is not None
        return found[0]

    def _execute(self, statement: LiteralString, *names: str) -> None:
        self._keeper().execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _keeper(self) -> psycopg.Connection:
        if self._kept is None or self._kept.closed:
            self._kept = self._connect("postgres")
        return self._kept

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(host=str(self.socket_dir), user=OWNER, dbname=database, autocommit=True)


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
            try:
                yield server
            finally:
                server.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
