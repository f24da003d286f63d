"""Deliveries to vendors' endpoints: signed, in order within an aggregate, until accepted, parked or discarded."""

from datetime import timedelta

import pytest

from contracts.events import EventType
from contracts.ids import VendorId
from kit.outside import AddressRefused, Answer, NoAnswer
from kit.signing import KeyRing
from router.events.endpoints import rotate_secret
from router.events.listing import Decision, decide
from router.events.rules import DELAYS_S
from router.events.signing import Signatures
from tests.support.mailroom import MAMA, OK, ONE, TWO, Heard, Mailroom, after_failures, refusing


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
    mailroom.pass_time(timedelta(days=7))
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
