"""`dukani transcript` against simulated phones, with a shop behind them that knows two sentences."""

from collections.abc import Generator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pytest_httpserver import HTTPServer
from werkzeug import Response

from dukani.prepare import CannotStart
from dukani.transcript_cli import transcript
from kit.settings import load_settings
from tests.simulators.running import Simulators
from tests.simulators.shop import Heard, Shop
from tests.support.processes import free_ports

TWO_SENTENCES = """shop: Mama Njeri
language: sw
who: Achieng, 254708374149
chat:
  - customer: SHOP mama
  - shop: |
      Welcome to *Mama Njeri*
      Order {code}
  - customer: "PAY {code}"
  - shop: |
      You said PAY {code}
"""


@pytest.fixture
def counter(httpserver: HTTPServer) -> Shop:
    """What the shop behind the phones answers, in TwiML."""
    shop = Shop(httpserver)

    def answer(heard: Heard) -> Response:
        said = heard.form.get("Body", "")
        words = "Welcome to *Mama Njeri*\nOrder K7M4XP" if said.startswith("SHOP") else f"You said {said}"
        return Response(f"<Response><Message>{words}</Message></Response>", content_type="text/xml")

    shop.answer = answer
    return shop


@pytest.fixture
def simulators(tmp_path: Path, counter: Shop, monkeypatch: pytest.MonkeyPatch) -> Generator[Simulators]:
    environ = {
        "DUKANI_DATA_DIR": str(tmp_path / "var"),
        "DUKANI_SIMULATORS_PORT": str(free_ports(1)[0]),
        "DUKANI_BOT_PUBLIC_URL": counter.url,
        "TWILIO_AUTH_TOKEN": "test-token",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("dukani.transcript_player._QUIET_S", 0.3)
    running = Simulators(load_settings(environ, dotenv=None))
    try:
        yield running
    finally:
        running.stop()


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(transcript, [str(argument) for argument in arguments])


def test_a_chat_is_recorded_and_played_again_and_what_is_said_differently_is_shown_and_written(
    simulators: Simulators, tmp_path: Path, counter: Shop
) -> None:
    file = tmp_path / "chat.yaml"
    assert "has not written yet" in run("record", file).output
    for words in ("SHOP mama", "PAY K7M4XP"):
        simulators.phone.wait_for_reply("Achieng", after=simulators.phone.says("Achieng", words))
    assert run("record", file, "--language", "sw").output == f"{file}: 4 entries with Mama Njeri\n"
    assert file.read_text() == TWO_SENTENCES
    assert "--force writes over it" in run("record", file).output

    again = run("replay", tmp_path)
    assert (again.exit_code, again.output) == (0, f"{file}: as written\n1 transcripts, 0 differ.\n")

    file.write_text(TWO_SENTENCES.replace("You said", "You wrote"))
    other = run("replay", file)
    assert other.exit_code == 1
    assert "-      You wrote PAY {code}\n+      You said PAY {code}\n" in other.output
    assert "1 transcripts, 1 differ." in other.output
    updated = run("replay", file, "--update")
    assert (updated.exit_code, file.read_text()) == (0, TWO_SENTENCES)
    assert "1 were written anew" in updated.output


def test_a_chat_that_does_not_go_on_is_not_written_over(
    simulators: Simulators, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dukani.transcript_cli.ANSWER_WITHIN_S", 0.3)
    file = tmp_path / "chat.yaml"
    text = TWO_SENTENCES + "  - tap: Receipt\n"
    file.write_text(text)
    stuck = run("replay", file, "--update")
    assert (stuck.exit_code, file.read_text()) == (1, text)
    assert "! not within 0.3 s: 'Receipt' to tap" in stuck.output


def test_a_file_that_can_not_be_played_says_why(simulators: Simulators, tmp_path: Path) -> None:
    file = tmp_path / "chat.yaml"
    file.write_text("chat: []\n")
    assert "shop: expected a text at the top" in run("replay", file).output
    file.write_text(TWO_SENTENCES.replace('"PAY {code}"', '"PAY {receipt}"'))
    assert "{receipt} is typed before the shop has told it" in run("replay", file).output
    (tmp_path / "empty").mkdir()
    assert "no .yaml file there" in run("replay", tmp_path / "empty").output
    assert "there are Achieng, Baraka" in str(run("record", tmp_path / "new.yaml", "--customer", "Nobody").exception)


def test_without_phones_it_says_what_to_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUKANI_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("DUKANI_SIMULATORS_PORT", str(free_ports(1)[0]))
    refused = run("record", tmp_path / "chat.yaml")
    assert isinstance(refused.exception, CannotStart)
    assert "is `./dev up` running?" in str(refused.exception)
