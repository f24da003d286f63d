"""The contract that every provider fulfils: create a charge, look one up, read a callback; in our words, not in theirs.

A provider keeps no charge and opens no database: it gets what it needs and says what it learned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from contracts.money import Money
from contracts.payment_api import PaymentInstructions, RefundStatus
from contracts.states import FailureReason, PaymentEventStatus, Rail
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials


@dataclass(frozen=True, slots=True)
class ChargeOrder:
    """What to ask of the provider, once."""

    rail: Rail
    amount: Money
    payer_msisdn: str | None = field(repr=False)
    """None only for rails that ring no phone."""
    account_reference: str
    """At most 12 characters; the customer sees it in the prompt."""
    our_reference: str
    """15 capital letters and digits, of this charge alone: its name for providers that let us give one."""
    description: str
    """At most 13 characters."""
    callback_url: Secret
    """Secret, because it ends in the charge's own secret."""
    send_before: datetime
    """Past this moment nothing may leave any more."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A provider's code in our words. `code` and `detail` are the provider's own, kept for people."""

    reason: FailureReason
    may_retry: bool
    """Whether the customer may be offered another try."""
    code: str
    detail: str
    ends_prompt: bool = False
    """The customer's phone itself gave this outcome: no later answer to the same prompt can come."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the charge. It is not paid yet."""

    transaction_id: str
    request_id: str | None
    instructions: PaymentInstructions | None = field(default=None, repr=False)
    """How to pay it, for rails that ring no phone."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Certain: nothing reached the payer."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Unclear:
    """The request may have arrived and it may not. Never sent again."""

    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a callback or a look-up says of one charge. What it does not say is None, and never guessed."""

    status: PaymentEventStatus
    failure: Failure | None = None
    amount_minor: int | None = None
    receipt: str | None = None
    payer_msisdn: str | None = field(default=None, repr=False)
    transaction_id: str | None = None
    request_id: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """The answer to our own request says how it ended: the provider kept us waiting for the payer."""

    report: Report


Outcome = Accepted | Settled | Refused | Unclear


@dataclass(frozen=True, slots=True)
class ChargeRef:
    """What a charge is called, to ask about it or to give its money back."""

    rail: Rail
    amount: Money
    our_reference: str
    transaction_id: str | None
    """The provider's own id. None where the answer to our request was lost."""
    receipt: str | None


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The look-up itself failed: nothing was learned."""

    detail: str


class CallbackUnreadable(ValueError):
    """The body is not what this provider sends. It is kept for a person to look at."""


class CallbackForged(ValueError):
    """The signature is missing or wrong. It is answered 401, and changes nothing."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a provider sent to a shop's own address, which no charge's secret ends: of a charge that we made, named by
    `our_reference` or by the report's transaction id, or of money that was paid by hand."""

    event_id: str
    """Of this fact: the same fact sent twice has one id."""
    report: Report
    our_reference: str | None = None
    paid_by_hand: bool = False
    account_reference: str | None = None
    """Of money paid by hand: what the payer typed as the account number."""
    payer_name: str | None = field(default=None, repr=False)
    must_be_confirmed: bool = False
    """A hint that nobody signed: believed only once a look-up says the same."""


@dataclass(frozen=True, slots=True)
class RefundOrder:
    refund_id: str
    charge: ChargeRef
    amount: Money
    note: str
    result_url: Secret
    """Where a provider that answers later sends the result."""


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    status: RefundStatus
    provider_refund_id: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of a vendor's settings for a provider."""

    name: str
    label: str
    is_secret: bool
    rails: frozenset[Rail]
    """Which can't work without it."""
    hint: str = ""
    """Where the vendor finds it, and what it looks like."""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What was learned by trying a vendor's settings at the provider."""

    setting: str
    is_good: bool
    says: str
    """For the vendor: what is wrong and what to do. Holds no secret."""


class SettingsHolder(Protocol):
    """What a provider needs to know of a vendor, and whether it is right."""

    @property
    def settings(self) -> tuple[Setting, ...]: ...

    def missing(self, fields: Mapping[str, Secret]) -> Mapping[Rail, list[str]]:
        """By rail of this provider, the settings that are missing or malformed; an empty list: ready."""
        ...

    def try_out(self, credentials: Credentials) -> list[Finding]:
        """Ask the provider for a live token and whatever else is harmless. Blocks for its timeouts."""
        ...


class NoticeReader(Protocol):
    """Providers that send to one address of the shop."""

    def read_notice(self, body: bytes, headers: Mapping[str, str], credentials: Credentials) -> Notice:
        """Raises CallbackForged, CallbackUnreadable."""
        ...

    def acknowledgement(self, *, is_kept: bool) -> Mapping[str, object]:
        """The body that the provider expects in answer."""
        ...


class Refunder(Protocol):
    def refund(self, order: RefundOrder, credentials: Credentials) -> RefundAnswer:
        """Ask once. Blocks for the provider's timeouts; call it with no transaction open."""
        ...


class Provider(Protocol):
    @property
    def name(self) -> str:
        """As it stands in event ids: `mpesa`."""
        ...

    @property
    def rails(self) -> frozenset[Rail]: ...

    def create_charge(self, order: ChargeOrder, credentials: Credentials) -> Outcome:
        """Ask for the charge at most once. Blocks for the provider's timeouts; call it with no transaction open."""
        ...

    def can_look_up(self, charge: ChargeRef) -> bool:
        """Whether there is anything to ask by."""
        ...

    def look_up(self, charge: ChargeRef, credentials: Credentials) -> Report | NoAnswer:
        """Ask what became of it. Changes nothing at the provider; call it with no transaction open."""
        ...

    def read_callback(self, body: bytes, headers: Mapping[str, str]) -> Report:
        """Raises CallbackUnreadable."""
        ...
