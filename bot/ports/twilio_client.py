"""Twilio's Messages resource (twilio.com/docs/messaging/api/message-resource) over kept connections of our own.

Every reply leaves through here, so it is called past Twilio's SDK, which costs more processor time than deciding what
to say, keeps no response headers for errors, and leaves open whether anything was sent. Looking a message up is rare:
that is the SDK's (`bot.ports.twilio_look_up`)."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlencode

import certifi

from bot.ports.messenger import NotTaken, Refused, Sending, Taken, Unsure
from kit.calls import Answer, Calls, CutOff, NotConnected
from kit.settings import Settings

_CONNECT_S = 5.0
_MOST_RETRY_AFTER_S = 300

# Our own configuration is wrong (credentials, account, base address): the message is fine and is kept till it's mended.
_OUR_SETTINGS = (401, 404, 405)


class TwilioClient:
    """Of one account. Thread-safe."""

    def __init__(self, settings: Settings, pool_size: int, read_s: float) -> None:
        self._settings = settings
        base_url = settings.twilio_api_base_url
        self.calls = Calls(base_url, keep=pool_size, connect_s=_CONNECT_S, answer_s=read_s, ca_file=certifi.where())
        self._path = f"/2010-04-01/Accounts/{settings.twilio_account_sid}/Messages.json"
        self._headers = {
            "authorization": basic(settings.twilio_account_sid, settings.secret("TWILIO_AUTH_TOKEN")),
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
            "user-agent": "dukani",
        }

    def send(self, sender: str, recipient: str, form: Mapping[str, str], status_callback: str) -> Sending:
        """`form` names what is said as Twilio does: `Body`, `MediaUrl`, `ContentSid`, `ContentVariables`."""
        said = {"To": recipient, "From": sender, "StatusCallback": status_callback, **form}
        try:
            answer = self.calls.request("POST", self._path, self._headers, urlencode(said).encode())
        except NotConnected as error:
            return NotTaken(f"can't connect: {error}")
        except CutOff as error:
            return Unsure(f"{type(error).__name__}: {error}")
        if answer.status == 429:
            return NotTaken("429", retry_after_s(answer.headers))
        if not 200 <= answer.status < 300:
            return _refusal(answer)
        sid = _object(answer.body).get("sid")
        return Taken(sid) if isinstance(sid, str) and sid else Unsure("the answer holds no sid")

    def find(self, sender: str, recipient: str, bodies: Sequence[str], since: datetime) -> list[str]:
        """Messages whose body is one of these, newest first. Raises LookUpFailed."""
        # The SDK takes longer to import than the rest of the bot together: not before it is needed.
        from bot.ports.twilio_look_up import found  # noqa: PLC0415

        return found(self._settings, self.calls, sender, recipient, bodies, since)

    def close(self) -> None:
        self.calls.close()


def basic(account: str, token: str) -> str:
    """The Authorization header of an account (RFC 7617)."""
    return f"Basic {b64encode(f'{account}:{token}'.encode()).decode()}"


def retry_after_s(headers: Mapping[str, str]) -> int | None:
    """For how many seconds Twilio asks to be left alone, within bounds; None where it names no number."""
    given = headers.get("retry-after", "")
    return min(int(given), _MOST_RETRY_AFTER_S) if given.isascii() and given.isdigit() and len(given) < 9 else None


def _refusal(answer: Answer) -> Sending:
    status = answer.status
    if status in _OUR_SETTINGS:
        return NotTaken(f"answered {status}: check TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_API_BASE_URL")
    if 400 <= status < 500 and status != 408:
        code = _object(answer.body).get("code")
        return Refused(f"answered {status}", code if isinstance(code, int) else status)
    return Unsure(f"answered {status}")


def _object(raw: bytes) -> dict[str, Any]:
    """Empty for what is no JSON object."""
    try:
        read: object = json.loads(raw)
    except ValueError:
        return {}
    return cast(dict[str, Any], read) if isinstance(read, dict) else {}
