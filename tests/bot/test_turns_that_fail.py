"""A turn that can't be finished now: its message stays first in line, the customer hears so once, and it goes on."""

from datetime import timedelta

from sqlalchemy import text

from bot.conversation.model import Command, Result, StartCharge
from bot.ports.fakes import Asked, FakePerformer
from bot.turns import MAX_COMMANDS, MAX_ERRORS
from kit.clock import FixedClock
from kit.peers import Broken, Unreachable
from tests.support.bot import ACHIENG, BARAKA, BotUnderTest, obliging, sid


def down(_: object) -> None:
    raise Unreachable("connection refused")


def broken(_: object) -> None:
    raise Broken("answered 500")


def up(_: object) -> None:
    pass


def fake(bot: BotUnderTest) -> FakePerformer:
    assert isinstance(bot.performer, FakePerformer)
    return bot.performer


class TestUnreachable:
    def test_the_customer_is_told_once_and_answered_when_the_router_is_back(
        self, any_bot: BotUnderTest, clock: FixedClock
    ) -> None:
        fake(any_bot).before = down
        any_bot.hears("add 1")
        any_bot.work()
        assert any_bot.messenger.bodies() == ["unreachable_shop"]
        for _ in range(5):
            clock.advance(timedelta(seconds=15))
            any_bot.work()
        assert any_bot.messenger.bodies() == ["unreachable_shop"]
        assert len(fake(any_bot).asked) == 6
        assert any_bot.inbox() == ["received"]

        fake(any_bot).before = up
        clock.advance(timedelta(seconds=15))
        any_bot.work()
        assert any_bot.messenger.bodies() == ["unreachable_shop", "done: AddItem"]
        assert fake(any_bot).effects == [f"{sid(1)}:1"]

    def test_tries_are_spaced_from_one_to_fifteen_seconds(self, bot: BotUnderTest, clock: FixedClock) -> None:
        fake(bot).before = down
        bot.hears("add 1")
        bot.work()
        for delay_s in (1, 2, 4, 8, 15, 15):
            tried = len(fake(bot).asked)
            clock.advance(timedelta(seconds=delay_s, milliseconds=-1))
            bot.work()
            assert len(fake(bot).asked) == tried
            clock.advance(timedelta(milliseconds=1))
            bot.work()
            assert len(fake(bot).asked) == tried + 1

    def test_later_messages_wait_behind_it_in_order(self, any_bot: BotUnderTest, clock: FixedClock) -> None:
        fake(any_bot).before = down
        any_bot.hears("add 1")
        any_bot.work()
        any_bot.hears("hello")
        any_bot.work()
        assert any_bot.messenger.bodies() == ["unreachable_shop"]
        assert len(fake(any_bot).asked) == 1  # what arrives behind it is no reason to try sooner
        fake(any_bot).before = up
        clock.advance(timedelta(seconds=15))
        any_bot.work()
        assert any_bot.messenger.bodies() == ["unreachable_shop", "done: AddItem", "you said hello"]

    def test_stop_overtakes_what_waits(self, any_bot: BotUnderTest, clock: FixedClock) -> None:
        fake(any_bot).before = down
        any_bot.hears("add 1")
        any_bot.hears("hello")
        any_bot.work()
        any_bot.hears("Stop")
        any_bot.work()
        assert any_bot.messenger.bodies() == ["unreachable_shop", "you said Stop"]
        assert any_bot.inbox() == ["received", "received", "processed"]
        assert [bool(row["opted_out"]) for row in any_bot.rows("SELECT opted_out FROM conversations")] == [True]

        fake(any_bot).before = up
        clock.advance(timedelta(seconds=15))
        any_bot.work()
        assert any_bot.messenger.bodies()[2:] == ["done: AddItem", "you said hello"]

    def test_another_customer_is_answered_meanwhile(self, bot: BotUnderTest) -> None:
        fake(bot).before = down
        bot.hears("add 1", ACHIENG)
        bot.hears("hello", BARAKA)
        bot.work()
        assert bot.messenger.bodies(BARAKA) == ["you said hello"]

    def test_an_adapter_that_is_down_gets_the_same_grant_when_it_is_back(
        self, any_bot: BotUnderTest, clock: FixedClock
    ) -> None:
        def adapter_down(asked: Asked) -> None:
            if isinstance(asked.command, StartCharge):
                raise Unreachable("connection refused")

        fake(any_bot).before = adapter_down
        any_bot.hears("pay")
        any_bot.work()
        assert any_bot.messenger.bodies() == ["unreachable_payments"]
        fake(any_bot).before = up
        clock.advance(timedelta(seconds=1))
        any_bot.work()
        assert any_bot.messenger.bodies() == ["unreachable_payments", "done: StartCharge"]
        assert fake(any_bot).effects == [f"{sid(1)}:1", f"{sid(1)}:2"]
        charges = {asked.command for asked in fake(any_bot).asked if isinstance(asked.command, StartCharge)}
        assert charges == {StartCharge("a-signed-grant", "intent-1")}

    def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_key(
        self, bot: BotUnderTest, clock: FixedClock
    ) -> None:
        fake(bot).after = down
        bot.hears("add 1")
        bot.work()
        fake(bot).after = up
        clock.advance(timedelta(seconds=1))
        bot.work()
        assert fake(bot).effects == [f"{sid(1)}:1"]
        assert bot.messenger.bodies() == ["unreachable_shop", "done: AddItem"]


class TestOurOwnMistakes:
    def fail_for_good(self, bot: BotUnderTest, clock: FixedClock) -> None:
        for _ in range(MAX_ERRORS):
            bot.work()
            clock.advance(timedelta(seconds=10))
        bot.work()

    def test_the_item_is_given_up_with_one_apology_and_the_conversation_goes_on(
        self, any_bot: BotUnderTest, clock: FixedClock
    ) -> None:
        any_bot.hears("hello")
        any_bot.hears("boom")
        any_bot.hears("still there?")
        self.fail_for_good(any_bot, clock)
        assert any_bot.messenger.bodies() == ["you said hello", "our_mistake", "you said still there?"]
        assert any_bot.inbox() == ["processed", "failed", "processed"]
        (row,) = any_bot.rows("SELECT errors, last_error FROM inbox WHERE status = 'failed'")
        assert "a mistake of ours" in row["last_error"]

    def test_a_router_that_fails_at_one_request_for_ever_does_not_block_the_conversation(
        self, bot: BotUnderTest, clock: FixedClock
    ) -> None:
        fake(bot).before = broken
        bot.hears("add 1")
        self.fail_for_good(bot, clock)
        assert bot.messenger.bodies() == ["our_mistake"]
        fake(bot).before = up
        bot.hears("hello")
        bot.work()
        assert bot.messenger.bodies() == ["our_mistake", "you said hello"]

    def test_a_step_that_never_ends_is_a_mistake_of_ours(self, bot: BotUnderTest, clock: FixedClock) -> None:
        bot.hears("for ever")
        self.fail_for_good(bot, clock)
        assert bot.messenger.bodies() == ["our_mistake"]
        assert len(set(fake(bot).effects)) == MAX_COMMANDS

    def test_a_mistake_that_passes_costs_only_time(self, bot: BotUnderTest, clock: FixedClock) -> None:
        failures = 3

        def wobbly(command: Command) -> Result:
            nonlocal failures
            failures -= 1
            if failures >= 0:
                raise ZeroDivisionError
            return obliging(command)

        fake(bot).answer = wobbly
        bot.hears("add 1")
        self.fail_for_good(bot, clock)
        assert bot.messenger.bodies() == ["done: AddItem"]

    def test_given_up_news_is_not_apologised_for(self, bot: BotUnderTest, clock: FixedClock) -> None:
        bot.hears("hello")
        bot.work()
        assert bot.is_told({"event_id": "e1", "type": "order.paid", "data": {"customer_address": ACHIENG}}) == 422
        with bot.db.write() as tx:
            # As a newer router, or a bug of an older bot, might have left it.
            tx.execute(
                text(
                    "INSERT INTO inbox (item_id, kind, conversation_id, content, is_urgent, status, received_at)"
                    " SELECT 'e1', 'news', id, 'not json', 0, 'received', last_message_at FROM conversations"
                )
            )
            tx.execute(text("UPDATE conversations SET waiting = 1"))
        self.fail_for_good(bot, clock)
        assert bot.inbox() == ["processed", "failed"]
        assert bot.messenger.bodies() == ["you said hello"]
