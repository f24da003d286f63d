"""A purchase is the same wherever the shop's rows are: shared or of its own, in a file or on a server, or mixed."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from werkzeug import Request, Response

from contracts.events import DomainEvent
from contracts.ids import PaymentIntentId, VendorId
from contracts.money import Currency
from contracts.payment_api import PaymentEvent
from contracts.router_api import OrderView, PayResult
from contracts.states import PaymentEventStatus, Rail
from kit.clock import FixedClock
from kit.db import Database
from kit.webhooks import EventSigner
from router.databases import OpsDatabase
from router.events.service import relay_visit
from router.orders.holds import HoldSweep
from router.orders.models import orders
from router.payments.models import payment_intents
from router.payments.service import Sweep
from router.rounds import Rounds
from router.stock.models import stock
from tests.support.counter import AMINA, HOLD, Counter, make_counter
from tests.support.databases import NewDatabase
from tests.support.postgres import APP_ROLE
from tests.support.tenants import sqlite_target

FROM_ADAPTER = EventSigner("a" * 32)
TO_BOT = EventSigner("e" * 32)
SHOP = VendorId("vendor-shop")
SAME = {"customer": {"address": AMINA}}


@dataclass(frozen=True)
class Place:
    """On what each database runs. `own` None: the shop is in the shared one."""

    platform: str
    shared: str
    own: str | None

    def __str__(self) -> str:
        shop = f"own {self.own}" if self.own else "shared"
        return f"{shop}, platform {self.platform}, ops {self.shared}"


PLACES = (
    Place("sqlite", "sqlite", None),
    Place("sqlite", "sqlite", "sqlite"),
    Place("postgres", "postgres", None),
    Place("postgres", "postgres", "postgres"),
    Place("sqlite", "sqlite", "postgres"),
    Place("postgres", "postgres", "sqlite"),
    Place("sqlite", "postgres", "sqlite"),
)


class Bot:
    """Takes events as the bot does, and remembers them."""

    def __init__(self, clock: FixedClock) -> None:
        self.heard: list[str] = []
        self._clock = clock

    def hear(self, request: Request) -> Response:
        TO_BOT.verify(request.headers, request.get_data(), self._clock.now())
        event = DomainEvent.model_validate_json(request.get_data())
        assert event.vendor_id == SHOP
        self.heard.append(event.type)
        return Response(status=200)


@dataclass(slots=True)
class Shop:
    """A shop behind the router's counter, its loops, and the bot above."""

    counter: Counter
    place: Place
    bot: Bot
    rounds: Rounds
    relay: Callable[[OpsDatabase], bool]
    holds: HoldSweep
    sweep: Sweep
    asked: int = 0

    def post(self, path: str, body: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        self.asked += 1
        answer = self.counter.post(path, body, vendor=SHOP, key=key or f"key-{self.asked}")
        assert answer.status == 200, answer
        return answer.body

    def confirmed(self, quantity: int = 1) -> OrderView:
        self.post("/v1/cart/lines", {**SAME, "item_id": "milk", "quantity": quantity})
        return OrderView.model_validate(self.post("/v1/cart/confirm", SAME))

    def pay(self, key: str | None = None) -> PayResult:
        return PayResult.model_validate(self.post("/v1/orders/pay", SAME, key))

    def hear(self, started: PayResult, status: PaymentEventStatus = PaymentEventStatus.PAID) -> dict[str, Any]:
        """As the payment adapter reports it."""
        event = PaymentEvent(
            event_id=f"mpesa:ws_CO_1:{status}",
            provider="mpesa",
            rail=Rail.MPESA_STK,
            vendor_id=SHOP,
            intent_id=PaymentIntentId(started.intent_id),
            status=status,
            amount_minor=started.order.total_minor,
            currency=Currency.KES,
            provider_transaction_id="ws_CO_1",
            receipt="TKL4H7XQ2P",
            payer_msisdn=started.payer_msisdn,
            occurred_at=self.counter.clock.now(),
        )
        body = event.model_dump_json().encode()
        headers = FROM_ADAPTER.headers(event.event_id, self.counter.clock.now(), body)
        answer = self.counter.send_unsigned("POST", "/v1/payment-events", body, headers=headers)
        assert answer.status == 200, answer
        return answer.body

    def let_loops_run(self) -> None:
        """Everything that the loops would do by themselves."""
        while self.holds.turn() or self.sweep.turn() or self.relay(self.counter.databases.shared):
            pass
        for vendor in self.counter.directory.dedicated():
            self.rounds.wake(vendor[0])
        while self.rounds.turn():
            pass

    def shelf(self) -> tuple[int, int]:
        with self.counter.of(SHOP).read() as tx:
            row = tx.execute(select(stock).where(stock.c.vendor_id == SHOP)).one()
        return row.on_hand, row.reserved

    def statuses(self) -> list[str]:
        history = self.counter.get("/v1/orders", vendor=SHOP, customer=AMINA)
        assert history.status == 200, history
        return [order["status"] for order in history.body["orders"]]


@pytest.fixture(params=PLACES, ids=str)
def shop(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    sqlite_templates: Callable[[str], Path],
    sqlite_database: NewDatabase,
    clock: FixedClock,
    httpserver: HTTPServer,
) -> Generator[Shop]:
    place: Place = request.param

    def new_database(lineage: str) -> Database:
        kind = place.platform if lineage == "platform" else place.shared
        make: NewDatabase = sqlite_database if kind == "sqlite" else request.getfixturevalue("postgres_database")
        return make(lineage)

    columns: dict[str, Any] = {}
    if place.own is not None:
        columns = {"isolation_level": "dedicated_db", "db_target": _own(request, tmp_path, sqlite_templates)}
    for counter in make_counter(new_database, clock, tmp_path):
        counter.open_shop(SHOP, "The Shop", **columns)
        counter.put("milk", vendor=SHOP, on_hand=5)
        bot = Bot(clock)
        httpserver.expect_request("/events", method="POST").respond_with_handler(bot.hear)
        relay = relay_visit(clock, TO_BOT, httpserver.url_for("").rstrip("/"))
        holds = HoldSweep(counter.databases, counter.directory, clock)
        sweep = Sweep(counter.databases, counter.payables, clock, patience_s=0.0)
        yield Shop(
            counter, place, bot, Rounds(counter.databases, [holds.visit, sweep.visit, relay]), relay, holds, sweep
        )


def test_a_purchase(shop: Shop) -> None:
    shop.confirmed(2)
    assert shop.shelf() == (5, 2)
    started = shop.pay("once")
    assert shop.pay("once") == started  # the same command again is answered as before
    assert shop.hear(started)["note"] == "paid"
    assert shop.hear(started)["status"] in ("ignored", "processed")  # it comes twice
    assert shop.statuses() == ["PAID"]
    assert shop.shelf() == (3, 0)
    shop.let_loops_run()
    assert shop.bot.heard == ["order.confirmed", "order.paid"]
    shop.let_loops_run()
    assert len(shop.bot.heard) == 2
    _check_where_the_rows_are(shop)


def test_a_hold_that_runs_out_is_given_back_and_told(shop: Shop) -> None:
    shop.confirmed(2)
    shop.counter.clock.advance(HOLD)
    shop.let_loops_run()
    assert shop.shelf() == (5, 0)
    assert shop.bot.heard == ["order.confirmed", "order.hold_expired"]


def test_a_grant_that_was_never_used_ends_and_its_number_is_free_again(shop: Shop) -> None:
    shop.confirmed()
    shop.pay()
    shop.counter.clock.advance(timedelta(minutes=5))
    shop.let_loops_run()
    assert shop.bot.heard == ["order.confirmed", "payment.failed"]
    assert shop.pay().intent_id


def _check_where_the_rows_are(shop: Shop) -> None:
    shared = [row["vendor_id"] for row in shop.counter.rows(orders)]
    assert shared == ([] if shop.place.own else [SHOP])
    with shop.counter.of(SHOP).read() as tx:
        assert len(tx.execute(select(orders.c.id).where(orders.c.vendor_id == SHOP)).all()) == 1
        assert len(tx.execute(select(payment_intents.c.id).where(payment_intents.c.vendor_id == SHOP)).all()) == 1


def _own(request: pytest.FixtureRequest, folder: Path, templates: Callable[[str], Path]) -> dict[str, Any]:
    if request.param.own == "sqlite":
        return sqlite_target(folder, templates).stored()
    make: NewDatabase = request.getfixturevalue("postgres_database")
    url = make("ops").engine.url
    return {"type": "postgres", "host": url.query["host"], "database": url.database, "user": APP_ROLE}
