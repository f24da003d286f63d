"""Which charge of a shop is meant, by what a provider says of it. Never another shop's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, or_, select

from contracts.payment_api import GRANT_LIFETIME
from kit.columns import UtcTime
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
_HINTED = select(charges.c.charge_id).where(
    charges.c.vendor_id == bindparam("of_vendor"),
    charges.c.provider == bindparam("of_provider"),
    charges.c.hinted_receipt == bindparam("receipt"),
    charges.c.receipt.is_(None),
)
_ALIKE = (
    select(charges)
    .where(
        charges.c.vendor_id == bindparam("of_vendor"),
        charges.c.created_at >= bindparam("since", type_=UtcTime()),
        charges.c.created_at <= bindparam("until", type_=UtcTime()),
        charges.c.provider == bindparam("of_provider"),
        charges.c.amount_minor == bindparam("minor"),
        charges.c.claimed_at.is_not(None),
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


def find_hinted(tx: Tx, vendor_id: str, provider: str, receipt: str) -> list[str]:
    """Ids of the shop's charges that somebody said were paid under this receipt, and that have none."""
    which = {"of_vendor": vendor_id, "of_provider": provider, "receipt": receipt}
    return [row.charge_id for row in tx.execute(_HINTED, which)]


def find_alike(tx: Tx, vendor_id: str, provider: str, amount_minor: int, moment: datetime) -> Sequence[Charge]:
    """The shop's charges that asked for this amount not long before that moment, the newest first."""
    which = {
        "of_vendor": vendor_id,
        "of_provider": provider,
        "minor": amount_minor,
        "since": moment - AFTER_CLAIM - GRANT_LIFETIME,
        "until": moment + BEFORE_CLAIM,
    }
    return [
        charge
        for charge in (Charge.of(row) for row in tx.execute(_ALIKE, which))
        if charge.claimed_at is not None
        and charge.claimed_at - BEFORE_CLAIM <= moment <= charge.claimed_at + AFTER_CLAIM
    ]


def may_be_the_payer(told: str | None, payer_msisdn: str | None) -> bool:
    """Whether a number, perhaps masked (`2547 ***** 149`), can be that one. What is not told can be anybody's."""
    if told is None or payer_msisdn is None:
        return True
    text = told.replace(" ", "").removeprefix("+")
    start, star, rest = text.partition("*")
    if not star:
        return text == payer_msisdn
    return payer_msisdn.startswith(start) and payer_msisdn.endswith(rest.rpartition("*")[2])
