"""`dukani signing-keys rotate` takes the steps of a rotation, or says who has to take them."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dukani import key_rotation
from dukani.prepare import CannotStart
from dukani.processes import PAIRS as SHARED_SECRETS
from dukani.signing_cli import PAIRS, keys
from kit.signing import parse_keys

SECRET = "s" * 40


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop of its own, with nothing set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUKANI_DATA_DIR", str(tmp_path / "var"))
    for name in PAIRS.values():
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(keys, ["rotate", *arguments])


def test_every_pair_can_be_rotated() -> None:
    assert set(PAIRS.values()) == SHARED_SECRETS


def test_the_steps_can_be_taken_one_by_one(folder: Path) -> None:
    path = folder / "var" / "keys" / PAIRS["grant"]
    for step, held in (("add", ["1", "2"]), ("switch", ["2", "1"]), ("drop", ["2"])):
        ran = run("grant", "--step", step)
        assert ran.exit_code == 0, ran.output
        assert [key_id for key_id, _ in parse_keys(path.read_text().strip())] == held
        assert f"holds, the signing one first: {', '.join(held)}" in ran.output
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_whole_rotation_says_what_it_does_and_shows_no_secret(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for pause in ("UNTIL_NOTICED_S", "UNTIL_WORTHLESS_S"):
        monkeypatch.setattr(key_rotation, pause, 0.0)
    ran = run("bot-router")
    assert ran.exit_code == 0, ran.output
    ((key_id, secret),) = parse_keys((folder / "var" / "keys" / PAIRS["bot-router"]).read_text().strip())
    assert key_id == "2"
    assert secret.decode() not in ran.output
    assert ran.output.splitlines()[-1] == "done: only key 2 is accepted now"


def test_a_step_out_of_turn_changes_nothing(folder: Path) -> None:
    ran = run("grant", "--step", "drop")
    assert isinstance(ran.exception, CannotStart)
    assert "the step that is due is add" in str(ran.exception)
    assert len(parse_keys((folder / "var" / "keys" / PAIRS["grant"]).read_text().strip())) == 1


@pytest.mark.usefixtures("folder")
def test_a_secret_in_the_environment_is_left_to_people_with_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUKANI_KEY_BOT_ROUTER", SECRET)
    ran = run("bot-router")
    assert isinstance(ran.exception, CannotStart)
    assert "1. router: set DUKANI_KEY_BOT_ROUTER=1:OLD,2:NEW" in ran.output
    assert "2. bot: set DUKANI_KEY_BOT_ROUTER=2:NEW,1:OLD" in ran.output
    assert SECRET not in ran.output


def test_a_file_that_is_named_is_the_one_that_is_rotated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = folder / "grant.key"
    named.write_text(SECRET)
    monkeypatch.setenv("DUKANI_KEY_GRANT", f"file:{named}")
    assert run("grant", "--step", "add").exit_code == 0
    assert [key_id for key_id, _ in parse_keys(named.read_text().strip())] == ["1", "2"]
    assert not (folder / "var").exists()
