"""The ledger: claims and facts, appended and never changed. It is not a balance; the platform holds no one's money.

What each kind says, once per subject:
- `requested` (request): so much is asked of the customer.
- `authorized` (intent): the customer asked to be charged and a grant for it was signed.
- `paid` (request): exactly what was asked has arrived and the payable took it. At most one per request.
- `credited` (provider transaction): money arrived that could not be applied; an exception says why. It is owed a
  decision.
- `failed`, `expired` (intent): that try ended without money, as far as was known. A later `paid` outweighs it.
- `expired` (request): the time to pay ran out.
- `adjusted`, with a negative amount: the claim was withdrawn (request), money that had been credited is not set aside
  any more (provider transaction: it paid something after all, or was another's money reported twice), or money went
  back (refund).
Of one provider transaction all entries together are what came and did not go back.

- `settled` is left to reconciliation with a statement, and nothing writes it yet."""

from datetime import datetime

from sqlalchemy import insert

from contracts.ids import PaymentIntentId, PaymentRequestId, VendorId, derived_id
from contracts.money import Money
from contracts.states import LedgerKind
from kit.db import Tx
from router.payments.models import ledger_entries
from router.payments.transactions import Transaction

_INSERT = insert(ledger_entries)


def record(
    tx: Tx,
    kind: LedgerKind,
    *,
    vendor_id: VendorId,
    subject: str,
    amount: Money,
    now: datetime,
    request_id: PaymentRequestId | None = None,
    intent_id: PaymentIntentId | None = None,
    transaction_id: str | None = None,
    note: str | None = None,
) -> None:
    """Append one entry. Raises IntegrityError if this fact of this subject is in the ledger already: the caller's
    state machine lets each happen once."""
    tx.execute(
        _INSERT,
        {
            "vendor_id": vendor_id,
            "id": derived_id("ledger", vendor_id, kind, subject),
            "kind": kind,
            "subject": subject,
            "request_id": request_id,
            "intent_id": intent_id,
            "transaction_id": transaction_id,
            "amount_minor": amount.minor,
            "currency": amount.currency,
            "note": note,
            "recorded_at": now,
        },
    )


def adjust(
    tx: Tx, transaction: Transaction, subject: str, amount: Money, now: datetime, *, note: str | None = None
) -> None:
    """So much of what a transaction brought is not counted any more. Raises as `record`."""
    record(
        tx,
        LedgerKind.ADJUSTED,
        vendor_id=transaction.vendor_id,
        subject=subject,
        amount=Money(-amount.minor, amount.currency),
        now=now,
        request_id=transaction.request_id,
        intent_id=transaction.intent_id,
        transaction_id=transaction.id,
        note=note,
    )
