"""The simulated customers: an address on WhatsApp, a name, and an M-Pesa wallet behind the number."""

import hashlib
import re
import secrets
import sqlite3
from dataclasses import dataclass
from typing import cast

from simulators.store import Transaction

OPENING_BALANCE_WHOLE = 50_000
OPENING_KWANZA_MINOR = 500_000_00
MOST_CUSTOMERS = 200

DEFAULT_CUSTOMERS = (
    ("Achieng", "254708374149", False),
    ("Baraka", "254700000001", False),
    ("Wanjiru", "254700000002", False),
    ("Nzinga", "244923000001", False),  # in Luanda: her phone is one that Multicaixa Express can ring
    ("Neema", "254700000088", True),  # goes by a WhatsApp username: shops see an id in place of the number
)

_KENYA = "254"
_MSISDN = re.compile(r"254[17][0-9]{8}|2449[0-9]{8}")


@dataclass(frozen=True, slots=True)
class Customer:
    address: str
    """As WhatsApp shows it to the shop: the number, or a business-scoped id where the number is hidden."""
    msisdn: str | None
    name: str
    is_hidden: bool

    @property
    def scoped_address(self) -> str:
        """By the business-scoped id, which a number keeps as long as it is the same."""
        return self.address if self.is_hidden else _scoped_address(self.msisdn)


class BadCustomer(ValueError):
    """Nobody was added. The text says what would be accepted."""


class CustomerExists(ValueError):
    """Somebody has that number already."""


def add(
    tx: Transaction, name: str, msisdn: str | None, *, is_hidden: bool = False, balance_whole: int | None = None
) -> Customer:
    """Without a number, or hidden: the shop sees an id in its place. Raises BadCustomer, CustomerExists."""
    if not 1 <= len(name.strip()) <= 40 or not name.isprintable():
        raise BadCustomer("name: expected 1 to 40 characters")
    if msisdn is not None and not _MSISDN.fullmatch(msisdn):
        raise BadCustomer("msisdn: expected 12 digits that start with 2547, 2541 or 2449, or none for a hidden number")
    if balance_whole is not None and not 0 <= balance_whole <= 1_000_000:
        raise BadCustomer("balance_whole: expected whole shillings from 0 to 1000000")
    if len(tx.rows("SELECT 1 FROM customers")) >= MOST_CUSTOMERS:
        raise BadCustomer(f"there are {MOST_CUSTOMERS} customers already; POST /sim/reset forgets them")
    hidden = is_hidden or msisdn is None
    address = _scoped_address(msisdn) if hidden else f"whatsapp:+{msisdn}"
    if tx.row("SELECT 1 FROM customers WHERE address = ? OR msisdn = ?", address, msisdn) is not None:
        raise CustomerExists("somebody has that number already")
    tx.run(
        "INSERT INTO customers (address, msisdn, name, is_hidden) VALUES (?, ?, ?, ?)",
        address,
        msisdn,
        name.strip(),
        int(hidden),
    )
    if msisdn is not None and balance_whole is not None:
        balance(tx, msisdn)
        tx.run("UPDATE wallets SET balance_whole = ? WHERE msisdn = ?", balance_whole, msisdn)
    tx.next_seq()
    return Customer(address, msisdn, name.strip(), hidden)


def add_defaults(tx: Transaction) -> None:
    """Those everybody starts with, if nobody is there."""
    if tx.row("SELECT 1 FROM customers") is None:
        for name, msisdn, is_hidden in DEFAULT_CUSTOMERS:
            add(tx, name, msisdn, is_hidden=is_hidden)


def all_of_them(tx: Transaction) -> list[Customer]:
    return [_customer(row) for row in tx.rows("SELECT * FROM customers ORDER BY place")]


def by_address(tx: Transaction, address: str) -> Customer | None:
    row = tx.row("SELECT * FROM customers WHERE address = ?", address)
    return _customer(row) if row else None


def address_of(tx: Transaction, msisdn: str) -> str | None:
    """Whose phone rings when that number is called, if it is one of ours."""
    row = tx.row("SELECT address FROM customers WHERE msisdn = ?", msisdn)
    return str(row["address"]) if row else None


def balance(tx: Transaction, msisdn: str) -> int:
    """Whole shillings. Every number in Kenya has a wallet, opened with KES 50,000; others have none."""
    if not msisdn.startswith(_KENYA):
        return 0
    tx.run("INSERT INTO wallets VALUES (?, ?) ON CONFLICT DO NOTHING", msisdn, OPENING_BALANCE_WHOLE)
    row = tx.row("SELECT balance_whole FROM wallets WHERE msisdn = ?", msisdn)
    assert row is not None
    return int(row["balance_whole"])


def debit(tx: Transaction, msisdn: str, amount_whole: int) -> bool:
    """False, and nothing taken, where the balance is too small."""
    balance(tx, msisdn)
    changed = tx.run(
        "UPDATE wallets SET balance_whole = balance_whole - ? WHERE msisdn = ? AND balance_whole >= ?",
        amount_whole,
        msisdn,
        amount_whole,
    )
    return changed == 1


def credit(tx: Transaction, msisdn: str, amount_whole: int) -> None:
    balance(tx, msisdn)
    tx.run("UPDATE wallets SET balance_whole = balance_whole + ? WHERE msisdn = ?", amount_whole, msisdn)


def kwanza_balance(tx: Transaction, msisdn: str) -> int:
    """Cêntimos. Every number has an account with Multicaixa, too, opened with AOA 500,000."""
    tx.run("INSERT INTO kwanza_wallets VALUES (?, ?) ON CONFLICT DO NOTHING", msisdn, OPENING_KWANZA_MINOR)
    row = tx.row("SELECT balance_minor FROM kwanza_wallets WHERE msisdn = ?", msisdn)
    assert row is not None
    return int(row["balance_minor"])


def debit_kwanza(tx: Transaction, msisdn: str, amount_minor: int) -> bool:
    """False, and nothing taken, where the balance is too small. A negative amount is given back."""
    kwanza_balance(tx, msisdn)
    changed = tx.run(
        "UPDATE kwanza_wallets SET balance_minor = balance_minor - ? WHERE msisdn = ? AND balance_minor >= ?",
        amount_minor,
        msisdn,
        amount_minor,
    )
    return changed == 1


def _scoped_address(msisdn: str | None) -> str:
    """A country and an opaque id; without a number a new one each time."""
    country = "AO" if msisdn is not None and msisdn.startswith("244") else "KE"
    opaque = secrets.token_hex(10) if msisdn is None else hashlib.sha256(f"scoped:{msisdn}".encode()).hexdigest()[:20]
    return f"whatsapp:{country}.{opaque}"


def _customer(row: sqlite3.Row) -> Customer:
    msisdn = cast(str | None, row["msisdn"])
    return Customer(str(row["address"]), msisdn, str(row["name"]), bool(row["is_hidden"]))
