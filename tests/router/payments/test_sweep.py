"""Silence: grants that were never used and reservations that nobody gave back come to an end."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from contracts.ids import PaymentIntentId, VendorId
from contracts.states import InboxStatus, LedgerKind, OrderStatus, PaymentEventStatus
from kit.db import Tx
from kit.problems import Problem
from router.payments import service
from router.payments.sweep import Sweep
from tests.support.till import PHONE, PRICE, VENDOR, Stall, Till

GRANT_AND_MARGIN = timedelta(seconds=90)
TICK = timedelta(microseconds=1)


def _sweep(till: Till, *, patience_s: float = 0.0, monotonic: Callable[[], float] = lambda: 0.0) -> Sweep:
    return Sweep(till.databases, till.registry, till.clock, patience_s=patience_s, monotonic=monotonic)


def _pay(till: Till, payable: service.Payable) -> PaymentIntentId:
    """Both halves of PAY."""
    intent_id = till.intent_id()
    _reserve(till, intent_id)
    return till.start(payable, intent_id=intent_id)


def _reserve(till: Till, intent_id: PaymentIntentId) -> None:
    with till.platform.write() as tx:
        service.reserve_push(tx, intent_id=intent_id, vendor_id=VENDOR, payer_msisdn=PHONE, now=till.clock.now())


def _number_is_free(till: Till) -> bool:
    try:
        _reserve(till, PaymentIntentId("probe"))
    except Problem:
        return False
    with till.platform.write() as tx:
        service.release_push(tx, intent_id=PaymentIntentId("probe"), now=till.clock.now(), was_used=False)
    return True


def test_a_grant_that_was_never_used_is_given_up_once_it_can_no_longer_be(till: Till) -> None:
    thing = till.thing()
    intent = _pay(till, thing)
    sweep = _sweep(till)
    till.clock.advance(GRANT_AND_MARGIN)
    assert sweep.turn() is False
    till.clock.advance(TICK)
    assert sweep.turn() is True
    assert till.intent_status(intent) == "expired"
    assert till.request_status(thing) == "failed"
    assert till.ledger(LedgerKind.EXPIRED) == [PRICE.minor]
    told = json.loads(till.bodies()[0])
    assert (told["type"], told["data"]["reason"], told["data"]["may_retry"]) == ("payment.failed", "not_sent", True)
    assert _number_is_free(till)
    assert sweep.turn() is False
    assert till.news() == ["payment.failed"]


def test_a_prompt_that_was_sent_is_not_given_up(till: Till) -> None:
    intent = _pay(till, till.thing())
    till.apply(till.event(intent, PaymentEventStatus.PENDING))
    till.clock.advance(timedelta(minutes=5))
    assert _sweep(till).turn() is False
    assert till.intent_status(intent) == "provider_pending"
    assert not _number_is_free(till)


def test_money_that_comes_after_all_still_counts(till: Till) -> None:
    thing = till.thing()
    intent = _pay(till, thing)
    till.clock.advance(GRANT_AND_MARGIN + TICK)
    _sweep(till).turn()
    assert till.apply(till.paid(intent)).status is InboxStatus.PROCESSED
    assert till.thing_status(thing) == OrderStatus.PAID


def test_silence_does_not_count_right_after_a_start(till: Till) -> None:
    intent = _pay(till, till.thing())
    till.clock.advance(timedelta(minutes=5))
    uptime_s = 0.0
    sweep = _sweep(till, patience_s=10.0, monotonic=lambda: uptime_s)
    assert sweep.turn() is False
    assert till.intent_status(intent) == "created"
    uptime_s = 10.0
    assert sweep.turn() is True
    assert till.intent_status(intent) == "expired"


def test_a_reservation_that_was_never_used_is_given_back_after_ten_minutes_and_not_counted(till: Till) -> None:
    for number in range(15):
        _reserve(till, PaymentIntentId(f"lost-{number}"))
        assert _sweep(till).turn() is False
        till.clock.advance(timedelta(minutes=10))
        assert _sweep(till).turn() is True
    assert _number_is_free(till)


def test_an_intent_that_can_not_be_ended_does_not_hold_back_the_others(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = till.thing()
    stuck_intent = till.start(stuck)
    till.clock.advance(timedelta(seconds=1))
    other_intent = till.start(till.thing())
    lock = Stall.lock

    def refuse_one(stall: Stall, tx: Tx, vendor_id: VendorId, payable_id: str) -> None:
        if payable_id == stuck.id:
            raise RuntimeError("this one can't be locked")
        lock(stall, tx, vendor_id, payable_id)

    monkeypatch.setattr(Stall, "lock", refuse_one)
    till.clock.advance(timedelta(minutes=5))
    _sweep(till).turn()
    assert till.intent_status(stuck_intent) == "created"
    assert till.intent_status(other_intent) == "expired"
