"""The book of charges of all three kinds: what one is, and how it is found."""

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from simulators.prompts import PromptState, UnknownPrompt
from simulators.store import Transaction


class Kind(StrEnum):
    GPO = "gpo"
    """Multicaixa Express: a prompt on the phone."""
    EMIS_REF = "emis_ref"
    TICKET = "ticket"


class UnknownCharge(UnknownPrompt):
    """There is no charge with that id."""


@dataclass(frozen=True, slots=True)
class Charge:
    id: str
    """AppyPay's UUID, or the ticket's code."""
    seq: int
    kind: Kind
    account: str
    merchant: str | None
    client_id: str
    our_reference: str
    ekwanza_id: int
    msisdn: str | None
    amount_minor: int
    description: str
    payment_method: str
    options: str
    entity: str | None
    reference: str | None
    at_us: int
    expires_us: int
    updated_us: int
    is_shown: bool
    state: PromptState
    code: int | None
    """AppyPay's code of how it ended; None while it is open."""
    paid_minor: int | None
    refunded_minor: int

    @property
    def webhook_lane(self) -> str:
        return f"ekwanza:{self.id}"


def get(tx: Transaction, charge_id: str) -> Charge:
    """Raises UnknownCharge."""
    row = tx.row("SELECT * FROM ekwanza_charges WHERE id = ?", charge_id)
    if row is None:
        raise UnknownCharge
    return charge_of(row)


def named(tx: Transaction, client_id: str, our_reference: str | None) -> list[Charge]:
    """The client's gateway charges with that merchantTransactionId, or all of them; newest first."""
    rows = tx.rows(
        "SELECT * FROM ekwanza_charges WHERE client_id = ? AND our_reference = coalesce(?, our_reference)"
        " AND kind <> 'ticket' ORDER BY place DESC",
        client_id,
        our_reference,
    )
    return [charge_of(row) for row in rows]


def of_another_account(tx: Transaction, charge: Charge) -> Charge | None:
    """The newest charge of the same kind that another merchant made."""
    row = tx.row(
        "SELECT * FROM ekwanza_charges WHERE kind = ? AND account <> ? ORDER BY place DESC LIMIT 1",
        charge.kind.value,
        charge.account,
    )
    return charge_of(row) if row else None


def charge_of(row: sqlite3.Row) -> Charge:
    return Charge(
        id=str(row["id"]),
        seq=int(row["seq"]),
        kind=Kind(row["kind"]),
        account=str(row["account"]),
        merchant=cast(str | None, row["merchant"]),
        client_id=str(row["client_id"]),
        our_reference=str(row["our_reference"]),
        ekwanza_id=int(row["ekwanza_id"]),
        msisdn=cast(str | None, row["msisdn"]),
        amount_minor=int(row["amount_minor"]),
        description=str(row["description"]),
        payment_method=str(row["payment_method"]),
        options=str(row["options"]),
        entity=cast(str | None, row["entity"]),
        reference=cast(str | None, row["reference"]),
        at_us=int(row["at_us"]),
        expires_us=int(row["expires_us"]),
        updated_us=int(row["updated_us"]),
        is_shown=bool(row["is_shown"]),
        state=PromptState(row["state"]),
        code=cast(int | None, row["code"]),
        paid_minor=cast(int | None, row["paid_minor"]),
        refunded_minor=int(row["refunded_minor"]),
    )


def is_reference_taken(tx: Transaction, reference: str) -> bool:
    return tx.row("SELECT 1 FROM ekwanza_charges WHERE reference = ?", reference) is not None
