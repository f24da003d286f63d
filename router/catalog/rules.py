"""What a shop sells, and what may be said of it. Pure."""

from dataclasses import dataclass

from contracts.ids import ItemId
from contracts.money import Currency, Money


class PriceNotWhole(ValueError):
    """M-Pesa collects whole shillings: set a price without cents."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something a shop sells. `is_counted`: how many are left matters. `keywords` find it, too, and are not shown."""

    id: ItemId
    sku: str
    name: str
    description: str
    unit: str
    price: Money
    is_counted: bool
    category_id: str | None = None
    category: str | None = None
    keywords: str = ""
    has_picture: bool = False

    def __post_init__(self) -> None:
        if self.price.minor <= 0:
            raise ValueError("a price is positive")
        if self.price.currency is Currency.KES and not self.price.is_whole:
            raise PriceNotWhole(f"{self.name}: {self.price.minor} cents is not a whole price in shillings")
