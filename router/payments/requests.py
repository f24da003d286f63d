"""Payment requests: the claim to collect one amount for one payable. Opens, closes and locks them, and is the only
place that changes their status."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, insert, select, update

from contracts.ids import CustomerId, PaymentRequestId, VendorId, new_id
from contracts.money import Currency, Money
from contracts.states import LedgerKind, RequestStatus
from kit.columns import UtcTime
from kit.db import Tx
from router.payments import ledger
from router.payments.models import payment_requests
from router.payments.payables import Payable
from router.payments.rules import OPEN_REQUEST, check_request_step


@dataclass(frozen=True, slots=True)
class Request:
    """A payment request as it was read."""

    id: PaymentRequestId
    vendor_id: VendorId
    payable_kind: str
    payable_id: str
    ordinal: int
    customer_id: CustomerId
    amount: Money
    reference: str
    description: str
    status: RequestStatus
    expires_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_REQUEST


_r = payment_requests.c
_IS_NAMED = and_(_r.vendor_id == bindparam("of_vendor"), _r.id == bindparam("which"))
_OPEN = insert(payment_requests)
_MOVE_EXPIRY = update(payment_requests).where(_IS_NAMED).values(expires_at=bindparam("until", type_=UtcTime()))
_LOCK_ALL = (
    select(payment_requests)
    .where(
        _r.vendor_id == bindparam("of_vendor"),
        _r.payable_kind == bindparam("kind"),
        _r.payable_id == bindparam("payable"),
    )
    .order_by(_r.ordinal)
    .with_for_update()
)
_SET_STATUS = (
    update(payment_requests)
    .where(_IS_NAMED, _r.status == bindparam("before"))
    .values(status=bindparam("after"), closed_at=bindparam("closed", type_=UtcTime()))
)


class ConcurrentChange(RuntimeError):
    """A row was changed by somebody who did not hold its payable's lock. Roll back and try again."""


def open_request(
    tx: Tx, *, vendor_id: VendorId, payable: Payable, expires_at: datetime | None, now: datetime
) -> PaymentRequestId:
    """The request that collects for this payable: the open one if there is one (its expiry moved to `expires_at`),
    else a new one.

    The caller holds the payable's lock. Raises ValueError when an open request asks for another amount: a payable
    that may change its price must close its request first."""
    known = lock_requests(tx, vendor_id=vendor_id, payable_kind=payable.kind, payable_id=payable.id)
    for request in known:
        if request.is_open:
            if request.amount != payable.amount:
                raise ValueError(f"payment request {request.id} asks for another amount; close it first")
            tx.execute(_MOVE_EXPIRY, {**_named(request), "until": expires_at})
            return request.id
    request_id = PaymentRequestId(new_id(now))
    tx.execute(
        _OPEN,
        {
            "vendor_id": vendor_id,
            "id": request_id,
            "payable_kind": payable.kind,
            "payable_id": payable.id,
            "ordinal": len(known) + 1,
            "customer_id": payable.customer_id,
            "amount_minor": payable.amount.minor,
            "currency": payable.amount.currency,
            "reference": payable.reference,
            "description": payable.description,
            "status": RequestStatus.PENDING,
            "expires_at": expires_at,
            "created_at": now,
        },
    )
    ledger.record(
        tx,
        LedgerKind.REQUESTED,
        vendor_id=vendor_id,
        subject=request_id,
        amount=payable.amount,
        now=now,
        request_id=request_id,
    )
    return request_id


def lock_requests(tx: Tx, *, vendor_id: VendorId, payable_kind: str, payable_id: str) -> list[Request]:
    """Every request of a payable, oldest first, locked until the transaction ends."""
    rows = tx.execute(_LOCK_ALL, {"of_vendor": vendor_id, "kind": payable_kind, "payable": payable_id})
    return [_request(row) for row in rows]


def close_open(
    tx: Tx, requests: list[Request], status: RequestStatus, now: datetime, *, keep: PaymentRequestId | None = None
) -> None:
    """End what is still open among locked requests, but for `keep`: `expired` or `canceled`, with its ledger entry."""
    for request in requests:
        if not request.is_open or request.id == keep:
            continue
        set_status(tx, request, status, now)
        withdrawn = status is RequestStatus.CANCELED
        ledger.record(
            tx,
            LedgerKind.ADJUSTED if withdrawn else LedgerKind.EXPIRED,
            vendor_id=request.vendor_id,
            subject=request.id,
            amount=Money(-request.amount.minor, request.amount.currency) if withdrawn else request.amount,
            now=now,
            request_id=request.id,
            note=status,
        )


def set_status(tx: Tx, request: Request, status: RequestStatus, now: datetime) -> None:
    """The only door. Raises ForbiddenTransition, or ConcurrentChange if the row is not as it was read."""
    check_request_step(request.status, status)
    closed_at = None if status in OPEN_REQUEST else now
    changed = tx.execute(
        _SET_STATUS, {**_named(request), "before": request.status, "after": status, "closed": closed_at}
    )
    if changed.rowcount != 1:
        raise ConcurrentChange(f"payment request {request.id} is no longer {request.status}")


def _named(request: Request) -> dict[str, Any]:
    return {"of_vendor": request.vendor_id, "which": request.id}


def _request(row: Row[Any]) -> Request:
    return Request(
        id=row.id,
        vendor_id=row.vendor_id,
        payable_kind=row.payable_kind,
        payable_id=row.payable_id,
        ordinal=row.ordinal,
        customer_id=row.customer_id,
        amount=Money(row.amount_minor, Currency(row.currency)),
        reference=row.reference,
        description=row.description,
        status=RequestStatus(row.status),
        expires_at=row.expires_at,
    )
