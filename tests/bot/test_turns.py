"""A turn: in order per customer, once in effect, whatever is cut off; and other customers never wait for it."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.conversation.model import AddItem, Command, Pay, Result, StartCharge
from bot.ports.fakes import Asked, FakeMessenger, FakePerformer
from contracts.errors import ErrorCode, ProblemBody
from contracts.router_api import CartView
from kit.clock import FixedClock
from kit.db import Database
from tests.support.bot import ACHIENG, BARAKA, BotUnderTest, sid
from tests.support.processes import eventually


class Cut(BaseException):
    """The process dies here: nothing in it may catch this."""


def up(_: object) -> None:
    pass


def fake(bot: BotUnderTest) -> FakePerformer:
    assert isinstance(bot.performer, FakePerformer)
    return bot.performer


def test_a_message_is_answered_once(any_bot: BotUnderTest) -> None:
    any_bot.hears("hello")
    any_bot.work()
    assert any_bot.messenger.bodies() == ["you said hello"]
    assert any_bot.inbox() == ["processed"]
    assert any_bot.outgoing() == [("you said hello", "sent")]
    assert any_bot.rows("SELECT waiting, lease_owner FROM conversations") == [{"waiting": 0, "lease_owner": None}]


def test_messages_of_one_customer_are_answered_in_the_order_of_receipt(any_bot: BotUnderTest) -> None:
    for n in range(10):
        any_bot.hears(f"{n}")
    any_bot.work()
    assert any_bot.messenger.bodies() == [f"you said {n}" for n in range(10)]


def test_order_holds_while_threads_race(any_bot: BotUnderTest) -> None:
    people = [f"whatsapp:+2547000000{n:02}" for n in range(6)]
    loops = any_bot.loops()
    for loop in loops:
        loop.start()
    try:
        for n in range(8):
            for who in people:
                any_bot.hears(f"{n}", who)
        eventually(lambda: len(any_bot.messenger.taken) == 48, "all were answered", 20)
    finally:
        for loop in loops:
            loop.stop()
        for loop in loops:
            loop.join(5)
    for who in people:
        assert any_bot.messenger.bodies(who) == [f"you said {n}" for n in range(8)]
    assert any_bot.rows("SELECT DISTINCT waiting FROM conversations") == [{"waiting": 0}]


def test_a_slow_customer_does_not_hold_up_another(bot: BotUnderTest) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(asked: Asked) -> None:
        if asked.customer.address == ACHIENG:
            begun.set()
            assert go_on.wait(10)

    fake(bot).before = slow
    loops = bot.loops()
    for loop in loops:
        loop.start()
    try:
        bot.hears("add 1", ACHIENG)
        assert begun.wait(10)
        bot.hears("add 1", BARAKA)
        eventually(lambda: bot.messenger.bodies(BARAKA) == ["done: AddItem"], "the other was answered", 10)
        assert bot.messenger.bodies(ACHIENG) == []
    finally:
        go_on.set()
        for loop in loops:
            loop.stop()
        for loop in loops:
            loop.join(5)


def test_the_commands_of_a_turn_have_keys_of_the_message(bot: BotUnderTest) -> None:
    bot.hears("pay", number=7)
    bot.work()
    assert [(type(asked.command), asked.key) for asked in fake(bot).asked] == [
        (Pay, f"{sid(7)}:1"),
        (StartCharge, f"{sid(7)}:2"),
    ]
    assert bot.messenger.bodies() == ["done: StartCharge"]


def test_a_turn_may_end_in_silence(bot: BotUnderTest) -> None:
    bot.hears("quiet")
    bot.work()
    assert (bot.inbox(), bot.outgoing()) == (["processed"], [])


def test_the_same_message_arriving_twice_at_once_counts_once(any_bot: BotUnderTest) -> None:
    form = any_bot.form("add 1")
    answers: list[int] = []

    def post() -> None:
        answers.append(any_bot.post("/webhooks/twilio/whatsapp", form))

    posts = [threading.Thread(target=post) for _ in range(4)]
    for each in posts:
        each.start()
    for each in posts:
        each.join(10)
    any_bot.work()
    assert answers == [200] * 4
    assert any_bot.messenger.bodies() == ["done: AddItem"]
    assert any_bot.rows("SELECT waiting FROM conversations") == [{"waiting": 0}]


@pytest.fixture
def other_bot(any_bot: BotUnderTest, clock: FixedClock) -> BotUnderTest:
    """A second process on the same database, with the same Twilio and router."""
    return BotUnderTest(any_bot.db, clock, owner="bot-2", messenger=any_bot.messenger, performer=any_bot.performer)


def test_a_turn_cut_off_after_its_commands_is_redone_with_the_same_keys(
    any_bot: BotUnderTest, other_bot: BotUnderTest, clock: FixedClock
) -> None:
    def die(asked: Asked) -> None:
        if isinstance(asked.command, StartCharge):
            raise Cut

    fake(any_bot).after = die
    any_bot.hears("pay")
    with pytest.raises(Cut):
        any_bot.turns.turn()
    fake(any_bot).after = up

    other_bot.work()
    assert other_bot.messenger.bodies() == []  # the dead one's lease still runs
    clock.advance(timedelta(seconds=31))
    other_bot.work()
    assert other_bot.messenger.bodies() == ["done: StartCharge"]
    assert fake(any_bot).effects == [f"{sid(1)}:1", f"{sid(1)}:2"]
    assert len(fake(any_bot).asked) == 4


def test_a_turn_cut_off_at_any_command_has_each_effect_once(any_bot: BotUnderTest, clock: FixedClock) -> None:
    for cut_at in range(2):
        seen: list[Asked] = []

        def die(asked: Asked, cut_at: int = cut_at, seen: list[Asked] = seen) -> None:
            seen.append(asked)
            if len(seen) == cut_at + 1:
                raise Cut

        fake(any_bot).after = die
        any_bot.hears("pay", number=100 + cut_at)
        with pytest.raises(Cut):
            any_bot.turns.turn()
        # The same process goes on: what it holds no longer is claimed at once, lease or not.
        any_bot.work()
    assert fake(any_bot).effects == [f"{sid(number)}:{n}" for number in (100, 101) for n in (1, 2)]
    assert any_bot.messenger.bodies() == ["done: StartCharge"] * 2


def test_a_turn_that_was_taken_over_changes_nothing(
    any_bot: BotUnderTest, other_bot: BotUnderTest, clock: FixedClock
) -> None:
    def another_takes_over(asked: Asked) -> None:
        fake(any_bot).after = up
        clock.advance(timedelta(seconds=31))
        assert other_bot.turns.turn()

    fake(any_bot).after = another_takes_over
    any_bot.hears("add 1")
    assert any_bot.turns.turn()
    assert any_bot.outgoing() == [("done: AddItem", "sending")]
    any_bot.work()
    other_bot.work()
    assert any_bot.messenger.bodies() == ["done: AddItem"]
    assert any_bot.rows("SELECT waiting FROM conversations") == [{"waiting": 0}]


def test_a_turn_that_another_is_still_taking_changes_nothing(
    any_bot: BotUnderTest, other_bot: BotUnderTest, clock: FixedClock
) -> None:
    def another_takes_over_and_dies(asked: Asked) -> None:
        fake(any_bot).after = die
        clock.advance(timedelta(seconds=31))
        with pytest.raises(Cut):
            other_bot.turns.turn()
        fake(any_bot).after = up

    def die(asked: Asked) -> None:
        raise Cut

    fake(any_bot).after = another_takes_over_and_dies
    any_bot.hears("add 1")
    assert any_bot.turns.turn()
    assert (any_bot.inbox(), any_bot.outgoing()) == (["processing"], [])
    assert any_bot.rows("SELECT waiting, lease_owner FROM conversations") == [{"waiting": 1, "lease_owner": "bot-2"}]
    other_bot.work()
    assert any_bot.messenger.bodies() == ["done: AddItem"]


def test_a_long_turn_keeps_its_lease(any_bot: BotUnderTest, other_bot: BotUnderTest, clock: FixedClock) -> None:
    def take_long(asked: Asked) -> None:
        clock.advance(timedelta(seconds=20))
        assert not other_bot.turns.turn()

    fake(any_bot).before = take_long
    any_bot.hears("pay")  # two commands of 20 s under a lease of 30 s
    any_bot.work()
    assert any_bot.messenger.bodies() == ["done: StartCharge"]
    assert len(fake(any_bot).asked) == 2


def test_a_commit_that_failed_is_made_good_by_the_same_process(bot: BotUnderTest) -> None:
    bot.hears("add 1")
    with bot.db.write() as tx:
        tx.execute(text("CREATE TRIGGER full BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'disk full'); END"))
    with pytest.raises(Exception, match="disk full"):
        bot.turns.turn()
    assert bot.outgoing() == []
    with bot.db.write() as tx:
        tx.execute(text("DROP TRIGGER full"))
    bot.work()
    assert bot.messenger.bodies() == ["done: AddItem"]
    assert fake(bot).effects == [f"{sid(1)}:1"]


def test_a_refusal_is_part_of_the_conversation(bot: BotUnderTest) -> None:
    def refusing(command: Command) -> Result:
        return ProblemBody(title="Conflict", status=409, code=ErrorCode.ITEM_SOLD_OUT)

    fake(bot).answer = refusing
    bot.hears("add 1")
    bot.work()
    assert bot.messenger.bodies() == ["refused: item_sold_out"]


def test_a_repeated_turn_that_went_another_way_shows_how_things_are(bot: BotUnderTest) -> None:
    def reused(command: Command) -> Result:
        if isinstance(command, AddItem):
            return ProblemBody(title="Reused", status=422, code=ErrorCode.IDEMPOTENCY_KEY_REUSED)
        return CartView(cart=None)

    fake(bot).answer = reused
    bot.hears("add 1")
    bot.work()
    assert bot.messenger.bodies() == ["you said CART"]


def test_what_was_handed_over_and_not_begun_is_given_back_by_a_process_that_stops(
    new_database: Callable[[str], Database], clock: FixedClock
) -> None:
    db = new_database("conversations")
    stopping = BotUnderTest(db, clock)
    stopping.hears("hello")
    stopping.turns.give_back()
    other = BotUnderTest(db, clock, owner="bot-2", messenger=FakeMessenger(clock))
    other.work()
    assert other.messenger.bodies() == ["you said hello"]
