"""Whatever comes in whatever order: one push, one payment, nothing taken back. On the real store."""

import random
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.states import PaymentEventStatus
from dukani.migrate import migrate
from kit.clock import FixedClock
from kit.db import Database
from payment_adapter.providers.base import Accepted, ChargeOrder, NoAnswer, Outcome, Refused, Report, Unclear
from payment_adapter.providers.daraja.codes import failed_status, failure_of
from tests.support.clock import NOON
from tests.support.payments import Desk, failure, stk, stk_paid

OUTCOMES: dict[str, Outcome] = {
    "accepted": Accepted("ws_CO_1", "merchant-1"),
    "refused": Refused(failure()),
    "unclear": Unclear("timeout"),
}
CALLBACKS: dict[str, Any] = {
    "callback_paid": stk_paid(),
    "callback_less": stk_paid(100),
    "callback_cancelled": stk(1032),
    "callback_expired": stk(1019),
    "callback_bare": stk(0),
    "callback_pending": stk(4999),
    "callback_foreign": stk_paid(id="ws_CO_foreign", receipt="AAAAAAAAAA"),
    "callback_garbage": b"garbage",
}
FINDINGS: dict[str, Report | NoAnswer] = {
    "query_paid": Report(PaymentEventStatus.PAID),
    "query_cancelled": Report(failed_status("1032"), failure_of("1032", "")),
    "query_failed": Report(failed_status("17"), failure_of("17", "")),
    "query_pending": Report(PaymentEventStatus.PENDING),
    "query_silent": NoAnswer("HTTP 503"),
}
STEPS = st.lists(
    st.sampled_from([*CALLBACKS, *FINDINGS, "wait_seconds", "wait_minutes", "restart", "again"]), max_size=14
)


@pytest.fixture(scope="module")
def database() -> Generator[Database]:
    """One migrated file for all examples: each takes an intent and ids of its own."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'payments.sqlite'}"
        migrate("payments", url)
        made = Database(url)
        yield made
        made.close()


def renamed(body: Any, number: int) -> Any:
    if isinstance(body, bytes):
        return body
    result = dict(body["Body"]["stkCallback"])
    result["CheckoutRequestID"] = f"{result['CheckoutRequestID']}-{number}"
    if "CallbackMetadata" in result:
        items = [dict(item) for item in result["CallbackMetadata"]["Item"]]
        for item in items:
            if item["Name"] == "MpesaReceiptNumber":
                item["Value"] = f"{item['Value'][:4]}{number:06}"
        result["CallbackMetadata"] = {"Item": items}
    return {"Body": {"stkCallback": result}}


counter = iter(range(1_000_000))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(outcome=st.sampled_from([*OUTCOMES]), steps=STEPS)
def test_no_order_of_news_pays_twice_takes_back_or_pushes_again(
    database: Database, outcome: str, steps: list[str]
) -> None:
    number = next(counter)
    intent = f"intent-{number}"
    desk = Desk(database, FixedClock(NOON))
    desk.plant()
    desk.change_charge(next_poll_at=None)  # earlier examples are over
    answer = OUTCOMES[outcome]
    desk.provider.outcomes = [Accepted(f"ws_CO_1-{number}", None) if isinstance(answer, Accepted) else answer]
    secret = desk.push(intent)
    was_paid = False
    for step in steps:
        before = desk.charge(intent)
        if step in CALLBACKS:
            desk.call_back(secret, renamed(CALLBACKS[step], number))
        elif step in FINDINGS:
            desk.provider.findings = [FINDINGS[step]] * 3
            while desk.poller.turn():
                pass
        elif step == "restart":
            desk = desk.restart()
            desk.run_push()
        elif step == "again":
            desk.ask(desk.grant(intent))
            desk.run_push()
        else:
            desk.wait(**({"seconds": 20} if step == "wait_seconds" else {"minutes": 7}))
        after = desk.charge(intent)
        was_paid = was_paid or after.status == "paid"
        assert (after.status == "paid") == was_paid
        assert before.receipt is None or after.receipt == before.receipt
        assert after.status not in ("created", "claimed")

    told = [event for event in desk.events() if event.intent_id == intent]
    paid = [event for event in told if event.status is PaymentEventStatus.PAID]
    assert len(desk.provider.orders) == 1
    assert was_paid == bool(paid)
    assert len(paid) <= 2
    assert len({event.provider_transaction_id for event in paid}) <= 1
    assert [event.receipt is None for event in paid] in ([], [True], [False], [True, False])
    assert len({event.event_id for event in told}) == len(told)
    is_foreign_first = outcome != "accepted" and "callback_foreign" in steps
    if "callback_paid" in steps and not is_foreign_first:
        assert was_paid


def test_a_callback_and_a_poll_that_race_announce_one_payment(desk: Desk) -> None:
    """A barrier lets both go at once, in many rounds, on both databases."""
    rounds = 25
    for number in range(1, rounds + 1):
        secret = desk.push(f"intent-{number}")
        desk.wait(seconds=15)
        desk.provider.findings = [Report(random.choice([PaymentEventStatus.PAID, PaymentEventStatus.PENDING]))]
        desk.send(secret, stk_paid(id=f"ws_CO_{number}", receipt=f"UF1E26W{number:03}"))
        barrier = threading.Barrier(2)

        def go(turn: Any, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            turn()

        threads = [threading.Thread(target=go, args=(turn,)) for turn in (desk.callbacks.turn, desk.poller.turn)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        desk.run_callbacks()
        while desk.poller.turn():
            pass
        told = [event for event in desk.events() if event.intent_id == f"intent-{number}"]
        paid = [event for event in told if event.status is PaymentEventStatus.PAID]
        assert desk.charge(f"intent-{number}").receipt == f"UF1E26W{number:03}"
        assert [event.receipt is None for event in paid] in ([False], [True, False])
        assert not [event for event in told if event.status not in ("pending", "paid")]


def test_a_push_answer_and_its_callback_that_race_lose_neither(desk: Desk) -> None:
    for number in range(1, 26):
        barrier = threading.Barrier(2)

        def accept(_order: ChargeOrder, number: int = number, barrier: threading.Barrier = barrier) -> Outcome:
            desk.send(desk.secret(), stk_paid(id=f"ws_CO_{number}", receipt=f"UF1E26W{number:03}"))
            barrier.wait()
            return Accepted(f"ws_CO_{number}", f"merchant-{number}")

        desk.provider.outcomes = [accept]
        desk.ask(desk.grant(f"intent-{number}"))
        thread = threading.Thread(target=desk.run_push)
        thread.start()
        barrier.wait()
        desk.run_callbacks()
        thread.join()

        charge = desk.charge(f"intent-{number}")
        assert (charge.status, charge.provider_transaction_id) == ("paid", f"ws_CO_{number}")
        told = [event.status for event in desk.events() if event.intent_id == f"intent-{number}"]
        assert told in (["pending", "paid"], ["paid"])
