"""Pictures of things for sale, `2 🍅`, as the words for them. A picture beside the word for it only decorates it."""

import re
from itertools import groupby

from bot.conversation.understanding.vocabulary import VOCABULARY, squeezed

_ONE = re.compile("|".join(map(re.escape, VOCABULARY.emoji)))
_RUN = re.compile(rf"(?:(?P<number>\d{{1,3}})\s?[x×]?\s?)?(?P<run>(?:(?:{_ONE.pattern})\ufe0f?\s?)+)")
_WORD = re.compile(r"[^\W\d_]+")


def without_pictures(text: str) -> str:
    """Nothing but the words, where there is a picture of a thing in it."""
    return " ".join(_RUN.sub(lambda found: f"{found['number'] or ''} ", text).split()) if _ONE.search(text) else text


def in_words(text: str) -> str:
    """`2 🍅` → `2 tomatoes`, `🍅🍅🥛` → `2 tomatoes, milk`, `🍅 2` → `tomatoes 2`; `tomatoes 🍅` → `tomatoes`.
    Where the text names things, only a picture right behind a number is one more."""
    words = [squeezed(word) for word in _WORD.findall(text)]
    named = {VOCABULARY.goods[word] for word in words if word in VOCABULARY.goods}

    def said(found: re.Match[str]) -> str:
        number = found["number"] or ""
        things = [(VOCABULARY.emoji[one], sum(1 for _ in same)) for one, same in groupby(_ONE.findall(found["run"]))]
        if (named and not number) or any(VOCABULARY.goods[squeezed(thing)] in named for thing, _ in things):
            return f" {number} "
        counts = [number, *("" for _ in things[1:])] if number else [str(n) if n > 1 else "" for _, n in things]
        return " " + ", ".join(f"{n} {thing}".strip() for n, (thing, _) in zip(counts, things, strict=True)) + " "

    return " ".join(_RUN.sub(said, text).split())
