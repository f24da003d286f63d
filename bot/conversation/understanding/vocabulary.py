"""The words that the shop understands, read from `words/<language>.toml`: the file that says how to add one is en.toml.

All languages are understood at any time, so all are read into the same tables; what would mean two things is an
error."""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import cast

from bot.conversation.understanding.spelling import fold, squeeze

_FOLDER = Path(__file__).parent / "words"
_FILES = ("en", "sw", "pt")


class AmbiguousWord(ValueError):
    """A phrase stands under two meanings, so nobody could tell which one a customer means. Take one of them away."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Phrases by what they mean. All but `exact` are squeezed (`spelling.squeeze`) and without apostrophes; those that
    are looked for inside a message have `shorts` written out, as the message has."""

    shorts: Mapping[str, str]
    """What is typed for a word: `wat` for what, `qto` for quanto."""

    exact: Mapping[str, str]
    whole: Mapping[str, str]
    leads: Mapping[str, str]
    phone_leads: frozenset[str]
    number_leads: frozenset[str]
    tails: Mapping[str, str]
    clues: Mapping[str, str]
    stems: Mapping[str, str]
    sure_clues: Mapping[str, str]
    """Clues that count whatever is counted beside them."""
    times: frozenset[str]
    """What numbers count besides goods: hours, days."""
    vocatives: frozenset[str]
    polite: frozenset[str]
    numbers: Mapping[str, int]
    ordinals: Mapping[str, int]
    dozens: frozenset[str]
    halves: frozenset[str]
    fractions: Mapping[str, int]
    """Parts of a whole, in thousandths."""
    containers: Mapping[str, str]
    """What many come in: crate, tray. By every word for it, the same name."""
    ordinal_nouns: frozenset[str]
    joining: frozenset[str]
    meaningless: frozenset[str]
    packs: frozenset[str]
    measures: frozenset[str]
    goods: Mapping[str, tuple[str, ...]]
    """What a thing is called: the usual word of each language, by every word for it."""
    emoji: Mapping[str, str]
    """The usual English word for a thing, by its picture."""


def read_vocabulary(files: Iterable[Mapping[str, object]]) -> Vocabulary:
    """Raises AmbiguousWord, and KeyError or TypeError for a file that lacks a list."""
    files = list(files)
    shorts = {short: squeezed(word) for short, word in _table(files, "shorts", squeezed).items()}

    def long(phrase: str) -> str:
        return _written_out(squeezed(phrase), shorts)

    leads = _table(files, "leads", long, ("see", "phone", "number"))
    for phrase, _ in _phrases(files, "leads", long, only=("see",)):
        leads.setdefault(phrase, "see")
    clues = _table(files, "clues", _spelled)
    return Vocabulary(
        shorts=shorts,
        exact={**_sentences(files), **_table(files, "exact", fold)},
        whole={**_table(files, "whole", squeezed), **_table(files, "whole", long)},
        leads=leads,
        phone_leads=frozenset(phrase for phrase, _ in _phrases(files, "leads", long, only=("phone",))),
        number_leads=frozenset(phrase for phrase, _ in _phrases(files, "leads", long, only=("number",))),
        tails=_table(files, "tails", long),
        clues={long(phrase): word for phrase, word in clues.items() if not phrase.endswith("*")},
        stems={squeezed(phrase[:-1]): word for phrase, word in clues.items() if phrase.endswith("*")},
        sure_clues=_table(files, "sure_clues", long),
        times=_set(files, "counting", "times"),
        vocatives=_set(files, "polite", "vocatives"),
        polite=frozenset(long(phrase) for phrase in _set(files, "polite", "words")),
        numbers=_numbers(files, "numbers"),
        ordinals=_numbers(files, "ordinals"),
        dozens=_set(files, "counting", "dozen"),
        halves=_set(files, "counting", "half"),
        fractions=_numbers(files, "fractions"),
        containers=_table(files, "containers", squeezed),
        ordinal_nouns=_set(files, "counting", "ordinal_after"),
        joining=_set(files, "lists", "and"),
        meaningless=_set(files, "lists", "no_meaning"),
        packs=_set(files, "lists", "packs"),
        measures=_set(files, "lists", "measures"),
        goods=_goods(files),
        emoji=_emoji(files),
    )


def squeezed(phrase: str) -> str:
    """As the tables are keyed."""
    return squeeze(_spelled(phrase))


def written_out(word: str) -> str:
    """One word as the tables of phrases have it."""
    key = squeezed(word)
    return VOCABULARY.shorts.get(key, key)


def _written_out(phrase: str, shorts: Mapping[str, str]) -> str:
    return " ".join(shorts.get(word, word) for word in phrase.split())


def _sentences(files: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """The whole sentences that end messages: each beginning with each thing and each end, and nothing but these."""
    table: dict[str, str] = {}
    for file in files:
        for sentence in _list_of_tables(file, "stop_sentences"):
            before, begin, what, after = (
                [fold(part) for part in _words(sentence[name])] for name in ("before", "begin", "what", "after")
            )
            for said in product(["", *before], begin, what, ["", *after]):
                table[" ".join(filter(None, said))] = "stop"
    return table


def _list_of_tables(file: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    return cast(list[Mapping[str, object]], file[name])


def _spelled(phrase: str) -> str:
    return fold(phrase).replace("'", "")


def _section(file: Mapping[str, object], name: str) -> Mapping[str, object]:
    return cast(Mapping[str, object], file[name])


def _words(value: object) -> list[str]:
    if not isinstance(value, list):
        raise TypeError(f"a list of words is wanted, not {value!r}")
    return [str(word) for word in cast(list[object], value)]


def _phrases(
    files: Iterable[Mapping[str, object]],
    section: str,
    spell: Callable[[str], str],
    *,
    only: tuple[str, ...] = (),
    but_not: tuple[str, ...] = (),
) -> Iterator[tuple[str, str]]:
    for file in files:
        for meaning, phrases in _section(file, section).items():
            if meaning in but_not or (only and meaning not in only):
                continue
            for phrase in _words(phrases):
                yield spell(phrase), meaning


def _table(
    files: Iterable[Mapping[str, object]], section: str, spell: Callable[[str], str], but_not: tuple[str, ...] = ()
) -> dict[str, str]:
    table: dict[str, str] = {}
    for phrase, meaning in _phrases(files, section, spell, but_not=but_not):
        if table.setdefault(phrase, meaning) != meaning:
            raise AmbiguousWord(f"[{section}] {phrase!r} means {table[phrase]} and {meaning}")
    return table


def _set(files: Iterable[Mapping[str, object]], section: str, name: str) -> frozenset[str]:
    return frozenset(squeezed(word) for file in files for word in _words(_section(file, section)[name]))


def _numbers(files: Iterable[Mapping[str, object]], section: str) -> dict[str, int]:
    table: dict[str, int] = {}
    for file in files:
        for word, number in _section(file, section).items():
            if not isinstance(number, int) or table.setdefault(squeezed(word), number) != number:
                raise AmbiguousWord(f"[{section}] {word!r} is not one number: {number!r}")
    return table


def _goods(files: Iterable[Mapping[str, object]]) -> dict[str, tuple[str, ...]]:
    usual: dict[str, list[str]] = {}
    meant: dict[str, list[str]] = {}
    for file in files:
        for thing, phrases in _section(file, "goods").items():
            words = _words(phrases)
            usual.setdefault(thing, []).append(words[0])
            for word in words:
                meant.setdefault(squeezed(word), []).append(thing)
    for word in tuple(meant):  # "sukumawiki"
        if " " in word:
            meant.setdefault(squeezed(word.replace(" ", "")), meant[word])
    return {
        word: tuple(dict.fromkeys(name for thing in things for name in usual[thing])) for word, things in meant.items()
    }


def _emoji(files: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """Pictures are the same in every language: one file has them."""
    things = (thing for file in files if "emoji" in file for thing in _section(file, "emoji").items())
    return {picture: _usual(files, thing) for thing, pictures in things for picture in _words(pictures)}


def _usual(files: Iterable[Mapping[str, object]], thing: str) -> str:
    return next(_words(_section(file, "goods")[thing])[0] for file in files if thing in _section(file, "goods"))


def _read_files() -> Iterator[dict[str, object]]:
    for language in _FILES:
        with (_FOLDER / f"{language}.toml").open("rb") as file:
            yield tomllib.load(file)


VOCABULARY = read_vocabulary(_read_files())
