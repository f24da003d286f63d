"""The contract that every provider fulfils: create a charge, look one up, read a callback; in our words, not in theirs.

A provider keeps no charge and opens no database: it gets what it needs and says what it learned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from contracts.money import Money
from contracts.states import FailureReason, PaymentEventStatus, Rail
from payment_adapter.vault.secret import Secret
from payment_adapter.vault.service import Credentials


@dataclass(frozen=True, slots=True)
class ChargeOrder:
    """What to ask of the provider, once."""

    amount: Money
    payer_msisdn: str = field(repr=False)
    account_reference: str
    """At most 12 characters; the customer sees it in the prompt."""
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


@dataclass(frozen=True, slots=True)
class Refused:
    """Certain: nothing reached the payer."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Unclear:
    """The request may have arrived and it may not. Never sent again."""

    detail: str


Outcome = Accepted | Refused | Unclear


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
class NoAnswer:
    """The look-up itself failed: nothing was learned."""

    detail: str


class CallbackUnreadable(ValueError):
    """The body is not what this provider sends. It is kept for a person to look at."""


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

    def look_up(self, transaction_id: str, credentials: Credentials) -> Report | NoAnswer:
        """Ask what became of it. Changes nothing at the provider; call it with no transaction open."""
        ...

    def read_callback(self, body: bytes, headers: Mapping[str, str]) -> Report:
        """Raises CallbackUnreadable."""
        ...
