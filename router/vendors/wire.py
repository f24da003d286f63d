"""What travels over the API about shops, their capabilities, keys and limits. The command line speaks the same."""

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contracts.money import Currency
from contracts.states import Capability, Rail
from kit.paging import InOrder, Time
from router.databases import IsolationLevel
from router.operations import KeyScope
from router.vendors.rules import Switcher, VendorStatus
from router.vendors.words import LOCALES, problem_with_word

MAX_PER_MINUTE = 1_000_000


class _Sent(BaseModel):
    """A field that nobody knows is a typing mistake: better refused than ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _Answered(BaseModel):
    model_config = ConfigDict(frozen=True)


def _plain(text: str) -> str:
    text = " ".join(text.split())
    if not text or not text.isprintable():
        raise ValueError("write it in visible characters, on one line")
    return text


def _word(text: str) -> str:
    word = text.strip().casefold()
    problem = problem_with_word(word)
    if problem is not None:
        raise ValueError(problem)
    return word


def _zone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError("no such time zone; use an IANA name such as Africa/Nairobi or Africa/Luanda")
    return text


def _locale(text: str) -> str:
    if text not in LOCALES:
        raise ValueError(f"expected one of {', '.join(LOCALES)}")
    return text


Name = Annotated[str, StringConstraints(max_length=100), AfterValidator(_plain)]
Word = Annotated[str, StringConstraints(max_length=60), AfterValidator(_word)]
Zone = Annotated[str, StringConstraints(max_length=60), AfterValidator(_zone)]
Locale = Annotated[str, StringConstraints(max_length=20), AfterValidator(_locale)]
ShopId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
MpesaNumber = Annotated[str, StringConstraints(pattern=r"^([0-9]{5,10})?$")]
AnchorDay = Annotated[int, Field(ge=1, le=28)]
PerMinute = Annotated[int, Field(ge=1, le=MAX_PER_MINUTE)]


# --- shops ---------------------------------------------------------------------------------------------------------


class NewVendor(_Sent):
    """`id` and `word` are made up from the name where they are left out. The currency stays for good."""

    name: Name
    id: ShopId | None = None
    word: Word | None = None
    currency: Currency = Currency.KES
    locale: Locale = "en"
    timezone: Zone = "Africa/Nairobi"
    billing_anchor_day: AnchorDay = 1
    capabilities: Annotated[list[Capability], Field(max_length=50)] = Field(
        default_factory=lambda: [Capability.CATALOG, Capability.ORDERS]
    )
    db_target: dict[str, Any] | None = None
    """Where its own database is. Left out: the shop lives in the shared one."""


class VendorChange(_Sent):
    """What is left out stays."""

    name: Name | None = None
    word: Word | None = None
    locale: Locale | None = None
    timezone: Zone | None = None
    billing_anchor_day: AnchorDay | None = None
    paybill: MpesaNumber | None = Field(
        None,
        description="The business number that customers are told to pay to by hand, with the order's code as the "
        "account. Empty: none any more. Set it once `dukani c2b register` has been run, or nobody hears of the money.",
        examples=["174379"],
    )
    till: MpesaNumber | None = Field(
        None, description="The same for a till, where no account can be typed: customers send M-Pesa's code."
    )

    @model_validator(mode="after")
    def _something(self) -> "VendorChange":
        if not self.values():
            raise ValueError("say what is to change: name, word, locale, timezone, billing_anchor_day, paybill or till")
        return self

    def values(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class LimitsView(_Answered):
    """Requests a minute."""

    shop_per_minute: int
    bot_per_minute: int
    key_per_minute: int
    customer_per_minute: int


class LimitsChange(_Sent):
    """Requests a minute. null: as for every shop. What is left out stays."""

    shop_per_minute: PerMinute | None = None
    bot_per_minute: PerMinute | None = None
    key_per_minute: PerMinute | None = None
    customer_per_minute: PerMinute | None = None


class VendorDetail(_Answered):
    """Where its database is, beside `isolation_level`, is nobody's business here."""

    id: str
    name: str
    word: str
    status: VendorStatus
    isolation_level: IsolationLevel
    currency: Currency
    locale: str
    timezone: str
    billing_anchor_day: int
    paybill: str | None
    till: str | None
    capabilities: list[str]
    limits: LimitsView
    created_at: datetime | None


class VendorPage(_Answered):
    vendors: list[VendorDetail]
    next_cursor: str | None = None


class VendorQuery(InOrder):
    status: VendorStatus | None = None
    isolation: IsolationLevel | None = None
    word: Annotated[str, StringConstraints(max_length=60)] | None = None
    """Shops whose word begins so."""


class VendorChangeRecord(_Answered):
    subject: str
    old_value: str | None
    new_value: str | None
    changed_at: datetime
    changed_by: str


class VendorChanges(_Answered):
    changes: list[VendorChangeRecord]
    next_cursor: str | None = None


# --- capabilities --------------------------------------------------------------------------------------------------


class CapabilityView(_Answered):
    capability: Capability
    enabled: bool
    meaning: str
    switched_by: Switcher


class CapabilityList(_Answered):
    capabilities: list[CapabilityView]


class SwitchCapability(_Sent):
    enabled: bool


# --- rails ---------------------------------------------------------------------------------------------------------


class RailView(_Answered):
    rail: Rail
    meaning: str
    capability: Capability
    is_enabled: bool
    """The shop has the capability."""
    is_ready: bool
    """The shop's settings for it are complete."""
    is_offered: bool
    """Customers can pay on it now."""
    missing: list[str] | None
    """The names of settings that are missing or not usable. null: nothing was ever stored."""


class RailList(_Answered):
    rails: list[RailView]


# --- keys ----------------------------------------------------------------------------------------------------------


class NewKey(_Sent):
    name: Name
    scopes: Annotated[list[KeyScope], Field(min_length=1, max_length=50)]
    expires_at: Time | None = None


class NewPlatformKey(_Sent):
    """A key of the platform opens every shop: its scope is `platform`."""

    name: Name
    expires_at: Time | None = None


class KeyView(_Answered):
    id: str
    vendor_id: str | None
    name: str
    scopes: list[str]
    status: str
    """`active`, `expired` or `revoked`."""
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str | None
    last_used_at: datetime | None
    """To the minute or so."""


class KeyMade(KeyView):
    token: str | None = None
    """Shown in the first answer alone: nobody keeps it, so a repeat under the same Idempotency-Key has null here."""


class KeyPage(_Answered):
    keys: list[KeyView]
    next_cursor: str | None = None
