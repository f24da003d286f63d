"""A shop's opening hours, remembered for a few seconds."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import structlog
from pydantic import ValidationError
from sqlalchemy import bindparam, delete, select, update

from contracts.ids import VendorId
from contracts.router_api import OpeningView
from kit.db import Database, Tx, insert_new
from kit.remembering import Remembered
from router.hours.models import opening_hours
from router.hours.rules import Hours, Opening, opening_at, opens_on

__all__ = ["Hours", "OpeningHours", "hours_of", "set_hours"]

_log = structlog.get_logger()

CACHE_S = 5.0
_REMEMBERED_SHOPS = 5000


class OpeningHours:
    """The hours of the shops in one platform database. Thread-safe."""

    def __init__(self, platform: Database) -> None:
        self._platform = platform
        self._known: Remembered[VendorId, tuple[Hours | None]] = Remembered(_REMEMBERED_SHOPS, CACHE_S)

    def opening(self, vendor_id: VendorId, timezone: str, now: datetime) -> OpeningView | None:
        """None for a shop that keeps no hours: it is always open. At most `CACHE_S` old."""
        return self.of_hours(self._of(vendor_id), timezone, now)

    def of_hours(self, hours: Hours | None, timezone: str, now: datetime) -> OpeningView | None:
        """What these hours say of now."""
        return None if hours is None else _view(opening_at(hours, ZoneInfo(timezone), now))

    def opens_on(self, vendor_id: VendorId, timezone: str, day: date, now: datetime) -> datetime | None:
        """When the shop opens on that day, after now. None: not (any more)."""
        return opens_on(self._of(vendor_id), ZoneInfo(timezone), day, now)

    def forget(self, vendor_id: VendorId) -> None:
        """They were changed by this process, and the change is committed."""
        self._known.forget(vendor_id)

    def _of(self, vendor_id: VendorId) -> Hours | None:
        known = self._known.get(vendor_id)
        if known is None:
            with self._platform.read() as tx:
                known = (hours_of(tx, vendor_id),)
            self._known.put(vendor_id, known)
        return known[0]


def hours_of(tx: Tx, vendor_id: VendorId) -> Hours | None:
    """None where there are none, or what stands there can't be read. `tx` is of the platform database."""
    row = tx.execute(_OF_SHOP, {"vendor": vendor_id}).first()
    if row is None:
        return None
    try:
        return Hours.model_validate(row.hours)
    except ValidationError:
        _log.error("a shop's opening hours can't be read: it is taken to be open", vendor_id=vendor_id)
        return None


def set_hours(tx: Tx, vendor_id: VendorId, hours: Hours | None) -> None:
    """None: the shop keeps no hours. `tx` is of the platform database."""
    if hours is None:
        tx.execute(delete(opening_hours).where(opening_hours.c.vendor_id == vendor_id))
        return
    document = hours.model_dump(mode="json")
    if not insert_new(tx, opening_hours, {"vendor_id": vendor_id, "hours": document}, conflict=["vendor_id"]):
        tx.execute(update(opening_hours).where(opening_hours.c.vendor_id == vendor_id).values(hours=document))


_OF_SHOP = select(opening_hours.c.hours).where(opening_hours.c.vendor_id == bindparam("vendor"))


def _view(opening: Opening) -> OpeningView:
    return OpeningView(is_open=opening.is_open, opens_at=opening.opens_at, closes_at=opening.closes_at)
