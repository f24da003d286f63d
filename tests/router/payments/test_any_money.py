"""Whatever is paid, by prompt or by hand, told in whatever order and however often, decided or given back: an order is
paid once, money is counted once, and no more goes back than came.

What is true is known here: payments that were really made, each with its receipt, and the reports of them. The order
in which those arrive, what is left out and what is repeated is Hypothesis's."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Row, select

from contracts.ids import CustomerId
from contracts.money import Money
from contracts.payment_api import PaymentEvent, RefundStatus
from contracts.states import LedgerKind, OrderStatus
from kit.problems import Problem
from router.payments import decisions, models, refunds
from router.payments.models import Effect
from router.payments.refund_models import payment_refunds
from tests.support.any_runs import run_on
from tests.support.till import KIND, PRICE, VENDOR, Till, things

DELTAS = st.sampled_from([0, 0, 0, 0, -100, 100])
HAPPENS = (
    *("prompt", "by hand", "by hand unnamed", "report", "report", "report", "report", "repeat"),
    *("cancel", "note", "attach", "refund", "refund", "refund ends", "refund ends"),
)


@dataclass(slots=True)
class Payment:
    """Money that really moved, and how it will be, or was, reported."""

    receipt: str
    reports: list[PaymentEvent]
    told: list[PaymentEvent] = field(default_factory=list[PaymentEvent])


class AnyMoney(RuleBasedStateMachine):
    """One thing, its payments, and one other thing that wrong money may be attached to. `till` is set by the test."""

    till: Till

    def __init__(self) -> None:
        super().__init__()
        self.payments: list[Payment] = []
        self.refunds: list[str] = []
        self.was_decided = False
        """Somebody decided about money: what is found out later can't undo that."""

    @initialize(stock=st.sampled_from([3, 1, 0]), has_attentive_shop=st.booleans())
    def sell(self, stock: int, *, has_attentive_shop: bool) -> None:
        self.happens = HAPPENS if has_attentive_shop else HAPPENS[: HAPPENS.index("note")]
        customer = self.till.customer(CustomerId(f"customer-of-{self.till.intent_id()}"))
        self.things = [
            self.till.thing(customer_id=customer, stock=stock),
            self.till.thing(customer_id=customer, stock=1),
        ]

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        match data.draw(st.sampled_from(self.happens), label="what"):
            case "prompt":
                self._prompt(data)
            case "by hand":
                self._by_hand(data, self.things[0].reference)
            case "by hand unnamed":
                self._by_hand(data, None)
            case "report":
                self._report(data)
            case "repeat":
                self._repeat(data)
            case "cancel":
                self.till.cancel(self.things[0])
            case "refund":
                self._refund(data)
            case "refund ends":
                self._refund_ends(data)
            case decision:
                self._decide(data, decision)

    def _prompt(self, data: st.DataObject) -> None:
        """The customer answers it at once; the reports of it may come much later, or never."""
        try:
            intent = self.till.start(self.things[0])
        except Problem:
            return
        receipt = f"P{intent}"
        confirmed = data.draw(
            st.sampled_from([self.things[0].reference, None]), label="what the till's own report names"
        )
        reports = [  # the most telling first: what is simple is drawn most often
            self.till.paid(intent, event_id=f"mpesa:looked-up:{intent}"),
            self.till.by_hand(confirmed, receipt),
            self.till.paid(intent, receipt=receipt),
        ]
        self.payments.append(Payment(receipt, reports))

    def _by_hand(self, data: st.DataObject, reference: str | None) -> None:
        receipt = f"H{self.till.intent_id()}"
        amount = Money(PRICE.minor + data.draw(DELTAS, label="too much"), PRICE.currency)
        self.payments.append(Payment(receipt, [self.till.by_hand(reference, receipt, amount=amount)]))

    def _report(self, data: st.DataObject) -> None:
        waiting = [payment for payment in self.payments if payment.reports]
        if not waiting:
            return
        payment = waiting[data.draw(st.integers(0, len(waiting) - 1), label="whose money")]
        report = payment.reports.pop(data.draw(st.integers(0, len(payment.reports) - 1), label="which report"))
        payment.told.append(report)
        self.till.apply(report)

    def _repeat(self, data: st.DataObject) -> None:
        told = [report for payment in self.payments for report in payment.told]
        if told:
            report = told[data.draw(st.integers(0, len(told) - 1), label="again")]
            is_same_id = data.draw(st.booleans(), label="under the same id")
            again = report if is_same_id else report.model_copy(update={"event_id": f"again:{self.till.intent_id()}"})
            self.till.apply(again)

    def _decide(self, data: st.DataObject, decision: str) -> None:
        e = models.payment_exceptions.c
        with self.till.ops.read() as tx:
            rows = tx.execute(select(e.transaction_id, e.id).where(e.transaction_id.in_(self._mine()))).all()
        of_transaction = {row.transaction_id: row.id for row in rows}
        mine = [of_transaction[each] for each in self._mine() if each in of_transaction]
        if not mine:
            return
        self.was_decided = True
        exception_id, now = mine[data.draw(st.integers(0, len(mine) - 1))], self.till.clock.now()
        try:
            with self.till.ops.write() as tx:
                if decision == "note":
                    decisions.note(tx, VENDOR, exception_id, text="dealt with", by="key-1", now=now)
                else:
                    payable = (KIND, self.things[data.draw(st.integers(0, 1))].id)
                    decisions.attach(tx, self.till.registry, VENDOR, exception_id, payable=payable, by="key-1", now=now)
        except Problem:
            return

    def _refund(self, data: st.DataObject) -> None:
        mine = self._mine()
        if not mine:
            return
        refund_id = f"refund-{self.till.intent_id()}"
        try:
            with self.till.ops.write() as tx:
                refunds.ask(
                    tx,
                    VENDOR,
                    refund_id=refund_id,
                    transaction_id=mine[data.draw(st.integers(0, len(mine) - 1))],
                    amount_minor=data.draw(st.sampled_from([None, 20_000, PRICE.minor])),
                    note="back",
                    by="key-1",
                    now=self.till.clock.now(),
                )
        except Problem:
            return
        self.refunds.append(refund_id)
        self.was_decided = True

    def _refund_ends(self, data: st.DataObject) -> None:
        if not self.refunds:
            return
        refund_id = self.refunds[data.draw(st.integers(0, len(self.refunds) - 1))]
        status = data.draw(st.sampled_from(list(RefundStatus)))
        with self.till.ops.write() as tx:
            refunds.record_outcome(tx, self.till.registry, VENDOR, refund_id, status, self.till.clock.now())

    def _mine(self) -> list[str]:
        """Ids of this run's transactions: many runs share one database. In an order that every run of the same steps
        has, whatever the ids are."""
        places: dict[str | None, int] = {}
        for place, payment in enumerate(self.payments):
            places |= {payment.receipt: place} | {report.intent_id: place for report in payment.told}
        places.pop(None, None)
        t = models.provider_transactions.c
        with self.till.ops.read() as tx:
            named = t.receipt.in_(places) | t.intent_id.in_(places)
            found = tx.execute(select(t.id, t.receipt, t.intent_id).where(named)).all()
        in_order = sorted(
            (places.get(row.intent_id, places.get(row.receipt, 0)), row.intent_id is None, row.id) for row in found
        )
        return [transaction_id for _, _, transaction_id in in_order]

    @invariant()
    def money_is_counted_once_and_never_more_goes_back(self) -> None:
        mine = self._mine()
        with self.till.ops.read() as tx:
            t, ledger, e, r = (
                models.provider_transactions.c,
                models.ledger_entries.c,
                models.payment_exceptions.c,
                payment_refunds.c,
            )
            money = tx.execute(select(models.provider_transactions).where(t.id.in_(mine))).all()
            entries = tx.execute(select(models.ledger_entries).where(ledger.transaction_id.in_(mine))).all()
            queue = tx.execute(select(models.payment_exceptions).where(e.transaction_id.in_(mine))).all()
            given = tx.execute(select(payment_refunds).where(r.transaction_id.in_(mine))).all()
            sold = tx.execute(select(things).where(things.c.id.in_([thing.id for thing in self.things]))).all()
        self._orders_are_paid_once(sold, entries)
        for each in money:
            came = each.amount_minor if each.effect in (Effect.APPLIED, Effect.EXCEPTION) else 0
            its = [refund for refund in given if refund.transaction_id == each.id]
            asked = sum(refund.amount_minor for refund in its if refund.status != RefundStatus.FAILED)
            went = sum(refund.amount_minor for refund in its if refund.status == RefundStatus.DONE)
            assert each.refunded_minor == asked <= came
            booked = sum(entry.amount_minor for entry in entries if entry.transaction_id == each.id)
            assert booked == came - went  # the group of a payment: what came and did not go back
        assert len({row.transaction_id for row in queue}) == len(queue)
        open_ones = {row.transaction_id for row in queue if row.status != "resolved"}
        assert open_ones <= {each.id for each in money if each.effect == Effect.EXCEPTION}
        receipts = [
            each.receipt for each in money if each.receipt and each.effect in (Effect.APPLIED, Effect.EXCEPTION)
        ]
        assert len(set(receipts)) == len(receipts)
        assert not [each for each in money if each.effect is None]

    def _orders_are_paid_once(self, sold: Sequence[Row[Any]], entries: Sequence[Row[Any]]) -> None:
        for thing in sold:
            assert thing.times_paid == (thing.status == OrderStatus.PAID)
        paid = [entry.amount_minor for entry in entries if entry.kind == LedgerKind.PAID]
        assert paid == [PRICE.minor] * sum(thing.times_paid for thing in sold)

    def teardown(self) -> None:
        """Once everything was told, exactly what was paid is counted."""
        for payment in self.payments:
            for report in payment.reports:
                self.till.apply(report)
                payment.told.append(report)
        t = models.provider_transactions.c
        for payment in self.payments:
            with self.till.ops.read() as tx:
                effects = list(
                    tx.execute(
                        select(t.effect).where(t.receipt == payment.receipt, t.effect.in_(["applied", "exception"]))
                    ).scalars()
                )
            assert len(effects) == 1, (payment.receipt, effects)
        if not self.was_decided:
            with self.till.ops.read() as tx:
                counted = select(t.id).where(t.id.in_(self._mine()), t.effect.in_(["applied", "exception"]))
                assert len(tx.execute(counted).all()) == len(self.payments)


def test_any_money_is_counted_once(quick_till: Till) -> None:
    run_on(quick_till, AnyMoney, examples=80, steps=25)


@pytest.mark.proof
def test_very_much_money_is_counted_once(quick_till: Till) -> None:
    run_on(quick_till, AnyMoney, examples=150, steps=50)
