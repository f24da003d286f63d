"""HTTP to Daraja: one base address, a bearer token, JSON both ways."""

from payment_adapter.providers.wire import (
    CONNECT_TIMEOUT_S,
    READ_TIMEOUT_S,
    Http,
    JsonObject,
    NoReply,
    NotSent,
    Reply,
    read_object,
    write_object,
)

__all__ = ["JsonObject", "NoReply", "NotSent", "Reply", "Wire", "read_object"]


class Wire:
    """Thread-safe. `base_url` has no trailing slash."""

    def __init__(
        self, base_url: str, *, connect_timeout_s: float = CONNECT_TIMEOUT_S, read_timeout_s: float = READ_TIMEOUT_S
    ) -> None:
        self._base_url = base_url
        self._http = Http(connect_timeout_s=connect_timeout_s, read_timeout_s=read_timeout_s)

    def get(self, path: str, *, user: str, password: str) -> Reply:
        """Raises NotSent, NoReply."""
        return self._http.send("GET", self._base_url + path, is_repeatable=False, user=(user, password))

    def ask(self, path: str, token: str, body: JsonObject) -> Reply:
        """POST something that may be asked again. Raises NotSent, NoReply."""
        return self._post(path, token, body, is_repeatable=True)

    def tell(self, path: str, token: str, body: JsonObject) -> Reply:
        """POST something that must not happen twice. Raises NotSent, NoReply."""
        return self._post(path, token, body, is_repeatable=False)

    def close(self) -> None:
        self._http.close()

    def _post(self, path: str, token: str, body: JsonObject, *, is_repeatable: bool) -> Reply:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        return self._http.send(
            "POST", self._base_url + path, is_repeatable=is_repeatable, body=write_object(body), headers=headers
        )
