"""A client of Twilio's Content API and of rich messages as any shop would write it, for tests."""

import json
import struct
import zlib
from typing import Any

import requests
from pytest_httpserver import HTTPServer
from werkzeug import Response

from kit.settings import DEFAULT_WHATSAPP_FROM, DEV_ACCOUNT_SID

JsonObject = dict[str, Any]

TOKEN = "test-token"
TIMEOUT_S = 10

BUTTONS = {
    "twilio/quick-reply": {
        "body": "Your cart: {{1}}. Shall we go on?",
        "actions": [
            {"type": "QUICK_REPLY", "title": "Confirm", "id": "confirm:K7M2XP:1"},
            {"type": "QUICK_REPLY", "title": "{{2}}", "id": "add:-:1"},
        ],
    }
}
LIST = {
    "twilio/list-picker": {
        "body": "{{1}}",
        "button": "See the shelf",
        "items": [
            {"item": "Sukuma wiki, bunch", "id": "pick:-:1", "description": "KES 30, in stock"},
            {"item": "{{2}}", "id": "pick:-:2", "description": "{{3}}"},
        ],
    }
}
PDF = b"%PDF-1.4\n1 0 obj <</Type/Catalog>> endobj\ntrailer <</Root 1 0 R>>\n%%EOF\n"


def png(side: int = 8) -> bytes:
    """A small grey square."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = (b"\x00" + b"\x88" * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def serve(server: HTTPServer, path: str, content: bytes, content_type: str, status: int = 200) -> str:
    """Where a shop puts a file for Twilio to fetch."""
    server.expect_request(path).respond_with_handler(
        lambda request: Response(content, status, content_type=content_type)
    )
    return server.url_for(path)


class Twilio:
    def __init__(self, base_url: str, token: str = TOKEN) -> None:
        """`base_url` is the simulators' own."""
        self.content_url = f"{base_url}/twilio/content/v1"
        self.messages_url = f"{base_url}/twilio/2010-04-01/Accounts/{DEV_ACCOUNT_SID}/Messages.json"
        self.auth = (DEV_ACCOUNT_SID, token)

    def content(self, method: str, path: str, body: Any = None) -> requests.Response:
        return requests.request(method, self.content_url + path, json=body, auth=self.auth, timeout=TIMEOUT_S)

    def make(self, types: JsonObject, language: str = "en", **more: Any) -> requests.Response:
        return self.content("POST", "/Content", {"language": language, "types": types, **more})

    def made(self, types: JsonObject, **more: Any) -> str:
        """The new content's sid."""
        answer = self.make(types, **more)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["sid"])

    def send(self, to: str, **form: object) -> requests.Response:
        sent = {"To": to, "From": DEFAULT_WHATSAPP_FROM, **form}
        return requests.post(self.messages_url, data=sent, auth=self.auth, timeout=TIMEOUT_S)

    def sent(self, to: str, **form: object) -> str:
        """The new message's sid."""
        answer = self.send(to, **form)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["sid"])

    def says(self, to: str, types: JsonObject, **variables: str) -> str:
        """Make a content and send it, with `v1="…"` for the variable {{1}}."""
        values = {name.removeprefix("v"): value for name, value in variables.items()}
        return self.sent(to, ContentSid=self.made(types), ContentVariables=json.dumps(values))

    def fetch(self, sid: str) -> JsonObject:
        url = self.messages_url.replace("Messages.json", f"Messages/{sid}.json")
        return requests.get(url, auth=self.auth, timeout=TIMEOUT_S).json()
