"""Numbers, addresses and names: what is accepted and in which form it is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.money import Currency
from router.customers.rules import address_of, is_address, normalized_msisdn, phone_of, tidy_name


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("254708374149", "254708374149"),
        ("+254708374149", "254708374149"),
        ("0708374149", "254708374149"),
        ("708374149", "254708374149"),
        (" 0708 374-149 ", "254708374149"),
        ("244923000001", "244923000001"),
        ("+44 20 7946 0958", "442079460958"),
        ("12", None),
        ("", None),
        ("070837414", None),
        ("call me", None),
        ("254708374149254708374149", None),
    ],
)
def test_a_number_is_kept_with_its_country_code(written: str, kept: str | None) -> None:
    assert normalized_msisdn(written, Currency.KES) == kept


def test_a_number_without_a_country_code_is_of_the_shop_s_country() -> None:
    assert normalized_msisdn("923 000 001", Currency.AOA) == "244923000001"


@given(st.text(max_size=40))
def test_whatever_is_written_gives_digits_or_nothing(written: str) -> None:
    kept = normalized_msisdn(written, Currency.KES)
    assert kept is None or (kept.isascii() and kept.isdigit() and 8 <= len(kept) <= 15)


def test_an_address_shows_its_number_or_hides_it() -> None:
    assert phone_of("whatsapp:+254708374149") == "254708374149"
    assert phone_of("whatsapp:KE.1234567890") is None
    assert phone_of("whatsapp:+254708374149 ") is None
    assert phone_of(address_of("254700000001")) == "254700000001"


@given(st.text(max_size=200))
def test_an_address_holds_nothing_that_a_database_or_a_log_could_stumble_over(text: str) -> None:
    if is_address(text):
        assert text.isascii()
        assert text.isprintable()
        assert " " not in text


@given(st.text(max_size=300))
def test_a_tidy_name_is_one_short_line_of_visible_characters(name: str) -> None:
    tidy = tidy_name(name)
    assert len(tidy) <= 80
    assert tidy == tidy.strip()
    assert all(c == " " or c.isprintable() for c in tidy)
    assert tidy_name(tidy) == tidy
