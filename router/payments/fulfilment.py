"""Fulfilment: the side effect that is owed after payment, recorded in the transaction that did it, once per payable."""

from datetime import datetime

from sqlalchemy import insert

from contracts.ids import PaymentRequestId, VendorId
from contracts.states import FulfilmentStatus
from kit.db import Tx
from router.payments.models import fulfilments

APPLY_PAYMENT = "apply_payment"
"""The payable becomes paid, with what belongs to it (stock sold, access given)."""

_INSERT = insert(fulfilments)


def complete(
    tx: Tx, *, vendor_id: VendorId, payable_kind: str, payable_id: str, request_id: PaymentRequestId, now: datetime
) -> None:
    """Record it as done. Raises IntegrityError, which undoes everything, if it was done before."""
    tx.execute(
        _INSERT,
        {
            "vendor_id": vendor_id,
            "payable_kind": payable_kind,
            "payable_id": payable_id,
            "action": APPLY_PAYMENT,
            "request_id": request_id,
            "status": FulfilmentStatus.COMPLETED,
            "created_at": now,
            "completed_at": now,
        },
    )
