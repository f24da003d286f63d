"""Webhook delivery without routes and without a network: endpoints, events, a courier and the listeners it meets."""

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from sqlalchemy import insert, select, update
from standardwebhooks import Webhook

from contracts.events import EventType, OrderNews
from contracts.ids import VendorId, derived_id
from contracts.money import Currency
from contracts.router_api import OrderView
from contracts.states import OrderStatus
from kit.clock import FixedClock
from kit.db import Database
from kit.outside import Answer, NoAnswer
from kit.signing import KeyRing
from router.databases import OpsDatabase
from router.events.attempts import Sender
from router.events.endpoints import Endpoint, EndpointBook, add_endpoint
from router.events.fanout import Audience, tell_endpoints
from router.events.models import webhook_attempts, webhook_deliveries, webhook_endpoints, webhook_lanes
from router.events.sending import Courier
from router.events.service import announce
from router.events.signing import Signatures
from router.vendors.models import vendors
from tests.support.databases import NewDatabase, seeing_all

MAMA = VendorId("vendor-mama")
MASTERS = KeyRing.parse("m1:" + "m" * 32)
OK = Answer(200, b"thanks", {})
ONE = "https://one.example.com/in"
TWO = "https://two.example.com/in"


@dataclass(frozen=True, slots=True)
class Heard:
    """One request as a listener got it."""

    url: str
    event_id: str
    type: str
    aggregate: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    raw: str


Reply = Callable[[Heard], Answer]
"""What a listener does with a request; it may raise NoAnswer, or anything that ends a process."""


@dataclass(slots=True)
class Listeners:
    """The outside world: each address answers 200 unless it was told otherwise. Everything it hears is kept."""

    heard: list[Heard] = field(default_factory=list[Heard])
    replies: dict[str, Reply] = field(default_factory=dict[str, Reply])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, within_s: float = 10.0, keep_bytes: int = 4096
    ) -> Answer:
        raw = body.decode()
        event = json.loads(raw)
        heard = Heard(url, headers["webhook-id"], event["type"], event["aggregate"], headers, event["data"], raw)
        with self._lock:
            self.heard.append(heard)
        return self.replies.get(url, lambda _heard: OK)(heard)

    def by(self, url: str) -> list[str]:
        """Ids of the events that this address got, in order."""
        return [heard.event_id for heard in self.heard if heard.url == url]


@dataclass
class Mailroom:
    platform: Database
    ops: OpsDatabase
    clock: FixedClock
    outside: Listeners = field(default_factory=Listeners)
    signatures: Signatures = field(default_factory=lambda: Signatures(MASTERS))
    jitter: float = 0.0
    wakes: int = 0
    _names: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        ticks = count(step=100)
        self.book = EndpointBook(self.platform, monotonic=lambda: float(next(ticks)))  # never remembers for long
        self.courier = self.new_courier()
        assert isinstance(self.ops.db, Database)
        tell_endpoints(self.ops.db.engine, Audience(self.book, self._woken))

    def _woken(self) -> None:
        self.wakes += 1

    def new_courier(self) -> Courier:
        """As another process, or the same one started again, would have it."""
        sender = Sender(self.outside, self.signatures, self.clock)
        return Courier(self.ops, self.platform, self.book, sender, self.clock, threads=2, jitter=lambda: self.jitter)

    def open_shop(self, vendor_id: VendorId = MAMA) -> VendorId:
        with self.platform.write() as tx:
            tx.execute(insert(vendors).values(id=vendor_id, name=vendor_id))
        return vendor_id

    def endpoint(
        self, url: str = "https://hooks.example.com/in", *types: EventType, vendor_id: VendorId = MAMA
    ) -> Endpoint:
        with self.platform.write() as tx:
            made = add_endpoint(
                tx,
                vendor_id,
                url=url,
                description="",
                event_types=types,
                key_id=self.signatures.key_id,
                now=self.clock.now(),
            )
        assert made is not None
        return made

    def announce(
        self, aggregate: str = "order:1", type_: EventType = EventType.ORDER_PAID, *, vendor_id: VendorId = MAMA
    ) -> str:
        """Returns the event's id."""
        fact = f"fact-{next(self._names)}"
        with self.ops.of(vendor_id).write() as tx:
            assert announce(
                tx,
                type=type_,
                vendor_id=vendor_id,
                aggregate=aggregate,
                data=order_news(self.clock),
                now=self.clock.now(),
                fact=fact,
            )
        return derived_id("event", vendor_id, type_, aggregate, fact)

    def carry(self, courier: Courier | None = None) -> None:
        """Until nothing is due at this moment."""
        courier = courier or self.courier
        courier.look_soon()
        while courier.turn():
            courier.look_soon()

    def pass_time(self, step: timedelta) -> None:
        self.clock.advance(step)
        self.carry()

    def rows(self, table: Any = webhook_deliveries) -> list[dict[str, Any]]:
        database = self.platform if table is webhook_endpoints else self.ops.db
        assert isinstance(database, Database)
        with seeing_all(database) as tx:
            return [dict(row) for row in tx.execute(select(table)).mappings()]

    def deliveries(self, endpoint: Endpoint | None = None) -> list[dict[str, Any]]:
        """In the order in which they were made."""
        found = [row for row in self.rows() if endpoint is None or row["endpoint_id"] == endpoint.id]
        return sorted(found, key=lambda row: (row["event_seq"], row["created_at"], row["id"]))

    def statuses(self, endpoint: Endpoint | None = None) -> list[str]:
        return [row["status"] for row in self.deliveries(endpoint)]

    def attempts(self) -> list[dict[str, Any]]:
        return sorted(self.rows(webhook_attempts), key=lambda row: (row["delivery_id"], row["number"]))

    def lane(self, endpoint: Endpoint) -> dict[str, Any]:
        return next(row for row in self.rows(webhook_lanes) if row["endpoint_id"] == endpoint.id)

    def now_of(self, endpoint: Endpoint) -> Endpoint:
        found = self.book.find(endpoint.vendor_id, endpoint.id)
        assert found is not None
        return found

    def set_endpoint(self, endpoint: Endpoint, **columns: Any) -> None:
        with self.platform.write() as tx:
            tx.execute(update(webhook_endpoints).where(webhook_endpoints.c.id == endpoint.id).values(**columns))

    def verify(self, heard: Heard, secret: str) -> bool:
        """Whether one of the signatures is by this secret, as a receiver checks it."""
        expected = Webhook(secret).sign(heard.event_id, self.clock.now(), heard.raw)
        return expected in heard.headers["webhook-signature"].split(" ")


@contextmanager
def make_mailroom(new_database: NewDatabase, clock: FixedClock) -> Generator[Mailroom]:
    """With Mama's shop open, and no endpoint."""
    mailroom = Mailroom(new_database("platform"), OpsDatabase(new_database("ops")), clock)
    mailroom.open_shop()
    try:
        yield mailroom
    finally:
        mailroom.courier.close()


def order_news(clock: FixedClock) -> OrderNews:
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


def refusing(status: int, **headers: str) -> Reply:
    return lambda _heard: Answer(status, b"no", {name.replace("_", "-"): value for name, value in headers.items()})


def silent(_heard: Heard) -> Answer:
    raise NoAnswer("timeout", "no answer within 10 s")


def after_failures(number: int, reply: Reply) -> Reply:
    """It answers so with each event that often, then accepts it."""
    failed: defaultdict[str, int] = defaultdict(int)

    def answer(heard: Heard) -> Answer:
        failed[heard.event_id] += 1
        return reply(heard) if failed[heard.event_id] <= number else OK

    return answer
