"""WhatsApp through Twilio: its webhooks and its API as one channel."""

from flask import Flask

from bot.channels.channel import Doors
from bot.conversation.model import Said
from bot.inbound import delivery_status, twilio
from bot.inbound.forms import SignedForms, said
from bot.ports.messenger import Kind
from bot.ports.twilio import Contents, Twilio
from kit.settings import Settings


class TwilioChannel(Twilio):
    """A Channel. Nothing is called before the first message leaves."""

    name = "twilio"
    kinds = frozenset(Kind)

    def __init__(
        self, settings: Settings, *, pool_size: int, read_s: float = 10.0, contents: Contents | None = None
    ) -> None:
        callback = settings.bot_public_url + delivery_status.PATH
        super().__init__(settings, callback, pool_size=pool_size, read_s=read_s, contents=contents)
        self._forms = SignedForms(settings)

    def add_doors(self, app: Flask, doors: Doors) -> None:
        twilio.add_route(app, self._forms, doors.message)
        delivery_status.add_route(app, self._forms, doors.status)

    def said(self, item_id: str, content: str) -> Said:
        return said(item_id, content)
