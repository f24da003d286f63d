"""Whatever leaves a turn is in the customer's language: answers, news, apologies, and word that it takes a while."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from bot.conversation.model import Command, Event, Result, Said, Step
from bot.conversation.state import State
from bot.conversation.step import step
from bot.ports.fakes import FakePerformer
from bot.replies.rendering import render
from bot.turns import MAX_ERRORS
from contracts.router_api import ShopList
from kit.clock import FixedClock
from kit.db import Database
from kit.peers import Unreachable
from tests.support.bot import BotUnderTest, an_event


def no_shops(command: Command) -> Result:
    del command
    return ShopList(shops=[])


def down(_: object) -> None:
    raise Unreachable("connection refused")


def clumsy(state: State, event: Event, now: datetime) -> Step:
    """The conversation, with a mistake in it."""
    if isinstance(event, Said) and event.text == "boom":
        raise RuntimeError("a mistake of ours")
    return step(state, event, now)


@pytest.fixture
def speaking(sqlite_database: Callable[[str], Database], clock: FixedClock) -> BotUnderTest:
    """A bot with its conversation and its texts, and a router that knows no shop."""
    db = sqlite_database("conversations")
    return BotUnderTest(db, clock, performer=FakePerformer(no_shops), step=clumsy, render=render)


@pytest.mark.parametrize(("hello", "answer"), [("niaje", "Karibu!"), ("bom dia", "Olá!")])
def test_the_first_words_decide_the_language_of_the_first_answer(
    speaking: BotUnderTest, hello: str, answer: str
) -> None:
    speaking.hears(hello)
    speaking.work()
    assert speaking.messenger.bodies()[0].startswith(answer)


def test_news_come_in_the_language_that_was_chosen(speaking: BotUnderTest) -> None:
    speaking.hears("português")
    speaking.is_told(an_event("e1"))
    speaking.work()
    assert "*Pago. Obrigado!*" in speaking.messenger.bodies()[-1]
    speaking.hears("kiswahili")
    speaking.is_told(an_event("e2"))
    speaking.work()
    assert "*Imelipwa. Asante sana!*" in speaking.messenger.bodies()[-1]


def test_whoever_has_to_wait_at_the_first_word_hears_so_in_its_language(speaking: BotUnderTest) -> None:
    assert isinstance(speaking.performer, FakePerformer)
    speaking.performer.before = down
    speaking.hears("niaje")
    speaking.work()
    assert speaking.messenger.bodies()[0].startswith("Samahani, hatulipati duka")


def test_an_apology_is_in_the_language_that_is_remembered_and_forgets_nothing(
    speaking: BotUnderTest, clock: FixedClock
) -> None:
    speaking.hears("português")
    speaking.hears("boom")
    for _ in range(MAX_ERRORS + 1):
        speaking.work()
        clock.advance(timedelta(seconds=15))
    assert speaking.messenger.bodies()[-1].startswith("Desculpe, alguma coisa correu mal")
    speaking.hears("hi")
    speaking.work()
    assert speaking.messenger.bodies()[-1].startswith("Olá!")
