"""A shop for the simulators to talk to: keeps every webhook and callback, answers as it is told."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from pytest_httpserver import HTTPServer
from twilio.request_validator import RequestValidator
from werkzeug import Request, Response

JsonObject = dict[str, object]

CALLBACK_PATH = "/callbacks/daraja/" + "ab" * 32
WEBHOOK_PATH = "/callbacks/" + "cd" * 32
CONFIRMATION_PATH = "/callbacks/" + "ef" * 32
CHECK_PATH = f"{CONFIRMATION_PATH}/check"
RESULT_PATH = "/callbacks/" + "12" * 32
TIMEOUT_PATH = f"{RESULT_PATH}/timeout"


@dataclass(frozen=True)
class Heard:
    path: str
    headers: dict[str, str]
    form: dict[str, str]
    raw: bytes

    @property
    def result(self) -> JsonObject:
        """What a Daraja callback holds."""
        body = cast(dict[str, dict[str, JsonObject]], json.loads(self.raw))
        return body["Body"]["stkCallback"]

    @property
    def body(self) -> JsonObject:
        return cast(JsonObject, json.loads(self.raw))

    def metadata(self) -> JsonObject:
        """The items of a paid callback by name; one without a Value is None."""
        items = cast(dict[str, list[JsonObject]], self.result["CallbackMetadata"])["Item"]
        return {str(item["Name"]): item.get("Value") for item in items}


class Shop:
    """Answers 200 unless `answer` says otherwise; `heard` keeps the order of arrival."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("").rstrip("/")
        self.answer: Callable[[Heard], Response] = lambda heard: Response("", 200)
        self._heard: list[Heard] = []
        self._lock = threading.Lock()
        own = (CALLBACK_PATH, WEBHOOK_PATH, CONFIRMATION_PATH, CHECK_PATH, RESULT_PATH, TIMEOUT_PATH)
        for path in ("/webhooks/twilio/whatsapp", "/webhooks/twilio/status", *own):
            server.expect_request(path).respond_with_handler(self._handle)

    @property
    def status_url(self) -> str:
        return f"{self.url}/webhooks/twilio/status"

    @property
    def callback_url(self) -> str:
        return f"{self.url}{CALLBACK_PATH}"

    @property
    def webhook_url(self) -> str:
        """e-Kwanza's."""
        return f"{self.url}{WEBHOOK_PATH}"

    def at(self, path: str, count: int = 1) -> list[Heard]:
        """What came to that path, once so many have come."""
        wait_until(lambda: len(self._at(path)) >= count)
        return self._at(path)

    def webhooks(self) -> list[Heard]:
        return self._at("/webhooks/twilio/whatsapp")

    def statuses(self) -> list[Heard]:
        return self._at("/webhooks/twilio/status")

    def callbacks(self) -> list[Heard]:
        return self._at(CALLBACK_PATH)

    def is_signed(self, heard: Heard, token: str = "test-token") -> bool:
        validator = RequestValidator(token)
        signature = heard.headers.get("X-Twilio-Signature", "")
        return bool(validator.validate(self.url + heard.path, heard.form, signature))  # pyright: ignore[reportUnknownArgumentType]

    def _at(self, path: str) -> list[Heard]:
        with self._lock:
            return [heard for heard in self._heard if heard.path == path]

    def _handle(self, request: Request) -> Response:
        raw = request.get_data()
        heard = Heard(request.path, dict(request.headers.items()), dict(request.form.items()), raw)
        with self._lock:
            self._heard.append(heard)
        return self.answer(heard)


class ClosingShop:
    """Takes every connection, reads the request, and hangs up without an answer."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def connections(self) -> int:
        return len(self.tokens)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                head = connection.recv(65536).decode()
                found = re.search(r"i-twilio-idempotency-token: (\w+)", head, re.IGNORECASE)
                self.tokens.append(found[1] if found else "")


def wait_until(happened: Callable[[], bool], within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)
