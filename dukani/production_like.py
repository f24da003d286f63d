"""`dukani up --production-like`: the whole shop as production runs it, on one machine, in one command.

PostgreSQL with roles of its own and Valkey come from the test requirements, their data stays in
`<data>/production-like`; whatever the settings name already is used instead. Two web workers each, and the router's
background work in a process of its own."""

import fcntl
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from dukani.engines import postgres, valkey
from dukani.engines.program import CannotRun, Program
from dukani.prepare import LINEAGES, CannotStart, check_ports, make_data_dir, migrate_all
from dukani.processes import Process, command_line, place, wanted, work_command_line
from dukani.supervise import Job
from dukani.up import introduce_shops, make_contents, plant, run_jobs, say, welcome
from kit.ports import PortTaken, check_port
from kit.settings import Settings, load_settings

_DEPLOY = Path(__file__).resolve().parent.parent / "deploy"
_WORKERS = "2"
_WORK = "router work"
_PORTS_TRIED = 200


def up(given: Settings) -> int:
    """Run until told to stop; returns the exit code. Raises CannotStart, SettingsError."""
    if not given.is_local:
        raise CannotStart("--production-like tries production's shape with invented shops: unset DUKANI_ENV.")
    folder = given.data_dir / "production-like"
    make_data_dir(given)
    check_ports(given, wanted(given))
    before = signal.signal(signal.SIGTERM, _end)
    try:
        with ExitStack() as stack:
            stack.enter_context(_alone_in(folder))
            environ = {**os.environ, "DUKANI_DATA_DIR": str(folder)}
            environ.setdefault("DUKANI_LOG_FORMAT", "json")
            environ.update(_servers(stack, given, folder))
            return _run(load_settings(environ), environ)
    except CannotRun as error:
        raise CannotStart(str(error)) from error
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(settings: Settings, environ: Mapping[str, str]) -> int:
    migrate_all(settings, LINEAGES, say, quiet=True)
    plant(settings)
    work_port = _free_port_after(settings)
    jobs: list[Job] = []
    for process in wanted(settings):
        several = () if process is Process.SIMULATORS else ("--workers", _WORKERS)
        split = ("--no-work",) if process is Process.ROUTER else ()
        jobs.append(Job(process, command_line(process, *several, *split), place(process, settings).port))
        if process is Process.ROUTER:
            jobs.append(Job(_WORK, work_command_line(process, work_port), work_port))

    def open_up() -> None:
        introduce_shops(settings)
        welcome(settings)
        make_contents(settings)
        say(f"Metrics: {place(Process.ROUTER, settings).url}/metrics; of the router's work: port {work_port}.\n")

    return run_jobs(jobs, environ, open_up)


def _servers(stack: ExitStack, given: Settings, folder: Path) -> dict[str, str]:
    """Start what the settings do not name; the variables that say where it is. Raises CannotRun."""
    urls = {
        "PLATFORM": given.platform_database_url,
        "OPS": given.ops_database_url,
        "CONVERSATIONS": given.conversations_database_url,
        "PAYMENTS": given.payments_database_url,
    }
    missing = [name for name, url in urls.items() if not url.startswith("postgresql")]
    variables: dict[str, str] = {}
    sockets = stack.enter_context(_sockets(folder))
    if missing:
        say("Starting PostgreSQL …")
        server = stack.enter_context(postgres.running(folder / "postgres", sockets))
        stack.enter_context(_watched(server, "Nothing works without it: stop with Ctrl-C and start again."))
        make_databases(sockets)
        for name in missing:
            place = f"/dukani_{name.lower()}?host={sockets}"
            variables[f"{name}_DATABASE_URL"] = f"postgresql://dukani_app@{place}"
            variables[f"{name}_MIGRATION_URL"] = f"postgresql://dukani_owner@{place}"
    if given.redis_url is None:
        say("Starting Valkey …")
        socket = sockets / "valkey"
        stack.enter_context(
            _watched(
                stack.enter_context(valkey.running(folder / "valkey", socket)),
                "The shop goes on without it, a little slower.",
            )
        )
        variables["REDIS_URL"] = valkey.url(socket)
    return variables


def make_databases(sockets: Path) -> None:
    """The roles and databases of `deploy/*.sql`, where they are missing."""
    import psycopg

    with psycopg.connect(host=str(sockets), user=postgres.SUPERUSER, dbname="postgres", autocommit=True) as server:
        server.execute((_DEPLOY / "roles.sql").read_bytes())
        there = {name for (name,) in server.execute("SELECT datname FROM pg_database").fetchall()}
        for line in (_DEPLOY / "databases.sql").read_text().splitlines():
            is_made = line.startswith("CREATE DATABASE ") and line.split()[2] in there
            if line and not line.startswith("--") and not is_made:
                server.execute(line.encode())


@contextmanager
def _alone_in(folder: Path) -> Generator[None]:
    """Two on the same data would be two servers on the same files. The lock ends with the process, however it ends."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotStart(
                f"A shop runs on {folder} already: stop it, or set DUKANI_DATA_DIR to another folder."
            ) from error
        yield


@contextmanager
def _sockets(folder: Path) -> Generator[Path]:
    """A folder whose path is short enough for sockets, whatever the data folder's is."""
    noted = folder / "sockets"
    if noted.exists():  # of a run that was killed
        shutil.rmtree(_checked(Path(noted.read_text())), ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix="dukani-", dir="/tmp"))
    noted.write_text(str(made))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        noted.unlink(missing_ok=True)


def _checked(path: Path) -> Path:
    """Whatever the note says, only a folder of ours is removed."""
    if path.parent == Path("/tmp") and path.name.startswith("dukani-"):  # noqa: S108 - compared, not written to
        return path
    raise CannotStart(f"{path} is no folder of ours: remove the file that names it, `sockets` in the data folder.")


@contextmanager
def _watched(server: Program, what_now: str) -> Generator[None]:
    """Says it when the server ends while it is needed."""
    is_needed = threading.Event()
    is_needed.set()

    def watch() -> None:
        code = server.process.wait()
        if is_needed.is_set():
            how = f"was killed by signal {-code}" if code < 0 else f"stopped (exit {code})"
            say(f"{server.name} {how}. {what_now}")

    threading.Thread(target=watch, name=f"watch-{server.name}", daemon=True).start()
    try:
        yield
    finally:
        is_needed.clear()


def _free_port_after(settings: Settings) -> int:
    """Beside the router's own. Raises CannotStart."""
    taken = {place(process, settings).port for process in Process}
    first = settings.router_port + 1
    for port in range(first, min(first + _PORTS_TRIED, 65536)):
        try:
            check_port(port, settings.listen_host)
        except PortTaken:
            continue
        if port not in taken:
            return port
    raise CannotStart(f"No free port after {settings.router_port}: set DUKANI_ROUTER_PORT to another.")


def _end(_how: int, _frame: FrameType | None) -> NoReturn:
    """Before the shop runs, a stop just unwinds what was started."""
    sys.exit(128 + signal.SIGTERM)
