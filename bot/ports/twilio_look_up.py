"""Looking up at Twilio what became of a message, with Twilio's SDK. Import it late: the SDK is slow to load."""

import logging
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from twilio.base.exceptions import TwilioException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from bot.ports.messenger import LookUpFailed
from bot.ports.twilio_client import basic
from kit.calls import Calls, CutOff, NotConnected
from kit.settings import Settings

_LOOK_AT = 100
"""Newest messages of one conversation that a look-up reads: one page, far more than are sent in a minute."""

# What the SDK raises for an answer that is not what it expects, depending on where it notices.
_UNREADABLE = (TwilioException, ValueError, LookupError, TypeError, AttributeError)


def found(
    settings: Settings, calls: Calls, sender: str, recipient: str, bodies: Sequence[str], since: datetime
) -> list[str]:
    """Messages whose body is one of these, newest first. Raises LookUpFailed."""
    wanted = {_text(body) for body in bodies}
    client = Client(
        settings.twilio_account_sid,
        settings.secret("TWILIO_AUTH_TOKEN"),
        http_client=_OverCalls(calls, settings),
        environment={"TWILIO_EDGE": ""},  # settings come from one place: the SDK reads no variables of its own
    )
    client.api.base_url = settings.twilio_api_base_url
    try:
        # Not filtered by date there: a message that is not sent yet has no DateSent.
        seen = client.api.v2010.account.messages.list(to=recipient, from_=sender, limit=_LOOK_AT, page_size=_LOOK_AT)
    except (NotConnected, CutOff, *_UNREADABLE) as error:
        raise LookUpFailed(type(error).__name__) from error
    return [
        message.sid
        for message in seen
        if message.sid
        and _text(message.body or "") in wanted
        and (message.date_created is None or message.date_created >= since)
    ]


class _OverCalls(HttpClient):
    """The SDK's requests over our own connections."""

    def __init__(self, calls: Calls, settings: Settings) -> None:
        super().__init__(logging.getLogger("twilio"), is_async=False, timeout=None)
        self._calls = calls
        self._base_url = settings.twilio_api_base_url

    def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Raises NotConnected, CutOff, or ValueError for an address that is not Twilio's: only there do our
        credentials go."""
        del timeout, allow_redirects  # those of `Calls`; a redirect is an error
        path = uri.removeprefix(self._base_url)
        if path == uri:
            raise ValueError("another address than TWILIO_API_BASE_URL")
        said = dict(headers or {})
        if auth is not None:
            said["Authorization"] = basic(*auth)
        body = urlencode(data, doseq=True).encode() if data else b""
        target = f"{path}?{urlencode(params, doseq=True)}" if params else path
        answer = self._calls.request(method, target, said, body)
        return Response(answer.status, answer.body.decode("utf-8", "replace"), dict(answer.headers))


def _text(body: str) -> str:
    """For comparing: Twilio may break lines in another way."""
    return " ".join(body.split())
