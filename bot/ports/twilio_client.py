"""Twilio's SDK over a connection pool of our own. Import it late: the SDK is slow to load.

The SDK's own client keeps no response headers for errors and leaves open whether anything was sent; here both are
known. It also costs about half the CPU of one on `requests`."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import certifi
import urllib3
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from bot.ports.messenger import LookUpFailed, NotTaken, Refused, Sending, Taken, Unsure
from kit.settings import Settings

_CONNECT_S = 5.0
_LOOK_AT = 100
"""Newest messages of one conversation that a look-up reads: one page, far more than are sent in a minute."""

_MOST_RETRY_AFTER_S = 300

# Our own configuration is wrong (credentials, account, base address): the message is fine and is kept till it's mended.
_OUR_SETTINGS = (401, 404, 405)


# What the SDK raises for an answer that is not what it expects, depending on where it notices.
_UNREADABLE = (TwilioException, ValueError, LookupError, TypeError, AttributeError)


class _NeverSent(Exception):
    """No connection came about."""


class _CutOff(Exception):
    """The request went out and no whole answer came back."""


class _TooBusy(Exception):
    """429: not processed."""

    def __init__(self, retry_after_s: int | None) -> None:
        super().__init__("429")
        self.retry_after_s = retry_after_s


class _PooledHttp(HttpClient):
    def __init__(self, pool_size: int, read_s: float) -> None:
        super().__init__(logging.getLogger("twilio"), is_async=False, timeout=read_s)
        self.pool = urllib3.PoolManager(
            num_pools=2,
            maxsize=pool_size,
            retries=False,
            timeout=urllib3.Timeout(connect=_CONNECT_S, read=read_s),
            ca_certs=certifi.where(),
        )

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
        del timeout, allow_redirects  # fixed above; a redirect is an error
        sent_headers = dict(headers or {})
        if auth is not None:
            sent_headers.update(urllib3.make_headers(basic_auth=":".join(auth)))
        body = urlencode(data, doseq=True).encode() if data else None
        url = f"{uri}?{urlencode(params, doseq=True)}" if params else uri
        try:
            response = self.pool.request(method, url, body=body, headers=sent_headers, redirect=False)
        except (
            urllib3.exceptions.NewConnectionError,
            urllib3.exceptions.ConnectTimeoutError,
            urllib3.exceptions.SSLError,
        ) as error:
            raise _NeverSent(type(error).__name__) from error
        except urllib3.exceptions.HTTPError as error:
            raise _CutOff(type(error).__name__) from error
        if response.status == 429:
            raise _TooBusy(_seconds(response.headers))
        return Response(response.status, response.data.decode("utf-8", "replace"), dict(response.headers))


class TwilioClient:
    def __init__(self, settings: Settings, pool_size: int, read_s: float) -> None:
        self._http = _PooledHttp(pool_size, read_s)
        self._client = Client(
            settings.twilio_account_sid,
            settings.secret("TWILIO_AUTH_TOKEN"),
            http_client=self._http,
            environment={"TWILIO_EDGE": ""},  # settings come from one place: the SDK reads no variables of its own
        )
        self._client.api.base_url = settings.twilio_api_base_url
        self._messages = self._client.api.v2010.account.messages

    def send(self, sender: str, recipient: str, form: Mapping[str, str], status_callback: str) -> Sending:
        """`form` names what is said as the SDK does: `body`, `media_url`, `content_sid`, `content_variables`."""
        media = {"media_url": [form["media_url"]]} if "media_url" in form else {}
        said = {name: value for name, value in form.items() if name != "media_url"}
        try:
            made = self._messages.create(to=recipient, from_=sender, status_callback=status_callback, **said, **media)
        except _NeverSent as error:
            return NotTaken(f"can't connect: {error}")
        except _TooBusy as error:
            return NotTaken("429", error.retry_after_s)
        except _CutOff as error:
            return Unsure(str(error))
        except (TwilioRestException, TwilioServiceException) as error:
            return _refusal(int(error.status), error.code)
        except _UNREADABLE as error:
            return Unsure(f"the answer can't be read: {type(error).__name__}")
        sid: Any = made.sid
        return Taken(sid) if isinstance(sid, str) and sid else Unsure("the answer holds no sid")

    def find(self, sender: str, recipient: str, bodies: Sequence[str], since: datetime) -> list[str]:
        """Messages whose body is one of these, newest first. Raises LookUpFailed."""
        wanted = {_text(body) for body in bodies}
        try:
            # Not filtered by date there: a message that is not sent yet has no DateSent.
            seen = self._messages.list(to=recipient, from_=sender, limit=_LOOK_AT, page_size=_LOOK_AT)
        except (_NeverSent, _TooBusy, _CutOff, *_UNREADABLE) as error:
            raise LookUpFailed(type(error).__name__) from error
        return [
            message.sid
            for message in seen
            if message.sid
            and _text(message.body or "") in wanted
            and (message.date_created is None or message.date_created >= since)
        ]

    def close(self) -> None:
        self._http.pool.clear()


def _refusal(status: int, code: int | None) -> Sending:
    if status in _OUR_SETTINGS:
        return NotTaken(f"answered {status}: check TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_API_BASE_URL")
    if 400 <= status < 500 and status != 408:
        return Refused(f"answered {status}", code)
    return Unsure(f"answered {status}")


def _text(body: str) -> str:
    """For comparing: Twilio may break lines in another way."""
    return " ".join(body.split())


def _seconds(headers: Mapping[str, str]) -> int | None:
    given = headers.get("retry-after", "")
    return min(int(given), _MOST_RETRY_AFTER_S) if given.isascii() and given.isdigit() and len(given) < 9 else None
