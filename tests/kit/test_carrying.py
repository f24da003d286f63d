"""What a carrier takes from a commit is delivered at once; what it leaves, or loses, the relay delivers."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from pydantic import BaseModel
from sqlalchemy import MetaData, select

from kit import carrying
from kit.announcements import Announcement, enqueue_all
from kit.carrying import LEASE, Carrier
from kit.clock import FixedClock
from kit.db import Database
from kit.outbox import Delivered, Delivery, OutboxEvent, Park, Relay, Retry, enqueue, outbox_table
from tests.support.databases import NewDatabase

METADATA = MetaData()
OUTBOX = outbox_table(METADATA, "news")


class Body(BaseModel):
    text: str = "hello"


class Listener:
    def __init__(self, *answers: Delivery) -> None:
        self.heard: list[str] = []
        self.answers = list(answers)

    def __call__(self, event: OutboxEvent) -> Delivery:
        assert Body.model_validate_json(event.body)
        self.heard.append(event.event_id)
        return self.answers.pop(0) if self.answers else Delivered()


class House:
    """A database with an outbox, a carrier that is driven by hand, and a relay behind it."""

    def __init__(self, db: Database, clock: FixedClock) -> None:
        self.db, self.clock = db, clock
        self.wakes = 0

    def carrier(self, deliver: Callable[[OutboxEvent], Delivery], *, threads: int = 0) -> Carrier:
        made = Carrier("carrier", self.db, OUTBOX, self.clock, deliver, wake_relay=self.wake, threads=threads)
        made.loop.start()
        return made

    def wake(self) -> None:
        self.wakes += 1

    def announce(self, carrier: Carrier, event_id: str, aggregate: str = "order:1") -> bool:
        with self.db.write() as tx:
            return enqueue(
                tx,
                OUTBOX,
                event_id=event_id,
                vendor_id="shop",
                aggregate=aggregate,
                type="order.paid",
                body=Body(),
                now=self.clock.now(),
                wake=carrier.leave,
                carriage=carrier,
            )

    def relay(self, deliver: Callable[[OutboxEvent], Delivery]) -> None:
        relay = Relay(self.db, OUTBOX, self.clock, deliver)
        while relay.turn():
            pass

    def rows(self) -> dict[str, tuple[str, int, bool]]:
        """Event → (status, attempts, whether somebody has it)."""
        c = OUTBOX.c
        with self.db.read() as tx:
            rows = tx.execute(select(c.event_id, c.status, c.attempts, c.lease_owner)).all()
        return {row.event_id: (row.status, row.attempts, row.lease_owner is not None) for row in rows}


@pytest.fixture
def house(new_database: NewDatabase, clock: FixedClock) -> House:
    db = new_database("platform")
    with db.write() as tx:
        METADATA.create_all(tx.conn)
    return House(db, clock)


def test_what_is_committed_is_delivered_without_a_relay_and_nobody_else_may_take_it_meanwhile(house: House) -> None:
    listener, other = Listener(), Listener()
    carrier = house.carrier(listener)
    assert house.announce(carrier, "e1")
    house.relay(other)
    assert carrier.turn()
    assert not carrier.turn()
    assert (listener.heard, other.heard, house.wakes) == (["e1"], [], 0)
    assert house.rows() == {"e1": ("delivered", 1, False)}


def test_what_is_rolled_back_or_was_announced_before_is_not_carried(house: House) -> None:
    listener = Listener()
    carrier = house.carrier(listener)
    with pytest.raises(RuntimeError), house.db.write() as tx:  # noqa: PT012
        enqueue(
            tx,
            OUTBOX,
            event_id="e1",
            vendor_id="shop",
            aggregate="a",
            type="t",
            body=Body(),
            now=house.clock.now(),
            carriage=carrier,
        )
        raise RuntimeError
    assert not carrier.turn()
    assert house.announce(carrier, "e2")
    assert not house.announce(carrier, "e2")
    assert carrier.turn()
    assert not carrier.turn()
    assert listener.heard == ["e2"]


def test_a_later_event_of_an_aggregate_goes_after_the_one_on_its_way(house: House) -> None:
    listener, relayed = Listener(), Listener()
    carrier = house.carrier(listener)
    house.announce(carrier, "e1")
    house.announce(carrier, "e2")
    house.announce(carrier, "other", "order:2")
    assert house.wakes == 1
    house.relay(relayed)
    assert relayed.heard == []
    while carrier.turn():
        pass
    assert listener.heard == ["e1", "other"]
    assert house.wakes > 1  # the relay is told that e2 may go now
    house.relay(relayed)
    assert relayed.heard == ["e2"]


def test_a_later_event_of_another_process_is_not_forgotten_either(house: House) -> None:
    here, there = house.carrier(Listener()), house.carrier(Listener())
    house.announce(here, "e1")
    house.announce(there, "e2")
    told = house.wakes
    assert here.turn()
    assert house.wakes == told + 1


def test_what_a_dead_carrier_had_is_the_relays_when_the_lease_is_over(house: House) -> None:
    house.announce(house.carrier(Listener()), "e1")
    relayed = Listener()
    house.relay(relayed)
    assert relayed.heard == []
    house.clock.advance(LEASE + timedelta(seconds=1))
    house.relay(relayed)
    assert relayed.heard == ["e1"]
    assert house.rows() == {"e1": ("delivered", 2, False)}


def test_what_took_longer_than_the_lease_is_recorded_by_whoever_has_it_then(house: House) -> None:
    def slow(_event: OutboxEvent) -> Delivery:
        house.clock.advance(LEASE + timedelta(seconds=1))
        house.relay(Listener(Park("decided by the other")))
        return Delivered()

    carrier = house.carrier(slow)
    house.announce(carrier, "e1")
    assert carrier.turn()
    assert house.rows() == {"e1": ("parked", 2, False)}


def test_what_is_refused_or_breaks_is_tried_again_by_the_relay_and_parked_events_hold_back_theirs(house: House) -> None:
    def broken(_event: OutboxEvent) -> Delivery:
        raise ConnectionError

    first, second, third = house.carrier(Listener(Retry("down"))), house.carrier(broken), Listener(Park("no"))
    house.announce(first, "e1", "a")
    house.announce(second, "e2", "b")
    parking = house.carrier(third)
    house.announce(parking, "e3", "c")
    for each in (first, second, parking):
        assert each.turn()
    house.announce(parking, "e4", "c")
    assert not parking.turn()
    relayed = Listener()
    house.relay(relayed)
    assert relayed.heard == []
    house.clock.advance(timedelta(seconds=2))
    house.relay(relayed)
    assert relayed.heard == ["e1", "e2"]
    assert house.rows()["e3"] == ("parked", 1, False)
    assert house.rows()["e4"] == ("pending", 0, False)


def test_a_stopping_process_gives_back_what_it_has_not_begun(house: House) -> None:
    carrier = house.carrier(Listener())
    house.announce(carrier, "e1")
    carrier.loop.stop()
    carrier.give_back()
    assert house.rows() == {"e1": ("pending", 0, False)}
    house.announce(carrier, "e2", "b")
    assert house.rows()["e2"] == ("pending", 0, False)  # nobody leases for a process that has stopped


def test_what_has_waited_too_long_is_left_to_the_relay(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "WAITS_S", -1.0)
    listener, relayed = Listener(), Listener()
    carrier = house.carrier(listener)
    house.announce(carrier, "e1")
    assert carrier.turn()
    assert (listener.heard, house.wakes) == ([], 1)
    house.relay(relayed)
    assert relayed.heard == ["e1"]


def test_a_full_carrier_takes_no_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "MOST_WAITING", 1)
    carrier = house.carrier(Listener())
    house.announce(carrier, "e1", "a")
    house.announce(carrier, "e2", "b")
    assert house.rows() == {"e1": ("pending", 1, True), "e2": ("pending", 0, False)}
    assert house.wakes == 1


def test_several_at_once_are_carried_but_for_the_later_ones_of_one_aggregate(house: House) -> None:
    listener, relayed = Listener(), Listener()
    carrier = house.carrier(listener)
    with house.db.write() as tx:
        events = [
            Announcement(event_id, "shop", aggregate, "order.paid", Body())
            for event_id, aggregate in (("e1", "a"), ("e2", "b"), ("e3", "a"))
        ]
        enqueue_all(tx, OUTBOX, events, now=house.clock.now(), wake=carrier.leave, carriage=carrier)
    assert house.wakes == 1
    while carrier.turn():
        pass
    house.relay(relayed)
    assert (listener.heard, relayed.heard) == (["e1", "e2"], ["e3"])


def test_carriers_and_relays_at_once_deliver_each_event_once_and_in_order(house: House) -> None:
    heard: list[str] = []

    def listener(event: OutboxEvent) -> Delivery:
        heard.append(event.event_id)
        return Delivered()

    carriers = [house.carrier(listener, threads=2) for _ in range(2)]
    aggregates = 4

    def announce_all(aggregate: int) -> None:
        for n in range(12):
            house.announce(carriers[n % 2], f"e{aggregate}-{n:02}", f"aggregate-{aggregate}")

    announcing = [threading.Thread(target=announce_all, args=(n,)) for n in range(aggregates)]
    for thread in announcing:
        thread.start()
    relaying = threading.Thread(target=house.relay, args=(listener,))
    relaying.start()
    for thread in (*announcing, relaying):
        thread.join(60)
    for carrier in carriers:
        carrier.loop.stop()
    for carrier in carriers:
        carrier.loop.join(60)
        carrier.give_back()
    house.relay(listener)
    assert {status for status, _, _ in house.rows().values()} == {"delivered"}
    for n in range(aggregates):
        assert [each for each in heard if each.startswith(f"e{n}-")] == [f"e{n}-{k:02}" for k in range(12)]
