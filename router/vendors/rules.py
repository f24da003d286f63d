"""What a shop may do, decided from plain values. The one gate that every route passes."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from contracts.ids import VendorId
from contracts.money import Currency
from contracts.states import RAIL_CAPABILITY, Capability, Rail


class VendorStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Vendor:
    """A shop as the platform knows it. `timezone` is an IANA name; `word` is casefolded."""

    id: VendorId
    name: str
    word: str
    status: VendorStatus
    currency: Currency
    locale: str
    timezone: str
    has_own_database: bool
    capabilities: frozenset[str]
    billing_anchor_day: int = 1
    """The local day on which a month of usage begins: 1 to 28."""


class Denial(StrEnum):
    SUSPENDED = "suspended"
    CAPABILITY_MISSING = "capability_missing"


@dataclass(frozen=True, slots=True)
class Allowed:
    """Go ahead."""


@dataclass(frozen=True, slots=True)
class Denied:
    reason: Denial
    detail: str


def gate(vendor: Vendor, needs: Iterable[Capability]) -> Allowed | Denied:
    if vendor.status is not VendorStatus.ACTIVE:
        return Denied(Denial.SUSPENDED, f"the shop {vendor.name} is suspended: it can't serve customers at the moment")
    missing = sorted(capability for capability in needs if capability not in vendor.capabilities)
    if missing:
        return Denied(Denial.CAPABILITY_MISSING, f"the shop {vendor.name} has not enabled {', '.join(missing)}")
    return Allowed()


RAIL_CURRENCY: dict[Rail, Currency] = {Rail.MPESA_STK: Currency.KES}
"""The rails that can be charged, and in what. A rail that is missing here is not offered, whatever a shop enables."""


def rails_of(vendor: Vendor) -> list[Rail]:
    """The rails on which this shop can be paid now."""
    return [
        rail
        for rail, currency in RAIL_CURRENCY.items()
        if RAIL_CAPABILITY[rail] in vendor.capabilities and currency is vendor.currency
    ]
