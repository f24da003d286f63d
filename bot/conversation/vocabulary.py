"""The words that the shop understands, read from `words/<language>.toml`: the file that says how to add one is en.toml.

All languages are understood at any time, so all are read into the same tables; what would mean two things is an
error."""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from bot.conversation.spelling import fold, squeeze

_FOLDER = Path(__file__).parent / "words"
_FILES = ("en", "sw", "pt")


class AmbiguousWord(ValueError):
    """A phrase stands under two meanings, so nobody could tell which one a customer means. Take one of them away."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Phrases by what they mean. All but `exact` are squeezed (`spelling.squeeze`) and without apostrophes."""

    exact: Mapping[str, str]
    whole: Mapping[str, str]
    leads: Mapping[str, str]
    phone_leads: frozenset[str]
    number_leads: frozenset[str]
    tails: Mapping[str, str]
    clues: Mapping[str, str]
    stems: Mapping[str, str]
    polite: frozenset[str]
    numbers: Mapping[str, int]
    ordinals: Mapping[str, int]
    dozens: frozenset[str]
    halves: frozenset[str]
    ordinal_nouns: frozenset[str]
    joining: frozenset[str]
    meaningless: frozenset[str]
    packs: frozenset[str]
    measures: frozenset[str]
    goods: Mapping[str, tuple[str, ...]]
    """What a thing is called: the usual word of each language, by every word for it."""


def read_vocabulary(files: Iterable[Mapping[str, object]]) -> Vocabulary:
    """Raises AmbiguousWord, and KeyError or TypeError for a file that lacks a list."""
    files = list(files)
    leads = _table(files, "leads", squeezed, ("see", "phone", "number"))
    for phrase, _ in _phrases(files, "leads", squeezed, only=("see",)):
        leads.setdefault(phrase, "see")
    clues = _table(files, "clues", _spelled)
    return Vocabulary(
        exact=_table(files, "exact", fold),
        whole=_table(files, "whole", squeezed),
        leads=leads,
        phone_leads=frozenset(phrase for phrase, _ in _phrases(files, "leads", squeezed, only=("phone",))),
        number_leads=frozenset(phrase for phrase, _ in _phrases(files, "leads", squeezed, only=("number",))),
        tails=_table(files, "tails", squeezed),
        clues={squeezed(phrase): word for phrase, word in clues.items() if not phrase.endswith("*")},
        stems={squeezed(phrase[:-1]): word for phrase, word in clues.items() if phrase.endswith("*")},
        polite=_set(files, "polite", "words"),
        numbers=_numbers(files, "numbers"),
        ordinals=_numbers(files, "ordinals"),
        dozens=_set(files, "counting", "dozen"),
        halves=_set(files, "counting", "half"),
        ordinal_nouns=_set(files, "counting", "ordinal_after"),
        joining=_set(files, "lists", "and"),
        meaningless=_set(files, "lists", "no_meaning"),
        packs=_set(files, "lists", "packs"),
        measures=_set(files, "lists", "measures"),
        goods=_goods(files),
    )


def squeezed(phrase: str) -> str:
    """As the tables are keyed."""
    return squeeze(_spelled(phrase))


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
    return {
        word: tuple(dict.fromkeys(name for thing in things for name in usual[thing])) for word, things in meant.items()
    }


def _read_files() -> Iterator[dict[str, object]]:
    for language in _FILES:
        with (_FOLDER / f"{language}.toml").open("rb") as file:
            yield tomllib.load(file)


VOCABULARY = read_vocabulary(_read_files())
