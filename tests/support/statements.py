"""Invented statements as M-Pesa's portal and AppyPay write them, and a shop's own side of them."""

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from sqlalchemy import insert, select

from contracts.ids import new_id
from contracts.money import Currency
from contracts.payment_api import PaymentEvent
from contracts.states import ChargeStatus, Rail
from kit.db import Database
from kit.outbox import enqueue
from payment_adapter.charges.models import charges, outbox
from tests.support.hand_payments import hand_payment

EAT = timezone(timedelta(hours=3))
MAMA = "vendor-mama"
PAYER = "254708374149"
MASKED = "2547****149"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=EAT)

ORG_HEADING = (
    "Receipt No.",
    "Completion Time",
    "Initiation Time",
    "Details",
    "Transaction Status",
    "Paid In",
    "Withdrawn",
    "Balance",
    "Balance Confirmed",
    "Reason Type",
    "Other Party Info",
    "Linked Transaction ID",
    "A/C No.",
    "Currency",
)
PREAMBLE = (("Organization Name", "Mama Njeri's Groceries"), ("Short Code", "174379"), ("Account", "Utility"), ())
DAY_FIRST, YEAR_FIRST = "%d-%m-%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the portal's table. `cents` below zero left the account."""

    receipt: str
    cents: int
    at: datetime = NOON
    account: str = ""
    reason: str = "Pay Bill Online"
    other: str = f"{MASKED} - AMINA"
    status: str = "Completed"
    linked: str = ""
    details: str = ""


def shillings(cents: int) -> str:
    """`1,250.00`, as the portal groups it."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02}"


def org_cells(row: Row, dates: str = DAY_FIRST) -> list[str]:
    at = row.at.astimezone(EAT).strftime(dates)
    details = row.details or f"{row.reason} from {row.other} Acc. {row.account}".strip()
    paid_in = shillings(row.cents) if row.cents > 0 else ""
    withdrawn = shillings(row.cents) if row.cents < 0 else ""
    tail = ["true", row.reason, row.other, row.linked, row.account, "KES"]
    return [row.receipt, at, at, details, row.status, paid_in, withdrawn, "1,000,000.00", *tail]


def table(rows: Sequence[Sequence[str]], *, delimiter: str = ",", end: str = "\r\n") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(rows)
    return text.getvalue()


def org(rows: Sequence[Row], *, dates: str = DAY_FIRST, delimiter: str = ",", end: str = "\r\n") -> str:
    """The portal's export, with the lines above its table."""
    return table([*PREAMBLE, ORG_HEADING, *(org_cells(row, dates) for row in rows)], delimiter=delimiter, end=end)


C2B_HEADING = (
    "TransactionType",
    "TransID",
    "TransTime",
    "TransAmount",
    "BusinessShortCode",
    "BillRefNumber",
    "InvoiceNumber",
    "OrgAccountBalance",
    "ThirdPartyTransID",
    "MSISDN",
    "FirstName",
    "MiddleName",
    "LastName",
)


def c2b(rows: Sequence[Row], shortcode: str = "174379") -> str:
    """A list of confirmations."""
    return table(
        [
            C2B_HEADING,
            *(
                [
                    *("Pay Bill", row.receipt, row.at.astimezone(EAT).strftime("%Y%m%d%H%M%S"), shillings(row.cents)),
                    *(shortcode, row.account, "", "1000000.00", "", "2547 ***** 149", "AMINA", "", "JUMA"),
                ]
                for row in rows
            ),
        ]
    )


def appypay(rows: Sequence[Row], **changes: object) -> str:
    """A page of the list of payments; the account is our reference. Amounts are numbers there."""
    payments: list[dict[str, object]] = [
        {
            "id": row.receipt,
            "merchantTransactionId": row.account,
            "type": "Charge",
            "amount": f"{row.cents // 100}.{row.cents % 100:02}",
            "currency": "AOA",
            "status": "Success",
            "paymentMethod": "GPO",
            "createdDate": row.at.astimezone(UTC).isoformat(),
            "updatedDate": row.at.astimezone(UTC).isoformat(),
            "transactionEvents": [],
            **changes,
        }
        for row in rows
    ]
    page = json.dumps({"payments": payments, "totalCount": len(payments), "hasMorePages": False}, indent=1)
    return re.sub(r'"amount": "([0-9.]+)"', r'"amount": \1', page)


class Shop:
    """What the payments database knows: charges in any state, and money that was paid by hand."""

    def __init__(self, db: Database, vendor_id: str = MAMA) -> None:
        self.db = db
        self.vendor_id = vendor_id

    def charge(
        self,
        status: ChargeStatus,
        cents: int,
        *,
        at: datetime = NOON,
        account: str = "K7M3QD",
        receipt: str | None = None,
        rail: Rail = Rail.MPESA_STK,
        **changes: Any,
    ) -> str:
        """A charge that was pushed at that moment, and paid twenty seconds later if it was; its id."""
        charge_id = new_id(at)
        is_paid = status is ChargeStatus.PAID
        is_pushed = status is not ChargeStatus.CREATED
        row: dict[str, Any] = {
            "vendor_id": self.vendor_id,
            "charge_id": charge_id,
            "intent_id": f"intent-{charge_id}",
            "request_id": f"request-{charge_id}",
            "rail": rail,
            "provider": "mpesa" if rail is Rail.MPESA_STK else "ekwanza",
            "amount_minor": cents,
            "currency": Currency.KES if rail is Rail.MPESA_STK else Currency.AOA,
            "payer_msisdn": PAYER,
            "account_reference": account,
            "our_reference": charge_id.replace("-", "").upper()[-15:],
            "description": "Mama Njeri",
            "grant_expires_at": at + timedelta(seconds=60),
            "opened_as": ChargeStatus.CREATED,
            "created_at": at,
            "updated_at": at,
            "status": status,
            "claimed_at": at if is_pushed else None,
            "secret_hash": f"hash-{charge_id}" if is_pushed else None,
            "receipt": receipt,
            "paid_amount_minor": cents if is_paid else None,
            "paid_at": at + timedelta(seconds=20) if is_paid else None,
            "decided_by": "callback" if is_paid else None,
            **changes,
        }
        with self.db.write() as tx:
            tx.execute(insert(charges), [row])
        return charge_id

    def paid_by_hand(self, receipt: str, cents: int, *, at: datetime = NOON, account: str = "K7M3QD") -> None:
        event = hand_payment(self.vendor_id, receipt, cents, at, reference=account)
        with self.db.write() as tx:
            enqueue(
                tx,
                outbox,
                event_id=event.event_id,
                vendor_id=self.vendor_id,
                aggregate=f"by-hand:{event.event_id}",
                type="payment.paid",
                body=event,
                now=at + timedelta(seconds=5),
            )

    def status(self, charge_id: str) -> tuple[str, str | None, str | None, int | None]:
        """Status, receipt, who decided it, and what was paid."""
        with self.db.read() as tx:
            row = tx.execute(select(charges).where(charges.c.charge_id == charge_id)).one()
        return row.status, row.receipt, row.decided_by, row.paid_amount_minor

    def events(self) -> list[PaymentEvent]:
        with self.db.read() as tx:
            rows = tx.execute(select(outbox.c.body).order_by(outbox.c.seq)).all()
        return [PaymentEvent.model_validate_json(row.body) for row in rows]
