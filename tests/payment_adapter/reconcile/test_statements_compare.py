"""Every line of a statement and everything of ours comes to exactly one bucket; nothing is matched on a guess."""

from datetime import timedelta
from pathlib import Path

import pytest

from contracts.states import ChargeStatus, Rail
from payment_adapter.reconcile.statements_compare import ANOTHER_SHOPS, compare, span, spool
from payment_adapter.reconcile.statements_formats import recognise
from payment_adapter.reconcile.statements_ours import Books, Period
from payment_adapter.reconcile.statements_scratch import Action, Bucket, Entry, Scratch
from payment_adapter.reconcile.statements_text import Source
from tests.support.databases import NewDatabase
from tests.support.statements import MAMA, NOON, Row, Shop, org

DAY = Period(NOON.replace(hour=0), NOON.replace(hour=0) + timedelta(days=1))


@pytest.fixture
def shop(new_database: NewDatabase) -> Shop:
    return Shop(new_database("payments"))


@pytest.fixture
def sqlite_shop(sqlite_database: NewDatabase) -> Shop:
    return Shop(sqlite_database("payments"))


def compared(shop: Shop, folder: Path, *rows: Row, period: Period = DAY) -> list[Entry]:
    file = folder / "statement.csv"
    file.write_text(org(rows), encoding="utf-8", newline="")
    with Source(file) as source, Scratch() as scratch:
        statement = recognise(source)
        spool(statement, scratch, lambda what, count: None)
        compare(scratch, Books(shop.db, MAMA, statement.layout, period), lambda what, count: None)
        return list(scratch.entries(*Bucket))


def found(entries: list[Entry]) -> list[tuple[Bucket, str, Action | None]]:
    return [(entry.bucket, entry.receipt, entry.action) for entry in entries]


def test_a_payment_with_the_receipt_and_the_amount_that_we_know_matches(shop: Shop, tmp_path: Path) -> None:
    charge = shop.charge(ChargeStatus.PAID, 45_000, receipt="UKK1AAAAA1")
    shop.paid_by_hand("UKK1AAAAA2", 20_000)
    entries = compared(shop, tmp_path, Row("UKK1AAAAA1", 45_000, account="K7M3QD"), Row("UKK1AAAAA2", 20_000))
    assert found(entries) == [(Bucket.MATCHED, "UKK1AAAAA1", None), (Bucket.MATCHED, "UKK1AAAAA2", None)]
    assert entries[0].key == charge
    assert (entries[0].there_minor, entries[0].here_minor) == (45_000, 45_000)


def test_a_charge_of_another_period_is_found_by_its_receipt(shop: Shop, tmp_path: Path) -> None:
    shop.charge(ChargeStatus.PAID, 45_000, receipt="UKK1AAAAA1", at=NOON - timedelta(days=40))
    shop.paid_by_hand("UKK1AAAAA2", 20_000, at=NOON - timedelta(days=40))
    entries = compared(shop, tmp_path, Row("UKK1AAAAA1", 45_000), Row("UKK1AAAAA2", 20_000))
    assert [entry.bucket for entry in entries] == [Bucket.MATCHED, Bucket.MATCHED]


def test_another_amount_there_than_here_is_said(shop: Shop, tmp_path: Path) -> None:
    shop.charge(ChargeStatus.PAID, 45_000, receipt="UKK1AAAAA1")
    (entry,) = compared(shop, tmp_path, Row("UKK1AAAAA1", 40_000))
    assert (entry.bucket, entry.there_minor, entry.here_minor, entry.action) == (
        Bucket.AMOUNT_DIFFERS,
        40_000,
        45_000,
        None,
    )


@pytest.mark.parametrize(
    "status", [ChargeStatus.UNKNOWN, ChargeStatus.FAILED, ChargeStatus.EXPIRED, ChargeStatus.ACCEPTED]
)
def test_a_charge_that_is_not_paid_here_is_found_by_account_amount_time_and_number(
    shop: Shop, tmp_path: Path, status: ChargeStatus
) -> None:
    charge = shop.charge(status, 45_000)
    (entry,) = compared(shop, tmp_path, Row("UKK1AAAAA1", 45_000, NOON + timedelta(seconds=30), "k7m-3qd"))
    assert (entry.bucket, entry.action, entry.key) == (Bucket.MISSING_HERE, Action.PAY, charge)


def test_a_receipt_that_only_a_callback_named_is_confirmed_by_the_statement(shop: Shop, tmp_path: Path) -> None:
    charge = shop.charge(ChargeStatus.UNKNOWN, 45_000, hinted_receipt="UKK1AAAAA1", hinted_amount_minor=40_000)
    (entry,) = compared(shop, tmp_path, Row("UKK1AAAAA1", 40_000, NOON + timedelta(hours=1)))
    assert (entry.bucket, entry.action, entry.key) == (Bucket.AMOUNT_DIFFERS, Action.PAY, charge)


def test_a_charge_that_was_paid_by_a_query_s_word_learns_its_receipt(shop: Shop, tmp_path: Path) -> None:
    shop.charge(ChargeStatus.PAID, 45_000, decided_by="query")
    (entry,) = compared(shop, tmp_path, Row("UKK1AAAAA1", 45_000, NOON, "K7M3QD"))
    assert (entry.bucket, entry.action) == (Bucket.MATCHED, Action.PAY)


@pytest.mark.parametrize(
    "row",
    [
        Row("UKK1AAAAA1", 44_900, NOON, "K7M3QD"),
        Row("UKK1AAAAA1", 45_000, NOON + timedelta(hours=2), "K7M3QD"),
        Row("UKK1AAAAA1", 45_000, NOON - timedelta(minutes=10), "K7M3QD"),
        Row("UKK1AAAAA1", 45_000, NOON, "K7M3QD", other="2547****001 - BARAKA"),
        Row("UKK1AAAAA1", 45_000, NOON, "RENT"),
    ],
    ids=["another amount", "hours later", "before the push", "another number", "another account"],
)
def test_what_does_not_fit_a_charge_is_money_by_hand(sqlite_shop: Shop, tmp_path: Path, row: Row) -> None:
    sqlite_shop.charge(ChargeStatus.UNKNOWN, 45_000)
    line, ours = compared(sqlite_shop, tmp_path, row)
    assert (line.bucket, line.action, line.key) == (Bucket.MISSING_HERE, Action.ANNOUNCE, "")
    assert (ours.bucket, ours.status) == (Bucket.OPEN, "unknown")


def test_amount_and_time_without_an_account_are_a_suggestion_and_nothing_is_done(shop: Shop, tmp_path: Path) -> None:
    shop.charge(ChargeStatus.UNKNOWN, 45_000)
    line, ours = compared(shop, tmp_path, Row("UKK1AAAAA1", 45_000, NOON, other="", details="Buy goods"))
    assert (line.bucket, line.action, line.key) == (Bucket.MISSING_HERE, None, "")
    assert "perhaps of order K7M3QD" in line.note
    assert ours.bucket is Bucket.OPEN


def test_two_charges_that_fit_one_line_leave_it_to_a_person(shop: Shop, tmp_path: Path) -> None:
    shop.charge(ChargeStatus.UNKNOWN, 45_000)
    shop.charge(ChargeStatus.UNKNOWN, 45_000, at=NOON + timedelta(minutes=2))
    line, *ours = compared(shop, tmp_path, Row("UKK1AAAAA1", 45_000, NOON + timedelta(minutes=3), "K7M3QD"))
    assert (line.bucket, line.action) == (Bucket.MISSING_HERE, None)
    assert [each.bucket for each in ours] == [Bucket.OPEN, Bucket.OPEN]


def test_the_try_that_nobody_knows_the_end_of_goes_before_those_that_failed(shop: Shop, tmp_path: Path) -> None:
    shop.charge(ChargeStatus.FAILED, 45_000)
    open_one = shop.charge(ChargeStatus.UNKNOWN, 45_000, at=NOON + timedelta(minutes=2))
    line, failed = compared(shop, tmp_path, Row("UKK1AAAAA1", 45_000, NOON + timedelta(minutes=3), "K7M3QD"))
    assert (line.action, line.key) == (Action.PAY, open_one)
    assert failed.bucket is Bucket.NOT_PAID


def test_what_is_paired_is_out_of_the_question_for_the_others_at_once(shop: Shop, tmp_path: Path) -> None:
    failed = shop.charge(ChargeStatus.FAILED, 45_000)
    open_one = shop.charge(ChargeStatus.UNKNOWN, 45_000, at=NOON + timedelta(minutes=14))
    early, late = compared(
        shop,
        tmp_path,
        Row("UKK1AAAAA1", 45_000, NOON + timedelta(minutes=1), "K7M3QD"),
        Row("UKK1AAAAA2", 45_000, NOON + timedelta(minutes=14, seconds=30), "K7M3QD"),
    )
    assert [(each.key, each.action) for each in (early, late)] == [(failed, Action.PAY), (open_one, Action.PAY)]


def test_two_lines_that_fit_one_charge_leave_both_to_a_person(shop: Shop, tmp_path: Path) -> None:
    shop.charge(ChargeStatus.UNKNOWN, 45_000)
    first, second, ours = compared(
        shop,
        tmp_path,
        Row("UKK1AAAAA1", 45_000, NOON + timedelta(minutes=1), "K7M3QD"),
        Row("UKK1AAAAA2", 45_000, NOON + timedelta(minutes=2), "K7M3QD"),
    )
    assert (first.action, second.action, ours.bucket) == (None, None, Bucket.OPEN)


def test_what_the_statement_lacks_is_listed_and_never_decided(shop: Shop, tmp_path: Path) -> None:
    shop.charge(ChargeStatus.PAID, 10_000, receipt="UKK1AAAAA1")
    shop.charge(ChargeStatus.UNKNOWN, 20_000)
    shop.charge(ChargeStatus.FAILED, 30_000)
    shop.charge(ChargeStatus.CREATED, 40_000)
    shop.paid_by_hand("UKK1AAAAA2", 50_000)
    entries = compared(shop, tmp_path)
    assert sorted((entry.here_minor, entry.bucket) for entry in entries) == [
        (10_000, Bucket.MISSING_THERE),
        (20_000, Bucket.OPEN),
        (30_000, Bucket.NOT_PAID),
        (40_000, Bucket.OPEN),
        (50_000, Bucket.MISSING_THERE),
    ]
    assert all(entry.line is None and entry.action is None for entry in entries)
    assert [entry.note for entry in entries if entry.status == "unknown"] == [
        "the provider is not asked about it any more"
    ]


def test_charges_of_other_days_shops_and_providers_are_none_of_its_business(shop: Shop, tmp_path: Path) -> None:
    shop.charge(ChargeStatus.PAID, 10_000, receipt="UKK1AAAAA1", at=NOON - timedelta(days=1))
    shop.charge(ChargeStatus.UNKNOWN, 10_000, at=NOON + timedelta(days=1))
    shop.charge(ChargeStatus.PAID, 10_000, rail=Rail.GPO)
    Shop(shop.db, "vendor-baraka").charge(ChargeStatus.PAID, 10_000, receipt="UKK1AAAAA2")
    Shop(shop.db, "vendor-baraka").paid_by_hand("UKK1AAAAA3", 10_000)
    assert compared(shop, tmp_path) == []


def test_a_payment_of_another_shop_here_is_marked_and_nothing_is_done(shop: Shop, tmp_path: Path) -> None:
    Shop(shop.db, "vendor-baraka").charge(ChargeStatus.PAID, 10_000, receipt="UKK1AAAAA1")
    (line,) = compared(shop, tmp_path, Row("UKK1AAAAA1", 10_000))
    assert (line.bucket, line.action, line.note) == (Bucket.MISSING_HERE, None, ANOTHER_SHOPS)


def test_money_that_was_taken_back_is_no_payment_that_is_missing(shop: Shop, tmp_path: Path) -> None:
    charge = shop.charge(ChargeStatus.PAID, 45_000, receipt="UKK1AAAAA1")
    entries = compared(
        shop,
        tmp_path,
        Row("UKK1AAAAA9", -45_000, NOON + timedelta(hours=1), reason="Pay Bill Reversal", linked="UKK1AAAAA1"),
        Row("UKK1AAAAA8", -20_000, NOON + timedelta(hours=1), reason="Pay Bill Reversal", linked="UKK1AAAAA2"),
        Row("UKK1AAAAA2", 20_000),
        Row("UKK1AAAAA1", 45_000),
    )
    assert [(entry.bucket, entry.action) for entry in entries] == [(Bucket.REVERSED, None)] * 4
    assert entries[3].key == charge
    assert "taken back in line 6" in entries[3].note
    assert "takes back UKK1AAAAA1" in entries[0].note


def test_money_that_was_taken_back_in_part_is_not_announced(shop: Shop, tmp_path: Path) -> None:
    back, line = compared(
        shop,
        tmp_path,
        Row("UKK1AAAAA9", -5_000, reason="Reversal", linked="UKK1AAAAA1"),
        Row("UKK1AAAAA1", 45_000),
    )
    assert (back.bucket, line.bucket, line.action) == (Bucket.REVERSED, Bucket.MISSING_HERE, None)
    assert "partly taken back" in line.note


def test_withdrawals_charges_and_what_never_completed_are_no_payments(shop: Shop, tmp_path: Path) -> None:
    entries = compared(
        shop,
        tmp_path,
        Row("UKK1AAAAA1", -50_000_00, reason="Organization Settle to Bank", other="KCB BANK"),
        Row("UKK1AAAAA2", -33_00, reason="Business Pay Bill Charge", other=""),
        Row("UKK1AAAAA3", 450_00, status="Failed"),
        Row("UKK1AAAAA4", 450_00, status="Declined"),
    )
    assert [(entry.bucket, entry.action) for entry in entries] == [(Bucket.IGNORED, None)] * 4


def test_income_that_no_customer_paid_is_shown_and_not_announced(shop: Shop, tmp_path: Path) -> None:
    (line,) = compared(shop, tmp_path, Row("UKK1AAAAA1", 600_000_00, reason="Organization Settlement", other="KCB"))
    assert (line.bucket, line.action) == (Bucket.MISSING_HERE, None)
    assert "no customer's payment" in line.note


def test_a_payment_that_stands_there_twice_counts_once(shop: Shop, tmp_path: Path) -> None:
    first, second = compared(shop, tmp_path, Row("UKK1AAAAA1", 45_000), Row("UKK1AAAAA1", 45_000))
    assert (first.action, second.bucket) == (Action.ANNOUNCE, Bucket.IGNORED)
    assert "line 6" in second.note


def test_two_amounts_for_one_receipt_are_believed_neither(shop: Shop, tmp_path: Path) -> None:
    shop.charge(ChargeStatus.PAID, 45_000, receipt="UKK1AAAAA1")
    first, second = compared(shop, tmp_path, Row("UKK1AAAAA1", 45_000), Row("UKK1AAAAA1", 54_000))
    assert [(each.bucket, each.action) for each in (first, second)] == [(Bucket.AMOUNT_DIFFERS, None)] * 2
    assert (first.here_minor, second.here_minor) == (45_000, None)


def test_money_that_was_told_as_by_hand_and_is_a_charge_s_counts_once(shop: Shop, tmp_path: Path) -> None:
    shop.charge(ChargeStatus.PAID, 45_000, receipt="UKK1AAAAA1")
    shop.paid_by_hand("UKK1AAAAA1", 45_000)
    (line,) = compared(shop, tmp_path, Row("UKK1AAAAA1", 45_000))
    assert line.bucket is Bucket.MATCHED


def test_lines_outside_the_time_that_was_asked_for_are_not_missing(shop: Shop, tmp_path: Path) -> None:
    charge = shop.charge(ChargeStatus.UNKNOWN, 45_000, at=DAY.end - timedelta(seconds=20))
    entries = compared(
        shop,
        tmp_path,
        Row("UKK1AAAAA1", 45_000, DAY.end + timedelta(seconds=5), "K7M3QD"),
        Row("UKK1AAAAA2", 45_000, DAY.end + timedelta(hours=5)),
    )
    assert [(entry.bucket, entry.key) for entry in entries] == [(Bucket.MISSING_HERE, charge), (Bucket.IGNORED, "")]


def test_money_that_a_query_reported_late_may_stand_in_the_statement_before(shop: Shop, tmp_path: Path) -> None:
    shop.charge(
        ChargeStatus.PAID,
        45_000,
        at=DAY.start - timedelta(minutes=5),
        paid_at=DAY.start + timedelta(minutes=1),
        decided_by="query",
    )
    (entry,) = compared(shop, tmp_path)
    assert entry.bucket is Bucket.MISSING_THERE
    assert "the statement before this one" in entry.note


def test_the_span_of_a_statement_is_that_of_its_lines(sqlite_shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "statement.csv"
    file.write_text(org([Row("UKK1AAAAA1", 1, NOON), Row("UKK1AAAAA2", 1, NOON - timedelta(hours=3))]), newline="")
    with Source(file) as source, Scratch() as scratch:
        assert span(scratch) is None
        spool(recognise(source), scratch, lambda what, count: None)
        assert span(scratch) == (int(NOON.timestamp()) - 3 * 3600, int(NOON.timestamp()))
    assert sqlite_shop
