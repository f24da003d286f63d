"""Provider transactions: the provider's own ids and receipts, mirrored. Each has one effect here, once and for ever."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Row, and_, func, select, update

from contracts.ids import PaymentIntentId, PaymentRequestId, VendorId, derived_id
from contracts.payment_api import PaymentEvent
from kit.db import Tx, insert_new
from router.payments.models import Effect, provider_transactions

_log = structlog.get_logger()

OWN_ID = "own:"
"""Starts the id that we give to a transaction whose provider's id is not known (yet)."""


@dataclass(frozen=True, slots=True)
class Transaction:
    id: str
    vendor_id: VendorId
    provider_transaction_id: str
    intent_id: PaymentIntentId | None
    receipt: str | None
    effect: Effect | None


def mirror(
    tx: Tx,
    event: PaymentEvent,
    now: datetime,
    *,
    intent_id: PaymentIntentId | None,
    request_id: PaymentRequestId | None,
) -> Transaction:
    """The row of the event's provider transaction, made if it is new, completed with what the event adds. It may turn
    out to be another intent's: the caller looks, and nothing was added to it then.

    A transaction first heard of without the provider's id takes that id when it comes: one intent is one charge."""
    vendor_id = VendorId(event.vendor_id)
    known = _find(tx, event, intent_id)
    if known is not None:
        if known.intent_id == intent_id:
            enrich(tx, known, event)
        return known
    provider_transaction_id = event.provider_transaction_id or _own_id(event, intent_id)
    made = Transaction(
        id=derived_id("transaction", vendor_id, event.provider, provider_transaction_id),
        vendor_id=vendor_id,
        provider_transaction_id=provider_transaction_id,
        intent_id=intent_id,
        receipt=event.receipt,
        effect=None,
    )
    is_new = insert_new(
        tx,
        provider_transactions,
        {
            "vendor_id": vendor_id,
            "id": made.id,
            "provider": event.provider,
            "provider_transaction_id": provider_transaction_id,
            "rail": event.rail,
            "intent_id": intent_id,
            "request_id": request_id,
            "receipt": event.receipt,
            "amount_minor": event.amount_minor,
            "currency": event.currency,
            "payer_msisdn": event.payer_msisdn,
            "occurred_at": event.occurred_at,
            "created_at": now,
        },
        conflict=["vendor_id", "provider", "provider_transaction_id"],
    )
    if is_new:
        return made
    # Without a payable's lock (money that nobody asked for) a twin may have come first, and was waited for.
    twin = _find(tx, event, intent_id)
    assert twin is not None
    return twin


def enrich(tx: Tx, transaction: Transaction, event: PaymentEvent) -> None:
    """Fill in what was not known: the receipt that a look-up can't report comes with a later callback. What is known
    never changes."""
    own = transaction.provider_transaction_id.startswith(OWN_ID)
    names_it = own and event.provider_transaction_id is not None
    adds_receipt = event.receipt is not None and transaction.receipt is None
    if event.receipt is not None and transaction.receipt not in (None, event.receipt):
        _log.warning("a second receipt for one provider transaction was ignored", transaction_id=transaction.id)
    if not names_it and not adds_receipt:
        return
    columns = provider_transactions.c
    values: dict[str, Any] = {
        "receipt": func.coalesce(columns.receipt, event.receipt),
        "payer_msisdn": func.coalesce(columns.payer_msisdn, event.payer_msisdn),
    }
    if names_it:
        values["provider_transaction_id"] = event.provider_transaction_id
    tx.execute(update(provider_transactions).where(_is(transaction)).values(values))


def find(tx: Tx, event: PaymentEvent) -> Transaction | None:
    """The transaction that an event is about, if it is known here."""
    return _find(tx, event, None if event.intent_id is None else PaymentIntentId(event.intent_id))


def is_receipt_known(tx: Tx, event: PaymentEvent) -> bool:
    """Whether money with this receipt has had its effect for the vendor: the same money, reported on another way."""
    if event.receipt is None:
        return False
    c = provider_transactions.c
    counted = select(c.id).where(
        c.vendor_id == event.vendor_id,
        c.provider == event.provider,
        c.receipt == event.receipt,
        c.effect.is_not(None),
    )
    return tx.execute(counted.limit(1)).first() is not None


def take_effect(tx: Tx, transaction: Transaction, effect: Effect, event: PaymentEvent) -> None:
    """Mark what this money did, with the facts of the event that reported it. Raises RuntimeError if it had an effect
    already: the caller looks first, under the payable's lock."""
    changed = tx.execute(
        update(provider_transactions)
        .where(_is(transaction), provider_transactions.c.effect.is_(None))
        .values(
            effect=effect,
            amount_minor=event.amount_minor,
            currency=event.currency,
            occurred_at=event.occurred_at,
        )
    )
    if changed.rowcount != 1:
        raise RuntimeError(f"provider transaction {transaction.id} has had its effect already")


def _find(tx: Tx, event: PaymentEvent, intent_id: PaymentIntentId | None) -> Transaction | None:
    c = provider_transactions.c
    own_id = _own_id(event, intent_id)
    named = c.provider_transaction_id == own_id
    if event.provider_transaction_id is not None:
        named = c.provider_transaction_id.in_([event.provider_transaction_id, own_id])
    elif intent_id is not None:
        named = named | (c.intent_id == intent_id)
    # Locked, so that what is read is what the last transaction left: money without an intent has no other lock.
    rows = tx.execute(
        select(provider_transactions)
        .where(c.vendor_id == event.vendor_id, c.provider == event.provider, named)
        .order_by(c.created_at, c.id)
        .with_for_update()
    ).all()
    named_by_provider = [row for row in rows if row.provider_transaction_id == event.provider_transaction_id]
    best = next(iter(named_by_provider or rows), None)
    return None if best is None else _transaction(best)


def _own_id(event: PaymentEvent, intent_id: PaymentIntentId | None) -> str:
    if intent_id is not None:
        return f"{OWN_ID}intent:{intent_id}"
    return f"{OWN_ID}receipt:{event.receipt}" if event.receipt is not None else f"{OWN_ID}event:{event.event_id}"


def _is(transaction: Transaction) -> ColumnElement[bool]:
    return and_(
        provider_transactions.c.vendor_id == transaction.vendor_id, provider_transactions.c.id == transaction.id
    )


def _transaction(row: Row[Any]) -> Transaction:
    return Transaction(
        id=row.id,
        vendor_id=row.vendor_id,
        provider_transaction_id=row.provider_transaction_id,
        intent_id=row.intent_id,
        receipt=row.receipt,
        effect=None if row.effect is None else Effect(row.effect),
    )
