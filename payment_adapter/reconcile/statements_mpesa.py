"""M-Pesa's statements: the organisation portal's export, and a list of C2B confirmations.

The portal's table is that of `Receipt No., Completion Time, Initiation Time, Details, Transaction Status, Paid In,
Withdrawn, Balance, Balance Confirmed, Reason Type, Other Party Info, Linked Transaction ID, A/C No.` and, in some,
`Currency`, below lines that name the organisation and its short code, newest first. So it is read, and written as test
data, by several public programs; the portal's own manual shows no file. Where they differ, both are taken: dates as
`20-11-2026 12:00:30` or `2026-11-20 12:00:30`, withdrawals with and without a minus, numbers whole or masked as
`2547****149` and `25470****149`, reasons as `Pay Bill Online`, `PayBill_STK`, `Pay Utility`, `Customer Buy Goods
Online`, `Pay Merchant`. An older table (`Receipt, Date, Details, Status, Withdrawn, Paid In, Balance, Balance
Confirmed, Transaction Type, Other Party Info, Transaction Party Details`) is described by Mifos, whose importer
(github.com/mifos/plugins, MPesaXlsImporter) takes only rows that are `Completed` and whose type is `Pay Utility`.

A C2B list has the names of the confirmation's fields (developer.safaricom.co.ke, Customer To Business), or those of
the Pull Transactions API (`transactionId, trxDate, msisdn, transactiontype, billreference, amount`)."""

import re
from collections.abc import Iterator, Mapping

from contracts.money import Currency
from payment_adapter.reconcile.statements_lines import (
    EAST_AFRICA,
    CellUnreadable,
    Kind,
    Line,
    Unreadable,
    minor_units,
    moment,
    phone_number,
)

Cells = Mapping[str, str]
"""The cells of one record by our names of the columns; those that the table lacks are empty."""

ORG_COLUMNS: dict[str, tuple[str, ...]] = {
    "receipt": ("receiptno", "receiptnumber", "receipt"),
    "completed": ("completiontime", "date"),
    "details": ("details",),
    "status": ("transactionstatus", "status"),
    "paid_in": ("paidin",),
    "withdrawn": ("withdrawn",),
    "reason": ("reasontype", "transactiontype"),
    "other": ("otherpartyinfo",),
    "linked": ("linkedtransactionid",),
    "reference": ("acno", "accountno", "transactionpartydetails"),
    "currency": ("currency",),
}
"""By our name, the headings that mean it: lower case, letters and digits alone."""
ORG_REQUIRED = ("receipt", "completed", "status", "paid_in", "withdrawn")

C2B_COLUMNS: dict[str, tuple[str, ...]] = {
    "receipt": ("transid", "transactionid"),
    "completed": ("transtime", "trxdate"),
    "paid_in": ("transamount", "amount"),
    "reference": ("billrefnumber", "billreference"),
    "shortcode": ("businessshortcode",),
    "phone": ("msisdn",),
    "first": ("firstname",),
    "middle": ("middlename",),
    "last": ("lastname",),
}
C2B_REQUIRED = ("receipt", "completed", "paid_in", "reference")

_RECEIPT = re.compile(r"[A-Z0-9]{6,20}")
_CUSTOMERS_WORDS = re.compile(
    r"pay ?bill|pay utility|pay merchant|merchant payment|buy ?goods|customer (?:payment|merchant)|c2b", re.IGNORECASE
)
_NOT_CUSTOMERS_WORDS = re.compile(r"charge|business|organi[sz]ation|settlement", re.IGNORECASE)
_REVERSAL = re.compile(r"revers", re.IGNORECASE)
_ACCOUNT_IN_DETAILS = re.compile(r"\bAcc\.? +(\S.{0,39})$")
_PARTY_IN_DETAILS = re.compile(r"\bfrom +(\+?[0-9][0-9*]{8,}.*?)(?: +Acc\.? .*)?$")
_SHORTCODE = re.compile(
    r"(?:short ?code|pay ?bill|till|organi[sz]ation)(?: (?:number|no\.?))?[^A-Za-z0-9]{0,10}([0-9]{5,7})\b",
    re.IGNORECASE,
)
_MAX_TEXT = 80


def shortcodes_in(preamble: list[str]) -> set[str]:
    """The short codes that the lines above the table name, if any."""
    return {match[1] for line in preamble for match in _SHORTCODE.finditer(line)}


def org_line(number: int, cells: Cells) -> Line | Unreadable:
    """A record of the portal's table."""
    try:
        return _org_line(number, cells)
    except CellUnreadable as error:
        return Unreadable(number, str(error))


def c2b_line(number: int, cells: Cells) -> Line | Unreadable:
    """A record of a list of confirmations: each is a payment that was completed."""
    try:
        amount_minor = minor_units(cells["paid_in"], Currency.KES)
        if amount_minor <= 0:
            raise CellUnreadable("the amount is missing")
        names = " ".join(filter(None, (cells["first"], cells["middle"], cells["last"])))
        return Line(
            number=number,
            kind=Kind.PAYMENT,
            receipt=_receipt(cells["receipt"]),
            at=moment(cells["completed"], EAST_AFRICA),
            amount_minor=amount_minor,
            reference=cells["reference"],
            phone=phone_number(cells["phone"]),
            payer_name=names[:_MAX_TEXT],
        )
    except CellUnreadable as error:
        return Unreadable(number, str(error))


def _org_line(number: int, cells: Cells) -> Line:
    if cells["currency"] not in ("", "KES", "Ksh"):
        raise CellUnreadable(f"its currency is {cells['currency']!r}, not KES")
    receipt = _receipt(cells["receipt"])
    at = moment(cells["completed"], EAST_AFRICA)
    amount_minor, note = _moved(cells)
    details = cells["details"]
    other = cells["other"] or next(iter(_PARTY_IN_DETAILS.findall(details)), "")
    kind = _kind(cells, amount_minor)
    if kind is Kind.NOTHING and not note:
        note = f"not completed: {cells['status'] or 'no status'}"[:_MAX_TEXT]
    elif kind is not Kind.PAYMENT:
        note = note or (cells["reason"] or details)[:_MAX_TEXT]
    return Line(
        number=number,
        kind=kind,
        receipt=receipt,
        at=at,
        amount_minor=amount_minor,
        reference=cells["reference"] or next(iter(_ACCOUNT_IN_DETAILS.findall(details)), ""),
        phone=phone_number(other),
        payer_name=other.partition("-")[2].strip()[:_MAX_TEXT],
        linked=_linked(cells, receipt) if kind is Kind.REVERSAL else "",
        note=note,
    )


def _moved(cells: Cells) -> tuple[int, str]:
    """Cents, below zero where they left; withdrawals stand there with a minus or without. And what to remark."""
    paid_in = minor_units(cells["paid_in"], Currency.KES)
    withdrawn = minor_units(cells["withdrawn"], Currency.KES)
    if paid_in < 0:
        raise CellUnreadable("less than nothing was paid in")
    if paid_in and withdrawn:
        raise CellUnreadable("it was paid in and withdrawn at once")
    if not cells["paid_in"] and not cells["withdrawn"]:
        raise CellUnreadable("it says neither what was paid in nor what was withdrawn")
    if not paid_in and not withdrawn:
        return 0, "moved no money"
    return paid_in or -abs(withdrawn), ""


def _kind(cells: Cells, amount_minor: int) -> Kind:
    words = f"{cells['reason']} {cells['details']}"
    if cells["status"].casefold() != "completed" or amount_minor == 0:
        return Kind.NOTHING
    if _REVERSAL.search(words):
        return Kind.REVERSAL
    if amount_minor < 0:
        return Kind.OUTGOING
    # The reason decides where there is one: details hold what people typed.
    told = cells["reason"] or cells["details"]
    is_customers = _CUSTOMERS_WORDS.search(told) and not _NOT_CUSTOMERS_WORDS.search(told)
    return Kind.PAYMENT if is_customers else Kind.INCOME


def _receipt(text: str) -> str:
    receipt = text.strip().upper()
    if not _RECEIPT.fullmatch(receipt):
        raise CellUnreadable("it has no receipt number" if not receipt else f"{receipt[:40]!r} is no receipt number")
    return receipt


def _linked(cells: Cells, own: str) -> str:
    """Whose reversal it is: as the column says, or as its details do; without either it bears the payment's number."""
    for text in (cells["linked"], *re.findall(r"\b[A-Z][A-Z0-9]{9}\b", cells["details"])):
        told = text.strip().upper()
        if told != own and _RECEIPT.fullmatch(told):
            return told
    return own


def c2b_shortcode(cells: Cells) -> Iterator[str]:
    """The short code that the record was paid to, if it says so."""
    if re.fullmatch("[0-9]{5,7}", cells["shortcode"]):
        yield cells["shortcode"]
