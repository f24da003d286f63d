"""Money that people pay to a paybill or till by hand (C2B): the registered addresses, what is asked and told there.

Validation and confirmation share one body. Version 2 masks the payer's number, version 1 hashes it."""

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from simulators import customers, faults
from simulators.daraja import identifiers
from simulators.fault_names import Fault
from simulators.jobs import JobKind, Jobs
from simulators.moments import SECOND_US
from simulators.problems import JsonObject
from simulators.store import Transaction

_ORG_BALANCE_WHOLE = 1_000_000


class HandKind(StrEnum):
    PAYBILL = "Pay Bill"
    TILL = "Buy Goods"


class HandState(StrEnum):
    CHECKING = "checking"
    """The shop's validation address is asked."""
    DONE = "done"
    REFUSED = "refused"


class Stage(StrEnum):
    CHECK = "check"
    CONFIRM = "confirm"


class NoMoney(ValueError):
    """The wallet holds too little. Nothing was taken."""


@dataclass(frozen=True, slots=True)
class Addresses:
    shortcode: str
    version: str
    """`v1` or `v2`"""
    response_type: str
    """`Completed` or `Cancelled`: what becomes of a payment whose validation is not answered."""
    confirmation_url: str
    validation_url: str


@dataclass(frozen=True, slots=True)
class HandPayment:
    id: str
    """The TransID: a receipt number."""
    seq: int
    shortcode: str
    kind: HandKind
    msisdn: str
    amount_whole: int
    account_reference: str
    third_party_id: str
    at_us: int
    state: HandState
    reason: str | None

    @property
    def lane(self) -> str:
        return f"c2b:{self.id}"


def register(tx: Transaction, addresses: Addresses) -> None:
    tx.run(
        "INSERT OR REPLACE INTO c2b_urls VALUES (?, ?, ?, ?, ?)",
        addresses.shortcode,
        addresses.version,
        addresses.response_type,
        addresses.confirmation_url,
        addresses.validation_url,
    )


def addresses_of(tx: Transaction, *shortcodes: str) -> Addresses | None:
    """Of the first of these numbers that has any."""
    for shortcode in shortcodes:
        row = tx.row("SELECT * FROM c2b_urls WHERE shortcode = ?", shortcode)
        if row is not None:
            return Addresses(*(str(value) for value in tuple(row)))
    return None


def all_addresses(tx: Transaction) -> list[Addresses]:
    rows = tx.rows("SELECT * FROM c2b_urls ORDER BY shortcode")
    return [Addresses(*(str(value) for value in tuple(row))) for row in rows]


def pay(
    tx: Transaction, jobs: Jobs, shortcode: str, kind: HandKind, msisdn: str, amount_whole: int, account_reference: str
) -> HandPayment:
    """A person pays. Where validation is switched on, the shop is asked first. Raises NoMoney."""
    if customers.balance(tx, msisdn) < amount_whole:
        raise NoMoney("there is not enough money in that wallet")
    payment_id = identifiers.receipt()
    tx.run(
        "INSERT INTO c2b_payments VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?, NULL)",
        payment_id,
        tx.count("c2b_payments"),
        tx.next_seq(),
        shortcode,
        kind.value,
        msisdn,
        amount_whole,
        account_reference,
        tx.now_us,
        HandState.CHECKING.value,
    )
    payment = get(tx, payment_id)
    if addresses_of(tx, shortcode) is not None and faults.takes(tx, Fault.C2B_VALIDATION):
        jobs.add(tx, JobKind.C2B, payment.lane, {"payment": payment.id, "stage": Stage.CHECK.value})
        return payment
    complete(tx, jobs, payment, "")
    return get(tx, payment_id)


def complete(tx: Transaction, jobs: Jobs, payment: HandPayment, third_party_id: str) -> None:
    """The money moves, and the shop is told."""
    if not customers.debit(tx, payment.msisdn, payment.amount_whole):
        refuse(tx, payment, "there was not enough money left")
        return
    tx.run(
        "UPDATE c2b_payments SET state = ?, third_party_id = ?, seq = ? WHERE id = ?",
        HandState.DONE.value,
        third_party_id,
        tx.next_seq(),
        payment.id,
    )
    paid = get(tx, payment.id)
    addresses = addresses_of(tx, payment.shortcode)
    if addresses is not None:
        plan_confirmation(tx, jobs, addresses, paid)


def refuse(tx: Transaction, payment: HandPayment, reason: str) -> None:
    tx.run(
        "UPDATE c2b_payments SET state = ?, reason = ?, seq = ? WHERE id = ?",
        HandState.REFUSED.value,
        reason[:100],
        tx.next_seq(),
        payment.id,
    )


def plan_confirmation(tx: Transaction, jobs: Jobs, addresses: Addresses, payment: HandPayment) -> None:
    if faults.takes(tx, Fault.C2B_LOST):
        return
    due_us = tx.now_us + faults.seconds(tx, Fault.C2B_DELAY_S) * SECOND_US
    told = body(tx, addresses, payment, is_confirmation=True)
    payload = {
        "payment": payment.id,
        "stage": Stage.CONFIRM.value,
        "url": addresses.confirmation_url,
        "body": json.dumps(told),
    }
    for _ in range(2 if faults.takes(tx, Fault.C2B_TWICE) else 1):
        jobs.add(tx, JobKind.C2B, payment.lane, payload, due_us=due_us)


def body(tx: Transaction, addresses: Addresses, payment: HandPayment, *, is_confirmation: bool) -> JsonObject:
    """Amounts are text with two decimals; what is not known is blank."""
    address = customers.address_of(tx, payment.msisdn)
    owner = None if address is None else customers.by_address(tx, address)
    return {
        "TransactionType": payment.kind.value,
        "TransID": payment.id,
        "TransTime": str(identifiers.transaction_date(payment.at_us)),
        "TransAmount": f"{payment.amount_whole}.00",
        "BusinessShortCode": payment.shortcode,
        "BillRefNumber": payment.account_reference,
        "InvoiceNumber": "",
        "OrgAccountBalance": f"{_ORG_BALANCE_WHOLE + payment.amount_whole}.00" if is_confirmation else "",
        "ThirdPartyTransID": payment.third_party_id,
        "MSISDN": masked(payment.msisdn) if addresses.version == "v2" else hashed(payment.msisdn),
        "FirstName": "" if owner is None else owner.name.split()[0],
        "MiddleName": "",
        "LastName": "",
    }


def masked(msisdn: str) -> str:
    """`2547 ***** 149`"""
    return f"{msisdn[:4]} ***** {msisdn[-3:]}"


def hashed(msisdn: str) -> str:
    return hashlib.sha256(msisdn.encode()).hexdigest()


def get(tx: Transaction, payment_id: str) -> HandPayment:
    row = tx.row("SELECT * FROM c2b_payments WHERE id = ?", payment_id)
    assert row is not None, payment_id
    return payment_of(row)


def all_of_them(tx: Transaction) -> list[HandPayment]:
    return [payment_of(row) for row in tx.rows("SELECT * FROM c2b_payments ORDER BY place")]


def payment_of(row: sqlite3.Row) -> HandPayment:
    return HandPayment(
        id=str(row["id"]),
        seq=int(row["seq"]),
        shortcode=str(row["shortcode"]),
        kind=HandKind(row["kind"]),
        msisdn=str(row["msisdn"]),
        amount_whole=int(row["amount_whole"]),
        account_reference=str(row["account_reference"]),
        third_party_id=str(row["third_party_id"]),
        at_us=int(row["at_us"]),
        state=HandState(row["state"]),
        reason=None if row["reason"] is None else str(row["reason"]),
    )
