"""A process that was forked from a zygote is the one that the command line starts, and ends as it would."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from dukani.processes import Process
from tests.support.forking import Forked, Zygote, ZygoteEnded, zygotes
from tests.support.processes import ROOT, Shop, eventually, is_alive

ENVIRON = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

PROGRAM = """
import sys
from pathlib import Path
from dukani.processes import Process
from tests.support.processes import Shop
from tests.support.forking import zygotes
shop = Shop(Path(sys.argv[1]))
shop.start(Process.SIMULATORS)
print(shop.pid(Process.SIMULATORS), zygotes.of(Process.SIMULATORS, {}).pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def simulators(tmp_path: Path) -> Generator[Shop]:
    """A shop of which only these are started: they need no tables."""
    made = Shop(tmp_path)
    try:
        yield made
    finally:
        made.stop_all()


def forked(folder: Path, *arguments: str, **environ: str) -> Forked:
    """What `dukani` with these arguments becomes there. `said` is its log."""
    zygote = zygotes.of(Process.SIMULATORS, ENVIRON)
    return zygote.fork(arguments, environ={**ENVIRON, **environ}, folder=folder, log=folder / "said")


def open_files(folder: Path) -> dict[int, str]:
    """By number. One may be closed while they are looked at."""
    found: dict[int, str] = {}
    for number in sorted(int(file.name) for file in folder.iterdir()):
        with suppress(FileNotFoundError):
            found[number] = str((folder / str(number)).readlink())
    return found


def surroundings(pid: int) -> dict[str, object]:
    """What a process got from whoever started it, besides its arguments and its environment."""
    process = psutil.Process(pid)
    about = Path(f"/proc/{pid}")  # Linux
    signals = re.findall(r"Sig(?:Blk|Ign|Cgt):\t\w+", (about / "status").read_text()) if about.exists() else []
    files = open_files(about / "fd") if about.exists() else {}
    return {
        "folder": process.cwd(),
        "standard files": [files.get(number) for number in range(3)],
        "pipes": [number for number, name in files.items() if name.startswith("pipe:")],
        "signals": signals,
        "group": os.getpgid(pid),
        "session": os.getsid(pid),
        "user": process.username(),
        "nice": process.nice(),
    }


def test_a_forked_process_finds_what_one_by_the_command_line_finds(simulators: Shop) -> None:
    simulators.start(Process.SIMULATORS)
    as_forked = surroundings(simulators.pid(Process.SIMULATORS))
    assert simulators.stop(Process.SIMULATORS) == 0
    simulators.start(Process.SIMULATORS, by_command=True)
    assert as_forked == surroundings(simulators.pid(Process.SIMULATORS))
    environ = psutil.Process(simulators.pid(Process.SIMULATORS)).environ()
    assert not [name for name in environ if name.startswith("PYTEST_")]
    assert simulators.stop(Process.SIMULATORS) == 0


def test_its_arguments_count_and_its_exit_code_and_last_words_are_its_own(tmp_path: Path) -> None:
    said = tmp_path / "said"
    assert forked(tmp_path, "serve", "simulators", "--workers", "2").wait(30) == 2
    assert "The simulators are one process" in said.read_text()
    assert forked(tmp_path, "serve", "simulators", DUKANI_BOT_PORT="none").wait(30) == 2
    assert "DUKANI_BOT_PORT='none': expected a whole number" in said.read_text()
    assert forked(tmp_path, "serve", "--help").wait(30) == 0
    assert said.read_text().startswith("Usage: ")
    assert "Usage: dukani serve [OPTIONS]" in said.read_text()


def test_one_that_was_killed_is_gone_and_another_takes_its_place(simulators: Shop) -> None:
    simulators.start(Process.SIMULATORS)
    pid = simulators.pid(Process.SIMULATORS)
    simulators.kill(Process.SIMULATORS)
    assert not psutil.pid_exists(pid)
    simulators.start(Process.SIMULATORS)
    assert simulators.pid(Process.SIMULATORS) != pid


def test_waiting_has_an_end_and_a_death_is_told_however_often_one_asks(tmp_path: Path, simulators: Shop) -> None:
    one = forked(tmp_path, "serve", "simulators", **simulators.environ)
    assert one.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        one.wait(0.05)
    one.kill()
    assert [one.wait(30), one.poll(), one.wait()] == [-signal.SIGKILL] * 3
    one.terminate()


def test_nothing_outlives_a_run_that_is_killed(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], env=ENVIRON, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with run:
        assert run.stdout is not None
        pids = [int(pid) for pid in run.stdout.readline().split()]
        assert len(pids) == 2
        assert all(is_alive(pid) for pid in pids)
        run.kill()
    eventually(lambda: not any(is_alive(pid) for pid in pids), "the zygote and what it forked are gone")


def test_a_zygote_that_cant_import_says_why(tmp_path: Path) -> None:
    (tmp_path / "flask.py").write_text("raise RuntimeError('broken on purpose')")
    with closing(Zygote(Process.SIMULATORS, {**ENVIRON, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})) as zygote:
        for _ in range(2):
            with pytest.raises(ZygoteEnded, match=r"exit 1(.|\n)*broken on purpose"):
                zygote.fork([], environ={}, folder=tmp_path, log=tmp_path / "never")


def test_a_zygote_that_is_closed_takes_what_it_forked_along(tmp_path: Path, simulators: Shop) -> None:
    with closing(Zygote(Process.SIMULATORS, ENVIRON)) as zygote:
        arguments = ("serve", "simulators", "--parent", str(zygote.pid))
        one = zygote.fork(arguments, environ={**ENVIRON, **simulators.environ}, folder=tmp_path, log=tmp_path / "said")
    eventually(lambda: not is_alive(one.pid), "the process is gone")
