"""Who waits for whom on PostgreSQL: a cart for its customer, an order for whoever is changing it. And the last guard: a
status changes only from what it was read as."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from contracts.ids import OrderId
from contracts.router_api import CustomerRef, PayResult
from contracts.states import PaymentEventStatus
from kit.db import Tx
from router.customers.service import locked_customer
from router.orders.holds import HoldSweep
from router.orders.models import orders
from router.orders.rules import OrderEvent
from router.orders.service import OrderRefused, lock, move, order_of
from tests.support.counter import AMINA, HOLD, MAMA, Counter

WITHIN_S = 20.0

# SQLite has one writer, for whom everybody waits: there is nothing to see there.
on_postgres = pytest.mark.parametrize("new_database", ["postgres"], indirect=True)


def somebody_waits(counter: Counter) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with counter.ops.read() as tx:
        return tx.execute(text(waiting)).scalar_one() > 0


def waits_for(counter: Counter, held: Callable[[Tx], object], call: Callable[[], object]) -> bool:
    """Whether `call`, made while another transaction has done `held`, does not end before that one ends."""
    with ThreadPoolExecutor(1) as pool:
        with counter.ops.write() as tx:
            held(tx)
            pending: Future[object] = pool.submit(call)
            deadline = time.monotonic() + WITHIN_S
            while not pending.done() and not somebody_waits(counter):
                assert time.monotonic() < deadline, "it neither ended nor waited"
                time.sleep(0.01)
            has_waited = not pending.done()
        pending.result(timeout=WITHIN_S)
    return has_waited


def sweep(counter: Counter) -> None:
    HoldSweep(counter.databases, counter.directory, counter.clock).turn()


COMMANDS: dict[str, Callable[[Counter], object]] = {
    "add": lambda counter: counter.add("milk"),
    "remove": lambda counter: counter.remove(1),
    "confirm": lambda counter: counter.confirm(),
    "cancel": lambda counter: counter.cancel(),
    "pay": lambda counter: counter.pay(),
}


@on_postgres
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_waits_for_its_customer(counter: Counter, command: str) -> None:
    counter.put("milk")
    counter.confirmed("milk")
    counter.add("milk")
    ref = CustomerRef(address=AMINA)

    def hold(tx: Tx) -> None:
        locked_customer(tx, MAMA, ref, counter.clock.now())

    assert waits_for(counter, hold, lambda: COMMANDS[command](counter))


@on_postgres
@pytest.mark.parametrize("what", ["pay", "cancel", "paid", "failed", "sweep"])
def test_whoever_changes_a_confirmed_order_waits_for_its_row(counter: Counter, what: str) -> None:
    counter.put("milk")
    order = counter.confirmed("milk")
    started: PayResult | None = counter.started() if what in ("paid", "failed") else None
    if what == "sweep":
        counter.clock.advance(HOLD)

    def call() -> object:
        if started is not None:
            return counter.hear(started, PaymentEventStatus(what))
        return sweep(counter) if what == "sweep" else COMMANDS[what](counter)

    assert waits_for(counter, lambda tx: lock(tx, MAMA, OrderId(order.order_id)), call)


@on_postgres
def test_another_customer_does_not_wait(counter: Counter) -> None:
    counter.put("milk")
    counter.confirmed("milk")
    ref = CustomerRef(address=AMINA)

    def hold(tx: Tx) -> None:
        locked_customer(tx, MAMA, ref, counter.clock.now())

    other = "whatsapp:+254700000001"
    assert not waits_for(counter, hold, lambda: counter.confirmed("milk", who=other))


@pytest.mark.parametrize("event", [OrderEvent.PAY, OrderEvent.CANCEL])
def test_a_status_changes_only_from_what_it_was_read_as(counter: Counter, event: OrderEvent) -> None:
    counter.put("milk")
    order_id = OrderId(counter.confirmed("milk").order_id)
    with counter.ops.read() as tx:
        as_read = order_of(tx, MAMA, order_id)
    counter.clock.advance(timedelta(minutes=1))
    counter.cancel()
    before = counter.rows(orders)
    with pytest.raises(OrderRefused), counter.ops.write() as tx:
        move(tx, as_read, event, counter.clock.now())
    assert counter.rows(orders) == before
