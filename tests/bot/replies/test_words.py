"""Every word that a text tells a customer to type, in capitals, is one of its language, and does what the text says."""

import re

import pytest

from bot.conversation.languages import change_wanted
from bot.conversation.model import Said
from bot.conversation.understanding.intents import Word, parse
from bot.replies.texts import LANGUAGES, Counted, catalogue
from bot.replies.words import LANGUAGE_NAMES, WORDS, word_of

NOT_TYPED = frozenset(("PIN", "SMS", "ATM", "PDF", "QR", "GPS"))
SAMPLES = {
    "example": "2",
    "number": "2",
    "fewer": "1",
    "available": "3",
    "code": "CDFGHJ",
    "what": "milk",
    "item": "Fresh milk",
    "word": "MAMA",
}
"""What fills the gaps of something to type."""

UNDERSTOOD = {"pay": (Word.PAY, Word.PAY_AT)}
"""What else a meaning may be understood as, where more than the word was said."""

CAPITALS = re.compile(r"[^\W\d_]{2,}")
OFFERED = re.compile(r"\*([^*\n]+)\*")


def forms(language: str) -> list[tuple[str, str]]:
    return [
        (key, form)
        for key, text in catalogue(language).items()
        for form in ((text.one, text.other) if isinstance(text, Counted) else (text,))
    ]


def meaning_of(typed: str, language: str) -> str | None:
    """What the table says of the command that it begins with: `ADD milk x 2` is add."""
    begins = [
        (len(word), meaning)
        for meaning, word in WORDS[language].items()
        if typed == word or typed.startswith(f"{word} ")
    ]
    return max(begins)[1] if begins else None


def offers(language: str) -> list[tuple[str, str]]:
    """Texts' keys and what they tell to type, with something in the gaps."""
    found: list[tuple[str, str]] = []
    for key, form in forms(language):
        for emphasised in OFFERED.findall(form):
            gaps = re.findall(r"{(\w+)}", emphasised)
            if emphasised[:2].isupper() and all(gap in SAMPLES for gap in gaps):
                found.append((key, emphasised.format_map(SAMPLES)))
    return found


def is_language_name(word: str) -> bool:
    return word in {name.upper() for name in LANGUAGE_NAMES.values()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_in_capitals_is_one_of_its_language(language: str) -> None:
    known = {part for word in WORDS[language].values() for part in word.split()}
    strange = {
        (key, word)
        for key, form in forms(language)
        for word in CAPITALS.findall(re.sub(r"{\w+}", "", form))
        if word.isupper() and word not in known | NOT_TYPED and not is_language_name(word)
    }
    assert strange == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_text_tells_to_type_begins_with_a_word_of_the_table(language: str) -> None:
    assert len(offers(language)) > 100
    assert [
        offer for offer in offers(language) if meaning_of(offer[1], language) is None and not is_language_name(offer[1])
    ] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_text_tells_to_type_is_understood_as_it_is_meant(language: str) -> None:
    typed = {typed for _, typed in offers(language)} | set(WORDS[language].values())
    wrong = {
        text: parse(text)
        for text in sorted(typed)
        if (meaning := meaning_of(text, language)) not in (None, "language")
        and parse(text).word not in UNDERSTOOD.get(meaning, (Word(meaning),))
    }
    assert wrong == {}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("wanted", LANGUAGES)
def test_the_words_about_languages_change_them(language: str, wanted: str) -> None:
    assert change_wanted(Said("SM1", word_of("language", language))) == ""
    assert change_wanted(Said("SM1", LANGUAGE_NAMES[wanted].upper())) == wanted
    assert change_wanted(Said("SM1", f"{word_of('language', language)} {LANGUAGE_NAMES[wanted]}")) == wanted


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_languages_have_words_for_the_same_meanings(language: str) -> None:
    assert WORDS[language].keys() == WORDS["en"].keys()
    assert len(set(WORDS[language].values())) == len(WORDS[language])


def test_a_word_means_the_same_in_every_language_that_has_it() -> None:
    meanings: dict[str, set[str]] = {}
    for words in WORDS.values():
        for meaning, word in words.items():
            meanings.setdefault(word, set()).add(meaning)
    assert {word: meant for word, meant in meanings.items() if len(meant) > 1} == {}
