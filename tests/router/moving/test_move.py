"""A vendor goes to another database with everything it has, and never has two homes that can be written."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Table, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError

from contracts.errors import ErrorCode
from contracts.ids import VendorId
from kit.db import Database, Scope, Tx, VendorMoved
from kit.outbox import Delivered, OutboxEvent, Relay
from router.databases import IsolationLevel, OpsDatabase, ops_metadata, vendor_fences
from router.events.models import outbox
from router.moving import copying, service
from router.moving.models import vendor_moves
from router.moving.rows import Row, moved_tables
from router.moving.service import HalfWay, MoveRefused, Step, abandon, move
from router.orders.models import orders
from router.vendors.models import vendors
from router.vendors.service import Home
from tests.support.counter import AMINA, MAMA, Counter
from tests.support.databases import NewDatabase
from tests.support.street import BABA, Killed, Street, Watching, killing, target_of

BEFORE_THE_FENCE = (Step.BEGUN, Step.COPIED, Step.ALONE, Step.COMPARED)
BEFORE_THE_SWITCH = (*BEFORE_THE_FENCE, Step.FENCED, Step.ARRIVED)


def test_everything_goes_along_and_is_served_from_the_new_home(street: Street) -> None:
    street.trade()
    before = street.rows(street.source)
    moved = street.move()
    assert street.rows(street.target) == before
    assert moved.rows == {name: len(rows) for name, rows in before.items()}
    assert {"orders", "order_lines", "ledger_entries", "outbox", "idempotency_records", "stock_holds"} <= {
        name for name, rows in before.items() if rows
    }
    assert street.home() == street.target_home
    assert street.moves() == ["moved"]
    # The router's own memory of where Mama lives is stale: her first write finds out.
    assert street.counter.add("sugar", who=AMINA).status == 200
    assert street.held(street.target)["customers"] == len(before["customers"]) + 1
    assert street.rows(street.source) == before


def test_what_happens_between_the_copy_and_the_switch_goes_along(street: Street) -> None:
    street.trade(6)
    counter = street.counter
    unpaid = [counter.started(who=f"whatsapp:+25470000002{number}") for number in _carts(counter)]

    def business_goes_on() -> None:
        for number, started in enumerate(unpaid):
            counter.hear(started, transaction=f"ws_CO_late_{number}", receipt=f"LATE{number}")
        assert counter.remove(1, who="whatsapp:+254700000010").status == 200  # a row that is in the target already
        assert counter.add("sugar", 5, who="whatsapp:+254700000011").status == 200
        assert counter.confirm(who="whatsapp:+254700000012").status == 200
        assert counter.add("sugar", who=AMINA).status == 200

    street.move(Watching({Step.COPIED: business_goes_on}))
    assert street.rows(street.target) == street.rows(street.source)
    assert not street.writes(street.source)


def test_what_cant_be_made_good_row_by_row_is_copied_again_while_nobody_writes(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    street.trade()
    catch_up, tried = service.catch_up, count()

    def refused_once(*arguments: Any) -> Any:
        if next(tried) == 0:
            raise IntegrityError("UPDATE", None, ValueError("in the way"))
        return catch_up(*arguments)

    monkeypatch.setattr(service, "catch_up", refused_once)
    watching = Watching()
    street.move(watching)
    assert street.rows(street.target) == street.rows(street.source)
    assert watching.steps.count(Step.COPIED) == 1
    assert street.moves() == ["moved"]


def _carts(counter: Counter) -> range:
    """Three customers with a confirmed order each."""
    for number in range(3):
        counter.confirmed("sugar", who=f"whatsapp:+25470000002{number}")
    return range(3)


def test_what_is_numbered_goes_on_from_where_it_was(street: Street) -> None:
    street.trade()
    street.move()
    before = [row[0] for row in street.rows(street.target)["outbox"]]
    street.counter.confirmed("sugar", who=AMINA)
    after = [row[0] for row in street.rows(street.target)["outbox"]]
    assert after[: len(before)] == before
    assert after == sorted(set(after))
    assert len(after) > len(before)


def test_the_neighbours_stay_and_trade_on(street: Street) -> None:
    street.trade()
    street.counter.put("salt", vendor=BABA)
    street.move()
    assert street.held(street.source, BABA) == {"stock": 1}
    assert street.held(street.target, BABA) == {}
    with street.source.write(Scope(BABA)):
        pass  # nobody fenced the neighbour


def test_a_key_that_was_answered_in_the_old_home_is_replayed_in_the_new_one(street: Street) -> None:
    street.trade(1)
    first = street.counter.add("sugar", 3, who=AMINA, key="once")
    street.move()
    again = street.counter.add("sugar", 3, who=AMINA, key="once")
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    other = street.counter.add("sugar", 4, who=AMINA, key="once")
    assert other.code == ErrorCode.IDEMPOTENCY_KEY_REUSED


def test_a_stale_write_to_the_old_home_is_turned_away(street: Street) -> None:
    street.trade(1)
    street.move()
    with pytest.raises(VendorMoved), street.source.write(Scope(MAMA)) as tx:
        tx.execute(update(orders).values(cancel_reason="stale"))
    with street.source.read(Scope(MAMA)) as tx:
        assert tx.execute(select(orders.c.id).where(orders.c.cancel_reason == "stale")).all() == []


def test_events_are_delivered_from_the_new_home_alone(street: Street) -> None:
    street.trade()
    seqs = [row[0] for row in street.rows(street.source)["outbox"]]
    delivered: dict[str, list[int]] = {"source": [], "target": []}

    def carry(where: str, home: OpsDatabase) -> None:
        def deliver(event: OutboxEvent) -> Delivered:
            delivered[where].append(event.seq)
            return Delivered()

        relay = Relay(home, outbox, street.counter.clock, deliver, fences=vendor_fences)
        while relay.turn():
            pass

    street.move()
    carry("source", OpsDatabase(street.source))
    carry("target", OpsDatabase(street.target, only=MAMA))
    assert delivered["source"] == []
    assert sorted(delivered["target"]) == seqs


@pytest.mark.parametrize("step", list(Step))
def test_a_move_that_is_killed_leaves_at_most_one_home_to_write_and_is_finished_by_the_next_call(
    street: Street, step: Step
) -> None:
    street.trade()
    before = street.rows(street.source)
    with pytest.raises(Killed):
        street.move(killing(step))
    assert street.writes(street.source) == (step in BEFORE_THE_FENCE)
    assert street.home().is_shared == (step is not Step.SWITCHED)
    if step is Step.SWITCHED:
        assert street.counter.add("sugar").status == 200
        return
    asked = street.counter.add("sugar", who=AMINA)
    assert asked.status == (200 if step in BEFORE_THE_FENCE else 503)
    if asked.status == 503:
        assert "retry-after" in asked.headers

    street.move(anew=step is not Step.FENCED)
    after = street.rows(street.target)
    assert {name: rows for name, rows in after.items() if name == "ledger_entries"} == {
        "ledger_entries": before["ledger_entries"]
    }
    assert len(after["customers"]) == len(before["customers"]) + (step in BEFORE_THE_FENCE)
    assert after == street.rows(street.source)
    assert not street.writes(street.source)
    assert street.moves() == ["moved"]


@pytest.mark.parametrize("step", BEFORE_THE_SWITCH)
def test_until_the_switch_a_move_can_be_abandoned(street: Street, step: Step) -> None:
    street.trade()
    before = street.rows(street.source)
    with pytest.raises(Killed):
        street.move(killing(step))
    abandoned = abandon(MAMA, street.owners_ends, Watching())
    assert abandoned.left_behind is None
    assert street.home().is_shared
    assert street.rows(street.source) == before
    assert street.held(street.target) == {}
    assert street.counter.add("sugar", who=AMINA).status == 200
    assert street.moves() == ["abandoned"]
    # And it may be tried again, to the same place.
    street.move()
    assert street.moves() == ["abandoned", "moved"]


def test_abandoning_twice_is_as_good_as_once_and_after_the_switch_it_is_too_late(street: Street) -> None:
    with pytest.raises(MoveRefused, match="no move of this vendor"):
        abandon(MAMA, street.ends, Watching())
    with pytest.raises(Killed):
        street.move(killing(Step.COMPARED))
    abandon(MAMA, street.ends, Watching())
    abandon(MAMA, street.ends, Watching())
    street.move()
    with pytest.raises(MoveRefused, match="it has switched"):
        abandon(MAMA, street.ends, Watching())


def test_a_move_that_was_abandoned_meanwhile_does_not_switch(street: Street) -> None:
    street.trade(1)

    def somebody_else_decides() -> None:
        with street.counter.platform.write() as tx:
            tx.execute(update(vendor_moves).values(status="abandoned", finished_at=street.counter.clock.now()))

    with pytest.raises(HalfWay, match="abandoned"):
        street.move(Watching({Step.ARRIVED: somebody_else_decides}))
    assert street.home().is_shared
    assert not street.writes(street.source)
    abandon(MAMA, street.owners_ends, Watching())
    assert street.writes(street.source)
    assert street.held(street.target) == {}


def test_what_the_target_must_not_be_is_refused_and_nothing_remains_under_way(street: Street) -> None:
    street.trade(1)
    itself = Home(IsolationLevel.DEDICATED_DB, target_of(street.source))

    def open_source(vendor_id: VendorId, home: Home) -> Database:
        return street.open(street.source)

    ends = replace(street.ends, open=open_source)
    with pytest.raises(MoveRefused, match="the very database"):
        move(MAMA, itself, ends, Watching())
    with street.target.write(Scope(MAMA)) as tx:
        row = {"vendor_id": MAMA, "item_id": "x", "on_hand": 1}
        tx.execute(insert(ops_metadata.tables["stock"]).values(row))
    with pytest.raises(MoveRefused, match="holds rows of this vendor already"):
        street.move()
    assert street.writes(street.source)
    assert street.moves() == ["abandoned", "abandoned"]


def test_a_vendor_that_is_not_there_or_there_already_is_not_moved(street: Street) -> None:
    with pytest.raises(MoveRefused, match="no vendor"):
        move(VendorId("vendor-nobody"), street.target_home, street.ends, Watching())
    with pytest.raises(MoveRefused, match="say where to"):
        street.move(anew=False)
    street.move()
    with pytest.raises(MoveRefused, match="lives there already"):
        street.move()


def test_while_a_move_is_under_way_no_other_target_is_taken(street: Street) -> None:
    with pytest.raises(Killed):
        street.move(killing(Step.FENCED))
    elsewhere = Home(IsolationLevel.DEDICATED_DB, {"type": "sqlite", "database": "elsewhere.sqlite"})
    with pytest.raises(MoveRefused, match="another target is under way"):
        move(MAMA, elsewhere, street.ends, Watching())
    street.move(anew=False)
    assert street.home() == street.target_home


def test_a_location_that_was_changed_by_hand_is_never_overwritten(street: Street) -> None:
    by_hand = {"type": "sqlite", "database": "by-hand.sqlite"}

    def change() -> None:
        with street.counter.platform.write() as tx:
            where = update(vendors).where(vendors.c.id == MAMA)
            tx.execute(where.values(isolation_level="dedicated_db", db_target=by_hand))

    with pytest.raises(HalfWay, match="by hand"):
        street.move(Watching({Step.ARRIVED: change}))
    assert street.home().target == by_hand


def test_a_row_that_is_lost_on_the_way_is_noticed_before_anything_is_switched(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    street.trade()
    put = copying.put

    def lossy(tx: Tx, table: Table, rows: list[Row]) -> None:
        put(tx, table, rows[:-1] if table.name == "ledger_entries" else rows)

    monkeypatch.setattr(copying, "put", lossy)
    with pytest.raises(MoveRefused, match="ledger_entries differs"):
        street.move()
    assert street.writes(street.source)
    assert street.held(street.target) == {}


def test_a_vendor_can_go_on_to_a_third_database(street: Street, new_database: NewDatabase) -> None:
    street.trade()
    before = street.rows(street.source)
    street.move()
    third = new_database("ops")
    home = Home(IsolationLevel.DEDICATED_DB, target_of(third))

    def open_any(vendor_id: VendorId, where: Home) -> Database:
        return street.open(third if where == home else street.target)

    move(MAMA, home, replace(street.ends, open=open_any), Watching())
    assert street.rows(third) == before
    assert street.counter.add("sugar", who=AMINA).status == 200
    assert street.held(third)["customers"] == len(before["customers"]) + 1


def test_every_table_of_an_ops_database_is_moved(street: Street) -> None:
    known = {table.name for table in moved_tables()} | {"vendor_fences", "alembic_version"}
    assert set(inspect(street.source.engine).get_table_names()) == known
