"""Several processes as one: they are ready together, stop together, and the one that fails is named."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from urllib.request import urlopen

import pytest

from dukani import supervise
from dukani.supervise import Job, Supervisor, is_ready
from tests.support.processes import ROOT, free_ports


class Run:
    """One supervised run of jobs that behave as `hows` say. `when_ready` is called in a thread of its own."""

    def __init__(self, hows: Sequence[str], when_ready: Callable[["Run"], None]) -> None:
        self.ports = free_ports(len(hows))
        self.lines: list[tuple[str, str]] = []
        self.said: list[str] = []
        self.became_ready = 0
        self._when_ready = when_ready
        command = [sys.executable, "-m", "tests.support.job"]
        self.supervisor = Supervisor(
            [
                Job(f"{how}-{index}", [*command, str(port), how], port)
                for index, (how, port) in enumerate(zip(hows, self.ports, strict=True))
            ],
            environ={**os.environ, "PYTHONPATH": str(ROOT)},
            on_line=lambda name, line: self.lines.append((name, line)),
            on_ready=self._on_ready,
            say=self.said.append,
        )

    def run(self) -> int:
        return self.supervisor.run()

    def _on_ready(self) -> None:
        self.became_ready += 1
        threading.Thread(target=self._when_ready, args=(self,), daemon=True).start()


def stop(_run: Run) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_all_are_ready_before_it_says_so_and_a_stop_drains_each_and_exits_0() -> None:
    ready: list[bool] = []

    def look_and_stop(run: Run) -> None:
        ready.extend(is_ready(port) for port in run.ports)
        stop(run)

    run = Run(["good", "slow", "good"], look_and_stop)
    assert run.run() == 0
    assert ready == [True, True, True]
    assert run.became_ready == 1
    assert sorted(run.lines) == sorted(
        (name, line) for name in ("good-0", "slow-1", "good-2") for line in ("hello", "drained")
    )


def test_ctrl_c_drains_as_well() -> None:
    run = Run(["good"], lambda _: os.kill(os.getpid(), signal.SIGINT))
    assert run.run() == 0
    assert ("good-0", "drained") in run.lines


def test_one_that_stops_by_itself_stops_all_and_its_last_lines_are_shown() -> None:
    def kill_the_second(run: Run) -> None:
        with pytest.raises(OSError, match=r"closed|reset"):
            urlopen(f"http://127.0.0.1:{run.ports[1]}/die", timeout=10)

    run = Run(["good", "good"], kill_the_second)
    assert run.run() == 1
    assert ("good-0", "drained") in run.lines
    assert run.said[0].startswith("good-1 stopped (exit 3)")
    assert "  a last word" in run.said


def test_one_that_is_killed_is_named_with_the_signal() -> None:
    def kill(run: Run) -> None:
        child = next(iter(run.supervisor._children))  # pyright: ignore[reportPrivateUsage]
        child.process.kill()

    run = Run(["good", "good"], kill)
    assert run.run() == 1
    assert run.said[0].startswith("good-0 was killed by signal 9")


def test_one_that_never_starts_is_reported_and_nothing_is_left_running() -> None:
    run = Run(["good", "dies"], stop)
    assert run.run() == 1
    assert run.became_ready == 0
    assert run.said[0].startswith("dies-1 stopped (exit 2)")
    assert "  no settings" in run.said
    assert not any(is_ready(port) for port in run.ports)


def test_one_that_never_becomes_ready_is_named_and_all_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "READY_WITHIN_S", 1.5)
    run = Run(["good", "unready"], stop)
    assert run.run() == 1
    assert run.said[0].startswith("unready-1 not ready")
    assert not any(is_ready(port) for port in run.ports)


def test_a_second_ctrl_c_does_not_wait_for_a_process_that_hangs() -> None:
    def insist(_run: Run) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)  # two presses of a key
        os.kill(os.getpid(), signal.SIGINT)

    run = Run(["stubborn"], insist)
    began = time.monotonic()
    assert run.run() == 130
    assert time.monotonic() - began < supervise.DRAIN_WITHIN_S
    assert not is_ready(run.ports[0])


def test_a_process_that_hangs_is_killed_when_the_time_to_drain_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "DRAIN_WITHIN_S", 0.5)
    run = Run(["stubborn", "good"], stop)
    assert run.run() == 130
    assert ("good-1", "drained") in run.lines
    assert not any(is_ready(port) for port in run.ports)


def test_the_signals_mean_again_what_they_meant_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    Run(["good"], stop).run()
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("how", ["unready"])
def test_a_process_that_answers_503_is_not_ready(how: str) -> None:
    checked: list[bool] = []
    run = Run([how], stop)

    def look() -> None:
        deadline = time.monotonic() + 20
        while not run.lines and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2)
        checked.append(is_ready(run.ports[0]))
        stop(run)

    threading.Thread(target=look, daemon=True).start()
    assert run.run() == 0
    assert checked == [False]
