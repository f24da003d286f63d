"""The catalogues of texts, one per language: `locale/<language>/LC_MESSAGES/bot.po`, read at first use.

A msgid is a key of the code. A text that a language lacks is said in English."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "sw", "pt")
"""English, Swahili, Portuguese."""

_FALLBACK = "en"
_FOLDER = Path(__file__).parent / "locale"


@dataclass(frozen=True, slots=True)
class Counted:
    """A text that depends on its `count`, by the plural rule of its language (all of ours have these two forms)."""

    one: str
    other: str


Text = str | Counted


def text_of(key: str, language: str) -> tuple[Text, str]:
    """The text, and the language that it is in. Raises KeyError for a key that no catalogue has."""
    if language in LANGUAGES and language != _FALLBACK:
        own = catalogue(language)
        if key in own:
            return own[key], language
    return catalogue(_FALLBACK)[key], _FALLBACK


@cache
def catalogue(language: str) -> Mapping[str, Text]:
    """All texts of one of LANGUAGES by key. Reading it takes some milliseconds, once; Babel's reader is imported only
    then, so that starting the process waits for neither. Raises PoFileError for a file that is not well formed."""
    from babel.messages.pofile import read_po  # noqa: PLC0415  (40 ms, and no need of it before the first message)

    with (_FOLDER / language / "LC_MESSAGES" / "bot.po").open("rb") as file:
        entries = read_po(file, abort_invalid=True)
    texts: dict[str, Text] = {}
    for entry in entries:
        match entry.id, entry.string:
            case str(key), str(text) if key and text:
                texts[key] = text
            case (str(key), str()), (str(one), str(other)):
                texts[key] = Counted(one, other)
            case _:
                pass  # the header, and what is not translated yet
    return texts
