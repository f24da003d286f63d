"""Messages that mean something only for a while: until a moment, or while what they speak of is still left lying."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import TypeAdapter


class Left(StrEnum):
    """What a customer left behind: a cart that was not ordered, or an order that was not paid."""

    CART = "cart"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class StillLeft:
    """That order of that shop, as it was at `as_of`."""

    what: Left
    vendor_id: str
    order_id: str
    as_of: datetime

    def to_json(self) -> dict[str, object]:
        """Plain JSON."""
        return _STILL_LEFT.dump_python(self, mode="json")

    @classmethod
    def from_json(cls, document: object) -> "StillLeft":
        """What `to_json` wrote. Raises pydantic's ValidationError for anything else."""
        return _STILL_LEFT.validate_python(document)


_STILL_LEFT = TypeAdapter(StillLeft)


@dataclass(frozen=True, slots=True)
class Passing:
    """At `not_after` and later it means nothing; nor once what it reminds of is dealt with, or whoever it is for has
    written again."""

    not_after: datetime
    while_left: StillLeft | None = None
