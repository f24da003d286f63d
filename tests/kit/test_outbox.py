"""Events leave after their commit, in order within an aggregate, at least once, whatever dies on the way."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel
from sqlalchemy import MetaData, select

from kit.clock import FixedClock
from kit.db import Database
from kit.outbox import LEASE, Delivered, Delivery, OutboxEvent, Park, Relay, Retry, enqueue, outbox_table
from tests.support.databases import NewDatabase

METADATA = MetaData()
OUTBOX = outbox_table(METADATA, "news")


class Body(BaseModel):
    text: str = "hello"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 21, 9, 0, tzinfo=UTC))


@pytest.fixture
def db(new_database: NewDatabase) -> Database:
    db = new_database("platform")
    with db.write() as tx:
        METADATA.create_all(tx.conn)
    return db


def announce(db: Database, clock: FixedClock, event_id: str, aggregate: str = "order:1") -> bool:
    with db.write() as tx:
        return enqueue(
            tx,
            OUTBOX,
            event_id=event_id,
            vendor_id="shop",
            aggregate=aggregate,
            type="order.paid",
            body=Body(),
            now=clock.now(),
        )


class Listener:
    def __init__(self, *answers: Delivery) -> None:
        self.heard: list[str] = []
        self.answers = list(answers)

    def __call__(self, event: OutboxEvent) -> Delivery:
        self.heard.append(event.event_id)
        return self.answers.pop(0) if self.answers else Delivered()


def drain(db: Database, clock: FixedClock, listener: Callable[[OutboxEvent], Delivery]) -> None:
    relay = Relay(db, OUTBOX, clock, listener)
    while relay.turn():
        pass


def status_of(db: Database, event_id: str) -> str:
    with db.read() as tx:
        return tx.execute(select(OUTBOX.c.status).where(OUTBOX.c.event_id == event_id)).scalar_one()


def test_an_event_announced_twice_is_one_event(db: Database, clock: FixedClock) -> None:
    assert announce(db, clock, "e1")
    assert not announce(db, clock, "e1")
    listener = Listener()
    drain(db, clock, listener)
    assert listener.heard == ["e1"]


def test_an_event_of_a_rolled_back_transaction_is_never_heard(db: Database, clock: FixedClock) -> None:
    woken: list[int] = []
    with pytest.raises(RuntimeError), db.write() as tx:  # noqa: PT012
        enqueue(
            tx,
            OUTBOX,
            event_id="e1",
            vendor_id="shop",
            aggregate="a",
            type="t",
            body=Body(),
            now=clock.now(),
            wake=lambda: woken.append(1),
        )
        raise RuntimeError
    listener = Listener()
    drain(db, clock, listener)
    assert listener.heard == []
    assert woken == []


def test_a_refused_event_is_tried_again_later_and_holds_back_its_own_aggregate_only(
    db: Database, clock: FixedClock
) -> None:
    for event_id, aggregate in (("a1", "a"), ("a2", "a"), ("b1", "b")):
        announce(db, clock, event_id, aggregate)
    listener = Listener(Retry("down"))
    drain(db, clock, listener)
    assert listener.heard == ["a1", "b1"]
    clock.advance(timedelta(seconds=1))
    drain(db, clock, listener)
    assert listener.heard == ["a1", "b1", "a1", "a2"]


def test_a_parked_event_stays_visible_and_keeps_the_later_ones_waiting(db: Database, clock: FixedClock) -> None:
    announce(db, clock, "a1", "a")
    announce(db, clock, "a2", "a")
    listener = Listener(Park("no such thing"))
    drain(db, clock, listener)
    clock.advance(timedelta(days=1))
    drain(db, clock, listener)
    assert listener.heard == ["a1"]
    assert status_of(db, "a1") == "parked"


def test_a_relay_that_dies_after_delivering_delivers_again_with_the_same_id(db: Database, clock: FixedClock) -> None:
    announce(db, clock, "e1")

    class Killed(BaseException):
        pass

    heard: list[str] = []

    def deliver_and_die(event: OutboxEvent) -> Delivery:
        heard.append(event.event_id)
        raise Killed

    with pytest.raises(Killed):
        Relay(db, OUTBOX, clock, deliver_and_die).turn()
    listener = Listener()
    drain(db, clock, listener)
    assert listener.heard == []  # still leased by the dead one
    clock.advance(LEASE + timedelta(seconds=1))
    drain(db, clock, listener)
    assert heard + listener.heard == ["e1", "e1"]
    assert status_of(db, "e1") == "delivered"


def test_a_listener_that_raises_is_tried_again(db: Database, clock: FixedClock) -> None:
    announce(db, clock, "e1")

    def broken(_event: OutboxEvent) -> Delivery:
        raise ConnectionError

    drain(db, clock, broken)
    assert status_of(db, "e1") == "pending"
    clock.advance(timedelta(seconds=2))
    drain(db, clock, Listener())
    assert status_of(db, "e1") == "delivered"


def test_a_relay_whose_lease_was_taken_over_does_not_record_its_outcome(db: Database, clock: FixedClock) -> None:
    announce(db, clock, "e1")
    other = Listener(Park("decided by the other"))

    def slow(_event: OutboxEvent) -> Delivery:
        clock.advance(LEASE + timedelta(seconds=1))
        drain(db, clock, other)
        return Delivered()

    Relay(db, OUTBOX, clock, slow).turn()
    assert status_of(db, "e1") == "parked"


def test_several_relays_at_once_deliver_each_event_once_and_in_order(db: Database, clock: FixedClock) -> None:
    for n in range(60):
        announce(db, clock, f"e{n:02}", f"aggregate-{n % 6}")
    listener = Listener()
    threads = [threading.Thread(target=drain, args=(db, clock, listener)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    drain(db, clock, listener)
    assert sorted(listener.heard) == [f"e{n:02}" for n in range(60)]
    for aggregate in range(6):
        order = [event for event in listener.heard if int(event[1:]) % 6 == aggregate]
        assert order == sorted(order)
