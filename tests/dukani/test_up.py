"""`dukani up`: from an empty folder to an open shop, and out again without leaving anything running."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dukani.supervise import is_ready
from tests.support.processes import ROOT, eventually, free_ports, is_alive
from tests.support.up import NAMES, up


def test_an_empty_folder_becomes_an_open_shop_and_a_stop_leaves_nothing_running(tmp_path: Path) -> None:
    with up(tmp_path) as run:
        run.await_open()
        assert all(is_ready(port) for port in run.ports.values())
        assert f"http://127.0.0.1:{run.ports['DUKANI_SIMULATORS_PORT']}/" in run.text
        assert "SHOP mama" in run.text
        assert "1234" in run.text
        assert str(tmp_path / "var") in run.text
        assert "\x1b[" not in run.text  # nobody's terminal, so no colours
        family = run.family()
        assert len(family) == 4
        run.process.send_signal(signal.SIGINT)
        assert run.ended() == 0
        assert [child for child in family if is_alive(child.pid)] == []


def test_a_second_start_keeps_what_the_first_one_made(tmp_path: Path) -> None:
    with up(tmp_path) as run:
        run.await_open()
    keys = {path.name: path.read_text() for path in (tmp_path / "var" / "keys").iterdir()}
    with up(tmp_path) as run:
        run.await_open()
        assert "0001" not in run.text
    assert {path.name: path.read_text() for path in (tmp_path / "var" / "keys").iterdir()} == keys


def test_with_the_simulators_off_three_processes_start_and_the_shops_are_planted_all_the_same(tmp_path: Path) -> None:
    with up(tmp_path, DUKANI_SIMULATORS="off", DARAJA_BASE_URL="http://127.0.0.1:1/daraja") as run:
        run.await_open()
        assert len(run.family()) == 3
        assert not is_ready(run.ports["DUKANI_SIMULATORS_PORT"])
        assert "/webhooks/twilio/whatsapp" in run.text
        assert "http://127.0.0.1:1/daraja" in run.text


@pytest.mark.parametrize("name", ["bot", "payment_adapter"])
def test_when_one_process_dies_all_stop_and_it_is_named(tmp_path: Path, name: str) -> None:
    with up(tmp_path) as run:
        run.await_open()
        family = run.family()
        run.child(name).kill()
        assert run.ended() == 1
        assert f"{name} was killed by signal 9" in run.text
        assert [child for child in family if is_alive(child.pid)] == []


def test_when_the_supervisor_itself_is_killed_the_processes_stop(tmp_path: Path) -> None:
    with up(tmp_path) as run:
        run.await_open()
        family = run.family()
        run.process.kill()
        run.ended()
        eventually(lambda: not any(is_alive(child.pid) for child in family), "all are gone")


@pytest.mark.parametrize("name", NAMES)
def test_a_busy_port_is_one_sentence_and_nothing_is_made(tmp_path: Path, name: str) -> None:
    with socket.socket() as other:
        (port,) = free_ports(1)
        other.bind(("127.0.0.1", port))
        other.listen()
        with up(tmp_path, **{name: str(port)}) as run:
            assert run.ended() == 1
            (sentence,) = run.lines
            assert str(port) in sentence
            assert name in sentence
    assert not list(tmp_path.glob("var/*.sqlite"))


def test_it_opens_with_standard_input_closed(tmp_path: Path) -> None:
    command = f"exec {sys.executable} -m dukani up <&-"
    ports = dict(zip(NAMES, free_ports(4), strict=True))
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DUKANI_DATA_DIR": str(tmp_path / "var"),
            **{name: str(port) for name, port in ports.items()},
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: all(is_ready(port) for port in ports.values()), "the shop opens", within_s=90)
    finally:
        process.terminate()
        assert process.wait(60) == 0
