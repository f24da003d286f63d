"""One relay carries the news of many shops out of a database that shows it envelopes alone."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from pydantic import BaseModel
from sqlalchemy import insert, select

from contracts.ids import VendorId
from kit.carrying import Carrier
from kit.clock import FixedClock
from kit.db import Database, Tx
from kit.outbox import LEASE, Delivered, Delivery, OutboxEvent, Park, Relay, enqueue
from router.databases import OpsDatabase, vendor_fences
from router.events.models import outbox
from tests.support.databases import NewDatabase, as_owner, seeing_all

MAMA, BABA, OTHER = VendorId("vendor-mama"), VendorId("vendor-baba"), VendorId("vendor-other")
SHOPS = (MAMA, BABA, OTHER)


class News(BaseModel):
    of: str


@dataclass(slots=True)
class Street:
    db: Database
    clock: FixedClock
    ops: OpsDatabase = field(init=False)

    def __post_init__(self) -> None:
        self.ops = OpsDatabase(self.db)

    def announce(
        self,
        vendor_id: VendorId,
        event_id: str = "event-1",
        aggregate: str = "order:1",
        *,
        carriage: Carrier | None = None,
    ) -> None:
        with self.ops.of(vendor_id).write() as tx:
            enqueue(
                tx,
                outbox,
                event_id=event_id,
                vendor_id=vendor_id,
                aggregate=aggregate,
                type="order.paid",
                body=News(of=vendor_id),
                now=self.clock.now(),
                carriage=carriage,
            )

    def fence(self, vendor_id: VendorId) -> None:
        with as_owner(self.db) as tx:
            tx.execute(insert(vendor_fences).values(vendor_id=vendor_id, state="moved", since=self.clock.now()))

    def statuses(self) -> dict[tuple[str, str], str]:
        with seeing_all(self.db) as tx:
            rows = tx.execute(select(outbox.c.vendor_id, outbox.c.event_id, outbox.c.status)).all()
        return {(row.vendor_id, row.event_id): row.status for row in rows}


@pytest.fixture
def street(new_database: NewDatabase, clock: FixedClock) -> Street:
    return Street(new_database("ops"), clock)


@dataclass(slots=True)
class Listener:
    heard: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    parked: tuple[str, str] | None = None

    def __call__(self, event: OutboxEvent) -> Delivery:
        assert News.model_validate_json(event.body).of == event.vendor_id
        self.heard.append((event.vendor_id, event.event_id))
        return Park("it says nothing") if self.heard[-1] == self.parked else Delivered()


def drain(street: Street, listener: Listener, ops: OpsDatabase | None = None) -> None:
    relay = Relay(ops or street.ops, outbox, street.clock, listener, fences=vendor_fences)
    while relay.turn():
        pass


def test_news_of_every_shop_arrives_with_what_only_that_shop_may_see(street: Street) -> None:
    for vendor_id in SHOPS * 2:
        street.announce(vendor_id)  # the same id at every shop, and there once
    listener = Listener()
    drain(street, listener)
    assert sorted(listener.heard) == sorted((vendor_id, "event-1") for vendor_id in SHOPS)
    assert set(street.statuses().values()) == {"delivered"}


def test_what_one_shop_has_parked_holds_back_its_own_order_and_nobody_elses(street: Street) -> None:
    for vendor_id in (MAMA, BABA):
        for event_id in ("event-1", "event-2"):
            street.announce(vendor_id, event_id)
    listener = Listener(parked=(MAMA, "event-1"))
    drain(street, listener)
    assert listener.heard == [(MAMA, "event-1"), (BABA, "event-1"), (BABA, "event-2")]
    assert street.statuses()[(MAMA, "event-2")] == "pending"


def test_news_of_a_shop_that_has_moved_is_left_to_its_new_home(street: Street) -> None:
    for vendor_id in SHOPS:
        street.announce(vendor_id)
    street.fence(BABA)
    listener = Listener()
    drain(street, listener)
    assert sorted(listener.heard) == [(MAMA, "event-1"), (OTHER, "event-1")]
    assert street.statuses()[(BABA, "event-1")] == "pending"


def test_what_is_delivered_while_its_shop_moves_is_not_recorded_in_the_old_home(street: Street) -> None:
    street.announce(MAMA)
    street.announce(BABA)

    class Moving(Listener):
        def __call__(self, event: OutboxEvent) -> Delivery:
            if event.vendor_id == MAMA:
                street.fence(MAMA)
            return Listener.__call__(self, event)

    drain(street, Moving())
    assert street.statuses() == {(MAMA, "event-1"): "pending", (BABA, "event-1"): "delivered"}


def test_a_dedicated_database_is_read_in_the_scope_of_its_vendor(street: Street) -> None:
    street.announce(MAMA)
    street.announce(BABA)
    listener = Listener()
    drain(street, listener, OpsDatabase(street.db, only=MAMA))
    assert (MAMA, "event-1") in listener.heard
    assert street.statuses()[(MAMA, "event-1")] == "delivered"


def test_a_vendor_that_leaves_its_dedicated_database_is_no_trouble_to_the_relay(street: Street) -> None:
    street.announce(MAMA)
    own = OpsDatabase(street.db, only=MAMA)

    class Leaving(Listener):
        def __call__(self, event: OutboxEvent) -> Delivery:
            street.fence(MAMA)
            return Listener.__call__(self, event)

    listener = Leaving()
    drain(street, listener, own)
    street.clock.advance(LEASE + timedelta(seconds=1))
    drain(street, listener, own)
    assert listener.heard == [(MAMA, "event-1")]
    assert street.statuses() == {(MAMA, "event-1"): "pending"}


@dataclass(slots=True)
class Counted:
    """How many transactions a relay asks for."""

    ops: OpsDatabase
    begun: list[str] = field(default_factory=list[str])

    @contextmanager
    def across(self) -> Generator[Tx]:
        self.begun.append("look")
        with self.ops.across() as tx:
            yield tx

    @contextmanager
    def across_to_lease(self) -> Generator[Tx]:
        self.begun.append("write")
        with self.ops.across_to_lease() as tx:
            yield tx


def test_looking_claiming_and_reading_what_many_shops_said_takes_two_transactions(street: Street) -> None:
    for vendor_id in SHOPS:
        street.announce(vendor_id)
    counted = Counted(street.ops)
    relay = Relay(counted, outbox, street.clock, Listener(), fences=vendor_fences)
    assert relay.turn()
    assert counted.begun == ["look", "write", "write"]  # the last one records what became of them
    counted.begun.clear()
    assert not relay.turn()
    assert counted.begun == ["look"]


def test_a_carrier_writes_down_the_outcomes_of_shops_whose_news_it_may_not_read(street: Street) -> None:
    listener, woken = Listener(parked=(BABA, "event-1")), list[str]()
    carrier = Carrier(
        "carrier",
        street.ops,
        outbox,
        street.clock,
        listener,
        wake_relay=lambda: woken.append("up"),
        threads=0,
        fences=vendor_fences,
    )
    carrier.loop.start()
    for vendor_id in (MAMA, BABA, OTHER):
        street.announce(vendor_id, carriage=carrier)
    street.announce(MAMA, "event-2", carriage=carrier)
    street.fence(OTHER)
    while carrier.turn():
        pass
    assert listener.heard == [(MAMA, "event-1"), (BABA, "event-1"), (OTHER, "event-1")]
    assert street.statuses() == {
        (MAMA, "event-1"): "delivered",
        (MAMA, "event-2"): "pending",
        (BABA, "event-1"): "parked",
        (OTHER, "event-1"): "pending",  # it moves: its new home delivers it once more
    }
    assert woken
