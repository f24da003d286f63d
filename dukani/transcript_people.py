"""What the shop's own people do in a kept conversation, over the router's API as a shop's software would: take it,
write, give it back."""

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import urllib3

from dukani.transcripts import BadTranscript
from kit.settings import DEV_INTERNAL_KEY

JsonObject = dict[str, Any]

_POLL_S = 0.05
_MOST = 100
"""Conversations that are looked at for the one that is meant."""
_DONE = re.compile(r"(?P<who>[^:]+?) (?P<what>takes over|gives back)|(?P<by>[^:]+?): (?P<words>.+)", re.DOTALL)


class PersonRefused(Exception):
    """The router can't be reached, or refuses what a person does. The text says what it answered."""


class PersonTooSoon(Exception):
    """What the customer wrote has not come before the shop's people within the time."""


@dataclass(frozen=True, slots=True)
class Done:
    """`what` is "take", "return" or "messages": the end of its path in the API."""

    what: str
    by: str
    words: str = ""


def read_done(text: str) -> Done:
    """`Njeri takes over`, `Njeri: Fresh from Limuru`, `Njeri gives back`. Raises BadTranscript."""
    done = _DONE.fullmatch(text)
    if done is None:
        raise BadTranscript(f"person: expected `Name takes over`, `Name: words` or `Name gives back`, got {text!r}")
    if done["by"] is not None:
        return Done("messages", done["by"], done["words"])
    return Done("take" if done["what"] == "takes over" else "return", done["who"])


class People:
    """Of all shops of a local router, as its operator."""

    def __init__(self, router_url: str, within_s: float = 20.0) -> None:
        self._base_url = router_url.rstrip("/")
        self._within_s = within_s
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=2, read=15))

    def close(self) -> None:
        self._http.clear()

    def do(self, done: Done, shop: str, customer: str, said: Sequence[str]) -> None:
        """Once they can read the last thing that the customer said. `customer` is the number, or the name of one whose
        number is hidden. Raises PersonRefused, PersonTooSoon."""
        vendors = cast(list[JsonObject], self._call("GET", "/vendors")["vendors"])
        vendor_id = next((str(one["id"]) for one in vendors if one["name"] == shop), None)
        if vendor_id is None:
            raise PersonRefused(f"no shop is called {shop!r}")
        conversation = self._soon(lambda: self._conversation(vendor_id, customer), "the conversation")
        path = f"/api/v1/conversations/{conversation}"
        if said:
            self._soon(lambda: self._is_read(vendor_id, path, said[-1]), f"what the customer said: {said[-1]!r}")
        body: JsonObject = {} if done.what == "return" else {"by": done.by}
        if done.what == "messages":
            body["text"] = done.words
        self._call("POST", f"{path}/{done.what}", vendor_id, body)

    def _conversation(self, vendor_id: str, customer: str) -> str | None:
        found = self._call("GET", f"/api/v1/conversations?limit={_MOST}", vendor_id)["conversations"]
        for one in cast(list[JsonObject], found):
            if customer in (one["customer"]["phone"], one["customer"]["name"]):
                return str(one["conversation_id"])
        return None

    def _is_read(self, vendor_id: str, path: str, words: str) -> bool | None:
        messages = cast(list[JsonObject], self._call("GET", f"{path}/messages?limit=20", vendor_id)["messages"])
        return any(one["author"] == "customer" and one["text"] == words for one in messages) or None

    def _soon(self, find: "Callable[[], Any]", wanted: str) -> Any:
        deadline = time.monotonic() + self._within_s
        while (found := find()) is None:
            if time.monotonic() > deadline:
                raise PersonTooSoon(f"not before the shop's people within {self._within_s:g} s: {wanted}")
            time.sleep(_POLL_S)
        return found

    def _call(self, method: str, path: str, vendor_id: str = "", body: JsonObject | None = None) -> JsonObject:
        headers = {"x-internal-key": DEV_INTERNAL_KEY, **({"x-vendor-id": vendor_id} if vendor_id else {})}
        raw = None if body is None else json.dumps(body).encode()
        if raw is not None:
            headers["Content-Type"] = "application/json"
        try:
            answer = self._http.request(method, self._base_url + path, body=raw, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise PersonRefused(f"no router at {self._base_url}: is `./dev up` running?") from error
        if answer.status >= 400:
            raise PersonRefused(f"the router refused {method} {path}: {answer.data.decode()[:300]}")
        return cast(JsonObject, json.loads(answer.data)) if answer.data else {}
