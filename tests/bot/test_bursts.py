"""Messages that wait together are one turn: nothing lost, nothing twice, wherever the process dies."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from bot.conversation.model import AddItem, Event, Heard, Outcome, Said, State, Step
from bot.ports.fakes import Asked, FakePerformer
from bot.replies.reply import Reply
from kit.clock import FixedClock
from kit.db import Database
from kit.peers import Unreachable
from tests.support.bot import ACHIENG, BotUnderTest, an_event, sid


class Cut(BaseException):
    """The process dies here."""


def lower_case(state: State, waiting: Sequence[Said]) -> int:
    """Words in small letters are read together; what shouts is a command."""
    small = [one.text.islower() for one in waiting]
    return max(1, small.index(False) if False in small else len(small)) if small[0] else 1


def shopkeeper(state: State, event: Event, now: datetime) -> Step:
    """Adds two things for every message, and repeats what it heard."""
    match event:
        case Said(text=said):
            return Step(State(payer=said), command=AddItem("vendor", said, 1))
        case Outcome(command=AddItem(quantity=1)):
            return Step(state, command=AddItem("vendor", state.payer or "", 2))
        case Outcome():
            return Step(state, reply=Reply(f"heard: {state.payer}"))
        case Heard():
            return Step(state, reply=Reply("news"), answers_customer=False)


def nothing(asked: Asked) -> None:
    pass


@pytest.fixture
def bot(any_bot: BotUnderTest, clock: FixedClock) -> BotUnderTest:
    return reading_together(any_bot.db, clock)


def reading_together(db: Database, clock: FixedClock, beside: BotUnderTest | None = None) -> BotUnderTest:
    if beside is None:
        return BotUnderTest(db, clock, step=shopkeeper, together=lower_case)
    return BotUnderTest(
        db,
        clock,
        owner="bot-2",
        messenger=beside.messenger,
        performer=beside.performer,
        step=shopkeeper,
        together=lower_case,
    )


def performer(bot: BotUnderTest) -> FakePerformer:
    assert isinstance(bot.performer, FakePerformer)
    return bot.performer


def says(bot: BotUnderTest, *texts: str) -> None:
    """All of them arrive while the first is still waiting for its turn."""
    for text in texts:
        bot.hears(text)


def at_rest(bot: BotUnderTest) -> bool:
    return bot.rows("SELECT waiting, lease_owner FROM conversations") == [{"waiting": 0, "lease_owner": None}]


def test_what_waits_when_a_turn_begins_is_one_turn_and_gets_one_answer(bot: BotUnderTest) -> None:
    says(bot, "first", "milk", "bread", "eggs")
    bot.work()
    assert bot.messenger.bodies() == ["heard: first", "heard: milk,\nbread,\neggs"]
    assert bot.inbox() == ["processed"] * 4
    assert at_rest(bot)


def test_a_command_ends_the_burst_and_what_follows_it_is_another(bot: BotUnderTest) -> None:
    says(bot, "FIRST", "milk", "bread", "CONFIRM", "eggs", "salt")
    bot.work()
    assert bot.messenger.bodies() == ["heard: FIRST", "heard: milk,\nbread", "heard: CONFIRM", "heard: eggs,\nsalt"]


def test_the_commands_of_a_burst_have_keys_of_its_first_message(bot: BotUnderTest) -> None:
    says(bot, "FIRST", "milk", "bread")
    bot.work()
    assert performer(bot).effects == [f"{sid(1)}:1", f"{sid(1)}:2", f"{sid(2)}:1", f"{sid(2)}:2"]


def test_a_lone_message_is_not_waited_for(bot: BotUnderTest) -> None:
    says(bot, "milk")
    bot.work()
    says(bot, "bread")
    bot.work()
    assert bot.messenger.bodies() == ["heard: milk", "heard: bread"]


@pytest.mark.parametrize(("moment", "cut_at"), [("before", 1), ("after", 1), ("after", 2)])
def test_a_burst_that_was_cut_off_is_taken_again_as_it_was(
    any_bot: BotUnderTest, clock: FixedClock, moment: str, cut_at: int
) -> None:
    bot = reading_together(any_bot.db, clock)
    other = reading_together(any_bot.db, clock, beside=bot)
    says(bot, "FIRST", "milk", "bread")
    assert bot.turns.turn()
    assert bot.sender.turn()

    def die(asked: Asked) -> None:
        if asked.key == f"{sid(2)}:{cut_at}":
            raise Cut

    setattr(performer(bot), moment, die)
    with pytest.raises(Cut):
        bot.turns.turn()
    setattr(performer(bot), moment, nothing)
    says(bot, "eggs")  # arrives before the burst is taken again, and must not change it
    clock.advance(timedelta(seconds=31))
    other.work()
    assert bot.messenger.bodies() == ["heard: FIRST", "heard: milk,\nbread", "heard: eggs"]
    assert performer(bot).effects == [f"{sid(number)}:{n}" for number in (1, 2, 4) for n in (1, 2)]
    assert bot.inbox() == ["processed"] * 4
    assert at_rest(bot)


def test_a_message_whose_turn_was_begun_alone_stays_alone_when_it_is_taken_again(bot: BotUnderTest) -> None:
    def die(asked: Asked) -> None:
        raise Cut

    performer(bot).before = die
    says(bot, "milk")
    with pytest.raises(Cut):
        bot.turns.turn()
    performer(bot).before = nothing
    says(bot, "bread", "eggs")
    bot.work()
    assert bot.messenger.bodies() == ["heard: milk", "heard: bread,\neggs"]


def test_a_burst_waits_as_it_is_while_the_router_is_away(bot: BotUnderTest, clock: FixedClock) -> None:
    says(bot, "FIRST", "milk", "bread")
    assert bot.turns.turn()

    def away(asked: Asked) -> None:
        raise Unreachable("connection refused")

    performer(bot).before = away
    assert bot.turns.turn()
    says(bot, "eggs")
    performer(bot).before = nothing
    clock.advance(timedelta(seconds=20))
    bot.work()
    assert bot.messenger.bodies() == ["heard: FIRST", "unreachable_shop", "heard: milk,\nbread", "heard: eggs"]
    assert at_rest(bot)


def test_stop_overtakes_a_burst_and_is_no_part_of_it(bot: BotUnderTest) -> None:
    says(bot, "FIRST", "milk", "bread", "stop", "eggs")
    bot.work()
    assert bot.messenger.bodies() == ["heard: FIRST", "heard: stop", "heard: milk,\nbread,\neggs"]


def test_news_ends_a_burst(bot: BotUnderTest) -> None:
    says(bot, "FIRST", "milk")
    assert bot.is_told(an_event("event-1")) == 200
    says(bot, "bread")
    bot.work()
    assert bot.messenger.bodies() == ["heard: FIRST", "heard: milk", "news", "heard: bread"]


def test_a_burst_that_always_fails_is_given_up_as_a_whole_with_one_apology(
    any_bot: BotUnderTest, clock: FixedClock
) -> None:
    def failing(state: State, event: Event, now: datetime) -> Step:
        raise RuntimeError("a mistake of ours")

    bot = BotUnderTest(any_bot.db, clock, step=failing, together=lower_case)
    bot.hears("FIRST", ACHIENG)
    says(bot, "milk", "bread")
    for _ in range(20):
        bot.work()
        clock.advance(timedelta(seconds=30))
    assert bot.messenger.bodies() == ["our_mistake", "our_mistake"]
    assert bot.inbox() == ["failed"] * 3
    assert performer(bot).effects == []
    assert at_rest(bot)
