"""A customer talks to a person of the shop; the shop's people are told of what happens, and of what did not arrive."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from contracts.ids import VendorId
from dukani.processes import Process
from kit.db import Database
from router.operations import KeyScope
from router.vendors.keys import make_key
from tests.journeys.books import Books
from tests.journeys.test_purchase import confirmed
from tests.support.phone import Phone
from tests.support.processes import Shop, eventually

CUSTOMER, SHOPKEEPER = "Achieng", "Baraka"
WITHIN_S = 20.0
SCOPES = frozenset({KeyScope.CHAT_READ, KeyScope.CHAT_WRITE})
OPERATOR = {"x-internal-key": "dev-internal-secret"}


@dataclass(frozen=True, slots=True)
class Desk:
    """The shop's own software, with a key of its own."""

    shop: Shop
    token: str

    @property
    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def get(self, path: str) -> Any:
        return self.shop.get(Process.ROUTER, f"/api/v1/{path}", self._headers)

    def post(self, path: str, **body: object) -> Any:
        return self.shop.post(Process.ROUTER, f"/api/v1/{path}", body, self._headers)

    def said(self, conversation: str) -> list[tuple[str, str, str]]:
        """(who, what, status), oldest first."""
        found = self.get(f"conversations/{conversation}/messages?limit=50")["messages"]
        return [(one["author"], one["text"], one["status"]) for one in reversed(found)]


def desk_of(shop: Shop, word: str) -> Desk:
    vendors = shop.get(Process.ROUTER, "/vendors", OPERATOR)["vendors"]
    vendor_id = VendorId(next(one["id"] for one in vendors if one["word"] == word))
    platform = Database(shop.settings.platform_database_url)
    try:
        with platform.write() as tx:
            _, token = make_key(tx, vendor_id, "the shop's software", SCOPES, shop.clock.now(), by="operator")
    finally:
        platform.close()
    return Desk(shop, token)


def soon(found: Callable[[], bool], what: str) -> None:
    eventually(found, what, WITHIN_S)


def test_a_customer_and_a_person_of_the_shop_talk_and_the_shop_is_told(shop: Shop, phone: Phone, books: Books) -> None:
    desk = desk_of(shop, "mama")
    invited = desk.post("alerts/invitations")
    phone.asks(SHOPKEEPER, "SHOP mama", containing="Mama Njeri")
    phone.asks(SHOPKEEPER, invited["text"], containing="You will be told here")

    confirmed(phone)
    told = phone.asks(CUSTOMER, "I want to talk to the shop", containing="BOT")
    assert "Mama Njeri" in told
    phone.wait_for_reply(SHOPKEEPER, containing="waits for a person", timeout_s=WITHIN_S)
    (waiting,) = desk.get("conversations?mode=waiting")["conversations"]
    conversation = waiting["conversation_id"]
    soon(lambda: ("customer", "I want to talk to the shop", "received") in desk.said(conversation), "what was said")

    asked = phone.says(CUSTOMER, "Are the tomatoes fresh?")
    soon(lambda: ("customer", "Are the tomatoes fresh?", "received") in desk.said(conversation), "the question")
    desk.post(f"conversations/{conversation}/messages", text="Fresh from Limuru.\nShall I keep two?", by="Wanjiru")
    answer = phone.wait_for_reply(CUSTOMER, containing="Fresh from Limuru", after=asked, timeout_s=WITHIN_S)
    assert answer.body.startswith("*Wanjiru, Mama Njeri's Groceries:*\nFresh from Limuru.\nShall I keep two?")
    assert [one.place for one in phone.replies(CUSTOMER, asked)] == [answer.place]

    def status() -> str:
        return next(status for who, _, status in desk.said(conversation) if who == "staff")

    soon(lambda: status() in ("delivered", "read"), f"the answer is delivered (it is {status()})")

    paying = phone.says(CUSTOMER, "PAY")
    phone.wait_for_reply(CUSTOMER, after=paying)
    prompt = phone.enter_pin(CUSTOMER)
    phone.wait_for_reply(CUSTOMER, containing=prompt.receipt or "?", after=paying, timeout_s=WITHIN_S)
    books.eventually_statuses("PAID")
    alert = phone.wait_for_reply(SHOPKEEPER, containing="is paid, KES 120", after=0, timeout_s=WITHIN_S).body
    assert "Tomatoes" in alert

    phone.asks(CUSTOMER, "BOT", containing="I am back")
    assert "Tomatoes" in phone.asks(CUSTOMER, "menu")
    assert desk.get(f"conversations/{conversation}")["mode"] == "bot"
    assert phone.messages(SHOPKEEPER)[-1].body == alert  # nothing else happened that the shop should know

    shop.clock.advance(timedelta(hours=25))
    desk.post(f"conversations/{conversation}/take")  # the customer would be told so, but wrote more than a day ago
    soon(lambda: desk.get("messages/undelivered")["messages"] != [], "what did not arrive is shown")
    (lost,) = desk.get("messages/undelivered")["messages"]
    assert (lost["message"]["status"], lost["message"]["reason"]) == ("held", "outside_24h")
