"""Who does what a step asks for: `bot.ports.commands`, or its stand-in in tests."""

from typing import Protocol

from bot.conversation.model import Command, Result
from contracts.router_api import CustomerRef


class Performer(Protocol):
    def perform(self, command: Command, customer: CustomerRef, key: str) -> Result:
        """Raises Unreachable. The same key has one effect."""
        ...
