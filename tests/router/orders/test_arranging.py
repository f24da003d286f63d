"""Delivery and pickup, notes, days and vouchers, as the bot asks for them."""

import json
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier
from time import monotonic
from typing import Any

import pytest

from contracts.states import PaymentEventStatus
from kit.clock import FixedClock
from router.catalog.service import CACHE_S
from tests.support.counter import AMINA, BARAKA, HOLD, Answer, Counter, make_counter
from tests.support.databases import NewDatabase
from tests.support.vendor_api import VendorApi, vendor_api

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SATURDAY_NOON = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)  # 12:00 in Nairobi
KILIMANI = (-1.2921, 36.7856)
THIKA = (-1.0388, 37.0834)


@pytest.fixture
def shop(new_database: NewDatabase, tmp_path: Path) -> Generator[Counter]:
    """On both databases, on a Saturday at noon, with milk at 65 shillings in Amina's cart."""
    for counter in make_counter(new_database, FixedClock(SATURDAY_NOON), tmp_path):
        counter.put("milk", price=65, on_hand=100)
        yield counter


def say(shop: Counter, what: str, *, who: str = AMINA, **body: Any) -> Answer:
    return shop.post(f"/v1/cart/{what}", {"customer": {"address": who}, **body})


def zone(api: VendorApi, name: str, fee: int, at: tuple[float, float] | None = None, radius_m: int = 3000) -> str:
    on_map = {} if at is None else {"latitude": at[0], "longitude": at[1], "radius_m": radius_m}
    answer = api.post("/api/v1/delivery-zones", {"name": name, "fee_minor": fee * 100, **on_map})
    assert answer.status == 200, answer
    return answer.body["zone_id"]


def make_voucher(shop: Counter, code: str = "KARIBU", **terms: Any) -> dict[str, Any]:
    answer = vendor_api(shop).post("/api/v1/vouchers", {"code": code, "percent": 10, **terms})
    assert answer.status == 201, answer
    return answer.body


def used(shop: Counter) -> int:
    (voucher,) = vendor_api(shop).get("/api/v1/vouchers").body["vouchers"]
    return voucher["used"]


# --- delivery ------------------------------------------------------------------------------------------


def test_a_pin_finds_the_smallest_zone_around_it_and_a_name_any(shop: Counter) -> None:
    api = vendor_api(shop)
    city = zone(api, "Nairobi", 300, KILIMANI, 20_000)
    near = zone(api, "Kilimani", 150, KILIMANI, 3_000)
    far = zone(api, "Thika town", 500)
    shop.add("milk", 2)
    by_pin = say(shop, "fulfilment", kind="delivery", latitude=KILIMANI[0], longitude=KILIMANI[1], landmark="Blue gate")
    cart = by_pin.body["cart"]
    assert (cart["delivery"]["zone_id"], cart["delivery"]["fee_minor"], cart["total_minor"]) == (near, 15000, 28000)
    assert (cart["delivery"]["latitude"], cart["delivery"]["landmark"]) == (KILIMANI[0], "Blue gate")
    assert (cart["subtotal_minor"], [each["line_no"] for each in cart["lines"]]) == (13000, [1])
    wider = say(shop, "fulfilment", kind="delivery", latitude=-1.20, longitude=36.80).body["cart"]
    assert wider["delivery"]["zone_id"] == city
    named = say(shop, "fulfilment", kind="delivery", zone_id=far, latitude=THIKA[0], longitude=THIKA[1]).body["cart"]
    assert (named["delivery"]["zone_name"], named["total_minor"]) == ("Thika town", 63000)
    outside = say(shop, "fulfilment", kind="delivery", latitude=THIKA[0], longitude=THIKA[1])
    assert (outside.status, outside.code, len(outside.body["zones"])) == (409, "outside_zones", 3)
    cheap = say(shop, "fulfilment", kind="delivery", zone_id=near, latitude=THIKA[0], longitude=THIKA[1])
    assert (cheap.status, cheap.code) == (409, "outside_zones")
    picked_up = say(shop, "fulfilment", kind="pickup").body["cart"]
    assert (picked_up["delivery"]["kind"], picked_up["total_minor"]) == ("pickup", 13000)


def test_a_fee_stays_as_it_was_chosen_and_is_paid_with_the_goods(shop: Counter) -> None:
    api = vendor_api(shop)
    near = zone(api, "Kilimani", 150)
    shop.add("milk")
    say(shop, "fulfilment", kind="delivery", zone_id=near)
    api.post("/api/v1/delivery-zones", {"zone_id": near, "name": "Kilimani", "fee_minor": 90000})
    shop.add("milk")
    order = shop.confirm().body
    assert (order["total_minor"], order["delivery"]["fee_minor"]) == (28000, 15000)
    started = shop.started()
    shop.hear(started)
    assert shop.order(order["code"]).status == "PAID"


def test_what_can_not_be_delivered_says_why(shop: Counter) -> None:
    nothing = say(shop, "fulfilment", kind="pickup")
    assert (nothing.status, nothing.code) == (409, "cart_empty")
    shop.add("milk")
    nowhere = say(shop, "fulfilment", kind="delivery", zone_id="x")
    assert (nowhere.status, nowhere.code) == (409, "delivery_unavailable")
    assert shop.get("/v1/shops/vendor-mama").body["fulfilment"] == []
    near = zone(vendor_api(shop), "Kilimani", 150)
    assert shop.get("/v1/shops/vendor-mama").body["fulfilment"] == ["delivery", "pickup"]
    assert [each["zone_id"] for each in shop.get("/v1/delivery/zones").body["zones"]] == [near]
    unknown = say(shop, "fulfilment", kind="delivery", zone_id="x")
    assert (unknown.status, unknown.code, unknown.body["zones"][0]["name"]) == (404, "zone_unknown", "Kilimani")
    unsaid = say(shop, "fulfilment", kind="delivery")
    assert (unsaid.status, unsaid.code) == (422, "zone_missing")
    half = say(shop, "fulfilment", kind="delivery", latitude=1.0)
    assert (half.status, half.code) == (422, "invalid_request")
    assert say(shop, "fulfilment", kind="delivery", latitude=95, longitude=0).status == 422


def test_a_note_goes_with_the_order_and_is_bounded(shop: Counter) -> None:
    shop.add("milk")
    assert say(shop, "note", note="  Ring twice,\n please ").body["cart"]["note"] == "Ring twice, please"
    assert say(shop, "note", note="x" * 301).status == 422
    assert shop.confirm().body["note"] == "Ring twice, please"


# --- days ------------------------------------------------------------------------------------------


def keep_hours(shop: Counter, *periods: str, **exceptions: list[str]) -> None:
    week = {day: list(periods) for day in WEEKDAYS}
    days = {name.removeprefix("on_").replace("_", "-"): value for name, value in exceptions.items()}
    body = {"week": week, "exceptions": days}
    answer = vendor_api(shop).raw(
        "PUT", "/api/v1/opening-hours", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    assert answer.status == 200, answer


def test_an_open_shop_says_until_when_and_a_closed_one_from_when(shop: Counter) -> None:
    assert shop.get("/v1/shops/vendor-mama").body["opening"] is None
    keep_hours(shop, "08:00-20:00", on_2026_11_22=[])
    opening = shop.get("/v1/shops/vendor-mama").body["opening"]
    assert opening == {"is_open": True, "opens_at": None, "closes_at": "2026-11-21T17:00:00Z"}
    shop.clock.advance(timedelta(hours=9))
    opening = shop.get("/v1/shops/vendor-mama").body["opening"]
    assert opening == {"is_open": False, "opens_at": "2026-11-23T05:00:00Z", "closes_at": None}


def test_an_order_can_be_for_tomorrow(shop: Counter) -> None:
    keep_hours(shop, "08:00-20:00", on_2026_11_23=[])
    shop.add("milk")
    today = date(2026, 11, 21)
    tomorrow = say(shop, "schedule", day=str(today + timedelta(days=1))).body["cart"]
    assert tomorrow["scheduled_for"] == "2026-11-22T05:00:00Z"
    closed = say(shop, "schedule", day=str(today + timedelta(days=2)))
    assert (closed.status, closed.code, closed.body["opening"]["is_open"]) == (409, "shop_closed", True)
    for day in (today - timedelta(days=1), today + timedelta(days=15)):
        refused = say(shop, "schedule", day=str(day))
        assert (refused.status, refused.code) == (422, "day_invalid")
    assert say(shop, "schedule", day=str(today)).body["cart"]["scheduled_for"] is None
    say(shop, "schedule", day=str(today + timedelta(days=1)))
    assert shop.confirm().body["scheduled_for"] == "2026-11-22T05:00:00Z"


def test_what_is_confirmed_at_night_is_for_the_morning(shop: Counter) -> None:
    keep_hours(shop, "08:00-20:00")
    shop.clock.advance(timedelta(hours=10))
    shop.add("milk")
    assert shop.confirm().body["scheduled_for"] == "2026-11-22T05:00:00Z"


# --- vouchers ------------------------------------------------------------------------------------------


def test_a_voucher_counts_when_its_order_is_confirmed_and_comes_back_when_it_is_cancelled(shop: Counter) -> None:
    make_voucher(shop, in_total=1)
    shop.add("milk", 2)
    cart = say(shop, "voucher", code=" karibu ").body["cart"]
    assert (cart["discount"]["amount_minor"], cart["total_minor"], used(shop)) == (1300, 11700, 0)
    assert (shop.confirm().status, used(shop)) == (200, 1)
    shop.add("milk", who=BARAKA)
    taken = say(shop, "voucher", who=BARAKA, code="KARIBU")
    assert (taken.status, taken.code, taken.body["by_customer"]) == (409, "voucher_used_up", False)
    shop.cancel()
    assert used(shop) == 0
    assert say(shop, "voucher", who=BARAKA, code="KARIBU").status == 200


def test_a_hold_that_ends_gives_the_voucher_back_and_pay_takes_it_again(shop: Counter) -> None:
    make_voucher(shop, in_total=1)
    shop.add("milk", 2)
    say(shop, "voucher", code="KARIBU")
    order = shop.confirm().body
    shop.pass_time(HOLD)
    assert used(shop) == 0
    shop.add("milk", who=BARAKA)
    say(shop, "voucher", who=BARAKA, code="KARIBU")
    assert shop.confirm(who=BARAKA).status == 200
    refused = shop.pay(order["code"])
    assert (refused.status, refused.code, refused.body["order"]["code"]) == (409, "voucher_used_up", order["code"])
    shop.cancel(who=BARAKA)
    started = shop.started(order["code"])
    assert (started.order.total_minor, used(shop)) == (11700, 1)
    shop.hear(started)
    assert (shop.order(order["code"]).status, used(shop)) == ("PAID", 1)


def test_money_that_comes_late_is_honoured_though_the_voucher_is_gone(shop: Counter) -> None:
    make_voucher(shop, in_total=1)
    shop.add("milk", 2)
    say(shop, "voucher", code="KARIBU")
    order = shop.confirm().body
    started = shop.started(order["code"])
    shop.hear(started, PaymentEventStatus.FAILED)
    shop.pass_time(timedelta(hours=25))
    shop.add("milk", who=BARAKA)
    say(shop, "voucher", who=BARAKA, code="KARIBU")
    assert shop.confirm(who=BARAKA).status == 200
    shop.hear(started, transaction="ws_CO_late")
    assert (shop.order(order["code"]).status, used(shop)) == ("PAID", 1)


def test_a_customer_uses_it_as_often_as_each_may(shop: Counter) -> None:
    make_voucher(shop, per_customer=1)
    for expected in (200, 409):
        shop.add("milk")
        assert say(shop, "voucher", code="KARIBU").status == expected
        shop.confirm()
    shop.add("milk", who=BARAKA)
    assert say(shop, "voucher", who=BARAKA, code="KARIBU").status == 200


def test_a_cart_that_shrinks_keeps_its_voucher_which_counts_for_nothing_meanwhile(shop: Counter) -> None:
    make_voucher(shop, minimum_minor=13000)
    shop.add("milk")
    early = say(shop, "voucher", code="KARIBU")
    assert (early.status, early.code) == (409, "voucher_minimum")
    assert (early.body["minimum_minor"], early.body["subtotal_minor"]) == (13000, 6500)
    shop.put("eggs", price=480, on_hand=None)
    shop.add("eggs")
    assert say(shop, "voucher", code="KARIBU").body["cart"]["discount"]["amount_minor"] == 5400
    shop.remove(2)
    cart = shop.cart()["cart"]
    assert (cart["discount"]["amount_minor"], cart["total_minor"]) == (0, 6500)
    assert (shop.confirm().status, used(shop)) == (200, 0)


def test_a_voucher_has_its_time(shop: Counter) -> None:
    make_voucher(shop, starts_at="2026-11-21T12:00:00Z", ends_at="2026-11-21T13:00:00Z")
    shop.add("milk")
    early = say(shop, "voucher", code="KARIBU")
    assert (early.status, early.code, early.body["starts_at"]) == (409, "voucher_expired", "2026-11-21T12:00:00Z")
    shop.clock.advance(timedelta(hours=3))
    assert say(shop, "voucher", code="KARIBU").status == 200
    shop.clock.advance(timedelta(hours=1))
    refused = shop.confirm()
    assert (refused.status, refused.code, refused.body["order"]["status"]) == (409, "voucher_expired", "DRAFT")
    assert say(shop, "voucher", code=None).body["cart"]["discount"] is None
    assert shop.confirm().status == 200
    assert say(shop, "voucher", who=BARAKA, code="NOSUCH").code == "cart_empty"


def test_an_unknown_voucher_and_a_withdrawn_one_are_not_known(shop: Counter) -> None:
    made = make_voucher(shop)
    shop.add("milk")
    assert say(shop, "voucher", code="NOSUCH").code == "voucher_unknown"
    assert say(shop, "voucher", code="\u0000").code == "voucher_unknown"
    vendor_api(shop).post(f"/api/v1/vouchers/{made['voucher_id']}/withdraw", {})
    assert say(shop, "voucher", code="KARIBU").code == "voucher_unknown"


def test_of_many_who_confirm_at_once_only_so_many_have_the_voucher(shop: Counter) -> None:
    make_voucher(shop, in_total=2)
    customers = [f"whatsapp:+2547000000{number:02}" for number in range(10, 16)]
    for who in customers:
        shop.add("milk", who=who)
        assert say(shop, "voucher", who=who, code="KARIBU").status == 200
    together = Barrier(len(customers))

    def confirm(who: str) -> int:
        together.wait(timeout=60)
        return shop.confirm(who=who).status

    with ThreadPoolExecutor(len(customers)) as threads:
        answers = sorted(threads.map(confirm, customers))
    assert (answers, used(shop)) == ([200, 200, 409, 409, 409, 409], 2)


def test_an_order_is_repeated_as_far_as_it_can_be_had(shop: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.put("eggs", price=480, on_hand=10)
    shop.put("bread", price=70, on_hand=None)
    for item, quantity in (("milk", 2), ("eggs", 3), ("bread", 1)):
        shop.add(item, quantity)
    code = shop.confirm().body["code"]
    never = say(shop, "reorder")
    assert (never.status, never.code) == (409, "nothing_to_reorder")
    shop.hear(shop.started())
    shop.set_item("milk", price_minor=7000)
    shop.set_item("bread", active=False)
    monkeypatch.setattr("router.catalog.service.monotonic", lambda: monotonic() + CACHE_S)
    shop.add("eggs", 5, who=BARAKA)
    shop.confirm(who=BARAKA)
    shop.add("milk", 1)
    shop.clock.advance(timedelta(seconds=1))
    again = say(shop, "reorder")
    assert again.status == 200, again
    lines = [(each["name"], each["quantity"], each["unit_price_minor"]) for each in again.body["cart"]["lines"]]
    assert lines == [("Milk", 3, 7000), ("Eggs", 2, 48000)]
    assert again.body["left_out"] == [
        {"name": "Eggs", "wanted": 3, "added": 2, "reason": "sold_out"},
        {"name": "Bread", "wanted": 1, "added": 0, "reason": "gone"},
    ]
    assert (again.body["from_code"], again.body["prices_changed"]) == (code, True)
    assert say(shop, "reorder", code="NOSUCH").code == "order_unknown"


def test_history_goes_on_where_its_page_ended(shop: Counter) -> None:
    codes: list[str] = []
    for _ in range(5):
        codes.append(shop.confirmed("milk").code)
        shop.clock.advance(timedelta(minutes=1))
    shop.cancel(codes[1])
    seen: list[str] = []
    cursor: str | None = None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = shop.get("/v1/orders", customer=AMINA, limit="2", **more).body
        seen += [each["code"] for each in page["orders"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == codes[::-1]
