"""How a message is taken apart into the things that it names."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.conversation.understanding.intents import parse
from bot.conversation.understanding.lists import MAX_PARTS, read_list
from bot.conversation.understanding.quantities import arranged, in_digits
from bot.conversation.understanding.spelling import clean
from bot.conversation.understanding.vocabulary import VOCABULARY, squeezed

words = st.sampled_from(
    ["milk", "mkate", "pão", "2", "12", "x3", "3x", "kg", "500", "ml", "and", "na", "e", ",", "\n", ".", "-", "1.",
     "dozen", "nusu", "kumi", "vinte", "dúzia", "x", "&", "+", "of", "de", "a", "one", "half", "7", "up", "🙏",
     "!", "1,5"]
)  # fmt: skip
lists = st.one_of(st.lists(words, max_size=14).map(" ".join), st.text(max_size=60))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("2 milk, bread and 3 eggs", ["2 milk", "bread", "3 eggs"]),
        ("leite 2 pão 3", ["leite 2", "pão 3"]),
        ("milk x2 bread x1", ["milk x2", "bread x1"]),
        ("3x chapati + 1 mala", ["3x chapati", "1 mala"]),
        ("eggs-6, milk-2", ["eggs 6", "milk 2"]),
        ("1. milk\n2. bread\n3. eggs", ["milk", "bread", "eggs"]),
        ("mayai kumi na mbili na mkate", ["mayai 12", "mkate"]),
        ("água 1,5 l e pão", ["água 1,5 l", "pão"]),
        ("2 7 up", ["2 7 up"]),
        ("2 x 3", ["2 x 3"]),
        ("1 sugar 2kg", ["1 sugar 2kg"]),
        ("1,3,5", ["1", "3", "5"]),
        ("milk", ["milk"]),
        ("", []),
    ],
)
def test_things_are_told_apart_as_people_write_them(text: str, parts: list[str]) -> None:
    assert [part.text for part in read_list(clean(text)).parts] == parts


def test_parts_that_may_be_one_name_are_kept_together_until_the_shelves_decide() -> None:
    several = read_list("2 salt and vinegar crisps and 3 milk")
    assert several.joined(0, 2) == "2 salt and vinegar crisps"
    assert several.joined(1, 3) is None  # a number begins something new


@given(lists)
@example("A· A")
@example("milk- bread")
def test_no_word_of_a_list_is_lost(text: str) -> None:
    said = clean(text)
    several = read_list(said)
    assert len(several.parts) <= MAX_PARTS
    kept = " ".join((*(part.text for part in several.parts), several.unread))
    kept_words = re.findall(r"[^\W\d_]+", kept)
    said_words = [
        word for word in re.findall(r"[^\W\d_]+", arranged(in_digits(said))) if squeezed(word) not in VOCABULARY.joining
    ]
    assert sorted(said_words) == sorted(word for word in kept_words if squeezed(word) not in VOCABULARY.joining)


@given(lists)
def test_any_text_has_an_intent_and_says_the_same_twice(text: str) -> None:
    assert parse(text) == parse(text)
    assert parse(clean(text)) == parse(text)
