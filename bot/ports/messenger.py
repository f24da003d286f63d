"""Sending to customers, as the bot knows it: a message is taken, refused, put off, or nobody knows.

Twilio's API has no idempotency key, so every way a call can end is told apart: what was never processed may be sent
again, what may have been is looked up first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


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
    """It never will take this message. `code` is one of twilio.com/docs/api/errors."""

    why: str
    code: int | None


Sending = Taken | NotTaken | Unsure | Refused


class LookUpFailed(Exception):
    """Twilio could not say which messages it has: ask again later."""


class Messenger(Protocol):
    """Sends to customers. Thread-safe."""

    def send(self, sender: str, recipient: str, body: str, picture_url: str | None = None) -> Sending:
        """The text, below the picture at that address if there is one."""
        ...

    def find(self, sender: str, recipient: str, body: str, since: datetime) -> list[str]:
        """Ids of messages with that text that were taken since then, newest first. Raises LookUpFailed."""
        ...

    def warm_up(self) -> None:
        """Do at leisure what the first call would otherwise wait for."""
        ...
