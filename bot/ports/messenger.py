"""Sending to customers, as the bot knows it: a message is taken, refused, put off, or nobody knows.

Twilio's API has no idempotency key, so every way a call can end is told apart: what was never processed may be sent
again, what may have been is looked up first."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.channels.remedies import Remedy
from bot.replies.tappable import Tappable
from bot.replies.template import Template


class Kind(StrEnum):
    """What a message is to the channel. Each but `template` can be said as `text` by a channel without it."""

    TEXT = "text"
    BUTTONS = "buttons"
    LIST = "list"
    PICTURE = "picture"
    CARD = "card"
    """A picture with buttons."""
    DOCUMENT = "document"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Outbound:
    """A message as it leaves. `text` says everything, `tappable` the same with something to tap.

    `media_url` is where the channel fetches a file: a picture stands above the text (with its buttons, but a list has
    none), a document (`is_document`) in its place. With a `template` nothing else is sent: it is all that may be."""

    sender: str
    recipient: str
    text: str
    tappable: Tappable | None = None
    media_url: str | None = None
    is_document: bool = False
    template: Template | None = None

    @property
    def kind(self) -> Kind:
        """What it is at its best."""
        if self.template is not None:
            return Kind.TEMPLATE
        if self.media_url is not None:
            if self.is_document:
                return Kind.DOCUMENT
            return Kind.PICTURE if self.tappable is None or self.tappable.is_list else Kind.CARD
        if self.tappable is None:
            return Kind.TEXT
        return Kind.LIST if self.tappable.is_list else Kind.BUTTONS


@dataclass(frozen=True, slots=True)
class Taken:
    """Twilio has it under this id."""

    sid: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    """It certainly does not: it could not be reached, or was too busy (429). Send it again later."""

    why: str
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class Unsure:
    """It may have it: cut off, timed out, or failed on its side. Look before sending again."""

    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It never will take this message as it is. `code` is the channel's own: `bot.channels` says what to do then."""

    why: str
    code: int | None


Sending = Taken | NotTaken | Unsure | Refused


class LookUpFailed(Exception):
    """Twilio could not say which messages it has: ask again later."""


class Messenger(Protocol):
    """Sends to customers. Thread-safe."""

    def send(self, message: Outbound) -> Sending:
        """At its best, or as its text where the channel can't do better now."""
        ...

    def find(self, message: Outbound, since: datetime) -> list[str]:
        """Ids of messages that may be this one and were taken since then, newest first. Raises LookUpFailed."""
        ...

    def may_open_with(self, template: Template) -> bool:
        """Whether that template is approved now, so that it may be sent to somebody who has not written for a day."""
        ...

    def remedy(self, code: int | None) -> Remedy:
        """What an error code of the channel means for us; None: it gave none."""
        ...
