"""The PostgreSQL of the tests starts wherever the project lies, and never outlives the run."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
import pytest
from psycopg import sql

from dukani.engines.postgres import reachable_binaries
from kit.db import Database
from tests.support import postgres
from tests.support.processes import ROOT, eventually, is_alive

NOBODY = 65534

PROGRAM = """
import sys
from tests.support.postgres import running
with running() as server:
    print(server.socket_dir, flush=True)
    sys.stdin.read()
"""


def test_binaries_in_a_closed_folder_are_copied_to_where_the_servers_user_may_go(
    tmp_path: Path,
) -> None:
    closed, opened = tmp_path / "closed", tmp_path / "opened"
    package = closed / "package"
    for part in ("bin", "lib", "share"):
        (package / part).mkdir(parents=True)
    (package / "bin" / "postgres").write_text("a program")
    opened.mkdir()
    closed.chmod(0o700)
    binaries = reachable_binaries(opened, NOBODY, lambda: package)
    assert binaries.is_relative_to(opened)
    assert (binaries / "postgres").read_text() == "a program"
    assert reachable_binaries(opened, None, lambda: package) == package / "bin"


def test_two_databases_of_one_server_do_not_see_each_other(postgres: postgres.Server) -> None:
    first, second = Database(postgres.create("ops")), Database(postgres.create("ops"))
    try:
        with first.write() as tx:
            tx.conn.exec_driver_sql("CREATE TABLE only_here (id int)")
        with second.read() as tx:
            found = tx.conn.exec_driver_sql("SELECT to_regclass('only_here')").scalar_one()
        assert found is None
    finally:
        for database in (first, second):
            database.close()


LEAVES_A_TRACE = """
INSERT INTO vendors (id, name, word) VALUES ('vendor-mama', 'Mama', 'mama');
UPDATE vendor_last_stamp SET stamp = stamp + 7;
DELETE FROM alembic_version
"""


def test_a_database_that_is_given_back_is_as_new_and_nobody_knows_its_name(postgres: postgres.Server) -> None:
    used = postgres.create("platform")
    with connected(used) as straggler:
        as_new, number = content(straggler), which(straggler)
        straggler.execute(LEAVES_A_TRACE)
        assert content(straggler) != as_new
        postgres.drop(used)
        with pytest.raises(psycopg.OperationalError):
            straggler.execute("SELECT 1")
    again = postgres.create("platform")
    with connected(again) as connection:
        assert (content(connection), which(connection)) == (as_new, number)
    postgres.drop(again)
    with pytest.raises(psycopg.OperationalError):
        connected(used)


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE more (id int)",
        "ALTER TABLE vendors ALTER COLUMN name SET DEFAULT 'x'",
        "ALTER TABLE vendors DROP COLUMN name CASCADE",
        "ALTER TABLE vendors DISABLE TRIGGER ALL",
        "ALTER TABLE vendors ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY more ON vendors USING (false)",
        "CREATE OR REPLACE FUNCTION more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "REVOKE SELECT ON vendors FROM dukani_app",
        "GRANT CREATE ON SCHEMA public TO dukani_app",
        "CREATE INDEX more ON vendors (name)",
        "ANALYZE vendors",
        "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET work_mem = 64'; END $$",
        "DO $$ BEGIN EXECUTE 'REVOKE CONNECT ON DATABASE ' || current_database() || ' FROM PUBLIC'; END $$",
        "INSERT INTO alembic_version SELECT 'x' || i FROM generate_series(1, 150000) i",
    ],
)
def test_a_database_that_rows_alone_do_not_put_back_is_not_given_out_again(
    postgres: postgres.Server, change: LiteralString
) -> None:
    used = postgres.create("platform")
    with connected(used) as connection:
        number = which(connection)
        if change.startswith("ANALYZE"):
            connection.execute(LEAVES_A_TRACE)
        connection.execute(change)
    postgres.drop(used)
    again = postgres.create("platform")
    with connected(again) as connection:
        assert which(connection) != number
    postgres.drop(again)


def connected(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def content(connection: psycopg.Connection) -> dict[str, Sequence[object]]:
    """What every table and every sequence holds."""
    ours = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'S') AND relnamespace = 'public'::regnamespace"
    found = connection.execute(ours).fetchall()
    return {
        name: connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))).fetchall()
        for (name,) in found
    }


def which(connection: psycopg.Connection) -> object:
    return connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()


def test_a_run_that_is_killed_takes_its_server_along() -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with run:
        assert run.stdout is not None
        folder = run.stdout.readline().strip()
        family = psutil.Process(run.pid).children(recursive=True)
        assert any(process.name() == "postgres" for process in family)
        os.kill(run.pid, signal.SIGKILL)
    eventually(lambda: not any(is_alive(process.pid) for process in family), "the server is gone")
    shutil.rmtree(folder)
