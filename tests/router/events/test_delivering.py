"""Deliveries to vendors' endpoints: signed, in order within an aggregate, until accepted, parked or discarded."""

import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta

import pytest

from contracts.events import EventType
from contracts.ids import VendorId
from kit.outside import AddressRefused, Answer, NoAnswer
from kit.signing import KeyRing
from router.events.endpoints import remove_endpoint, rotate_secret
from router.events.lanes import LEASE
from router.events.listing import Decision, decide
from router.events.rules import DELAYS_S, PROBE_EVERY, UNWELL_AFTER
from router.events.signing import Signatures
from tests.support.mailroom import MAMA, OK, Heard, Mailroom

ONE = "https://one.example.com/in"
TWO = "https://two.example.com/in"
WEEK = timedelta(days=7)


def refusing(status: int, **headers: str) -> Callable[[Heard], Answer]:
    return lambda _heard: Answer(status, b"no", {name.replace("_", "-"): value for name, value in headers.items()})


def silent(_heard: Heard) -> Answer:
    raise NoAnswer("timeout", "no answer within 10 s")


def after_failures(number: int, reply: Callable[[Heard], Answer]) -> Callable[[Heard], Answer]:
    """It fails so often with each event, then accepts it."""
    failed: defaultdict[str, int] = defaultdict(int)

    def answer(heard: Heard) -> Answer:
        failed[heard.event_id] += 1
        return reply(heard) if failed[heard.event_id] <= number else OK

    return answer


def give_up(mailroom: Mailroom) -> None:
    """Let time pass as the schedule has it until what was announced first is given up."""
    mailroom.carry()
    for delay_s in (*DELAYS_S, *[DELAYS_S[-1]] * 4):
        assert mailroom.statuses()[0] == "pending"
        mailroom.pass_time(timedelta(seconds=delay_s))
    assert mailroom.statuses()[0] == "parked"


# --- who is told -----------------------------------------------------------------------------------------------------


def test_an_event_goes_to_every_endpoint_that_wants_it_and_to_no_other(mailroom: Mailroom) -> None:
    mailroom.endpoint(ONE)
    mailroom.endpoint(TWO, EventType.ORDER_CANCELLED)
    other = mailroom.open_shop(VendorId("vendor-baraka"))
    mailroom.endpoint("https://baraka.example.com/", vendor_id=other)
    paid = mailroom.announce()
    cancelled = mailroom.announce("order:2", EventType.ORDER_CANCELLED)
    assert mailroom.wakes == 2
    mailroom.carry()
    assert sorted(mailroom.outside.by(ONE)) == sorted([paid, cancelled])
    assert mailroom.outside.by(TWO) == [cancelled]
    assert mailroom.outside.by("https://baraka.example.com/") == []
    assert mailroom.statuses() == ["delivered"] * 3


def test_a_shop_without_endpoints_has_no_deliveries_and_wakes_nobody(mailroom: Mailroom) -> None:
    mailroom.announce()
    assert (mailroom.rows(), mailroom.wakes) == ([], 0)


def test_news_of_a_change_that_was_rolled_back_goes_nowhere(mailroom: Mailroom) -> None:
    from router.events.service import announce
    from tests.support.mailroom import order_news

    mailroom.endpoint()

    def change_and_fail() -> None:
        with mailroom.ops.of(MAMA).write() as tx:
            now = mailroom.clock.now()
            news = order_news(mailroom.clock)
            announce(tx, type=EventType.ORDER_PAID, vendor_id=MAMA, aggregate="order:1", data=news, now=now)
            raise RuntimeError("the change failed")

    with pytest.raises(RuntimeError):
        change_and_fail()
    mailroom.carry()
    assert (mailroom.rows(), mailroom.outside.heard, mailroom.wakes) == ([], [], 0)


def test_a_disabled_endpoint_gets_nothing_new(mailroom: Mailroom) -> None:
    endpoint = mailroom.endpoint()
    mailroom.set_endpoint(endpoint, status="disabled")
    mailroom.announce()
    assert mailroom.rows() == []


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_it_is_a_standard_webhook_that_the_receiver_can_check(mailroom: Mailroom) -> None:
    endpoint = mailroom.endpoint(ONE)
    event_id = mailroom.announce()
    mailroom.carry()
    heard = mailroom.outside.heard[0]
    assert heard.headers["webhook-id"] == event_id
    assert heard.headers["webhook-timestamp"] == str(int(mailroom.clock.now().timestamp()))
    assert mailroom.verify(heard, mailroom.signatures.secret(endpoint.id, 1, "m1"))
    assert not mailroom.verify(heard, mailroom.signatures.secret(endpoint.id, 2, "m1"))
    assert heard.type == "order.paid"
    assert heard.body["order"]["total_minor"] == 45_000


def test_after_a_rotation_both_secrets_sign_for_a_day(mailroom: Mailroom) -> None:
    endpoint = mailroom.endpoint(ONE)
    with mailroom.platform.write() as tx:
        rotate_secret(tx, MAMA, endpoint.id, "m1", mailroom.clock.now())
    old, new = (mailroom.signatures.secret(endpoint.id, version, "m1") for version in (1, 2))
    for passes, signs in ((timedelta(hours=23), [True, True]), (timedelta(hours=1), [False, True])):
        mailroom.clock.advance(passes)
        mailroom.announce()
        mailroom.carry()
        heard = mailroom.outside.heard[-1]
        assert [mailroom.verify(heard, secret) for secret in (old, new)] == signs


def test_without_its_master_key_nothing_is_sent_and_the_log_says_to_rotate(mailroom: Mailroom) -> None:
    mailroom.endpoint(ONE)
    mailroom.signatures = Signatures(KeyRing.parse("m2:" + "n" * 32))
    mailroom.announce()
    mailroom.carry(mailroom.new_courier())
    assert mailroom.outside.heard == []
    (attempt,) = mailroom.attempts()
    assert attempt["error"] == "secret_gone"
    assert "rotate" in attempt["answer"]


# --- order and retries -----------------------------------------------------------------------------------------------


def test_a_delivery_that_fails_is_tried_again_and_holds_back_its_own_aggregate_at_that_endpoint_only(
    mailroom: Mailroom,
) -> None:
    one, two = mailroom.endpoint(ONE), mailroom.endpoint(TWO)
    mailroom.outside.replies[ONE] = after_failures(1, refusing(400))
    first, second = mailroom.announce("order:1"), mailroom.announce("order:1", EventType.ORDER_CANCELLED)
    other = mailroom.announce("order:2")
    mailroom.carry()
    assert second not in mailroom.outside.by(ONE)
    assert sorted(mailroom.outside.by(TWO)) == sorted([first, second, other])
    assert mailroom.statuses(two) == ["delivered"] * 3
    assert mailroom.statuses(one) == ["pending"] * 3
    mailroom.pass_time(timedelta(seconds=5))
    assert [each for each in mailroom.outside.by(ONE) if each != other] == [first, first, second]
    mailroom.pass_time(timedelta(seconds=5))
    assert mailroom.statuses() == ["delivered"] * 6
    assert [each for each in mailroom.outside.by(ONE) if each != other] == [first, first, second, second]


def test_it_is_parked_after_three_days_and_what_waits_behind_it_stays(mailroom: Mailroom) -> None:
    endpoint = mailroom.endpoint(ONE)
    mailroom.outside.replies[ONE] = refusing(400)
    first = mailroom.announce()
    mailroom.announce()
    began = mailroom.clock.now()
    give_up(mailroom)
    assert timedelta(days=2) < mailroom.clock.now() - began < timedelta(days=3)
    assert mailroom.statuses() == ["parked", "pending"]
    mailroom.outside.replies.clear()
    mailroom.pass_time(WEEK)
    assert set(mailroom.outside.by(ONE)) == {first}
    assert mailroom.now_of(endpoint).is_enabled


@pytest.mark.parametrize("decision", list(Decision))
def test_a_parked_delivery_can_be_tried_again_or_discarded_and_lets_the_next_one_go(
    mailroom: Mailroom, decision: Decision
) -> None:
    mailroom.endpoint(ONE)
    mailroom.outside.replies[ONE] = refusing(400)
    first, second = mailroom.announce(), mailroom.announce()
    give_up(mailroom)
    mailroom.outside.replies.clear()
    mailroom.outside.heard.clear()
    parked = mailroom.deliveries()[0]
    with mailroom.ops.of(MAMA).write() as tx:
        assert decide(tx, MAMA, parked["id"], decision, mailroom.clock.now())
    mailroom.carry()
    assert mailroom.outside.by(ONE) == ([first, second] if decision is Decision.RETRY else [second])
    with mailroom.ops.of(MAMA).write() as tx:
        assert not decide(tx, MAMA, parked["id"], decision, mailroom.clock.now())


def test_who_says_when_to_come_back_is_not_asked_before(mailroom: Mailroom) -> None:
    mailroom.endpoint(ONE)
    mailroom.outside.replies[ONE] = after_failures(1, refusing(429, retry_after="120"))
    mailroom.announce()
    mailroom.carry()
    mailroom.pass_time(timedelta(seconds=119))
    assert len(mailroom.outside.heard) == 1
    mailroom.pass_time(timedelta(seconds=1))
    assert mailroom.statuses() == ["delivered"]


def test_every_attempt_is_on_record_with_what_was_answered(mailroom: Mailroom) -> None:
    mailroom.endpoint(ONE)
    answers = iter([Answer(500, b"\x1b[31mno\x00 \xff\n" + b"x" * 3000, {}), NoAnswer("dns", "not known"), OK])

    def reply(_heard: Heard) -> Answer:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    mailroom.outside.replies[ONE] = reply
    mailroom.announce()
    mailroom.carry()
    mailroom.pass_time(timedelta(seconds=5))
    mailroom.pass_time(timedelta(seconds=30))
    kept = [(row["number"], row["status_code"], row["error"]) for row in mailroom.attempts()]
    assert kept == [(1, 500, "refused"), (2, None, "dns"), (3, 200, None)]
    answer = mailroom.attempts()[0]["answer"]
    assert (answer[:12], len(answer)) == (" [31mno  \ufffd x", 500)
    assert all(row["duration_ms"] >= 0 for row in mailroom.attempts())
    assert mailroom.deliveries()[0]["last_error"] is None


def test_an_address_that_leads_to_us_today_is_an_attempt_that_failed(mailroom: Mailroom) -> None:
    mailroom.endpoint(ONE)

    def rebound(_heard: Heard) -> Answer:
        raise AddressRefused("one.example.com leads to an address that is not public")

    mailroom.outside.replies[ONE] = rebound
    mailroom.announce()
    mailroom.carry()
    assert mailroom.statuses() == ["pending"]
    assert mailroom.attempts()[0]["error"] == "address_refused"


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
