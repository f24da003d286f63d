"""The payment adapter's rooms put together for tests, with a provider that answers what the test says."""

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
from sqlalchemy import select, update

from contracts.money import Currency
from contracts.payment_api import GRANT_LIFETIME, ChargeGrant, NewCharge, PaymentEvent
from contracts.states import FailureReason, Rail
from kit.clock import FixedClock
from kit.db import Database
from kit.grants import sign_grant
from kit.owners import Owner
from kit.signing import KeyRing, sign_headers
from kit.web import make_app
from payment_adapter.callbacks import routes as callback_routes
from payment_adapter.callbacks.addresses import Addresses
from payment_adapter.callbacks.arrivals import Arrivals
from payment_adapter.callbacks.models import inbox
from payment_adapter.callbacks.service import Callbacks
from payment_adapter.callbacks.watch import Watch
from payment_adapter.charges import routes as charge_routes
from payment_adapter.charges.lanes import Lanes
from payment_adapter.charges.models import charges as charge_table
from payment_adapter.charges.models import outbox
from payment_adapter.charges.push import Pusher
from payment_adapter.charges.record import Charge
from payment_adapter.charges.rules import Confirm
from payment_adapter.charges.service import Charges, Wakes
from payment_adapter.providers.base import (
    Accepted,
    ChargeOrder,
    ChargeRef,
    Failure,
    NoAnswer,
    Notice,
    Outcome,
    Provider,
    Report,
)
from payment_adapter.providers.daraja import c2b
from payment_adapter.providers.daraja import callback as daraja_callback
from payment_adapter.providers.daraja.credentials import invented
from payment_adapter.reconcile.poll import Poller
from payment_adapter.vault.envelope import MasterKeys
from payment_adapter.vault.service import Credentials, Origin, Vault

PAYER = "254708374149"
VENDOR = "vendor-mama"
PUBLIC_URL = "http://127.0.0.1:3040"
CALLERS = KeyRing.parse("1:" + "c" * 32)
GRANTS = KeyRing.parse("1:" + "g" * 32)
MASTER = MasterKeys.parse("5e" * 32)

_FOLDERS = tempfile.TemporaryDirectory(prefix="pushes-")

PENDING = NoAnswer("nothing scripted")


def nothing() -> None:
    """A wake-up that nobody waits for."""


class ScriptedProvider:
    """A provider of the M-Pesa rail that answers from `outcomes` and `findings` (a function is called, an exception
    raised), accepts everything once they are used up (`answers` then says what a look-up finds), and reads callbacks
    as Daraja sends them."""

    name = "mpesa"
    rails = frozenset({Rail.MPESA_STK})

    def __init__(self) -> None:
        self.outcomes: list[Outcome | BaseException | Callable[[ChargeOrder], Outcome]] = []
        self.findings: list[Report | NoAnswer] = []
        self.answers: Callable[[str], Report | NoAnswer] = lambda _transaction_id: PENDING
        self.orders: list[ChargeOrder] = []
        self.credentials: list[Credentials] = []
        self.asked: list[str] = []

    def create_charge(self, order: ChargeOrder, credentials: Credentials) -> Outcome:
        self.orders.append(order)
        self.credentials.append(credentials)
        if not self.outcomes:
            return Accepted(f"ws_CO_{len(self.orders)}", f"merchant-{len(self.orders)}")
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome(order) if callable(outcome) else outcome

    def can_look_up(self, charge: ChargeRef) -> bool:
        return charge.transaction_id is not None

    def look_up(self, charge: ChargeRef, credentials: Credentials) -> Report | NoAnswer:
        self.asked.append(charge.transaction_id or "")
        return self.findings.pop(0) if self.findings else self.answers(charge.transaction_id or "")

    def read_callback(self, body: bytes, headers: Mapping[str, str]) -> Report:
        return daraja_callback.read(body)

    def read_notice(self, body: bytes, headers: Mapping[str, str], credentials: Credentials) -> Notice:
        return c2b.read_confirmation(body, credentials)

    def acknowledgement(self, *, is_kept: bool) -> Mapping[str, object]:
        return c2b.acknowledgement(is_kept=is_kept)

    def check_notice(self, body: bytes, headers: Mapping[str, str], credentials: Credentials) -> Mapping[str, object]:
        return c2b.answer_to_check(c2b.check(body, credentials))


@dataclass(slots=True, weakref_slot=True)
class Desk:
    """One process's worth of rooms over a payments database. `restart` gives the next life of that process."""

    db: Database
    clock: FixedClock
    provider: ScriptedProvider = field(default_factory=ScriptedProvider)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(dir=_FOLDERS.name)))
    """Desks that share it see each other live and die, as processes of one machine do."""
    max_body_bytes: int = 64 * 1024
    others: Sequence[Provider] = ()
    """Providers besides."""
    confirm: Mapping[str, Confirm] = field(default_factory=dict[str, Confirm])
    push_lanes: Lanes = field(default_factory=Lanes)
    poll_lanes: Lanes = field(default_factory=Lanes)
    applies_at_once: bool = True
    """Callbacks of charges are applied in the transaction that stores them, as in the process; else by `callbacks`."""

    owner: Owner = field(init=False)
    charges: Charges = field(init=False)
    vault: Vault = field(init=False)
    pusher: Pusher = field(init=False)
    poller: Poller = field(init=False)
    callbacks: Callbacks = field(init=False)
    addresses: Addresses = field(init=False)
    arrivals: Arrivals = field(init=False)
    watch: Watch = field(init=False)
    app: Flask = field(init=False)

    def __post_init__(self) -> None:
        self.owner = Owner(self.folder)
        weakref.finalize(self, self.owner.close)
        self.vault = Vault(MASTER)
        wakes = Wakes(nothing, nothing, nothing)
        self.charges = Charges(self.clock, [self.provider, *self.others], wakes, self.confirm)
        self.pusher = Pusher(
            self.db,
            self.charges,
            self.vault,
            self.clock,
            public_url=PUBLIC_URL,
            owner=self.owner,
            lanes=self.push_lanes,
        )
        self.poller = Poller(self.db, self.charges, self.vault, self.clock, self.poll_lanes)
        self.callbacks = Callbacks(self.db, self.charges, self.vault, self.clock)
        self.addresses = Addresses(self.vault, self.clock, PUBLIC_URL)
        apply = self.callbacks.apply_to if self.applies_at_once else None
        self.arrivals = Arrivals(self.db, self.charges, self.addresses, self.vault, self.clock, nothing, apply=apply)
        self.watch = Watch(self.clock)
        self.app = make_app("payment_adapter", max_body_bytes=self.max_body_bytes)
        charge_routes.add_routes(self.app, self.db, self.charges, self.clock, callers=CALLERS, grants=GRANTS)
        callback_routes.add_routes(self.app, self.db, self.arrivals, self.charges, self.watch)

    def restart(self) -> "Desk":
        """The next life of the process, which was killed: same database, provider and machine."""
        self.owner.close(leaves_work=True)
        return Desk(self.db, self.clock, self.provider, self.folder, others=self.others, confirm=self.confirm)

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def plant(self, vendor_id: str = VENDOR, provider: str = "mpesa", shortcode: str | None = None) -> None:
        with self.db.write() as tx:
            fields = invented(shortcode)
            self.vault.store(tx, vendor_id, provider, fields, origin=Origin.PLANTED, now=self.clock.now())

    def address(self, vendor_id: str = VENDOR, provider: str = "mpesa") -> str:
        """The secret that the shop's own address ends in."""
        with self.db.write() as tx:
            return self.addresses.get_or_make(tx, vendor_id, provider).reveal().rpartition("/")[2]

    def run_polls(self) -> None:
        while self.poller.turn():
            pass

    def grant(self, intent_id: str = "intent-1", **changes: Any) -> ChargeGrant:
        now = self.clock.now()
        wanted: dict[str, Any] = {
            "intent_id": intent_id,
            "request_id": "request-1",
            "vendor_id": VENDOR,
            "rail": Rail.MPESA_STK,
            "amount_minor": 45_000,
            "currency": Currency.KES,
            "payer_msisdn": PAYER,
            "account_reference": "K7M3QD",
            "description": "Mama Njeri",
            "issued_at": now,
            "expires_at": now + GRANT_LIFETIME,
        }
        return ChargeGrant(**{**wanted, **changes})

    def ask(self, grant: ChargeGrant, **changes: Any) -> Any:
        """POST /v1/charges as the bot does it; the response."""
        return self.ask_token(sign_grant(GRANTS, grant), key=changes.pop("key", grant.intent_id), **changes)

    def ask_token(
        self, token: str, *, key: str = "intent-1", vendor: str | None = None, ring: KeyRing = CALLERS
    ) -> Any:
        body = NewCharge(grant=token).model_dump_json().encode()
        headers = sign_headers(ring, self.clock.now(), "POST", "/v1/charges", body, vendor=vendor, idempotency_key=key)
        return self.client.post("/v1/charges", data=body, headers=headers, content_type="application/json")

    def push(self, intent_id: str = "intent-1", **changes: Any) -> str:
        """Open a charge and push it; the secret that its callback address ends in, if a push was made."""
        pushed_before = len(self.provider.orders)
        response = self.ask(self.grant(intent_id, **changes))
        assert response.status_code == 202, response.get_json()
        self.run_push()
        return self.secret() if len(self.provider.orders) > pushed_before else ""

    def run_push(self) -> None:
        while self.pusher.turn():
            pass

    def secret(self, number: int = -1) -> str:
        return self.provider.orders[number].callback_url.reveal().rpartition("/")[2]

    def call_back(self, secret: str, body: bytes | Mapping[str, Any], **headers: str) -> Any:
        """Store a callback and apply it; the response to it."""
        response = self.send(secret, body, **headers)
        self.run_callbacks()
        return response

    def send(self, secret: str, body: bytes | Mapping[str, Any], **headers: str) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.wait(milliseconds=1)  # so that the order of arrival can be seen
        return self.client.post(f"/callbacks/{secret}", data=raw, headers=headers, content_type="application/json")

    def run_callbacks(self) -> None:
        while self.callbacks.turn():
            pass

    def wait(self, **step: float) -> None:
        self.clock.advance(timedelta(**step))

    def charge(self, intent_id: str = "intent-1") -> Charge:
        with self.db.read() as tx:
            return Charge.of(tx.execute(select(charge_table).where(charge_table.c.intent_id == intent_id)).one())

    def count_charges(self) -> int:
        with self.db.read() as tx:
            return len(tx.execute(select(charge_table.c.charge_id)).all())

    def inbox(self) -> Sequence[Any]:
        with self.db.read() as tx:
            return tx.execute(select(inbox).order_by(inbox.c.received_at, inbox.c.callback_id)).all()

    def events(self) -> list[PaymentEvent]:
        """Everything announced so far, in order."""
        with self.db.read() as tx:
            rows = tx.execute(select(outbox).order_by(outbox.c.seq)).all()
        events = [PaymentEvent.model_validate_json(row.body) for row in rows]
        assert [row.event_id for row in rows] == [event.event_id for event in events]
        return events

    def told(self) -> list[str]:
        return [event.status.value for event in self.events()]

    def change_charge(self, **values: Any) -> None:
        """As another process or an earlier life would have left it."""
        with self.db.write() as tx:
            tx.execute(update(charge_table).values(**values))


def stk(code: int | str, *, id: str = "ws_CO_1", text: str = "text", items: Any = None) -> dict[str, Any]:  # noqa: A002
    """A callback as Daraja sends it. `items`: (name, value) pairs, or (name,) for an item without a value."""
    result: dict[str, Any] = {
        "MerchantRequestID": "merchant-1",
        "CheckoutRequestID": id,
        "ResultCode": code,
        "ResultDesc": text,
    }
    if items is not None:
        result["CallbackMetadata"] = {"Item": [dict(zip(("Name", "Value"), item, strict=False)) for item in items]}
    return {"Body": {"stkCallback": result}}


def stk_paid(amount: Any = 450, *, id: str = "ws_CO_1", receipt: str = "UF1E26WQJZ") -> dict[str, Any]:  # noqa: A002
    items = [
        ("Amount", amount),
        ("MpesaReceiptNumber", receipt),
        ("Balance",),
        ("TransactionDate", 20261120120030),
        ("PhoneNumber", int(PAYER)),
    ]
    return stk(0, id=id, text="The service request is processed successfully.", items=items)


def failure(reason: FailureReason = FailureReason.BUSY, **changes: Any) -> Failure:
    wanted: dict[str, Any] = {"may_retry": True, "code": "500.003.02", "detail": "System is busy."}
    return Failure(reason, **{**wanted, **changes})


def c2b_paid(
    amount: str = "450.00",
    *,
    receipt: str = "UF1E26WQJZ",
    account: str = "K7M3QD",
    shortcode: str = "174379",
    payer: str = "2547 ***** 149",
    at: str = "20261120120030",
) -> dict[str, Any]:
    """A confirmation as Daraja sends it, of money paid to the shop's till by hand."""
    return {
        "TransactionType": "Pay Bill",
        "TransID": receipt,
        "TransTime": at,
        "TransAmount": amount,
        "BusinessShortCode": shortcode,
        "BillRefNumber": account,
        "InvoiceNumber": "",
        "OrgAccountBalance": "1200.00",
        "ThirdPartyTransID": "",
        "MSISDN": payer,
        "FirstName": "AMINA",
        "MiddleName": "",
        "LastName": "OTIENO",
    }
