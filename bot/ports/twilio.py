"""The messenger that is Twilio: which form each message takes on its wire."""

import json
from datetime import datetime, timedelta
from typing import Protocol

from bot.channels.remedies import Remedy
from bot.channels.twilio_codes import remedy_for
from bot.channels.twilio_contents import body_as_sent, filled, filled_card, filled_template, template_as_sent
from bot.pages.media import address_of
from bot.ports.messenger import Kind, Outbound, Refused, Sending
from bot.ports.twilio_client import TwilioClient
from bot.replies.template import Template
from kit.settings import Settings

CLOCKS_DIFFER = timedelta(minutes=10)
"""How far Twilio's clock may be from ours. Generous, because only messages with an id that is not ours yet count."""

_NO_TEMPLATE = 63027  # twilio.com/docs/api/errors: what Twilio itself would say


def content_account(settings: Settings) -> str:
    """Whose contents they are: another account, or a simulator in its place, has others."""
    return f"{settings.twilio_account_sid}@{settings.twilio_content_base_url}"


def pictures_at(settings: Settings) -> str:
    """The address that a picture's name makes whole."""
    return address_of(settings.bot_public_url, "")


class Contents(Protocol):
    """What was made at Twilio to send with."""

    def sid_of(self, name: str) -> str | None:
        """None for what does not exist, or may not be sent now."""
        ...


class NoContents:
    """Nothing was made: everything goes out as text."""

    def sid_of(self, name: str) -> str | None:
        del name
        return None


class Twilio:
    """The Messenger that calls Twilio, or whatever speaks its wire at `TWILIO_API_BASE_URL`."""

    def __init__(
        self,
        settings: Settings,
        status_callback: str,
        *,
        pool_size: int,
        read_s: float = 10.0,
        contents: Contents | None = None,
    ) -> None:
        self._client = TwilioClient(settings, pool_size, read_s)
        self._status_callback = status_callback
        self._pictures_at = pictures_at(settings)
        self._contents = contents or NoContents()

    def send(self, message: Outbound) -> Sending:
        form: dict[str, str] | None
        match message.kind:
            case Kind.TEMPLATE:
                form = self._template(message.template)
                if form is None:
                    return Refused("the template is not approved", _NO_TEMPLATE)
            case Kind.BUTTONS | Kind.LIST:
                form = self._tappable(message) or {"Body": message.text}
            case Kind.DOCUMENT:
                # Twilio shows no text beside a document (twilio.com/docs/whatsapp, media messages, captions).
                form = {"MediaUrl": message.media_url or ""}
            case Kind.CARD:
                form = self._card(message) or {"Body": message.text, "MediaUrl": message.media_url or ""}
            case Kind.PICTURE:
                form = {"Body": message.text, "MediaUrl": message.media_url or ""}
            case Kind.TEXT:
                form = {"Body": message.text}
        return self._client.send(message.sender, message.recipient, form, self._status_callback)

    def find(self, message: Outbound, since: datetime) -> list[str]:
        bodies = [message.text]
        if message.tappable is not None:
            bodies.append(body_as_sent(message.tappable))
        if message.template is not None:
            bodies.append(template_as_sent(message.template))
        if message.is_document:
            bodies.append("")
        return self._client.find(message.sender, message.recipient, bodies, since - CLOCKS_DIFFER)

    def may_open_with(self, template: Template) -> bool:
        return self._template(template) is not None

    def remedy(self, code: int | None) -> Remedy:
        return remedy_for(code)

    def close(self) -> None:
        self._client.close()

    def _tappable(self, message: Outbound) -> dict[str, str] | None:
        named = filled(message.tappable) if message.tappable is not None else None
        return None if named is None else self._by_content(*named)

    def _card(self, message: Outbound) -> dict[str, str] | None:
        if message.tappable is None or message.media_url is None:
            return None
        named = filled_card(message.tappable, message.media_url, self._pictures_at)
        return None if named is None else self._by_content(*named)

    def _template(self, template: Template | None) -> dict[str, str] | None:
        return None if template is None else self._by_content(*filled_template(template))

    def _by_content(self, name: str, variables: dict[str, str]) -> dict[str, str] | None:
        sid = self._contents.sid_of(name)
        if sid is None:
            return None
        return {"ContentSid": sid, "ContentVariables": json.dumps(variables, ensure_ascii=False)}
