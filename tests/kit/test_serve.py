"""A served process drains when it is told to stop, and its two halves never outlive each other."""

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from dukani.supervise import is_ready
from kit.ports import PortTaken, check_port
from tests.support.processes import ROOT, eventually, free_ports, is_alive
from tests.support.served import await_file

WITHIN_S = 20.0


class Served:
    def __init__(self, folder: Path, how: str, workers: int) -> None:
        self.folder = folder
        (self.port,) = free_ports(1)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.served", str(self.port), str(folder), how, str(workers)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ask(self, path: str) -> tuple[int, str]:
        """A new connection each time, so that any worker may answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WITHIN_S)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def await_ready(self) -> None:
        eventually(lambda: is_ready(self.port), "the process is ready")

    def family(self) -> list[int]:
        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def ended(self) -> tuple[int, str]:
        """Exit code and everything printed."""
        printed, _ = self.process.communicate(timeout=WITHIN_S)
        return self.process.returncode, printed

    def ask_slowly(self) -> "list[bytes]":
        """Starts a request that waits for the file `answer`; the list gets its answer."""
        answers: list[bytes] = []

        def ask() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WITHIN_S)
            try:
                connection.request("GET", "/slow")
                answers.append(connection.getresponse().read())
            except (OSError, http.client.HTTPException) as error:
                answers.append(repr(error).encode())
            finally:
                connection.close()

        threading.Thread(target=ask, daemon=True).start()
        await_file(self.folder / "asked")
        return answers


@contextmanager
def served(folder: Path, how: str = "idle", workers: int = 1) -> Generator[Served]:
    made = Served(folder, how, workers)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.communicate()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_closes_what_the_service_opened_and_exits_0(tmp_path: Path, how: signal.Signals, workers: int) -> None:
    with served(tmp_path, workers=workers) as process:
        process.await_ready()
        process.process.send_signal(how)
        assert process.ended() == (0, "")
        assert (tmp_path / "closed").exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_request_under_way_is_answered_before_the_process_ends(tmp_path: Path, workers: int) -> None:
    with served(tmp_path, workers=workers) as process:
        process.await_ready()
        answers = process.ask_slowly()
        process.process.send_signal(signal.SIGTERM)
        eventually(lambda: not is_ready(process.port), "no new request is taken")
        assert answers == []
        (tmp_path / "answer").touch()
        eventually(lambda: answers == [b"slow answer"], "the request is answered")
        assert process.ended()[0] == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_loop_finishes_its_turn_before_its_connections_are_closed(tmp_path: Path, workers: int) -> None:
    with served(tmp_path, "busy", workers) as process:
        await_file(tmp_path / "turning")
        process.await_ready()
        process.process.send_signal(signal.SIGTERM)
        (tmp_path / "answer").touch()
        assert process.ended()[0] == 0
        assert (tmp_path / "closed").read_text() == "after the turn"


def test_one_worker_is_the_process_itself(tmp_path: Path) -> None:
    with served(tmp_path) as process:
        process.await_ready()
        assert process.family() == []


def test_a_killed_process_frees_its_port_and_closes_nothing(tmp_path: Path) -> None:
    with served(tmp_path) as process:
        process.await_ready()
        process.process.kill()
        process.ended()
        check_port(process.port)
        assert not (tmp_path / "closed").exists()


def test_killing_the_parent_kills_the_workers_and_frees_the_port(tmp_path: Path) -> None:
    with served(tmp_path, workers=2) as process:
        process.await_ready()
        workers = process.family()
        assert len(workers) == 2
        process.process.kill()
        process.ended()
        eventually(lambda: not any(map(is_alive, workers)), "the workers are gone")
        check_port(process.port)
        assert not (tmp_path / "closed").exists()


def test_a_worker_that_dies_takes_the_parent_and_its_twin_with_it(tmp_path: Path) -> None:
    with served(tmp_path, workers=2) as process:
        process.await_ready()
        workers = process.family()
        os.kill(workers[0], signal.SIGKILL)
        assert process.ended()[0] == 1
        assert not any(map(is_alive, workers))


def test_a_request_that_never_ends_does_not_keep_the_process_for_ever(tmp_path: Path) -> None:
    with served(tmp_path, "impatient") as process:
        process.await_ready()
        process.ask_slowly()
        process.process.send_signal(signal.SIGTERM)
        exit_code, printed = process.ended()
        assert exit_code == 1
        assert "SIGTERM" in printed
        (tmp_path / "answer").touch()


def test_a_missing_setting_is_one_sentence_and_exit_2(tmp_path: Path) -> None:
    with served(tmp_path, "unset") as process:
        assert process.ended() == (2, "SOME_SETTING is not set\n")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_service_that_cant_be_built_ends_the_process_with_its_error(tmp_path: Path, workers: int) -> None:
    with served(tmp_path, "broken", workers) as process:
        exit_code, printed = process.ended()
        assert exit_code == 1
        assert "can't be built" in printed


def test_a_second_process_on_the_same_port_is_refused(tmp_path: Path) -> None:
    with served(tmp_path) as process:
        process.await_ready()
        with pytest.raises(PortTaken):
            check_port(process.port)


@pytest.mark.parametrize(("how", "looping"), [("spread", 2), ("counting", 1), ("resting", 0)])
def test_loops_run_in_every_worker_or_one_or_none(tmp_path: Path, how: str, looping: int) -> None:
    with served(tmp_path, how, workers=2) as process:
        process.await_ready()
        eventually(lambda: len(_answering(process)) == 2, "both workers answer")
        eventually(lambda: len(list(tmp_path.glob("loop-*"))) == looping, f"{looping} of them loop")
        process.process.terminate()
        assert process.ended()[0] == 0
        assert len(list(tmp_path.glob("loop-*"))) == looping


def test_whichever_worker_is_asked_shows_the_figures_of_all(tmp_path: Path) -> None:
    with served(tmp_path, workers=2) as process:
        process.await_ready()
        asked = 0
        workers: set[str] = set()
        while len(workers) < 2:
            workers.add(process.ask("/who/secret")[1].partition(" ")[0])
            asked += 1
        line = f'dukani_request_seconds_count{{method="GET",route="/who/<name>",status="200"}} {asked}.0'
        for _ in range(4):
            eventually(lambda: line in process.ask("/metrics")[1], line)
        assert "secret" not in process.ask("/metrics")[1]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_process_that_is_asked_to_leave_is_unready_and_answers_on(tmp_path: Path, workers: int) -> None:
    with served(tmp_path, workers=workers) as process:
        process.await_ready()
        process.process.send_signal(signal.SIGUSR1)
        eventually(lambda: not is_ready(process.port), "it is not ready any more")
        assert process.ask("/ready")[0] == 503
        assert process.ask("/who/anyone")[0] == 200
        assert process.process.poll() is None
        process.process.terminate()
        assert process.ended() == (0, "")


def test_work_alone_listens_nowhere_and_drains_when_told(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.served", "0", str(tmp_path), "busy", "1"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
    )
    try:
        await_file(tmp_path / "turning")
        assert psutil.Process(process.pid).net_connections() == []
        process.terminate()
        (tmp_path / "answer").touch()
        assert process.wait(WITHIN_S) == 0
        assert (tmp_path / "closed").read_text() == "after the turn"
    finally:
        process.kill()
        process.wait()


def _answering(process: Served) -> set[str]:
    return {process.ask("/who/x")[1].partition(" ")[0] for _ in range(20)}
