"""Confirming and cancelling: the stock that is held and given back, the request that opens and closes."""

from datetime import timedelta
from time import monotonic

import pytest

from contracts.states import PaymentEventStatus
from router.catalog.service import CACHE_S
from router.orders.models import orders
from router.payments.models import payment_exceptions, payment_requests
from router.stock.models import stock_holds
from tests.support.counter import AMINA, BARAKA, HOLD, Counter


def test_confirming_holds_the_stock_opens_the_request_and_tells(counter: Counter) -> None:
    counter.put("milk", price=65, on_hand=5)
    order = counter.confirmed("milk", 2)
    assert order.status == "CONFIRMED"
    assert order.total_minor == 13000
    assert order.hold_expires_at == counter.clock.now() + HOLD
    assert order.payment is not None
    assert order.payment.request_status == "pending"
    assert counter.shelf("milk") == (5, 2)
    assert counter.news() == ["order.confirmed"]


def test_what_is_not_counted_is_never_held(counter: Counter) -> None:
    counter.put("delivery", on_hand=None)
    order = counter.confirmed("delivery", 3)
    assert order.hold_expires_at is None
    assert counter.rows(stock_holds) == []


def test_a_confirmed_order_leaves_the_cart_and_shows_as_unpaid(counter: Counter) -> None:
    counter.put("milk")
    order = counter.confirmed("milk")
    shown = counter.cart()
    assert shown["cart"] is None
    assert [each["code"] for each in shown["unpaid"]] == [order.code]


@pytest.mark.parametrize("emptied", [False, True])
def test_an_empty_cart_cannot_be_confirmed(quick_counter: Counter, emptied: bool) -> None:
    quick_counter.put("milk")
    if emptied:
        quick_counter.add("milk")
        quick_counter.remove(1)
    answer = quick_counter.confirm()
    assert (answer.status, answer.code) == (409, "cart_empty")
    assert quick_counter.rows(payment_requests) == []


def test_confirming_what_another_took_meanwhile_is_refused_whole(counter: Counter) -> None:
    counter.put("milk", on_hand=5)
    counter.put("eggs", on_hand=1)
    for item in ("milk", "eggs"):
        counter.add(item, who=AMINA)
    counter.confirmed("eggs", who=BARAKA)
    answer = counter.confirm(who=AMINA)
    assert (answer.status, answer.code) == (409, "item_sold_out")
    assert (answer.body["item"], answer.body["available"]) == ("Eggs", 0)
    assert counter.shelf("milk") == (5, 0)
    assert counter.cart(who=AMINA)["cart"]["status"] == "DRAFT"
    assert len(counter.rows(payment_requests)) == 1


def test_an_item_that_the_shop_withdrew_cannot_be_confirmed(
    quick_counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick_counter.put("milk", on_hand=None)
    quick_counter.add("milk")
    quick_counter.set_item("milk", active=False)
    monkeypatch.setattr("router.catalog.service.monotonic", lambda: monotonic() + CACHE_S)
    answer = quick_counter.confirm()
    assert (answer.code, answer.body["item"], answer.body["available"]) == ("item_sold_out", "Milk", 0)


def test_confirming_twice_under_one_key_confirms_once(counter: Counter) -> None:
    counter.put("milk")
    counter.add("milk")
    first, second = counter.confirm(key="once"), counter.confirm(key="once")
    assert second.body == first.body
    assert second.headers["idempotent-replayed"] == "true"
    assert counter.shelf("milk") == (10, 1)


def test_cancelling_the_cart_ends_it_without_any_news(counter: Counter) -> None:
    counter.put("milk")
    counter.add("milk")
    answer = counter.cancel()
    assert (answer.body["order"]["status"], answer.body["prompt_is_live"]) == ("CANCELLED", False)
    assert counter.cart()["cart"] is None
    assert counter.news() == []


def test_cancelling_a_confirmed_order_gives_its_stock_back_once(counter: Counter) -> None:
    counter.put("milk", on_hand=5)
    order = counter.confirmed("milk", 2)
    answer = counter.cancel(order.code)
    assert answer.body["order"]["status"] == "CANCELLED"
    assert answer.body["order"]["payment"]["request_status"] == "canceled"
    assert counter.shelf("milk") == (5, 0)
    again = counter.cancel(order.code)
    assert (again.status, again.code) == (409, "order_transition_refused")
    assert again.body["order"]["code"] == order.code
    assert counter.shelf("milk") == (5, 0)
    assert counter.news() == ["order.confirmed", "order.cancelled"]


def test_cancelling_while_the_prompt_is_up_says_so_and_late_money_is_an_exception(counter: Counter) -> None:
    counter.put("milk", on_hand=5)
    order = counter.confirmed("milk")
    started = counter.started(order.code)
    assert counter.cancel(order.code).body["prompt_is_live"] is True
    counter.hear(started)
    assert counter.order(order.code).status == "CANCELLED"
    assert [row["kind"] for row in counter.rows(payment_exceptions)] == ["late"]
    assert counter.shelf("milk") == (5, 0)


def test_a_paid_order_cannot_be_cancelled(counter: Counter) -> None:
    counter.put("milk")
    order = counter.confirmed("milk")
    counter.hear(counter.started())
    answer = counter.cancel(order.code)
    assert (answer.status, answer.code) == (409, "order_transition_refused")
    assert answer.body["order"]["status"] == "PAID"
    assert counter.order(order.code).status == "PAID"


def test_nothing_open_is_nothing_to_cancel(quick_counter: Counter) -> None:
    assert quick_counter.cancel().code == "nothing_to_cancel"
    quick_counter.put("milk")
    quick_counter.add("milk")
    quick_counter.remove(1)
    assert quick_counter.cancel().code == "nothing_to_cancel"


def test_of_two_confirmed_orders_the_customer_is_asked_which(quick_counter: Counter) -> None:
    quick_counter.put("milk")
    codes = {quick_counter.confirmed("milk").code for _ in range(2)}
    answer = quick_counter.cancel()
    assert (answer.status, answer.code) == (409, "which_order")
    assert {order["code"] for order in answer.body["orders"]} == codes
    assert {row["status"] for row in quick_counter.rows(orders)} == {"CONFIRMED"}


def test_a_confirmed_order_is_cancelled_before_the_cart(quick_counter: Counter) -> None:
    quick_counter.put("milk")
    order = quick_counter.confirmed("milk")
    quick_counter.add("milk")
    assert quick_counter.cancel().body["order"]["code"] == order.code
    assert quick_counter.cart()["cart"]["status"] == "DRAFT"


@pytest.mark.parametrize("code", ["NOSUCH", "", "x" * 300, "a\x00b", "ÅÄÖ"])
def test_a_code_that_is_not_the_customer_s_is_unknown(counter: Counter, code: str) -> None:
    counter.put("milk")
    counter.confirmed("milk", who=BARAKA)
    answer = counter.cancel(code)
    assert (answer.status, answer.code) == (404, "order_unknown")


def test_another_customer_s_code_is_as_unknown_as_any(quick_counter: Counter) -> None:
    quick_counter.put("milk")
    order = quick_counter.confirmed("milk", who=BARAKA)
    assert quick_counter.cancel(order.code, who=AMINA).code == "order_unknown"
    assert quick_counter.pay(order.code, who=AMINA).code == "order_unknown"


def test_history_is_newest_first_and_at_most_what_was_asked(counter: Counter) -> None:
    counter.put("milk", on_hand=100)
    codes: list[str] = []
    for _ in range(5):
        codes.append(counter.confirmed("milk").code)
        counter.clock.advance(timedelta(minutes=1))
    counter.cancel(codes[1])
    started = counter.started(codes[0])
    counter.hear(started, PaymentEventStatus.PAID)
    found = counter.get("/v1/orders", customer=AMINA, limit="3").body["orders"]
    assert [order["code"] for order in found] == codes[:1:-1]
    everything = counter.get("/v1/orders", customer=AMINA).body["orders"]
    assert [order["code"] for order in everything] == codes[::-1]
    assert everything[-1]["receipt"] == "TKL4H7XQ2P"
    assert counter.get("/v1/orders", customer=BARAKA).body == {"orders": [], "next_cursor": None}
