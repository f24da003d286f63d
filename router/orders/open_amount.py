"""An order for a sum that was agreed elsewhere: a DRAFT with one line and no item, made over the API for a customer."""

from datetime import datetime

from contracts.errors import ErrorCode, FieldError
from contracts.money import Currency, Money
from contracts.router_api import CustomerRef
from kit.db import Tx
from kit.problems import Problem
from router.customers.service import Customer, address_of, known_customer, normalized_msisdn
from router.orders.rules import OPEN_AMOUNT_NAME, Line, Order, OrderSource
from router.orders.service import make_draft
from router.vendors.service import Vendor


def draft_open_amount(
    tx: Tx, vendor: Vendor, customer_phone: str, amount: Money, now: datetime
) -> tuple[Order, Customer]:
    """The DRAFT is the cart of the customer whose WhatsApp number it is: what they see, confirm and pay next.

    Raises Problem 422 for a phone number that is none (invalid_request) or cents of a shilling (amount_invalid)."""
    msisdn = normalized_msisdn(customer_phone, vendor.currency)
    if msisdn is None:
        raise Problem(
            422,
            ErrorCode.INVALID_REQUEST,
            "customer_phone is not a phone number; write it with its country code, such as 254708374149",
            errors=[FieldError(field="customer_phone", problem="not a phone number")],
        )
    if amount.currency is Currency.KES and not amount.is_whole:
        raise Problem(
            422,
            ErrorCode.AMOUNT_INVALID,
            "M-Pesa collects whole shillings only: 3000 are thirty shillings",
            errors=[FieldError(field="amount_minor", problem="not a whole amount")],
        )
    customer = known_customer(tx, vendor.id, CustomerRef(address=address_of(msisdn)), now)
    line = Line(line_no=1, item_id=None, name=OPEN_AMOUNT_NAME, unit_price=amount, quantity=1)
    return make_draft(tx, vendor, customer.id, now, source=OrderSource.API, lines=[line]), customer
