"""Cells of a statement: amounts to the cent, times in two orders of the date, numbers that are masked."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.money import Currency
from payment_adapter.reconcile.statements_lines import (
    EAST_AFRICA,
    WEST_AFRICA,
    CellUnreadable,
    masked,
    may_be_the_same_phone,
    minor_units,
    moment,
    phone_number,
    same_reference,
)
from tests.support.statements import shillings

PAYER = "254708374149"


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("1,250.50", 125_050),
        ("1250.5", 125_050),
        ("1250", 125_000),
        ("-60.00", -6_000),
        ("KES 1,000,000.00", 100_000_000),
        ("Ksh450", 45_000),
        ("450.00000", 45_000),
        ("", 0),
        ("0.00", 0),
        (" 12.00\u00a0", 1_200),
    ],
)
def test_an_amount_is_read_to_the_cent(text: str, cents: int) -> None:
    assert minor_units(text, Currency.KES) == cents


@pytest.mark.parametrize(
    "text", ["1.250,50", "1E+05", "12,50", "1,2345.00", "12.345", "abc", "USD 5.00", "--5", "(300.00)", "٣"]
)
def test_an_amount_that_can_be_read_in_two_ways_or_none_is_not_guessed(text: str) -> None:
    with pytest.raises(CellUnreadable, match=r"1,250\.00"):
        minor_units(text, Currency.KES)


def test_an_amount_that_nobody_pays_is_not_read() -> None:
    assert minor_units("9,999,999,999.99", Currency.KES) == 999_999_999_999
    for text in ("10,000,000,000.00", "10000000000", "9" * 13):
        with pytest.raises(CellUnreadable, match="more than anybody pays"):
            minor_units(text, Currency.KES)


@given(st.integers(-10_000_000_000, 10_000_000_000))
def test_every_amount_is_read_as_it_is_written(cents: int) -> None:
    assert minor_units(shillings(cents), Currency.KES) == cents


@pytest.mark.parametrize(
    "text",
    [
        "20-11-2026 12:00:30",
        "20/11/2026 12:00:30",
        "2026-11-20 12:00:30",
        "2026/11/20 12:00:30",
        "2026-11-20T09:00:30Z",
        "2026-11-20T10:00:30.1234567+01:00",
        "20261120120030",
        "20-11-2026 12:00:30 PM",
        "20.11.2026, 12:00:30",
    ],
)
def test_a_time_is_read_year_first_and_day_first(text: str) -> None:
    assert moment(text, EAST_AFRICA) == datetime(2026, 11, 20, 9, 0, 30, tzinfo=UTC)


def test_a_time_without_a_zone_is_in_the_provider_s() -> None:
    assert moment("2026-11-20 12:00", WEST_AFRICA) == datetime(2026, 11, 20, 11, tzinfo=UTC)
    assert moment("20-11-2026 12:05 AM", EAST_AFRICA) == datetime(2026, 11, 19, 21, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["11/28/2026 10:00:00", "2026-11-20", "15:50", "20-11-26 10:00", "31-02-2026 10:00", "1-1-2026 25:00",
             "1-1-2026 13:00 PM", "0001-01-01 00:00:00", "20-11-1026 10:00:00", "", "2026-11-20 10:00 +99:99"]
)  # fmt: skip
def test_a_time_that_is_none_is_said_to_be_none(text: str) -> None:
    with pytest.raises(CellUnreadable):
        moment(text, EAST_AFRICA)


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("254708374149 - AMINA JUMA", PAYER),
        ("2547****149 - AMINA", "2547****149"),
        ("2547 ***** 149", "2547*****149"),
        ("0708****149 - AMINA", "254708****149"),
        ("+254 708374149", PAYER),
        ("KCB BANK", ""),
        ("", ""),
        ("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", ""),
    ],
)
def test_a_number_is_read_as_far_as_it_is_shown(text: str, phone: str) -> None:
    assert phone_number(text) == phone


def test_a_masked_number_contradicts_another_and_not_its_own() -> None:
    for told in ("", PAYER, "2547****149", "254708****149", "2547*****149", "********4149"):
        assert may_be_the_same_phone(told, PAYER)
    for told in ("254700000001", "2547****001", "2541****149"):
        assert not may_be_the_same_phone(told, PAYER)
    assert may_be_the_same_phone("2547****001", "")


def test_a_report_never_shows_a_whole_number() -> None:
    assert masked(PAYER) == "2547*****149"
    assert masked("2547****149") == "2547****149"


def test_two_spellings_of_an_account_are_one() -> None:
    assert same_reference(" k7m-3qd ") == same_reference("K7M3QD") == "K7M3QD"
