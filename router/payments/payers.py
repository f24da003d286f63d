"""Whose phones a customer has had rung: what says that a number is theirs, and how many others they named."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select

from contracts.ids import CustomerId, VendorId
from contracts.states import PUSHED_RAILS, IntentStatus
from kit.db import Tx
from router.payments.models import payment_intents
from router.payments.rules import LIVE_INTENT, local_day, next_local_day_in_s

_i = payment_intents.c
_OF_CUSTOMER = (_i.vendor_id == bindparam("of_vendor"), _i.customer_id == bindparam("customer"))
_PAID_FROM = (
    select(_i.payer_msisdn)
    .where(*_OF_CUSTOMER, _i.payer_msisdn.is_not(None), _i.status == IntentStatus.SUCCEEDED)
    .distinct()
)
_PUSHES = select(_i.payer_msisdn, _i.status, _i.local_day).where(*_OF_CUSTOMER, _i.rail.in_(sorted(PUSHED_RAILS)))


@dataclass(frozen=True, slots=True)
class PushesAsked:
    """`numbers`: those that were rung today and that the customer never paid from."""

    has_live: bool
    numbers: frozenset[str]
    next_day_in_s: int


def has_paid_from(tx: Tx, *, vendor_id: VendorId, customer_id: CustomerId, payer_msisdn: str) -> bool:
    """Whether a prompt that this customer asked for was answered with the PIN of that number."""
    return payer_msisdn in _paid_from(tx, vendor_id, customer_id)


def pushes_asked_by(
    tx: Tx, *, vendor_id: VendorId, customer_id: CustomerId, timezone: str, now: datetime
) -> PushesAsked:
    """The caller holds the customer's row lock, which makes this true."""
    today, own = local_day(now, timezone), _paid_from(tx, vendor_id, customer_id)
    pushes = tx.execute(_PUSHES, {"of_vendor": vendor_id, "customer": customer_id}).all()
    return PushesAsked(
        has_live=any(push.status in LIVE_INTENT for push in pushes),
        numbers=frozenset(push.payer_msisdn for push in pushes if push.local_day == today) - own,
        next_day_in_s=next_local_day_in_s(now, timezone),
    )


def _paid_from(tx: Tx, vendor_id: VendorId, customer_id: CustomerId) -> frozenset[str]:
    rows = tx.execute(_PAID_FROM, {"of_vendor": vendor_id, "customer": customer_id})
    return frozenset(row.payer_msisdn for row in rows)
