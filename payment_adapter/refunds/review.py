"""For a person: which refunds stand where, and what a statement says of one that nobody could tell the end of."""

from sqlalchemy import select

from kit.clock import Clock
from kit.db import Tx
from kit.settings import Settings
from payment_adapter.refunds.models import refunds
from payment_adapter.refunds.record import Refund
from payment_adapter.refunds.rules import RefundState
from payment_adapter.refunds.service import Refunds, Wakes
from payment_adapter.vault.master import master_keys
from payment_adapter.vault.service import Vault


def list_refunds(tx: Tx, state: RefundState | None, vendor_id: str | None, limit: int) -> list[Refund]:
    """The newest first."""
    wanted = select(refunds).order_by(refunds.c.created_at.desc(), refunds.c.refund_id.desc()).limit(limit)
    if state is not None:
        wanted = wanted.where(refunds.c.status == state)
    if vendor_id is not None:
        wanted = wanted.where(refunds.c.vendor_id == vendor_id)
    return [Refund.of(row) for row in tx.execute(wanted)]


def settle(
    tx: Tx, settings: Settings, clock: Clock, refund_id: str, *, refund_receipt: str | None
) -> tuple[Refund, bool]:
    """What `Refunds.settle` says, and the refund as it was; the adapter that runs tells the router. Raises LookupError,
    SettingsError."""
    desk = Refunds(clock, {}, Vault(master_keys(settings)), Wakes(_nobody, _nobody))
    refund = desk.lock(tx, refund_id)
    return refund, desk.settle(tx, refund, refund_receipt=refund_receipt)


def _nobody() -> None:
    """The loops that could be woken are in another process, and sweep."""
