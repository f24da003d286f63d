"""The charges table in whole rows: found, locked in one order, and written back several at once.

Statements are put together once and live as long as the module: that is what lets them be compiled once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, or_, select, tuple_, update

from kit.columns import UtcTime, is_one_of
from kit.db import Tx
from payment_adapter.charges.decide import Owners
from payment_adapter.charges.models import charges
from payment_adapter.charges.record import Charge

_WRITTEN = (
    "status",
    "reason",
    "may_retry",
    "provider_code",
    "provider_detail",
    "decided_by",
    "provider_transaction_id",
    "provider_request_id",
    "paid_amount_minor",
    "receipt",
    "paid_at",
    "hinted_amount_minor",
    "hinted_receipt",
    "next_poll_at",
    "asked_at",
    "hints_asked",
)
"""What changes after the claim, but for the instructions, which come once."""

_SAVE = (
    update(charges)
    .where(
        charges.c.vendor_id == bindparam("of_vendor"),
        charges.c.charge_id == bindparam("of_charge"),
        charges.c.status == bindparam("was"),
    )
    .values(
        {
            **{name: bindparam(f"new_{name}", type_=charges.c[name].type) for name in _WRITTEN},
            "updated_at": bindparam("new_updated_at", type_=UtcTime()),
        }
    )
)
_INSTRUCT = (
    update(charges)
    .where(charges.c.vendor_id == bindparam("of_vendor"), charges.c.charge_id == bindparam("of_charge"))
    .values(instructions=bindparam("new_instructions", type_=charges.c.instructions.type))
)
_LOCK_ONE = select(charges).where(charges.c.charge_id == bindparam("which")).with_for_update()
_LOCK_ALL = (
    select(charges).where(is_one_of(charges.c.charge_id, "which")).order_by(charges.c.charge_id).with_for_update()
)
_WITH_SECRET = select(charges.c.secret_hash, charges.c.vendor_id, charges.c.charge_id, charges.c.provider).where(
    is_one_of(charges.c.secret_hash, "hashes")
)
_OWNERS = select(charges.c.charge_id, charges.c.provider_transaction_id, charges.c.receipt).where(
    charges.c.provider == bindparam("of_provider"),
    or_(
        is_one_of(charges.c.provider_transaction_id, "transactions"),
        is_one_of(charges.c.receipt, "receipts"),
    ),
)


class ChargeMoved(RuntimeError):
    """Another transaction changed a charge between our lock and our update: nothing was written, try again."""


def one(tx: Tx, query: Select[Any]) -> Charge | None:
    row = tx.execute(query).first()
    return None if row is None else Charge.of(row)


def lock_one(tx: Tx, charge_id: str) -> Charge | None:
    row = tx.execute(_LOCK_ONE, {"which": charge_id}).first()
    return None if row is None else Charge.of(row)


def lock_all(tx: Tx, charge_ids: Collection[str]) -> dict[str, Charge]:
    """By id, locked in the order of their ids: transactions that want several never wait for each other in a circle."""
    if not charge_ids:
        return {}
    return {row.charge_id: Charge.of(row) for row in tx.execute(_LOCK_ALL, {"which": sorted(charge_ids)})}


def with_secrets(tx: Tx, hashes: Collection[str]) -> Mapping[str, Any]:
    """By hash of the secret, a row with vendor_id, charge_id and provider of its charge."""
    return {row.secret_hash: row for row in tx.execute(_WITH_SECRET, {"hashes": sorted(hashes)})}


def owners(tx: Tx, provider: str, transactions: Collection[str], receipts: Collection[str]) -> Owners:
    """Which charges have these already."""
    found = Owners()
    if transactions or receipts:
        which = {"of_provider": provider, "transactions": sorted(transactions), "receipts": sorted(receipts)}
        for row in tx.execute(_OWNERS, which):
            if row.provider_transaction_id is not None:
                found.transactions[row.provider_transaction_id] = row.charge_id
            if row.receipt is not None:
                found.receipts[row.receipt] = row.charge_id
    return found


def save(tx: Tx, changes: Iterable[tuple[Charge, Charge]], now: datetime) -> None:
    """Write charges as they are now over what they were. Raises ChargeMoved."""
    rows: list[dict[str, Any]] = []
    for before, after in changes:
        if after == before:
            continue
        if after.instructions != before.instructions and after.instructions is not None:
            told = after.instructions.model_dump(mode="json", exclude_none=True)
            of = {"of_vendor": after.vendor_id, "of_charge": after.charge_id}
            tx.execute(_INSTRUCT, {**of, "new_instructions": told})
        rows.append(
            {
                "of_vendor": before.vendor_id,
                "of_charge": before.charge_id,
                "was": before.status,
                "new_updated_at": now,
                **{f"new_{name}": getattr(after, name) for name in _WRITTEN},
            }
        )
    if rows and tx.execute(_SAVE, rows).rowcount != len(rows):
        raise ChargeMoved(", ".join(row["of_charge"] for row in rows))


def except_lanes(query: Select[Any], lanes: Sequence[tuple[str, str]], providers: Sequence[str]) -> Select[Any]:
    """Without charges of these (provider, vendor) and of these providers."""
    if lanes:
        query = query.where(tuple_(charges.c.provider, charges.c.vendor_id).not_in(lanes))
    return query.where(charges.c.provider.not_in(providers)) if providers else query
