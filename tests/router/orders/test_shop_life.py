"""A shop's life in any order of events: whatever customers, the till and the clock do, stock and money add up."""

import shutil
import tempfile
from collections import Counter as Tally
from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from contracts.router_api import PayResult
from contracts.states import FailureReason, OrderStatus, PaymentEventStatus
from kit.clock import FixedClock
from kit.db import Database
from router.orders.models import order_lines, orders
from router.payments.models import fulfilments, payment_exceptions, payment_requests, provider_transactions
from router.stock.models import stock, stock_holds
from tests.support.clock import NOON
from tests.support.counter import AMINA, BARAKA, Answer, Counter, make_counter
from tests.support.databases import NewDatabase

ON_HAND = {"milk": 4, "eggs": 1, "rice": 9}
PRICES = {"milk": 65, "eggs": 480, "rice": 220}

who = st.sampled_from([AMINA, BARAKA])
items = st.sampled_from([*ON_HAND, "delivery"])


class ShopLife(RuleBasedStateMachine):
    """One shop and two customers. Subclassed with a counter maker by the tests below."""

    open_counter: Callable[[], Any]

    @initialize()
    def open(self) -> None:
        self.closing = self.open_counter()
        self.counter: Counter = self.closing.__enter__()
        for item, on_hand in ON_HAND.items():
            self.counter.put(item, price=PRICES[item], on_hand=on_hand)
        self.counter.put("delivery", price=150, on_hand=None)
        self.prompts: list[PayResult] = []
        self.heard = 0

    def teardown(self) -> None:
        if hasattr(self, "closing"):
            self.closing.__exit__(None, None, None)

    def checked(self, answer: Answer) -> Answer:
        assert answer.status == 200 or 400 <= answer.status < 500, answer
        return answer

    @rule(who=who, item=items, quantity=st.integers(-1, 5))
    def add(self, who: str, item: str, quantity: int) -> None:
        before = self.total(who)
        answer = self.checked(self.counter.add(item, quantity, who=who))
        price = PRICES.get(item, 150) * 100
        assert self.total(who) == before + (price * quantity if answer.status == 200 else 0)

    @rule(who=who, item=items, quantity=st.integers(1, 3))
    def buy(self, who: str, item: str, quantity: int) -> None:
        self.add(who, item, quantity)
        self.confirm(who)

    @rule(who=who, line_no=st.integers(1, 4))
    def remove(self, who: str, line_no: int) -> None:
        cart = self.counter.cart(who=who)["cart"]
        is_there = cart is not None and line_no in [line["line_no"] for line in cart["lines"]]
        assert (self.checked(self.counter.remove(line_no, who=who)).status == 200) is is_there

    @rule(who=who)
    def confirm(self, who: str) -> None:
        self.checked(self.counter.confirm(who=who))

    @rule(who=who)
    def cancel(self, who: str) -> None:
        self.checked(self.counter.cancel(who=who))

    @rule(who=who)
    def pay(self, who: str) -> None:
        answer = self.checked(self.counter.pay(who=who))
        if answer.status == 409 and answer.code == "which_order":
            answer = self.checked(self.counter.pay(answer.body["orders"][-1]["code"], who=who))
        if answer.status == 200:
            self.prompts.append(PayResult.model_validate(answer.body))

    @rule(who=who, item=items)
    def buy_and_pay(self, who: str, item: str) -> None:
        self.buy(who, item, 1)
        so_far = len(self.prompts)
        self.pay(who)
        if len(self.prompts) > so_far:
            self.counter.hear(self.prompts[-1], transaction=f"ws_CO_{so_far}")

    @rule(data=st.data(), status=st.sampled_from(["paid", "failed", "expired", "unknown"]))
    def hear(self, data: st.DataObject, status: str) -> None:
        if self.prompts:
            prompt = data.draw(st.sampled_from(self.prompts))
            reason = FailureReason.UNREACHABLE if status in ("failed", "expired") else None
            transaction = f"ws_CO_{self.prompts.index(prompt)}"
            self.counter.hear(prompt, PaymentEventStatus(status), transaction=transaction, reason=reason)

    @rule(minutes=st.sampled_from([1, 11, 31, 60 * 25]))
    def wait(self, minutes: int) -> None:
        self.counter.pass_time(timedelta(minutes=minutes))

    def total(self, who: str) -> int:
        cart = self.counter.cart(who=who)["cart"]
        return cart["total_minor"] if cart else 0

    @invariant()
    def nothing_is_sold_twice_and_nothing_is_lost(self) -> None:
        if not hasattr(self, "counter"):
            return
        holds = self.counter.rows(stock_holds)
        held, sold = Tally[str](), Tally[str]()
        for hold in holds:
            if hold["status"] == "held":
                held[hold["item_id"]] += hold["quantity"]
            if hold["status"] == "sold":
                sold[hold["item_id"]] += hold["quantity"]
        for row in self.counter.rows(stock):
            item = row["item_id"]
            assert row["reserved"] == held[item]
            assert row["on_hand"] == ON_HAND[item] - sold[item]
            assert 0 <= row["reserved"] <= row["on_hand"]

    @invariant()
    def an_order_holds_what_its_status_says(self) -> None:
        if not hasattr(self, "counter"):
            return
        lines = self.counter.rows(order_lines)
        holds = self.counter.rows(stock_holds)
        for order in self.counter.rows(orders):
            own = [line for line in lines if line["order_id"] == order["id"]]
            assert order["total_minor"] == sum(line["unit_price_minor"] * line["quantity"] for line in own)
            counted = {line["item_id"]: line["quantity"] for line in own if line["item_id"] in ON_HAND}
            of_status = {
                status: {
                    h["item_id"]: h["quantity"] for h in holds if h["order_id"] == order["id"] and h["status"] == status
                }
                for status in ("held", "sold")
            }
            match OrderStatus(order["status"]):
                case OrderStatus.DRAFT | OrderStatus.CANCELLED:
                    assert of_status == {"held": {}, "sold": {}}
                case OrderStatus.CONFIRMED:
                    assert of_status["held"] in ({}, counted)
                    assert of_status["sold"] == {}
                case OrderStatus.PAID:
                    assert of_status == {"held": {}, "sold": counted}

    @invariant()
    def a_customer_has_one_cart(self) -> None:
        if hasattr(self, "counter"):
            drafts = Tally(row["customer_id"] for row in self.counter.rows(orders) if row["status"] == "DRAFT")
            assert not drafts or max(drafts.values()) == 1

    @invariant()
    def money_that_came_was_used_once_or_waits_for_a_person(self) -> None:
        if not hasattr(self, "counter"):
            return
        arrived = [row for row in self.counter.rows(provider_transactions) if row["effect"] is not None]
        applied = [row for row in arrived if row["effect"] == "applied"]
        paid = [row for row in self.counter.rows(orders) if row["status"] == "PAID"]
        assert len(applied) == len(paid) == len(self.counter.rows(fulfilments))
        assert len(arrived) - len(applied) == len(self.counter.rows(payment_exceptions))
        open_requests = Tally(
            row["payable_id"] for row in self.counter.rows(payment_requests) if row["status"] in ("pending", "failed")
        )
        assert not open_requests or max(open_requests.values()) == 1


def _run(templates: Callable[[str], Path], examples: int, steps: int) -> None:
    def open_counter() -> Any:
        folder = Path(tempfile.mkdtemp(dir=templates("ops").parent))

        def new_database(lineage: str) -> Database:
            shutil.copyfile(templates(lineage), folder / f"{lineage}.sqlite")
            return Database(f"sqlite:///{folder / lineage}.sqlite")

        return contextmanager(make_counter)(cast(NewDatabase, new_database), FixedClock(NOON), folder)

    machine = type("Life", (ShopLife,), {"open_counter": staticmethod(open_counter)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


def test_stock_and_money_add_up_whatever_happens(sqlite_templates: Callable[[str], Path]) -> None:
    _run(sqlite_templates, examples=20, steps=25)


@pytest.mark.proof
def test_stock_and_money_add_up_whatever_happens_for_long(sqlite_templates: Callable[[str], Path]) -> None:
    _run(sqlite_templates, examples=90, steps=50)
