"""A message as words that can be looked up in the vocabulary, each with its place in what was said.

This runs for every message, so a phrase is only put together where its first (or last) word begins (or ends) one."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from bot.conversation.understanding.vocabulary import VOCABULARY, squeezed, written_out

_WORD = re.compile(r"(?:(?<!\S)[-+](?=[0-9]))?[^\W_]+(?:['’´`][^\W\d_]+)*")  # a number keeps its sign
_MAX_STRIPPED = 8
_MAX_WORDS = 60
_MAX_LEADS = 4  # "i want" "to buy" "also"


class Phrases:
    """Phrases with their meanings, found at the beginning or the end of some words, longest first."""

    def __init__(self, meanings: Mapping[str, str]) -> None:
        self._meanings = dict(meanings)
        self._longest_from: dict[str, int] = {}
        self._longest_to: dict[str, int] = {}
        for phrase in meanings:
            words = phrase.split()
            for table, word in ((self._longest_from, words[0]), (self._longest_to, words[-1])):
                table[word] = max(table.get(word, 0), len(words))

    def are_not_in(self, keys: list[str]) -> bool:
        """Whether no word of it begins any of them."""
        return self._longest_from.keys().isdisjoint(keys)

    def at_start(self, keys: list[str], start: int, end: int) -> tuple[str, int] | None:
        """The meaning of the longest phrase that begins at `start`, and where it ends."""
        longest = self._longest_from.get(keys[start], 0) if start < end else 0
        for stop in range(min(start + longest, end), start, -1):
            meaning = self._meanings.get(keys[start] if stop == start + 1 else " ".join(keys[start:stop]))
            if meaning is not None:
                return meaning, stop
        return None

    def at_end(self, keys: list[str], start: int, end: int) -> tuple[str, int] | None:
        """The meaning of the longest phrase that ends at `end`, and where it begins."""
        longest = self._longest_to.get(keys[end - 1], 0) if start < end else 0
        for begin in range(max(end - longest, start), end):
            meaning = self._meanings.get(" ".join(keys[begin:end]))
            if meaning is not None:
                return meaning, begin
        return None

    def anywhere(self, keys: list[str], start: int, end: int) -> Iterator[str]:
        """The meanings of the phrases that stand in it, of those that begin at one word the longest."""
        place = start
        while place < end:
            found = self.at_start(keys, place, end) if keys[place] in self._longest_from else None
            if found is not None:
                yield found[0]
            place = found[1] if found is not None else place + 1


_POLITE = dict.fromkeys(VOCABULARY.polite, "polite")
_SMALL_TALK = {phrase: word for phrase, word in VOCABULARY.whole.items() if word in ("greeting", "thanks")}
_BEFORE = Phrases({**_SMALL_TALK, **_POLITE})
_BEHIND = Phrases(_POLITE)
_SAID_SO = Phrases(_SMALL_TALK)
_LEADS = Phrases(VOCABULARY.leads)
_CLUES = Phrases(VOCABULARY.clues)
_STEMS = VOCABULARY.stems
_STEM_STARTS = tuple(VOCABULARY.stems)
_PHONE_LEADS = Phrases(dict.fromkeys(VOCABULARY.phone_leads, "phone"))
_TAILS = {
    word: Phrases({phrase: meaning for phrase, meaning in VOCABULARY.tails.items() if meaning == word})
    for word in ("find", "remove")
}
_VOCATIVES = Phrases(dict.fromkeys(VOCABULARY.vocatives, "vocative"))
_SURE_CLUES = Phrases(VOCABULARY.sure_clues)
_spelled = lru_cache(maxsize=4096)(written_out)


@dataclass(slots=True)
class Words:
    """Some neighbouring words of a message: `keys[start:end]`, as the vocabulary spells them."""

    source: str
    keys: list[str]
    places: list[tuple[int, int]]
    start: int
    end: int

    @property
    def text(self) -> str:
        return " ".join(self.keys[self.start : self.end])

    @property
    def said(self) -> str:
        """As it was typed. Marks behind the last word of the message belong to it."""
        if self.start >= self.end:
            return ""
        stop = len(self.source) if self.end == len(self.keys) else self.places[self.end - 1][1]
        return self.source[self.places[self.start][0] : stop].strip()

    def __len__(self) -> int:
        return self.end - self.start

    def part(self, start: int, end: int) -> "Words":
        return Words(self.source, self.keys, self.places, start, end)

    def counts(self) -> bool:
        """Whether a number stands in it that may be how many: a one in words alone is an article, and hours and days
        are no goods."""
        keys = self.keys[self.start : self.end]
        for at, key in enumerate(keys):
            if key in VOCABULARY.fractions and not VOCABULARY.measures.isdisjoint(keys[at + 1 : at + 3]):
                return True
            if (key[-1].isdigit() and len(key) < 6) or key in VOCABULARY.dozens or VOCABULARY.numbers.get(key, 1) != 1:
                beside = (*keys[max(at - 1, 0) : at], *keys[at + 1 : at + 2])
                if VOCABULARY.times.isdisjoint(beside):
                    return True
        return False

    def small_talk(self) -> frozenset[str]:
        """Whether it greets or thanks."""
        return frozenset(_SAID_SO.anywhere(self.keys, self.start, self.end))

    def clues(self) -> Iterable[str]:
        """What words in it hint at."""
        yield from _CLUES.anywhere(self.keys, self.start, self.end)
        for key in self.keys[self.start : self.end]:
            if key.startswith(_STEM_STARTS):
                yield next(word for stem, word in _STEMS.items() if key.startswith(stem))

    def sure_clues(self) -> Iterable[str]:
        """What words in it leave no doubt of, even where something is counted."""
        return _SURE_CLUES.anywhere(self.keys, self.start, self.end)

    def undressed(self) -> Iterator["Words"]:
        """Itself, then with less and less of what is only polite at its end and its beginning."""
        start, end = self.start, self.end
        yield self
        for _ in range(_MAX_STRIPPED):
            polite = _BEHIND.at_end(self.keys, start, end)
            if polite is not None:
                end = polite[1]
            else:
                polite = _BEFORE.at_start(self.keys, start, end)
                if polite is None:
                    return
                start = polite[1]
            if start >= end:
                return
            yield self.part(start, end)

    def bare(self) -> "Words":
        """Without greetings and politeness before it. Empty if there is nothing else."""
        start = self.start
        for _ in range(_MAX_STRIPPED):
            polite = _BEFORE.at_start(self.keys, start, self.end)
            if polite is None:
                break
            start = polite[1]
        return self.part(start, self.end)

    def led(self) -> Iterator[tuple[str, "Words"]]:
        """What its beginning asks for and the rest, the shortest beginning first: "i want", "i want" "to buy"."""
        word: str | None = None
        start = self.start
        for _ in range(_MAX_LEADS):
            found = self._lead(start)
            if found is None or found[1] == self.end:
                return
            if word is not None and word != "see" and found[0] not in (word, "see", "add"):
                return
            word = found[0] if word is None or word == "see" else word
            start = found[1]
            yield word, self.part(start, self.end)

    def _lead(self, start: int) -> tuple[str, int] | None:
        """What begins there asks for, past a polite word or two: "could you" "kindly" "tell me"."""
        found = _LEADS.at_start(self.keys, start, self.end)
        for _ in range(2):
            polite = _BEHIND.at_start(self.keys, start, self.end) if found is None and start > self.start else None
            if polite is None:
                break
            start = polite[1]
            found = _LEADS.at_start(self.keys, start, self.end)
        return found

    def without_thanks(self) -> "Words":
        """Without the politeness behind it, as long as something is left that it may be about."""
        end = self.end
        for _ in range(_MAX_STRIPPED):
            polite = _BEHIND.at_end(self.keys, self.start, end)
            if polite is None or polite[1] <= self.start or " ".join(self.keys[polite[1] : end]) in VOCABULARY.goods:
                break
            end = polite[1]
        return self.part(self.start, end)

    def after_phone_lead(self) -> str:
        """`my number is 0708 374 149`: what stands behind; nothing where it does not begin so."""
        found = _PHONE_LEADS.at_start(self.keys, self.start, self.end)
        return self.part(found[1], self.end).said if found is not None else ""

    def without_tail(self, word: str) -> "Words":
        """Without what ends words about a thing ("… ni bei gani"), and the politeness around that."""
        end = self.end
        for _ in range(_MAX_LEADS):
            found = _TAILS[word].at_end(self.keys, self.start, end) or _BEHIND.at_end(self.keys, self.start, end)
            if found is None or found[1] == self.start or self._is_a_thing(end):
                break
            end = found[1]
        return self.part(self.start, end)

    def _is_a_thing(self, end: int) -> bool:
        """Whether that is what a thing is called, to its last word: `mafuta ya taa`."""
        return end - self.start > 1 and squeezed(self.part(self.start, end).said) in VOCABULARY.goods

    def has_tail(self, word: str) -> bool:
        stripped = self
        for _ in range(2):
            found = _TAILS[word].at_end(stripped.keys, stripped.start, stripped.end)
            if found is not None:
                return found[1] > stripped.start
            polite = _BEHIND.at_end(stripped.keys, stripped.start, stripped.end)
            if polite is None:
                return False
            stripped = stripped.part(stripped.start, polite[1])
        return False


def without_vocatives(words: Words) -> Words:
    """Without "my daughter", "minha filha", "mwanangu", wherever they stand."""
    if _VOCATIVES.are_not_in(words.keys):
        return words
    keys, kept, at, place = words.keys, list[str](), 0, 0
    while place < len(keys):
        found = _VOCATIVES.at_start(keys, place, len(keys))
        if found is not None:
            kept.append(words.source[at : words.places[place][0]].rstrip(" ,"))
            at = words.places[found[1] - 1][1]
        place = found[1] if found is not None else place + 1
    if not kept:
        return words
    return phrased(" ".join(part for part in (*kept, words.source[at:].lstrip(" ,")) if part))


def phrased(text: str) -> Words:
    keys: list[str] = []
    places: list[tuple[int, int]] = []
    for match in _WORD.finditer(text):
        keys.append(_spelled(match[0]))
        places.append(match.span())
        if len(keys) >= _MAX_WORDS:
            break
    return Words(text, keys, places, 0, len(keys))
