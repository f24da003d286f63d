"""Twilio's Content API: what exists, making one, asking WhatsApp to approve one (twilio.com/docs/content).

Nothing there is idempotent, and the same content made twice is two: so the list is looked at first, by name."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import certifi
import urllib3

from bot.channels.twilio_contents import CATEGORY, Content
from kit.settings import Settings

_TIMEOUT = urllib3.Timeout(connect=5.0, read=20.0)
_LOOK_AGAIN = urllib3.Retry(
    total=3, connect=0, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503), allowed_methods=("GET",)
)
_PAGE_SIZE = 500
_MOST_PAGES = 20  # of WhatsApp's 6,000 approved templates and whatever else an account has


class ContentApiFailed(Exception):
    """The text says what could not be done and why, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Existing:
    """A content that Twilio has. `approval` is `unsubmitted` for what WhatsApp was never asked about."""

    name: str
    sid: str
    approval: str
    reason: str


class ContentApi:
    """The account's contents at `TWILIO_CONTENT_BASE_URL`."""

    def __init__(self, settings: Settings) -> None:
        self._base_url = settings.twilio_content_base_url
        self._pool = urllib3.PoolManager(num_pools=1, timeout=_TIMEOUT, ca_certs=certifi.where())
        auth = f"{settings.twilio_account_sid}:{settings.secret('TWILIO_AUTH_TOKEN')}"
        self._headers = urllib3.make_headers(basic_auth=auth)

    def existing(self) -> Iterator[Existing]:
        """Everything that the account has, newest first. Raises ContentApiFailed."""
        query = f"PageSize={_PAGE_SIZE}"
        for _ in range(_MOST_PAGES):
            page = self._call("GET", f"/v1/ContentAndApprovals?{query}")
            for one in _objects(page.get("contents")):
                yield _existing(one)
            next_page = _object(page.get("meta")).get("next_page_url")
            if not isinstance(next_page, str) or not next_page:
                return
            query = urlsplit(next_page).query  # only the query: what they name is not where we were told to look

    def create(self, content: Content) -> str:
        """Its id. Raises ContentApiFailed: it may exist all the same, which the list shows the next time."""
        sid = self._call("POST", "/v1/Content", content.to_json()).get("sid")
        if not isinstance(sid, str) or not sid:
            raise ContentApiFailed(f"Twilio's answer to making {content.name} holds no sid: run it again.")
        return sid

    def submit(self, sid: str, name: str) -> None:
        """Ask WhatsApp to approve it as a template. Raises ContentApiFailed."""
        self._call("POST", f"/v1/Content/{sid}/ApprovalRequests/whatsapp", {"name": name, "category": CATEGORY})

    def close(self) -> None:
        self._pool.clear()

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        raw = None if body is None else json.dumps(body).encode()
        headers = {**self._headers, **({"content-type": "application/json"} if raw is not None else {})}
        retries = _LOOK_AGAIN if method == "GET" else urllib3.Retry(0, redirect=0)
        try:
            answer = self._pool.request(
                method, self._base_url + path, body=raw, headers=headers, retries=retries, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise ContentApiFailed(
                f"{self._base_url} does not answer ({type(error).__name__}): is TWILIO_CONTENT_BASE_URL right? What "
                "was made so far is kept; run it again."
            ) from error
        if answer.status not in (200, 201):
            raise ContentApiFailed(_refusal(method, path.partition("?")[0], answer.status, answer.data))
        try:
            return _object(json.loads(answer.data))
        except ValueError:
            raise ContentApiFailed(f"{self._base_url} answers no JSON: is TWILIO_CONTENT_BASE_URL right?") from None


def _refusal(method: str, path: str, status: int, raw: bytes) -> str:
    if status in (401, 403):
        return f"Twilio refuses the account ({status}): are TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN right?"
    try:
        said = _object(json.loads(raw))
    except ValueError:
        said = {}
    why = f"{said.get('code', '')} {said.get('message', '')}".strip()[:300]
    return f"Twilio answered {status} to {method} {path}: {why or 'no reason given'}. What was made so far is kept."


def _existing(one: dict[str, Any]) -> Existing:
    approval = _object(one.get("approval_requests"))
    return Existing(
        str(one.get("friendly_name") or ""),
        str(one.get("sid") or ""),
        str(approval.get("status") or "unsubmitted"),
        str(approval.get("rejection_reason") or ""),
    )


def _object(value: object) -> dict[str, Any]:
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _objects(value: object) -> list[dict[str, Any]]:
    return [_object(one) for one in cast(list[object], value)] if isinstance(value, list) else []
