"""`dukani whatsapp` against a simulated Twilio: made once, shown as it stands, and a sentence if something is wrong."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.channels.twilio_contents import all_contents
from bot.ports.twilio import pictures_at
from dukani.whatsapp_cli import whatsapp
from kit.settings import load_settings
from tests.simulators.running import Simulators
from tests.support.processes import free_ports

ALL = list(all_contents(pictures_at(load_settings({}, dotenv=None))))
TEMPLATES = [content for content in ALL if content.is_template]


@pytest.fixture
def twilio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Simulators]:
    """Settings that lead to it, and the tables to keep what it says."""
    from dukani.prepare import migrate_all

    (port,) = free_ports(1)
    environ = {"DUKANI_DATA_DIR": str(tmp_path), "DUKANI_SIMULATORS_PORT": str(port), "TWILIO_AUTH_TOKEN": "test-token"}
    settings = load_settings(environ, dotenv=None)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    migrate_all(settings, ["conversations"], lambda line: None, quiet=True)
    running = Simulators(settings)
    yield running
    running.stop()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(whatsapp, arguments)


def test_contents_are_made_once_and_templates_are_shown_with_their_approval(twilio: Simulators) -> None:
    dry = run("sync", "--dry-run")
    assert (dry.exit_code, dry.output) == (0, f"{len(ALL)} of {len(ALL)} would be made.\n")
    assert twilio.phone.contents() == []

    first = run("sync")
    assert first.exit_code == 0, first.output
    assert f"{len(ALL)} contents: {len(ALL)} new" in first.output
    assert "unsubmitted (`dukani whatsapp sync --submit`" in first.output
    second = run("sync", "--submit")
    assert f"{len(TEMPLATES)} new or submitted" in second.output
    assert "received" in second.output

    sid = next(str(one["sid"]) for one in twilio.phone.contents() if one["name"] == TEMPLATES[0].name)
    twilio.phone.decides(sid, "rejected", "too pushy")
    shown = json.loads(run("status", "--json").output)
    assert (shown["made"], shown["wanted"]) == (len(ALL) - len(TEMPLATES), len(ALL) - len(TEMPLATES))
    by_name = {line["name"]: line for line in shown["templates"]}
    assert (by_name[TEMPLATES[0].name]["approval"], by_name[TEMPLATES[0].name]["reason"]) == ("rejected", "too pushy")
    assert "rejected" in run("status").output


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("TWILIO_CONTENT_BASE_URL", "http://127.0.0.1:9", "is TWILIO_CONTENT_BASE_URL right?"),
        ("TWILIO_AUTH_TOKEN", "another", "are TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN right?"),
    ],
)
def test_what_is_wrong_is_a_sentence_that_says_what_to_do(
    twilio: Simulators, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    del twilio
    monkeypatch.setenv(variable, value)
    failed = run("sync")
    assert failed.exit_code == 1
    assert sentence in failed.output
