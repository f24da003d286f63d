"""The word that a shop answers to in a chat, and the languages that the platform speaks."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

LOCALES = ("en", "en-KE", "sw", "sw-KE", "pt", "pt-AO")
"""English, Swahili and Portuguese, as CLDR writes them, with or without the country."""

MAX_WORD = 30
_WORD = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,28}[a-z0-9])")
_HAS_LETTER = re.compile(r"[a-z]")

RESERVED = frozenset((Path(__file__).parent / "chat_words.txt").read_text().split())
"""Words that mean something else in a chat, in any of its languages: a shop called by one could hardly be reached. The
bot's own lists (`bot/conversation/understanding/words/`) decide; a test compares."""


_ARTICLES = frozenset(("the", "a", "an", "o", "os", "as"))


def problem_with_word(word: str) -> str | None:
    """Why a shop can't answer to this (casefolded) word; None if it can."""
    if len(word) < 2 or len(word) > MAX_WORD or not _WORD.fullmatch(word):
        return f"a shop's word is 2 to {MAX_WORD} letters a-z, digits and hyphens, and neither begins nor ends with one"
    if not _HAS_LETTER.search(word):
        return "a shop's word has a letter: numbers pick from lists in a chat"
    if word in RESERVED:
        return f"{word!r} means something else in a chat; choose another word"
    return None


def words_from(name: str) -> Iterator[str]:
    """Words that a shop of this name could answer to, the shortest first; then the same with numbers."""
    apart = unicodedata.normalize("NFKD", name.casefold().replace("'", "").replace("’", ""))
    plain = "".join(char for char in apart if not unicodedata.combining(char))
    parts = re.findall(r"[a-z0-9]+", plain) or ["shop"]
    if parts[0] in _ARTICLES:
        parts = parts[1:] or parts
    candidates = ["-".join(parts[:count])[:MAX_WORD].strip("-") for count in range(1, len(parts) + 1)]
    longest = candidates[-1] if _HAS_LETTER.search(candidates[-1]) else f"shop-{candidates[-1]}"
    candidates.append(longest[:MAX_WORD].strip("-"))
    candidates += [f"{longest[: MAX_WORD - 4].strip('-')}-{number}" for number in range(2, 1000)]
    yield from (word for word in dict.fromkeys(candidates) if problem_with_word(word) is None)
