"""Pictures of things for sale are words for them, and what pays, orders or ends messages is never said with one."""

import pytest

from bot.conversation.understanding.emoji import in_words
from bot.conversation.understanding.intents import Intent, Word, is_stop, parse
from bot.conversation.understanding.vocabulary import VOCABULARY, squeezed
from tests.support.chat import Chat


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2 🍅", "2 tomatoes"),
        ("2🍅 3🥛", "2 tomatoes 3 milk"),
        ("🍅 x 2", "tomatoes x 2"),
        ("🥛🍞", "milk, bread"),
        ("🍅🍅🍅", "3 tomatoes"),
        ("2 🍅🥛", "2 tomatoes, milk"),
        ("🙏🍅", "🙏 tomatoes"),
        ("tomatoes 🍅", "tomatoes"),
        ("maziwa 🥛 3 🍞", "maziwa 3 bread"),
        ("Milk 2 🥛", "Milk 2"),
        ("no picture of anything 🎉", "no picture of anything 🎉"),
    ],
)
def test_a_picture_is_the_word_for_it_or_decorates_that(text: str, said: str) -> None:
    assert in_words(text) == said


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("nataka 🍅", Intent(Word.ADD, "tomatoes")),
        ("how much is 🥑", Intent(Word.FIND, "avocado")),
        ("do you have 🥚?", Intent(Word.FIND, "eggs")),
        ("PAY 🍅", Intent(Word.PAY)),
        ("PAY 2 🍅", Intent(Word.PAY, "2")),
        ("CONFIRM 🍌", Intent(Word.CONFIRM)),
        ("STOP 🍅", Intent(Word.STOP)),
        ("hello 🍌", Intent(Word.GREETING)),
        ("thanks 🥛", Intent(Word.THANKS)),
    ],
)
def test_pictures_are_read_as_words_only_where_things_are_meant(text: str, intent: Intent) -> None:
    assert parse(text) == intent
    assert is_stop(text) is (intent.word is Word.STOP)


def test_every_picture_shows_something_that_has_a_name() -> None:
    assert len(VOCABULARY.emoji) >= 8
    assert all(squeezed(name) in VOCABULARY.goods for name in VOCABULARY.emoji.values())


def test_pictures_fill_a_cart(in_shop: Chat) -> None:
    in_shop.says("2 🥛 1 🍞")
    assert in_shop.cart() == [("Fresh milk 500 ml", 2), ("Brown bread 400 g", 1)]


@pytest.mark.parametrize("text", ["nataka", "I want", "quero", "please, I need", "Nipe", "naomba"])
def test_a_wish_alone_is_asked_what_for(in_shop: Chat, text: str) -> None:
    assert parse(text) == Intent(Word.ADD)
    assert in_shop.says(text).key == "add_what"
