"""Points on the map, as a pin in a chat gives them: kept as whole millionths of a degree (eleven centimetres)."""

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from typing import Annotated, Self

from pydantic import Field

Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
"""Degrees north of the equator, as WhatsApp sends them."""
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
"""Degrees east of Greenwich."""

EXAMPLE = (-1.2921, 36.7856)
"""Degrees of Kilimani in Nairobi, to show how a place is written."""

_MAP = "https://www.google.com/maps/search/?api=1&query="
"""Google's address for any device: https://developers.google.com/maps/documentation/urls/get-started"""

_EARTH_RADIUS_M = 6_371_009
_MILLION = 1_000_000


def map_url(latitude: float, longitude: float) -> str:
    """What opens a map at this place, on a phone and in a browser. Degrees."""
    return f"{_MAP}{latitude:.6f},{longitude:.6f}"


@dataclass(frozen=True, slots=True)
class Place:
    """Millionths of a degree."""

    latitude_e6: int
    longitude_e6: int

    @classmethod
    def at(cls, latitude: float, longitude: float) -> Self:
        """From degrees, as a pin gives them."""
        return cls(round(latitude * _MILLION), round(longitude * _MILLION))

    @property
    def latitude(self) -> float:
        """In degrees."""
        return self.latitude_e6 / _MILLION

    @property
    def longitude(self) -> float:
        """In degrees."""
        return self.longitude_e6 / _MILLION

    def metres_to(self, other: "Place") -> int:
        """As the crow flies, on a round earth: good to half a percent."""
        north, south = radians(self.latitude), radians(other.latitude)
        half_up, half_along = (north - south) / 2, radians(self.longitude - other.longitude) / 2
        chord = sin(half_up) ** 2 + cos(north) * cos(south) * sin(half_along) ** 2
        return round(2 * _EARTH_RADIUS_M * asin(sqrt(min(1.0, chord))))
