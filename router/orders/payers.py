"""Whose phone a PAY may ring: the writer's own, and hardly ever another's. docs/decisions/0027 says why.

A number is a customer's own if their address shows it, or if they paid by a prompt to it before. Another number may be
named only where the address shows none that can be charged, only if it has no chat of its own with the shop to pay
from, and only so often."""

from dataclasses import dataclass
from datetime import datetime

from contracts.errors import ErrorCode
from contracts.ids import CustomerId
from contracts.money import Currency
from contracts.states import PUSHED_RAILS, Rail
from kit.db import Tx
from kit.problems import Problem
from router.customers.service import Customer, address_of, find_customer, normalized_msisdn
from router.payments import service as payments
from router.vendors.service import Vendor

MAX_NAMED_PER_DAY = 2
"""Different numbers, not their own, that one customer may name in a day of the shop's zone."""

_KENYA = "254"
_ANGOLA_MOBILE = "2449"
_ANGOLA_DIGITS = 12  # the country code and nine


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose number it is that will ring. `is_named`: nothing but the customer's word says that it is theirs."""

    msisdn: str | None
    is_named: bool = False


def payer_of(tx: Tx, vendor: Vendor, customer: Customer, given: str | None, rail: Rail) -> Payer:
    """The number to charge: the one that was given, else the customer's own if it can be charged, else the one they
    gave before. Of the rails that ring none, e-Kwanza draws a ticket's picture for a number, where one is known.

    Raises Problem 422 payer_invalid, 422 payer_missing or 409 payer_not_agreed."""
    own = customer.phone if customer.phone is not None and can_be_charged(customer.phone, rail) else None
    if rail not in PUSHED_RAILS:
        return Payer((own or _kept(customer, rail)) if rail is Rail.TICKET else None)
    wanted = (own or _kept(customer, rail)) if given is None else _read(given, vendor.currency, rail)
    if wanted is None:
        raise _missing()
    if wanted == own:
        return Payer(wanted)
    if payments.has_paid_from(tx, vendor_id=vendor.id, customer_id=customer.id, payer_msisdn=wanted):
        return Payer(wanted)
    if own is not None:
        raise _not_agreed("only the customer's own number is charged; the owner of another pays from their own chat")
    if find_customer(tx, vendor.id, address_of(wanted)) is not None:
        if given is None:
            raise _missing()  # it was named once; now its owner can be asked, and the customer names another
        raise _not_agreed("this number has a chat with the shop: its owner pays from there")
    return Payer(wanted, is_named=True)


def check_named(tx: Tx, vendor: Vendor, customer_id: CustomerId, payer: Payer, now: datetime) -> None:
    """How often a number that is only named may ring. The caller holds the customer's row lock.

    Raises Problem 429 payer_busy (this customer has a prompt open) or 429 too_many_payers."""
    if not payer.is_named:
        return
    pushes = payments.pushes_asked_by(
        tx, vendor_id=vendor.id, customer_id=customer_id, timezone=vendor.timezone, now=now
    )
    if pushes.has_live:
        raise Problem(429, ErrorCode.PAYER_BUSY, "this customer has a payment prompt open; finish or ignore it first")
    if payer.msisdn not in pushes.numbers and len(pushes.numbers) >= MAX_NAMED_PER_DAY:
        raise Problem(
            429,
            ErrorCode.TOO_MANY_PAYERS,
            f"{MAX_NAMED_PER_DAY} different numbers a day; another one is possible tomorrow",
            retry_after_s=pushes.next_day_in_s,
        )


def can_be_charged(msisdn: str, rail: Rail) -> bool:
    """M-Pesa's prompt reaches Kenyan numbers only, Multicaixa Express's Angolan mobiles only."""
    if rail is Rail.MPESA_STK:
        return msisdn.startswith(_KENYA)
    return msisdn.startswith(_ANGOLA_MOBILE) and len(msisdn) == _ANGOLA_DIGITS


def _kept(customer: Customer, rail: Rail) -> str | None:
    kept = customer.payer_msisdn
    return kept if kept is not None and can_be_charged(kept, rail) else None


def _read(given: str, currency: Currency, rail: Rail) -> str:
    msisdn = normalized_msisdn(given, currency)
    if msisdn is None or not can_be_charged(msisdn, rail):
        how = "one such as 254708374149" if rail is Rail.MPESA_STK else "244 and the nine digits of a mobile number"
        raise Problem(422, ErrorCode.PAYER_INVALID, f"this is not a number that can be charged; send {how}")
    return msisdn


def _missing() -> Problem:
    return Problem(
        422, ErrorCode.PAYER_MISSING, "say which number to charge: the customer's address shows none that can be"
    )


def _not_agreed(detail: str) -> Problem:
    return Problem(409, ErrorCode.PAYER_NOT_AGREED, detail)
