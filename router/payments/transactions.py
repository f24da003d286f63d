"""Provider transactions: the provider's own ids and receipts, mirrored. The money of each has one effect here.

What is known of one never changes, but for `same`: that two transactions are one payment may be found out late."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, select, update

from contracts.ids import PaymentIntentId, PaymentRequestId, VendorId, derived_id
from contracts.money import Currency, Money
from contracts.payment_api import PaymentEvent
from contracts.states import Rail
from kit.db import Tx, insert_new
from router.payments.models import Effect, provider_transactions

OWN_ID = "own:"
"""Starts the id that we give to a transaction whose provider's id is not known (yet)."""

COUNTED = (Effect.APPLIED, Effect.EXCEPTION)
"""What money does once; `same` says that another transaction's did it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Money that arrived, as one report tells it."""

    amount: Money
    receipt: str | None
    occurred_at: datetime
    rail: Rail | None


@dataclass(frozen=True, slots=True)
class Transaction:
    id: str
    vendor_id: VendorId
    provider: str
    provider_transaction_id: str
    intent_id: PaymentIntentId | None
    request_id: PaymentRequestId | None
    receipt: str | None
    effect: Effect | None
    same_as: str | None
    amount: Money | None
    refunded_minor: int
    """Of the amount, what went back or was asked to."""
    rail: Rail | None
    occurred_at: datetime

    @property
    def is_counted(self) -> bool:
        return self.effect in COUNTED

    @property
    def arrival(self) -> Arrival:
        """The money of one that had an effect."""
        assert self.amount is not None
        return Arrival(self.amount, self.receipt, self.occurred_at, self.rail)


def arrival_of(event: PaymentEvent) -> Arrival | None:
    """None for an event that names no amount."""
    if event.amount_minor is None or event.currency is None:
        return None
    return Arrival(Money(event.amount_minor, event.currency), event.receipt, event.occurred_at, event.rail)


def mirror(
    tx: Tx,
    event: PaymentEvent,
    now: datetime,
    *,
    intent_id: PaymentIntentId | None,
    request_id: PaymentRequestId | None,
) -> Transaction:
    """The row of the event's provider transaction, made if it is new. It may turn out to be another intent's: the
    caller looks.

    A transaction first heard of without the provider's id takes that id when it comes: one intent is one charge."""
    vendor_id = VendorId(event.vendor_id)
    known = _find(tx, event, intent_id)
    if known is not None:
        return _named(tx, known, event) if known.intent_id == intent_id else known
    provider_transaction_id = event.provider_transaction_id or _own_id(event, intent_id)
    is_new = insert_new(
        tx,
        provider_transactions,
        {
            "vendor_id": vendor_id,
            "id": derived_id("transaction", vendor_id, event.provider, provider_transaction_id),
            "provider": event.provider,
            "provider_transaction_id": provider_transaction_id,
            "rail": event.rail,
            "intent_id": intent_id,
            "request_id": request_id,
            "receipt": event.receipt,
            "amount_minor": event.amount_minor,
            "currency": event.currency,
            "payer_msisdn": event.payer_msisdn,
            "payer_name": event.payer_name,
            "account_reference": event.account_reference,
            "occurred_at": event.occurred_at,
            "created_at": now,
        },
        conflict=["vendor_id", "provider", "provider_transaction_id"],
    )
    if is_new:
        return Transaction(
            id=derived_id("transaction", vendor_id, event.provider, provider_transaction_id),
            vendor_id=vendor_id,
            provider=event.provider,
            provider_transaction_id=provider_transaction_id,
            intent_id=intent_id,
            request_id=request_id,
            receipt=event.receipt,
            effect=None,
            same_as=None,
            amount=None if event.amount_minor is None or event.currency is None else _money(event),
            refunded_minor=0,
            rail=event.rail,
            occurred_at=event.occurred_at,
        )
    # Without a payable's lock (money that nobody asked for) a twin may have come first, and was waited for.
    twin = _find(tx, event, intent_id)
    assert twin is not None
    return twin


def locked(tx: Tx, vendor_id: VendorId, transaction_id: str) -> Transaction | None:
    """The transaction as it stands, held until ours ends. Its payable, if one is concerned, is locked before it."""
    c = provider_transactions.c
    found = _locked(tx, c.vendor_id == vendor_id, c.id == transaction_id)
    return found[0] if found else None


def counted_under(tx: Tx, receipt: str, *, besides: Transaction) -> Transaction | None:
    """The other transaction whose money, with this receipt, had its effect: the same money, reported another way."""
    c = provider_transactions.c
    found = _locked(
        tx,
        c.vendor_id == besides.vendor_id,
        c.provider == besides.provider,
        c.receipt == receipt,
        c.effect.in_(COUNTED),
        c.id != besides.id,
    )
    return found[0] if found else None


def counted_for(tx: Tx, vendor_id: VendorId, request_ids: Collection[str]) -> list[Transaction]:
    """Transactions for these requests whose money had its effect, oldest first."""
    c = provider_transactions.c
    return _locked(tx, c.vendor_id == vendor_id, c.request_id.in_(sorted(request_ids)), c.effect.in_(COUNTED))


def said_to_be(tx: Tx, original: Transaction) -> list[Transaction]:
    """Transactions that are held to be the same money as this one."""
    c = provider_transactions.c
    return _locked(tx, c.vendor_id == original.vendor_id, c.same_as == original.id)


def take_effect(tx: Tx, transaction: Transaction, effect: Effect, arrival: Arrival) -> Transaction:
    """Mark what this money did, with the facts of the report that counts. Raises RuntimeError if it had an effect
    already: the caller looks first, under the payable's lock. Raises IntegrityError where somebody else counted the
    same receipt at this moment: roll back, and find theirs."""
    _change(
        tx,
        transaction,
        effect=effect,
        amount_minor=arrival.amount.minor,
        currency=arrival.amount.currency,
        occurred_at=arrival.occurred_at,
        receipt=func.coalesce(provider_transactions.c.receipt, arrival.receipt),
    )
    return replace(
        transaction,
        effect=effect,
        amount=arrival.amount,
        occurred_at=arrival.occurred_at,
        receipt=transaction.receipt or arrival.receipt,
    )


def be_same(tx: Tx, transaction: Transaction, original: Transaction) -> None:
    """This is the other's money, reported another way: it has no effect of its own (any more)."""
    _change(tx, transaction, effect=Effect.SAME, same_as=original.id)


def be_itself(tx: Tx, transaction: Transaction) -> Transaction:
    """It was held to be another's money and is not: it has had no effect yet."""
    _change(tx, transaction, effect=None, same_as=None)
    return replace(transaction, effect=None, same_as=None)


def pay_after_all(tx: Tx, transaction: Transaction, request_id: PaymentRequestId) -> None:
    """Money that had been set aside pays this request."""
    _change(tx, transaction, effect=Effect.APPLIED, request_id=request_id)


def learn_receipt(tx: Tx, transaction: Transaction, receipt: str) -> Transaction:
    """The receipt that a look-up can't report comes with a later callback, or with the till's own confirmation."""
    _change(tx, transaction, receipt=receipt)
    return replace(transaction, receipt=receipt)


def give_back(tx: Tx, transaction: Transaction, amount_minor: int) -> bool:
    """Count this much as going back; negative takes that back. False, and nothing changed, if so much is not there."""
    c = provider_transactions.c
    changed = tx.execute(
        update(provider_transactions)
        .where(
            _is(transaction),
            c.refunded_minor + amount_minor <= func.coalesce(c.amount_minor, 0),
            c.refunded_minor + amount_minor >= 0,
        )
        .values(refunded_minor=c.refunded_minor + amount_minor)
    )
    return changed.rowcount == 1


def _named(tx: Tx, known: Transaction, event: PaymentEvent) -> Transaction:
    if event.provider_transaction_id is None or not known.provider_transaction_id.startswith(OWN_ID):
        return known
    tx.execute(
        update(provider_transactions)
        .where(_is(known))
        .values(
            provider_transaction_id=event.provider_transaction_id,
            payer_msisdn=func.coalesce(provider_transactions.c.payer_msisdn, event.payer_msisdn),
        )
    )
    return replace(known, provider_transaction_id=event.provider_transaction_id)


def _change(tx: Tx, transaction: Transaction, **values: Any) -> None:
    c = provider_transactions.c
    as_read = c.effect.is_(None) if transaction.effect is None else c.effect == transaction.effect
    changed = tx.execute(update(provider_transactions).where(_is(transaction), as_read).values(values))
    if changed.rowcount != 1:
        raise RuntimeError(f"provider transaction {transaction.id} is not as it was read: {transaction.effect}")


def _find(tx: Tx, event: PaymentEvent, intent_id: PaymentIntentId | None) -> Transaction | None:
    c = provider_transactions.c
    own_id = _own_id(event, intent_id)
    named = c.provider_transaction_id == own_id
    if event.provider_transaction_id is not None:
        named = c.provider_transaction_id.in_([event.provider_transaction_id, own_id])
    elif intent_id is not None:
        named = named | (c.intent_id == intent_id)
    found = _locked(tx, c.vendor_id == event.vendor_id, c.provider == event.provider, named)
    named_by_provider = [each for each in found if each.provider_transaction_id == event.provider_transaction_id]
    return next(iter(named_by_provider or found), None)


def _locked(tx: Tx, *which: ColumnElement[bool]) -> list[Transaction]:
    # Locked, so that what is read is what the last transaction left: money without an intent has no other lock.
    c = provider_transactions.c
    statement = select(provider_transactions).where(*which).order_by(c.created_at, c.id).with_for_update()
    return [_transaction(row) for row in tx.execute(statement)]


def _own_id(event: PaymentEvent, intent_id: PaymentIntentId | None) -> str:
    if intent_id is not None:
        return f"{OWN_ID}intent:{intent_id}"
    return f"{OWN_ID}receipt:{event.receipt}" if event.receipt is not None else f"{OWN_ID}event:{event.event_id}"


def _is(transaction: Transaction) -> ColumnElement[bool]:
    return and_(
        provider_transactions.c.vendor_id == transaction.vendor_id, provider_transactions.c.id == transaction.id
    )


def _money(of: Any) -> Money:
    return Money(of.amount_minor, Currency(of.currency))


def _transaction(row: Row[Any]) -> Transaction:
    return Transaction(
        id=row.id,
        vendor_id=row.vendor_id,
        provider=row.provider,
        provider_transaction_id=row.provider_transaction_id,
        intent_id=row.intent_id,
        request_id=row.request_id,
        receipt=row.receipt,
        effect=None if row.effect is None else Effect(row.effect),
        same_as=row.same_as,
        amount=None if row.amount_minor is None or row.currency is None else _money(row),
        refunded_minor=row.refunded_minor,
        rail=None if row.rail is None else Rail(row.rail),
        occurred_at=row.occurred_at,
    )
