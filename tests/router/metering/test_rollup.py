"""Totals are the sum of the records at any moment: before a sweep, after it, during it, and after a rebuild."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, text, update
from sqlalchemy.exc import DBAPIError, OperationalError

from contracts.ids import VendorId
from kit.problems import Problem
from router.databases import vendor_fences
from router.metering.models import platform_usage_totals, usage_totals
from router.metering.rollup import Correction, Rollup, copied_totals
from router.metering.service import Calendar, Metered, Thing, count, count_all
from tests.support.counter import MAMA
from tests.support.databases import NewDatabase, as_owner
from tests.support.usage import NOVEMBER, Usage

NAIROBI = Calendar("Africa/Nairobi")
BARAKA = VendorId("vendor-baraka")


def use(usage: Usage, *subjects: str, meter: Metered = Metered.ORDERS, vendor: VendorId = MAMA) -> None:
    with usage.counter.of(vendor).write() as tx:
        things = [Thing(subject, usage.counter.clock.now()) for subject in subjects]
        count_all(tx, meter, vendor, NAIROBI, things)


def test_a_sweep_moves_what_was_counted_into_totals_and_changes_no_sum(usage: Usage) -> None:
    use(usage, "a", "b", "c")
    use(usage, "SM1", meter=Metered.MESSAGES)
    assert (usage.totals(), usage.tail(), usage.rolled()) == ({"orders": 3, "messages": 1}, 4, {})
    usage.sweep()
    assert (usage.totals(), usage.tail()) == ({"orders": 3, "messages": 1}, 0)
    use(usage, "c", "d")
    assert (usage.totals(), usage.tail()) == ({"orders": 4, "messages": 1}, 1)
    usage.sweep()
    usage.sweep()
    assert usage.rolled() == usage.copied() == {(NOVEMBER, "orders"): 4, (NOVEMBER, "messages"): 1}
    assert usage.totals() == usage.summed()


def test_every_window_and_every_shop_has_its_own_total(usage: Usage) -> None:
    usage.counter.open_shop(BARAKA, "Baraka Kitchen")
    use(usage, "a")
    use(usage, "a", "b", vendor=BARAKA)
    usage.counter.clock.advance(timedelta(days=31))
    use(usage, "c")
    usage.sweep()
    assert usage.rolled() == usage.copied() == {(NOVEMBER, "orders"): 1, ("2026-12", "orders"): 1}
    assert usage.rolled(BARAKA) == usage.copied(BARAKA) == {(NOVEMBER, "orders"): 2}


def test_a_long_tail_is_added_in_batches_and_many_shops_page_by_page(usage: Usage) -> None:
    shops = [usage.counter.open_shop(f"vendor-{n}", f"Shop {n}") for n in range(5)]
    for shop in shops:
        use(usage, *(f"order-{n}" for n in range(7)), vendor=shop)
    small = Rollup(usage.counter.databases, usage.counter.clock, vendors_a_turn=2, records_a_turn=3)
    turns = 1
    while small.turn():
        turns += 1
    assert turns > 5
    assert usage.tail() == 0
    assert [usage.copied(shop) for shop in shops] == [{(NOVEMBER, "orders"): 7}] * 5


def test_sweeps_at_once_with_orders_at_once_add_everything_once(usage: Usage) -> None:
    done = threading.Event()

    def sweep() -> None:
        rollup = Rollup(usage.counter.databases, usage.counter.clock, records_a_turn=5)
        while not done.wait(0.003):
            rollup.turn()

    def sell(seller: int) -> None:
        for number in range(25):
            use(usage, f"order-{number}", f"order-{seller}-{number}")

    with ThreadPoolExecutor(6) as pool:
        sweeping = [pool.submit(sweep) for _ in range(2)]
        for selling in [pool.submit(sell, seller) for seller in range(4)]:
            selling.result(timeout=60)
        done.set()
        for each in sweeping:
            each.result(timeout=60)
    assert usage.totals() == usage.summed() == {"orders": 125}
    usage.sweep()
    assert (usage.rolled(), usage.tail()) == ({(NOVEMBER, "orders"): 125}, 0)
    assert usage.copied() == usage.rolled()


def test_a_sweep_that_is_cut_off_adds_nothing_and_the_next_adds_all(usage: Usage) -> None:
    use(usage, "a", "b")

    def cut(*args: object) -> None:
        if "INSERT INTO usage_totals" in str(args[2]):
            raise RuntimeError("killed")

    engine = usage.counter.db.engine
    event.listen(engine, "before_cursor_execute", cut)
    usage.sweep()
    event.remove(engine, "before_cursor_execute", cut)
    assert (usage.rolled(), usage.tail(), usage.totals()) == ({}, 2, {"orders": 2})
    usage.sweep()
    assert (usage.copied(), usage.tail()) == ({(NOVEMBER, "orders"): 2}, 0)


def test_while_the_platform_database_is_down_totals_grow_and_are_copied_later(usage: Usage) -> None:
    def be_down(*args: object) -> None:
        if "usage_totals" in str(args[2]):
            raise OperationalError(str(args[2]), None, Exception("down"))

    engine = usage.counter.platform.engine
    event.listen(engine, "before_cursor_execute", be_down)
    use(usage, "a", "b")
    usage.sweep()
    event.remove(engine, "before_cursor_execute", be_down)
    assert (usage.rolled(), usage.copied()) == ({(NOVEMBER, "orders"): 2}, {})
    usage.sweep()
    assert usage.copied() == {(NOVEMBER, "orders"): 2}


def test_an_old_copy_never_replaces_a_newer_one(usage: Usage) -> None:
    use(usage, "a")
    usage.sweep()
    with usage.counter.platform.write() as tx:
        tx.execute(update(platform_usage_totals).values(quantity=9, revision=9))
    use(usage, "b")
    usage.sweep()
    assert usage.copied() == {(NOVEMBER, "orders"): 9}


def test_a_shop_that_fails_holds_back_no_other(usage: Usage) -> None:
    usage.counter.open_shop(BARAKA, "Baraka Kitchen")
    use(usage, "a", vendor=BARAKA)
    use(usage, "a")

    def fail(*args: object) -> None:
        if "INSERT INTO usage_totals" in str(args[2]) and BARAKA in str(args[3]):
            raise RuntimeError("a mistake")

    engine = usage.counter.db.engine
    event.listen(engine, "before_cursor_execute", fail)
    usage.sweep()
    event.remove(engine, "before_cursor_execute", fail)
    assert (usage.copied(BARAKA), usage.copied()) == ({}, {(NOVEMBER, "orders"): 1})
    usage.sweep()
    assert usage.copied(BARAKA) == {(NOVEMBER, "orders"): 1}


def test_what_a_shop_that_moved_left_behind_stays_as_it_is(usage: Usage) -> None:
    use(usage, "a")
    with usage.counter.ops.write() as tx:
        tx.execute(
            vendor_fences.insert().values(vendor_id=MAMA, state="moved", since=usage.counter.clock.now(), note=None)
        )
    usage.sweep()
    assert (usage.rolled(), usage.tail()) == ({}, 1)


def test_a_rebuild_puts_right_whatever_the_totals_say(usage: Usage) -> None:
    use(usage, "a", "b")
    use(usage, "SM1", "SM2", "SM3", meter=Metered.MESSAGES)
    use(usage, "intent", meter=Metered.PAYMENT_INTENTS)
    usage.sweep()
    use(usage, "c")
    with as_owner(usage.counter.db) as tx:
        tx.execute(update(usage_totals).where(usage_totals.c.meter == "orders").values(quantity=70))
        tx.execute(delete(usage_totals).where(usage_totals.c.meter == "messages"))
    assert usage.rollup.rebuild(MAMA) == [
        Correction(NOVEMBER, "messages", was=0, is_now=3),
        Correction(NOVEMBER, "orders", was=70, is_now=2),
    ]
    assert usage.totals() == usage.summed() == {"orders": 3, "messages": 3, "payment_intents": 1}
    assert usage.rollup.rebuild(MAMA) == []
    usage.sweep()
    assert usage.copied() == {(NOVEMBER, meter): quantity for meter, quantity in usage.summed().items()}


def test_after_a_rebuild_lost_copies_are_there_again(usage: Usage) -> None:
    use(usage, "a", "b")
    usage.sweep()
    with usage.counter.platform.write() as tx:
        tx.execute(delete(platform_usage_totals))
    usage.sweep()
    assert usage.copied() == {}  # nobody has told the sweep
    usage.rollup.rebuild(MAMA)
    usage.sweep()
    assert usage.copied() == {(NOVEMBER, "orders"): 2}


def test_a_rebuild_beside_orders_and_sweeps_loses_and_adds_nothing(usage: Usage) -> None:
    use(usage, "first")
    usage.sweep()
    done = threading.Event()

    def sweep() -> None:
        while not done.wait(0.003):
            usage.rollup.turn()

    def rebuild() -> None:
        while not done.wait(0.003):
            try:
                assert Rollup(usage.counter.databases, usage.counter.clock).rebuild(MAMA) == []
            except Problem as problem:
                assert problem.status == 503  # it gave up between sweeps  # noqa: PT017

    with ThreadPoolExecutor(4) as pool:
        beside = [pool.submit(sweep), pool.submit(rebuild)]
        for number in range(60):
            use(usage, f"order-{number}")
        done.set()
        for each in beside:
            each.result(timeout=60)
    usage.sweep()
    assert usage.rolled() == {(NOVEMBER, "orders"): 61}
    assert usage.rollup.rebuild(MAMA) == []


def test_an_operator_sees_the_totals_of_all_shops_without_opening_their_databases(usage: Usage) -> None:
    usage.counter.open_shop(BARAKA, "Baraka Kitchen")
    use(usage, "a", "b")
    use(usage, "a", vendor=BARAKA)
    usage.sweep()
    with usage.counter.platform.read() as tx:
        seen = [
            (total.vendor_id, total.window_id, total.meter, total.quantity) for total in copied_totals(tx, [NOVEMBER])
        ]
        of_one = copied_totals(tx, [NOVEMBER, "2026-10"], vendor_id=MAMA)
        assert copied_totals(tx, ["2026-10"]) == []
    assert seen == [(BARAKA, NOVEMBER, "orders", 1), (MAMA, NOVEMBER, "orders", 2)]
    assert [total.quantity for total in of_one] == [2]
    assert of_one[0].as_of == usage.counter.clock.now()


def test_the_sweep_looks_across_shops_in_no_more_than_its_role_may_see(usage: Usage) -> None:
    if not usage.counter.db.is_postgres:
        return  # SQLite knows no roles
    use(usage, "a")
    with pytest.raises(DBAPIError, match="permission denied"), usage.counter.databases.shared.across() as tx:
        tx.execute(text("SELECT quantity FROM usage_tail"))


steps = st.lists(
    st.one_of(
        st.tuples(st.just("count"), st.sampled_from("abcdefgh"), st.integers(0, 70)),
        st.tuples(st.just("again"), st.sampled_from("abcdefgh"), st.integers(0, 70)),
        st.tuples(st.just("sweep"), st.just(""), st.just(0)),
        st.tuples(st.just("rebuild"), st.just(""), st.just(0)),
    ),
    max_size=25,
)


@given(steps)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_in_whatever_order_the_totals_are_the_sum_of_the_records(
    quick_usage: Usage, todo: list[tuple[str, str, int]]
) -> None:
    usage, now = quick_usage, quick_usage.counter.clock.now()
    small = Rollup(usage.counter.databases, usage.counter.clock, records_a_turn=2)
    for what, subject, days in todo:
        match what:
            case "sweep":
                small.turn()
            case "rebuild":
                assert small.rebuild(MAMA) == []
            case _:
                with usage.counter.ops.write() as tx:
                    count(tx, Metered.ORDERS, MAMA, subject, NAIROBI, now - timedelta(days=days))
    for window in ("2026-09", "2026-10", NOVEMBER):
        assert usage.totals(window) == usage.summed(window)


def test_totals_of_both_databases_are_made_by_their_migrations(new_database: NewDatabase) -> None:
    for lineage in ("platform", "ops"):
        with as_owner(new_database(lineage)) as tx:
            assert tx.execute(text("SELECT count(*) FROM usage_totals")).scalar_one() == 0
