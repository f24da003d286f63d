"""The messenger that is Twilio, its slow SDK loaded only when the first message leaves."""

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.ports.messenger import Sending
from kit.settings import Settings

if TYPE_CHECKING:
    from bot.ports.twilio_client import TwilioClient

CLOCKS_DIFFER = timedelta(minutes=10)
"""How far Twilio's clock may be from ours. Generous, because only messages with an id that is not ours yet count."""


class Twilio:
    """The Messenger that calls Twilio, or whatever speaks its wire at `TWILIO_API_BASE_URL`."""

    def __init__(self, settings: Settings, status_callback: str, *, pool_size: int, read_s: float = 10.0) -> None:
        self._settings = settings
        self._status_callback = status_callback
        self._pool_size = pool_size
        self._read_s = read_s
        self._lock = threading.Lock()
        self._made: TwilioClient | None = None

    def send(self, sender: str, recipient: str, body: str, picture_url: str | None = None) -> Sending:
        return self._client().send(sender, recipient, body, self._status_callback, picture_url)

    def find(self, sender: str, recipient: str, body: str, since: datetime) -> list[str]:
        return self._client().find(sender, recipient, body, since - CLOCKS_DIFFER)

    def warm_up(self) -> None:
        self._client()

    def close(self) -> None:
        if self._made is not None:
            self._made.close()

    def _client(self) -> "TwilioClient":
        if self._made is None:
            with self._lock:
                if self._made is None:
                    # The SDK takes longer to import than the rest of the bot together: not before it is needed.
                    from bot.ports.twilio_client import TwilioClient  # noqa: PLC0415

                    self._made = TwilioClient(self._settings, self._pool_size, self._read_s)
        return self._made
