"""Which charge of a shop is meant, by what a provider says of it. Never another shop's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import bindparam, or_, select

from contracts.states import ChargeStatus
from kit.db import Tx
from payment_adapter.charges.models import charges
from payment_adapter.charges.record import Charge

_NAMED = select(charges.c.charge_id).where(
    charges.c.vendor_id == bindparam("of_vendor"),
    charges.c.provider == bindparam("of_provider"),
    or_(
        charges.c.our_reference == bindparam("reference"),
        charges.c.provider_transaction_id == bindparam("transaction"),
    ),
)
_WITH_RECEIPT = select(charges.c.vendor_id, charges.c.charge_id).where(
    charges.c.provider == bindparam("of_provider"), charges.c.receipt == bindparam("receipt")
)
_ALIKE = (
    select(charges)
    .where(
        charges.c.vendor_id == bindparam("of_vendor"),
        charges.c.account_reference == bindparam("account"),
        charges.c.provider == bindparam("of_provider"),
        charges.c.amount_minor == bindparam("minor"),
        charges.c.status != ChargeStatus.CREATED,
    )
    .order_by(charges.c.created_at.desc(), charges.c.charge_id)
)

BEFORE_CLAIM = timedelta(minutes=1)
"""A provider's clock may be behind ours."""
AFTER_CLAIM = timedelta(minutes=10)
"""A prompt is answered within minutes; what is paid later was paid otherwise."""


@dataclass(frozen=True, slots=True)
class ReceiptOwner:
    vendor_id: str
    charge_id: str


def find_named(
    tx: Tx, vendor_id: str, provider: str, our_reference: str | None, transaction_id: str | None
) -> list[str]:
    """Ids of the shop's charges that have this reference or this transaction: one, if the two agree."""
    which = {
        "of_vendor": vendor_id,
        "of_provider": provider,
        "reference": our_reference,
        "transaction": transaction_id,
    }
    return [row.charge_id for row in tx.execute(_NAMED, which)]


def find_receipt(tx: Tx, provider: str, receipt: str) -> ReceiptOwner | None:
    """Whose charge has this receipt, whichever shop's."""
    row = tx.execute(_WITH_RECEIPT, {"of_provider": provider, "receipt": receipt}).first()
    return None if row is None else ReceiptOwner(row.vendor_id, row.charge_id)


def find_alike(tx: Tx, vendor_id: str, provider: str, account_reference: str, amount_minor: int) -> Sequence[Charge]:
    """The shop's charges that asked for this amount under this reference, the newest first."""
    which = {
        "of_vendor": vendor_id,
        "of_provider": provider,
        "account": account_reference,
        "minor": amount_minor,
    }
    return [Charge.of(row) for row in tx.execute(_ALIKE, which)]


def may_be_the_payer(told: str | None, payer_msisdn: str | None) -> bool:
    """Whether a number, perhaps masked (`2547 ***** 149`), can be that one. What is not told can be anybody's."""
    if told is None or payer_msisdn is None:
        return True
    text = told.replace(" ", "").removeprefix("+")
    start, star, rest = text.partition("*")
    if not star:
        return text == payer_msisdn
    return payer_msisdn.startswith(start) and payer_msisdn.endswith(rest.rpartition("*")[2])
