"""Counting and holding: all or nothing, sold or given back exactly once."""

from datetime import timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from contracts.ids import ItemId, OrderId
from router.databases import ShopDatabase
from router.stock import service as stock
from router.stock.models import stock as shelf_table
from router.stock.models import stock_holds
from tests.support.clock import NOON
from tests.support.counter import MAMA
from tests.support.databases import NewDatabase

MILK, EGGS = ItemId("milk"), ItemId("eggs")
ORDER = OrderId("order-1")
LATER = NOON + timedelta(minutes=30)


@pytest.fixture
def ops(new_database: NewDatabase) -> ShopDatabase:
    database = ShopDatabase(new_database("ops"), MAMA)
    with database.write() as tx:
        stock.put_on_shelf(tx, MAMA, MILK, 5)
        stock.put_on_shelf(tx, MAMA, EGGS, 1)
    return database


def left(ops: ShopDatabase) -> dict[ItemId, int]:
    with ops.read() as tx:
        return stock.available(tx, MAMA, [MILK, EGGS, ItemId("nothing")])


def test_what_is_held_is_no_longer_available(ops: ShopDatabase) -> None:
    with ops.write() as tx:
        assert stock.hold(tx, MAMA, ORDER, {MILK: 2, EGGS: 1}, LATER) == stock.Held()
    assert left(ops) == {MILK: 3, EGGS: 0}


def test_a_basket_is_held_whole_or_not_at_all(ops: ShopDatabase) -> None:
    with ops.write() as tx:
        assert stock.hold(tx, MAMA, ORDER, {MILK: 2, EGGS: 2}, LATER) == stock.SoldOut(EGGS, 1)
        assert stock.hold(tx, MAMA, ORDER, {EGGS: 1, MILK: 6}, LATER) == stock.SoldOut(MILK, 5)
    assert left(ops) == {MILK: 5, EGGS: 1}
    with ops.read() as tx:
        assert tx.execute(stock_holds.select()).all() == []


def test_an_item_that_is_not_counted_cannot_be_held(ops: ShopDatabase) -> None:
    with ops.write() as tx:
        assert stock.hold(tx, MAMA, ORDER, {ItemId("nothing"): 1}, LATER) == stock.SoldOut(ItemId("nothing"), 0)


def test_what_is_sold_leaves_the_shelf_once(ops: ShopDatabase) -> None:
    with ops.write() as tx:
        stock.hold(tx, MAMA, ORDER, {MILK: 2}, LATER)
        stock.sell(tx, MAMA, ORDER, NOON)
        stock.sell(tx, MAMA, ORDER, NOON)
        assert stock.release(tx, MAMA, ORDER, NOON) is False
    assert left(ops)[MILK] == 3


def test_what_is_given_back_is_given_back_once(ops: ShopDatabase) -> None:
    with ops.write() as tx:
        stock.hold(tx, MAMA, ORDER, {MILK: 2}, LATER)
        assert stock.release(tx, MAMA, ORDER, NOON) is True
        assert stock.release(tx, MAMA, ORDER, NOON) is False
        stock.sell(tx, MAMA, ORDER, NOON)
    assert left(ops)[MILK] == 5


def test_holding_again_takes_what_the_order_held_last(ops: ShopDatabase) -> None:
    with ops.write() as tx:
        stock.hold(tx, MAMA, ORDER, {MILK: 2, EGGS: 1}, LATER)
        assert stock.hold_again(tx, MAMA, ORDER, LATER) == stock.Held()
    assert left(ops) == {MILK: 3, EGGS: 0}  # it was held still: nothing more was taken
    with ops.write() as tx:
        stock.release(tx, MAMA, ORDER, NOON)
        assert stock.hold_again(tx, MAMA, ORDER, LATER) == stock.Held()
    assert left(ops) == {MILK: 3, EGGS: 0}


def test_holding_again_what_another_took_holds_nothing(ops: ShopDatabase) -> None:
    with ops.write() as tx:
        stock.hold(tx, MAMA, ORDER, {MILK: 2, EGGS: 1}, LATER)
        stock.release(tx, MAMA, ORDER, NOON)
        stock.hold(tx, MAMA, OrderId("order-2"), {EGGS: 1}, LATER)
        assert stock.hold_again(tx, MAMA, ORDER, LATER) == stock.SoldOut(EGGS, 0)
    assert left(ops) == {MILK: 5, EGGS: 0}


def test_an_order_that_never_held_anything_holds_nothing_again(ops: ShopDatabase) -> None:
    with ops.write() as tx:
        assert stock.hold_again(tx, MAMA, ORDER, LATER) == stock.Held()
        assert stock.held_until(tx, MAMA, [ORDER]) == {}


def test_extending_never_shortens(ops: ShopDatabase) -> None:
    with ops.write() as tx:
        stock.hold(tx, MAMA, ORDER, {MILK: 1}, LATER)
        stock.extend(tx, MAMA, ORDER, NOON)
        assert stock.held_until(tx, MAMA, [ORDER]) == {ORDER: LATER}
        stock.extend(tx, MAMA, ORDER, LATER + timedelta(minutes=5))
        assert stock.held_until(tx, MAMA, [ORDER]) == {ORDER: LATER + timedelta(minutes=5)}


def test_due_are_overdue_holds_the_oldest_first_and_so_many(ops: ShopDatabase) -> None:
    with ops.write() as tx:
        for number, minutes in ((1, 3), (2, 1), (3, 2), (4, 9)):
            stock.hold(tx, MAMA, OrderId(f"o{number}"), {MILK: 1}, NOON + timedelta(minutes=minutes))
        assert stock.due(tx, NOON, 10) == []
        due = [hold.order_id for hold in stock.due(tx, NOON + timedelta(minutes=3), 10)]
        assert due == ["o2", "o3", "o1"]
        assert len(stock.due(tx, NOON + timedelta(minutes=3), 2)) == 2
        stock.release(tx, MAMA, OrderId("o2"), NOON)
        assert [hold.order_id for hold in stock.due(tx, NOON + timedelta(minutes=3), 10)] == ["o3", "o1"]


@pytest.mark.parametrize(("on_hand", "reserved"), [(-1, 0), (1, 2), (1, -1)])
def test_the_table_refuses_counts_that_cannot_be(ops: ShopDatabase, on_hand: int, reserved: int) -> None:
    row = {"vendor_id": MAMA, "item_id": "odd", "on_hand": on_hand, "reserved": reserved}
    with pytest.raises(IntegrityError), ops.write() as tx:
        tx.execute(insert(shelf_table).values(row))


def test_counting_an_item_that_is_counted_changes_nothing(ops: ShopDatabase) -> None:
    with ops.write() as tx:
        assert stock.put_on_shelf(tx, MAMA, MILK, 500) is False
    assert left(ops)[MILK] == 5
