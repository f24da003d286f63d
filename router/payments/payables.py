"""What can be paid for, as the payment core sees it: it knows no orders, only what they answer when it asks.

Each room that sells something registers a handler in `router/app.py`; news of money goes up through it, in the
transaction of the payment event."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from contracts.events import EventType, OrderNews
from contracts.ids import CustomerId, PaymentRequestId, VendorId
from contracts.money import Money
from contracts.states import ExceptionKind, Rail
from kit.db import Tx

MAX_REFERENCE_LENGTH = 12
MAX_DESCRIPTION_LENGTH = 13
"""What Daraja's `AccountReference` and `TransactionDesc` hold."""


@dataclass(frozen=True, slots=True)
class Payable:
    """Something with a price and one customer. `kind` is a room's own word, such as `order`.

    Raises ValueError for an amount that is not positive and for texts that don't fit a prompt."""

    kind: str
    id: str
    customer_id: CustomerId
    amount: Money
    reference: str
    """The code a person reads in the prompt and a statement is matched by: 1 to 12 characters."""
    description: str
    """Up to 13 characters."""

    def __post_init__(self) -> None:
        if self.amount.minor <= 0:
            raise ValueError("only a positive amount can be collected")
        if not 1 <= len(self.reference) <= MAX_REFERENCE_LENGTH:
            raise ValueError(f"a reference has 1 to {MAX_REFERENCE_LENGTH} characters")
        if len(self.description) > MAX_DESCRIPTION_LENGTH:
            raise ValueError(f"a description has up to {MAX_DESCRIPTION_LENGTH} characters")


@dataclass(frozen=True, slots=True)
class Paid:
    """The exact amount has arrived for this payable, for the first time."""

    request_id: PaymentRequestId
    amount: Money
    rail: Rail | None
    """None for money that was paid to the till by hand."""
    receipt: str | None
    occurred_at: datetime
    """When the provider says it happened."""


@dataclass(frozen=True, slots=True)
class Fulfilled:
    """The payable took the money. `announce` is the news to send once everything is written."""

    announce: EventType


@dataclass(frozen=True, slots=True)
class CannotFulfil:
    """The money can't be used for it: `late` or `no_stock`. Whatever the handler changed is undone."""

    kind: ExceptionKind


class PayableHandler(Protocol):
    """What a room answers about its payables. Every method runs inside the caller's transaction."""

    def lock(self, tx: Tx, vendor_id: VendorId, payable_id: str) -> None:
        """Lock the payable's row (`SELECT … FOR UPDATE`) and nothing else.

        The order of locks is everywhere: customer, payable, its payment requests, stock. A room that calls the
        payment core about a payable it changes holds this lock already."""
        ...

    def find(self, tx: Tx, vendor_id: VendorId, reference: str) -> str | None:
        """The id of the payable that people call so, however they typed it; None if this room has none. Locks nothing:
        whoever paid a till by hand may have typed anything."""
        ...

    def on_paid(
        self, tx: Tx, vendor_id: VendorId, payable_id: str, paid: Paid, now: datetime
    ) -> Fulfilled | CannotFulfil:
        """Apply the first payment. Called at most once with a Fulfilled answer; announces nothing itself.

        It may be called for a payable that was cancelled or whose hold has expired: then it decides."""
        ...

    def news(self, tx: Tx, vendor_id: VendorId, payable_id: str, now: datetime) -> OrderNews:
        """How the payable stands now, and whom to tell."""
        ...


class UnknownPayableKind(LookupError):
    """No room has registered for this kind: register its handler in router/app.py."""


@dataclass(slots=True)
class Registry:
    """Who answers for which kind of payable."""

    _handlers: dict[str, PayableHandler] = field(default_factory=dict[str, PayableHandler])

    def register(self, kind: str, handler: PayableHandler) -> None:
        if kind in self._handlers:
            raise ValueError(f"{kind!r} is registered already")
        self._handlers[kind] = handler

    def find(self, tx: Tx, vendor_id: VendorId, reference: str) -> tuple[str, str] | None:
        """Kind and id of what people call so, or None."""
        for kind, handler in self._handlers.items():
            payable_id = handler.find(tx, vendor_id, reference)
            if payable_id is not None:
                return kind, payable_id
        return None

    def handler(self, kind: str) -> PayableHandler:
        """Raises UnknownPayableKind."""
        try:
            return self._handlers[kind]
        except KeyError:
            raise UnknownPayableKind(kind) from None
