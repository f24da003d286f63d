"""Which item, shop or word was meant. A clear match may be acted on; a close one is only ever offered."""

from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from bot.conversation.understanding.spelling import fold, singulars
from bot.replies.words import WORDS

_NEVER_SUGGESTED = frozenset(("pay", "pay_other", "confirm", "stop"))
"""Whoever means those writes them out. What "did you mean?" may propose are all other words of the language."""

_CLOSE_SCORE = 85  # of 100
_SCRAP = 3  # letters
_MAX_COMPARED = 60  # characters of what was said: a name is no longer


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may be meant: its place in the list it came from, and what it is called. A `code` (a SKU, a
    shop's word) is another name, which only counts when it is said exactly."""

    place: int
    name: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Places of candidates. `clear`: the one thing that was certainly meant. `several`: all of these fit. `close`:
    these are only like it, best first."""

    clear: int | None = None
    several: tuple[int, ...] = ()
    close: tuple[int, ...] = ()


def tokens(text: str) -> tuple[str, ...]:
    """The words and numbers of a text, without case and accents; `500ml` is the same as `500 ml`."""
    parts: list[str] = []
    current = ""
    for char in fold(text):
        if current and (not char.isalnum() or char.isdigit() != current[-1].isdigit()):
            parts.append(current)
            current = ""
        if char.isalnum():
            current += char
    return (*parts, current) if current else tuple(parts)


def find(said: str, candidates: Sequence[Candidate]) -> Found:
    """Who of them is meant by `said`."""
    said = said[:_MAX_COMPARED]
    folded, wanted = fold(said).strip(), tokens(said)
    if not wanted:
        return Found()
    exact = tuple(one.place for one in candidates if folded == fold(one.code) or wanted == tokens(one.name))
    fitting = exact or _fitting(candidates, said)
    if fitting and not exact and _is_scrap(wanted, fitting, candidates):
        return Found(close=fitting)
    if len(fitting) == 1:
        return Found(clear=fitting[0])
    if fitting:
        return Found(several=fitting)
    scored = ((_likeness(folded, wanted, candidate), candidate.place) for candidate in candidates)
    close = sorted((score, place) for score, place in ((-likeness, place) for likeness, place in scored) if score < 0)
    return Found(close=tuple(place for _, place in close))


def _is_scrap(wanted: tuple[str, ...], fitting: tuple[int, ...], candidates: Sequence[Candidate]) -> bool:
    """Whether all of it is one short word that is only the beginning of theirs: "que" of "Queijo"."""
    if len("".join(wanted)) > _SCRAP:
        return False
    return not any(one.place in fitting and _holds_whole(tokens(one.name), wanted) for one in candidates)


def _fitting(candidates: Sequence[Candidate], said: str) -> tuple[int, ...]:
    """Those whose names hold what was said: as whole words (`gás` in `Botija de gás`), else as beginnings (`Gasosa`).
    Names that begin with it come first."""
    holding = [one for one in candidates if covers(one.name, said)]
    wanted = tokens(said)
    whole = [one for one in holding if _holds_whole(tokens(one.name), wanted)]
    best = whole or holding
    return tuple(one.place for one in sorted(best, key=lambda one: not _is_word(wanted[0], tokens(one.name)[0])))


def _holds_whole(names: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    return all(any(not singulars(word).isdisjoint(singulars(part)) for part in names) for word in wanted)


def covers(name: str, said: str) -> bool:
    """Whether every word of what was said is (the beginning of) a word of the name: `milk 500` is in
    `Fresh milk 500 ml`, `eggs` in `Egg tray`, `blueband` in `Blue Band`."""
    names, wanted = tokens(name), tokens(said)
    if not wanted:
        return False
    return all(any(_is_word(word, part) for part in names) for word in wanted) or _is_run("".join(wanted), names)


def names_it(name: str, said: str) -> bool:
    """Whether the words stand in the name in just that order: `7 up` in `7 Up 500 ml`, but not `2 sugar` in
    `Sugar 2 kg`."""
    names, wanted = tokens(name), tokens(said)
    size = len(wanted)
    return bool(wanted) and any(names[start : start + size] == wanted for start in range(len(names) - size + 1))


_STOP = frozenset(fold(words["stop"]).upper() for words in WORDS.values())


def suggest_word(said: str, language: str = "en") -> str | None:
    """The command of that language that the first word of a text is one slip away from (two in long words), or None.
    STOP with more behind it is STOP, and never SHOP."""
    words = fold(said).upper().split()
    if not words:
        return None
    if words[0] in _STOP:
        return words[0]
    best: tuple[int, str] | None = None
    for meaning, suggestion in WORDS.get(language, WORDS["en"]).items():
        if meaning in _NEVER_SUGGESTED:
            continue
        compared = " ".join(words[:2]) if " " in suggestion else words[0]
        distance = OSA.distance(compared, fold(suggestion).upper(), score_cutoff=_slips(suggestion))
        if distance <= _slips(suggestion) and (best is None or distance < best[0]):
            best = (distance, suggestion)
    return best[1] if best else None


def _is_run(joined: str, names: tuple[str, ...]) -> bool:
    """Whether some neighbouring words of the name, written as one, are just that."""
    return any(
        "".join(names[start:end]) == joined for start in range(len(names)) for end in range(start + 2, len(names) + 1)
    )


def _is_word(said: str, part: str) -> bool:
    if said == part:
        return True
    if said.isdigit() or part.isdigit():
        return False
    return (len(said) >= 3 and part.startswith(said)) or not singulars(said).isdisjoint(singulars(part))


def _likeness(folded: str, wanted: tuple[str, ...], candidate: Candidate) -> float:
    """0 for what is not close. 100 is the most."""
    names = tokens(candidate.name)
    best = max(fuzz.token_set_ratio(folded, fold(candidate.name)), fuzz.ratio(folded, fold(candidate.code)))
    if best >= _CLOSE_SCORE:
        return best
    words = [word for word in wanted if len(word) >= 3]
    if words and all(any(OSA.distance(word, part) <= _slips(part) for part in names) for word in words):
        return _CLOSE_SCORE - 1
    return 0


def _slips(word: str) -> int:
    """How many slips of the finger a word of that length is forgiven."""
    return 1 if len(word) <= 5 else 2
