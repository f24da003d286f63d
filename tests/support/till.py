"""A till for tests of the payment core: one shop, customers, and things to pay that honour the whole PayableHandler."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from threading import Lock
from typing import Any

from sqlalchemy import Column, Integer, MetaData, PrimaryKeyConstraint, Table, insert, select, text, update

from contracts.events import EventType, OrderNews
from contracts.ids import CustomerId, PaymentIntentId, VendorId
from contracts.money import Currency, Money
from contracts.payment_api import PaymentEvent
from contracts.router_api import OrderView
from contracts.states import (
    ExceptionKind,
    FailureReason,
    LedgerKind,
    OrderStatus,
    PaymentEventStatus,
    Rail,
    RequestStatus,
)
from kit.clock import FixedClock
from kit.columns import Code
from kit.db import Database, Tx
from kit.signing import KeyRing
from router.customers.models import customers
from router.databases import Databases, ShopDatabase
from router.events.models import outbox
from router.payments import models, service
from router.payments.service import CannotFulfil, Fulfilled, Outcome, Paid, Payable, Registry
from tests.support.databases import as_owner, seeing_all
from tests.support.homes import AllAt

VENDOR = VendorId("vendor-mama")
AMINA = CustomerId("customer-amina")
PHONE = "254708374149"
KIND = "order"
TIMEZONE = "Africa/Nairobi"
PRICE = Money.of_whole(450, Currency.KES)
GRANT_KEYS = KeyRing.parse("1:the-router-signs-grants-with-this-key")

things = Table(
    "things_for_sale",
    MetaData(),
    Column("vendor_id", Code, nullable=False),
    Column("id", Code, nullable=False),
    Column("status", Code, nullable=False),
    Column("stock", Integer, nullable=False),
    Column("times_paid", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("vendor_id", "id", name="things_for_sale_pk"),
    sqlite_strict=True,
)


class Stall:
    """A room that sells one thing per payable. `stock` 0 means that it can't be given any more."""

    def lock(self, tx: Tx, vendor_id: VendorId, payable_id: str) -> None:
        tx.execute(select(things.c.id).where(*_is(vendor_id, payable_id)).with_for_update())

    def find(self, tx: Tx, vendor_id: VendorId, reference: str) -> str | None:
        thing_id = reference.strip().upper().replace("CODE", "thing-")
        row = tx.execute(select(things.c.id).where(*_is(vendor_id, thing_id))).first()
        return None if row is None else row.id

    def on_paid(
        self, tx: Tx, vendor_id: VendorId, payable_id: str, paid: Paid, now: datetime
    ) -> Fulfilled | CannotFulfil:
        # Counted first, so that a refusal below has something to undo.
        tx.execute(update(things).where(*_is(vendor_id, payable_id)).values(times_paid=things.c.times_paid + 1))
        thing = tx.execute(select(things).where(*_is(vendor_id, payable_id))).one()
        if thing.status == OrderStatus.CANCELLED:
            return CannotFulfil(ExceptionKind.LATE)
        if thing.stock == 0:
            return CannotFulfil(ExceptionKind.NO_STOCK)
        tx.execute(
            update(things)
            .where(*_is(vendor_id, payable_id), things.c.status == OrderStatus.CONFIRMED)
            .values(status=OrderStatus.PAID, stock=things.c.stock - 1)
        )
        return Fulfilled(EventType.ORDER_PAID)

    def news(self, tx: Tx, vendor_id: VendorId, payable_id: str, now: datetime) -> OrderNews:
        thing = tx.execute(select(things).where(*_is(vendor_id, payable_id))).one()
        receipts = service.receipts(tx, vendor_id=vendor_id, payable_kind=KIND, payable_ids=[payable_id])
        return OrderNews(
            order=OrderView(
                order_id=payable_id,
                code="K7M4QX",
                status=OrderStatus(thing.status),
                currency=PRICE.currency,
                total_minor=PRICE.minor,
                lines=[],
                created_at=now,
                receipt=receipts.get(payable_id),
            ),
            customer_address=f"whatsapp:+{PHONE}",
            shop_name="Mama Njeri",
        )


def _is(vendor_id: str, thing_id: str) -> tuple[Any, Any]:
    return things.c.vendor_id == vendor_id, things.c.id == thing_id


@dataclass(slots=True)
class Till:
    """Does what the rooms around the payment core do, each step in the transactions that they would open."""

    db: Database
    """The shared ops database, as the application opens it."""
    open_platform: Callable[[], Database]
    """Opened when it is first used: most tests touch the ops database only, and a database takes time to make."""
    clock: FixedClock
    registry: Registry = field(default_factory=Registry)
    _platform: Database | None = None
    _opening: Lock = field(default_factory=Lock)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.registry.register(KIND, Stall())
        with as_owner(self.db) as tx:
            things.create(tx.conn, checkfirst=True)
            if tx.is_postgres:
                tx.execute(text(f"GRANT ALL ON {things.name} TO PUBLIC"))
        self.customer(AMINA)

    @property
    def ops(self) -> ShopDatabase:
        """Mama's rows."""
        return self.of(VENDOR)

    def of(self, vendor_id: str) -> ShopDatabase:
        return ShopDatabase(self.db, VendorId(vendor_id))

    @property
    def platform(self) -> Database:
        with self._opening:
            if self._platform is None:
                self._platform = self.open_platform()
            return self._platform

    @property
    def databases(self) -> Databases:
        return Databases(self.platform, self.db, AllAt())

    def customer(self, customer_id: CustomerId, vendor_id: VendorId = VENDOR) -> CustomerId:
        with self.of(vendor_id).write() as tx:
            tx.execute(
                insert(customers).values(
                    vendor_id=vendor_id,
                    id=customer_id,
                    channel_address=f"test:{customer_id}",
                    created_at=self.clock.now(),
                )
            )
        return customer_id

    def thing(
        self,
        *,
        amount: Money = PRICE,
        customer_id: CustomerId = AMINA,
        stock: int = 1,
        vendor_id: VendorId = VENDOR,
    ) -> Payable:
        """Something confirmed, with its payment request open."""
        number = next(self._numbers)
        payable = Payable(KIND, f"thing-{number}", customer_id, amount, f"CODE{number}", "Mama Njeri")
        with self.of(vendor_id).write() as tx:
            tx.execute(
                insert(things).values(vendor_id=vendor_id, id=payable.id, status=OrderStatus.CONFIRMED, stock=stock)
            )
            self.open(tx, payable, vendor_id)
        return payable

    def open(self, tx: Tx, payable: Payable, vendor_id: VendorId = VENDOR) -> str:
        now = self.clock.now()
        return service.open_request(
            tx, vendor_id=vendor_id, payable=payable, expires_at=now + timedelta(minutes=30), now=now
        )

    def intent_id(self) -> PaymentIntentId:
        return PaymentIntentId(f"intent-{next(self._numbers)}")

    def start(
        self,
        payable: Payable,
        *,
        intent_id: PaymentIntentId | None = None,
        payer: str | None = PHONE,
        rail: Rail = Rail.MPESA_STK,
        reserved_at: datetime | None = None,
        vendor_id: VendorId = VENDOR,
    ) -> PaymentIntentId:
        """Only the ops side of PAY. Raises Problem."""
        intent_id = intent_id or self.intent_id()
        with self.of(vendor_id).write() as tx:
            self.grant(tx, payable, intent_id, payer=payer, rail=rail, reserved_at=reserved_at, vendor_id=vendor_id)
        return intent_id

    def grant(
        self,
        tx: Tx,
        payable: Payable,
        intent_id: PaymentIntentId,
        *,
        payer: str | None = PHONE,
        rail: Rail = Rail.MPESA_STK,
        reserved_at: datetime | None = None,
        vendor_id: VendorId = VENDOR,
    ) -> str:
        tx.execute(select(customers.c.id).where(customers.c.id == payable.customer_id).with_for_update())
        self.registry.handler(KIND).lock(tx, vendor_id, payable.id)
        return service.start_intent(
            tx,
            ring=GRANT_KEYS,
            vendor_id=vendor_id,
            payable=payable,
            intent_id=intent_id,
            payer_msisdn=payer,
            rail=rail,
            reserved_at=reserved_at or self.clock.now(),
            timezone=TIMEZONE,
            billing_anchor_day=1,
            now=self.clock.now(),
        )

    def cancel(self, payable: Payable) -> bool:
        """What CANCEL ORDER does. Returns whether a prompt may still bring money."""
        with self.ops.write() as tx:
            self.registry.handler(KIND).lock(tx, VENDOR, payable.id)
            changed = tx.execute(
                update(things)
                .where(*_is(VENDOR, payable.id), things.c.status == OrderStatus.CONFIRMED)
                .values(status=OrderStatus.CANCELLED)
            )
            if changed.rowcount == 0:
                return False
            return self.close(tx, payable, RequestStatus.CANCELED).prompt

    def close(self, tx: Tx, payable: Payable, status: RequestStatus) -> service.StillOpen:
        return service.close_requests(
            tx, vendor_id=VENDOR, payable_kind=KIND, payable_id=payable.id, status=status, now=self.clock.now()
        )

    def apply(self, event: PaymentEvent) -> Outcome:
        with self.of(event.vendor_id).write() as tx:
            return service.apply_event(tx, event, self.registry, self.clock.now())

    def event(
        self,
        intent_id: str | None,
        status: PaymentEventStatus,
        *,
        amount: Money | None = PRICE,
        transaction: str | None = "",
        receipt: str | None = None,
        reason: FailureReason | None = None,
        may_retry: bool = False,
        event_id: str | None = None,
        vendor_id: str = VENDOR,
        rail: Rail | None = Rail.MPESA_STK,
    ) -> PaymentEvent:
        """By default the provider knows one transaction per intent, and an event id says (transaction, status)."""
        transaction = f"ws_{intent_id}" if transaction == "" else transaction
        return PaymentEvent(
            event_id=event_id or f"mpesa:{transaction}:{status}",
            provider="mpesa",
            rail=rail,
            vendor_id=vendor_id,
            intent_id=intent_id,
            status=status,
            reason=reason,
            may_retry=may_retry,
            amount_minor=None if amount is None else amount.minor,
            currency=None if amount is None else amount.currency,
            provider_transaction_id=transaction,
            receipt=receipt,
            payer_msisdn=PHONE,
            occurred_at=self.clock.now(),
        )

    def paid(self, intent_id: str | None, **details: Any) -> PaymentEvent:
        return self.event(intent_id, PaymentEventStatus.PAID, **details)

    def by_hand(self, reference: str | None, receipt: str = "UF1E26WQJZ", **details: Any) -> PaymentEvent:
        """Money that was paid to the till by hand, as M-Pesa's confirmation tells of it."""
        details = {"rail": None, "transaction": receipt, "event_id": f"mpesa-c2b:{receipt}", **details}
        event = self.event(None, PaymentEventStatus.PAID, receipt=receipt, **details)
        return event.model_copy(
            update={"account_reference": reference, "payer_msisdn": "2547 ***** 149", "payer_name": "Amina"}
        )

    def failed(self, intent_id: str, **details: Any) -> PaymentEvent:
        return self.event(intent_id, PaymentEventStatus.FAILED, **details)

    # What a person would look up.

    def request_status(self, payable: Payable) -> str:
        return self.request_statuses(payable)[-1]

    def request_statuses(self, payable: Payable) -> list[str]:
        table = models.payment_requests
        return self._column(select(table.c.status).where(table.c.payable_id == payable.id).order_by(table.c.ordinal))

    def intent_status(self, intent_id: str) -> str:
        table = models.payment_intents
        return self._column(select(table.c.status).where(table.c.id == intent_id))[0]

    def thing_status(self, payable: Payable) -> str:
        return self._column(select(things.c.status).where(things.c.id == payable.id))[0]

    def times_paid(self, payable: Payable) -> int:
        return self._column(select(things.c.times_paid).where(things.c.id == payable.id))[0]

    def ledger(self, kind: LedgerKind) -> list[int]:
        """Amounts in minor units, oldest first."""
        table = models.ledger_entries
        return self._column(select(table.c.amount_minor).where(table.c.kind == kind).order_by(table.c.recorded_at))

    def exceptions(self) -> list[str]:
        table = models.payment_exceptions
        return self._column(select(table.c.kind).order_by(table.c.created_at))

    def fulfilments(self) -> list[str]:
        return self._column(select(models.fulfilments.c.payable_id))

    def inbox(self, event: PaymentEvent) -> str:
        table = models.payment_event_inbox
        return self._column(select(table.c.status).where(table.c.event_id == event.event_id))[0]

    def news(self) -> list[str]:
        """Types of what was announced, in order."""
        return self._column(select(outbox.c.type).order_by(outbox.c.seq))

    def bodies(self) -> list[str]:
        return self._column(select(outbox.c.body).order_by(outbox.c.seq))

    def _column(self, statement: Any) -> list[Any]:
        with seeing_all(self.db) as tx:
            return list(tx.execute(statement).scalars())
