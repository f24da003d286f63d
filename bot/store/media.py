"""Pictures and documents that go with messages, each under a token that nobody can guess, for as long as its message
may be sent."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, delete, insert, select

from bot.store.tables import media
from kit.columns import Code, UtcTime
from kit.db import Tx

_m = media.c
_TOKEN_BYTES = 32


class MediaKind(StrEnum):
    """Ends its address."""

    PNG = "png"
    JPEG = "jpg"
    PDF = "pdf"


@dataclass(frozen=True, slots=True)
class Media:
    """What Twilio fetches: the bytes, or what a document says, to be laid out."""

    kind: MediaKind
    content: bytes | None = None
    paper: dict[str, Any] | None = None


_ADD = insert(media)
_FIND = select(_m.kind, _m.content, _m.paper).where(
    _m.token == bindparam("which", type_=Code), _m.expires_at > bindparam("now", type_=UtcTime)
)
_FORGET = delete(media).where(_m.expires_at <= bindparam("now", type_=UtcTime))


def keep(tx: Tx, what: Media, *, expires_at: datetime, now: datetime) -> str:
    """Its file name: a token of 43 characters of an address, a dot and the kind. What has expired meanwhile is
    forgotten."""
    tx.execute(_FORGET, {"now": now})
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    values = {"token": token, "kind": what.kind, "content": what.content, "paper": what.paper, "expires_at": expires_at}
    tx.execute(_ADD, values)
    return f"{token}.{what.kind}"


def find(tx: Tx, token: str, now: datetime) -> Media | None:
    row = tx.execute(_FIND, {"which": token, "now": now}).first()
    if row is None:
        return None
    return Media(MediaKind(row.kind), None if row.content is None else bytes(row.content), row.paper)
