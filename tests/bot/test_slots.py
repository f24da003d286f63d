"""Slots promise threads, and never give one key to two of them."""

import pytest

from bot.slots import HeldElsewhere, Ran, Slots


def nothing(_: object) -> None:
    return None


def test_what_was_accepted_goes_to_the_next_thread_after_the_commit() -> None:
    slots: Slots[str, str] = Slots(1)
    done: list[str] = []
    wakes: list[bool] = []
    slots.nudge = lambda: wakes.append(True)
    with slots.offer() as offer:
        assert offer.is_open
        offer.accept("key", "job")
        assert (
            slots.run_next(nothing, done.append) is Ran.NOTHING
        )  # the only thread is promised, the job not yet committed
        assert wakes == []
    assert wakes == [True]
    assert slots.is_handed_work()
    assert slots.run_next(nothing, done.append) is Ran.HANDED_OVER
    assert not slots.is_handed_work()
    assert done == ["job"]
    assert slots.held() == []


def test_no_more_is_promised_than_there_are_threads() -> None:
    slots: Slots[str, str] = Slots(2)
    with slots.offer() as first, slots.offer() as second, slots.offer() as third:
        assert (first.is_open, second.is_open, third.is_open) == (True, True, False)
    with slots.offer() as again:
        assert again.is_open


def test_a_working_thread_can_not_be_promised() -> None:
    slots: Slots[str, str] = Slots(1)
    seen: list[bool] = []

    def work(_: str) -> None:
        with slots.offer() as offer:
            seen.append(offer.is_open)

    assert slots.run_next(lambda hold: "job", work) is Ran.CLAIMED
    assert seen == [False]


def test_a_transaction_that_fails_frees_the_thread_and_the_key() -> None:
    slots: Slots[str, str] = Slots(1)

    def transaction() -> None:
        with slots.offer() as offer:
            offer.accept("key", "job")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        transaction()
    assert slots.held() == []
    assert slots.run_next(nothing, nothing) is Ran.NOTHING
    with slots.offer() as again:
        assert again.is_open


def test_work_that_fails_frees_the_thread_and_the_key() -> None:
    slots: Slots[str, str] = Slots(1)

    def claim(hold: object) -> str:
        assert callable(hold)
        hold("key")
        return "job"

    def fail(_: str) -> None:
        assert slots.held() == ["key"]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        slots.run_next(claim, fail)
    assert slots.held() == []
    with slots.offer() as offer:
        assert offer.is_open


def test_a_key_that_a_sibling_works_on_can_not_be_claimed() -> None:
    slots: Slots[str, str] = Slots(2)
    refused: list[bool] = []

    def claim(hold: object) -> str:
        assert callable(hold)
        try:
            hold("key")
        except HeldElsewhere:
            refused.append(True)
            raise
        return "job"

    def work(_: str) -> None:
        assert (
            slots.run_next(claim, work) is Ran.CLAIMED
        )  # in the life of the first: it found something, and must look again

    assert slots.run_next(claim, work) is Ran.CLAIMED
    assert refused == [True]
    assert slots.held() == []


def test_a_process_that_stops_takes_back_what_was_not_begun() -> None:
    slots: Slots[int, str] = Slots(2)
    with slots.offer() as offer:
        offer.accept(7, "job")
    assert slots.take_back() == [7]
    assert slots.take_back() == []
    assert slots.held() == []
    assert slots.run_next(nothing, nothing) is Ran.NOTHING


def test_what_came_after_the_hand_over_and_could_not_be_handed_over_is_looked_for() -> None:
    slots: Slots[str, str] = Slots(1)
    wakes: list[bool] = []
    slots.wake = lambda: wakes.append(True)
    with slots.offer() as offer:
        offer.accept("key", "job")
    slots.look()
    assert wakes == [True]
    assert slots.run_next(nothing, nothing) is Ran.CLAIMED
    with slots.offer() as offer:
        offer.accept("key", "job")
    assert slots.run_next(nothing, nothing) is Ran.HANDED_OVER
