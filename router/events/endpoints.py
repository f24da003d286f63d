"""Vendors' endpoints: where each wants its events, and a memory of that which is a few seconds old at most.

They are rows of the platform database. `EndpointBook` is what announcing asks, within a transaction of a shop: a shop
without endpoints costs it nothing but a look into a set."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Row, and_, delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from contracts.ids import VendorId, new_id
from kit.db import Database, Tx, insert_new
from router.events.models import IS_ENABLED, webhook_endpoints
from router.events.rules import EndpointStatus

_log = structlog.get_logger()

MAX_ENDPOINTS = 10
CACHE_S = 5.0
OLD_SECRET_SIGNS_FOR = timedelta(hours=24)

_CACHED_VENDORS = 5_000
_table = webhook_endpoints.c


@dataclass(frozen=True, slots=True)
class Endpoint:
    vendor_id: VendorId
    id: str
    url: str
    description: str
    event_types: tuple[str, ...]
    """Empty: every type."""
    status: EndpointStatus
    disabled_reason: str | None
    failing_since: datetime | None
    secret_version: int
    secret_key_id: str
    previous_key_id: str | None
    previous_until: datetime | None
    created_at: datetime

    @property
    def is_enabled(self) -> bool:
        return self.status is EndpointStatus.ENABLED

    def wants(self, type_: str) -> bool:
        return not self.event_types or type_ in self.event_types


@dataclass(frozen=True, slots=True)
class _Remembered:
    endpoints: tuple[Endpoint, ...]
    until_s: float


class EndpointBook:
    """The endpoints of one platform database, at most `CACHE_S` old. Thread-safe.

    Where the platform database can't be asked, what was known last goes on counting: money that is being recorded
    must not wait for it."""

    def __init__(self, platform: Database, *, monotonic: Callable[[], float] = monotonic) -> None:
        self._platform = platform
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._having: frozenset[str] | None = None  # vendors with an enabled endpoint
        self._having_until_s = 0.0
        self._remembered: dict[VendorId, _Remembered] = {}

    def wanting(self, vendor_id: VendorId, type_: str) -> list[Endpoint]:
        """The enabled endpoints of this vendor that want events of this type."""
        if vendor_id not in self._vendors_with_endpoints():
            return []
        return [endpoint for endpoint in self.of(vendor_id) if endpoint.is_enabled and endpoint.wants(type_)]

    def of(self, vendor_id: VendorId, *, anew: bool = False) -> Sequence[Endpoint]:
        """This vendor's endpoints, oldest first, disabled ones too. `anew` reads them now."""
        remembered = self._remembered.get(vendor_id)
        if remembered is not None and self._monotonic() < remembered.until_s and not anew:
            return remembered.endpoints
        try:
            with self._platform.read() as tx:
                found = tuple(list_endpoints(tx, vendor_id))
        except (DBAPIError, PoolTimeout):
            if remembered is None or anew:
                raise
            _log.warning("endpoints can't be read again; those of before count", vendor_id=vendor_id)
            return remembered.endpoints
        with self._lock:
            if len(self._remembered) >= _CACHED_VENDORS:
                self._remembered.clear()
            self._remembered[vendor_id] = _Remembered(found, self._monotonic() + CACHE_S)
        return found

    def find(self, vendor_id: VendorId, endpoint_id: str) -> Endpoint | None:
        """None only if it is not there at this moment: one that was just made is found."""
        for anew in (False, True):
            for endpoint in self.of(vendor_id, anew=anew):
                if endpoint.id == endpoint_id:
                    return endpoint
        return None

    def forget(self, vendor_id: VendorId) -> None:
        """Something of this vendor has changed here."""
        with self._lock:
            self._remembered.pop(vendor_id, None)
            self._having_until_s = 0.0

    def _vendors_with_endpoints(self) -> frozenset[str]:
        having = self._having
        if having is not None and self._monotonic() < self._having_until_s:
            return having
        with self._lock:
            if self._having is not None and self._monotonic() < self._having_until_s:
                return self._having
            self._having_until_s = self._monotonic() + CACHE_S  # the others go on with what was known
            before = self._having
            if before is not None:
                return self._read_having(before)
            # Nothing is known yet: nobody may go on without it.
            try:
                return self._read_having(None)
            except BaseException:
                self._having_until_s = 0.0
                raise

    def _read_having(self, before: frozenset[str] | None) -> frozenset[str]:
        try:
            with self._platform.read() as tx:
                self._having = frozenset(tx.execute(_HAVING).scalars())
        except (DBAPIError, PoolTimeout):
            if before is None:
                raise
            _log.warning("who has endpoints can't be read again; what was known counts")
        assert self._having is not None
        return self._having


_HAVING = select(_table.vendor_id).where(IS_ENABLED).distinct()


# --- what is done to them: each within a transaction of the platform database ----------------------------------------


def list_endpoints(tx: Tx, vendor_id: VendorId) -> list[Endpoint]:
    """Oldest first."""
    statement = select(webhook_endpoints).where(_table.vendor_id == vendor_id).order_by(_table.created_at, _table.id)
    return [_endpoint(row) for row in tx.execute(statement)]


def find_endpoint(tx: Tx, vendor_id: VendorId, endpoint_id: str) -> Endpoint | None:
    row = tx.execute(select(webhook_endpoints).where(_is(vendor_id, endpoint_id))).one_or_none()
    return None if row is None else _endpoint(row)


def add_endpoint(
    tx: Tx,
    vendor_id: VendorId,
    *,
    url: str,
    description: str,
    event_types: Sequence[str],
    key_id: str,
    now: datetime,
) -> Endpoint | None:
    """None if the vendor has `MAX_ENDPOINTS` already, whoever else is adding some at this moment."""
    taken = set(tx.execute(select(_table.slot).where(_table.vendor_id == vendor_id)).scalars())
    endpoint_id = new_id(now)
    for slot in range(1, MAX_ENDPOINTS + 1):
        row = {
            "vendor_id": vendor_id,
            "id": endpoint_id,
            "slot": slot,
            "url": url,
            "description": description,
            "event_types": list(event_types),
            "secret_key_id": key_id,
            "created_at": now,
        }
        if slot not in taken and insert_new(tx, webhook_endpoints, row, conflict=["vendor_id", "slot"]):
            return find_endpoint(tx, vendor_id, endpoint_id)
    return None


def change_endpoint(tx: Tx, vendor_id: VendorId, endpoint_id: str, **columns: Any) -> Endpoint | None:
    """Set these columns. None if there is no such endpoint."""
    if columns:
        tx.execute(update(webhook_endpoints).where(_is(vendor_id, endpoint_id)).values(**columns))
    return find_endpoint(tx, vendor_id, endpoint_id)


def enable_endpoint(tx: Tx, vendor_id: VendorId, endpoint_id: str) -> Endpoint | None:
    """With a clean record: it has failed at nothing yet."""
    return change_endpoint(
        tx, vendor_id, endpoint_id, status=EndpointStatus.ENABLED, disabled_reason=None, failing_since=None
    )


def disable_endpoint(tx: Tx, vendor_id: VendorId, endpoint_id: str, reason: str) -> bool:
    """False if it was not enabled."""
    statement = (
        update(webhook_endpoints)
        .where(_is(vendor_id, endpoint_id), _table.status == EndpointStatus.ENABLED)
        .values(status=EndpointStatus.DISABLED, disabled_reason=reason)
    )
    return tx.execute(statement).rowcount == 1


def remove_endpoint(tx: Tx, vendor_id: VendorId, endpoint_id: str) -> Endpoint | None:
    """As it was; None if there was none."""
    found = find_endpoint(tx, vendor_id, endpoint_id)
    tx.execute(delete(webhook_endpoints).where(_is(vendor_id, endpoint_id)))
    return found


def rotate_secret(tx: Tx, vendor_id: VendorId, endpoint_id: str, key_id: str, now: datetime) -> Endpoint | None:
    """The next secret; the present one signs beside it for `OLD_SECRET_SIGNS_FOR`. None if there is no such endpoint.

    A second rotation within that time ends the first secret at once."""
    tx.execute(
        update(webhook_endpoints)
        .where(_is(vendor_id, endpoint_id))
        .values(
            secret_version=_table.secret_version + 1,
            previous_key_id=_table.secret_key_id,
            previous_until=now + OLD_SECRET_SIGNS_FOR,
            secret_key_id=key_id,
        )
    )
    return find_endpoint(tx, vendor_id, endpoint_id)


def note_failing(tx: Tx, vendor_id: VendorId, endpoint_id: str, since: datetime | None) -> None:
    """It failed, and did not before; or it works again (None)."""
    is_news = _table.failing_since.is_(None) if since is not None else _table.failing_since.is_not(None)
    tx.execute(update(webhook_endpoints).where(_is(vendor_id, endpoint_id), is_news).values(failing_since=since))


def _is(vendor_id: str, endpoint_id: str) -> ColumnElement[bool]:
    return and_(_table.vendor_id == vendor_id, _table.id == endpoint_id)


def _endpoint(row: Row[Any]) -> Endpoint:
    return Endpoint(
        vendor_id=VendorId(row.vendor_id),
        id=row.id,
        url=row.url,
        description=row.description,
        event_types=tuple(row.event_types),
        status=EndpointStatus(row.status),
        disabled_reason=row.disabled_reason,
        failing_since=row.failing_since,
        secret_version=row.secret_version,
        secret_key_id=row.secret_key_id,
        previous_key_id=row.previous_key_id,
        previous_until=row.previous_until,
        created_at=row.created_at,
    )
