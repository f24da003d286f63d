"""Which zone a place lies in. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from contracts.money import Currency, Money
from contracts.places import Place

MAX_ZONES = 100
"""Of one shop."""


class FeeNotWhole(ValueError):
    """M-Pesa collects whole shillings: set a fee without cents."""


@dataclass(frozen=True, slots=True)
class Zone:
    """Where the shop delivers for `fee`. On the map a circle, or chosen by its name."""

    id: str
    name: str
    fee: Money
    centre: Place | None = None
    radius_m: int | None = None

    def __post_init__(self) -> None:
        if self.fee.minor < 0:
            raise ValueError("a fee is not negative")
        if self.fee.currency is Currency.KES and not self.fee.is_whole:
            raise FeeNotWhole(f"{self.name}: {self.fee.minor} cents is not a whole fee in shillings")

    @property
    def is_on_map(self) -> bool:
        return self.centre is not None and self.radius_m is not None

    def holds(self, place: Place) -> bool:
        """False for a zone that is not on the map."""
        return self.centre is not None and self.radius_m is not None and self.centre.metres_to(place) <= self.radius_m


def zone_around(zones: Iterable[Zone], place: Place) -> Zone | None:
    """The smallest zone that holds it; of equal ones the cheapest, then the first by its id."""
    holding = [zone for zone in zones if zone.holds(place)]
    return min(holding, key=lambda zone: (zone.radius_m or 0, zone.fee.minor, zone.id), default=None)
