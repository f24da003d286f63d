"""Refunds are handed to the payment adapter, which may be down, slow to say, or say no."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import pytest
from pydantic import BaseModel

from contracts.errors import ErrorCode, ProblemBody
from contracts.payment_api import NewRefund, RefundStatus, RefundView
from kit.peers import Refusal, Unreachable
from router.payments.handing_over import LEASE, LONGEST_PAUSE, PATH, HandingOver, pause
from tests.support.money_back import R1, ask, late_money, paid_thing, queue, stands
from tests.support.till import PRICE, VENDOR, Till

M = TypeVar("M", bound=BaseModel)
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


def handing_over(till: Till, adapter: ScriptedAdapter) -> HandingOver:
    return HandingOver(till.databases, till.registry, adapter, till.clock)


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
        till.clock.advance(LONGEST_PAUSE * 2)
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
    pauses = [pause(attempts) for attempts in range(1, 20)]
    assert pauses[0] < pauses[2] < pauses[5]
    assert LONGEST_PAUSE <= pauses[-1] <= LONGEST_PAUSE + timedelta(minutes=1)
