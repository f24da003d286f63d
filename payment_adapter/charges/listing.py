"""Charges for an operator's list: newest first, of one shop or all, of one status or all."""

from sqlalchemy import select

from contracts.states import ChargeStatus
from kit.db import Tx
from payment_adapter.charges.models import charges
from payment_adapter.charges.record import Charge


def list_charges(tx: Tx, status: ChargeStatus | None, vendor_id: str | None, limit: int) -> list[Charge]:
    query = select(charges).order_by(charges.c.created_at.desc(), charges.c.charge_id).limit(limit)
    if status is not None:
        query = query.where(charges.c.status == status)
    if vendor_id is not None:
        query = query.where(charges.c.vendor_id == vendor_id)
    return [Charge.of(row) for row in tx.execute(query)]
