"""Provider transactions: the provider's own ids and receipts, mirrored. The money of each has one effect here.

What is known of one never changes, but for `same`: that two transactions are one payment may be found out late."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Row,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    update,
)

from contracts.ids import PaymentIntentId, PaymentRequestId, VendorId, derived_id
from contracts.money import Currency, Money
from contracts.payment_api import PaymentEvent
from contracts.states import Rail
from kit.columns import Code, UtcTime, is_one_of
from kit.db import Tx, insert_new
from kit.statements import Rows
from router.payments.models import Effect, provider_transactions

OWN_ID = "own:"
"""Starts the id that we give to a transaction whose provider's id is not known (yet)."""

COUNTED = (Effect.APPLIED, Effect.EXCEPTION)
"""What money does once; `same` says that another transaction's did it."""

_c = provider_transactions.c


def _locked(*which: ColumnElement[bool]) -> Select[Any]:
    # Locked, so that what is read is what the last transaction left: money without an intent has no other lock.
    of_vendor = _c.vendor_id == bindparam("of_vendor")
    return select(provider_transactions).where(of_vendor, *which).order_by(_c.created_at, _c.id).with_for_update()


_IS_COUNTED = _c.effect.in_([literal_column(f"'{effect}'") for effect in COUNTED])
_BY_ID = _locked(_c.id == bindparam("which"))
_COUNTED_UNDER = _locked(
    _c.provider == bindparam("of_provider"), _c.receipt == bindparam("number"), _IS_COUNTED, _c.id != bindparam("own")
)
_COUNTED_FOR = _locked(is_one_of(_c.request_id, "requests"), _IS_COUNTED)
_SAID_TO_BE = _locked(_c.same_as == bindparam("original"))
_NAMED = _locked(_c.provider == bindparam("of_provider"), is_one_of(_c.provider_transaction_id, "names"))
_NAMED_OR_OF_INTENT = _locked(
    _c.provider == bindparam("of_provider"),
    or_(is_one_of(_c.provider_transaction_id, "names"), _c.intent_id == bindparam("intent", type_=Code)),
)
_IS_AS_READ = and_(
    _c.vendor_id == bindparam("of_vendor"),
    _c.id == bindparam("which"),
    _c.effect.is_not_distinct_from(bindparam("before", type_=Code)),
)
_TAKE_EFFECT = (
    update(provider_transactions)
    .where(_IS_AS_READ)
    .values(
        effect=bindparam("new_effect"),
        amount_minor=bindparam("new_amount"),
        currency=bindparam("new_currency"),
        occurred_at=bindparam("happened", type_=UtcTime()),
        receipt=func.coalesce(_c.receipt, bindparam("new_receipt", type_=Code)),
    )
)


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
    found = _read(tx, _BY_ID, of_vendor=vendor_id, which=transaction_id)
    return found[0] if found else None


def counted_under(tx: Tx, receipt: str, *, besides: Transaction) -> Transaction | None:
    """The other transaction whose money, with this receipt, had its effect: the same money, reported another way."""
    found = _read(
        tx, _COUNTED_UNDER, of_vendor=besides.vendor_id, of_provider=besides.provider, number=receipt, own=besides.id
    )
    return found[0] if found else None


def counted_for(tx: Tx, vendor_id: VendorId, request_ids: Collection[str]) -> list[Transaction]:
    """Transactions for these requests whose money had its effect, oldest first."""
    return _read(tx, _COUNTED_FOR, of_vendor=vendor_id, requests=sorted(request_ids))


def said_to_be(tx: Tx, original: Transaction) -> list[Transaction]:
    """Transactions that are held to be the same money as this one."""
    return _read(tx, _SAID_TO_BE, of_vendor=original.vendor_id, original=original.id)


def take_effect(tx: Tx, transaction: Transaction, effect: Effect, arrival: Arrival) -> Transaction:
    """Mark what this money did, with the facts of the report that counts. Raises RuntimeError if it had an effect
    already: the caller looks first, under the payable's lock. Raises IntegrityError where somebody else counted the
    same receipt at this moment: roll back, and find theirs."""
    told = {
        "new_amount": arrival.amount.minor,
        "new_currency": arrival.amount.currency,
        "happened": arrival.occurred_at,
        "new_receipt": arrival.receipt,
    }
    _changed(transaction, tx.execute(_TAKE_EFFECT, {**_as_read(transaction), "new_effect": effect, **told}))
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
    _changed(
        transaction, tx.execute(update(provider_transactions).where(_IS_AS_READ).values(values), _as_read(transaction))
    )


def _changed(transaction: Transaction, result: CursorResult[Any] | Rows) -> None:
    if result.rowcount != 1:
        raise RuntimeError(f"provider transaction {transaction.id} is not as it was read: {transaction.effect}")


def _as_read(transaction: Transaction) -> dict[str, Any]:
    return {"of_vendor": transaction.vendor_id, "which": transaction.id, "before": transaction.effect}


def _find(tx: Tx, event: PaymentEvent, intent_id: PaymentIntentId | None) -> Transaction | None:
    own_id = _own_id(event, intent_id)
    which = {"of_vendor": event.vendor_id, "of_provider": event.provider}
    if event.provider_transaction_id is not None:
        found = _read(tx, _NAMED, **which, names=[event.provider_transaction_id, own_id])
    else:
        found = _read(tx, _NAMED_OR_OF_INTENT, **which, names=[own_id], intent=intent_id)
    named_by_provider = [each for each in found if each.provider_transaction_id == event.provider_transaction_id]
    return next(iter(named_by_provider or found), None)


def _read(tx: Tx, statement: Select[Any], **which: object) -> list[Transaction]:
    return [_transaction(row) for row in tx.execute(statement, which)]


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
