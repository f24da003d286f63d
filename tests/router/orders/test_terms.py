"""What an order comes to, whatever is edited in which order: lines + fee - discount, whole and never below zero."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.ids import ItemId
from contracts.money import Currency, Money
from contracts.states import FulfilmentKind
from router.orders.rules import Line
from router.orders.terms import Delivery, Discount, sum_of
from router.vouchers.models import vouchers
from tests.support.counter import Counter
from tests.support.vendor_api import vendor_api

KES, AOA = Currency.KES, Currency.AOA


def shillings(whole: int) -> Money:
    return Money.of_whole(whole, KES)


def line(price: int, quantity: int = 1) -> Line:
    return Line(1, ItemId("x"), "X", shillings(price), quantity)


def voucher(percent: int | None = None, amount: int | None = None, minimum: int = 0) -> Discount:
    fixed = None if amount is None else shillings(amount)
    return Discount("v", "V", percent, fixed, shillings(minimum))


@pytest.mark.parametrize(
    ("goods", "fee", "terms", "discount", "total"),
    [
        (100, 0, voucher(percent=10), 10, 90),
        (105, 0, voucher(percent=10), 10, 95),  # a part of a shilling is the shop's
        (100, 50, voucher(percent=100), 100, 50),
        (100, 0, voucher(percent=100), 99, 1),  # nothing can collect nothing
        (100, 0, voucher(amount=500), 99, 1),
        (100, 50, voucher(amount=500), 100, 50),  # never off the fee
        (100, 0, voucher(amount=30, minimum=100), 30, 70),
        (99, 0, voucher(amount=30, minimum=100), 0, 99),
    ],
)
def test_what_a_voucher_takes_off(goods: int, fee: int, terms: Discount, discount: int, total: int) -> None:
    delivery = Delivery(FulfilmentKind.DELIVERY, shillings(fee))
    found = sum_of([line(goods)], KES, delivery, terms)
    assert (found.discount, found.total) == (shillings(discount), shillings(total))


_prices = st.integers(1, 5_000)
_discounts = st.one_of(
    st.none(),
    st.builds(voucher, percent=st.integers(1, 100), minimum=st.integers(0, 3_000)),
    st.builds(voucher, amount=st.integers(1, 9_000), minimum=st.integers(0, 3_000)),
)


@given(st.lists(st.tuples(_prices, st.integers(1, 20)), max_size=5), st.integers(0, 500), _discounts)
def test_any_sum_in_shillings_is_whole_and_leaves_something_to_pay(
    sold: list[tuple[int, int]], fee: int, discount: Discount | None
) -> None:
    lines = [line(price, quantity) for price, quantity in sold]
    found = sum_of(lines, KES, Delivery(FulfilmentKind.DELIVERY, shillings(fee)), discount)
    assert found.total == found.subtotal + found.fee - found.discount
    assert found.total.is_whole
    assert 0 <= found.discount.minor <= found.subtotal.minor
    assert found.total.minor >= (100 if lines else 0)


@given(st.integers(1, 10**9), st.integers(1, 100))
def test_in_kwanzas_a_part_is_worked_out_to_the_centimo(minor: int, percent: int) -> None:
    goods = replace(line(1), unit_price=Money(minor, AOA))
    terms = Discount("v", "V", percent, None, Money.zero(AOA))
    found = sum_of([goods], AOA, None, terms)
    assert 0 <= found.discount.minor * 100 <= minor * percent
    assert found.total.minor >= min(minor, 100)


# --- the same, through the counter --------------------------------------------------------------------------------

_edits = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(["milk", "eggs", "rice"]), st.integers(1, 4)),
    st.tuples(st.just("remove"), st.integers(1, 3), st.just(0)),
    st.tuples(st.just("zone"), st.sampled_from(["near", "far"]), st.just(0)),
    st.tuples(st.just("pickup"), st.just(""), st.just(0)),
    st.tuples(st.just("voucher"), st.sampled_from(["TEN", "FIVEHUNDRED", "ALL", ""]), st.just(0)),
    st.tuples(st.just("note"), st.just("x"), st.just(0)),
    st.tuples(st.just("reprice"), st.sampled_from(["milk", "eggs", "rice"]), st.integers(1, 900)),
)


def _do(counter: Counter, who: str, zones: dict[str, str], edit: tuple[str, Any, int]) -> None:
    customer = {"customer": {"address": who}}
    match edit:
        case "add", item, quantity:
            counter.add(item, quantity, who=who)
        case "remove", number, _:
            counter.remove(number, who=who)
        case "zone", name, _:
            counter.post("/v1/cart/fulfilment", {**customer, "kind": "delivery", "zone_id": zones[name]})
        case "pickup", _, _:
            counter.post("/v1/cart/fulfilment", {**customer, "kind": "pickup"})
        case "voucher", code, _:
            counter.post("/v1/cart/voucher", {**customer, "code": code or None})
        case "note", text, _:
            counter.post("/v1/cart/note", {**customer, "note": text})
        case "reprice", item, price:
            counter.set_item(item, price_minor=price * 100)
        case _:
            raise AssertionError(edit)


def test_whatever_is_edited_the_total_is_lines_and_fee_less_discount(counter: Counter) -> None:
    api = vendor_api(counter)
    for item, price in (("milk", 65), ("eggs", 480), ("rice", 220)):
        counter.put(item, price=price, on_hand=None)
    zones = {
        name: api.post("/api/v1/delivery-zones", {"name": name, "fee_minor": fee}).body["zone_id"]
        for name, fee in (("near", 5000), ("far", 25000))
    }
    for terms in (
        {"code": "TEN", "percent": 10},
        {"code": "FIVEHUNDRED", "amount_minor": 50000, "minimum_minor": 60000},
        {"code": "ALL", "percent": 100},
    ):
        assert api.post("/api/v1/vouchers", {**terms, "per_customer": None}).status == 201

    customers = count(10)

    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(_edits, min_size=1, max_size=8))
    def edited(edits: list[tuple[str, Any, int]]) -> None:
        who = f"whatsapp:+2547000000{next(customers):02}"  # each may ask only so much a minute
        cart: dict[str, Any] | None = None
        for edit in edits:
            _do(counter, who, zones, edit)
            cart = counter.cart(who=who)["cart"]
            if cart is None:
                continue
            goods = sum(each["unit_price_minor"] * each["quantity"] for each in cart["lines"])
            fee = (cart["delivery"] or {"fee_minor": 0})["fee_minor"]
            off = (cart["discount"] or {"amount_minor": 0})["amount_minor"]
            assert cart["subtotal_minor"] == goods
            assert cart["total_minor"] == goods + fee - off
            assert 0 <= off <= goods
            assert cart["total_minor"] % 100 == 0
        confirmed = counter.confirm(who=who)
        if confirmed.status == 200:
            assert confirmed.body["total_minor"] == (cart or {})["total_minor"] >= 100
        counter.cancel(who=who)

    edited()
    assert [row["used"] for row in counter.rows(vouchers)] == [0, 0, 0]
