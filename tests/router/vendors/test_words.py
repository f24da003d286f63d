"""The word a shop answers to: what can be one, and what is made of a name."""

import tomllib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.understanding import vocabulary
from bot.conversation.understanding.intents import Word, parse
from bot.conversation.understanding.spelling import fold
from router.vendors.words import MAX_WORD, RESERVED, problem_with_word, words_from


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Mama Njeri's Groceries", ["mama", "mama-njeris", "mama-njeris-groceries", "mama-njeris-groceries-2"]),
        ("The Corner Shop", ["corner", "corner-shop", "corner-shop-2"]),
        ("The", ["the", "the-2"]),
        ("Pay Less", ["pay-less", "pay-less-2"]),
        ("Café Ñandú", ["cafe", "cafe-nandu", "cafe-nandu-2"]),
        ("7 Eleven", ["7-eleven", "7-eleven-2"]),
        ("商店", ["shop-2", "shop-3"]),
        ("2000", ["shop-2000", "shop-2000-2"]),
    ],
)
def test_words_are_made_of_a_name_the_shortest_first(name: str, words: list[str]) -> None:
    assert list(islice(words_from(name), len(words))) == words


@given(st.text(max_size=200))
def test_every_name_gives_many_words_that_a_shop_can_answer_to(name: str) -> None:
    words = list(islice(words_from(name), 50))
    assert len(words) == len(set(words)) == 50
    assert [word for word in words if problem_with_word(word) is not None] == []
    assert max(map(len, words)) <= MAX_WORD


def words_of_the_chat() -> Iterator[str]:
    """Every single word of the bot's lists that it takes for something when it is all that was said."""
    for path in sorted(Path(vocabulary.__file__).parent.glob("words/*.toml")):
        sections = tomllib.loads(path.read_text())
        for section in ("exact", "whole", "leads"):
            for phrases in sections[section].values():
                yield from (fold(phrase) for phrase in phrases if parse(phrase).word is not Word.TEXT)


def test_no_shop_is_called_by_a_word_that_a_chat_understands_as_something_else() -> None:
    free = sorted({word for word in words_of_the_chat() if problem_with_word(word) is None})
    assert free == [], "add these lines to router/vendors/chat_words.txt"


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_a_reserved_word_would_otherwise_do(word: str) -> None:
    assert word == word.casefold()
    assert "means something else" in str(problem_with_word(word))
