"""What `deploy/` says exists: commands, variables, roles and paths; and each file is one that its program takes."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from dukani.cli import dukani
from kit import settings
from kit.settings import SettingsError, load_settings, tenant_database_url
from tests.support.processes import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PLACES = {"bot": "3020", "router": "3030", "payment-adapter": "3040"}


class _Noted(dict[str, str]):
    """Settings that remember what was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


@pytest.fixture
def known() -> set[str]:
    """Every variable that the settings know."""
    noted = _Noted()

    def values(*_given: object) -> _Noted:
        return noted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "_values", values)
        load_settings()
        with pytest.raises(SettingsError):
            tenant_database_url()
    return noted.asked


def named_in_example() -> list[str]:
    lines = (DEPLOY / "dukani.env.example").read_text().splitlines()
    return [match[1] for line in lines if (match := re.fullmatch(r"#?([A-Z][A-Z0-9_]*)=.*", line))]


def test_the_example_names_every_variable_once_and_no_other(known: set[str]) -> None:
    named = named_in_example()
    assert sorted(named) == sorted(known)


def test_the_example_holds_no_secret() -> None:
    secrets = [
        line for line in (DEPLOY / "dukani.env.example").read_text().splitlines() if "KEY" in line.partition("=")[0]
    ]
    assert secrets
    for line in secrets:
        assert line.startswith("# ") or line.endswith("="), line


def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_containers_run_commands_that_exist_with_variables_that_are_read(known: set[str]) -> None:
    services = compose()["services"]
    ours = {name: service for name, service in services.items() if service.get("image") == "dukani"}
    assert set(ours) == {"migrate", "bot", "router", "router-work", "payment-adapter"}
    for name, service in ours.items():
        assert_is_a_command(service["command"])
        assert set(service["environment"]) <= known, name
        assert service["env_file"] == "dukani.env"
    for name, service in services.items():
        for volume in service.get("volumes", ()):
            source = str(volume).partition(":")[0]
            assert (DEPLOY / source).is_file() if source.startswith("./") else source in compose()["volumes"], name
        assert set(service.get("depends_on", ())) <= set(services)


def test_only_the_migration_knows_the_owner() -> None:
    for name, service in compose()["services"].items():
        knows = "OWNER_PASSWORD" in str(service)
        assert knows == (name in ("migrate", "postgres")), name
    for unit in UNITS:
        assert ("migrate.env" in unit.read_text()) == (unit.name == "dukani-migrate.service")


def test_the_proxy_reaches_services_and_shows_nothing_of_the_inside() -> None:
    text = (DEPLOY / "Caddyfile").read_text()
    reached = dict(re.findall(r"import pass (\S+) (\d+)", text))
    assert reached == PLACES
    assert set(reached) <= set(compose()["services"])
    shown = [line.split() for line in re.findall(r"@public path (.+)", text)]
    assert shown == [["/webhooks/twilio/*", "/media/*"], ["/callbacks/*", "/settings", "/settings/*"], ["/api/*"]]
    assert text.count("respond 404") == len(shown)
    assert text.count("{") == text.count("}")
    hosts = set(re.findall(r"\{\$([A-Z_]+)\}", text))
    assert hosts == set(compose()["services"]["proxy"]["environment"])


def commands_of(unit: Path) -> Iterator[list[str]]:
    for line in unit.read_text().splitlines():
        if line.startswith("ExecStart="):
            yield shlex.split(line.partition("=")[2].replace("%i", "3031"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_run_commands_that_exist(unit: Path) -> None:
    (command,) = commands_of(unit)
    assert command[:3] == ["/opt/dukani/.venv/bin/python", "-m", "dukani"]
    assert_is_a_command(command[3:])


def test_the_target_wants_every_unit_that_serves() -> None:
    wanted = set(re.findall(r"[\w@-]+\.service", (DEPLOY / "systemd" / "dukani.target").read_text()))
    serving = {unit.name.replace("@", "@3031") for unit in UNITS} - {"dukani-migrate.service"}
    assert wanted == serving


def test_systemd_takes_the_units_where_it_is_there_to_ask(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    files = [*UNITS, DEPLOY / "systemd" / "dukani.target"]
    for file in files:
        text = file.read_text().replace("/opt/dukani/.venv/bin/python", sys.executable)
        assert all(re.fullmatch(r"\[\w+\]|[A-Z]\w+=.*|#.*|", line) for line in text.splitlines()), file.name
        (tmp_path / file.name).write_text(text)
    if program is not None:
        command = [program, "verify", *(str(tmp_path / file.name) for file in files)]
        asked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        named = [line for line in asked.stderr.splitlines() if "dukani" in line]
        assert named == []


def assert_is_a_command(arguments: list[str]) -> None:
    """The command line takes these arguments: it gets as far as settings that can't be used."""
    ran = CliRunner().invoke(dukani, arguments, env={"DUKANI_BOT_PORT": "nonsense"})
    assert isinstance(ran.exception, SettingsError), ran.output


def test_the_image_holds_all_that_its_processes_import(tmp_path: Path) -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (\S+) (\S+)$", text, re.MULTILINE)
    assert all(source == target for source, target in copied)
    folders = [source for source, _ in copied if (ROOT / source).is_dir()]
    for folder in folders:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    program = (
        "from dukani.cli import dukani; from dukani.processes import *; import dukani.migrate_cli, dukani.migrate;"
        "[builder(process) for process in Process if process is not Process.SIMULATORS]"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    kept = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
    assert kept == {source for source, _ in copied}
    assert "--require-hashes" in text
    assert re.search(r"^USER (?!root)", text, re.MULTILINE)
