"""Live pushes: one prompt at a time and ten in 24 hours for a number, from all shops together."""

from datetime import timedelta

import pytest

from contracts.errors import ErrorCode
from contracts.ids import PaymentIntentId, VendorId
from kit.clock import FixedClock
from kit.db import Database
from kit.problems import Problem
from router.payments.rules import MAX_PUSHES_PER_DAY, RESERVATION_LIFETIME
from router.payments.service import release_push, reserve_push
from tests.support.databases import NewDatabase
from tests.support.till import PHONE, VENDOR

OTHER_PHONE = "254700000001"
OTHER_VENDOR = VendorId("vendor-other")


@pytest.fixture
def platform(new_database: NewDatabase) -> Database:
    return new_database("platform")


class Pushes:
    def __init__(self, platform: Database, clock: FixedClock) -> None:
        self._platform = platform
        self._clock = clock

    def reserve(self, intent_id: str, payer: str = PHONE, vendor_id: VendorId = VENDOR) -> None:
        now = self._clock.now()
        with self._platform.write() as tx:
            at = reserve_push(
                tx, intent_id=PaymentIntentId(intent_id), vendor_id=vendor_id, payer_msisdn=payer, now=now
            )
        assert at == now

    def release(self, intent_id: str, *, was_used: bool = True) -> None:
        with self._platform.write() as tx:
            release_push(tx, intent_id=PaymentIntentId(intent_id), now=self._clock.now(), was_used=was_used)


@pytest.fixture
def pushes(platform: Database, clock: FixedClock) -> Pushes:
    return Pushes(platform, clock)


def _is_busy(pushes: Pushes, intent_id: str, payer: str = PHONE, vendor_id: VendorId = VENDOR) -> bool:
    try:
        pushes.reserve(intent_id, payer, vendor_id)
    except Problem as problem:
        if problem.code is ErrorCode.PAYER_BUSY and problem.status == 429:
            return True
        raise
    return False


def test_a_number_has_one_prompt_at_a_time_from_all_shops(pushes: Pushes) -> None:
    pushes.reserve("a")
    assert _is_busy(pushes, "b")
    assert _is_busy(pushes, "b", vendor_id=OTHER_VENDOR)
    assert not _is_busy(pushes, "b", payer=OTHER_PHONE)


def test_a_released_number_can_be_pushed_again(pushes: Pushes) -> None:
    pushes.reserve("a")
    pushes.release("a")
    assert not _is_busy(pushes, "b")


def test_a_reservation_ends_by_itself_after_ten_minutes(pushes: Pushes, clock: FixedClock) -> None:
    pushes.reserve("a")
    clock.advance(RESERVATION_LIFETIME - timedelta(microseconds=1))
    assert _is_busy(pushes, "b")
    clock.advance(timedelta(microseconds=1))
    assert not _is_busy(pushes, "b")


def test_the_same_intent_renews_its_own_reservation(pushes: Pushes, clock: FixedClock) -> None:
    pushes.reserve("a")
    clock.advance(timedelta(minutes=9))
    pushes.reserve("a")
    clock.advance(timedelta(minutes=9))
    assert _is_busy(pushes, "b")


def test_an_ended_reservation_is_renewed_only_if_the_number_is_free(pushes: Pushes) -> None:
    pushes.reserve("a")
    pushes.release("a")
    pushes.reserve("b")
    assert _is_busy(pushes, "a")
    pushes.release("b")
    assert not _is_busy(pushes, "a")


def test_an_intents_reservation_is_for_its_own_number_and_shop(pushes: Pushes) -> None:
    pushes.reserve("a")
    pushes.release("a")
    assert _is_busy(pushes, "a", payer=OTHER_PHONE)
    assert _is_busy(pushes, "a", vendor_id=OTHER_VENDOR)


def test_the_eleventh_push_in_any_24_hours_is_refused(pushes: Pushes, clock: FixedClock) -> None:
    for number in range(MAX_PUSHES_PER_DAY):
        pushes.reserve(f"intent-{number}")
        pushes.release(f"intent-{number}")
        clock.advance(timedelta(minutes=1))
    assert _is_busy(pushes, "one-more")
    assert not _is_busy(pushes, "elsewhere", payer=OTHER_PHONE)
    clock.advance(timedelta(hours=24) - timedelta(minutes=MAX_PUSHES_PER_DAY))  # the first is 24 hours old now
    assert not _is_busy(pushes, "one-more")


def test_a_push_that_made_no_phone_ring_is_not_counted(pushes: Pushes) -> None:
    for number in range(2 * MAX_PUSHES_PER_DAY):
        pushes.reserve(f"intent-{number}")
        pushes.release(f"intent-{number}", was_used=False)
    assert not _is_busy(pushes, "one-more")


def test_a_refused_reservation_leaves_nothing_behind(pushes: Pushes) -> None:
    pushes.reserve("a")
    assert _is_busy(pushes, "b")
    pushes.release("a")
    pushes.release("b", was_used=False)  # what was never reserved is released without harm
    assert not _is_busy(pushes, "c")
