"""Two shops with one of everything, and everybody who might knock: for tests of who sees and changes what."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import MetaData, Table, select, update

from contracts.ids import VendorId
from contracts.states import PaymentEventStatus
from kit.db import Tx
from kit.signing import KeyRing, sign_headers
from router.databases import ops_metadata, platform_metadata
from router.operations import Audience, KeyScope, Operation
from router.reference.examples import EXAMPLES
from router.vendors.keys import make_key, revoke_key
from router.vendors.models import vendors
from tests.support.counter import AMINA, BOT_SECRET, HIDDEN, MAMA, Answer, Counter
from tests.support.databases import seeing_all
from tests.support.vendor_api import SHOP_SCOPES, VendorApi

NEIGHBOUR = VendorId("vendor-baraka")
_STRANGER = "254700000009"

_FROM_BOT: Mapping[str, tuple[dict[str, Any] | None, dict[str, str]]] = {
    "cart.show": (None, {"customer": AMINA}),
    "cart.add": ({"customer": {"address": AMINA}, "item_id": "kanari-milk", "quantity": 1}, {}),
    "cart.remove": ({"customer": {"address": AMINA}, "line_no": 1}, {}),
    "cart.confirm": ({"customer": {"address": AMINA}}, {}),
    "cart.fulfilment": ({"customer": {"address": AMINA}, "kind": "pickup"}, {}),
    "cart.note": ({"customer": {"address": AMINA}, "note": "Ring twice"}, {}),
    "cart.voucher": ({"customer": {"address": AMINA}, "code": None}, {}),
    "cart.schedule": ({"customer": {"address": AMINA}}, {}),
    "cart.reorder": ({"customer": {"address": AMINA}}, {}),
    "delivery.zones": (None, {}),
    "items.show": (None, {}),
    "categories.list": (None, {}),
    "orders.cancel": ({"customer": {"address": AMINA}}, {}),
    "orders.pay": ({"customer": {"address": AMINA}}, {}),
    "orders.history": (None, {"customer": AMINA}),
    "orders.other": (None, {"customer": f"whatsapp:+{_STRANGER}", "code": "KANARI"}),
    "items.list": (None, {}),
    "items.look_up": (None, {"queries": "milk\nbread"}),
    "shops.find": (None, {}),
    "shops.show": (None, {}),
    "chat.ask": ({"customer": {"address": AMINA}}, {}),
    "chat.return": ({"customer": {"address": AMINA}}, {}),
    "chat.report": ({"statuses": [{"message_id": "out:1", "status": "sent", "at": "2026-11-21T00:00:00Z"}]}, {}),
    "chat.report_undelivered": (
        {
            "messages": [
                {
                    "message_id": "out:1",
                    "customer": {"address": AMINA},
                    "author": "bot",
                    "at": "2026-11-21T00:00:00Z",
                    "status": "held",
                }
            ]
        },
        {},
    ),
    "alerts.join": ({"customer": {"address": AMINA}, "code": "KANARI"}, {}),
    "alerts.leave": ({"customer": {"address": AMINA}}, {}),
    "payments.receipts.name": ({"customer": {"address": AMINA}, "receipt": "QKA81LDM42"}, {}),
    "usage.report_messages": ({"messages": [{"message_id": "SM1", "sent_at": "2026-11-21T00:00:00Z"}]}, {}),
    "payments.events.take": ({}, {}),
    "payments.refund_events.take": ({}, {}),
    "rails.events.take": ({}, {}),
}
"""Body and query of what our own processes ask. What people ask stands in the reference."""

_REMOVES_LAST = ("webhooks.remove", "keys.revoke", "platform_keys.revoke", "vendors.suspend", "vendors.resume")


def is_known(operation: Operation) -> bool:
    """Whether there is a request to send for it."""
    return operation.name in _FROM_BOT or operation.name in EXAMPLES


def in_turn(operations: list[Operation]) -> list[Operation]:
    """What takes something away comes last, so that the others still find it."""
    return sorted(operations, key=lambda each: (each.name in _REMOVES_LAST, _rank(each.name), each.name))


def _rank(name: str) -> int:
    return _REMOVES_LAST.index(name) if name in _REMOVES_LAST else 0


@dataclass(frozen=True, slots=True)
class Request:
    """Of one operation, about Mama's things."""

    operation: Operation
    path: str
    body: bytes

    @property
    def method(self) -> str:
        return self.operation.method


@dataclass(slots=True)
class Neighbours:
    """Mama, whose things are watched, and Baraka next door."""

    counter: Counter
    things: dict[str, str] = field(default_factory=dict[str, str])
    """Mama's, by the name that a path gives them."""
    secrets: set[str] = field(default_factory=set[str])
    """What of Mama's nobody else may read."""
    _keys: Any = field(default_factory=count)

    # --- requests ------------------------------------------------------------------------------------------------

    def request(self, operation: Operation) -> Request:
        """A good request for it. Raises KeyError for a path that speaks of something Mama has none of: add it."""
        if operation.name in _FROM_BOT:
            body, query = _FROM_BOT[operation.name]
        else:
            body, query = EXAMPLES[operation.name].body, {}
        if operation.name == "vendor.orders.create":
            body = {"customer_phone": _STRANGER, "amount_minor": 3000}
        path = operation.path
        for name in operation.parameters or _parameters(path):
            thing = "platform_key_id" if operation.name.startswith("platform_keys.") else name
            path = path.replace(f"<{name}>", self.things[thing])
        target = f"{path}?{urlencode(query)}" if query else path
        return Request(operation, target, b"" if body is None else json.dumps(body).encode())

    def knock(self, request: Request, headers: Mapping[str, str], *, peer: str = "127.0.0.1") -> Answer:
        sent = {"idempotency-key": f"knock-{next(self._keys)}", **headers}
        if request.body:
            sent["content-type"] = "application/json"
        return self.counter.send_unsigned(request.method, request.path, request.body, headers=sent, peer=peer)

    def signed(self, request: Request, vendor: str | None) -> dict[str, str]:
        """What our own bot would send for this shop."""
        ring, key = KeyRing.parse(BOT_SECRET), f"signed-{next(self._keys)}"
        now, method = self.counter.clock.now(), request.method
        return sign_headers(ring, now, method, request.path, request.body, vendor=vendor, idempotency_key=key)

    def key(
        self,
        scopes: frozenset[KeyScope] = SHOP_SCOPES,
        vendor: VendorId | None = MAMA,
        *,
        lasts: timedelta | None = None,
        is_revoked: bool = False,
    ) -> dict[str, str]:
        """The header of a new key."""
        now = self.counter.clock.now()
        ends = None if lasts is None else now + lasts
        with self.counter.platform.write() as tx:
            view, token = make_key(tx, vendor, "knocks", scopes, now, by="operator", expires_at=ends)
            if is_revoked:
                revoke_key(tx, vendor, view.id, now, by="operator")
        return {"authorization": f"Bearer {token}"}

    # --- what is there -------------------------------------------------------------------------------------------

    def everything(self) -> dict[str, list[str]]:
        """Every row of both databases, by table."""
        with self.counter.platform.read() as tx:
            found = _rows(tx, platform_metadata)
        with seeing_all(self.counter.db) as tx:
            found |= _rows(tx, ops_metadata)
        return {table: sorted(map(_line, rows)) for table, rows in found.items()}

    def mamas(self) -> dict[str, list[str]]:
        """Every row that is Mama's, by table."""
        with self.counter.platform.read() as tx:
            found = _rows(tx, platform_metadata)
        with seeing_all(self.counter.db) as tx:
            found |= _rows(tx, ops_metadata)
        return {
            table: sorted(_line(row) for row in rows if MAMA in (row.get("vendor_id"), row.get("id"), row.get("scope")))
            for table, rows in found.items()
        }

    def leaks(self, request: Request, answer: Answer) -> list[str]:
        """What of Mama's stands in this answer and was not in the question."""
        shown = json.dumps(answer.body, ensure_ascii=False) + str(dict(answer.headers))
        asked = request.path + request.body.decode()
        return sorted(secret for secret in self.secrets if secret in shown and secret not in asked)


def neighbours(counter: Counter) -> Neighbours:
    """Both shops, with orders, payments, exceptions, keys, webhooks and usage at Mama's, and little at Baraka's."""
    world = Neighbours(counter)
    with counter.platform.write() as tx:
        tx.execute(update(vendors).where(vendors.c.id == MAMA).values(name="Kanari Groceries", word="kanari"))
    counter.open_shop(NEIGHBOUR, "Baraka Kitchen")
    counter.put("kanari-milk", on_hand=100)
    counter.put("chapati", vendor=NEIGHBOUR, on_hand=None)
    api = VendorApi(counter, world.key()["authorization"].removeprefix("Bearer "))
    order = counter.confirmed("kanari-milk")
    started = counter.started()
    counter.hear(started, PaymentEventStatus.PAID, receipt="KANARI7XQ2")
    counter.confirmed("kanari-milk", who=HIDDEN)
    counter.confirmed("kanari-milk")
    late = counter.started()
    counter.cancel()
    counter.hear(late, PaymentEventStatus.PAID, transaction="ws_CO_late", receipt="KANARI7XQ3")
    counter.add("kanari-milk")
    endpoint = api.post("/api/v1/webhooks", {"url": "https://kanari.example.com/in", "description": "kanari"}).body[
        "id"
    ]
    counter.post("/v1/chat/handover", {"customer": {"address": HIDDEN}, "about": "kanari"})
    invited = api.post("/api/v1/alerts/invitations", {}).body["code"]
    counter.post("/v1/chat/alerts", {"customer": {"address": HIDDEN}, "code": invited})
    world.things |= {
        "vendor_id": MAMA,
        "recipient_id": api.get("/api/v1/alerts").body["recipients"][0]["recipient_id"],
        "conversation_id": api.get("/api/v1/conversations").body["conversations"][0]["conversation_id"],
        "capability": "commerce.catalog",
        "item_id": "kanari-milk",
        "zone_id": api.post("/api/v1/delivery-zones", {"name": "Kanari road", "fee_minor": 10000}).body["zone_id"],
        "voucher_id": api.post("/api/v1/vouchers", {"code": "KANARI1", "percent": 5}).body["voucher_id"],
        "order_id": order.order_id,
        "payment_id": started.intent_id,
        "exception_id": api.get("/api/v1/exceptions").body["exceptions"][0]["exception_id"],
        "transaction_id": (money := api.get("/api/v1/transactions").body["transactions"][0]["transaction_id"]),
        "refund_id": api.post(f"/api/v1/transactions/{money}/refund", {"amount_minor": 100, "note": "kanari"}).body[
            "refund_id"
        ],
        "event_id": api.get("/api/v1/events").body["events"][0]["event_id"],
        "endpoint_id": endpoint,
        "delivery_id": api.post(f"/api/v1/webhooks/{endpoint}/ping", {}).body["id"],
        "key_id": world.key()["authorization"].split("_")[1],
        "platform_key_id": world.key(frozenset({KeyScope.PLATFORM}), None)["authorization"].split("_")[1],
    }
    world.secrets |= set(world.things.values()) - {"commerce.catalog"}
    world.secrets |= {order.code, AMINA.removeprefix("whatsapp:+"), HIDDEN, "anari", "ws_CO_late"}
    world.secrets |= {"KANARI7XQ2", "KANARI7XQ3"}
    return world


def served(counter: Counter) -> list[Operation]:
    """What is declared and served, but for what anybody may read."""
    from router.reference.document import operations_of

    return in_turn([each for each in operations_of(counter.service.app) if Audience.ANYONE not in each.callers])


def _parameters(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("<")]


def _rows(tx: Tx, metadata: MetaData) -> dict[str, list[dict[str, Any]]]:
    return {table.name: [dict(row) for row in tx.execute(select(table)).mappings()] for table in _tables(metadata)}


def _tables(metadata: MetaData) -> list[Table]:
    return list(metadata.tables.values())


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, default=str, sort_keys=True)
