"""A shop's zones, remembered for a few seconds."""

from typing import Any

from sqlalchemy import Row, bindparam, delete, func, select, update

from contracts.ids import VendorId
from contracts.money import Currency, Money
from contracts.places import Place
from kit.db import Database, Tx, insert_new
from kit.remembering import Remembered
from router.delivery.models import delivery_zones
from router.delivery.rules import MAX_ZONES, FeeNotWhole, Zone, zone_around

__all__ = ["MAX_ZONES", "FeeNotWhole", "Zone", "Zones", "put_zone", "remove_zone", "zone_around", "zones_of"]

CACHE_S = 5.0
_REMEMBERED_SHOPS = 2000


class Zones:
    """The zones of the shops in one platform database. Thread-safe."""

    def __init__(self, platform: Database) -> None:
        self._platform = platform
        self._known: Remembered[tuple[VendorId, Currency], list[Zone]] = Remembered(_REMEMBERED_SHOPS, CACHE_S)

    def of(self, vendor_id: VendorId, currency: Currency) -> list[Zone]:
        """In the shop's order, at most `CACHE_S` old."""
        known = self._known.get((vendor_id, currency))
        if known is None:
            with self._platform.read() as tx:
                known = zones_of(tx, vendor_id, currency)
            self._known.put((vendor_id, currency), known)
        return known

    def find(self, vendor_id: VendorId, currency: Currency, zone_id: str) -> Zone | None:
        """One that is not remembered is looked for again first."""
        found = next((zone for zone in self.of(vendor_id, currency) if zone.id == zone_id), None)
        if found is None:
            self.forget(vendor_id, currency)
            found = next((zone for zone in self.of(vendor_id, currency) if zone.id == zone_id), None)
        return found

    def forget(self, vendor_id: VendorId, currency: Currency) -> None:
        """They were changed by this process, and the change is committed."""
        self._known.forget((vendor_id, currency))


def zones_of(tx: Tx, vendor_id: VendorId, currency: Currency) -> list[Zone]:
    """In the shop's order. `tx` is of the platform database, here and below."""
    return [_zone(row, currency) for row in tx.execute(_OF_SHOP, {"vendor": vendor_id})]


def put_zone(tx: Tx, vendor_id: VendorId, zone: Zone) -> bool:
    """Keep the zone, new or changed. A new one is the last. Returns False, and changes nothing, if there are
    `MAX_ZONES` of others."""
    last = tx.execute(_LAST, {"vendor": vendor_id}).one()
    values = {
        "name": zone.name,
        "fee_minor": zone.fee.minor,
        "latitude_e6": None if zone.centre is None else zone.centre.latitude_e6,
        "longitude_e6": None if zone.centre is None else zone.centre.longitude_e6,
        "radius_m": zone.radius_m,
    }
    key = {"vendor_id": vendor_id, "id": zone.id}
    changed = tx.execute(
        update(delivery_zones)
        .where(delivery_zones.c.vendor_id == vendor_id, delivery_zones.c.id == zone.id)
        .values(**values)
    )
    if changed.rowcount == 1:
        return True
    if last.zones >= MAX_ZONES:
        return False
    return insert_new(
        tx, delivery_zones, {**key, **values, "position": last.position + 1}, conflict=["vendor_id", "id"]
    )


def remove_zone(tx: Tx, vendor_id: VendorId, zone_id: str) -> bool:
    """Returns whether there was one. Orders keep what they say of it."""
    gone = tx.execute(
        delete(delivery_zones).where(delivery_zones.c.vendor_id == vendor_id, delivery_zones.c.id == zone_id)
    )
    return gone.rowcount == 1


_OF_SHOP = (
    select(delivery_zones)
    .where(delivery_zones.c.vendor_id == bindparam("vendor"))
    .order_by(delivery_zones.c.position, delivery_zones.c.id)
)
_LAST = select(
    func.coalesce(func.max(delivery_zones.c.position), 0).label("position"), func.count().label("zones")
).where(delivery_zones.c.vendor_id == bindparam("vendor"))


def _zone(row: Row[Any], currency: Currency) -> Zone:
    return Zone(
        id=row.id,
        name=row.name,
        fee=Money(row.fee_minor, currency),
        centre=None if row.latitude_e6 is None else Place(row.latitude_e6, row.longitude_e6),
        radius_m=row.radius_m,
    )
