"""What belongs to an order besides its lines, and what it all comes to. Pure: no database, no clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from contracts.money import Currency, Money
from contracts.places import Place
from contracts.states import FulfilmentKind


class Priced(Protocol):
    """A line."""

    @property
    def total(self) -> Money: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the goods get to the customer; the zone's name and fee as they were when it was chosen."""

    kind: FulfilmentKind
    fee: Money
    zone_id: str | None = None
    zone_name: str | None = None
    place: Place | None = None
    landmark: str = ""


@dataclass(frozen=True, slots=True)
class Discount:
    """The terms of an order's voucher as they were when it was given: `percent` or `amount`, from `minimum` on."""

    voucher_id: str
    code: str
    percent: int | None
    amount: Money | None
    minimum: Money

    def on(self, subtotal: Money) -> Money:
        """What it takes off goods of this price, never more than they cost. Parts of a shilling are the shop's."""
        currency = subtotal.currency
        if subtotal.minor < self.minimum.minor:
            return Money.zero(currency)
        if self.percent is not None:
            part = subtotal.minor * self.percent // 100
            if currency is Currency.KES:
                part -= part % currency.minor_per_whole
            return Money(part, currency)
        fixed = 0 if self.amount is None else self.amount.minor
        return Money(min(fixed, subtotal.minor), currency)


@dataclass(frozen=True, slots=True)
class Sum:
    """total = subtotal + fee - discount, and never below zero: whatever is sold leaves one whole unit to pay."""

    subtotal: Money
    fee: Money
    discount: Money

    @property
    def total(self) -> Money:
        return self.subtotal + self.fee - self.discount


def sum_of(
    lines: Iterable[Priced], currency: Currency, delivery: Delivery | None = None, discount: Discount | None = None
) -> Sum:
    """What an order of these lines comes to."""
    subtotal = zero = Money.zero(currency)
    for line in lines:
        subtotal += line.total
    fee = zero if delivery is None else delivery.fee
    if discount is None:
        return Sum(subtotal, fee, zero)
    # Nothing can collect nothing: an order is paid by money that arrives.
    most = max(0, subtotal.minor + fee.minor - currency.minor_per_whole)
    return Sum(subtotal, fee, Money(min(discount.on(subtotal).minor, most), currency))
