"""A vendor moves while customers buy: nothing that was answered is lost, and nothing happens twice."""

import json
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from kit.db import Database, Scope
from kit.outbox import Delivered, OutboxEvent, Relay
from router.databases import OpsDatabase, vendor_fences
from router.events.models import outbox
from router.moving import fences
from router.moving.service import Busy, Step, abandon
from router.orders.models import orders
from router.stock.models import stock
from router.vendors.models import vendor_limits
from tests.support.counter import MAMA, Answer, Counter
from tests.support.processes import eventually
from tests.support.street import Street, Watching

SHOPPERS = 4
_AGAIN = (503, 409)


@dataclass(slots=True)
class Crowd:
    """Customers who buy as fast as they are served. One who is told to come back asks again under the same key."""

    counter: Counter
    acknowledged: list[tuple[str, dict[str, Any], str, Answer]] = field(default_factory=list[Any])
    strange: list[Answer] = field(default_factory=list[Answer])
    told_to_wait: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list[threading.Thread])

    def __enter__(self) -> "Crowd":
        for number in range(SHOPPERS):
            thread = threading.Thread(target=self._shop, args=(number,))
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def await_answers(self, more: int) -> None:
        wanted = len(self.acknowledged) + more
        eventually(lambda: len(self.acknowledged) >= wanted or bool(self.strange), f"{more} more answers", 100)

    def _shop(self, number: int) -> None:
        turn = 0
        while not self._stop.is_set() and not self.strange:
            turn += 1
            who = {"address": f"whatsapp:KE.{number}{turn:09}"}
            self._ask("/v1/cart/lines", {"customer": who, "item_id": "sugar", "quantity": 1}, f"add-{number}-{turn}")
            self._ask("/v1/cart/confirm", {"customer": who}, f"confirm-{number}-{turn}")

    def _ask(self, path: str, body: dict[str, Any], key: str) -> None:
        while not self.strange and not self._stop.is_set():
            answer = self.counter.post(path, body, key=key)
            if answer.status == 200:
                self.acknowledged.append((path, body, key, answer))
                return
            if answer.status not in _AGAIN:
                self.strange.append(answer)
            self.told_to_wait += 1
            self._stop.wait(0.01)


def test_a_move_in_the_middle_of_business_loses_and_repeats_nothing(street: Street) -> None:
    street.counter.put("sugar", on_hand=1_000_000)
    with street.counter.platform.write() as tx:
        # However fast this machine is: a crowd that is told to slow down would not be one.
        tx.execute(insert(vendor_limits).values(vendor_id=MAMA, bot_per_minute=1_000_000))
    with Crowd(street.counter) as crowd:
        crowd.await_answers(12)
        street.move()
        frozen = street.rows(street.source)
        crowd.await_answers(12)
    assert crowd.strange == []
    assert street.rows(street.source) == frozen

    confirmed = [answer.body["order_id"] for path, _, _, answer in crowd.acknowledged if path.endswith("confirm")]
    with street.target.read(Scope(MAMA)) as tx:
        found = tx.execute(select(orders.c.id, orders.c.customer_id, orders.c.status)).all()
    assert sorted(row.id for row in found if row.status == "CONFIRMED") == sorted(confirmed)
    assert len({row.customer_id for row in found}) == len(found)  # nobody got a second order
    with street.target.read(Scope(MAMA)) as tx:
        assert tx.execute(select(stock.c.reserved)).scalar_one() == len(confirmed)

    for path, body, key, answer in crowd.acknowledged:
        again = street.counter.send("POST", path, json.dumps(body).encode(), key=key)
        assert (again.status, again.body) == (200, answer.body)
        assert again.headers["idempotent-replayed"] == "true"


def test_a_write_under_way_is_waited_for_and_goes_along(street: Street) -> None:
    moving = threading.Thread(target=street.move, args=(watching := Watching(),))
    with street.source.write(Scope(MAMA)) as tx:
        tx.execute(insert(stock).values(vendor_id=MAMA, item_id="late", on_hand=7))
        moving.start()
        if street.source.is_postgres:
            eventually(lambda: _somebody_waits(street.source), "the move waits")
        assert Step.ALONE not in watching.steps
    moving.join()
    assert street.held(street.target) == {"stock": 1}


def test_writers_who_waited_for_the_move_write_in_the_new_home(street: Street) -> None:
    street.counter.put("sugar", on_hand=10)
    answers: list[Answer] = []

    def ask() -> None:
        while not answers or answers[-1].status in _AGAIN:
            answers.append(street.counter.add("sugar", key="mine"))

    customer = threading.Thread(target=ask)

    def begin_to_wait() -> None:
        customer.start()
        if street.source.is_postgres:
            eventually(lambda: _somebody_waits(street.source), "the customer waits")

    street.move(Watching({Step.ALONE: begin_to_wait}))
    customer.join()
    assert answers[-1].status == 200
    assert street.held(street.target)["customers"] == 1
    assert "customers" not in street.held(street.source)


def test_a_delivery_under_way_is_recorded_before_its_event_goes_along(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fences, "DELIVERIES_WAIT_S", 60.0)
    street.trade(2)
    watching = Watching()
    moving = threading.Thread(target=street.move, args=(watching,))
    delivered: list[int] = []

    def deliver(event: OutboxEvent) -> Delivered:
        delivered.append(event.seq)
        if len(delivered) == 1:
            moving.start()
            if street.source.is_postgres:
                eventually(lambda: Step.ALONE in watching.steps, "the move has the vendor alone")
        return Delivered()

    Relay(OpsDatabase(street.source), outbox, street.counter.clock, deliver, batch=1, fences=vendor_fences).turn()
    moving.join()
    first = {row[0]: row for row in street.rows(street.target)["outbox"]}[delivered[0]]
    status = list(outbox.c).index(outbox.c.status)
    if street.source.is_postgres:
        assert first[status] == "delivered"
    relay = Relay(OpsDatabase(street.target, only=MAMA), outbox, street.counter.clock, deliver, fences=vendor_fences)
    while relay.turn():
        pass
    if street.source.is_postgres:
        assert len(delivered) == len(set(delivered)) == len(street.rows(street.source)["outbox"])


def test_a_vendor_who_is_never_free_is_left_alone_after_some_tries(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fences, "TRIES", 2 if street.source.is_postgres else 1)
    monkeypatch.setattr(fences, "LOCK_WAIT_S", 1)
    monkeypatch.setattr(fences, "PAUSE_S", 0)
    with street.source.write(Scope(MAMA)), pytest.raises(Busy, match="in use"):
        street.move()
    assert street.moves() == ["abandoned"]
    street.move()


def test_a_move_under_way_is_not_abandoned_by_somebody_else(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fences, "TRIES", 1)
    monkeypatch.setattr(fences, "LOCK_WAIT_S", 1)
    refused: list[str] = []

    def try_to_abandon() -> None:
        with pytest.raises(Busy) as caught:
            abandon(MAMA, street.ends, Watching())
        refused.append(str(caught.value))

    street.move(Watching({Step.COMPARED: try_to_abandon}))
    assert len(refused) == 1
    assert street.moves() == ["moved"]


def _somebody_waits(database: Database) -> bool:
    query = text("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = :which")
    which = text("SELECT oid FROM pg_database WHERE datname = current_database()")
    with database.read() as tx:
        return tx.execute(query, {"which": tx.execute(which).scalar_one()}).first() is not None
