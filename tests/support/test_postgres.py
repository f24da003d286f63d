"""The PostgreSQL of the tests starts wherever the project lies, and never outlives the run."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil

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
