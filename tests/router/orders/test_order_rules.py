"""The order state machine, walked pair by pair, and the arithmetic of an order."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import ItemId
from contracts.money import Currency, Money
from contracts.router_api import MAX_QUANTITY
from contracts.states import OrderStatus
from router.orders.rules import (
    NEXT,
    Line,
    Moved,
    OrderEvent,
    Refused,
    demand_of,
    is_quantity,
    normalized_code,
    transition,
)
from router.orders.terms import sum_of

# As the design's table has it, written out anew: a slip in the code's table shows here.
ALLOWED = {
    ("DRAFT", "addItem"): "DRAFT",
    ("DRAFT", "removeItem"): "DRAFT",
    ("DRAFT", "confirm"): "CONFIRMED",
    ("DRAFT", "cancel"): "CANCELLED",
    ("CONFIRMED", "pay"): "PAID",
    ("CONFIRMED", "cancel"): "CANCELLED",
}
PAIRS = list(product(OrderStatus, OrderEvent))

_lines = st.lists(
    st.builds(
        Line,
        line_no=st.integers(1, 50),
        item_id=st.none() | st.sampled_from([ItemId("a"), ItemId("b"), ItemId("c")]),
        name=st.just("thing"),
        unit_price=st.integers(1, 10**9).map(lambda minor: Money(minor, Currency.KES)),
        quantity=st.integers(1, MAX_QUANTITY),
    ),
    max_size=8,
)


@pytest.mark.parametrize(("status", "event"), [pair for pair in PAIRS if pair in ALLOWED])
def test_an_allowed_event_leads_where_the_design_says(status: OrderStatus, event: OrderEvent) -> None:
    assert transition(status, event) == Moved(OrderStatus(ALLOWED[status, event]))


@pytest.mark.parametrize(("status", "event"), [pair for pair in PAIRS if pair not in ALLOWED])
def test_every_other_pair_is_refused(status: OrderStatus, event: OrderEvent) -> None:
    assert transition(status, event) == Refused(status, event)


def test_the_table_holds_exactly_the_design_s_pairs() -> None:
    assert {(str(status), str(event)): str(after) for (status, event), after in NEXT.items()} == ALLOWED


@pytest.mark.parametrize("status", [OrderStatus.PAID, OrderStatus.CANCELLED])
def test_nothing_follows_an_end(status: OrderStatus) -> None:
    assert not [event for event in OrderEvent if (status, event) in NEXT]


@given(_lines)
def test_a_total_is_the_sum_of_its_lines_to_the_cent(lines: list[Line]) -> None:
    expected = sum(line.unit_price.minor * line.quantity for line in lines)
    assert sum_of(lines, Currency.KES).total == Money(expected, Currency.KES)


@given(_lines)
def test_demand_counts_every_item_once_however_many_lines_it_has(lines: list[Line]) -> None:
    demand = demand_of(lines)
    assert sum(demand.values()) == sum(line.quantity for line in lines if line.item_id is not None)
    assert set(demand) == {line.item_id for line in lines} - {None}


@pytest.mark.parametrize(("quantity", "fits"), [(0, False), (1, True), (999, True), (1000, False), (-1, False)])
def test_a_quantity_is_from_1_to_999(quantity: int, fits: bool) -> None:
    assert is_quantity(quantity) is fits


@pytest.mark.parametrize("typed", ["XW973D", "xw973d", " #xw973d ", "xw9 73d"])
def test_a_code_is_understood_however_it_is_typed(typed: str) -> None:
    assert normalized_code(typed) == "XW973D"
