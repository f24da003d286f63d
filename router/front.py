"""What a shop shows a customer who comes in: whether it is open, and how goods get to them."""

from datetime import datetime

from contracts.states import FulfilmentKind
from router.delivery.service import Zones
from router.hours.service import OpeningHours
from router.vendors.service import Front, FrontOf, Vendor


def front_of(zones: Zones, hours: OpeningHours) -> FrontOf:
    """For the rooms below, which know neither zones nor hours."""

    def front(vendor: Vendor, now: datetime) -> Front:
        delivers = bool(zones.of(vendor.id, vendor.currency))
        ways = [FulfilmentKind.DELIVERY, FulfilmentKind.PICKUP] if delivers else []
        return Front(opening=hours.opening(vendor.id, vendor.timezone, now), fulfilment=ways)

    return front
