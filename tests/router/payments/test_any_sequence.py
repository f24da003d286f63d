"""Whatever happens in whatever order, one payable is paid at most once and every shilling is explained."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from sqlalchemy import Select, select

from contracts.ids import CustomerId, PaymentIntentId
from contracts.money import Money
from contracts.states import LedgerKind, OrderStatus, PaymentEventStatus, RequestStatus
from kit.db import Tx
from kit.problems import Problem
from router.events.models import outbox
from router.payments import models
from router.payments.apply import expire_unsent
from router.payments.models import Effect
from router.payments.service import Payable
from tests.support.any_runs import run_on
from tests.support.till import KIND, PRICE, VENDOR, Till, things

WRONG_AMOUNTS = st.sampled_from([Money(PRICE.minor - 1, PRICE.currency), Money(PRICE.minor + 1, PRICE.currency)])
OTHER_NEWS = st.sampled_from(sorted(set(PaymentEventStatus) - {PaymentEventStatus.PAID}))
WAITS = st.sampled_from([timedelta(seconds=5), timedelta(minutes=11), timedelta(days=1)])
WHAT_HAPPENS = (
    *("money", "money", "other money", "no money", "no money"),
    *("money", "pay", "pay", "wait", "wait", "expire", "open again", "silence", "cancel"),
)


class Purchases(RuleBasedStateMachine):
    """One thing, several tries, and events about any of them in any order. `till` is set by the test."""

    till: Till
    thing: Payable

    def __init__(self) -> None:
        super().__init__()
        self.intents: list[PaymentIntentId] = []
        self.money: set[str] = set()
        """Provider transactions that were reported as paid."""
        self.events = 0

    @initialize(stock=st.sampled_from([2, 1, 1, 0]))
    def sell(self, stock: int) -> None:
        # Many runs share one database, and each looks only at its own thing.
        customer = self.till.customer(CustomerId(f"customer-of-{self.till.intent_id()}"))
        self.thing = self.till.thing(customer_id=customer, stock=stock)
        self.intents.append(self.till.start(self.thing))

    # One rule, since whole rules are left out of a run now and then, and a run without money shows nothing.
    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        match data.draw(st.sampled_from(WHAT_HAPPENS), label="what"):
            case "money":
                self._hear(data, PaymentEventStatus.PAID, PRICE)
            case "other money":
                self._hear(data, PaymentEventStatus.PAID, data.draw(WRONG_AMOUNTS))
            case "no money":
                self._hear(data, data.draw(OTHER_NEWS), None)
            case "pay":
                self._pay()
            case "wait":
                self.till.clock.advance(data.draw(WAITS))
            case "cancel":
                self.till.cancel(self.thing)
            case "expire":
                self._close()
            case "open again":
                self._open_again()
            case _:
                self._give_up(data.draw(st.sampled_from(self.intents)))

    def _hear(self, data: st.DataObject, status: PaymentEventStatus, amount: Money | None) -> None:
        intent = data.draw(st.sampled_from(self.intents), label="intent")
        transaction = data.draw(st.sampled_from([f"ws_{intent}", f"ws_{intent}_again"]), label="transaction")
        is_repeat = data.draw(st.booleans(), label="the same event id as before")
        self.events += 1
        event_id = f"{transaction}:{status}" if is_repeat else f"{transaction}:{status}:{self.events}"
        receipt = data.draw(st.sampled_from([None, f"R-{transaction}"]), label="receipt")
        self.till.apply(
            self.till.event(intent, status, amount=amount, transaction=transaction, event_id=event_id, receipt=receipt)
        )
        if status is PaymentEventStatus.PAID:
            self.money.add(transaction)

    def _pay(self) -> None:
        try:
            self.intents.append(self.till.start(self.thing))
        except Problem:
            return

    def _close(self) -> None:
        with self.till.ops.write() as tx:
            self.till.close(tx, self.thing, RequestStatus.EXPIRED)

    def _open_again(self) -> None:
        if self.till.thing_status(self.thing) != OrderStatus.CONFIRMED:
            return
        with self.till.ops.write() as tx:
            self.till.open(tx, self.thing)

    def _give_up(self, intent: PaymentIntentId) -> None:
        with self.till.ops.write() as tx:
            expire_unsent(tx, self.till.registry, vendor_id=VENDOR, intent_id=intent, now=self.till.clock.now())

    @invariant()
    def it_is_paid_at_most_once_and_all_money_is_explained(self) -> None:
        with self.till.ops.read() as tx:
            seen = _Seen.of(tx, self.thing)
        assert seen.times_paid == (seen.status == OrderStatus.PAID)
        assert seen.fulfilments == seen.times_paid
        assert seen.requests.count("paid") == seen.times_paid
        assert seen.paid == [PRICE.minor] * seen.times_paid
        assert len(seen.effects) == len(self.money)
        assert [amount for effect, amount in seen.effects if effect == Effect.APPLIED] == seen.paid
        assert seen.exceptions == seen.credited == len(self.money) - seen.times_paid
        assert sum(status in ("created", "provider_pending") for status in seen.intents) <= 1
        assert sum(status in ("pending", "failed") for status in seen.requests) <= 1
        assert seen.news.count("order.paid") == seen.times_paid
        assert seen.news.count("payment.exception") == seen.exceptions

    def teardown(self) -> None:
        for intent in self.intents:
            if self.money & {f"ws_{intent}", f"ws_{intent}_again"}:
                assert self.till.intent_status(intent) == "succeeded"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the tables say of one thing."""

    status: str
    times_paid: int
    requests: list[str]
    intents: list[str]
    effects: list[tuple[str, int]]
    """What each provider transaction did, if anything, and its amount."""
    exceptions: int
    fulfilments: int
    paid: list[int]
    credited: int
    news: list[str]

    @classmethod
    def of(cls, tx: Tx, thing: Payable) -> Self:
        def column(statement: Select[Any]) -> list[Any]:
            return list(tx.execute(statement).scalars())

        requests, intents = models.payment_requests.c, models.payment_intents.c
        transactions, queue = models.provider_transactions.c, models.payment_exceptions.c
        ledger = models.ledger_entries.c
        mine = select(requests.id).where(requests.payable_id == thing.id)
        own = tx.execute(select(things).where(things.c.id == thing.id)).one()
        entries = tx.execute(select(ledger.kind, ledger.amount_minor).where(ledger.request_id.in_(mine))).all()
        effects = tx.execute(
            select(transactions.effect, transactions.amount_minor).where(
                transactions.effect.is_not(None), transactions.request_id.in_(mine)
            )
        )
        return cls(
            status=own.status,
            times_paid=own.times_paid,
            requests=column(select(requests.status).where(requests.payable_id == thing.id)),
            intents=column(select(intents.status).where(intents.request_id.in_(mine))),
            effects=[(row.effect, row.amount_minor) for row in effects],
            exceptions=len(column(select(queue.id).where(queue.request_id.in_(mine)))),
            fulfilments=len(
                column(select(models.fulfilments.c.action).where(models.fulfilments.c.payable_id == thing.id))
            ),
            paid=[entry.amount_minor for entry in entries if entry.kind == LedgerKind.PAID],
            credited=sum(entry.kind == LedgerKind.CREDITED for entry in entries),
            news=column(select(outbox.c.type).where(outbox.c.aggregate == f"{KIND}:{thing.id}")),
        )


def test_any_sequence_of_events_pays_at_most_once_and_explains_all_money(quick_till: Till) -> None:
    run_on(quick_till, Purchases, examples=60, steps=25)


@pytest.mark.proof
def test_very_many_sequences_pay_at_most_once_and_explain_all_money(quick_till: Till) -> None:
    run_on(quick_till, Purchases, examples=300, steps=50)
