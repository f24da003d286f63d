"""A payment that nobody ever told of is found in the provider's statement, and ends as every payment does."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from tests.journeys.books import Books
from tests.journeys.commands import dukani, reconcile
from tests.journeys.test_purchase import WHO, confirmed
from tests.support.phone import Phone
from tests.support.processes import Shop, eventually
from tests.support.statements import EAT, Row, org

WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Untold:
    """A payment that nobody told of, and that nobody can ask M-Pesa about."""

    said: int
    """The place of PAY in the chat."""
    code: str
    receipt: str
    paid_at: datetime


@pytest.fixture(params=["query_error_html", "push_timeout"])
def untold(shop: Shop, phone: Phone, books: Books, request: pytest.FixtureRequest) -> Untold:
    """Either M-Pesa answers no question about it, or its answer to the push was lost: nothing is known to ask about."""
    code = confirmed(phone).split("*")[1]
    phone.faults(**{"callback_lost": True, request.param: True})
    said = phone.says(WHO, "PAY")
    receipt = phone.enter_pin(WHO).receipt
    assert receipt is not None
    paid_at = shop.clock.now()
    phone.advance(6 * 60)
    eventually(lambda: books.charges() == ["unknown"], f"nobody knows of it (it is {books.charges()})")
    assert books.order_statuses() == ["CONFIRMED"]
    phone.advance(3600)
    return Untold(said, code, receipt, paid_at)


def ends_paid(phone: Phone, books: Books, untold: Untold) -> None:
    receipt = phone.wait_for_reply(WHO, containing="Paid. Thank you", after=untold.said, timeout_s=WITHIN_S)
    assert untold.receipt in receipt.body
    books.eventually_statuses("PAID")
    books.one_paid_once(12_000)


def test_a_payment_that_was_never_told_is_found_in_the_portals_statement(
    shop: Shop, phone: Phone, books: Books, untold: Untold
) -> None:
    paid_at = untold.paid_at.astimezone(EAT) + timedelta(seconds=5)
    statement = org([Row(untold.receipt, 12_000, paid_at, untold.code)])
    told = reconcile(shop, statement)
    assert "1 payment came in that we had not heard of: KES 120.00." in told
    assert "Mama Njeri's Groceries and the customers hear of it" in told
    ends_paid(phone, books, untold)

    assert "There is nothing to apply." in reconcile(shop, statement)
    phone.asks(WHO, "STATUS", containing=untold.receipt)
    books.one_paid_once(12_000)
    assert len([one for one in phone.replies(WHO, untold.said) if "Paid. Thank you" in one.body]) == 1


def test_a_payment_whose_receipt_the_customer_shows_is_asked_about(
    shop: Shop, phone: Phone, books: Books, untold: Untold
) -> None:
    (charge,) = json.loads(dukani(shop, "charges", "--vendor", "mama", "--json"))["charges"]
    assert "M-Pesa was asked" in dukani(shop, "c2b", "ask", "mama", untold.receipt, "--charge", charge["charge_id"])
    ends_paid(phone, books, untold)
