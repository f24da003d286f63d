"""Messages leave in order, once, and only when they may; what became of each is on its row."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.ports.fakes import FakeMessenger
from bot.ports.messenger import NotTaken, Refused, Unsure
from bot.recovery import Recovery
from bot.store import messages
from kit.clock import FixedClock
from kit.db import Database
from kit.owners import Owner
from tests.support.bot import ACHIENG, BARAKA, BotUnderTest, an_event


class Cut(BaseException):
    """The process dies here."""


BUSY = (NotTaken("429"), False)
REFUSED_CONNECTION = (NotTaken("connection refused"), False)
TAKEN_THEN_CUT = (Unsure("timed out"), True)
LOST_THEN_CUT = (Unsure("timed out"), False)


def test_a_message_that_twilio_was_too_busy_for_is_sent_again(any_bot: BotUnderTest, clock: FixedClock) -> None:
    any_bot.messenger.next.append(BUSY)
    any_bot.hears("hello")
    any_bot.work()
    assert any_bot.outgoing() == [("you said hello", "queued")]
    clock.advance(timedelta(seconds=1))
    any_bot.work()
    assert any_bot.messenger.bodies() == ["you said hello"]
    assert any_bot.messenger.look_ups == 0  # a 429 was never processed


def test_the_pause_that_twilio_asks_for_is_kept(bot: BotUnderTest, clock: FixedClock) -> None:
    bot.messenger.next.append((NotTaken("429", retry_after_s=30), False))
    bot.hears("hello")
    bot.work()
    clock.advance(timedelta(seconds=29))
    bot.work()
    assert bot.messenger.calls == 1
    clock.advance(timedelta(seconds=1))
    bot.work()
    assert bot.messenger.bodies() == ["you said hello"]


def test_pauses_grow_to_a_minute(bot: BotUnderTest, clock: FixedClock) -> None:
    bot.messenger.next.extend([REFUSED_CONNECTION] * 9)
    bot.hears("hello")
    bot.work()
    for delay_s in (1, 2, 4, 8, 16, 32, 60, 60, 60):
        calls = bot.messenger.calls
        clock.advance(timedelta(seconds=delay_s, milliseconds=-1))
        bot.work()
        assert bot.messenger.calls == calls
        clock.advance(timedelta(milliseconds=1))
        bot.work()
        assert bot.messenger.calls == calls + 1
    assert bot.messenger.bodies() == ["you said hello"]


def test_a_message_taken_by_twilio_before_the_cut_is_found_there_and_not_sent_twice(
    any_bot: BotUnderTest, clock: FixedClock
) -> None:
    any_bot.messenger.next.append(TAKEN_THEN_CUT)
    any_bot.hears("hello")
    any_bot.work()
    assert any_bot.outgoing() == [("you said hello", "uncertain")]
    clock.advance(timedelta(seconds=2))
    any_bot.work()
    assert any_bot.messenger.bodies() == ["you said hello"]
    assert any_bot.messenger.look_ups == 1
    (row,) = any_bot.rows("SELECT status, sid FROM messages")
    assert row == {"status": "sent", "sid": any_bot.messenger.taken[0].sid}


def test_a_message_that_never_reached_twilio_is_sent_after_looking(any_bot: BotUnderTest, clock: FixedClock) -> None:
    any_bot.messenger.next.append(LOST_THEN_CUT)
    any_bot.hears("hello")
    any_bot.work()
    clock.advance(timedelta(seconds=2, milliseconds=-1))
    any_bot.work()
    assert (any_bot.messenger.calls, any_bot.messenger.look_ups) == (1, 0)  # it may be on its way through Twilio
    clock.advance(timedelta(milliseconds=1))
    any_bot.work()
    assert (any_bot.messenger.calls, any_bot.messenger.look_ups) == (2, 1)
    assert any_bot.messenger.bodies() == ["you said hello"]


def test_nothing_is_sent_again_while_twilio_can_not_be_asked(bot: BotUnderTest, clock: FixedClock) -> None:
    bot.messenger.next.append(TAKEN_THEN_CUT)
    bot.messenger.is_blind = True
    bot.hears("hello")
    for _ in range(5):
        bot.work()
        clock.advance(timedelta(minutes=1))
    assert bot.messenger.calls == 1
    assert bot.outgoing() == [("you said hello", "uncertain")]
    bot.messenger.is_blind = False
    bot.work()
    assert (bot.messenger.calls, bot.outgoing()) == (1, [("you said hello", "sent")])


def test_an_earlier_message_of_the_same_text_is_not_taken_for_the_uncertain_one(
    bot: BotUnderTest, clock: FixedClock
) -> None:
    bot.hears("hello")
    bot.work()
    bot.messenger.next.append(LOST_THEN_CUT)
    bot.hears("hello")
    bot.work()
    clock.advance(timedelta(seconds=2))
    bot.work()
    assert bot.messenger.bodies() == ["you said hello"] * 2
    assert [status for _, status in bot.outgoing()] == ["sent", "sent"]


def test_what_was_being_sent_when_the_process_died_is_looked_up_first(any_bot: BotUnderTest, clock: FixedClock) -> None:
    def die(body: str) -> None:
        raise Cut

    any_bot.hears("hello")
    any_bot.turns.turn()
    any_bot.messenger.before_call = die
    with pytest.raises(Cut):
        any_bot.sender.turn()
    any_bot.messenger.before_call = lambda body: None
    other = BotUnderTest(any_bot.db, clock, owner="bot-2", messenger=any_bot.messenger)
    other.work()
    assert other.messenger.look_ups == 0  # the dead one's lease still runs
    clock.advance(messages.LEASE)
    other.work()
    assert (other.messenger.look_ups, other.messenger.bodies()) == (1, ["you said hello"])


def test_a_killed_process_is_noticed_without_waiting_for_its_leases(
    sqlite_database: Callable[[str], Database], clock: FixedClock, tmp_path_factory: pytest.TempPathFactory
) -> None:
    db, folder = sqlite_database("conversations"), tmp_path_factory.mktemp("leases")
    messenger = FakeMessenger(clock)
    dead, heir = Owner(folder), Owner(folder)
    killed = BotUnderTest(db, clock, owner=dead.name, messenger=messenger)
    killed.hears("hello", ACHIENG)
    killed.turns.turn()  # its answer is leased for sending
    killed.hears("hello", BARAKA)  # and this turn for taking
    following = BotUnderTest(db, clock, owner=heir.name, messenger=messenger)

    Recovery(db, clock, heir).turn()
    following.work()
    assert messenger.bodies() == []  # it is alive, as far as anyone can tell
    leave_lock_behind(dead)
    Recovery(db, clock, heir).turn()
    following.work()
    assert messenger.bodies() == ["you said hello"]
    assert messenger.bodies(BARAKA) == ["you said hello"]
    clock.advance(timedelta(seconds=2))
    following.work()
    assert messenger.bodies(ACHIENG) == ["you said hello"]
    assert messenger.look_ups == 1
    assert [path.name for path in folder.iterdir()] == [heir.name]
    heir.close()
    assert list(folder.iterdir()) == []


def leave_lock_behind(owner: Owner) -> None:
    """What the operating system does to a killed process: the lock goes, the file stays."""
    file = owner._file  # pyright: ignore[reportPrivateUsage]
    assert file is not None
    file.close()


def test_order_holds_when_the_first_message_has_to_wait(any_bot: BotUnderTest, clock: FixedClock) -> None:
    any_bot.messenger.next.append(BUSY)
    for n in range(4):
        any_bot.hears(f"{n}")
    any_bot.hears("hello", BARAKA)
    any_bot.work()
    assert any_bot.messenger.bodies() == ["you said hello"]
    clock.advance(timedelta(seconds=1))
    any_bot.work()
    assert any_bot.messenger.bodies(ACHIENG) == [f"you said {n}" for n in range(4)]


def test_a_refused_message_is_kept_with_its_code_and_lets_the_next_one_pass(any_bot: BotUnderTest) -> None:
    any_bot.messenger.next.append((Refused("answered 400", 21617), False))
    any_bot.hears("one")
    any_bot.hears("two")
    any_bot.work()
    assert any_bot.messenger.bodies() == ["you said two"]
    rows = any_bot.rows("SELECT status, error_code, reason FROM messages ORDER BY seq")
    assert rows == [
        {"status": "failed", "error_code": 21617, "reason": "answered 400"},
        {"status": "sent", "error_code": None, "reason": None},
    ]


class TestWhatMayBeSent:
    def test_news_reaches_the_customer(self, any_bot: BotUnderTest) -> None:
        any_bot.hears("hello")
        assert any_bot.is_told(an_event("e1")) == 200
        any_bot.work()
        assert any_bot.messenger.bodies() == ["you said hello", "news: e1"]

    def test_after_stop_news_is_held_and_answers_are_sent(self, any_bot: BotUnderTest) -> None:
        any_bot.hears("stop")
        any_bot.is_told(an_event("e1"))
        any_bot.hears("hello")
        any_bot.work()
        assert any_bot.messenger.bodies() == ["you said stop", "you said hello"]
        assert any_bot.outgoing()[1] == ("news: e1", "held")
        assert any_bot.rows("SELECT reason FROM messages WHERE status = 'held'") == [{"reason": "opted_out"}]

    def test_stop_counts_for_news_that_is_queued_already(self, any_bot: BotUnderTest, clock: FixedClock) -> None:
        any_bot.hears("hello")
        any_bot.work()
        any_bot.messenger.next.append(BUSY)
        any_bot.is_told(an_event("e1"))
        any_bot.work()
        any_bot.hears("stop")
        clock.advance(timedelta(seconds=1))
        any_bot.work()
        assert any_bot.messenger.bodies() == ["you said hello", "you said stop"]

    def test_stop_counts_for_news_that_was_cut_off_and_never_arrived(
        self, bot: BotUnderTest, clock: FixedClock
    ) -> None:
        bot.hears("hello")
        bot.work()
        bot.messenger.next.append(LOST_THEN_CUT)
        bot.is_told(an_event("e1"))
        bot.work()
        bot.hears("stop")
        clock.advance(timedelta(seconds=2))
        bot.work()
        assert bot.messenger.bodies() == ["you said hello", "you said stop"]
        assert bot.outgoing()[1] == ("news: e1", "held")

    def test_after_start_news_is_sent_again(self, bot: BotUnderTest) -> None:
        bot.hears("stop")
        bot.hears("start")
        bot.is_told(an_event("e1"))
        bot.work()
        assert bot.messenger.bodies()[-1] == "news: e1"

    def test_news_a_day_after_the_last_message_is_held_and_visible(
        self, any_bot: BotUnderTest, clock: FixedClock
    ) -> None:
        any_bot.hears("hello")
        any_bot.work()
        clock.advance(timedelta(hours=24, microseconds=-1))
        any_bot.is_told(an_event("e1"))
        any_bot.work()
        clock.advance(timedelta(microseconds=1))
        any_bot.is_told(an_event("e2"))
        any_bot.work()
        assert any_bot.messenger.bodies() == ["you said hello", "news: e1"]
        assert any_bot.outgoing()[2] == ("news: e2", "held")
        assert any_bot.rows("SELECT reason FROM messages WHERE status = 'held'") == [{"reason": "outside_24h"}]

    def test_an_answer_that_could_not_be_sent_for_a_day_is_held(self, bot: BotUnderTest, clock: FixedClock) -> None:
        bot.messenger.next.append(BUSY)
        bot.hears("hello")
        bot.work()
        clock.advance(timedelta(hours=24))
        bot.work()
        assert (bot.messenger.bodies(), bot.outgoing()) == ([], [("you said hello", "held")])

    def test_a_new_message_of_the_customer_opens_the_window_again(self, bot: BotUnderTest, clock: FixedClock) -> None:
        bot.hears("hello")
        clock.advance(timedelta(hours=30))
        bot.hears("again")
        bot.is_told(an_event("e1"))
        bot.work()
        assert bot.messenger.bodies()[-1] == "news: e1"


def test_what_was_handed_over_and_not_begun_is_queued_again_by_a_process_that_stops(
    new_database: Callable[[str], Database], clock: FixedClock
) -> None:
    db = new_database("conversations")
    stopping = BotUnderTest(db, clock)
    stopping.hears("hello")
    stopping.turns.turn()
    assert stopping.outgoing() == [("you said hello", "sending")]
    stopping.sender.give_back()
    assert stopping.outgoing() == [("you said hello", "queued")]
    other = BotUnderTest(db, clock, owner="bot-2")
    other.work()
    assert (other.messenger.bodies(), other.messenger.look_ups) == (["you said hello"], 0)
