"""The command line says in a sentence what is wrong, and exits with a code that a script can use."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dukani.processes import Process
from tests.support.processes import ROOT, free_ports


def dukani(*arguments: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dukani", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DUKANI_DATA_DIR": str(folder / "var"), **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_every_verb(tmp_path: Path) -> None:
    ran = dukani("--help", folder=tmp_path)
    assert ran.returncode == 0
    for verb in ("up", "serve", "migrate", "seed", "clock"):
        assert f"\n  {verb} " in ran.stdout


@pytest.mark.parametrize("verb", ["up", "migrate", "seed", "clock", "serve"])
def test_settings_that_cant_be_used_are_listed_one_a_line_and_exit_2(tmp_path: Path, verb: str) -> None:
    arguments = ("serve", "bot") if verb == "serve" else (verb,)
    ran = dukani(*arguments, folder=tmp_path, DUKANI_BOT_PORT="x", REDIS_URL="y")
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert [line.partition("=")[0].partition(":")[0] for line in ran.stderr.splitlines()] == [
        "DUKANI_BOT_PORT",
        "REDIS_URL",
    ]
    assert list(tmp_path.iterdir()) == []


def test_an_env_file_beside_the_caller_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DUKANI_ROUTER_PORT=nonsense\n")
    ran = dukani("migrate", folder=tmp_path)
    assert ran.returncode == 2
    assert ran.stderr.startswith("DUKANI_ROUTER_PORT=")


@pytest.mark.parametrize("verb", ["up", "migrate", "seed", "clock"])
def test_a_folder_that_cant_be_written_is_one_sentence(tmp_path: Path, verb: str) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "var"  # nobody can make a folder inside a file, not even root
    ran = dukani(verb, folder=tmp_path, DUKANI_DATA_DIR=str(folder))
    assert ran.returncode == 1
    assert str(folder) in ran.stderr
    assert "DUKANI_DATA_DIR" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_migrate_shows_each_step_and_then_has_nothing_to_do(tmp_path: Path) -> None:
    first = dukani("migrate", folder=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "ops: 0001 " in first.stdout
    second = dukani("migrate", folder=tmp_path)
    assert second.stdout.splitlines() == [
        f"{lineage}: up to date" for lineage in ("platform", "ops", "conversations", "payments")
    ]


def test_migrate_touches_only_the_databases_that_were_named(tmp_path: Path) -> None:
    ran = dukani("migrate", "--env", "ops", "--env", "payments", folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert {path.name for path in (tmp_path / "var").glob("*.sqlite")} == {"ops.sqlite", "payments.sqlite"}


def test_an_unknown_database_is_refused(tmp_path: Path) -> None:
    ran = dukani("migrate", "--env", "everything", folder=tmp_path)
    assert ran.returncode == 2
    assert "platform" in ran.stderr


def test_the_clock_moves_ahead_and_stays_there(tmp_path: Path) -> None:
    assert "0:00:00 ahead" in dukani("clock", folder=tmp_path).stdout
    assert "0:10:00 ahead" in dukani("clock", "advance", "10m", folder=tmp_path).stdout
    assert "1 day, 0:10:00 ahead" in dukani("clock", "advance", "1d", folder=tmp_path).stdout
    assert "1 day, 0:10:00 ahead" in dukani("clock", folder=tmp_path).stdout


@pytest.mark.parametrize("step", ["10", "m", "-5m", "1.5h", "10 m", "5y", "99999999s"])
def test_a_step_that_is_no_duration_moves_nothing(tmp_path: Path, step: str) -> None:
    assert dukani("clock", "advance", "--", step, folder=tmp_path).returncode == 2
    assert "0:00:00 ahead" in dukani("clock", folder=tmp_path).stdout


def production() -> dict[str, str]:
    return {
        "DUKANI_ENV": "production",
        "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000001",
        "TWILIO_WHATSAPP_FROM": "whatsapp:+254700000001",
        "DUKANI_BOT_PUBLIC_URL": "https://shop.example.com",
        "DUKANI_ADAPTER_PUBLIC_URL": "https://pay.example.com",
    }


@pytest.mark.parametrize("arguments", [("seed",), ("clock", "advance", "1m")])
def test_what_is_for_a_local_shop_is_refused_in_production(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ran = dukani(*arguments, folder=tmp_path, **production())
    assert ran.returncode == 1
    assert "DUKANI_ENV=local" in ran.stderr
    assert not list(tmp_path.glob("var/*.sqlite"))


@pytest.mark.parametrize("process", list(Process))
def test_a_process_whose_port_is_taken_names_the_variable_to_change(tmp_path: Path, process: Process) -> None:
    import socket

    names = dict(
        zip(
            Process,
            ("DUKANI_BOT_PORT", "DUKANI_ROUTER_PORT", "DUKANI_ADAPTER_PORT", "DUKANI_SIMULATORS_PORT"),
            strict=True,
        )
    )
    ports = dict(zip(names.values(), map(str, free_ports(4)), strict=True))
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(ports[names[process]])))
        other.listen()
        ran = dukani("serve", process, folder=tmp_path, **ports)
    assert ran.returncode == 1
    assert ports[names[process]] in ran.stderr
    assert names[process] in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_serving_does_not_load_what_only_other_verbs_need() -> None:
    code = "import sys, json, dukani.cli; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    loaded = set(json.loads(ran.stdout))
    assert loaded.isdisjoint({"alembic", "sqlalchemy", "flask", "twilio", "rich", "structlog"})
