"""Every database in one run: seen while it goes, resumed after a kill, and one that fails harms no other."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import insert, select

from dukani.migrate import bring_up_to_date, newest, revision_of
from dukani.migrate_worker import Order, Outcome
from dukani.migration_records import Record, latest
from dukani.migrations_run import Worker
from dukani.migrations_shown import Progress
from dukani.prepare import LINEAGES, migrate_all
from kit.db import Database
from kit.settings import load_settings
from router.moving.models import MigrationStatus, database_migrations
from router.vendors.models import vendors
from tests.support.postgres import Server
from tests.support.processes import ROOT, eventually, free_ports

HEAD = newest("ops")


class Place:
    """A data folder with a platform database, and the vendors that are registered there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = load_settings({"DUKANI_DATA_DIR": str(folder / "var")}, dotenv=None)
        self.settings.data_dir.mkdir()
        migrate_all(self.settings, LINEAGES, lambda line: None)
        self.platform = Database(self.settings.platform_database_url)

    def register(self, vendor: str, target: dict[str, object]) -> None:
        with self.platform.write() as tx:
            row = {"id": vendor, "name": vendor, "isolation_level": "dedicated_db", "db_target": target}
            tx.execute(insert(vendors).values(**row))

    def register_file(self, vendor: str) -> None:
        """A dedicated SQLite database: a file, empty so far."""
        self.file(vendor).touch()
        self.register(vendor, {"type": "sqlite", "database": f"{vendor}.sqlite"})

    def file(self, vendor: str) -> Path:
        return self.settings.data_dir / f"{vendor}.sqlite"

    def revision(self, vendor: str) -> str | None:
        return revision_of(f"sqlite:///{self.file(vendor)}")

    def records(self) -> dict[str, Record]:
        return {record.database: record for record in latest(self.settings, self.platform)}

    def tries(self, database: str) -> list[str]:
        """How each recorded try ended, oldest first."""
        with self.platform.read() as tx:
            order = select(database_migrations).order_by(database_migrations.c.started_at, database_migrations.c.id)
            return [row.status for row in tx.execute(order) if row.database_name == database]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "dukani", "migrate", *arguments],
            cwd=self.folder,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "DUKANI_DATA_DIR": str(self.folder / "var"),
        }

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code and everything that was printed."""
        with self.start(*arguments) as running:
            assert running.stdout is not None
            printed = running.stdout.read()
        return running.returncode, printed


@pytest.fixture
def place(tmp_path: Path) -> Generator[Place]:
    made = Place(tmp_path)
    with closing(made.platform):
        yield made


def kill_at(place: Place, line_start: str) -> None:
    """Start a run over everything and kill it, as the kernel would, when it prints a line that starts so."""
    with place.start("--all") as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.startswith(line_start):
                running.send_signal(signal.SIGKILL)
        # The pipe closes only when the workers are gone too: they end with whoever started them.
    assert running.returncode == -signal.SIGKILL


def test_a_run_killed_at_57_of_100_is_completed_by_the_next_one(place: Place) -> None:
    names = [f"v{number:03}" for number in range(100)]
    for name in names:
        place.register_file(name)
    kill_at(place, "[ 57/100]")
    done = [name for name in names if place.revision(name) == HEAD]
    assert 57 <= len(done) < 100
    interrupted = [name for name, record in place.records().items() if record.status == MigrationStatus.INTERRUPTED]
    assert len(interrupted) >= 1
    assert "interrupted" in place.run("--status")[1]

    code, printed = place.run("--all")
    assert code == 0, printed
    assert {place.revision(name) for name in names} == {HEAD}
    assert {record.status for record in place.records().values()} == {MigrationStatus.DONE}
    migrated_now = [line for line in printed.splitlines() if f"nothing → {HEAD}" in line]
    assert len(migrated_now) == 100 - len(done)
    assert "[100/100] " in printed


def test_each_database_is_shown_with_its_place_and_its_way_and_recorded(place: Place) -> None:
    for name in ("amina", "baraka", "chege"):
        place.register_file(name)
    code, printed = place.run("--all")
    assert code == 0, printed
    assert f"[1/3] tenant:amina  nothing → {HEAD}  " in printed
    assert "[3/3] tenant:" in printed
    record = place.records()["tenant:baraka"]
    assert (record.status, record.before, record.after, record.error) == (MigrationStatus.DONE, None, HEAD, None)
    assert record.duration_ms is not None

    code, printed = place.run("--all")
    assert code == 0
    assert printed.count("up to date") == 3 + len(LINEAGES)
    assert place.tries("tenant:baraka") == [MigrationStatus.DONE]  # what did nothing leaves no record

    code, printed = place.run("--status")
    assert code == 0
    assert [line.split()[:4] for line in printed.splitlines() if line.startswith("tenant:amina")] == [
        ["tenant:amina", "done", "nothing", "→"]
    ]


def test_one_that_fails_harms_no_other_and_is_listed_at_the_end(place: Place) -> None:
    (port,) = free_ports(1)
    place.register_file("amina")
    place.register("black-hole", {"type": "postgres", "host": "127.0.0.1", "port": port, "database": "x", "user": "u"})
    place.register("nonsense", {"type": "postgres", "host": "127.0.0.1", "database": "x"})
    place.register("not-there", {"type": "sqlite", "database": "nowhere.sqlite"})
    place.register_file("broken")
    place.file("broken").write_bytes(b"this is no database at all" * 100)
    place.register_file("zawadi")
    with place.platform.write() as tx:
        columns, row = "id, name, isolation_level, db_target", "'by-hand', 'x', 'dedicated_db', '{'"
        tx.conn.exec_driver_sql(f"INSERT INTO vendors ({columns}) VALUES ({row})")  # noqa: S608 - constants
    code, printed = place.run("--all")
    assert code == 1
    assert place.revision("amina") == place.revision("zawadi") == HEAD
    ends = printed[printed.rindex("[7/7]") :].splitlines()[1:]
    assert [line.partition(": ")[0] for line in ends[:-1]] == [
        f"tenant:{name}" for name in sorted(("black-hole", "broken", "by-hand", "nonsense", "not-there"))
    ]
    assert "5 failed" in ends[-1]
    assert place.records()["tenant:broken"].status == MigrationStatus.FAILED
    assert "db_target" in (place.records()["tenant:nonsense"].error or "")


def test_a_canary_that_fails_keeps_the_others_from_being_touched(place: Place) -> None:
    place.register_file("canary")
    with closing(Database(f"sqlite:///{place.file('canary')}")) as other, other.write() as tx:
        tx.conn.exec_driver_sql("CREATE TABLE orders (id TEXT)")  # in the way of the one that is to come
    place.register_file("dada")
    place.register_file("eshe")
    code, printed = place.run("--all")
    assert code == 1
    assert "tenant:canary went first and failed, so the other 2 were not touched" in printed
    assert "--keep-going" in printed
    assert place.revision("dada") is None

    code, printed = place.run("--all", "--keep-going")
    assert code == 1
    assert place.revision("dada") == place.revision("eshe") == HEAD
    assert place.tries("tenant:canary") == [MigrationStatus.FAILED, MigrationStatus.FAILED]


def test_a_database_that_cant_be_reached_is_no_canary(place: Place) -> None:
    place.register("away", {"type": "sqlite", "database": "nowhere.sqlite"})
    place.register_file("dada")
    place.register_file("eshe")
    code, printed = place.run("--all")
    assert code == 1
    assert "tenant:dada went first" in printed
    assert place.revision("eshe") == HEAD


def test_two_runs_at_once_both_end_well(place: Place) -> None:
    names = [f"v{number}" for number in range(6)]
    for name in names:
        place.register_file(name)
    with place.start("--all") as one, place.start("--all") as other:
        printed = [running.communicate(timeout=100)[0] for running in (one, other)]
    assert [one.returncode, other.returncode] == [0, 0], printed
    assert {place.revision(name) for name in names} == {HEAD}


def test_dedicated_databases_on_postgresql_are_resumed_too(place: Place, postgres: Server) -> None:
    urls = [postgres.create_empty() for _ in range(6)]
    user = urls[0].partition("://")[2].partition("@")[0].partition(":")[0]
    for number, url in enumerate(urls):
        database = url.partition("@/")[2].partition("?")[0]
        place.register(
            f"p{number}",
            {"type": "postgres", "host": str(postgres.socket_dir), "database": database, "user": user},
        )
    kill_at(place, "[2/6]")
    # A worker that was at it finishes or rolls back; its connection is gone soon after.
    code, printed = place.run("--all")
    assert code == 0, printed
    assert [revision_of(url) for url in urls] == [HEAD] * 6
    for url in urls:
        postgres.drop(url)


def test_a_tenant_is_prepared_with_nothing_set_but_its_url(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "dukani", "migrate", "--env", "tenant"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATABASE_URL": f"sqlite:///{tmp_path}/own.sqlite"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "tenant: 0001 " in ran.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["own.sqlite"]
    assert revision_of(f"sqlite:///{tmp_path}/own.sqlite") == HEAD


@pytest.mark.parametrize(
    ("environ", "said"),
    [({}, "DATABASE_URL is not set"), ({"DATABASE_URL": "mysql://root:hunter2@x/y"}, "DATABASE_URL starts with")],
)
def test_a_tenant_without_a_usable_url_is_a_sentence(tmp_path: Path, environ: dict[str, str], said: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "dukani", "migrate", "--env", "tenant"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith(said)
    assert "hunter2" not in ran.stderr


def test_on_a_terminal_what_is_under_way_stands_below(place: Place) -> None:
    for name in ("amina", "baraka", "chege"):
        place.register_file(name)
    leader, follower = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "dukani", "migrate", "--all"],
        cwd=place.folder,
        env={**place.environ(), "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    shown = b""
    try:
        while part := os.read(leader, 4096):
            shown += part
    except OSError:
        pass  # how Linux says that nobody holds the other end any more
    os.close(leader)
    assert running.wait(60) == 0, shown
    assert "0 of 3 · tenant:amina".encode() in shown
    assert b"[3/3] tenant:" in shown


def test_failures_are_counted_while_the_run_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(3, is_terminal=True)
    for name, error in (("a", None), ("b", "no room on the disk"), ("c", None)):
        progress.began(name)
        progress.ended(Outcome(name, "0001", "0002", ("0002 More.",), 1_250, error))
    shown = capsys.readouterr().out
    assert "2 of 3 · 1 failed · " in shown
    assert "[1/3] a  0001 → 0002  1.2 s" in shown
    assert "[2/3] b  " in shown
    assert "no room on the disk" in shown


def test_a_table_in_use_is_waited_for_and_the_shop_goes_on_meanwhile(postgres: Server) -> None:
    url = postgres.create_empty()
    plain = url.replace("+psycopg", "")
    # As a long report would: it holds what Alembic must write to.
    with psycopg.connect(plain) as busy:
        busy.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        busy.commit()
        busy.execute("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            busy.rollback()  # the report is done

        migrated = bring_up_to_date("ops", url, is_dedicated=True, pause=pause)
    assert migrated.after == HEAD
    assert len(pauses) == 1
    postgres.drop(url)


def test_a_worker_that_is_killed_fails_at_that_database_alone(place: Place) -> None:
    for name in ("amina", "baraka"):
        place.register_file(name)
    with Worker() as worker:
        first = worker.migrate(Order("a", "ops", f"sqlite:///{place.file('amina')}", None, "x", is_dedicated=True))
        assert first.error is None
        process = worker._process  # pyright: ignore[reportPrivateUsage]
        assert process is not None
        process.kill()
        eventually(lambda: process.poll() is not None, "the worker is gone")
        order = Order("b", "ops", f"sqlite:///{place.file('baraka')}", None, "x", is_dedicated=True)
        assert "exit code -9" in (worker.migrate(order).error or "")
        assert worker.migrate(order).error is None
    assert place.revision("baraka") == HEAD
