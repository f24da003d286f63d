"""A customer says that they paid, and names the receipt: what they may hear of that money, and how the shop hears of
them where a person has to decide.

Nothing is matched here: what waits in the exceptions queue was refused by the rule that matches money, and knowing its
code is no reason to see it otherwise."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, literal_column, select, update

from contracts.claims import ReceiptStanding, ReceiptView
from contracts.events import ClaimNews, EventType
from contracts.money import Currency
from contracts.router_api import CustomerRef
from contracts.states import ExceptionKind
from kit.db import Tx
from router.customers.service import Customer, known_customer
from router.events.service import announce
from router.payments.models import (
    Effect,
    ExceptionStatus,
    payment_exceptions,
    payment_intents,
    payment_requests,
    provider_transactions,
)
from router.payments.transactions import COUNTED
from router.vendors.service import Vendor

_PROVIDER = "mpesa"
"""Whose receipts people read from a message and type; as its events call it."""


def name_receipt(tx: Tx, vendor: Vendor, ref: CustomerRef, receipt: str, now: datetime) -> ReceiptView:
    """`receipt` in capitals. Where the money waits for a person, the first who named it is noted beside it, and the
    shop's people hear of everybody who does, once."""
    customer = known_customer(tx, vendor.id, ref, now)
    row = tx.execute(_BY_RECEIPT, {"of_vendor": vendor.id, "receipt": receipt}).one_or_none()
    if row is None:
        return ReceiptView(standing=ReceiptStanding.UNKNOWN)
    is_own = customer.id in (row.asked_by, row.owed_by)
    if Effect(row.effect) is Effect.APPLIED:
        if not is_own:
            return ReceiptView(standing=ReceiptStanding.UNKNOWN)
        is_for_other = customer.id != row.owed_by
        return ReceiptView(standing=ReceiptStanding.PAID, order_code=row.reference, is_for_other=is_for_other)
    if row.reference is not None and not is_own:
        return ReceiptView(standing=ReceiptStanding.UNKNOWN)  # it was meant for somebody else's order
    if ExceptionStatus(row.status) is not ExceptionStatus.OPEN:
        return ReceiptView(standing=ReceiptStanding.SETTLED)
    _note(tx, vendor, row, customer, now)
    return ReceiptView(standing=ReceiptStanding.WAITING)


def _note(tx: Tx, vendor: Vendor, row: Row[Any], customer: Customer, now: datetime) -> None:
    tx.execute(_CLAIM, {"of_vendor": vendor.id, "which": row.exception_id, "who": customer.id, "now": now})
    announce(
        tx,
        type=EventType.PAYMENT_CLAIMED,
        vendor_id=vendor.id,
        aggregate=f"payment:{row.transaction_id}",
        data=ClaimNews(
            exception_id=row.exception_id,
            kind=ExceptionKind(row.kind),
            amount_minor=row.amount_minor,
            currency=Currency(row.currency),
            receipt=row.receipt,
            order_code=row.reference,
            customer_address=customer.address,
            customer_name=customer.name,
            shop_name=vendor.name,
        ),
        now=now,
        fact=customer.id,
    )


_t, _r, _i, _e = provider_transactions.c, payment_requests.c, payment_intents.c, payment_exceptions.c
# Written out, never bound: a database uses a partial index only for a condition that it can read.
_IS_COUNTED = _t.effect.in_([literal_column(f"'{effect}'") for effect in COUNTED])
_BY_RECEIPT = (
    select(
        _t.id.label("transaction_id"),
        _t.effect,
        _t.receipt,
        _r.reference,
        _r.customer_id.label("owed_by"),
        _i.customer_id.label("asked_by"),
        _e.id.label("exception_id"),
        _e.kind,
        _e.status,
        _e.amount_minor,
        _e.currency,
    )
    .select_from(
        provider_transactions.outerjoin(payment_requests, (_r.vendor_id == _t.vendor_id) & (_r.id == _t.request_id))
        .outerjoin(payment_intents, (_i.vendor_id == _t.vendor_id) & (_i.id == _t.intent_id))
        .outerjoin(payment_exceptions, (_e.vendor_id == _t.vendor_id) & (_e.transaction_id == _t.id))
    )
    .where(
        _t.vendor_id == bindparam("of_vendor"),
        _t.provider == _PROVIDER,
        _t.receipt == bindparam("receipt"),
        _IS_COUNTED,
    )
)
_CLAIM = (
    update(payment_exceptions)
    .where(_e.vendor_id == bindparam("of_vendor"), _e.id == bindparam("which"), _e.claimed_by.is_(None))
    .values(claimed_by=bindparam("who"), claimed_at=bindparam("now"))
)
