"""What is to be said, before it has words: a key of the catalogue and what fills its text."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.replies.passing import Passing
from contracts.money import Money

ReplyParam = str | int | Money | datetime | tuple["Reply", ...]
"""A datetime comes in the zone it is to be read in. A tuple of replies becomes lines, one below the other."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG or JPEG that goes with a text, as it came: base64, unchecked."""

    content_base64: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Document:
    """A PDF that goes in place of the text, where the channel takes one: that text of the catalogue on paper, laid out
    when it is fetched. The reply's own text is sent where it can't."""

    key: str
    params: dict[str, ReplyParam] = field(default_factory=dict[str, ReplyParam])


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to tap. `payload` comes back in `Said.payload`: `<action>:<order code or ->:<version>`-like, at most
    200 characters of ASCII (make it with `bot.conversation.taps`).

    `title` is said on the button (20 characters) or in the list (24), `description` below it in a list (72)."""

    payload: str
    title: "Reply"
    description: "Reply | None" = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A text by its key in the catalogue, and what fills it. Money, times and nested replies take its language.

    The text says everything by itself: the `picture` may not arrive, and what can be tapped may be shown as nothing.
    So `options` only repeat what can be typed. Up to 3 are buttons, up to 10 a list (which opens with the text
    `list_button`); a text `<key>.options` is said in place of `<key>` above them, where the catalogue has one.
    `asks_location` lets the customer send a place with one tap, where the channel can ask for it. A `postscript` stands
    below the text, whichever of its forms is sent."""

    key: str
    params: dict[str, ReplyParam] = field(default_factory=dict[str, ReplyParam])
    picture: Picture | None = None
    options: tuple[Option, ...] = ()
    list_button: str = "list_button"
    document: Document | None = None
    asks_location: bool = False
    template: "Reply | None" = None
    """One of `bot.replies.template.TEMPLATES` that says the heart of it, for a customer who has not written for a day:
    only an approved text may be sent then."""
    postscript: tuple["Reply", ...] = ()
    passing: Passing | None = None
    """Until when it means something. What could not be sent by then never is."""
