"""Several things in one message: "2 milk, bread and 3 eggs", a line each, "leite 2 pão 3". Knows no catalogue, so where
"and" may belong to a name ("salt and vinegar crisps") both readings are kept, and who knows the shelves decides."""

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from string import digits

from bot.conversation.understanding.quantities import Wanted, arranged, in_digits, read_wanted
from bot.conversation.understanding.vocabulary import VOCABULARY, squeezed
from contracts.money import Currency

MAX_PARTS = 10
"""Things that are read out of one message. What is said beyond them is not lost: the answer says so."""

MAX_JOINED = 3
"""Parts that may be one name: "salt and vinegar and chilli crisps"."""

_STRONG = re.compile(r"\s*(?:,(?![0-9])|(?<![0-9]),|[;+•\n|]|\s/\s|\.\s(?=\S))\s*")
_BULLET = re.compile(r"[-–*•·]\s+(?=\S)")
_ENUMERATED = re.compile(r"([0-9]{1,2})\s?[.)]\s*(?=\D)")
_DASHED = re.compile(r"(?<=[^\W\d_])\s?[-–:=]\s?(?=[0-9])")
_AMPERSAND = re.compile(r"\s*&\s*")
_NUMBERS_ONLY = re.compile(r"[0-9]{1,2}(?:\s*,\s*[0-9]{1,2})+")
_TIMES_NUMBER = re.compile(r"[xX×*]\s?[0-9]+")
_NUMBER = re.compile(r"-?[0-9]+")
_TIMES = ("x", "X", "×", "*")
_COUNTED_IN = VOCABULARY.measures | VOCABULARY.packs | VOCABULARY.containers.keys()
_IS = frozenset(("é", "É"))
"""Is, not and, in Portuguese."""
_SIZES = frozenset(("size", "sizes", "tamanho", "saizi", "number", "numero", "namba", "nambari", "no", "nr", "age"))
"""A number behind these names which, not how many: "diapers size 4"."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing as it was said. `joint` is the word that joins it to the part before, where the two may be one name."""

    text: str
    joint: str = ""
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(frozen=True, slots=True)
class Several:
    """What a message lists. `unread` is what was too much."""

    parts: tuple[Part, ...]
    unread: str = ""

    @property
    def is_counted(self) -> bool:
        return any(part.wanted.is_counted for part in self.parts)

    def joined(self, start: int, end: int) -> str | None:
        """These parts as one name, or None where something says that they are not."""
        run = self.parts[start:end]
        if end - start > MAX_JOINED or any(not part.joint for part in run[1:]):
            return None
        return " ".join((run[0].text, *(f"{part.joint} {part.text}" for part in run[1:])))


class Aim(StrEnum):
    """What a message that names things is for."""

    ADD = "add"
    SEE = "see"
    UNSAID = "unsaid"
    """Names, and perhaps how many: what is counted, or one of several, is to be added."""


class Fate(StrEnum):
    """What became of one of several things."""

    TO_ADD = "to_add"
    ADDED = "added"
    SOLD_OUT = "sold_out"
    ONLY_SOME = "only_some"
    TOO_MANY = "too_many"
    TOO_FEW = "too_few"
    UNREADABLE = "unreadable"
    GONE = "gone"
    NOT_ADDED = "not_added"
    WHICH = "which"
    LIKE = "like"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that may be meant, for a numbered list: as the shelf shows it, its price in minor units."""

    item_id: str
    name: str
    price_minor: int = 0
    currency: Currency = Currency.KES
    unit: str = ""
    available: int | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """One of several things that were asked for. `said` is its name as it was said, or what was said in place of its
    quantity; `available` how many there are, where that is too few."""

    fate: Fate
    said: str
    item_id: str = ""
    name: str = ""
    quantity: int = 1
    available: int = 0
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Shopping:
    """Several things on their way into the cart. `text` is all that was said; `cart` and `version` are those of the
    cart as it is now; `is_waiting`: nobody said how its goods get to the customer, and the shop could bring them."""

    text: str
    aim: Aim
    parts: tuple[Part, ...] = ()
    unread: str = ""
    things: tuple[Thing, ...] = ()
    total_minor: int | None = None
    count: int = 0
    cart: str = ""
    version: str = ""
    is_waiting: bool = False

    def next_to_add(self) -> int | None:
        """The place of the next thing that the cart waits for."""
        return next((at for at, thing in enumerate(self.things) if thing.fate is Fate.TO_ADD), None)

    def with_thing(self, at: int, thing: Thing) -> "Shopping":
        return replace(self, things=(*self.things[:at], thing, *self.things[at + 1 :]))


def read_list(text: str) -> Several:
    """The things that a text names, in its order; one of a text that lists nothing."""
    text = arranged(in_digits(text))
    segments = _NUMBERS_ONLY.fullmatch(text.strip()) and re.split(r"\s*,\s*", text.strip())
    segments = segments or _without_enumeration(
        [part for part in _STRONG.split(_DASHED.sub(" ", text)) if part.strip()]
    )
    parts = [part for segment in segments for part in _joined_parts(segment)]
    read, rest = parts[:MAX_PARTS], parts[MAX_PARTS:]
    return Several(tuple(read), ", ".join(part.text for part in rest))


def _without_enumeration(segments: list[str]) -> list[str]:
    """`1. milk`, `2. bread`: these numbers count the lines."""
    # The full stop of "1. milk" may have been taken for the end of a sentence.
    joined: list[str] = []
    for segment in segments:
        if joined and re.fullmatch(r"[0-9]{1,2}", joined[-1]) and len(segments) > 2:
            joined[-1] = f"{joined[-1]}. {segment}"
        else:
            joined.append(segment)
    found = [_ENUMERATED.match(segment) for segment in joined]
    if len(joined) > 1 and all(one and int(one[1]) == place for place, one in enumerate(found, start=1)):
        return [segment[one.end() :] for segment, one in zip(joined, found, strict=True) if one]
    return segments


def _joined_parts(segment: str) -> list[Part]:
    """A segment without commas, at its "and"s and between its numbers."""
    words = _AMPERSAND.sub(" and ", _BULLET.sub(" ", segment, count=1)).split()
    runs, joints, run = list[list[str]](), list[str](), list[str]()
    joint = ""
    for word in words:
        if squeezed(word) in VOCABULARY.joining and word not in _IS:
            if run:
                runs.append(run)
                joints.append(joint)
                run = []
            joint = word
        else:
            run.append(word)
    if run:
        runs.append(run)
        joints.append(joint)
    parts: list[Part] = []
    for said, before in zip(runs, joints, strict=True):
        for place, text in enumerate(_at_numbers(" ".join(said))):
            wanted = read_wanted(text)
            may_join = (
                place == 0 and before and parts and not _begins_with_number(text) and not _ends_with_number(parts[-1])
            )
            parts.append(Part(text, before if may_join else "", wanted))
    return parts


def _begins_with_number(text: str) -> bool:
    return bool(_NUMBER.match(text))


def _ends_with_number(part: Part) -> bool:
    return bool(re.search(r"[0-9]$", part.text))


def _at_numbers(text: str) -> list[str]:
    """`1 milk 2 bread`, `milk x2 bread x1`, `leite 2 pão 3`: a thing for every number that counts one."""
    text = arranged(text)
    times = list(_TIMES_NUMBER.finditer(text))
    if times and text[times[0].start() - 1 : times[0].start()] in (" ", "") and not _begins_with_number(text):
        ends = [one.end() for one in times if text[one.end() : one.end() + 1] in ("", " ")]
        return _cut(text, ends)
    words = text.split()
    ends = _measured_ends(words)
    if ends:
        return [" ".join(words[start:end]) for start, end in pairwise([0, *ends])]
    counts = [at for at in range(len(words)) if _counts(words, at)]
    if len(counts) < 2:
        return [text]
    if counts[0] == 0:
        starts = counts
    elif counts[-1] == len(words) - 1:
        starts = [0, *(at + 1 for at in counts[:-1])]
    else:
        return [text]
    bounds = [*starts, len(words)]
    cut = [" ".join(words[start:end]) for start, end in pairwise(bounds)]
    # A number alone among names is no line of a list: nobody knows what it counts.
    return [text] if any(_NUMBER.fullmatch(part) for part in cut) else cut


def _measured_ends(words: list[str]) -> list[int]:
    """Where the things of `tomatoes 10kg onions 5kg cabbage 12` and `sukuma 3 bunches spinach 2 bunches` end: behind
    how many of what. Nothing where no number has a unit, or not all of it is said so."""
    ends, has_unit, at = list[int](), False, 1
    if len(words) < 4 or words[0][:1].isdigit():
        return []
    while at < len(words):
        if not words[at][:1].isdigit():
            at += 1
            continue
        unit = words[at].lstrip(digits + ".")
        number = words[at][: len(words[at]) - len(unit)]
        is_measured = bool(unit) and squeezed(unit) in VOCABULARY.measures
        if (unit and not is_measured) or not number.isdigit():
            return []
        at += 1
        if not unit and at < len(words) and squeezed(words[at]) in _COUNTED_IN:
            is_measured, at = True, at + 1
        has_unit = has_unit or is_measured
        if at < len(words) and (words[at][:1].isdigit() or words[at] in _TIMES):
            continue  # "milk 500 ml 2": a size, and then how many
        ends.append(at)
    return ends if has_unit and len(ends) > 1 and ends[-1] == len(words) else []


def _counts(words: list[str], at: int) -> bool:
    """Whether that word says how many of a thing: not a size (`500 ml`), nor the name of `7 up` after a count."""
    if not _NUMBER.fullmatch(words[at].rstrip("xX") if words[at][:1].isdigit() else words[at]):
        return False
    is_size = at > 0 and (
        (at + 1 < len(words) and squeezed(words[at + 1]) in VOCABULARY.measures) or squeezed(words[at - 1]) in _SIZES
    )
    follows_count = at > 0 and (words[at - 1] in _TIMES or bool(_NUMBER.fullmatch(words[at - 1])))
    return not is_size and not follows_count


def _cut(text: str, ends: list[int]) -> list[str]:
    cut = [text[start:end].strip() for start, end in zip([0, *ends], [*ends, len(text)], strict=False)]
    return [part for part in cut if part]
