"""Money is exact, refuses to mix, and never becomes a float."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.money import Currency, CurrencyMismatch, Money

minors = st.integers(min_value=-(10**12), max_value=10**12)


@given(minors, minors)
def test_adding_then_subtracting_gives_back_the_same_amount(a: int, b: int) -> None:
    first, second = Money(a, Currency.KES), Money(b, Currency.KES)
    assert first + second - second == first


@given(st.integers(min_value=0, max_value=10**9), st.integers(min_value=0, max_value=999))
def test_a_price_times_a_quantity_is_the_sum_of_that_many_prices(price: int, quantity: int) -> None:
    assert Money(price, Currency.AOA).times(quantity).minor == sum([price] * quantity)


def test_two_currencies_do_not_add() -> None:
    with pytest.raises(CurrencyMismatch):
        _ = Money(1, Currency.KES) + Money(1, Currency.AOA)


@pytest.mark.parametrize("minor", [1.0, "1", True, None])
def test_only_an_int_is_an_amount(minor: object) -> None:
    with pytest.raises(TypeError):
        Money(minor, Currency.KES)  # pyright: ignore[reportArgumentType]


def test_thirty_whole_shillings_are_three_thousand_cents() -> None:
    assert Money.of_whole(30, Currency.KES) == Money(3000, Currency.KES)
    assert Money(3000, Currency.KES).whole == 30


def test_cents_are_not_silently_dropped() -> None:
    assert not Money(3050, Currency.KES).is_whole
    with pytest.raises(ValueError, match="not a whole amount"):
        _ = Money(3050, Currency.KES).whole
