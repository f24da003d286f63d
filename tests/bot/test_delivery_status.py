"""Statuses of a message only climb, in whatever order and however often Twilio reports them."""

from itertools import permutations

import pytest

from bot.inbound import delivery_status
from tests.support.bot import ACCOUNT, BotUnderTest, sid


def report(bot: BotUnderTest, status: str, number: int = 1, **more: str) -> int:
    form = {"AccountSid": ACCOUNT, "MessageSid": sid(number), "MessageStatus": status, **more}
    return bot.post(delivery_status.PATH, form)


def status_of_the_only_message(bot: BotUnderTest) -> tuple[str, int | None]:
    (row,) = bot.rows("SELECT status, error_code FROM messages")
    return row["status"], row["error_code"]


def test_statuses_climb(any_bot: BotUnderTest) -> None:
    any_bot.hears("hello")
    any_bot.work()
    for status, becomes in (("queued", "sent"), ("sent", "sent"), ("delivered", "delivered"), ("read", "read")):
        assert report(any_bot, status) == 200
        assert status_of_the_only_message(any_bot) == (becomes, None)


@pytest.mark.parametrize("order", list(permutations(("sent", "delivered", "read"))))
def test_any_order_ends_in_read(bot: BotUnderTest, order: tuple[str, ...]) -> None:
    bot.hears("hello")
    bot.work()
    for status in (*order, *order):
        assert report(bot, status) == 200
    assert status_of_the_only_message(bot) == ("read", None)


@pytest.mark.parametrize("word", ["failed", "undelivered"])
def test_a_failure_is_kept_with_its_code(any_bot: BotUnderTest, word: str) -> None:
    any_bot.hears("hello")
    any_bot.work()
    report(any_bot, word, ErrorCode="63016")
    report(any_bot, "sent")
    assert status_of_the_only_message(any_bot) == ("failed", 63016)


@pytest.mark.parametrize("order", list(permutations(("failed", "delivered"))))
def test_what_was_delivered_did_not_fail(bot: BotUnderTest, order: tuple[str, ...]) -> None:
    bot.hears("hello")
    bot.work()
    for status in order:
        report(bot, status)
    assert status_of_the_only_message(bot)[0] == "delivered"


@pytest.mark.parametrize("order", list(permutations(("delivered", "read", "failed"))))
def test_statuses_that_come_before_we_know_the_sid_are_not_lost(bot: BotUnderTest, order: tuple[str, ...]) -> None:
    expect_read_after_early(bot, order)


def test_early_statuses_are_kept_on_every_database(any_bot: BotUnderTest) -> None:
    expect_read_after_early(any_bot, ("delivered", "read", "failed"))


def expect_read_after_early(bot: BotUnderTest, order: tuple[str, ...]) -> None:
    def twilio_is_quick(body: str) -> None:
        for status in order:
            assert report(bot, status) == 200

    bot.messenger.before_call = twilio_is_quick
    bot.hears("hello")
    bot.work()
    assert status_of_the_only_message(bot)[0] == "read"
    assert bot.rows("SELECT * FROM early_statuses") == []


def test_a_status_of_a_message_that_is_not_ours_is_harmless(any_bot: BotUnderTest) -> None:
    any_bot.hears("hello")
    any_bot.work()
    assert report(any_bot, "delivered", number=999) == 200
    any_bot.work()
    assert status_of_the_only_message(any_bot) == ("sent", None)


@pytest.mark.parametrize(
    "word",
    ["accepted", "scheduled", "queued", "sending", "sent", "receiving", "received", "partially_delivered", "pondering"],
)
def test_a_status_that_says_no_more_than_we_know_or_nothing_we_know_changes_nothing(
    bot: BotUnderTest, word: str
) -> None:
    bot.hears("hello")
    bot.work()
    assert report(bot, word) == 200
    assert status_of_the_only_message(bot) == ("sent", None)


@pytest.mark.parametrize("code", ["", "x", "-1", "²", "9" * 30])
def test_an_error_code_that_is_no_number_is_left_out(bot: BotUnderTest, code: str) -> None:
    bot.hears("hello")
    bot.work()
    assert report(bot, "failed", ErrorCode=code) == 200
    assert status_of_the_only_message(bot) == ("failed", None)


def test_an_unsigned_status_is_refused(bot: BotUnderTest) -> None:
    bot.hears("hello")
    bot.work()
    form = {"AccountSid": ACCOUNT, "MessageSid": sid(1), "MessageStatus": "read"}
    assert bot.post(delivery_status.PATH, form, signed_as={**form, "MessageStatus": "sent"}) == 403
    assert bot.post(delivery_status.PATH, {**form, "AccountSid": "AC" + "e" * 32}) == 403
    assert status_of_the_only_message(bot) == ("sent", None)


def test_a_status_without_sid_or_status_is_refused(bot: BotUnderTest) -> None:
    assert bot.post(delivery_status.PATH, {"AccountSid": ACCOUNT, "MessageSid": sid(1)}) == 400
    assert bot.post(delivery_status.PATH, {"AccountSid": ACCOUNT, "MessageStatus": "read"}) == 400


def test_only_a_status_that_leaves_something_to_do_wakes_the_sender(any_bot: BotUnderTest) -> None:
    any_bot.hears("hello")
    any_bot.work()
    wakes: list[str] = []
    for status, number in (("delivered", 1), ("delivered", 1), ("read", 1), ("read", 404), ("failed", 1)):

        def woken(by: str = f"{status} {number}") -> None:
            wakes.append(by)

        any_bot.sender.slots.wake = woken
        assert report(any_bot, status, number) == 200
    assert wakes == ["read 404", "failed 1"]
