"""What can be tapped below a text: up to three buttons, or a list of up to ten lines. Checked here, when it is built.

A channel that can't show it, or a reply that does not fit, is no loss: the text of the reply says everything."""

from dataclasses import dataclass, replace
from functools import lru_cache

from pydantic import TypeAdapter

from bot.replies.rendering import render
from bot.replies.reply import Option, Reply
from bot.replies.texts import text_of

MAX_BODY = 1024
"""Of the text above what is tapped, in UTF-16 units (twilio.com/docs/content, twilio/quick-reply and
twilio/list-picker)."""
MAX_BUTTONS = 3
"""Without an approved template (twilio.com/docs/content/twilio-quick-reply)."""
MAX_LINES = 10
MAX_BUTTON_TITLE = 20
MAX_LINE_TITLE = 24
MAX_DESCRIPTION = 72
MAX_PAYLOAD = 200

_APART = " · "
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Choice:
    """One button, or one line of a list: what comes back when it is tapped, and what it says. Only the lines of a
    list have a description, and all of them do."""

    payload: str
    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Tappable:
    """A body and what can be tapped below it. `opener` is what opens a list; buttons stand there by themselves."""

    body: str
    choices: tuple[Choice, ...]
    opener: str = ""

    @property
    def is_list(self) -> bool:
        return bool(self.opener)

    def to_json(self) -> dict[str, object]:
        """Plain JSON."""
        return _TAPPABLE.dump_python(self, mode="json")

    @classmethod
    def from_json(cls, document: object) -> "Tappable":
        """What `to_json` wrote. Raises pydantic's ValidationError for anything else."""
        return _TAPPABLE.validate_python(document)


_TAPPABLE = TypeAdapter(Tappable)


def tappable_of(reply: Reply, language: str = "en") -> Tappable | None:
    """The reply's options in words, below its body. None where there are none, or where they don't fit: then its
    text alone is sent."""
    options = reply.options
    if not options or len(options) > MAX_LINES or len({option.payload for option in options}) < len(options):
        return None
    body = _body(reply, language)
    if _length(body) > MAX_BODY:
        return None
    choices: list[Choice] = []
    is_list = len(options) > MAX_BUTTONS or options[0].description is not None
    for option in options:
        choice = _line(option, language) if is_list else _button(option, language)
        if choice is None:
            return None
        choices.append(choice)
    opener = _always_said(reply.list_button, language) if is_list else ""
    if _length(opener) > MAX_BUTTON_TITLE or (not is_list and len({choice.title for choice in choices}) < len(choices)):
        return None
    return Tappable(body, tuple(choices), opener)


def _body(reply: Reply, language: str) -> str:
    """The shorter text that goes with options, where the catalogue has one."""
    key = f"{reply.key}.options"
    try:
        text_of(key, language)
    except KeyError:
        key = reply.key
    return render(replace(reply, key=key), language)


def _button(option: Option, language: str) -> Choice | None:
    """Never shortened: half a word on a button that pays for something is worse than none."""
    title = _said(option.title, language)
    if not _is_sendable(option.payload) or not 1 <= _length(title) <= MAX_BUTTON_TITLE:
        return None
    return Choice(option.payload, title)


def _line(option: Option, language: str) -> Choice | None:
    """A title that is too long is cut after a word and said whole below, before the description."""
    if option.description is None or not _is_sendable(option.payload):
        return None
    title, description = _said(option.title, language), _said(option.description, language)
    if _length(title) > MAX_LINE_TITLE:
        description = f"{title}{_APART}{description}" if description else title
        title = _cut_after_word(title)
    if not title or not description or _length(description) > MAX_DESCRIPTION:
        return None
    return Choice(option.payload, title, description)


def _cut_after_word(title: str) -> str:
    """At most `MAX_LINE_TITLE` units with the mark that it goes on; nothing if its first word is longer."""
    words = title.split()
    kept = ""
    for word in words:
        longer = f"{kept} {word}" if kept else word
        if _length(longer) + len(_ELLIPSIS) > MAX_LINE_TITLE:
            break
        kept = longer
    kept = kept.rstrip(" ,;:-–(")
    return kept + _ELLIPSIS if kept else ""


def _said(reply: Reply, language: str) -> str:
    """On one line: a button has no more."""
    return " ".join(render(reply, language).split()) if reply.params else _always_said(reply.key, language)


@lru_cache(maxsize=512)
def _always_said(key: str, language: str) -> str:
    return " ".join(render(Reply(key), language).split())


def _is_sendable(payload: str) -> bool:
    return 1 <= len(payload) <= MAX_PAYLOAD and payload.isascii() and payload.isprintable() and " " not in payload


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
