"""Finds and makes customers. A shop's customer is whoever writes from one channel address."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, tuple_, update

from contracts.errors import ErrorCode, FieldError
from contracts.ids import ChannelAddress, CustomerId, VendorId, new_id
from contracts.router_api import CustomerRef
from kit.db import Tx, insert_new
from kit.problems import Problem
from router.customers.models import customers
from router.customers.rules import (
    Customer,
    address_of,
    first_name,
    is_address,
    normalized_msisdn,
    phone_of,
    shown_number,
    tidy_name,
)

__all__ = [
    "Customer",
    "address_of",
    "addresses_of",
    "checked_address",
    "find_customer",
    "first_name",
    "get_customer",
    "known_customer",
    "locked_customer",
    "normalized_msisdn",
    "people",
    "phone_of",
    "remember_payer",
    "shown_number",
]


def checked_address(text: str) -> ChannelAddress:
    """Raises Problem 422 for what no channel writes."""
    if not is_address(text):
        raise Problem(
            422,
            ErrorCode.INVALID_REQUEST,
            "a customer is named by a channel address, such as whatsapp:+254708374149",
            errors=[FieldError(field="customer.address", problem="not a channel address")],
        )
    return ChannelAddress(text)


def find_customer(tx: Tx, vendor_id: VendorId, address: ChannelAddress) -> Customer | None:
    row = tx.execute(_BY_ADDRESS, {"vendor": vendor_id, "address": address}).one_or_none()
    return None if row is None else _customer(row)


def get_customer(tx: Tx, vendor_id: VendorId, customer_id: CustomerId) -> Customer:
    """The customer that a row of ours refers to."""
    return _customer(tx.execute(_BY_ID, {"vendor": vendor_id, "which": customer_id}).one())


def people(tx: Tx, vendor_id: VendorId, wanted: Collection[CustomerId]) -> dict[CustomerId, Customer]:
    """These customers of one shop, in one statement."""
    if not wanted:
        return {}
    statement = select(customers).where(customers.c.vendor_id == vendor_id, customers.c.id.in_(sorted(wanted)))
    return {CustomerId(row.id): _customer(row) for row in tx.execute(statement)}


def addresses_of(
    tx: Tx, wanted: Collection[tuple[VendorId, CustomerId]]
) -> dict[tuple[VendorId, CustomerId], ChannelAddress]:
    """The channel addresses of these customers, of any shop."""
    if not wanted:
        return {}
    statement = select(customers.c.vendor_id, customers.c.id, customers.c.channel_address).where(
        tuple_(customers.c.vendor_id, customers.c.id).in_(sorted(wanted))
    )
    return {
        (VendorId(row.vendor_id), CustomerId(row.id)): ChannelAddress(row.channel_address)
        for row in tx.execute(statement)
    }


def locked_customer(tx: Tx, vendor_id: VendorId, ref: CustomerRef, now: datetime) -> Customer:
    """The customer of this address, made if new, with the row locked: whoever changes carts holds this lock."""
    return _find_or_make(tx, vendor_id, ref, now, lock=True)


def known_customer(tx: Tx, vendor_id: VendorId, ref: CustomerRef, now: datetime) -> Customer:
    """The customer of this address, made if new, without a lock."""
    return _find_or_make(tx, vendor_id, ref, now, lock=False)


def remember_payer(tx: Tx, vendor_id: VendorId, customer: Customer, msisdn: str) -> None:
    """Keep the number that the customer asked to be charged."""
    if customer.payer_msisdn != msisdn:
        tx.execute(update(customers).where(*_is(vendor_id, customer.id)).values(payer_msisdn=msisdn))


def _find_or_make(tx: Tx, vendor_id: VendorId, ref: CustomerRef, now: datetime, *, lock: bool) -> Customer:
    address, name = checked_address(ref.address), tidy_name(ref.name)
    statement = _LOCK_BY_ADDRESS if lock else _BY_ADDRESS
    params = {"vendor": vendor_id, "address": address}
    row = tx.execute(statement, params).one_or_none()
    if row is None:
        new = {
            "vendor_id": vendor_id,
            "id": new_id(now),
            "channel_address": address,
            "name": name,
            "created_at": now,
        }
        # A twin may have made the row meanwhile; then theirs is the customer.
        insert_new(tx, customers, new, conflict=["vendor_id", "channel_address"])
        row = tx.execute(statement, params).one()
    customer = _customer(row)
    if name and name != customer.name:
        tx.execute(update(customers).where(*_is(vendor_id, customer.id)).values(name=name))
    return customer


# Made once: putting these together costs more than running them.
_BY_ADDRESS = select(customers).where(
    customers.c.vendor_id == bindparam("vendor"), customers.c.channel_address == bindparam("address")
)
_BY_ID = select(customers).where(customers.c.vendor_id == bindparam("vendor"), customers.c.id == bindparam("which"))
# Weaker than FOR UPDATE: it holds off other carts of this customer, not rows that merely refer to them.
_LOCK_BY_ADDRESS = _BY_ADDRESS.with_for_update(key_share=True)


def _is(vendor_id: VendorId, customer_id: CustomerId) -> tuple[Any, Any]:
    return (customers.c.vendor_id == vendor_id, customers.c.id == customer_id)


def _customer(row: Row[Any]) -> Customer:
    return Customer(CustomerId(row.id), ChannelAddress(row.channel_address), row.name, row.payer_msisdn)
