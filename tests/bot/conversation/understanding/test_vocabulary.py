"""The words of three languages, as they stand in the files that anybody may add to."""

import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from bot.conversation.understanding import vocabulary
from bot.conversation.understanding.goods import also_called, perhaps_called
from bot.conversation.understanding.intents import STOP_WORDS, Word, parse
from bot.conversation.understanding.spelling import fold
from bot.conversation.understanding.vocabulary import VOCABULARY, AmbiguousWord, read_vocabulary
from bot.replies.words import WORDS

FOLDER = Path(vocabulary.__file__).parent / "words"
LANGUAGES = ("en", "sw", "pt")
HANDLED_BY_LANGUAGES = "language"


@pytest.fixture(scope="module")
def files() -> list[dict[str, Any]]:
    return [tomllib.loads((FOLDER / f"{language}.toml").read_text()) for language in LANGUAGES]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_that_the_texts_offer_is_understood(language: str) -> None:
    wrong = {
        offered: parse(offered).word
        for meaning, offered in WORDS[language].items()
        if meaning != HANDLED_BY_LANGUAGES and parse(offered).word != meaning
    }
    assert wrong == {}


def test_every_meaning_in_the_files_is_a_word_of_the_conversation(files: list[dict[str, Any]]) -> None:
    known = {str(word) for word in Word} | {"see"}
    for file in files:
        for section in ("exact", "whole", "leads", "tails", "clues"):
            assert set(file[section]) <= known, section


def test_each_language_can_confirm_pay_and_stop(files: list[dict[str, Any]]) -> None:
    for file in files:
        assert set(file["exact"]) == {"stop", "confirm", "pay", "pay_other", "bot"}
        assert len(file["exact"]["pay"]) == 1


def test_what_is_never_guessed_at_stands_in_no_other_list() -> None:
    exact = set(VOCABULARY.exact)
    for forgiving in (VOCABULARY.whole, VOCABULARY.polite, VOCABULARY.goods, VOCABULARY.numbers):
        assert exact.isdisjoint(forgiving)
    assert all(VOCABULARY.leads.get(phrase) is None for phrase in exact)


@pytest.mark.parametrize("section", ["exact", "whole", "leads", "tails", "clues"])
def test_a_phrase_with_two_meanings_is_refused(files: list[dict[str, Any]], section: str) -> None:
    twice = deepcopy(files)
    first, second, *_ = twice[0][section]
    twice[2][section].setdefault(second, []).append(twice[0][section][first][0].upper())
    with pytest.raises(AmbiguousWord):
        read_vocabulary(twice)


def test_a_number_word_with_two_values_is_refused(files: list[dict[str, Any]]) -> None:
    twice = deepcopy(files)
    twice[1]["numbers"]["seven"] = 8
    with pytest.raises(AmbiguousWord):
        read_vocabulary(twice)


def test_something_that_is_no_list_of_words_is_refused(files: list[dict[str, Any]]) -> None:
    broken = deepcopy(files)
    broken[0]["whole"]["menu"] = "menu"
    with pytest.raises(TypeError):
        read_vocabulary(broken)


def test_each_stop_word_stops_however_it_is_typed() -> None:
    assert [phrase for phrase in STOP_WORDS if parse(f" *{phrase.upper()}!* ").word is not Word.STOP] == []
    assert [phrase for phrase in STOP_WORDS if fold(phrase) != phrase] == []


@pytest.mark.parametrize(
    "text",
    [
        "lipaa", "lipa?", "lippa", "nataka lipa", "tafadhali lipa", "lipa tafadhali", "pagarr", "pagar?",
        "por favor pagar", "quero pagar", "hi pay", "ok pay", "pay ok", "sawa lipa", "pagar amanhã", "lipa kesho",
        "lipia",
    ],
)  # fmt: skip
def test_nothing_like_a_word_that_pays_pays(text: str) -> None:
    assert parse(text).word not in (Word.PAY, Word.PAY_BY)


@pytest.mark.parametrize(
    "text",
    [
        "thibitishaa",
        "thibitisha?",
        "tafadhali thibitisha",
        "ok confirm",
        "confirmo",
        "confirmarr",
        "sim confirmar",
        "yes",
    ],
)
def test_nothing_like_a_word_that_confirms_confirms(text: str) -> None:
    assert parse(text).word is not Word.CONFIRM


@pytest.mark.parametrize(
    "text", ["achaa", "acha mkate", "stopp", "please stop it", "parar aqui", "sairr", "simama hapo"]
)
def test_nothing_like_a_word_that_stops_stops(text: str) -> None:
    assert parse(text).word is not Word.STOP


@pytest.mark.parametrize("text", ["don't cancel my order", "usifute oda", "não cancelar pedido"])
def test_a_negation_cancels_nothing(text: str) -> None:
    assert parse(text).word is not Word.CANCEL_ORDER


@pytest.mark.parametrize(
    ("text", "word", "rest"),
    [
        ("naomba maziwa mbili", Word.TEXT, "maziwa mbili"),
        ("nipatie mkate", Word.ADD, "mkate"),
        ("Quero 2 leites, por favor", Word.ADD, "2 leites"),
        ("me vê um pão", Word.ADD, "um pão"),
        ("niaje, ongeza sukari", Word.ADD, "sukari"),
        ("Toa mkate", Word.REMOVE, "mkate"),
        ("já não quero ovos", Word.REMOVE, "ovos"),
        ("remove -1", Word.REMOVE, "-1"),
        ("kikapu changu 🙏", Word.CART, ""),
        ("ver o meu carrinho", Word.CART, ""),
        ("hello, show me the menu please", Word.MENU, ""),
        ("mkate ni bei gani?", Word.FIND, "mkate"),
        ("quanto custa o leite?", Word.FIND, "o leite"),
        ("futa oda cdfghj", Word.CANCEL_ORDER, "CDFGHJ"),
        ("hali CDFGHJ", Word.STATUS, "CDFGHJ"),
        ("lipa #CDFGHJ", Word.PAY, "CDFGHJ"),
        ("lipa na mpesa", Word.PAY_BY, "mpesa_stk"),
        ("pagar por referência", Word.PAY_BY, "emis_ref"),
        ("pagar de outra forma CDFGHJ", Word.PAY_OTHER, "CDFGHJ"),
        ("ya pili", Word.NUMBER, "2"),
        ("the first one", Word.NUMBER, "1"),
        ("namba yangu ni 0708 374 149", Word.PHONE, "0708 374 149"),
        ("hellooo", Word.GREETING, ""),
        ("do you deliver?", Word.DELIVERY, "do you deliver"),
        ("mko wapi", Word.WHERE, "mko wapi"),
        ("a que horas fecham?", Word.HOURS, "que horas fecham"),
    ],
)
def test_polite_and_local_ways_to_say_it(text: str, word: Word, rest: str) -> None:
    intent = parse(text)
    assert (intent.word, intent.rest) == (word, rest)


def test_a_thing_is_known_by_its_names_in_the_other_languages() -> None:
    assert also_called("maziwa") == ("milk", "leite")
    assert also_called("Mafuta ya kupika") == ("cooking oil", "óleo alimentar")
    assert also_called("leitte") == ("milk", "maziwa", "leite")
    assert also_called("hammer") == ()
    assert perhaps_called("mazuwa") == ("milk", "maziwa", "leite")
