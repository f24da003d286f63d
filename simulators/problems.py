"""Refusals of the control API, as problem+json, and the reading of JSON bodies."""

import json
from http import HTTPStatus
from typing import cast

from flask import Response, request

JsonObject = dict[str, object]


class Problem(Exception):
    """The request was refused and nothing was changed; `detail` says what to do."""

    def __init__(self, http_status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.http_status = http_status
        self.code = code
        self.detail = detail

    def response(self) -> Response:
        body = {
            "type": "about:blank",
            "title": HTTPStatus(self.http_status).phrase,
            "status": self.http_status,
            "code": self.code,
            "detail": self.detail,
        }
        return Response(json.dumps(body), self.http_status, content_type="application/problem+json")


class NotAnObject(ValueError):
    """The text is not one JSON object."""


def parse_object(raw: bytes) -> JsonObject:
    """Raises NotAnObject for everything but one JSON object, also for one nested too deep to read."""
    try:
        value: object = json.loads(raw)
    except (ValueError, RecursionError):
        raise NotAnObject("expected a JSON object") from None
    if not isinstance(value, dict):
        raise NotAnObject("expected a JSON object")
    return cast(JsonObject, value)


def json_body() -> JsonObject:
    try:
        return parse_object(request.get_data())
    except NotAnObject as error:
        raise Problem(400, "bad_json", "send a JSON object as the body") from error
