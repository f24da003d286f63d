"""API keys: who holds one, what it is good for, and making, listing and revoking them.

A token is `dk_<key id>_<43 characters>`: 256 random bits behind an id that finds the row. Kept is its SHA-256 alone. A
slow hash guards passwords because people choose them; nobody guesses 256 random bits, so here it would only slow down
every request."""

import hashlib
import hmac
import re
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import Row, func, insert, or_, select, update

from contracts.errors import ErrorCode
from contracts.ids import VendorId, new_id
from kit.background import Loop
from kit.db import Database, Tx
from kit.paging import Moment, NewestFirst, before, paged
from kit.problems import Problem
from router.edge import Caller
from router.operations import Audience, KeyScope
from router.vendors.models import api_keys
from router.vendors.recording import record_change
from router.vendors.service import CACHE_S
from router.vendors.wire import KeyPage, KeyView

MAX_LIVE_KEYS = 100
"""Of one owner, not counting revoked ones. More is a mistake in a script."""

_TOKEN = re.compile(r"dk_([0-9a-f]{32})_[A-Za-z0-9_-]{43}")
_SECRET_BYTES = 32
_CACHED_KEYS = 20_000
_NOTED_EVERY = timedelta(minutes=1)
_WRITE_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class _Known:
    token_hash: str
    caller: Caller
    until_s: float


class ApiKeys:
    """Who holds which key, remembered for at most `CACHE_S`. Thread-safe.

    Only keys that are good are remembered. A wrong token under a known id is told from what is remembered and changes
    nothing of it; an id that is not remembered is looked up, every time."""

    def __init__(self, platform: Database) -> None:
        self._platform = platform
        self._remembered: dict[str, _Known] = {}
        self._forgettings = 0
        self._noted: dict[str, datetime] = {}
        self._unwritten: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def holder(self, token: str, now: datetime) -> Caller | None:
        """Who holds this key; None for a token that is malformed, unknown, revoked or expired."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        key_id = match[1]
        known = self._remembered.get(key_id)
        if known is None or monotonic() >= known.until_s:
            known = self._read(key_id)
        if known is None or not hmac.compare_digest(known.token_hash, _hash_of(token)):
            return None
        if known.caller.expires_at is not None and now >= known.caller.expires_at:
            return None
        self._note_use(key_id, now)
        return known.caller

    def forget(self, key_id: str) -> None:
        """This key was changed by this process, and the change is committed: it counts here at once."""
        with self._lock:
            self._forgettings += 1
            self._remembered.pop(key_id, None)

    def uses_loop(self) -> Loop:
        """Writes down when keys were last used. Each process that answers requests runs one of its own."""
        return Loop("key-uses", self.write_uses, idle_s=_WRITE_EVERY_S)

    def write_uses(self) -> bool:
        """Write what was noted since the last time. Always False: there is no hurry."""
        with self._lock:
            uses, self._unwritten = self._unwritten, {}
        if not uses:
            return False
        try:
            with self._platform.write() as tx:
                for key_id, at in sorted(uses.items()):
                    is_old = or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at <= at - _NOTED_EVERY)
                    tx.execute(update(api_keys).where(api_keys.c.id == key_id, is_old).values(last_used_at=at))
        except Exception:
            with self._lock:
                self._unwritten = {**uses, **self._unwritten}
            raise
        return False

    def _note_use(self, key_id: str, now: datetime) -> None:
        last = self._noted.get(key_id)
        if last is not None and now - last < _NOTED_EVERY:
            return
        with self._lock:
            if len(self._noted) >= _CACHED_KEYS:
                self._noted.clear()
            self._noted[key_id] = self._unwritten[key_id] = now

    def _read(self, key_id: str) -> _Known | None:
        forgettings = self._forgettings
        with self._platform.read() as tx:
            row = tx.execute(select(api_keys).where(api_keys.c.id == key_id)).one_or_none()
        known = None if row is None or row.revoked_at is not None else _known(row)
        with self._lock:
            if known is None:
                self._remembered.pop(key_id, None)
            elif self._forgettings == forgettings:  # else something was revoked while this was read: perhaps this
                if len(self._remembered) >= _CACHED_KEYS:
                    self._remembered.clear()
                self._remembered[key_id] = known
        return known


def make_key(
    tx: Tx,
    vendor_id: VendorId | None,
    name: str,
    scopes: frozenset[KeyScope],
    now: datetime,
    *,
    by: str,
    expires_at: datetime | None = None,
) -> tuple[KeyView, str]:
    """A new key of this shop, or of the platform, and its token, which can't be had again. `tx` is of the platform
    database, here and below; `by` says who makes it.

    Raises Problem 422 for scopes that don't fit the owner or an end that is past, 409 too_many_keys."""
    fits = {KeyScope.PLATFORM} if vendor_id is None else set(KeyScope) - {KeyScope.PLATFORM}
    if not scopes or not scopes <= fits:
        owner = "the platform" if vendor_id is None else "a shop"
        raise Problem(422, ErrorCode.INVALID_REQUEST, f"a key of {owner} is good for {', '.join(sorted(fits))}")
    if expires_at is not None and expires_at <= now:
        raise Problem(422, ErrorCode.INVALID_REQUEST, "expires_at is past: such a key would open nothing")
    live = select(func.count()).where(_owned_by(vendor_id), api_keys.c.revoked_at.is_(None))
    if tx.execute(live).scalar_one() >= MAX_LIVE_KEYS:
        detail = f"there are {MAX_LIVE_KEYS} keys already: revoke those that nobody uses"
        raise Problem(409, ErrorCode.TOO_MANY_KEYS, detail)
    key_id = new_id(now).replace("-", "")
    token = f"dk_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    row = {
        "id": key_id,
        "vendor_id": vendor_id,
        "name": name,
        "token_hash": _hash_of(token),
        "scopes": " ".join(sorted(scopes)),
        "created_at": now,
        "created_by": by,
        "expires_at": expires_at,
    }
    tx.execute(insert(api_keys).values(row))
    record_change(tx, vendor_id, "api_key", None, f"{key_id} {name}: {row['scopes']}", now, by=by)
    made = tx.execute(select(api_keys).where(api_keys.c.id == key_id)).one()
    return _view(made, now), token


def list_keys(tx: Tx, vendor_id: VendorId | None, wanted: NewestFirst, now: datetime) -> KeyPage:
    """Keys of this shop, or of the platform, the newest first, revoked ones among them."""
    at, row_id = api_keys.c.created_at, api_keys.c.id
    statement = select(api_keys).where(_owned_by(vendor_id)).order_by(at.desc(), row_id.desc())
    if wanted.cursor is not None:
        statement = statement.where(before(at, row_id, wanted.cursor))
    rows = tx.execute(statement.limit(wanted.limit + 1)).all()
    page, next_cursor = paged(rows, wanted.limit, lambda row: Moment(row.created_at, row.id))
    return KeyPage(keys=[_view(row, now) for row in page], next_cursor=next_cursor)


def revoke_key(tx: Tx, vendor_id: VendorId | None, key_id: str, now: datetime, *, by: str) -> KeyView:
    """Revoke a key of this shop, or of the platform. One that is revoked stays as it was.

    Raises Problem 404 key_unknown, for another shop's key as well."""
    is_it = (api_keys.c.id == key_id) & _owned_by(vendor_id)
    revoked = tx.execute(
        update(api_keys).where(is_it, api_keys.c.revoked_at.is_(None)).values(revoked_at=now, revoked_by=by)
    )
    row = tx.execute(select(api_keys).where(is_it)).one_or_none()
    if row is None:
        raise _unknown()
    if revoked.rowcount == 1:
        record_change(tx, vendor_id, "api_key", f"{key_id} {row.name}: {row.scopes}", None, now, by=by)
    return _view(row, now)


def owner_of(tx: Tx, key_id: str) -> VendorId | None:
    """Whose key this is; None: the platform's. Raises Problem 404 key_unknown."""
    row = tx.execute(select(api_keys.c.vendor_id).where(api_keys.c.id == key_id)).one_or_none()
    if row is None:
        raise _unknown()
    return row.vendor_id


def _owned_by(vendor_id: VendorId | None) -> Any:
    return api_keys.c.vendor_id.is_(None) if vendor_id is None else api_keys.c.vendor_id == vendor_id


def _hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _known(row: Row[Any]) -> _Known:
    words = {scope.value: scope for scope in KeyScope}
    caller = Caller(
        Audience.OPERATOR if row.vendor_id is None else Audience.VENDOR,
        f"key:{row.id}",
        None if row.vendor_id is None else VendorId(row.vendor_id),
        # A word that a newer version wrote opens nothing here.
        frozenset(words[word] for word in row.scopes.split() if word in words),
        row.expires_at,
    )
    return _Known(row.token_hash, caller, monotonic() + CACHE_S)


def _view(row: Row[Any], now: datetime) -> KeyView:
    is_expired = row.expires_at is not None and row.expires_at <= now
    return KeyView(
        id=row.id,
        vendor_id=row.vendor_id,
        name=row.name,
        scopes=row.scopes.split(),
        status="revoked" if row.revoked_at is not None else "expired" if is_expired else "active",
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
        last_used_at=row.last_used_at,
    )


def _unknown() -> Problem:
    return Problem(404, ErrorCode.KEY_UNKNOWN, "there is no key with this id here")
