"""Pictures that go with messages, each under a token that nobody can guess, for as long as its message may be sent."""

import secrets
from datetime import datetime
from typing import cast

from sqlalchemy import bindparam, delete, insert, select

from bot.store.tables import pictures
from kit.columns import Code, UtcTime
from kit.db import Tx

_p = pictures.c
_TOKEN_BYTES = 32

_ADD = insert(pictures)
_FIND = select(_p.png).where(
    _p.token == bindparam("which", type_=Code), _p.expires_at > bindparam("now", type_=UtcTime)
)
_FORGET = delete(pictures).where(_p.expires_at <= bindparam("now", type_=UtcTime))


def keep(tx: Tx, png: bytes, *, expires_at: datetime, now: datetime) -> str:
    """Its token: 43 characters of an address. What has expired meanwhile is forgotten."""
    tx.execute(_FORGET, {"now": now})
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    tx.execute(_ADD, {"token": token, "png": png, "expires_at": expires_at})
    return token


def find(tx: Tx, token: str, now: datetime) -> bytes | None:
    row = tx.execute(_FIND, {"which": token, "now": now}).first()
    return None if row is None else bytes(cast("bytes | memoryview", row.png))
