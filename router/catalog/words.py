"""Words, as a catalogue is searched by them: without case and accents, and near to how they are written. Pure."""

import re
import unicodedata
from collections.abc import Collection, Iterable

from rapidfuzz import fuzz, process

MAX_QUERY_LENGTH = 100
MAX_TERMS = 6
"""Of one search: more words than that narrow nothing."""
MAX_WORD_LENGTH = 40
_MAX_WORDS = 60
"""Of one item."""

SKU_RANK = -1
_SHORTEST_TO_MISSPELL = 3
_NEAR_ENOUGH = 70
"""A written word stands for a known one from here: `tomatos` 93, `suger` 80, `milk` for `silk` 75."""

_WORD = re.compile(r"[^\W_]+")
AFTER_ALL = "\U0010ffff"
"""Behind every word that begins alike: the end of a range of them, in the order of bytes."""


def folded(text: str) -> str:
    """Without case, accents and doubled spaces."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))
    return " ".join(plain.split())


def words_in(text: str) -> list[str]:
    """In their order, each once."""
    return list(dict.fromkeys(word[:MAX_WORD_LENGTH] for word in _WORD.findall(folded(text))))


def ranked_words(sku: str, name: str, keywords: str) -> dict[str, int]:
    """What finds an item, and how well: the SKU, the first word of the name, its others, then keywords."""
    found: dict[str, int] = {}
    for rank, word in ((SKU_RANK, whole(sku)), *((min(at, 1), word) for at, word in enumerate(words_in(name)))):
        found.setdefault(word, rank)
    for word in (*words_in(keywords), *words_in(sku)):
        found.setdefault(word, 2)
    found.pop("", None)
    return dict(list(found.items())[:_MAX_WORDS])


def whole(text: str) -> str:
    """The text as one word, such as a SKU."""
    return folded(text)[: 2 * MAX_WORD_LENGTH]


def spellings(word: str) -> set[str]:
    """The word, and each way to leave out one of its letters: two words that are one mistake apart share one."""
    if len(word) < _SHORTEST_TO_MISSPELL or word.isdigit():
        return set()
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def misspellings(word: str) -> set[str]:
    """What a written word is looked for by among `spellings`: with one letter, or two of a longer word, left out."""
    once = spellings(word)
    if len(word) < 2 * _SHORTEST_TO_MISSPELL:
        return once
    return once.union(*(spellings(each) for each in once))


def nearest(word: str, known: Collection[str]) -> str | None:
    """The known word that was meant, if any is near enough."""
    found = process.extractOne(word, sorted(known), scorer=fuzz.ratio, score_cutoff=_NEAR_ENOUGH)
    return None if found is None else found[0]


def keywords_from(given: Iterable[str]) -> str:
    """Keywords as they are kept: one after another, a comma between them."""
    return ", ".join(dict.fromkeys(" ".join(each.replace(",", " ").split()) for each in given if each.strip()))
