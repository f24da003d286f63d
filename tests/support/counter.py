"""The whole router without its loops: asked over its routes, as the bot and a person with curl ask it."""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Table, insert, select, update

from contracts.events import DomainEvent
from contracts.ids import PaymentIntentId, VendorId
from contracts.money import Currency
from contracts.payment_api import PaymentEvent
from contracts.router_api import OrderView, PayResult
from contracts.states import FailureReason, PaymentEventStatus, Rail
from kit.clock import FixedClock
from kit.db import Database
from kit.service import Service
from kit.settings import DEV_INTERNAL_KEY, load_settings
from kit.signing import KeyRing, sign_headers
from router import app as router_app
from router.catalog.models import catalog_items
from router.databases import Databases, ShopDatabase
from router.dedicated import Tenants
from router.events.models import outbox
from router.orders.fulfilling import OrderPayments
from router.orders.holds import HoldSweep
from router.payments.service import Outcome, Registry, apply_event, release_push
from router.stock.models import stock
from router.targets import Access
from router.vendors.models import vendor_capabilities, vendors
from router.vendors.service import Directory
from tests.support.databases import NewDatabase, seeing_all
from tests.support.rails import plant_rails_of

AMINA = "whatsapp:+254708374149"
BARAKA = "whatsapp:+254700000001"
HIDDEN = "whatsapp:KE.1234567890"
MAMA = VendorId("vendor-mama")
HOLD = timedelta(minutes=30)

BOT_SECRET = "b" * 32
_USUAL = ("commerce.catalog", "commerce.orders", "payments.mpesa_stk", "chat.handover")
_SECRETS = {
    name: letter * 32
    for name, letter in (
        ("DUKANI_KEY_BOT_ROUTER", "b"),
        ("DUKANI_KEY_ROUTER_ADAPTER", "r"),
        ("DUKANI_KEY_GRANT", "g"),
        ("DUKANI_KEY_EVENTS_ADAPTER_ROUTER", "a"),
        ("DUKANI_KEY_EVENTS_ROUTER_BOT", "e"),
        ("DUKANI_KEY_WEBHOOKS", "w"),
    )
}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        """The code of a refusal."""
        return self.body["code"]


@dataclass(slots=True)
class Counter:
    """One shop, Mama's, with what the test puts on its shelves. Every call is signed unless it says otherwise."""

    service: Service
    clock: FixedClock
    platform: Database
    db: Database
    """The shared ops database, as the application opens it."""
    databases: Databases
    directory: Directory
    payables: Registry
    _keys: Any = field(default_factory=count)
    _receipts: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def ops(self) -> ShopDatabase:
        """Mama's rows."""
        return self.of(MAMA)

    def of(self, vendor_id: str) -> ShopDatabase:
        """That shop's rows, wherever it lives."""
        return self.databases.ops(VendorId(vendor_id))

    # --- what is there -------------------------------------------------------------------------------------------

    def open_shop(self, vendor_id: str = MAMA, name: str = "Mama Njeri", **columns: Any) -> VendorId:
        """Its rails are ready, unless `is_ready=False`."""
        capabilities = columns.pop("capabilities", _USUAL)
        is_ready = columns.pop("is_ready", True)
        row = {"id": vendor_id, "name": name, "word": vendor_id.removeprefix("vendor-"), **columns}
        with self.platform.write() as tx:
            tx.execute(insert(vendors).values(**row))
            for capability in capabilities:
                tx.execute(insert(vendor_capabilities).values(vendor_id=vendor_id, capability=capability))
            if is_ready:
                plant_rails_of(tx, vendor_id, capabilities)
        return VendorId(vendor_id)

    def put(
        self, item_id: str, *, price: int = 100, on_hand: int | None = 10, vendor: str = MAMA, **columns: Any
    ) -> str:
        """An item at `price` whole shillings; `on_hand` None is not counted."""
        row = {
            "vendor_id": vendor,
            "id": item_id,
            "sku": item_id.upper(),
            "name": item_id.capitalize(),
            "price_minor": price * 100,
            "tracks_stock": on_hand is not None,
            **columns,
        }
        with self.platform.write() as tx:
            tx.execute(insert(catalog_items).values(**row))
        if on_hand is not None:
            with self.of(vendor).write() as tx:
                tx.execute(insert(stock).values(vendor_id=vendor, item_id=item_id, on_hand=on_hand))
        return item_id

    def rows(self, table: Table, database: Database | None = None) -> list[dict[str, Any]]:
        with seeing_all(database or self.db) as tx:
            return [dict(row) for row in tx.execute(select(table)).mappings()]

    def shelf(self, item_id: str) -> tuple[int, int]:
        """(on hand, reserved)"""
        row = next(row for row in self.rows(stock) if row["item_id"] == item_id)
        return row["on_hand"], row["reserved"]

    def news(self) -> list[str]:
        """Types of the events that were announced, in order."""
        return [row["type"] for row in sorted(self.rows(outbox), key=lambda row: row["seq"])]

    def announced(self) -> list[DomainEvent]:
        """Every event that was announced, in order."""
        rows = sorted(self.rows(outbox), key=lambda row: row["seq"])
        return [DomainEvent.model_validate_json(row["body"]) for row in rows]

    # --- asking --------------------------------------------------------------------------------------------------

    def send(
        self,
        method: str,
        path: str,
        raw: bytes = b"",
        *,
        vendor: str | None = MAMA,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        secret: str = BOT_SECRET,
    ) -> Answer:
        ring = KeyRing.parse(secret)
        signed = sign_headers(ring, self.clock.now(), method, path, raw, vendor=vendor, idempotency_key=key)
        if raw:
            signed["content-type"] = "application/json"
        return self.send_unsigned(method, path, raw, headers={**signed, **(headers or {})})

    def send_unsigned(
        self, method: str, path: str, raw: bytes = b"", *, headers: Mapping[str, str], peer: str = "127.0.0.1"
    ) -> Answer:
        response = self.service.app.test_client().open(
            path, method=method, data=raw, headers=dict(headers), environ_overrides={"REMOTE_ADDR": peer}
        )
        headers_sent = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, response.get_json(), headers_sent)

    def get(self, path: str, *, vendor: str | None = MAMA, **params: str) -> Answer:
        return self.send("GET", f"{path}?{urlencode(params)}" if params else path, vendor=vendor)

    def post(self, path: str, body: Mapping[str, Any], *, vendor: str | None = MAMA, key: str | None = None) -> Answer:
        return self.send("POST", path, json.dumps(body).encode(), vendor=vendor, key=key or f"key-{next(self._keys)}")

    def operator(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, peer: str = "127.0.0.1", **headers: str
    ) -> Answer:
        """With the development key; `x_vendor_id="…"` sends that header."""
        sent = {"x-internal-key": DEV_INTERNAL_KEY, **{name.replace("_", "-"): v for name, v in headers.items()}}
        raw = b"" if body is None else json.dumps(body).encode()
        if body is not None:
            sent["content-type"] = "application/json"
        return self.send_unsigned(method, path, raw, headers=sent, peer=peer)

    # --- what customers do -----------------------------------------------------------------------------------------

    def add(self, item_id: str, quantity: int = 1, *, who: str = AMINA, key: str | None = None) -> Answer:
        body = {"customer": {"address": who}, "item_id": item_id, "quantity": quantity}
        return self.post("/v1/cart/lines", body, key=key)

    def remove(self, line_no: int, *, who: str = AMINA) -> Answer:
        return self.post("/v1/cart/lines/remove", {"customer": {"address": who}, "line_no": line_no})

    def confirm(self, *, who: str = AMINA, key: str | None = None) -> Answer:
        return self.post("/v1/cart/confirm", {"customer": {"address": who}}, key=key)

    def cancel(self, code: str | None = None, *, who: str = AMINA) -> Answer:
        return self.post("/v1/orders/cancel", {"customer": {"address": who}, "code": code})

    def pay(self, code: str | None = None, *, who: str = AMINA, key: str | None = None, **more: Any) -> Answer:
        return self.post("/v1/orders/pay", {"customer": {"address": who}, "code": code, **more}, key=key)

    def cart(self, *, who: str = AMINA) -> dict[str, Any]:
        answer = self.get("/v1/cart", customer=who)
        assert answer.status == 200, answer
        return answer.body

    def confirmed(self, item_id: str, quantity: int = 1, *, who: str = AMINA) -> OrderView:
        assert self.add(item_id, quantity, who=who).status == 200
        answer = self.confirm(who=who)
        assert answer.status == 200, answer
        return OrderView.model_validate(answer.body)

    def started(self, code: str | None = None, *, who: str = AMINA) -> PayResult:
        answer = self.pay(code, who=who)
        assert answer.status == 200, answer
        return PayResult.model_validate(answer.body)

    def order(self, code: str, *, who: str = AMINA) -> OrderView:
        found = self.get("/v1/orders", customer=who).body["orders"]
        return OrderView.model_validate(next(order for order in found if order["code"] == code))

    # --- what follows ----------------------------------------------------------------------------------------------

    def pass_time(self, step: timedelta) -> None:
        """Move the clock, then do what the sweep of holds does by itself."""
        self.clock.advance(step)
        sweep = HoldSweep(self.databases, self.directory, self.clock)
        while sweep.turn():
            pass

    def hear(
        self,
        started: PayResult,
        status: PaymentEventStatus = PaymentEventStatus.PAID,
        *,
        transaction: str = "ws_CO_1",
        receipt: str | None = "",
        reason: FailureReason | None = None,
        vendor: str = MAMA,
    ) -> Outcome:
        """The payment adapter reports on this intent. By default each transaction has a receipt of its own."""
        if status is not PaymentEventStatus.PAID:
            receipt = None
        elif receipt == "":
            made = f"TKM{len(self._receipts):07}" if self._receipts else "TKL4H7XQ2P"
            receipt = self._receipts.setdefault(transaction, made)
        event = PaymentEvent(
            event_id=f"mpesa:{transaction}:{status}",
            provider="mpesa",
            rail=Rail.MPESA_STK,
            vendor_id=vendor,
            intent_id=PaymentIntentId(started.intent_id),
            status=status,
            reason=reason,
            amount_minor=started.order.total_minor,
            currency=Currency.KES,
            provider_transaction_id=transaction,
            receipt=receipt,
            payer_msisdn=started.payer_msisdn,
            occurred_at=self.clock.now(),
        )
        with self.of(vendor).write() as tx:
            outcome = apply_event(tx, event, self.payables, self.clock.now())
        if outcome.ended_intent is not None:
            with self.platform.write() as tx:
                release_push(tx, intent_id=outcome.ended_intent, now=self.clock.now())
        return outcome

    def set_item(self, item_id: str, **columns: Any) -> None:
        with self.platform.write() as tx:
            tx.execute(update(catalog_items).where(catalog_items.c.id == item_id).values(**columns))


def make_counter(new_database: NewDatabase, clock: FixedClock, folder: Path, **environ: str) -> Generator[Counter]:
    """The router on fresh databases, with Mama's shop open and its shelves empty."""
    platform, ops = new_database("platform"), new_database("ops")
    settings = load_settings(
        {
            "DUKANI_DATA_DIR": str(folder),
            "PLATFORM_DATABASE_URL": _url(platform),
            "OPS_DATABASE_URL": _url(ops),
            **_SECRETS,
            **environ,
        },
        dotenv=None,
    )
    service = router_app.create_service(settings, clock)
    directory = Directory(platform)
    tenants = Tenants(Access.of(settings, {}), ceiling=9)
    databases = Databases(platform, ops, directory, tenants)
    payables = Registry()
    payables.register("order", OrderPayments(directory))
    counter = Counter(service, clock, platform, ops, databases, directory, payables)
    counter.open_shop()
    try:
        yield counter
    finally:
        service.stop()
        tenants.close()


def _url(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)
