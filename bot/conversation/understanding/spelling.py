"""How words are written, without regard to how they are typed: case, accents, what is invisible, doubled letters."""

import re
import unicodedata
from functools import lru_cache

MAX_TEXT = 500
"""Characters of a message that are read."""

_DOUBLED = re.compile(r"([^\W\d_])\1+")
_LINE_BREAK = re.compile(r"\s*[\r\n\v\f\u2028\u2029]\s*")
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "´": "'", "`": "'"})


def clean(text: str) -> str:
    """Compatibility-normalised, at most 500 characters, nothing invisible in it. Lines become parts of one list."""
    text = text[: 4 * MAX_TEXT]
    if not (text.isascii() and text.isprintable()):
        text = ", ".join(filter(None, _LINE_BREAK.split(text)))
        spaced = "".join(" " if char.isspace() else char for char in text)
        text = "".join(c for c in unicodedata.normalize("NFKC", spaced) if unicodedata.category(c)[0] != "C")
    return " ".join(text.split())[:MAX_TEXT].strip()


def undecorated(text: str) -> str:
    """Without the marks that surround a word in a chat: quotes, emphasis, full stops, smileys. A question mark stays:
    "pay?" is a question."""
    start, end = 0, len(text)
    while start < end and not (text[start].isalnum() or text[start] in "+-?"):
        start += 1
    while end > start and not (text[end - 1].isalnum() or text[end - 1] == "?"):
        end -= 1
    return text[start:end]


def fold(text: str) -> str:
    """For comparing: no case, no accents."""
    text = text.translate(_APOSTROPHES).casefold()
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text)
    return "".join(char for char in apart if not unicodedata.combining(char))


_PLURALS = (
    ("oes", ("o", "ao")), ("aes", ("ao",)), ("aos", ("ao",)), ("ies", ("y",)), ("ais", ("al",)), ("eis", ("el",)),
    ("ves", ("f", "fe")), ("ses", ("s",)), ("xes", ("x",)), ("zes", ("z",)), ("res", ("r",)), ("ches", ("ch",)),
    ("shes", ("sh",)), ("ns", ("m",)),
)  # fmt: skip


@lru_cache(maxsize=4096)
def singulars(word: str) -> frozenset[str]:
    """A folded word and what it may be the plural of, in English and Portuguese: `avocadoes`, `loaves`, `paes`."""
    forms = {word}
    if word.endswith("s") and len(word) > 3:
        forms.add(word[:-1])
        for ending, instead in _PLURALS:
            if word.endswith(ending) and len(word) > len(ending):
                forms.update(word.removesuffix(ending) + end for end in instead)
    return frozenset(forms)


def squeeze(folded: str) -> str:
    """With every letter once where it stands several times in a row: `helloo`, `leitte`."""
    return _DOUBLED.sub(r"\1", folded)
