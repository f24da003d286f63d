"""The refunds room put together for tests, with a provider that answers what the test says and money to give back."""

import json
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from contracts.payment_api import RefundEvent, RefundStatus
from contracts.states import Rail
from kit.clock import FixedClock
from kit.db import Database
from kit.outbox import enqueue
from kit.owners import Owner
from kit.signing import KeyRing, sign_headers
from kit.web import make_app
from payment_adapter.charges.models import charges, outbox
from payment_adapter.providers.base import (
    ChargeOrder,
    ChargeRef,
    NoAnswer,
    Outcome,
    RefundAnswer,
    RefundOrder,
    RefundQuestion,
    RefundReport,
    Report,
    Unclear,
)
from payment_adapter.providers.daraja import callback, results, reversal
from payment_adapter.providers.daraja.credentials import invented
from payment_adapter.refunds import models, routes
from payment_adapter.refunds.ask import Asker
from payment_adapter.refunds.record import Refund
from payment_adapter.refunds.results import Results
from payment_adapter.refunds.send import Sender
from payment_adapter.refunds.service import Refunds, Wakes
from payment_adapter.vault.envelope import MasterKeys
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials, Origin, Vault
from tests.support.hand_payments import hand_payment

VENDOR = "vendor-mama"
PUBLIC_URL = "http://127.0.0.1:3040"
ROUTER = KeyRing.parse("1:" + "r" * 32)
MASTER = MasterKeys.parse("5e" * 32)
RECEIPT = "UF1E26WQJZ"
TAKEN = RefundAnswer(RefundStatus.PENDING, "conversation-1")

_FOLDERS = tempfile.TemporaryDirectory(prefix="refunds-")

Answer = RefundAnswer | BaseException | Callable[[RefundOrder], RefundAnswer]


def nothing() -> None:
    """A wake-up that nobody waits for."""


class ScriptedRefunder:
    """A provider of the M-Pesa rail that answers refunds from `answers` and questions from `findings`, takes everything
    once they are used up, and reads results as Daraja sends them."""

    name = "mpesa"
    rails = frozenset({Rail.MPESA_STK})

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.findings: list[RefundReport | NoAnswer] = []
        self.orders: list[RefundOrder] = []
        self.credentials: list[Credentials] = []
        self.questions: list[RefundQuestion] = []

    def create_charge(self, order: ChargeOrder, credentials: Credentials) -> Outcome:
        return Unclear("not asked for here")

    def can_look_up(self, charge: ChargeRef) -> bool:
        return False

    def look_up(self, charge: ChargeRef, credentials: Credentials) -> Report | NoAnswer:
        return NoAnswer("not asked for here")

    def read_callback(self, body: bytes, headers: Mapping[str, str]) -> Report:
        return callback.read(body)

    def refund(self, order: RefundOrder, credentials: Credentials) -> RefundAnswer:
        self.orders.append(order)
        self.credentials.append(credentials)
        if not self.answers:
            return RefundAnswer(RefundStatus.PENDING, f"conversation-{len(self.orders)}")
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer(order) if callable(answer) else answer

    def why_not_refund(self, charge: ChargeRef, amount: Any, credentials: Credentials) -> str | None:
        return reversal.why_not(charge, amount, credentials)

    def read_refund_result(self, body: bytes) -> RefundReport:
        return results.read_reversal(body)

    def ask_refund(self, question: RefundQuestion, credentials: Credentials) -> RefundReport | NoAnswer | None:
        self.questions.append(question)
        return self.findings.pop(0) if self.findings else None

    def read_refund_answer(self, body: bytes) -> RefundReport | NoAnswer:
        return results.read_status_of_reversal(body)


@dataclass(slots=True, weakref_slot=True)
class RefundDesk:
    """One process's worth of the refunds room over a payments database. `restart` gives the next life of it."""

    db: Database
    clock: FixedClock
    provider: ScriptedRefunder = field(default_factory=ScriptedRefunder)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(dir=_FOLDERS.name)))
    master: MasterKeys = MASTER

    owner: Owner = field(init=False)
    vault: Vault = field(init=False)
    refunds: Refunds = field(init=False)
    sender: Sender = field(init=False)
    asker: Asker = field(init=False)
    results: Results = field(init=False)
    strangers: list[None] = field(init=False, default_factory=list[None])
    app: Flask = field(init=False)

    def __post_init__(self) -> None:
        self.owner = Owner(self.folder)
        weakref.finalize(self, self.owner.close)
        self.vault = Vault(self.master)
        self.refunds = Refunds(self.clock, {"mpesa": self.provider}, self.vault, Wakes(nothing, nothing))
        self.sender = Sender(self.db, self.refunds, self.clock, public_url=PUBLIC_URL, owner=self.owner)
        self.asker = Asker(self.db, self.refunds, self.clock, public_url=PUBLIC_URL)
        self.results = Results(self.db, self.refunds, self.clock, nothing)
        self.app = make_app("payment_adapter")
        routes.add_routes(self.app, self.db, self.refunds, self.clock, callers=ROUTER)
        routes.add_result_routes(self.app, self.db, self.results, lambda: self.strangers.append(None))

    def restart(self) -> "RefundDesk":
        """The next life of the process, which was killed: same database, provider and machine."""
        self.owner.close(leaves_work=True)
        return RefundDesk(self.db, self.clock, self.provider, self.folder, self.master)

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    # --- what there is to give back from

    def plant(self, vendor_id: str = VENDOR, **more: str) -> None:
        """Settings with what refunds need."""
        given = {"initiator_name": "dukani", "security_credential": "QUJD" * 64, **more}
        changed = {**invented(), **{name: Secret(value) for name, value in given.items()}}
        fields = {name: value for name, value in changed.items() if value.reveal()}
        with self.db.write() as tx:
            self.vault.store(tx, vendor_id, "mpesa", fields, origin=Origin.VENDOR, now=self.clock.now())

    def pay(self, number: int = 1, *, vendor_id: str = VENDOR, **changes: Any) -> None:
        """A charge that was paid: KES 450 under the id ws_CO_<number>."""
        now = self.clock.now()
        row: dict[str, Any] = {
            "vendor_id": vendor_id,
            "charge_id": f"charge-{number}",
            "intent_id": f"intent-{number}",
            "request_id": f"request-{number}",
            "rail": "mpesa_stk",
            "provider": "mpesa",
            "amount_minor": 45_000,
            "currency": "KES",
            "payer_msisdn": "254708374149",
            "account_reference": "K7M3QD",
            "our_reference": f"OURSOURSOURS{number:03}",
            "description": "Mama Njeri",
            "grant_expires_at": now,
            "opened_as": "created",
            "created_at": now,
            "status": "paid",
            "updated_at": now,
            "claimed_at": now,
            "secret_hash": f"hash-{number}",
            "provider_transaction_id": f"ws_CO_{number}",
            "paid_amount_minor": 45_000,
            "receipt": RECEIPT if number == 1 else f"RECEIPT{number:03}",
            "paid_at": now,
        }
        with self.db.write() as tx:
            tx.execute(charges.insert().values(**{**row, **changes}))

    def pay_by_hand(self, receipt: str = "NLJ7RT61SV", amount_minor: int = 500, vendor_id: str = VENDOR) -> None:
        """Money that came unasked and was announced."""
        event = hand_payment(vendor_id, receipt, amount_minor, self.clock.now())
        with self.db.write() as tx:
            enqueue(
                tx,
                outbox,
                event_id=event.event_id,
                vendor_id=vendor_id,
                aggregate=event.event_id,
                type="payment.paid",
                body=event,
                now=self.clock.now(),
            )

    # --- what the router and the provider do

    def wish(self, refund_id: str = "refund-1", **changes: Any) -> dict[str, Any]:
        wanted: dict[str, Any] = {
            "refund_id": refund_id,
            "vendor_id": VENDOR,
            "provider": "mpesa",
            "provider_transaction_id": "ws_CO_1",
            "amount_minor": 45_000,
            "currency": "KES",
            "note": "Paid twice",
        }
        return {**wanted, **changes}

    def ask(self, refund_id: str = "refund-1", **changes: Any) -> Any:
        """POST /v1/refunds as the router does it; the response."""
        return self.post(self.wish(refund_id, **changes), key=refund_id)

    def post(
        self, wish: Mapping[str, Any], *, key: str = "refund-1", vendor: str | None = None, ring: KeyRing = ROUTER
    ) -> Any:
        body = json.dumps(wish).encode()
        headers = sign_headers(ring, self.clock.now(), "POST", "/v1/refunds", body, vendor=vendor, idempotency_key=key)
        return self.client.post("/v1/refunds", data=body, headers=headers, content_type="application/json")

    def send(self, refund_id: str = "refund-1", **changes: Any) -> str:
        """Ask for a refund and send it; the secret that its result is sent to."""
        response = self.ask(refund_id, **changes)
        assert response.status_code == 202, response.get_json()
        self.run()
        return self.secret()

    def secret(self, number: int = -1) -> str:
        return self.provider.orders[number].result_url.reveal().rpartition("/")[2]

    def run(self) -> None:
        """What waits to be sent, applied or asked now."""
        while any([self.sender.turn(), self.results.turn(), self.asker.turn()]):
            pass

    def tell(self, secret: str, body: bytes | Mapping[str, Any], suffix: str = "") -> Any:
        """Post a result and apply it; the response to it."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.wait(milliseconds=1)
        response = self.client.post(f"/callbacks/refunds/{secret}{suffix}", data=raw, content_type="application/json")
        while self.results.turn():
            pass
        return response

    def wait(self, **step: float) -> None:
        self.clock.advance(timedelta(**step))

    # --- what came of it

    def refund(self, refund_id: str = "refund-1") -> Refund:
        with self.db.read() as tx:
            return Refund.of(tx.execute(select(models.refunds).where(models.refunds.c.refund_id == refund_id)).one())

    def count(self) -> int:
        with self.db.read() as tx:
            return len(tx.execute(select(models.refunds.c.refund_id)).all())

    def gone_back(self, payment_id: str = "charge-1") -> int:
        """What has gone back of a payment, or may have."""
        with self.db.read() as tx:
            query = select(models.totals.c.refunded_minor).where(models.totals.c.payment_id == payment_id)
            return int(tx.execute(query).scalar() or 0)

    def inbox(self) -> Sequence[Any]:
        with self.db.read() as tx:
            query = select(models.results).order_by(models.results.c.received_at, models.results.c.result_id)
            return tx.execute(query).all()

    def events(self) -> list[RefundEvent]:
        """Every refund event that was announced, in order."""
        with self.db.read() as tx:
            rows = tx.execute(select(outbox).where(outbox.c.type.like("refund.%")).order_by(outbox.c.seq)).all()
        events = [RefundEvent.model_validate_json(row.body) for row in rows]
        assert [(row.event_id, row.type) for row in rows] == [(e.event_id, f"refund.{e.status}") for e in events]
        return events

    def told(self) -> list[str]:
        return [event.status.value for event in self.events()]


def result(code: int | str = 0, text: str = "text", *, conversation: str = "conversation-1", **parameters: Any) -> Any:
    """A reversal's result as Daraja posts it. `parameters`: what differs from the good one; None leaves one out."""
    given: dict[str, Any] = {"Amount": "450.00", "OriginalTransactionID": RECEIPT, "Charge": "0.00", **parameters}
    listed = [{"Key": key, "Value": value} for key, value in given.items() if value is not None]
    body: dict[str, Any] = {
        "ResultType": 0,
        "ResultCode": code,
        "ResultDesc": text,
        "OriginatorConversationID": conversation,
        "ConversationID": "AG_20261120_0001",
        "TransactionID": "UF2R00BACK",
        "ReferenceData": {"ReferenceItem": {"Key": "QueueTimeoutURL", "Value": f"{PUBLIC_URL}/callbacks/refunds/"}},
    }
    if str(code) == "0":
        body["ResultParameters"] = {"ResultParameter": listed}
    return {"Result": body}


def status_result(status: str = "Completed", code: int | str = 0, **parameters: Any) -> Any:
    """The answer to a transaction status query as Daraja posts it: a key twice, one without a value."""
    given: dict[str, Any] = {"TransactionStatus": status, "ReceiptNo": "UF2R00BACK", "Amount": 450, **parameters}
    listed: list[dict[str, Any]] = [
        {"Key": "DebitPartyName", "Value": "600000 - Mama Njeri"},
        {"Key": "DebitPartyName", "Value": "254708374149 - Njeri"},
        {"Key": "DebitPartyCharges"},
        *({"Key": key, "Value": value} for key, value in given.items() if value is not None),
    ]
    return {
        "Result": {
            "ResultType": 0,
            "ResultCode": code,
            "ResultDesc": "The service request is processed successfully.",
            "OriginatorConversationID": "question-1",
            "ConversationID": "AG_20261120_0002",
            "TransactionID": "UF2S000000",
            "ResultParameters": {"ResultParameter": listed},
            "ReferenceData": {"ReferenceItem": {"Key": "Occasion"}},
        }
    }
