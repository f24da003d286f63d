"""Endpoints that are gone, dead or slow, and couriers that die on the way."""

import threading
from datetime import timedelta

import pytest

from kit.outside import Answer
from router.events.endpoints import remove_endpoint
from router.events.lanes import LEASE
from router.events.rules import PROBE_EVERY, UNWELL_AFTER
from tests.support.mailroom import MAMA, OK, ONE, TWO, Heard, Mailroom, refusing, silent

# --- endpoints that are gone, dead or slow ---------------------------------------------------------------------------


def test_gone_disables_the_endpoint_at_once_and_what_waits_goes_on_when_it_is_enabled(mailroom: Mailroom) -> None:
    from router.events.endpoints import enable_endpoint
    from router.events.lanes import resume_lane

    endpoint = mailroom.endpoint(ONE)
    mailroom.outside.replies[ONE] = refusing(410)
    first = mailroom.announce()
    mailroom.carry()
    gone = mailroom.now_of(endpoint)
    assert not gone.is_enabled
    assert "410" in (gone.disabled_reason or "")
    mailroom.announce("order:2")
    mailroom.pass_time(timedelta(days=1))
    assert (mailroom.outside.by(ONE), mailroom.statuses()) == ([first], ["pending"])
    mailroom.outside.replies.clear()
    with mailroom.platform.write() as tx:
        enable_endpoint(tx, MAMA, endpoint.id)
    with mailroom.ops.of(MAMA).write() as tx:
        resume_lane(tx, MAMA, endpoint.id)
    mailroom.carry()
    assert mailroom.outside.by(ONE) == [first, first]
    assert mailroom.statuses() == ["delivered"]


def test_what_waits_for_a_deleted_endpoint_is_discarded(mailroom: Mailroom) -> None:
    endpoint = mailroom.endpoint(ONE)
    mailroom.announce()
    with mailroom.platform.write() as tx:
        remove_endpoint(tx, MAMA, endpoint.id)
    mailroom.carry()
    assert (mailroom.outside.heard, mailroom.statuses()) == ([], ["discarded"])


def test_after_five_days_without_success_the_endpoint_is_disabled(mailroom: Mailroom) -> None:
    endpoint = mailroom.endpoint(ONE)
    mailroom.outside.replies[ONE] = silent
    for day in range(6):
        mailroom.announce(f"order:{day}")
        mailroom.carry()
        assert mailroom.now_of(endpoint).is_enabled == (day < 5), day
        mailroom.clock.advance(timedelta(days=1))
    assert "5 days" in (mailroom.now_of(endpoint).disabled_reason or "")


def test_one_success_makes_the_count_of_days_begin_anew(mailroom: Mailroom) -> None:
    endpoint = mailroom.endpoint(ONE)
    for day in range(12):
        mailroom.outside.replies[ONE] = (lambda _heard: OK) if day == 4 else silent
        mailroom.announce(f"order:{day}")
        mailroom.carry()
        assert mailroom.now_of(endpoint).is_enabled == (day < 10), day
        mailroom.clock.advance(timedelta(days=1))


def test_an_endpoint_that_is_down_is_only_probed_and_goes_on_when_it_is_back(mailroom: Mailroom) -> None:
    endpoint = mailroom.endpoint(ONE)
    mailroom.outside.replies[ONE] = silent
    ids = [mailroom.announce(f"order:{n}") for n in range(30)]
    mailroom.carry()
    asked = len(mailroom.outside.heard)
    assert UNWELL_AFTER <= asked < UNWELL_AFTER + 4
    mailroom.clock.advance(PROBE_EVERY - timedelta(seconds=1))
    mailroom.carry()
    assert len(mailroom.outside.heard) == asked
    mailroom.pass_time(timedelta(seconds=1))
    assert len(mailroom.outside.heard) == asked + 1
    mailroom.outside.replies.clear()
    mailroom.pass_time(PROBE_EVERY)
    assert set(mailroom.statuses(endpoint)) == {"delivered"}
    assert set(mailroom.outside.by(ONE)) == set(ids)


def test_a_listener_that_hangs_keeps_nobody_else_waiting(mailroom: Mailroom) -> None:
    mailroom.endpoint(ONE)
    mailroom.endpoint(TWO)
    release, is_called = threading.Event(), threading.Event()

    def hang(_heard: Heard) -> Answer:
        is_called.set()
        release.wait(60)
        return OK

    mailroom.outside.replies[ONE] = hang
    mailroom.outside.replies[TWO] = lambda _heard: OK
    ids = [mailroom.announce(f"order:{n}") for n in range(8)]
    stuck = threading.Thread(target=lambda: _until(mailroom, is_called))
    stuck.start()
    try:
        assert is_called.wait(30)
        mailroom.carry(mailroom.new_courier())
        assert set(mailroom.outside.by(TWO)) == set(ids)
        assert len(mailroom.outside.by(ONE)) <= 4
    finally:
        release.set()
        stuck.join(60)
    mailroom.carry()
    assert set(mailroom.statuses()) == {"delivered"}
    assert len(mailroom.outside.heard) == 16


def _until(mailroom: Mailroom, is_called: threading.Event) -> None:
    while not is_called.is_set():
        mailroom.courier.look_soon()
        mailroom.courier.turn()


def test_a_test_event_is_tried_once(mailroom: Mailroom) -> None:
    from router.events.fanout import ping

    endpoint = mailroom.endpoint(ONE)
    mailroom.outside.replies[ONE] = refusing(500)
    with mailroom.ops.of(MAMA).write() as tx:
        ping(tx, endpoint, mailroom.clock.now())
    mailroom.carry()
    mailroom.pass_time(timedelta(days=1))
    assert [heard.type for heard in mailroom.outside.heard] == ["webhook.ping"]
    assert mailroom.statuses() == ["discarded"]


# --- what dies on the way --------------------------------------------------------------------------------------------


class Killed(BaseException):
    """What kill -9 does to a thread, as far as a test can do it."""


def test_a_courier_that_dies_between_the_answer_and_its_record_sends_again_under_the_same_id(
    mailroom: Mailroom,
) -> None:
    mailroom.endpoint(ONE)
    event_id = mailroom.announce()

    def accept_and_die(_heard: Heard) -> Answer:
        raise Killed

    mailroom.outside.replies[ONE] = accept_and_die
    with pytest.raises(Killed):
        mailroom.carry()
    mailroom.outside.replies.clear()
    again = mailroom.new_courier()
    mailroom.carry(again)
    assert mailroom.outside.by(ONE) == [event_id]  # the lane of the dead one is leased
    mailroom.clock.advance(LEASE + timedelta(seconds=1))
    mailroom.carry(again)
    assert mailroom.outside.by(ONE) == [event_id, event_id]
    assert mailroom.statuses() == ["delivered"]
    assert [(row["number"], row["status_code"]) for row in mailroom.attempts()] == [(1, None), (2, 200)]


def test_an_outcome_that_comes_after_the_lease_was_over_does_not_undo_what_came_later(mailroom: Mailroom) -> None:
    mailroom.endpoint(ONE)
    mailroom.announce()
    other = mailroom.new_courier()

    def slow(heard: Heard) -> Answer:
        if len(mailroom.outside.heard) > 1:
            return OK
        mailroom.clock.advance(LEASE + timedelta(seconds=1))
        mailroom.carry(other)
        return refusing(500)(heard)

    mailroom.outside.replies[ONE] = slow
    mailroom.carry()
    assert mailroom.statuses() == ["delivered"]
    assert [(row["number"], row["status_code"]) for row in mailroom.attempts()] == [(1, 500), (2, 200)]


def test_many_couriers_at_once_send_each_event_once_and_in_order(mailroom: Mailroom) -> None:
    for url in (ONE, TWO):
        mailroom.endpoint(url)
    ids = [mailroom.announce(f"order:{n % 4}") for n in range(24)]
    couriers = [mailroom.new_courier() for _ in range(3)]
    threads = [threading.Thread(target=mailroom.carry, args=(courier,)) for courier in couriers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for _ in range(20):
        mailroom.carry()
    for url in (ONE, TWO):
        got = mailroom.outside.by(url)
        assert sorted(got) == sorted(ids)
        for aggregate in range(4):
            assert [each for each in got if ids.index(each) % 4 == aggregate] == ids[aggregate::4]
