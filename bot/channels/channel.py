"""What a way to reach customers must be able to do: bring in what they write and what became of our messages, send,
look up, and say what its refusals mean. `tests/conformance/test_channels.py` holds every channel to it.

A channel owns its wire: addresses are opaque to everybody else (a number may be hidden behind an id of the channel),
what came in is kept as it came, and only the channel reads it again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from flask import Flask

from bot.conversation.model import Said
from bot.ports.messenger import Kind, Messenger
from bot.store.inbox import Incoming
from bot.store.tables import MessageStatus


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What became of a message that the channel took under that id. `status` is `delivered`, `read` or `failed`, or
    None for what says no more than that the channel has it."""

    sid: str
    status: MessageStatus | None
    error_code: int | None = None


@dataclass(frozen=True, slots=True)
class Doors:
    """Where a channel hands on what its webhooks brought. Both return when it is committed; the same again changes
    nothing."""

    message: Callable[[Incoming], None]
    status: Callable[[StatusReport], None]


class Channel(Messenger, Protocol):
    """Sends (see Messenger), and hears."""

    @property
    def name(self) -> str:
        """In figures and logs: `twilio`."""
        ...

    @property
    def kinds(self) -> frozenset[Kind]:
        """What it can show besides text. Anything else it sends as the text that says everything."""
        ...

    def add_doors(self, app: Flask, doors: Doors) -> None:
        """Its webhooks: each checks who calls before it reads, refuses what it can't read without storing it, and
        answers only when `doors` has returned. STOP is marked as urgent (`Incoming.is_urgent`)."""
        ...

    def said(self, item_id: str, content: str) -> Said:
        """What a customer wrote or tapped, from `Incoming.raw_form` as it was stored."""
        ...
