"""A shop's own software: asks the vendor's API with an API key."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Engine, event

from contracts.ids import VendorId
from router.operations import KeyScope
from router.vendors.keys import make_key
from tests.support.counter import MAMA, Answer, Counter

SHOP_SCOPES = frozenset(KeyScope) - {KeyScope.PLATFORM}


@dataclass(frozen=True, slots=True)
class VendorApi:
    """One key of one shop."""

    counter: Counter
    token: str

    def get(self, path: str, **params: object) -> Answer:
        query = urlencode({name: str(value) for name, value in params.items() if value is not None})
        return self.raw("GET", f"{path}?{query}" if query else path)

    def post(self, path: str, body: Mapping[str, Any], *, key: str | None = None) -> Answer:
        headers = {} if key is None else {"idempotency-key": key}
        return self.raw("POST", path, json.dumps(body).encode(), {"content-type": "application/json", **headers})

    def raw(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        sent = {"authorization": f"Bearer {self.token}", **(headers or {})}
        return self.counter.send_unsigned(method, path, body, headers=sent)

    def pages(self, path: str, name: str, **params: object) -> Generator[list[dict[str, Any]]]:
        """Every page of a list, to its end."""
        cursor: str | None = None
        while True:
            answer = self.get(path, cursor=cursor, **params)
            assert answer.status == 200, answer
            yield answer.body[name]
            cursor = answer.body["next_cursor"]
            if cursor is None:
                return

    def all(self, path: str, name: str, **params: object) -> list[dict[str, Any]]:
        return [row for page in self.pages(path, name, **params) for row in page]


def vendor_api(counter: Counter, *scopes: KeyScope, vendor: str = MAMA) -> VendorApi:
    """With a new key, good for these scopes, or for all that a shop's key can be good for."""
    return VendorApi(counter, new_token(counter, VendorId(vendor), frozenset(scopes) or SHOP_SCOPES))


def new_token(counter: Counter, vendor_id: VendorId | None, scopes: frozenset[KeyScope]) -> str:
    with counter.platform.write() as tx:
        return make_key(tx, vendor_id, "a test's", scopes, counter.clock.now(), by="operator")[1]


@contextmanager
def counted_reads() -> Generator[list[str]]:
    """The SELECTs that are sent to databases meanwhile, without those that open a transaction."""
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")) and "set_config" not in statement:
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)
