"""The development API: what a person with curl may do on this machine, and nobody anywhere else."""

from collections.abc import Generator
from pathlib import Path

import pytest

from kit.clock import FixedClock
from kit.settings import DEV_INTERNAL_KEY
from router.orders.models import order_lines, orders
from tests.support.counter import AMINA, MAMA, Counter, make_counter
from tests.support.databases import NewDatabase

ORDER = {"vendor_id": MAMA, "customer_phone": "254708374149", "amount": 30}


@pytest.fixture
def in_production(sqlite_database: NewDatabase, clock: FixedClock, tmp_path: Path) -> Generator[Counter]:
    yield from make_counter(
        sqlite_database,
        clock,
        tmp_path,
        DUKANI_ENV="production",
        DUKANI_BOT_PUBLIC_URL="https://bot.example.com",
        DUKANI_ADAPTER_PUBLIC_URL="https://pay.example.com",
        TWILIO_ACCOUNT_SID="AC" + "0" * 32,
        TWILIO_WHATSAPP_FROM="whatsapp:+14155238886",
    )


def test_an_order_is_a_draft_with_one_open_amount(counter: Counter) -> None:
    answer = counter.operator("POST", "/orders", ORDER, x_vendor_id=MAMA)
    assert answer.status == 201
    assert {name: answer.body[name] for name in ("vendor_id", "customer_phone", "status", "amount", "currency")} == {
        "vendor_id": MAMA,
        "customer_phone": "254708374149",
        "status": "DRAFT",
        "amount": 30,
        "currency": "KES",
    }
    lines = counter.rows(order_lines)
    assert [(line["item_id"], line["name"], line["unit_price_minor"]) for line in lines] == [
        (None, "Open amount", 3000)
    ]


def test_the_order_is_in_that_customer_s_cart_and_can_be_bought_in_the_chat(counter: Counter) -> None:
    code = counter.operator("POST", "/orders", ORDER, x_vendor_id=MAMA).body["code"]
    assert counter.cart(who=AMINA)["cart"]["code"] == code
    assert counter.confirm(who=AMINA).body["hold_expires_at"] is None
    started = counter.started(who=AMINA)
    assert (started.order.code, started.order.total_minor) == (code, 3000)
    counter.hear(started)
    listed = counter.operator("GET", "/orders").body["orders"]
    assert [(order["code"], order["status"]) for order in listed] == [(code, "PAID")]


@pytest.mark.parametrize("phone", ["254708374149", "+254708374149", "0708374149", "+254 708 374 149"])
def test_a_number_names_the_same_customer_however_it_is_written(quick_counter: Counter, phone: str) -> None:
    body = {**ORDER, "customer_phone": phone}
    assert quick_counter.operator("POST", "/orders", body, x_vendor_id=MAMA).status == 201
    assert quick_counter.cart(who=AMINA)["cart"] is not None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", 0),
        ("amount", -5),
        ("amount", 30.5),
        ("amount", "30"),
        ("amount", None),
        ("amount", True),
        ("amount", 100_000_001),
        ("amount", 10**40),
        ("customer_phone", ""),
        ("customer_phone", "nobody"),
        ("customer_phone", "000000000"),
        ("customer_phone", "2547\x00083741"),
        ("customer_phone", 254708374149),
        ("vendor_id", ""),
        ("vendor_id", None),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(quick_counter: Counter, field: str, value: object) -> None:
    answer = quick_counter.operator("POST", "/orders", {**ORDER, field: value}, x_vendor_id=MAMA)
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert answer.body["errors"][0]["field"] == field
    assert quick_counter.rows(orders) == []


def test_the_header_must_name_the_body_s_shop(quick_counter: Counter) -> None:
    other = quick_counter.open_shop("vendor-baraka", "Baraka Kitchen")
    answer = quick_counter.operator("POST", "/orders", ORDER, x_vendor_id=other)
    assert (answer.status, answer.code) == (403, "vendor_mismatch")
    assert quick_counter.operator("POST", "/orders", ORDER).status == 400
    assert quick_counter.rows(orders) == []


def test_a_shop_that_does_not_exist_is_404(quick_counter: Counter) -> None:
    answer = quick_counter.operator("POST", "/orders", {**ORDER, "vendor_id": "nobody"}, x_vendor_id="nobody")
    assert (answer.status, answer.code) == (404, "shop_unknown")


def test_a_shop_that_takes_no_orders_is_403(quick_counter: Counter) -> None:
    bare = quick_counter.open_shop("vendor-bare", "Bare Shop", capabilities=("commerce.catalog",))
    answer = quick_counter.operator("POST", "/orders", {**ORDER, "vendor_id": bare}, x_vendor_id=bare)
    assert (answer.status, answer.code) == (403, "capability_missing")


@pytest.mark.parametrize(("method", "path"), [("POST", "/orders"), ("GET", "/orders"), ("GET", "/vendors")])
@pytest.mark.parametrize("key", ["", "dev-internal-secre", "dev-internal-secret2", "é"])
def test_a_wrong_key_opens_nothing(quick_counter: Counter, method: str, path: str, key: str) -> None:
    body = ORDER if method == "POST" else None
    answer = quick_counter.operator(method, path, body, x_vendor_id=MAMA, x_internal_key=key)
    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert quick_counter.rows(orders) == []


@pytest.mark.parametrize(("method", "path"), [("POST", "/orders"), ("GET", "/orders"), ("GET", "/vendors")])
@pytest.mark.parametrize("peer", ["10.0.0.7", "192.168.1.20", "8.8.8.8", "2001:db8::1", ""])
def test_the_key_opens_nothing_from_another_machine(quick_counter: Counter, method: str, path: str, peer: str) -> None:
    body = ORDER if method == "POST" else None
    assert quick_counter.operator(method, path, body, peer=peer, x_vendor_id=MAMA).status == 401


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip", "via", "x-forwarded-host"])
def test_the_key_opens_nothing_through_a_proxy_on_this_machine(quick_counter: Counter, header: str) -> None:
    headers = {"x-internal-key": DEV_INTERNAL_KEY, header: "127.0.0.1"}
    assert quick_counter.send_unsigned("GET", "/vendors", headers=headers).status == 401


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1"])
def test_the_key_opens_the_door_from_this_machine(quick_counter: Counter, peer: str) -> None:
    assert quick_counter.operator("GET", "/vendors", peer=peer).status == 200


@pytest.mark.parametrize(("method", "path"), [("POST", "/orders"), ("GET", "/orders"), ("GET", "/vendors")])
def test_production_has_no_such_routes(in_production: Counter, method: str, path: str) -> None:
    body = ORDER if method == "POST" else None
    answer = in_production.operator(method, path, body, x_vendor_id=MAMA)
    assert (answer.status, answer.code) == (404, "not_found")


def test_production_still_serves_the_bot(in_production: Counter) -> None:
    assert in_production.cart() == {"cart": None, "unpaid": []}


def test_orders_are_listed_newest_first_of_all_shops_or_one(counter: Counter) -> None:
    from datetime import timedelta

    other = counter.open_shop("vendor-baraka", "Baraka Kitchen")
    for vendor in (MAMA, other, MAMA):
        counter.operator("POST", "/orders", {**ORDER, "vendor_id": vendor}, x_vendor_id=vendor)
        counter.clock.advance(timedelta(seconds=1))
    listed = counter.operator("GET", "/orders").body["orders"]
    assert [order["vendor_id"] for order in listed] == [MAMA, other, MAMA]
    assert listed[0]["customer_phone"] == "254708374149"
    only = counter.operator("GET", "/orders", x_vendor_id=other).body["orders"]
    assert [order["vendor_id"] for order in only] == [other]
    assert counter.operator("GET", "/orders", x_vendor_id="nobody").status == 404


def test_vendors_are_listed_with_what_they_are(quick_counter: Counter) -> None:
    quick_counter.open_shop("vendor-own", "Own House", isolation_level="dedicated_db", word=None)
    listed = quick_counter.operator("GET", "/vendors").body["vendors"]
    assert {vendor["id"]: (vendor["word"], vendor["isolation_level"]) for vendor in listed} == {
        MAMA: ("mama", "shared_db"),
        "vendor-own": ("vendor-own", "dedicated_db"),
    }


def test_a_key_makes_one_order_and_no_key_makes_as_many_as_asked(counter: Counter) -> None:
    first = counter.operator("POST", "/orders", ORDER, x_vendor_id=MAMA, idempotency_key="one")
    second = counter.operator("POST", "/orders", ORDER, x_vendor_id=MAMA, idempotency_key="one")
    assert first.body == second.body
    other = counter.operator("POST", "/orders", {**ORDER, "amount": 31}, x_vendor_id=MAMA, idempotency_key="one")
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert len(counter.rows(orders)) == 1
    for _ in range(2):
        counter.operator("POST", "/orders", ORDER, x_vendor_id=MAMA)
    assert len(counter.rows(orders)) == 3


def test_a_long_life_of_codes_goes_on_when_one_is_taken(
    quick_counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = iter(["AAAAAA", "AAAAAA", "AAAAAA", "CCCCCC"])

    def new_code(length: int) -> str:
        return next(codes)[:length]

    monkeypatch.setattr("router.orders.service.new_code", new_code)
    made = [quick_counter.operator("POST", "/orders", ORDER, x_vendor_id=MAMA).body["code"] for _ in range(2)]
    assert made == ["AAAAAA", "CCCCCC"]
