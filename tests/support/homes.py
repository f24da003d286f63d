"""Where vendors live, without a platform database that would say so."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from contracts.errors import ErrorCode
from contracts.ids import VendorId
from kit.problems import Problem
from router.targets import DbTarget, Dedicated, Location, Shared


@dataclass(slots=True)
class AllAt:
    """Every vendor lives at `place`, which may be changed at any time: whoever does not ask `anew` hears where it was
    when somebody last did."""

    place: Location = field(default_factory=Shared)
    named: Sequence[VendorId] = ()
    asked_anew: int = 0
    _seen: Location | None = None

    def location(self, vendor_id: VendorId, *, anew: bool = False) -> Location:
        self.asked_anew += anew
        if anew or self._seen is None:
            self._seen = self.place
        return self._seen

    def dedicated(self) -> Sequence[tuple[VendorId, DbTarget]]:
        if not isinstance(self.place, Dedicated):
            return ()
        return [(vendor_id, self.place.target) for vendor_id in self.named]


class Nowhere:
    """There is no vendor at all."""

    def location(self, vendor_id: VendorId, *, anew: bool = False) -> Location:
        raise Problem(404, ErrorCode.SHOP_UNKNOWN, "there is no shop with this id")

    def dedicated(self) -> Sequence[tuple[VendorId, DbTarget]]:
        return ()
