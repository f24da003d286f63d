"""What a shop may do and how often, decided from plain values. The one gate that every route passes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contracts.ids import VendorId
from contracts.money import Currency
from contracts.states import RAIL_CAPABILITY, Capability, Rail
from router.targets import Location, Shared


class VendorStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Requests a minute. What is set here holds for every shop that has no row, or NULL, in `vendor_limits`.

    They are there so that one caller can't take the service from the others, so each is far above honest use: a chat
    turn asks one to three things, a console page about ten. What protects money (payment attempts and pushes a day) is
    counted in the database and not here."""

    shop_per_minute: int = 3_000
    """All API keys of one shop together."""
    bot_per_minute: int = 12_000
    """Our own bot for one shop: 200 a second."""
    key_per_minute: int = 1_200
    """One API key, of a shop or of the platform."""
    customer_per_minute: int = 120
    """What one customer's messages make the bot ask for in one shop."""


@dataclass(frozen=True, slots=True)
class RailState:
    """What the payment adapter told of one rail of a shop."""

    rail: Rail
    is_ready: bool
    """The shop's settings for it are complete."""
    missing: tuple[str, ...] = ()
    """The names of those that are not there, or not usable."""


_WITH_THE_OTHERS = Shared()


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
    rail_states: tuple[RailState, ...] = ()
    """Of the rails whose capability it has, those that the payment adapter told of."""
    billing_anchor_day: int = 1
    """The local day on which a month of usage begins: 1 to 28."""
    limits: RateLimits = RateLimits()
    location: Location = _WITH_THE_OTHERS
    paybill: str | None = None
    """The business number that customers may pay to by hand, with an order's code as the account. Public."""
    till: str | None = None
    """The same where no account can be typed: the number of a till."""
    trouble: str | None = None
    """What is wrong with its row, so that nobody can be served until it is corrected."""


class Denial(StrEnum):
    SUSPENDED = "suspended"
    MISCONFIGURED = "misconfigured"
    CAPABILITY_MISSING = "capability_missing"


@dataclass(frozen=True, slots=True)
class Allowed:
    """Go ahead."""


@dataclass(frozen=True, slots=True)
class Denied:
    reason: Denial
    detail: str
    missing: tuple[Capability, ...] = ()


def gate(vendor: Vendor, needs: Iterable[Capability]) -> Allowed | Denied:
    if vendor.status is not VendorStatus.ACTIVE:
        return Denied(Denial.SUSPENDED, f"the shop {vendor.name} is suspended: it can't serve customers at the moment")
    if vendor.trouble is not None:
        return Denied(Denial.MISCONFIGURED, f"the shop {vendor.name} can't be served: {vendor.trouble}")
    missing = tuple(sorted(capability for capability in needs if capability not in vendor.capabilities))
    if missing:
        ways = "; ".join(f"{each}: {_way_to_enable(vendor.id, each)}" for each in missing)
        detail = f"the shop {vendor.name} has not enabled {', '.join(missing)}. {ways}"
        return Denied(Denial.CAPABILITY_MISSING, detail, missing)
    return Allowed()


class Switcher(StrEnum):
    """Who may switch a capability on and off."""

    SHOP = "shop"
    """The shop itself, with an API key good for shop:write; and an operator."""
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class CapabilityNote:
    meaning: str
    switched_by: Switcher


CAPABILITY_NOTES: Mapping[Capability, CapabilityNote] = {
    Capability.CATALOG: CapabilityNote("customers see what the shop sells", Switcher.SHOP),
    Capability.ORDERS: CapabilityNote("customers fill a cart and confirm orders", Switcher.SHOP),
    # A rail needs an agreement with the provider and credentials in the payment adapter. Switched on without them it
    # promises customers a prompt that never comes, so somebody looks first.
    Capability.MPESA_STK: CapabilityNote("customers pay by a prompt from M-Pesa", Switcher.OPERATOR),
    Capability.EKWANZA_GPO: CapabilityNote("customers pay by a prompt of Multicaixa Express", Switcher.OPERATOR),
    Capability.EKWANZA_REF: CapabilityNote("customers pay a Multicaixa reference", Switcher.OPERATOR),
    Capability.EKWANZA_TICKET: CapabilityNote("customers pay an e-Kwanza ticket", Switcher.OPERATOR),
    Capability.LINKS: CapabilityNote("the shop makes links that customers pay", Switcher.SHOP),
    Capability.TICKETS: CapabilityNote("the shop sells admission tickets and checks them", Switcher.SHOP),
    Capability.SUBSCRIPTIONS: CapabilityNote("the shop sells subscriptions", Switcher.SHOP),
    # What a shop is billed by is not the shop's to switch.
    Capability.METERING: CapabilityNote("usage is counted and charged by what was used", Switcher.OPERATOR),
    Capability.HANDOVER: CapabilityNote("a person of the shop takes over a chat", Switcher.SHOP),
}
"""Every capability: what it means to have it, and who decides."""


def _way_to_enable(vendor_id: VendorId, capability: Capability) -> str:
    by_operator = f"an operator can switch it on (dukani vendor enable {vendor_id} {capability})"
    if CAPABILITY_NOTES[capability].switched_by is Switcher.OPERATOR:
        return by_operator
    return f'the shop can switch it on itself (PUT /api/v1/capabilities/{capability} with {{"enabled": true}})'


RAIL_CURRENCY: Mapping[Rail, Currency] = {
    Rail.MPESA_STK: Currency.KES,
    Rail.GPO: Currency.AOA,
    Rail.EMIS_REF: Currency.AOA,
    Rail.TICKET: Currency.AOA,
}
"""The rails that can be charged, and in what. A rail that is missing here is not offered, whatever a shop enables."""


def fitting_rails(currency: Currency) -> list[Rail]:
    """The rails that charge in this currency, in the order in which they are offered."""
    return [rail for rail, theirs in RAIL_CURRENCY.items() if theirs is currency]


def rails_of(vendor: Vendor) -> list[Rail]:
    """The rails on which this shop can be paid now: switched on, in its currency, and with complete settings."""
    ready = {state.rail for state in vendor.rail_states if state.is_ready}
    return [
        rail
        for rail in fitting_rails(vendor.currency)
        if RAIL_CAPABILITY[rail] in vendor.capabilities and rail in ready
    ]


def why_not_offered(vendor: Vendor, rail: Rail | None = None) -> str:
    """Why this shop can't be paid on that rail, or on any, and what to do about it: for the shop and its operator."""
    fitting = fitting_rails(vendor.currency)
    if rail is not None and rail not in fitting:
        names = ", ".join(fitting)
        return f"{vendor.name} sells in {vendor.currency}, which {rail} does not charge; what does: {names}"
    meant = fitting if rail is None else [rail]
    enabled = [each for each in meant if RAIL_CAPABILITY[each] in vendor.capabilities]
    if not enabled:
        ways = "; ".join(_way_to_enable(vendor.id, RAIL_CAPABILITY[each]) for each in meant)
        return f"{vendor.name} has not enabled {', '.join(RAIL_CAPABILITY[each] for each in meant)}: {ways}"
    lacks = "; ".join(f"{each} lacks {_lacking(vendor, each)}" for each in enabled)
    return (
        f"{vendor.name} can't be paid yet: {lacks}. They are given at the address that POST /api/v1/credentials-links "
        f"answers, or that an operator gets (dukani secrets link {vendor.id})"
    )


def _lacking(vendor: Vendor, rail: Rail) -> str:
    known = next((state for state in vendor.rail_states if state.rail is rail), None)
    return ", ".join(known.missing) if known is not None and known.missing else "all its settings"


_USUAL_ZONE: Mapping[Currency, str] = {Currency.KES: "Africa/Nairobi", Currency.AOA: "Africa/Luanda"}


def zone_for(timezone: str, currency: Currency) -> tuple[str, str | None]:
    """The zone to count days in, and what is wrong with the one that was asked for, if anything.

    A payment that comes in meanwhile must be recorded on some day, so there is always one."""
    if is_zone(timezone):
        return timezone, None
    trouble = f"its timezone {timezone[:60]!r} is not one of the IANA zones, such as {_USUAL_ZONE[currency]}"
    return _USUAL_ZONE[currency], trouble


@lru_cache(maxsize=1024)
def is_zone(timezone: str) -> bool:
    """Whether it is the name of a time zone that this machine knows."""
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
