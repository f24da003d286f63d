"""Money goes back: never more than came, once, through an adapter that may be down, and every end is told."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from threading import Barrier
from typing import TypeVar

import pytest
from pydantic import BaseModel
from sqlalchemy import select

from contracts.errors import ErrorCode, ProblemBody
from contracts.payment_api import NewRefund, RefundStatus, RefundView
from contracts.states import LedgerKind, OrderStatus
from kit.peers import Refusal, Unreachable
from kit.problems import Problem
from router.payments import decisions, models, refund_record, refunds
from router.payments.handing_over import LEASE, LONGEST_PAUSE_S, PATH, HandingOver, pause_s
from router.payments.refund_record import Refund
from router.payments.service import Payable
from tests.support.databases import seeing_all
from tests.support.till import KIND, PRICE, VENDOR, Till

M = TypeVar("M", bound=BaseModel)
R1 = "UF1E26WQJZ"
PENDING, DONE, FAILED, UNKNOWN = RefundStatus.PENDING, RefundStatus.DONE, RefundStatus.FAILED, RefundStatus.UNKNOWN


@dataclass(slots=True)
class ScriptedAdapter:
    """Answers from `answers`; an exception is raised. Takes everything once they are used up."""

    answers: list[RefundStatus | Exception] = field(default_factory=list[RefundStatus | Exception])
    asked: list[tuple[NewRefund, str, str | None]] = field(default_factory=list[tuple[NewRefund, str, str | None]])

    def post(self, model: type[M], path: str, body: BaseModel, *, vendor: str | None = None, idempotency_key: str) -> M:
        assert isinstance(body, NewRefund)
        assert path == PATH
        self.asked.append((body, idempotency_key, vendor))
        answer = self.answers.pop(0) if self.answers else PENDING
        if isinstance(answer, Exception):
            raise answer
        return model.model_validate(RefundView(refund_id=body.refund_id, status=answer).model_dump())


def money(till: Till, receipt: str = R1) -> str:
    """The id of the transaction with this receipt."""
    t = models.provider_transactions.c
    with seeing_all(till.db) as tx:
        return tx.execute(select(t.id).where(t.receipt == receipt)).scalar_one()


def paid_thing(till: Till) -> Payable:
    thing = till.thing()
    till.apply(till.paid(till.start(thing), receipt=R1))
    return thing


def late_money(till: Till) -> Payable:
    thing = till.thing()
    intent = till.start(thing)
    till.cancel(thing)
    till.apply(till.paid(intent, receipt=R1))
    return thing


def ask(till: Till, amount_minor: int | None = None, *, refund_id: str = "refund-1", receipt: str = R1) -> Refund:
    with till.ops.write() as tx:
        return refunds.ask(
            tx,
            VENDOR,
            refund_id=refund_id,
            transaction_id=money(till, receipt),
            amount_minor=amount_minor,
            note="Out of stock",
            by="key-1",
            now=till.clock.now(),
        )


def hear(till: Till, status: RefundStatus, refund_id: str = "refund-1") -> str | None:
    with till.ops.write() as tx:
        return refunds.record_outcome(
            tx, till.registry, VENDOR, refund_id, status, till.clock.now(), detail="as the provider says"
        )


def stands(till: Till, refund_id: str = "refund-1") -> RefundStatus:
    with till.ops.read() as tx:
        found = refund_record.read(tx, VENDOR, refund_id)
    assert found is not None
    return found.status


def going_back(till: Till) -> int:
    t = models.provider_transactions.c
    with seeing_all(till.db) as tx:
        return tx.execute(select(t.refunded_minor).where(t.receipt == R1)).scalar_one()


def booked(till: Till) -> list[int]:
    """What the ledger holds of this money, oldest first."""
    c = models.ledger_entries.c
    with seeing_all(till.db) as tx:
        found = select(c.amount_minor).where(c.transaction_id == money(till)).order_by(c.recorded_at, c.kind.desc())
        return list(tx.execute(found).scalars())


def queue(till: Till) -> list[tuple[str, str | None]]:
    e = models.payment_exceptions.c
    with seeing_all(till.db) as tx:
        return [(row.status, row.resolution) for row in tx.execute(select(e.status, e.resolution))]


def exception_id(till: Till) -> str:
    with seeing_all(till.db) as tx:
        return tx.execute(select(models.payment_exceptions.c.id)).scalar_one()


def handing_over(till: Till, adapter: ScriptedAdapter) -> HandingOver:
    return HandingOver(till.databases, till.registry, adapter, till.clock)


# --- what may be asked back ----------------------------------------------------------------------------------------


def test_a_paid_order_stays_paid_when_its_money_goes_back(till: Till) -> None:
    thing = paid_thing(till)
    assert ask(till).amount == PRICE
    assert hear(till, DONE) == DONE
    assert till.thing_status(thing) == OrderStatus.PAID
    assert till.ledger(LedgerKind.ADJUSTED) == [-PRICE.minor]
    told = json.loads(till.bodies()[-1])
    assert (told["type"], told["data"]["amount_minor"], told["data"]["receipt"]) == (
        "payment.refunded",
        PRICE.minor,
        R1,
    )
    assert told["data"]["customer_address"] == "whatsapp:+254708374149"


def test_parts_go_back_until_nothing_is_left(till: Till) -> None:
    paid_thing(till)
    ask(till, 15_000)
    with pytest.raises(Problem) as refused:
        ask(till, 30_001, refund_id="refund-2")
    assert (refused.value.code, refused.value.extra) == (ErrorCode.REFUND_UNAVAILABLE, {"left_minor": 30_000})
    assert ask(till, refund_id="refund-2").amount.minor == 30_000
    with pytest.raises(Problem):
        ask(till, refund_id="refund-3")
    hear(till, FAILED)
    assert ask(till, refund_id="refund-3").amount.minor == 15_000


def test_money_that_waits_for_a_decision_is_decided_by_its_refund(till: Till) -> None:
    late_money(till)
    ask(till)
    assert queue(till) == [("refunding", None)]
    for decide in (note, partial(attach, thing=till.thing())):
        with pytest.raises(Problem) as refused:
            decide(till)
        assert refused.value.code is ErrorCode.EXCEPTION_CLOSED
    with pytest.raises(Problem):
        ask(till, refund_id="refund-2")
    hear(till, DONE)
    assert queue(till) == [("resolved", "refunded")]
    assert booked(till) == [PRICE.minor, -PRICE.minor]


def test_a_part_that_went_back_leaves_the_rest_to_decide(till: Till) -> None:
    late_money(till)
    ask(till, 10_000)
    hear(till, DONE)
    assert queue(till) == [("open", None)]
    ask(till, refund_id="refund-2")
    hear(till, DONE, "refund-2")
    assert queue(till) == [("resolved", "refunded")]


def test_a_refund_that_failed_leaves_all_to_decide_and_only_the_shop_s_event_says_so(till: Till) -> None:
    late_money(till)
    ask(till)
    hear(till, FAILED)
    assert (queue(till), going_back(till)) == ([("open", None)], 0)
    told = json.loads(till.bodies()[-1])
    assert (told["type"], told["data"]["detail"]) == ("payment.refund_failed", "as the provider says")
    assert booked(till) == [PRICE.minor]


def test_a_refund_that_nobody_can_judge_blocks_another_until_somebody_says(till: Till) -> None:
    late_money(till)
    ask(till)
    hear(till, UNKNOWN)
    assert (queue(till), going_back(till)) == ([("refunding", None)], PRICE.minor)
    with pytest.raises(Problem):
        ask(till, refund_id="refund-2")
    hear(till, DONE)
    assert queue(till) == [("resolved", "refunded")]


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ([DONE, DONE], DONE),
        ([DONE, FAILED, UNKNOWN, PENDING], DONE),
        ([PENDING, FAILED, FAILED, UNKNOWN], FAILED),
        ([FAILED, DONE], DONE),
        ([UNKNOWN, FAILED, DONE, FAILED], DONE),
    ],
)
def test_what_is_said_again_or_too_late_changes_nothing(
    till: Till, said: list[RefundStatus], ends: RefundStatus
) -> None:
    paid_thing(till)
    ask(till)
    for status in said:
        hear(till, status)
    assert stands(till) == ends
    assert going_back(till) == (PRICE.minor if ends is DONE else 0)
    assert till.ledger(LedgerKind.ADJUSTED) == ([-PRICE.minor] if ends is DONE else [])
    assert till.news().count("payment.refunded") == (1 if ends is DONE else 0)


def test_a_refund_that_went_back_after_all_never_takes_the_sum_above_what_came(till: Till) -> None:
    paid_thing(till)
    ask(till)
    hear(till, FAILED)
    ask(till, refund_id="refund-2")
    assert "person" in str(hear(till, DONE))
    assert (stands(till), going_back(till)) == (FAILED, PRICE.minor)


def test_what_was_never_asked_is_said_to_be_unknown(till: Till) -> None:
    assert hear(till, DONE, "refund-of-nobody") is None
    with pytest.raises(Problem) as refused, till.ops.write() as tx:
        refunds.ask(
            tx,
            VENDOR,
            refund_id="r",
            transaction_id="nothing",
            amount_minor=None,
            note="n",
            by="key-1",
            now=till.clock.now(),
        )
    assert refused.value.code is ErrorCode.TRANSACTION_UNKNOWN


def test_the_second_report_of_one_payment_is_no_money_to_give_back(till: Till) -> None:
    paid_thing(till)
    till.apply(till.by_hand(None, R1))
    t = models.provider_transactions.c
    with seeing_all(till.db) as tx:
        second = tx.execute(select(t.id).where(t.effect == "same")).scalar_one()
    with pytest.raises(Problem) as refused, till.ops.write() as tx:
        refunds.ask(
            tx,
            VENDOR,
            refund_id="r",
            transaction_id=second,
            amount_minor=None,
            note="n",
            by="key-1",
            now=till.clock.now(),
        )
    assert refused.value.code is ErrorCode.REFUND_UNAVAILABLE


# --- what a shop decides -------------------------------------------------------------------------------------------


def note(till: Till) -> None:
    with till.ops.write() as tx:
        decisions.note(tx, VENDOR, exception_id(till), text="In cash", by="key-1", now=till.clock.now())


def attach(till: Till, thing: Payable) -> None:
    with till.ops.write() as tx:
        decisions.attach(
            tx,
            till.registry,
            VENDOR,
            exception_id(till),
            payable=(KIND, thing.id),
            by="key-1",
            now=till.clock.now(),
        )


def test_a_note_closes_an_exception_once_and_then_no_refund_is_made(till: Till) -> None:
    late_money(till)
    note(till)
    assert queue(till) == [("resolved", "noted")]
    for again in (note, ask):
        with pytest.raises(Problem) as refused:
            again(till)
        assert refused.value.code is ErrorCode.EXCEPTION_CLOSED


def test_exact_money_pays_the_order_that_the_shop_names(till: Till) -> None:
    till.apply(till.by_hand("MISTYPED", R1))
    thing = till.thing()
    attach(till, thing)
    assert (till.thing_status(thing), till.times_paid(thing)) == (OrderStatus.PAID, 1)
    assert queue(till) == [("resolved", "attached")]
    assert till.news() == ["payment.exception", "order.paid"]
    assert till.ledger(LedgerKind.PAID) == [PRICE.minor]
    assert sum(till.ledger(LedgerKind.CREDITED) + till.ledger(LedgerKind.ADJUSTED)) == 0
    assert json.loads(till.bodies()[-1])["data"]["order"]["receipt"] == R1
    ask(till)  # and it can go back, as any money that paid
    hear(till, DONE)
    assert queue(till) == [("resolved", "attached")]


def test_money_is_attached_only_where_it_fits_and_to_what_can_take_it(till: Till) -> None:
    till.apply(till.by_hand("MISTYPED", R1, amount=type(PRICE)(PRICE.minor + 100, PRICE.currency)))
    thing = till.thing()
    with pytest.raises(Problem) as refused:
        attach(till, thing)
    assert refused.value.code is ErrorCode.AMOUNT_DIFFERS
    assert (refused.value.extra["amount_minor"], refused.value.extra["asked_minor"]) == (45_100, 45_000)
    assert till.thing_status(thing) == OrderStatus.CONFIRMED
    assert queue(till) == [("open", None)]


@pytest.mark.parametrize(
    ("stand", "code"),
    [
        ("paid", ErrorCode.ORDER_TRANSITION_REFUSED),
        ("cancelled", ErrorCode.ORDER_TRANSITION_REFUSED),
        ("sold out", ErrorCode.ITEM_SOLD_OUT),
        ("nothing", ErrorCode.ORDER_UNKNOWN),
    ],
)
def test_what_can_take_no_money_is_refused_and_nothing_changes(till: Till, stand: str, code: ErrorCode) -> None:
    till.apply(till.by_hand("MISTYPED", R1))
    thing = till.thing(stock=0 if stand == "sold out" else 2)
    if stand == "paid":
        till.apply(till.by_hand(thing.reference, "NLJ7RT61SV"))
    if stand == "cancelled":
        till.cancel(thing)
    wanted = thing if stand != "nothing" else Payable(KIND, "gone", thing.customer_id, PRICE, "GONE", "")
    with pytest.raises(Problem) as refused:
        attach(till, wanted)
    assert refused.value.code is code
    assert queue(till) == [("open", None)]


# --- handing over --------------------------------------------------------------------------------------------------


def test_a_refund_is_handed_over_once_with_what_the_provider_needs(till: Till) -> None:
    paid_thing(till)
    ask(till)
    adapter = ScriptedAdapter()
    work = handing_over(till, adapter)
    assert work.turn() is True
    till.clock.advance(timedelta(days=1))
    assert work.turn() is False
    ((body, key, vendor),) = adapter.asked
    assert (key, vendor) == ("refund-1", VENDOR)
    assert (body.provider, body.receipt, body.amount_minor) == ("mpesa", R1, PRICE.minor)
    assert (body.provider_transaction_id or "").startswith("ws_intent")
    assert stands(till) is PENDING


@pytest.mark.parametrize("status", [DONE, FAILED, UNKNOWN])
def test_an_answer_that_says_how_it_ended_is_taken(till: Till, status: RefundStatus) -> None:
    paid_thing(till)
    ask(till)
    handing_over(till, ScriptedAdapter([status])).turn()
    assert stands(till) == status


def refusal(status: int, code: ErrorCode) -> Refusal:
    return Refusal(ProblemBody(title="No", status=status, code=code, detail="not so"))


def test_an_adapter_that_is_down_is_asked_again_later_and_later_under_the_same_key(till: Till) -> None:
    paid_thing(till)
    ask(till)
    adapter = ScriptedAdapter([Unreachable("down"), Unreachable("down"), refusal(429, ErrorCode.TOO_MANY_REQUESTS)])
    work = handing_over(till, adapter)
    for _ in range(3):
        assert work.turn() is True
        assert work.turn() is False
        till.clock.advance(timedelta(seconds=LONGEST_PAUSE_S))
    assert stands(till) is PENDING
    work.turn()
    assert [key for _, key, _ in adapter.asked] == ["refund-1"] * 4
    assert len({body.model_dump_json() for body, _, _ in adapter.asked}) == 1


@pytest.mark.parametrize("code", [ErrorCode.REFUND_UNAVAILABLE, ErrorCode.NOT_FOUND, ErrorCode.INVALID_REQUEST])
def test_a_refusal_for_good_fails_the_refund(till: Till, code: ErrorCode) -> None:
    late_money(till)
    ask(till)
    handing_over(till, ScriptedAdapter([refusal(409, code)])).turn()
    assert (stands(till), queue(till)) == (FAILED, [("open", None)])


def test_a_process_that_died_while_it_asked_is_followed_by_another(till: Till) -> None:
    paid_thing(till)
    ask(till)
    with pytest.raises(KeyboardInterrupt):
        handing_over(till, _Dying()).turn()
    adapter = ScriptedAdapter()
    assert handing_over(till, adapter).turn() is False
    till.clock.advance(LEASE)
    assert handing_over(till, adapter).turn() is True
    assert len(adapter.asked) == 1


class _Dying(ScriptedAdapter):
    def post(self, model: type[M], path: str, body: BaseModel, *, vendor: str | None = None, idempotency_key: str) -> M:
        raise KeyboardInterrupt


def test_the_pauses_grow_and_end_at_ten_minutes() -> None:
    pauses = [pause_s(attempts) for attempts in range(1, 20)]
    assert pauses[0] < pauses[2] < pauses[5]
    assert LONGEST_PAUSE_S <= pauses[-1] <= LONGEST_PAUSE_S * 1.1


# --- races ---------------------------------------------------------------------------------------------------------


def at_once(*calls: Callable[[], object]) -> list[object]:
    """In threads that start together; what each returned, or the code that it was refused with."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        barrier.wait(timeout=30)
        try:
            return call()
        except Problem as problem:
            return problem.code

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_refunds_at_once_never_exceed_what_came(till: Till) -> None:
    paid_thing(till)
    results = at_once(*(partial(ask, till, 20_000, refund_id=f"refund-{n}") for n in range(5)))
    assert results.count(ErrorCode.REFUND_UNAVAILABLE) == 3
    assert going_back(till) == 40_000


def test_of_a_note_an_order_and_a_refund_at_once_one_is_done(till: Till) -> None:
    till.apply(till.by_hand("MISTYPED", R1))
    thing = till.thing()
    results = at_once(partial(note, till), partial(attach, till, thing), partial(ask, till))
    # An attached payment can go back as well: then the order of the two is attach, refund.
    assert results.count(ErrorCode.EXCEPTION_CLOSED) >= 1
    assert till.times_paid(thing) == (results[1] is None)
    assert len(queue(till)) == 1


def test_what_is_said_of_a_refund_at_once_is_booked_once(till: Till) -> None:
    paid_thing(till)
    ask(till)
    at_once(*[partial(hear, till, DONE)] * 4)
    assert till.ledger(LedgerKind.ADJUSTED) == [-PRICE.minor]
    assert till.news().count("payment.refunded") == 1
