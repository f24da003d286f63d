"""`dukani reconcile`: a shop's payments against a statement, and what follows from it when a person says so."""

import csv
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, insert, select, update

from contracts.payment_api import PaymentEvent
from contracts.states import ChargeStatus, Rail
from dukani.prepare import CannotStart
from dukani.reconcile_cli import reconcile
from kit.db import Database, Tx
from payment_adapter.charges.models import charges, outbox
from payment_adapter.charges.service import ChargeMoved, Charges
from payment_adapter.vault.envelope import MasterKeys
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Origin, Vault
from router.vendors.models import vendors
from tests.support.databases import NewDatabase
from tests.support.statements import MAMA, MASKED, NOON, PAYER, Row, Shop, appypay, c2b, org

KEY = "5e" * 32


class Desk:
    """The command with a shop's databases, and its statement."""

    def __init__(self, payments: Database, folder: Path) -> None:
        self.shop = Shop(payments)
        self.file = folder / "november.csv"
        self.report = folder / "report.csv"

    def statement(self, text: str | bytes) -> None:
        self.file.write_bytes(text if isinstance(text, bytes) else text.encode())

    def run(self, *arguments: str, says: str | None = None) -> Result:
        return CliRunner().invoke(reconcile, ["--vendor", "mama", str(self.file), *arguments], input=says)

    def said(self, *arguments: str, says: str | None = None) -> str:
        ran = self.run(*arguments, says=says)
        assert ran.exit_code == 0, (ran.output, ran.exception)
        return ran.output

    def records(self) -> list[dict[str, str]]:
        with self.report.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def desk(
    new_database: NewDatabase, sqlite_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Desk:
    platform, payments = sqlite_database("platform"), new_database("payments")
    with platform.write() as tx:
        tx.execute(insert(vendors).values(id=MAMA, name="Mama Njeri's Groceries", word="mama"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUKANI_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("DUKANI_VAULT_KEY", KEY)
    monkeypatch.setenv("PLATFORM_DATABASE_URL", platform.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("PAYMENTS_DATABASE_URL", payments.engine.url.render_as_string(hide_password=False))
    return Desk(payments, tmp_path)


def test_a_month_is_told_in_words_and_nothing_is_changed(desk: Desk) -> None:
    desk.shop.charge(ChargeStatus.PAID, 45_000, receipt="UKK1AAAAA1")
    desk.shop.charge(ChargeStatus.PAID, 125_000, receipt="UKK1AAAAA2")
    desk.shop.charge(ChargeStatus.PAID, 30_000, receipt="UKK1AAAAA3")
    desk.shop.charge(ChargeStatus.PAID, 70_000, receipt="UKK1AAAAA4")
    lost = desk.shop.charge(ChargeStatus.UNKNOWN, 20_000, account="4CDFGH")
    desk.shop.charge(ChargeStatus.UNKNOWN, 60_000, account="6JKMNP")
    desk.shop.charge(ChargeStatus.FAILED, 10_000)
    desk.statement(
        org(
            [
                Row("UKK1AAAAA9", -50_000_00, NOON + timedelta(hours=8), reason="Organization Settle to Bank"),
                Row("UKK1AAAAA8", 15_000, NOON + timedelta(hours=3), "RENT"),
                Row("UKK1AAAAA7", 20_000, NOON + timedelta(seconds=40), "4CDFGH"),
                Row("UKK1AAAAA3", 35_000),
                Row("UKK1AAAAA2", 125_000),
                Row("UKK1AAAAA1", 45_000),
            ]
        )
        + "broken\r\n"
    )
    before = desk.shop.events()
    said = desk.said()
    assert "Mama Njeri's Groceries: M-Pesa organisation portal, november.csv" in said
    assert "Compared from 20.11.2026 00:00 to 20.11.2026 20:00 (EAT)." in said
    for sentence in (
        "2 payments match: KES 1,700.00.",
        "2 payments came in that we had not heard of: KES 350.00.",
        "  1 of our charges that are in doubt here",
        "  1 paid by hand",
        "1 payment that we count as paid is not in the statement: KES 700.00.",
        "1 payment has another amount there than here: KES 350.00.",
        "1 charge is still open here, and the statement does not have it: KES 600.00.",
        "1 charge was not paid, and both agree: KES 100.00.",
        "1 line is no payment to the shop.",
        "1 line could not be read.",
    ):
        assert sentence in said.splitlines()
    (together,) = [line.split() for line in said.splitlines() if line.strip().startswith("together")]
    assert together[1:] == ["7", "-47,600.00", "7", "3,600.00"]
    assert "line 12" not in said
    assert PAYER not in said
    assert desk.shop.status(lost)[0] == "unknown"
    assert desk.shop.events() == before


def test_with_apply_what_was_lost_is_paid_and_announced_once(desk: Desk) -> None:
    unknown = desk.shop.charge(ChargeStatus.UNKNOWN, 20_000, account="4CDFGH")
    failed = desk.shop.charge(ChargeStatus.FAILED, 30_000, account="6JKMNP")
    by_query = desk.shop.charge(ChargeStatus.PAID, 40_000, account="7QRTWX", decided_by="query")
    maybe = desk.shop.charge(ChargeStatus.UNKNOWN, 60_000, account="9DFGHJ")
    desk.statement(
        org(
            [
                Row("UKK1AAAAA1", 20_000, NOON + timedelta(seconds=40), "4CDFGH"),
                Row("UKK1AAAAA2", 30_000, NOON + timedelta(seconds=50), "6jkmnp"),
                Row("UKK1AAAAA3", 40_000, NOON + timedelta(seconds=30), "7QRTWX"),
                Row("UKK1AAAAA4", 15_000, NOON + timedelta(hours=3), "RENT", reason="Pay Bill"),
                Row("UKK1AAAAA5", 60_000, NOON + timedelta(seconds=20), other="", details="Pay Merchant"),
            ]
        )
    )
    said = desk.said("--apply", says="y\n")
    assert "To apply: charges that get the statement's word: 3; payments by hand to announce: 1." in said
    assert {"2 now paid", "1 receipt added", "1 announced"} <= {line.strip() for line in said.splitlines()}
    assert desk.shop.status(unknown) == ("paid", "UKK1AAAAA1", "statement", 20_000)
    assert desk.shop.status(failed) == ("paid", "UKK1AAAAA2", "statement", 30_000)
    assert desk.shop.status(by_query)[:2] == ("paid", "UKK1AAAAA3")
    assert desk.shop.status(maybe)[:2] == ("unknown", None)
    events = desk.shop.events()
    (by_hand,) = [event for event in events if event.intent_id is None]
    assert (by_hand.event_id, by_hand.rail, by_hand.status, by_hand.amount_minor) == (
        "mpesa-c2b:UKK1AAAAA4",
        None,
        "paid",
        15_000,
    )
    assert (by_hand.receipt, by_hand.provider_transaction_id, by_hand.account_reference) == (
        "UKK1AAAAA4",
        "UKK1AAAAA4",
        "RENT",
    )
    assert (by_hand.payer_msisdn, by_hand.payer_name, by_hand.occurred_at) == (
        MASKED,
        "AMINA",
        NOON + timedelta(hours=3),
    )
    assert sorted(event.receipt or "" for event in events if event.intent_id) == [
        "UKK1AAAAA1",
        "UKK1AAAAA2",
        "UKK1AAAAA3",
    ]
    again = desk.said("--apply", "--yes")
    assert "4 payments match: KES 1,050.00." in again
    assert "There is nothing to apply." in again
    assert desk.shop.events() == events


def test_without_a_yes_nothing_is_applied(desk: Desk) -> None:
    unknown = desk.shop.charge(ChargeStatus.UNKNOWN, 20_000)
    desk.statement(org([Row("UKK1AAAAA1", 20_000, NOON + timedelta(seconds=40), "K7M3QD")]))
    for says in ("n\n", "", "maybe\n"):
        assert desk.run("--apply", says=says).exit_code == 1
    assert desk.shop.status(unknown)[0] == "unknown"
    assert desk.shop.events() == []


def test_what_a_callback_did_meanwhile_stays_as_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    paid = desk.shop.charge(ChargeStatus.UNKNOWN, 20_000, account="4CDFGH")
    taken = desk.shop.charge(ChargeStatus.UNKNOWN, 30_000, account="6JKMNP")
    desk.statement(
        org(
            [
                Row("UKK1AAAAA1", 20_000, NOON, "4CDFGH"),
                Row("UKK1AAAAA2", 30_000, NOON, "6JKMNP"),
                Row("UKK1AAAAA3", 50_000, NOON, "RENT"),
            ]
        )
    )

    def meanwhile(*_: object, **__: object) -> bool:
        with desk.shop.db.write() as tx:
            values = {"status": "paid", "receipt": "UKK1AAAAA1", "paid_amount_minor": 20_000, "decided_by": "callback"}
            tx.execute(update(charges).where(charges.c.charge_id == paid).values(values))
        desk.shop.paid_by_hand("UKK1AAAAA2", 30_000)
        desk.shop.charge(ChargeStatus.PAID, 50_000, receipt="UKK1AAAAA3")
        return True

    monkeypatch.setattr("click.confirm", meanwhile)
    said = desk.said("--apply")
    assert "2 was done already" in said
    assert "1 not done: its ids belong to another payment by now" in said
    assert desk.shop.status(paid)[2] == "callback"
    assert desk.shop.status(taken)[0] == "unknown"
    assert [event.event_id for event in desk.shop.events()] == ["mpesa-c2b:UKK1AAAAA2"]


def test_the_days_that_a_statement_covers_can_be_said(desk: Desk) -> None:
    desk.shop.charge(ChargeStatus.PAID, 45_000, receipt="UKK1AAAAA1", at=NOON + timedelta(hours=11))
    desk.statement(org([Row("UKK1AAAAA2", -1_00, NOON, reason="Business Pay Bill Charge")]))
    assert "Every payment that we count as paid is in the statement." in desk.said()
    assert "1 payment that we count as paid is not in the statement: KES 450.00." in desk.said("--to", "2026-11-20")
    said = desk.said("--from", "2026-11-19", "--to", "2026-11-20T22:30")
    assert "Compared from 19.11.2026 00:00 to 20.11.2026 22:30 (EAT)." in said
    assert "Every payment that we count as paid is in the statement." in said
    assert desk.run("--from", "2026-11-21").exit_code == 1
    wrong = desk.run("--from", "20.11.2026")
    assert (wrong.exit_code, "2026-11-20T18:30" in wrong.output) == (2, True)


def test_an_empty_statement_says_that_nothing_came_in_its_days(desk: Desk) -> None:
    desk.shop.charge(ChargeStatus.PAID, 45_000, receipt="UKK1AAAAA1")
    desk.statement(org([]))
    refused = desk.run()
    assert (refused.exit_code, "--from and --to" in refused.output) == (1, True)
    said = desk.said("--from", "2026-11-20", "--to", "2026-11-20")
    assert "1 payment that we count as paid is not in the statement: KES 450.00." in said


def test_a_report_holds_every_line_and_no_formula_and_no_whole_number(desk: Desk) -> None:
    desk.shop.charge(ChargeStatus.FAILED, 45_000, account="4CDFGH")
    desk.statement(
        org(
            [
                Row("UKK1AAAAA1", 45_000, account="=HYPERLINK(1)", other=f"{PAYER} - AMINA"),
                Row("UKK1AAAAA2", -60_00, reason="@charge"),
            ]
        )
    )
    desk.said("--report", str(desk.report))
    first, second, third = desk.records()
    assert (first["bucket"], first["statement amount"], first["account"], first["phone"], first["remark"]) == (
        "missing here",
        "450.00",
        "'=HYPERLINK(1)",
        "2547*****149",
        "paid by hand",
    )
    assert (second["bucket"], second["our amount"], second["our status"]) == ("not paid", "450.00", "failed")
    assert (third["bucket"], third["statement amount"], third["remark"]) == ("no payment", "-60.00", "'@charge")
    assert stat.S_IMODE(desk.report.stat().st_mode) == 0o600
    text = desk.report.with_suffix(".txt")
    desk.said("--report", str(text))
    assert "No payment came in" not in text.read_text(encoding="utf-8")
    assert "Missing here:" in text.read_text(encoding="utf-8")
    assert PAYER not in text.read_text(encoding="utf-8") + desk.report.read_text(encoding="utf-8")
    assert desk.run("--report", str(desk.report.parent / "no" / "folder.csv")).exit_code == 1


def test_the_screen_shows_the_first_of_many_and_a_file_shows_all(desk: Desk) -> None:
    desk.statement(org([Row(f"UKK1AAAA{number:02}", 1_00) for number in range(30)]))
    said = desk.said("--report", str(desk.report.with_suffix(".txt")))
    assert "… and 10 more" in said
    assert "UKK1AAAA29" not in said
    assert "UKK1AAAA29" in desk.report.with_suffix(".txt").read_text(encoding="utf-8")


def test_a_list_of_confirmations_is_compared(desk: Desk) -> None:
    lost = desk.shop.charge(ChargeStatus.EXPIRED, 45_000)
    desk.shop.paid_by_hand("UKK1AAAAA2", 20_000)
    desk.statement(c2b([Row("UKK1AAAAA1", 45_000, account="K7M3QD"), Row("UKK1AAAAA2", 20_000)]))
    assert "1 payment matches: KES 200.00." in desk.said("--apply", "--yes")
    assert desk.shop.status(lost) == ("paid", "UKK1AAAAA1", "statement", 45_000)


def test_an_appypay_list_is_compared_by_our_reference(desk: Desk) -> None:
    known = desk.shop.charge(
        ChargeStatus.PAID, 1_500_050, rail=Rail.GPO, our_reference="OURS1", provider_transaction_id="id-1"
    )
    lost = desk.shop.charge(
        ChargeStatus.UNKNOWN, 200_000, rail=Rail.EMIS_REF, our_reference="OURS2", at=NOON - timedelta(days=2)
    )
    desk.shop.charge(ChargeStatus.PAID, 200_000, rail=Rail.TICKET, our_reference="OURS3")
    desk.shop.charge(ChargeStatus.PAID, 45_000, receipt="UKK1AAAAA1")
    desk.statement(
        appypay(
            [
                Row("id-1", 1_500_050, account="OURS1"),
                Row("id-2", 200_000, account="OURS2"),
                Row("id-3", 999, account="SOMEBODYELSES"),
            ]
        )
    )
    said = desk.said("--apply", "--yes")
    assert "1 payment matches: AOA 15,000.50." in said
    assert "2 payments came in that we had not heard of: AOA 2,009.99." in said
    assert "Every payment that we count as paid is in the statement." in said
    assert "  1 that a person must look at" in said.splitlines()
    assert desk.shop.status(known)[0] == "paid"
    assert desk.shop.status(lost) == ("paid", None, "statement", 200_000)
    assert [event.provider_transaction_id for event in desk.shop.events()] == ["id-2"]
    assert "There is nothing to apply." in desk.said("--apply", "--yes")


def test_another_amount_for_our_own_reference_is_the_statement_s_word_too(desk: Desk) -> None:
    charge = desk.shop.charge(ChargeStatus.UNKNOWN, 200_000, rail=Rail.GPO, our_reference="OURS2")
    desk.statement(appypay([Row("id-2", 150_000, account="OURS2")]))
    assert "1 payment has another amount there than here: AOA 1,500.00." in desk.said("--apply", "--yes")
    assert desk.shop.status(charge) == ("paid", None, "statement", 150_000)


def test_a_statement_of_another_shop_is_refused(desk: Desk) -> None:
    with desk.shop.db.write() as tx:
        fields = {"shortcode": Secret("600001"), "party_b": Secret("600001")}
        Vault(MasterKeys.parse(KEY)).store(tx, MAMA, "mpesa", fields, origin=Origin.PLANTED, now=NOON)
    desk.statement(org([Row("UKK1AAAAA1", 45_000)]))
    refused = desk.run()
    assert (refused.exit_code, "174379" in refused.output, "600001" in refused.output) == (1, True, True)
    desk.statement(org([Row("UKK1AAAAA1", 45_000)]).replace("174379", "600001"))
    assert desk.run().exit_code == 0


def test_payments_of_another_shop_here_are_never_applied(desk: Desk) -> None:
    Shop(desk.shop.db, "vendor-baraka").charge(ChargeStatus.PAID, 10_000, receipt="UKK1AAAAA1")
    desk.statement(org([Row("UKK1AAAAA1", 10_000), Row("UKK1AAAAA2", 20_000)]))
    refused = desk.run("--apply", "--yes")
    assert (refused.exit_code, "another shop" in refused.output) == (1, True)
    assert desk.shop.events() == []


def test_what_can_not_be_read_is_said_with_what_to_do(desk: Desk) -> None:
    desk.statement(b"PK\x03\x04an Excel file")
    assert "save it as CSV" in desk.run().output
    desk.statement("Name,Phone\nAmina,1\n")
    assert "Receipt No." in desk.run().output
    desk.statement(org([Row("UKK1AAAAA1", 1)]))
    assert desk.run("--format", "ekwanza").exit_code == 1
    nobody = CliRunner().invoke(reconcile, ["--vendor", "nobody", str(desk.file)])
    assert (nobody.exit_code, "no shop" in nobody.output) == (1, True)


def test_a_payments_database_that_is_not_there_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.statement(org([Row("UKK1AAAAA1", 1)]).replace("Short Code", ""))
    monkeypatch.setenv("PAYMENTS_DATABASE_URL", f"sqlite:///{desk.file.parent}/nothing.sqlite")
    ran = desk.run()
    assert isinstance(ran.exception, CannotStart)
    assert "PAYMENTS_DATABASE_URL" in str(ran.exception)


def test_progress_is_shown_beside_the_report(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dukani.reconcile_cli._EVERY", 10)
    desk.statement(org([Row(f"UKK1AAAA{number:02}", 1_00) for number in range(12)]))
    ran = desk.run()
    assert "12 lines read · 100 %" in ran.stderr
    assert "lines read" not in ran.stdout


def test_a_long_statement_is_applied_in_pieces_and_what_breaks_one_alone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 120
    desk.statement(org([Row(f"UKK1AAA{number:03}", 1_00 + number, NOON, "RENT") for number in range(count)]))
    announce = Charges.announce

    def refused_once(charges: Charges, tx: Tx, event: PaymentEvent, aggregate: str) -> None:
        if event.receipt == "UKK1AAA007":
            raise ChargeMoved(event.receipt)
        announce(charges, tx, event, aggregate)

    with monkeypatch.context() as patched:
        patched.setattr(Charges, "announce", refused_once)
        said = desk.said("--apply", "--yes", "--report", str(desk.report))
    assert "119 announced" in said
    assert "1 not done: the database refused it; apply the statement again" in said
    assert [record["receipt"] for record in desk.records() if record["applied"] != "announced"] == ["UKK1AAA007"]
    assert "1 announced" in desk.said("--apply", "--yes")
    with desk.shop.db.read() as tx:
        assert tx.execute(select(func.count()).select_from(outbox)).scalar_one() == count


def test_the_statement_is_not_overwritten_by_the_report(desk: Desk) -> None:
    desk.statement(org([Row("UKK1AAAAA1", 1)]))
    before = desk.file.read_bytes()
    assert desk.run("--report", str(desk.file)).exit_code == 2
    assert desk.file.read_bytes() == before
