"""Amounts on the wire: what can be read exactly is read, and all of it comes back."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.money import Currency, Money
from payment_adapter.providers.amounts import decimal_of, minor_of
from payment_adapter.providers.wire import read_object, write_object


@pytest.mark.parametrize(
    ("value", "minor"),
    [
        (1, 100),
        ("1", 100),
        (Decimal("1.0"), 100),
        (Decimal("150.5"), 15_050),
        ("150.50", 15_050),
        (Decimal("0.01"), 1),
        ("1E+2", 10_000),
        ("999999999999.99", 99_999_999_999_999),
    ],
)
def test_an_amount_is_read_exactly(value: object, minor: int) -> None:
    assert minor_of(value, Currency.AOA) == minor


@pytest.mark.parametrize(
    "value",
    [
        *(
            None,
            True,
            "",
            "much",
            "1,000.00",
            "NaN",
            "Infinity",
            0,
            -1,
            "0.001",
            Decimal("1.005"),
            "1" * 21,
            "1E+999999",
        ),
        {},
        [],
        10**14,
    ],
)
def test_what_is_no_amount_is_none(value: object) -> None:
    assert minor_of(value, Currency.AOA) is None


@settings(deadline=None)
@given(st.integers(min_value=1, max_value=10**12))
def test_an_amount_survives_the_wire(minor: int) -> None:
    written = write_object({"amount": decimal_of(Money(minor, Currency.AOA))})
    assert json.loads(written) is not None
    content = read_object(written)
    assert content is not None
    assert minor_of(content["amount"], Currency.AOA) == minor


def test_json_is_written_as_json_whatever_it_holds() -> None:
    content = {"a": None, "b": {"c": True, "ç": "“x”\n"}, "d": Decimal("1E+3"), "e": [1, "2"]}
    assert json.loads(write_object(content)) == {**content, "d": 1000}
