"""What else a thing is called: `maziwa` is milk, `leite` is milk. For looking it up under the other names, too."""

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.conversation.understanding.matching import Candidate, Found, find
from bot.conversation.understanding.quantities import in_digits
from bot.conversation.understanding.spelling import fold, singulars
from bot.conversation.understanding.vocabulary import VOCABULARY, squeezed
from contracts.router_api import ItemView

MAX_NAMES = 4
_LONGEST = max(len(phrase.split()) for phrase in VOCABULARY.goods)
_LONG_WORDS = tuple(word for word in VOCABULARY.goods if len(word) >= 4 and " " not in word)


def also_called(name: str) -> tuple[str, ...]:
    """The same thing in the usual words of the other languages, at most four; nothing for what is in no list."""
    return _renamed(name.split(), forgiving=False)


def perhaps_called(name: str) -> tuple[str, ...]:
    """Likewise, forgiving a slip of the finger: `mazuwa` may be milk. Only to be offered, never acted on."""
    return _renamed(name.split(), forgiving=True)


def match_items(said: str, items: Sequence[ItemView]) -> Found:
    """Who of them is meant, by that name or another of the same thing. Places are those in `items`."""
    return match_called(said, [Candidate(place, item.name, item.sku) for place, item in enumerate(items)])


def match_called(said: str, candidates: Sequence[Candidate]) -> Found:
    """Likewise of anything that has a name, as the lines of a cart."""
    found = find(said, candidates)
    if found.clear is not None or found.several:
        return found
    for name in also_called(said):
        other = find(name, candidates)
        if other.clear is not None or other.several:
            return other
    if found.close:
        return found
    for name in perhaps_called(said):
        other = find(name, candidates)
        close = (other.clear,) if other.clear is not None else other.several or other.close
        if close:
            return Found(close=close)
    return found


@dataclass(frozen=True, slots=True)
class Within:
    """A thing that is named among other words, and the number right beside it."""

    name: str
    quantity: int | None = None


def named_within(text: str) -> Within | None:
    """The one thing that stands in `5 sodas for the boys` or `soda baridi 2`; None where there is none, or several.
    Only to be offered: the other words may say that something else is meant."""
    words = in_digits(text).split()
    keys = [squeezed(word.strip(",.:;!?\"'()")) for word in words]
    found: tuple[int, int] | None = None
    at = 0
    while at < len(words):
        end = next((end for end in range(min(at + _LONGEST, len(words)), at, -1) if _goods(" ".join(keys[at:end]))), 0)
        if end and found is not None:
            return None
        if end:
            found = (at, end)
        at = end or at + 1
    if found is None or len(words) == found[1] - found[0]:
        return None
    beside = (*keys[max(found[0] - 1, 0) : found[0]], *keys[found[1] : found[1] + 2])
    numbers = [int(key) for key in beside if key.isascii() and key.isdigit() and len(key) < 3]
    return Within(" ".join(words[found[0] : found[1]]), numbers[0] if len(numbers) == 1 else None)


def _renamed(words: list[str], *, forgiving: bool) -> tuple[str, ...]:
    keys = [squeezed(word.strip(",.:;!?\"'()")) for word in words]
    parts: list[tuple[str, ...]] = []
    at = 0
    while at < len(words):
        for end in range(min(at + _LONGEST, len(words)), at, -1):
            names = _goods(" ".join(keys[at:end]))
            if names:
                parts.append(names)
                at = end
                break
        else:
            parts.append((forgiving and _meant(keys[at])) or (words[at],))
            at += 1
    most = min(max((len(names) for names in parts), default=0), MAX_NAMES)
    said = fold(" ".join(words))
    renamed = (" ".join(names[min(place, len(names) - 1)] for names in parts) for place in range(most))
    return tuple(dict.fromkeys(name for name in renamed if fold(name) != said))


def _goods(phrase: str) -> tuple[str, ...] | None:
    names = VOCABULARY.goods.get(phrase)
    if names is None and phrase.endswith("s"):
        head, _, last = phrase.rpartition(" ")
        tried = (VOCABULARY.goods.get(f"{head} {one}".strip()) for one in sorted(singulars(last)))
        names = next((one for one in tried if one), None)
    return names


def _meant(key: str) -> tuple[str, ...]:
    """The names of the thing that this word is a slip or two away from, the word that was meant among them."""
    if len(key) < 4 or key in VOCABULARY.goods:
        return ()
    slips = 1 if len(key) <= 5 else 2
    found = process.extractOne(key, _LONG_WORDS, scorer=OSA.distance, score_cutoff=slips)
    return VOCABULARY.goods[found[0]] if found is not None else ()
