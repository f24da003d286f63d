"""AppyPay's list of payments: the answer of GET /v2.0/charges, as JSON, or the same fields as CSV.

The list is `{"payments": [{id, merchantTransactionId, type, operation, amount, currency, status, paymentMethod,
createdDate, updatedDate, ...}], "totalCount": ...}` (AppyPay Payment Gateway, Get all charges, as mirrored in
github.com/fredypdp/AppyPay-Docs). It comes in pages; pages that were saved one after the other into one file are read
as one. What is paid by ticket stands in no such list. Times without a zone are taken for Luanda's."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from contracts.money import Currency
from payment_adapter.reconcile.statements_lines import (
    WEST_AFRICA,
    CellUnreadable,
    Kind,
    Line,
    Unreadable,
    minor_units,
    moment,
    phone_number,
)
from payment_adapter.reconcile.statements_mpesa import Cells
from payment_adapter.reconcile.statements_text import Source

COLUMNS: dict[str, tuple[str, ...]] = {
    "receipt": ("id", "paymentid"),
    "reference": ("merchanttransactionid",),
    "paid_in": ("amount",),
    "status": ("status",),
    "completed": ("updateddate", "updatedat"),
    "created": ("createddate", "createdat"),
    "currency": ("currency",),
    "type": ("type",),
    "phone": ("phonenumber",),
}
REQUIRED = ("receipt", "reference", "paid_in", "status", "created")

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_LIST = re.compile(r"\s*\[")
_NAMED_LIST = re.compile(r'"payments"\s{0,20}:\s{0,20}\[')
_LONGEST_NAME = 64
_BETWEEN = re.compile(r"[\s,]*")
_CHUNK = 64 * 1024
_MAX_PAYMENT = 256 * 1024
"""No payment is described in more characters; what is, is not JSON any more."""


def line(number: int, cells: Cells) -> Line | Unreadable:
    """A payment of the list."""
    try:
        return _line(number, cells)
    except CellUnreadable as error:
        return Unreadable(number, str(error))


def _line(number: int, cells: Cells) -> Line:
    if cells["currency"] not in ("", "AOA"):
        raise CellUnreadable(f"its currency is {cells['currency'][:10]!r}, not AOA")
    if not _ID.fullmatch(cells["receipt"]):
        raise CellUnreadable("it has no id")
    amount_minor = minor_units(cells["paid_in"], Currency.AOA)
    if amount_minor <= 0:
        raise CellUnreadable("the amount is missing")
    status, sort = cells["status"].casefold(), cells["type"].casefold()
    kind, note = Kind.PAYMENT, ""
    if status != "success":
        kind, note = Kind.NOTHING, f"not completed: {cells['status'][:40] or 'no status'}"
    elif "refund" in sort or "revers" in sort:
        kind, note, amount_minor = Kind.REVERSAL, cells["type"][:40], -amount_minor
    return Line(
        number=number,
        kind=kind,
        receipt=cells["receipt"],
        at=moment(cells["completed"] or cells["created"], WEST_AFRICA),
        amount_minor=amount_minor,
        reference=cells["reference"],
        phone=phone_number(cells["phone"]),
        note=note,
    )


def json_lines(source: Source) -> Iterator[Line | Unreadable]:
    """The payments of a JSON file, one at a time. Where it stops being JSON, that is said and the rest is not read."""
    reading = _Reading(source)
    while reading.find_list():
        while (found := reading.payment()) is not None:
            if isinstance(found, Unreadable):
                yield found
                return
            number, payment = found
            yield line(number, _cells(payment))


def _cells(payment: dict[str, Any]) -> Cells:
    by_heading = {re.sub("[^a-z0-9]", "", name.lower()): value for name, value in payment.items()}
    return {
        name: next((_cell(by_heading[heading]) for heading in headings if by_heading.get(heading) is not None), "")
        for name, headings in COLUMNS.items()
    }


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        try:
            return f"{value:f}"
        except InvalidOperation:
            return str(value)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


class _Reading:
    """A window that slides over the file."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._text = ""
        self._at = 0
        self._number = 1
        self._is_at_end = False
        self._decoder = json.JSONDecoder(parse_float=Decimal)

    def find_list(self) -> bool:
        """Go to the first payment of the next page: of a list by that name, or of a list alone."""
        while not self._text[self._at :].strip() and self._more():
            pass
        match = _LIST.match(self._text, self._at)
        while match is None and (match := _NAMED_LIST.search(self._text, self._at)) is None:
            if not self._more(keep=_LONGEST_NAME):
                return False
        self._advance(match.end())
        return True

    def payment(self) -> tuple[int, dict[str, Any]] | Unreadable | None:
        """The next payment and the line it begins in. None at the list's end."""
        while True:
            skipped = _BETWEEN.match(self._text, self._at)
            assert skipped is not None
            self._advance(skipped.end())
            if self._text[self._at : self._at + 1] == "]":
                self._advance(self._at + 1)
                return None
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except ValueError:
                if len(self._text) - self._at < _MAX_PAYMENT and self._more():
                    continue
                return Unreadable(self._number, "from here on it can't be read as JSON: was the file cut off?")
            if not isinstance(value, dict):
                return Unreadable(self._number, "from here on these are no payments")
            number = self._number
            self._advance(end)
            return number, cast(dict[str, Any], value)

    def _advance(self, to: int) -> None:
        self._number += self._text.count("\n", self._at, to)
        self._at = to

    def _more(self, keep: int | None = None) -> bool:
        """Read on. What lies behind is forgotten, but for `keep` characters where nothing was found yet."""
        if self._is_at_end:
            return False
        if keep is not None:
            self._advance(max(self._at, len(self._text) - keep))
        self._text, self._at = self._text[self._at :], 0
        chunk = self._source.read(_CHUNK)
        self._is_at_end = not chunk
        self._text += chunk
        return bool(chunk)
