"""News leaves with the change that caused it: once per fact, signed, until the bot takes it."""

import json
import time
from collections.abc import Callable, Generator
from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from werkzeug import Request, Response

from contracts.events import DomainEvent, EventType, OrderNews
from contracts.ids import VendorId
from contracts.money import Currency
from contracts.router_api import OrderView
from contracts.states import OrderStatus
from kit.background import Loop
from kit.clock import FixedClock
from kit.db import Database
from kit.wakes import Wakes
from kit.webhooks import EventSigner
from router.databases import OpsDatabase
from router.events.models import outbox
from router.events.service import announce, relay_loop
from tests.support.databases import NewDatabase, seeing_all

MAMA = VendorId("vendor-mama")
SIGNER = EventSigner("the-router-signs-its-news-with-this-key")
FAR_TOO_LONG_S = 60.0
"""For a relay that must not need its sweep."""


@pytest.fixture
def database(new_database: NewDatabase) -> Database:
    return new_database("ops")


@pytest.fixture
def ops(database: Database) -> OpsDatabase:
    return OpsDatabase(database)


def _news(clock: FixedClock) -> OrderNews:
    order = OrderView(
        order_id="order-1",
        code="K7M4QX",
        status=OrderStatus.PAID,
        currency=Currency.KES,
        total_minor=45_000,
        lines=[],
        created_at=clock.now(),
    )
    return OrderNews(order=order, customer_address="whatsapp:+254708374149", shop_name="Mama Njeri")


def _announce(ops: OpsDatabase, clock: FixedClock, *, fact: str | None = None, vendor_id: VendorId = MAMA) -> bool:
    with ops.of(vendor_id).write() as tx:
        return announce(
            tx,
            type=EventType.ORDER_PAID,
            vendor_id=vendor_id,
            aggregate="order:order-1",
            data=_news(clock),
            now=clock.now(),
            fact=fact,
        )


def _outbox(ops: OpsDatabase) -> list[str]:
    assert isinstance(ops.db, Database)
    with seeing_all(ops.db) as tx:
        return list(tx.execute(select(outbox.c.status).order_by(outbox.c.seq)).scalars())


def _has_been_tried(ops: OpsDatabase) -> bool:
    with ops.of(MAMA).read() as tx:
        return tx.execute(select(outbox.c.last_error)).scalar_one() is not None


def _eventually(happened: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Bot:
    """Listens as the bot does: checks the signature, remembers what it took."""

    def __init__(self, clock: FixedClock) -> None:
        self.taken: list[DomainEvent] = []
        self.refuse_next = 0
        self._clock = clock

    def hear(self, request: Request) -> Response:
        if self.refuse_next > 0:
            self.refuse_next -= 1
            return Response(status=503)
        event_id = SIGNER.verify(request.headers, request.get_data(), self._clock.now())
        event = DomainEvent.model_validate_json(request.get_data())
        assert event.event_id == event_id
        self.taken.append(event)
        return Response(status=200)


@pytest.fixture
def bot(httpserver: HTTPServer, clock: FixedClock) -> Bot:
    listener = Bot(clock)
    httpserver.expect_request("/events", method="POST").respond_with_handler(listener.hear)
    return listener


@pytest.fixture
def relay(ops: OpsDatabase, clock: FixedClock, httpserver: HTTPServer) -> Generator[Loop]:
    loop = relay_loop(ops, clock, SIGNER, httpserver.url_for("").rstrip("/"), Wakes(None), idle_s=FAR_TOO_LONG_S)
    yield loop
    loop.stop()
    loop.join(10)


def test_the_same_fact_is_announced_once(ops: OpsDatabase, clock: FixedClock) -> None:
    assert _announce(ops, clock, fact="paid") is True
    assert _announce(ops, clock, fact="paid") is False
    assert _announce(ops, clock, fact="paid", vendor_id=VendorId("vendor-other")) is True
    assert len(_outbox(ops)) == 2


def test_news_without_a_fact_is_news_each_time(ops: OpsDatabase, clock: FixedClock) -> None:
    assert _announce(ops, clock) is True
    assert _announce(ops, clock) is True
    assert len(_outbox(ops)) == 2


def test_news_of_a_change_that_was_rolled_back_is_never_told(ops: OpsDatabase, clock: FixedClock) -> None:
    def change_and_fail() -> None:
        with ops.of(MAMA).write() as tx:
            announce(
                tx, type=EventType.ORDER_PAID, vendor_id=MAMA, aggregate="order:1", data=_news(clock), now=clock.now()
            )
            raise RuntimeError("changed its mind")

    with pytest.raises(RuntimeError, match="changed its mind"):
        change_and_fail()
    assert _outbox(ops) == []


def test_the_bot_hears_at_once_without_waiting_for_a_sweep(
    ops: OpsDatabase, clock: FixedClock, bot: Bot, relay: Loop
) -> None:
    relay.start()
    _announce(ops, clock)
    _eventually(lambda: _outbox(ops) == ["delivered"])
    (event,) = bot.taken
    assert (event.type, event.vendor_id, event.aggregate) == (EventType.ORDER_PAID, MAMA, "order:order-1")
    assert event.occurred_at == clock.now()
    assert OrderNews.model_validate(event.data) == _news(clock)


def test_what_was_announced_before_the_relay_started_is_told(
    ops: OpsDatabase, clock: FixedClock, bot: Bot, relay: Loop
) -> None:
    for _ in range(30):
        _announce(ops, clock)
    relay.start()
    _eventually(lambda: _outbox(ops) == ["delivered"] * 30)
    assert len({event.event_id for event in bot.taken}) == 30


def test_a_bot_that_is_away_hears_it_when_it_is_back_under_the_same_id(
    ops: OpsDatabase, clock: FixedClock, bot: Bot, relay: Loop
) -> None:
    bot.refuse_next = 1
    _announce(ops, clock, fact="paid")
    relay.start()
    _eventually(lambda: bot.refuse_next == 0)
    _eventually(lambda: _has_been_tried(ops))
    assert _outbox(ops) == ["pending"]
    clock.advance(timedelta(seconds=2))
    relay.wake()
    _eventually(lambda: _outbox(ops) == ["delivered"])
    with ops.of(MAMA).read() as tx:
        row = tx.execute(select(outbox.c.event_id, outbox.c.body)).one()
    assert [event.event_id for event in bot.taken] == [row.event_id]
    assert json.loads(row.body)["event_id"] == row.event_id


def test_news_of_one_order_arrives_in_order(ops: OpsDatabase, clock: FixedClock, bot: Bot, relay: Loop) -> None:
    with ops.of(MAMA).write() as tx:
        for type_ in (EventType.ORDER_CONFIRMED, EventType.PAYMENT_FAILED, EventType.ORDER_PAID):
            announce(
                tx, type=type_, vendor_id=MAMA, aggregate="order:order-1", data=_news(clock), now=clock.now(), fact="x"
            )
    relay.start()
    _eventually(lambda: len(bot.taken) == 3)
    assert [event.type for event in bot.taken] == ["order.confirmed", "payment.failed", "order.paid"]
