"""Servers of one's own: what a dead one left behind is put aside, a living one is never doubled, what is missing is
one sentence."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from dukani.engines import postgres, program, valkey
from dukani.engines.program import CannotRun

ROOT_USER = os.geteuid() == 0


@pytest.fixture
def folder() -> Generator[Path]:
    made = Path(tempfile.mkdtemp(prefix="dukani-engine-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def sockets() -> Generator[Path]:
    made = Path(tempfile.mkdtemp(prefix="dukani-", dir="/tmp"))
    yield made
    shutil.rmtree(made)


def ask(sockets: Path, statement: str) -> str:
    with psycopg.connect(host=str(sockets), user=postgres.SUPERUSER, dbname="postgres", autocommit=True) as connection:
        found = connection.execute(statement.encode())
        return str(found.fetchall()) if found.description else ""


def test_data_outlives_the_server_and_what_a_killed_one_left_behind(folder: Path, sockets: Path) -> None:
    data = folder / "data"
    with postgres.running(data, sockets, settings=["fsync=off"]) as server:
        ask(sockets, "CREATE TABLE kept (what text)")
        ask(sockets, "INSERT INTO kept VALUES ('this')")
        ask(sockets, "CHECKPOINT")
        server.kill()
    assert (data / "postmaster.pid").exists()
    with postgres.running(data, sockets, settings=["fsync=off"]):
        assert "this" in ask(sockets, "SELECT what FROM kept")
    assert not (data / "postmaster.pid").exists()


def test_a_lock_whose_number_is_another_programs_by_now_is_put_aside(folder: Path) -> None:
    (folder / "postmaster.pid").write_text(f"{os.getpid()}\n{folder}\n")
    postgres.drop_stale_lock(folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", ["", "not a number\n", "999999999\n"])
def test_a_lock_that_says_nothing_useful_stops_nobody(folder: Path, content: str) -> None:
    (folder / "postmaster.pid").write_text(content)
    postgres.drop_stale_lock(folder)


def test_a_server_that_still_runs_on_these_files_is_not_doubled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def program_of(_pid: int) -> str:
        return "/usr/lib/postgresql/bin/postgres"

    monkeypatch.setattr(postgres, "program_of", program_of)
    monkeypatch.setattr(postgres, "STOP_WITHIN_S", 0.1)
    (folder / "postmaster.pid").write_text("4711\n")
    with pytest.raises(CannotRun, match="4711"):
        postgres.drop_stale_lock(folder)
    assert (folder / "postmaster.pid").exists()


def test_a_set_up_that_was_cut_short_is_begun_anew(folder: Path, sockets: Path) -> None:
    draft = folder / "data.new"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("half")
    with postgres.running(folder / "data", sockets, settings=["fsync=off"], keeps_data=False):
        assert "1" in ask(sockets, "SELECT 1")
    assert not draft.exists()


def test_a_folder_that_the_servers_user_cant_enter_is_one_sentence(folder: Path, sockets: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    if ROOT_USER:
        with pytest.raises(CannotRun, match=str(closed)), postgres.running(closed / "data", sockets):
            pass
    else:  # then it runs as this user, who may
        with postgres.running(closed / "data", sockets, keeps_data=False):
            assert "1" in ask(sockets, "SELECT 1")


def test_a_server_that_does_not_start_says_why(folder: Path, sockets: Path) -> None:
    with (
        pytest.raises(CannotRun, match="no_such_setting"),
        postgres.running(folder / "data", sockets, settings=["no_such_setting=1"]),
    ):
        pass


def test_a_missing_package_is_one_sentence_that_says_what_to_do() -> None:
    with pytest.raises(CannotRun, match=r"\./dev up --production-like"):
        program.package_folder("no_such_package_of_ours")


def test_valkey_goes_with_whoever_started_it(folder: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "it answers\n"
        starter.send_signal(signal.SIGKILL)
    with valkey.running(folder, folder / "socket"):  # on the same files and the same socket
        assert valkey.answers(folder / "socket")
    assert not valkey.answers(folder / "socket")


STARTER = """
import sys
from pathlib import Path
from dukani.engines import valkey
folder = Path(sys.argv[1])
with valkey.running(folder, folder / "socket"):
    print("it answers", flush=True)
    sys.stdin.read()
"""
