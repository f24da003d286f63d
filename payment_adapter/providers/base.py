"""The contract that every provider fulfils: create a charge, look one up, read a callback; in our words, not in theirs.

A provider keeps no charge and opens no database: it gets what it needs and says what it learned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

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
    retry_after_s: int | None = None
    """How long the next try should wait, where the provider says so. None: no longer than a person takes."""
    is_throttled: bool = False
    """The provider has had too many requests of this shop, or of everybody: other charges should wait, too."""


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
    is_throttled: bool = False
    """As of a Failure."""
    is_refused: bool = False
    """The provider does not take these credentials, or they can't be used: another set of the shop's may be taken."""


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
    answer: str | None = None
    """Of the answer to our own question about a receipt: how it stands, in the provider's word."""


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """What to ask of the provider, once."""

    refund_id: str
    charge: ChargeRef
    amount: Money
    note: str
    result_url: Secret
    """Where a provider that answers later sends the result. What comes to `/timeout` below it decides nothing."""


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """What a provider says of a refund: FAILED only where it is certain that no money went back."""

    status: RefundStatus
    provider_refund_id: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class RefundReport:
    """What a result says of a refund, and of which payment it says so, where it does."""

    answer: RefundAnswer
    receipt: str | None = None
    """Of the payment that it gives back."""
    amount_minor: int | None = None
    refund_receipt: str | None = None
    """Of the refund itself, as it stands in the shop's statement."""


@dataclass(frozen=True, slots=True)
class RefundQuestion:
    """What a refund is asked about by."""

    refund_id: str
    charge: ChargeRef
    amount: Money
    provider_refund_id: str
    result_url: Secret
    """Where a provider that answers later sends what it found."""


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
    is_account: bool = False
    """It says whose account is paid: sets that differ in it are of two accounts."""
    is_multiline: bool = False
    """Text of several lines is pasted there."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was learned by trying a vendor's settings at the provider."""

    setting: str
    is_good: bool
    says: str
    """For the vendor: what is wrong and what to do. Holds no secret."""


@runtime_checkable
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


@runtime_checkable
class NoticeReader(Protocol):
    """Providers that send to one address of the shop."""

    def read_notice(self, body: bytes, headers: Mapping[str, str], credentials: Credentials) -> Notice:
        """Raises CallbackForged, CallbackUnreadable."""
        ...

    def acknowledgement(self, *, is_kept: bool) -> Mapping[str, object]:
        """The body that the provider expects in answer."""
        ...


@runtime_checkable
class SecretEchoer(Protocol):
    """Providers that send a shop's own secrets back to it."""

    def without_secrets(self, body: bytes, credentials: Credentials) -> bytes:
        """What of a notice may be kept: it reads the same, and none of the shop's secrets stands in it."""
        ...


@runtime_checkable
class NoticeChecker(Protocol):
    """Providers that ask, at the shop's address with `/check` behind it, before they take money paid by hand."""

    def check_notice(self, body: bytes, headers: Mapping[str, str], credentials: Credentials) -> Mapping[str, object]:
        """The body that answers it: whether this can be meant for the shop. Of form only; calls nobody and raises
        nothing, whatever comes."""
        ...


@runtime_checkable
class Refunder(Protocol):
    """Providers that give money back."""

    def refund(self, order: RefundOrder, credentials: Credentials) -> RefundAnswer:
        """Ask once. Blocks for the provider's timeouts; call it with no transaction open."""
        ...


@runtime_checkable
class RefundLimits(Protocol):
    """Providers that can't give everything back."""

    def why_not_refund(self, charge: ChargeRef, amount: Money, credentials: Credentials) -> str | None:
        """Why this can't be given back, in words for the shop; None: it may be asked for. Calls nobody."""
        ...


@runtime_checkable
class LateRefunder(Protocol):
    """Providers that say how a refund ended after they took it."""

    def read_refund_result(self, body: bytes) -> RefundReport:
        """What came to a refund's `result_url`. Raises CallbackUnreadable."""
        ...

    def ask_refund(self, question: RefundQuestion, credentials: Credentials) -> RefundReport | NoAnswer | None:
        """Ask what became of a refund. None: the answer comes to the question's `result_url`."""
        ...

    def read_refund_answer(self, body: bytes) -> RefundReport | NoAnswer:
        """What came to a question's `result_url`. Raises CallbackUnreadable."""
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
