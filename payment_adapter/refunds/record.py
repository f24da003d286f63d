"""A refund as it was read, and the event that tells the router of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from contracts.money import Currency, Money
from contracts.payment_api import NewRefund, RefundEvent
from contracts.states import Rail
from payment_adapter.providers.base import ChargeRef
from payment_adapter.refunds.rules import NEWS, RefundState


@dataclass(frozen=True, slots=True)
class Refund:
    vendor_id: str
    refund_id: str
    provider: str
    asked_transaction_id: str | None
    asked_receipt: str | None
    amount: Money
    note: str
    created_at: datetime
    payment_id: str
    payment: ChargeRef
    """What it gives back from."""
    status: RefundState
    detail: str | None
    claim_owner: str | None
    claimed_at: datetime | None
    provider_refund_id: str | None
    refund_receipt: str | None
    next_ask_at: datetime | None

    @classmethod
    def of(cls, row: Row[Any]) -> "Refund":
        currency = Currency(row.currency)
        return cls(
            vendor_id=row.vendor_id,
            refund_id=row.refund_id,
            provider=row.provider,
            asked_transaction_id=row.asked_transaction_id,
            asked_receipt=row.asked_receipt,
            amount=Money(row.amount_minor, currency),
            note=row.note,
            created_at=row.created_at,
            payment_id=row.payment_id,
            payment=ChargeRef(
                Rail(row.rail),
                Money(row.paid_minor, currency),
                row.our_reference,
                row.provider_transaction_id,
                row.receipt,
            ),
            status=RefundState(row.status),
            detail=row.detail,
            claim_owner=row.claim_owner,
            claimed_at=row.claimed_at,
            provider_refund_id=row.provider_refund_id,
            refund_receipt=row.refund_receipt,
            next_ask_at=row.next_ask_at,
        )

    def says_the_same_as(self, wish: NewRefund) -> bool:
        """Whether the wish is for this refund. A receipt that was not known when it was first asked for may be named
        the next time."""
        return (
            self.vendor_id == wish.vendor_id
            and self.provider == wish.provider
            and self.amount == Money(wish.amount_minor, wish.currency)
            and self.note == wish.note
            and _agree(wish.provider_transaction_id, self.asked_transaction_id, self.payment.transaction_id)
            and _agree(wish.receipt, self.asked_receipt, self.payment.receipt)
        )

    def event(self, now: datetime) -> RefundEvent | None:
        """What the router is told of this state; None where it is told nothing. The same fact has one id."""
        status = NEWS.get(self.status)
        if status is None:
            return None
        return RefundEvent(
            event_id=f"refund:{self.refund_id}:{status}",
            refund_id=self.refund_id,
            vendor_id=self.vendor_id,
            status=status,
            provider_refund_id=self.refund_receipt or self.provider_refund_id,
            detail=self.detail,
            occurred_at=now,
        )


def _agree(named: str | None, asked: str | None, found: str | None) -> bool:
    return named is None or found is None or named in (asked, found)
