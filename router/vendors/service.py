"""Who is a shop and what it may do, remembered for a few seconds.

Only a yes is remembered: whatever is about to be refused is read again first, so that a shop or a capability that was
just added counts at once, and one that was withdrawn stops within `CACHE_S`."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

import structlog
from sqlalchemy import and_, bindparam, insert, or_, select, true
from sqlalchemy.exc import SQLAlchemyError

from contracts.errors import ErrorCode
from contracts.ids import VendorId
from contracts.money import Currency
from contracts.router_api import OpeningView, ShopView, VendorSummary
from contracts.states import Capability, FulfilmentKind, Rail
from kit.db import Database, Tx, insert_new
from kit.problems import Problem
from router.databases import IsolationLevel
from router.targets import DbTarget, Dedicated, Location, Unusable
from router.vendors.homes import Home, dedicated_homes, find_vendor, home_of, rehome
from router.vendors.models import (
    vendor_capabilities,
    vendor_last_stamp,
    vendor_stamps,
    vendors,
)
from router.vendors.rows import COLUMNS, TARGET, target_in, vendors_from, with_capabilities
from router.vendors.rules import (
    Allowed,
    Denial,
    Denied,
    Vendor,
    VendorStatus,
    gate,
    rails_of,
    why_not_offered,
)

__all__ = [
    "Directory",
    "Front",
    "FrontOf",
    "Home",
    "Vendor",
    "VendorStatus",
    "dedicated_homes",
    "find_vendor",
    "home_of",
    "open_shop",
    "rails_of",
    "rehome",
    "shop_view",
    "why_not_offered",
]

_log = structlog.get_logger()

CACHE_S = 5.0
_LOOK_EVERY_S = 2.0
"""How often the platform is asked which shops changed. Between two looks nothing is read for a shop that is known,
however many there are; a look that fails is tried again until `CACHE_S`, then there is no answer."""
_LOOK_AFTER_FAILURE_S = 0.5
_CACHED_VENDORS = 50_000
MAX_LISTED_SHOPS = 10
_MAX_ID_LENGTH = 100


class Directory:
    """The shops of one platform database. Thread-safe."""

    def __init__(self, platform: Database) -> None:
        self._platform = platform
        self._remembered: dict[str, Vendor] = {}
        self._stamp: int | None = None
        """Every change up to this one is known: nothing of `_remembered` was changed by it later than it was read."""
        self._good_until_s = 0.0
        self._look_again_s = 0.0
        self._forgettings = 0
        self._lock = threading.Lock()
        self._looking = threading.Lock()

    def find(self, vendor_id: str) -> Vendor | None:
        """The shop of that id, at most `CACHE_S` old; None if there is none at this moment."""
        now_s = monotonic()
        if now_s >= self._look_again_s:
            self._look_for_changes(now_s)
        remembered = self._remembered.get(vendor_id)
        return self._read(vendor_id) if remembered is None else remembered

    def named(self, vendor_id: VendorId) -> Vendor:
        """The shop that something of ours refers to. Raises LookupError: rows outlive no shop."""
        vendor = self.find(vendor_id)
        if vendor is None:
            raise LookupError(f"vendor {vendor_id} is referred to, but is not in the platform database")
        return vendor

    def known(self, vendor_id: str) -> Vendor:
        """The shop, if it exists, suspended or not. Raises Problem 404 shop_unknown."""
        vendor = self.find(vendor_id)
        if vendor is None:
            raise _unknown()
        return vendor

    def permit(self, vendor_id: str, needs: Sequence[Capability] = ()) -> Vendor:
        """The shop, if it exists, is active and has every capability in `needs`.

        Raises Problem 404 shop_unknown, 403 forbidden (suspended) or 403 capability_missing."""
        remembered = self.find(vendor_id)
        if remembered is not None and isinstance(gate(remembered, needs), Allowed):
            return remembered
        vendor = self._read(vendor_id)
        if vendor is None:
            raise _unknown()
        match gate(vendor, needs):
            case Allowed():
                return vendor
            case Denied(reason, detail, missing):
                if reason is Denial.SUSPENDED:
                    raise Problem(403, ErrorCode.FORBIDDEN, detail)
                if reason is Denial.MISCONFIGURED:
                    raise Problem(503, ErrorCode.UNAVAILABLE, detail, retry_after_s=30)
                raise Problem(403, ErrorCode.CAPABILITY_MISSING, detail, missing=list(missing))

    def paid_on(self, vendor: Vendor, rail: Rail | None) -> Vendor:
        """This shop, read again if as it is remembered it can't be paid on that rail (None: on any)."""
        offered = rails_of(vendor)
        if rail in offered or (rail is None and offered):
            return vendor
        return self._read(vendor.id) or vendor

    def location(self, vendor_id: VendorId, *, anew: bool = False) -> Location:
        """Where the shop's rows are, at most `CACHE_S` old or read now. Raises Problem 404 shop_unknown."""
        vendor = self._read(vendor_id) if anew else self.find(vendor_id)
        if vendor is None:
            raise _unknown()
        return vendor.location

    def dedicated(self) -> list[tuple[VendorId, DbTarget]]:
        """Every shop with a database of its own that can be followed, oldest first; suspended ones too, since money
        may still come in for them."""
        statement = (
            select(vendors.c.id, TARGET)
            .where(vendors.c.isolation_level == IsolationLevel.DEDICATED_DB)
            .order_by(vendors.c.created_at, vendors.c.id)
        )
        with self._platform.read() as tx:
            located = [(VendorId(row.id), target_in(row)) for row in tx.execute(statement)]
        return [(vendor_id, at.target) for vendor_id, at in located if isinstance(at, Dedicated)]

    def by_word(self, word: str) -> Vendor | None:
        """The shop that answers to this word, in any case."""
        wanted = word.strip().casefold()
        if not _is_plain(wanted):
            return None
        answers = or_(vendors.c.word == wanted, and_(vendors.c.word.is_(None), vendors.c.id == wanted))
        with self._platform.read() as tx:
            found = vendors_from(tx, with_capabilities(answers))
        return found[0] if found else None

    def taking_orders(self) -> list[Vendor]:
        """The active shops that take orders, oldest first, at most `MAX_LISTED_SHOPS`."""
        takes_orders = (
            select(vendor_capabilities.c.vendor_id)
            .where(
                vendor_capabilities.c.vendor_id == vendors.c.id,
                vendor_capabilities.c.capability == Capability.ORDERS,
                vendor_capabilities.c.enabled.is_(true()),
            )
            .exists()
        )
        listed = (
            select(vendors.c.id)
            .where(vendors.c.status == VendorStatus.ACTIVE)
            .where(takes_orders)
            .order_by(vendors.c.created_at, vendors.c.id)
            .limit(2 * MAX_LISTED_SHOPS)
        )
        with self._platform.read() as tx:
            found = vendors_from(tx, with_capabilities(vendors.c.id.in_(listed)))
        can_serve = [shop for shop in found if shop.trouble is None and not isinstance(shop.location, Unusable)]
        return can_serve[:MAX_LISTED_SHOPS]

    def summaries(self, limit: int = 200) -> list[VendorSummary]:
        """Every shop, oldest first."""
        statement = select(*COLUMNS).order_by(vendors.c.created_at, vendors.c.id).limit(limit)
        with self._platform.read() as tx:
            return [
                VendorSummary(
                    id=row.id,
                    name=row.name,
                    word=row.word or row.id,
                    status=row.status,
                    isolation_level=row.isolation_level,
                    currency=Currency(row.currency),
                )
                for row in tx.execute(statement)
            ]

    def forget(self, vendor_id: str) -> None:
        """This shop was changed by this process, and the change is committed: it counts here at once."""
        with self._lock:
            self._forgettings += 1
            self._remembered.pop(vendor_id, None)

    def _read(self, vendor_id: str) -> Vendor | None:
        if not _is_plain(vendor_id):
            return None
        before = self._forgettings
        with self._platform.read() as tx:
            found = vendors_from(tx, with_capabilities(vendors.c.id == vendor_id))
        if found:
            _report(found[0])
        with self._lock:
            if not found:
                self._remembered.pop(vendor_id, None)
                return None
            if self._forgettings == before:  # else something changed while this was read: perhaps this
                if len(self._remembered) >= _CACHED_VENDORS:
                    self._remembered.clear()
                self._remembered[vendor_id] = found[0]
        return found[0]

    def _look_for_changes(self, now_s: float) -> None:
        """Forget what was changed since the last look. One thread looks; others wait for it only when what is
        remembered has become too old to go on with."""
        if not self._looking.acquire(blocking=now_s >= self._good_until_s):
            return
        try:
            started_s = monotonic()
            if started_s < self._look_again_s:
                return  # somebody else has just looked
            try:
                changed, stamp = self._changes()
            except (SQLAlchemyError, TimeoutError):
                if started_s >= self._good_until_s:
                    raise
                self._look_again_s = started_s + _LOOK_AFTER_FAILURE_S
                return
            with self._lock:
                if changed is None:
                    self._remembered.clear()
                for vendor_id in changed or ():
                    self._remembered.pop(vendor_id, None)
                self._forgettings += 1
                self._stamp = stamp
            self._good_until_s, self._look_again_s = started_s + CACHE_S, started_s + _LOOK_EVERY_S
        finally:
            self._looking.release()

    def _changes(self) -> tuple[list[str] | None, int]:
        """The shops that were stamped since (None: nobody can say which), and the newest stamp."""
        known = self._stamp
        with self._platform.read() as tx:
            last: int = tx.execute(_LAST_STAMP).scalar_one()
            if known is None or last < known:  # less: the platform was restored from a backup
                return None, last
            if last == known:
                return [], last
            rows = tx.execute(_CHANGED, {"stamp": known}).all()
        return [row.vendor_id for row in rows], max(last, *(row.stamp for row in rows))


@dataclass(frozen=True, slots=True)
class Front:
    """What the rooms above know of a shop that a customer is shown."""

    opening: OpeningView | None = None
    fulfilment: Sequence[FulfilmentKind] = ()


FrontOf = Callable[[Vendor, datetime], Front]


def shop_view(vendor: Vendor, front: Front) -> ShopView:
    return ShopView(
        vendor_id=vendor.id,
        word=vendor.word,
        name=vendor.name,
        currency=vendor.currency,
        locale=vendor.locale,
        timezone=vendor.timezone,
        rails=rails_of(vendor),
        capabilities=sorted(vendor.capabilities),
        opening=front.opening,
        fulfilment=list(front.fulfilment),
        paybill=vendor.paybill,
        till=vendor.till,
    )


def open_shop(tx: Tx, vendor: Vendor, now: datetime) -> VendorId | None:
    """Make this shop and its capabilities. Where its word is taken, change nothing and return the id that has it.

    `tx` is of the platform database."""
    row = {
        "id": vendor.id,
        "name": vendor.name,
        "word": vendor.word,
        "status": vendor.status,
        "isolation_level": IsolationLevel.DEDICATED_DB if vendor.has_own_database else IsolationLevel.SHARED_DB,
        "db_target": vendor.location.target.stored() if isinstance(vendor.location, Dedicated) else None,
        "currency": vendor.currency,
        "locale": vendor.locale,
        "timezone": vendor.timezone,
        "billing_anchor_day": vendor.billing_anchor_day,
        "paybill": vendor.paybill,
        "till": vendor.till,
        "created_at": now,
    }
    if not insert_new(tx, vendors, row, conflict=["word"]):
        return VendorId(tx.execute(select(vendors.c.id).where(vendors.c.word == vendor.word)).scalar_one())
    if vendor.capabilities:
        capabilities = [{"vendor_id": vendor.id, "capability": name} for name in sorted(vendor.capabilities)]
        tx.execute(insert(vendor_capabilities), capabilities)
    return None


def _report(vendor: Vendor) -> None:
    if vendor.trouble is not None:
        _log.error("a shop can't be served", vendor_id=vendor.id, why=vendor.trouble)
    if isinstance(vendor.location, Unusable):
        _log.error("a shop's db_target can't be followed", vendor_id=vendor.id, why=vendor.location.why)


def _unknown() -> Problem:
    return Problem(404, ErrorCode.SHOP_UNKNOWN, "there is no shop with this id")


def _is_plain(text: str) -> bool:
    """Nothing else can be an id or a word, and not every database would take it as a parameter."""
    return 0 < len(text) <= _MAX_ID_LENGTH and text.isprintable()


_LAST_STAMP = select(vendor_last_stamp.c.stamp)
_CHANGED = select(vendor_stamps.c.vendor_id, vendor_stamps.c.stamp).where(vendor_stamps.c.stamp > bindparam("stamp"))
