"""From a reply to the characters that are sent: never more than WhatsApp takes, never anybody else's formatting.

What fills a text was written by shops and customers, so it is not trusted to be one line, short, or visible."""

import re
import string
import unicodedata
from dataclasses import replace
from datetime import datetime

from bot.replies.locales import is_plural, money_text, number_text, time_text
from bot.replies.reply import Reply, ReplyParam
from bot.replies.texts import text_of
from contracts.money import Money

MAX_LENGTH = 1600
"""Of one message, in UTF-16 units: Twilio refuses more (error 21617), and an emoji counts as two."""

_MAX_NAME = 60
_MAX_DESCRIPTION = 200
_DESCRIPTIONS = frozenset(("description",))
_OWN_WORDS = frozenset(("words",))  # of a person to a person: their lines and their length stay
_WITH_YEAR = frozenset(("day",))  # on what is kept for years
_COUNT = "count"  # what is counted is written as the language does; other numbers may have to be typed
_MAX_MARKS = 2  # accents on one letter; more is a tower of them
_MAX_LINES = 200  # of one list; what is longer is shortened before it is measured

# WhatsApp would take these as the beginning of bold, italics, strike-through or code.
_FORMATTING = str.maketrans({"*": "∗", "_": "‗", "~": "∼", "`": "'"})

_ADDRESS = re.compile(r"https?://[^\s*`]+[^\s*`_~]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
"""On the web, or of an e-mail; none ends with a mark that would close some formatting."""


def render(reply: Reply, language: str = "en") -> str:
    """The message, at most 1,600 UTF-16 units. Where it would be longer, its longest list is shortened and says by how
    much; amounts, codes and what to do next stay. Raises KeyError for an unknown key or a placeholder without value."""
    text = _fill(reply, language)
    if _length(text) <= MAX_LENGTH:
        return text
    name, lines = _longest_list(reply)
    low, high = 0, min(len(lines), _MAX_LINES) - 1
    while low < high:  # the most lines that still fit
        middle = (low + high + 1) // 2
        if _length(_fill(_shortened(reply, name, lines, middle), language)) <= MAX_LENGTH:
            low = middle
        else:
            high = middle - 1
    return _cut(_fill(_shortened(reply, name, lines, low), language) if lines else text)


def sanitise(text: str, max_length: int = _MAX_NAME) -> str:
    """One visible line of at most `max_length` characters, which WhatsApp won't read as formatting."""
    return _shorter(_visible(text, max_length).translate(_FORMATTING), max_length)


def _visible(text: str, max_length: int) -> str:
    visible: list[str] = []
    marks = 0
    for char in text[: 20 * max_length]:
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if char.isspace():
            visible.append(" ")
        elif category[0] != "C" and marks <= _MAX_MARKS:
            visible.append(char)
    return " ".join("".join(visible).split())


def _shorter(line: str, max_length: int) -> str:
    return line if len(line) <= max_length else line[: max_length - 1].rstrip() + "…"


def sanitise_lines(text: str) -> str:
    """As `sanitise`, with its lines as they are, and no more than one blank line between two. Addresses stay whole:
    they are there to be tapped or copied, and nothing inside a word is formatting."""
    lines = (_line_of_words(line) for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _line_of_words(line: str) -> str:
    words = _visible(line, MAX_LENGTH).split(" ")
    shown = (word if _ADDRESS.fullmatch(word) else word.translate(_FORMATTING) for word in words)
    return _shorter(" ".join(shown), MAX_LENGTH)


def _fill(reply: Reply, language: str) -> str:
    text, language = text_of(reply.key, language)
    if not isinstance(text, str):
        text = text.other if is_plural(_count_of(reply), language) else text.one
    values = {name: value_text(name, value, language) for name, value in reply.params.items()}
    lines: list[str] = []
    for line in text.split("\n"):
        filled = line.format(**values).rstrip()
        # A line that held only an empty list goes. Of the text's blank lines one stays between what is left.
        if filled.strip() or (not line and lines and lines[-1]):
            lines.append(filled)
    said = "\n".join(lines).strip()
    return "\n\n".join((said, *(_fill(below, language) for below in reply.postscript)))


def value_text(name: str, value: ReplyParam, language: str) -> str:
    """What fills the gap of that name."""
    match value:
        case str() if name in _OWN_WORDS:
            return sanitise_lines(value) or "–"
        case str():
            return sanitise(value, _MAX_DESCRIPTION if name in _DESCRIPTIONS else _MAX_NAME) or "–"
        case int():
            return number_text(value, language) if name == _COUNT else str(value)
        case Money():
            return money_text(value, language)
        case datetime():
            return time_text(value, language, has_year=name in _WITH_YEAR)
        case tuple():
            return "\n".join(_fill(line, language) for line in value[:_MAX_LINES])


def _count_of(reply: Reply) -> int:
    count = reply.params[_COUNT]
    if not isinstance(count, int):
        raise TypeError(f"a counted text needs an int as its count, not {type(count).__name__}")
    return count


def _longest_list(reply: Reply) -> tuple[str, tuple[Reply, ...]]:
    lists = [(name, value) for name, value in reply.params.items() if isinstance(value, tuple)]
    return max(lists, key=lambda named: len(named[1]), default=("", ()))


def _shortened(reply: Reply, name: str, lines: tuple[Reply, ...], kept: int) -> Reply:
    more = Reply("and_more", {"count": len(lines) - kept})
    return replace(reply, params={**reply.params, name: (*lines[:kept], more)})


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _cut(text: str) -> str:
    """The last resort: no text of the catalogue should come to this."""
    if _length(text) <= MAX_LENGTH:
        return text
    return text.encode("utf-16-le")[: 2 * (MAX_LENGTH - 1)].decode("utf-16-le", errors="ignore").rstrip() + "…"


def placeholders(text: str) -> frozenset[str]:
    """The names that a text wants filled."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)
