"""`dukani charges` shows what is in review, with why, and no phone number."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dukani.charges_cli import charges
from dukani.prepare import CannotStart
from kit.clock import FixedClock
from kit.db import Database
from payment_adapter.providers.base import Refused, Unclear
from tests.support.counter import make_counter
from tests.support.payments import PAYER, Desk, failure, stk_paid


@pytest.fixture
def desk(
    sqlite_database: Callable[[str], Database], clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Desk:
    made = Desk(sqlite_database("payments"), clock)
    made.plant()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUKANI_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("PAYMENTS_DATABASE_URL", made.db.engine.url.render_as_string())
    return made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(charges, list(arguments))


def test_nothing_in_review_is_said_so(desk: Desk) -> None:
    desk.push()
    ran = run()
    assert (ran.exit_code, ran.output.strip()) == (0, "No charge is in review.")


def test_what_is_in_review_is_listed_with_its_reason_and_without_the_payers_number(desk: Desk) -> None:
    desk.provider.outcomes = [Unclear("no answer to the push: ReadTimeout")]
    desk.push("intent-1")
    desk.push("intent-2", account_reference="OTHER")
    ran = run()
    assert ran.exit_code == 0, ran.output
    (line,) = [line for line in ran.output.splitlines() if "vendor-mama" in line]
    assert "K7M3QD" in line
    assert "KES 450.00" in line
    assert "no answer to the push: ReadTimeout" in line
    assert PAYER not in ran.output


def test_other_statuses_are_listed_when_asked_for(desk: Desk) -> None:
    desk.provider.outcomes = [Refused(failure()), Unclear("timeout")]
    for number in (1, 2, 3):
        desk.push(f"intent-{number}")
    found = {
        status: [each["why"] for each in json.loads(run("--status", status, "--json").output)["charges"]]
        for status in ("failed", "accepted", "paid")
    }
    assert found == {"failed": ["busy: System is busy."], "accepted": [None], "paid": []}
    assert len(json.loads(run("--status", "all", "--json").output)["charges"]) == 3
    assert len(json.loads(run("--status", "all", "--limit", "2", "--json").output)["charges"]) == 2
    assert run("--status", "paid").output.strip() == "There is none."


def test_only_one_shops_are_listed_when_it_is_named(
    desk: Desk, sqlite_database: Callable[[str], Database], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for counter in make_counter(sqlite_database, desk.clock, tmp_path):
        monkeypatch.setenv("PLATFORM_DATABASE_URL", counter.platform.engine.url.render_as_string())
        desk.plant("vendor-baraka")
        desk.provider.outcomes = [Unclear("timeout"), Unclear("timeout")]
        desk.push("intent-1")
        desk.push("intent-2", vendor_id="vendor-baraka")
        ran = run("--vendor", "vendor-mama", "--json")
        assert ran.exit_code == 0, ran.output
        assert [each["vendor_id"] for each in json.loads(ran.output)["charges"]] == ["vendor-mama"]
        refused = run("--vendor", "nobody")
        assert (refused.exit_code, "dukani vendor list" in refused.output) == (1, True)


def test_callbacks_that_are_left_for_a_person_are_listed_with_why(desk: Desk) -> None:
    assert run("--callbacks").output.strip() == "No callback is left for a person."
    secret = desk.push()
    desk.call_back(secret, stk_paid(id="ws_CO_other"))
    desk.call_back(secret, b"garbage")
    ran = run("--callbacks")
    assert "paid: mismatch" in ran.output
    assert "unreadable: not a JSON object" in ran.output
    assert secret not in ran.output
    told = json.loads(run("--callbacks", "--json").output)["callbacks"]
    assert {each["charge_id"] for each in told} == {desk.charge().charge_id}


def test_a_database_that_is_not_prepared_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PAYMENTS_DATABASE_URL", f"sqlite:///{tmp_path / 'empty.sqlite'}")
    with pytest.raises(CannotStart, match="--env payments"):
        CliRunner().invoke(charges, [], catch_exceptions=False)
