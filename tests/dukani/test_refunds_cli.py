"""`dukani refunds`: a person sees which refunds are in doubt and says what the statement says of one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contracts.payment_api import RefundStatus
from dukani.cli import dukani
from dukani.migrate import migrate
from dukani.prepare import CannotStart
from kit.clock import FixedClock
from payment_adapter.providers.base import RefundAnswer
from tests.support.databases import NewDatabase
from tests.support.refunds import RECEIPT, RefundDesk

Run = Callable[..., Result]


@pytest.fixture
def desk(new_database: NewDatabase, clock: FixedClock) -> RefundDesk:
    """One refund of KES 450 is in doubt."""
    made = RefundDesk(new_database("payments"), clock)
    made.plant()
    made.pay()
    made.provider.answers = [RefundAnswer(RefundStatus.UNKNOWN, detail="M-Pesa gave no answer")]
    made.send()
    return made


@pytest.fixture
def run(desk: RefundDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").mkdir()
    environ = {
        "DUKANI_DATA_DIR": str(tmp_path / "var"),
        "PAYMENTS_DATABASE_URL": desk.db.engine.url.render_as_string(hide_password=False),
    }
    migrate("platform", f"sqlite:///{tmp_path / 'var' / 'platform.sqlite'}")

    def invoke(*words: str, **more: str) -> Result:
        return CliRunner().invoke(dukani, ("refunds", *words), env={**environ, **more})

    return invoke


def listed(run: Run, *words: str) -> list[dict[str, Any]]:
    result = run("list", "--json", *words)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["refunds"]


def test_refunds_in_doubt_are_listed_with_why(run: Run) -> None:
    (one,) = listed(run)
    assert (one["refund_id"], one["amount"], one["of_receipt"]) == ("refund-1", "KES 450.00", RECEIPT)
    assert (one["status"], one["why"], one["asked_next_at"]) == ("unknown", "M-Pesa gave no answer", None)
    assert "M-Pesa gave no answer" in run("list").output


def test_a_list_may_be_of_one_status_or_all(run: Run, desk: RefundDesk) -> None:
    desk.pay(2)
    desk.send("refund-2", provider_transaction_id="ws_CO_2")
    assert [one["refund_id"] for one in listed(run, "--status", "pending")] == ["refund-2"]
    assert {one["refund_id"] for one in listed(run, "--status", "all")} == {"refund-1", "refund-2"}
    assert "There is none" in run("list", "--status", "done").output


def test_a_shop_that_is_not_there_is_named(run: Run) -> None:
    result = run("list", "--vendor", "nobody")
    assert (result.exit_code, "dukani vendor list" in result.output) == (1, True)


def test_what_a_statement_shows_is_done_and_the_router_hears_of_it(run: Run, desk: RefundDesk) -> None:
    result = run("settle", "refund-1", "--went-back", " uf2r00back ")
    assert (result.exit_code, "UF2R00BACK" in result.output) == (0, True)
    assert desk.told() == ["unknown", "done"]
    assert (desk.events()[-1].provider_refund_id, desk.gone_back()) == ("UF2R00BACK", 45_000)
    assert "No refund is in doubt" in run("list").output


def test_what_a_statement_does_not_show_frees_its_money(run: Run, desk: RefundDesk) -> None:
    assert run("settle", "refund-1", "--did-not").exit_code == 0
    assert (desk.told(), desk.gone_back()) == (["unknown", "failed"], 0)
    assert desk.ask("refund-2").status_code == 202
    assert run("settle", "refund-1", "--went-back", "UF2R00BACK").exit_code == 0
    assert (desk.told()[-1], desk.gone_back()) == ("done", 90_000)


def test_what_is_still_under_way_can_not_be_denied(run: Run, desk: RefundDesk) -> None:
    desk.pay(2)
    desk.send("refund-2", provider_transaction_id="ws_CO_2")
    result = run("settle", "refund-2", "--did-not")
    assert (result.exit_code, "pending" in result.output) == (1, True)
    assert desk.refund("refund-2").status == "pending"


def test_what_went_back_can_not_be_settled_again(run: Run, desk: RefundDesk) -> None:
    run("settle", "refund-1", "--went-back", "UF2R00BACK")
    for words in (("--did-not",), ("--went-back", "ANOTHERONE")):
        assert (run("settle", "refund-1", *words).exit_code, desk.told()) == (1, ["unknown", "done"])


@pytest.mark.parametrize(
    "words", [(), ("--did-not", "--went-back", "UF2R00BACK"), ("--went-back", "x;y"), ("--went-back", "")]
)
def test_half_an_answer_is_refused(run: Run, desk: RefundDesk, words: tuple[str, ...]) -> None:
    assert run("settle", "refund-1", *words).exit_code == 2
    assert desk.told() == ["unknown"]


def test_an_unknown_refund_or_database_is_named(run: Run, tmp_path: Path) -> None:
    missing = run("settle", "refund-9", "--did-not")
    assert (missing.exit_code, "refunds list --status all" in missing.output) == (1, True)
    refused = run("list", PAYMENTS_DATABASE_URL=f"sqlite:///{tmp_path / 'other.sqlite'}")
    assert isinstance(refused.exception, CannotStart)
