"""A shop gives money back by its API: the provider is asked once, the customer is told, the ledger says so."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import pytest

from contracts.ids import VendorId
from dukani.processes import Process
from kit.db import Database
from router.operations import KeyScope
from router.vendors.keys import make_key
from tests.journeys.books import Books
from tests.journeys.test_kwanzas import PRICE as PRICE_IN_KWANZAS
from tests.journeys.test_kwanzas import WHO as NZINGA
from tests.journeys.test_kwanzas import confirmed as confirmed_in_kwanzas
from tests.journeys.test_kwanzas import pays_by
from tests.journeys.test_purchase import WHO as ACHIENG
from tests.journeys.test_purchase import confirmed
from tests.support.phone import Phone
from tests.support.processes import Shop, eventually

WITHIN_S = 20.0
SCOPES = frozenset({KeyScope.PAYMENTS_READ, KeyScope.PAYMENTS_WRITE})
OPERATOR = {"x-internal-key": "dev-internal-secret"}


@dataclass(frozen=True, slots=True)
class Till:
    """What came into one shop's till, seen and given back with a key of that shop."""

    shop: Shop
    token: str

    @property
    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def money(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.shop.get(Process.ROUTER, "/api/v1/transactions", self._headers)[
            "transactions"
        ]
        return found

    def give_back(self, transaction_id: str, note: str) -> str:
        """All of it; asked for twice under one key, as software does that got no answer. Returns the refund's id."""
        path = f"/api/v1/transactions/{transaction_id}/refund"
        headers = {**self._headers, "idempotency-key": "spoiled-1"}
        first, again = (self.shop.post(Process.ROUTER, path, {"note": note}, headers) for _ in range(2))
        assert first["refund_id"] == again["refund_id"]
        return str(first["refund_id"])

    def refunds(self) -> list[tuple[str, str, int]]:
        """(id, status, minor units) of each."""
        found = self.shop.get(Process.ROUTER, "/api/v1/refunds", self._headers)["refunds"]
        return [(one["refund_id"], one["status"], one["amount_minor"]) for one in found]


@pytest.fixture
def platform(shop: Shop) -> Generator[Database]:
    database = Database(shop.settings.platform_database_url)
    yield database
    database.close()


def till_of(shop: Shop, platform: Database, word: str) -> Till:
    vendors = shop.get(Process.ROUTER, "/vendors", OPERATOR)["vendors"]
    vendor_id = VendorId(next(one["id"] for one in vendors if one["word"] == word))
    with platform.write() as tx:
        _, token = make_key(tx, vendor_id, "the shop's software", SCOPES, shop.clock.now(), by="operator")
    return Till(shop, token)


def test_money_of_m_pesa_goes_back_to_the_customer_once(
    shop: Shop, phone: Phone, books: Books, platform: Database
) -> None:
    confirmed(phone)
    phone.says(ACHIENG, "PAY")
    receipt = phone.enter_pin(ACHIENG).receipt or "?"
    paid = phone.wait_for_reply(ACHIENG, containing=receipt)
    books.eventually_statuses("PAID")
    left = phone.balance(ACHIENG)

    phone.faults(result_twice=True)
    till = till_of(shop, platform, "mama")
    (money,) = till.money()
    assert (money["receipt"], money["amount_minor"], money["refunded_minor"]) == (receipt, 12_000, 0)
    refund = till.give_back(money["transaction_id"], "The tomatoes were spoiled")

    told = phone.wait_for_reply(ACHIENG, containing="KES 120", after=paid.place, timeout_s=WITHIN_S)
    assert receipt in told.body
    eventually(lambda: till.refunds() == [(refund, "done", 12_000)], f"the refund is done (it is {till.refunds()})")
    (order,) = [one for one in phone.by_hand()["orders"] if one["kind"] == "reversal"]
    assert order["result"]["Result"]["ResultCode"] == 0
    assert phone.balance(ACHIENG) == left + 120
    assert books.ledger("adjusted") == [-12_000]
    assert till.money()[0]["refunded_minor"] == 12_000
    books.one_paid_once(12_000)  # what was paid stays paid
    assert [one.place for one in phone.replies(ACHIENG, paid.place)] == [told.place]


def test_money_of_multicaixa_express_goes_back_to_the_customer_once(
    shop: Shop, phone: Phone, books: Books, platform: Database
) -> None:
    confirmed_in_kwanzas(phone)
    paying = pays_by(phone, "1")
    phone.wait_for_reply(NZINGA, after=paying)
    phone.enter_pin(NZINGA, timeout_s=WITHIN_S)
    paid = phone.wait_for_reply(NZINGA, containing="Paid. Thank you", after=paying, timeout_s=WITHIN_S)
    books.eventually_statuses("PAID")

    till = till_of(shop, platform, "ilha")
    (money,) = till.money()
    refund = till.give_back(money["transaction_id"], "The beans were spoiled")

    told = phone.wait_for_reply(NZINGA, containing="AOA 1,450.50", after=paid.place, timeout_s=WITHIN_S)
    assert "back" in told.body
    eventually(
        lambda: till.refunds() == [(refund, "done", PRICE_IN_KWANZAS)],
        f"the refund is done (it is {till.refunds()})",
    )
    (charge,) = phone.ekwanza_charges()
    assert charge["refunded_minor"] == PRICE_IN_KWANZAS
    assert len([one for one in phone.ekwanza_requests() if "refund" in one["endpoint"]]) == 1
    assert books.ledger("adjusted") == [-PRICE_IN_KWANZAS]
    books.one_paid_once(PRICE_IN_KWANZAS)
    assert [one.place for one in phone.replies(NZINGA, paid.place)] == [told.place]
