"""Twilio's refusals: a status, a code of its catalogue (twilio.com/docs/api/errors) and a sentence."""

import hmac
import json

from flask import Response, request

from simulators.problems import JsonObject

PLAIN_LIMIT_UNITS = 1600
"""UTF-16 code units of a Body, or of one value of ContentVariables: an emoji counts twice or more (21617, 21658)."""


class TwilioError(Exception):
    """Refused as Twilio refuses."""

    def __init__(self, http_status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.code = code
        self.message = message

    def response(self) -> Response:
        return answer(
            {
                "code": self.code,
                "message": self.message,
                "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
                "status": self.http_status,
            },
            self.http_status,
        )


def not_found() -> TwilioError:
    return TwilioError(404, 20404, f"The requested resource {request.path} was not found")


def authenticate(account_sid: str, token: str) -> None:
    """Basic auth of the request being answered. Raises TwilioError 401."""
    given = request.authorization
    user, password = (given.username or "", given.password or "") if given and given.type == "basic" else ("", "")
    if not (
        hmac.compare_digest(user.encode(), account_sid.encode())
        and hmac.compare_digest(password.encode(), token.encode())
    ):
        raise TwilioError(401, 20003, "Authenticate")


def answer(body: JsonObject, http_status: int = 200) -> Response:
    return Response(json.dumps(body), http_status, content_type="application/json")


def units(text: str) -> int:
    """Length as Twilio counts it: UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
