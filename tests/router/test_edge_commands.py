"""What the bot asks: signed, for one shop, once; and what a request that should not be here is told."""

import json
from datetime import timedelta
from typing import Any

import pytest

from contracts.ids import VendorId
from router.databases import ops_idempotency
from router.orders.models import orders
from tests.support.counter import AMINA, MAMA, Counter

BODIES: dict[str, dict[str, Any]] = {
    "/v1/cart/lines": {"customer": {"address": AMINA}, "item_id": "milk", "quantity": 1},
    "/v1/cart/lines/remove": {"customer": {"address": AMINA}, "line_no": 1},
    "/v1/cart/confirm": {"customer": {"address": AMINA}},
    "/v1/orders/cancel": {"customer": {"address": AMINA}},
    "/v1/orders/pay": {"customer": {"address": AMINA}},
}
COMMANDS = sorted(BODIES)
QUESTIONS = ["/v1/cart?customer=abc", "/v1/orders?customer=abc", "/v1/catalog/items"]
SHOPS = ["/v1/shops", "/v1/shops?word=mama", f"/v1/shops/{MAMA}"]


def raw(path: str) -> bytes:
    return json.dumps(BODIES[path]).encode()


@pytest.mark.parametrize("path", [*COMMANDS, *QUESTIONS, *SHOPS])
def test_what_is_not_signed_is_not_let_in(quick_counter: Counter, path: str) -> None:
    method, body = ("POST", raw(path)) if path in BODIES else ("GET", b"")
    headers = {"x-vendor-id": MAMA, "idempotency-key": "k", "content-type": "application/json"}
    answer = quick_counter.send_unsigned(method, path, body, headers=headers)
    assert (answer.status, answer.code) == (401, "unauthenticated")


@pytest.mark.parametrize("path", [*COMMANDS, *QUESTIONS])
def test_another_process_s_key_is_not_the_bot_s(quick_counter: Counter, path: str) -> None:
    method, body = ("POST", raw(path)) if path in BODIES else ("GET", b"")
    answer = quick_counter.send(method, path, body, key="k", secret="x" * 32)
    assert (answer.status, answer.code) == (401, "unauthenticated")


@pytest.mark.parametrize("path", [*COMMANDS, *QUESTIONS])
def test_the_development_key_opens_no_signed_route(quick_counter: Counter, path: str) -> None:
    method, body = ("POST", BODIES[path]) if path in BODIES else ("GET", None)
    assert quick_counter.operator(method, path, body, x_vendor_id=MAMA).status == 401


@pytest.mark.parametrize(
    "changed", [{"x-vendor-id": "vendor-baraka"}, {"idempotency-key": "other"}, {"x-dukani-timestamp": "1"}]
)
def test_a_header_that_was_changed_after_signing_is_noticed(quick_counter: Counter, changed: dict[str, str]) -> None:
    quick_counter.open_shop("vendor-baraka", "Baraka Kitchen")
    quick_counter.put("milk")
    quick_counter.put("milk", vendor="vendor-baraka", on_hand=None)
    answer = quick_counter.send("POST", "/v1/cart/lines", raw("/v1/cart/lines"), key="k", headers=changed)
    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert quick_counter.rows(orders) == []


def test_a_request_that_was_recorded_is_not_let_in_a_minute_later(quick_counter: Counter) -> None:
    quick_counter.put("milk")
    clock = quick_counter.clock
    from kit.signing import KeyRing, sign_headers

    body = raw("/v1/cart/lines")
    signed = sign_headers(
        KeyRing.parse("b" * 32), clock.now(), "POST", "/v1/cart/lines", body, vendor=MAMA, idempotency_key="k"
    )
    signed["content-type"] = "application/json"
    clock.advance(timedelta(seconds=61))
    assert quick_counter.send_unsigned("POST", "/v1/cart/lines", body, headers=signed).status == 401
    assert quick_counter.rows(orders) == []


@pytest.mark.parametrize("path", [*COMMANDS, *QUESTIONS])
def test_a_request_for_no_shop_is_refused(quick_counter: Counter, path: str) -> None:
    method, body = ("POST", raw(path)) if path in BODIES else ("GET", b"")
    answer = quick_counter.send(method, path, body, key="k", vendor=None)
    assert (answer.status, answer.code) == (400, "invalid_request")


@pytest.mark.parametrize("vendor", ["vendor-nobody", "x" * 300, "' OR 1=1 --"])
@pytest.mark.parametrize("path", [*COMMANDS, *QUESTIONS])
def test_a_shop_that_does_not_exist_is_unknown(quick_counter: Counter, path: str, vendor: str) -> None:
    method, body = ("POST", raw(path)) if path in BODIES else ("GET", b"")
    answer = quick_counter.send(method, path, body, key="k", vendor=vendor)
    assert (answer.status, answer.code) == (404, "shop_unknown")


@pytest.mark.parametrize("path", [*COMMANDS, *QUESTIONS])
def test_a_suspended_shop_serves_nobody_and_says_so(quick_counter: Counter, path: str) -> None:
    vendor = quick_counter.open_shop("vendor-shut", "Shut Shop", status="suspended")
    method, body = ("POST", raw(path)) if path in BODIES else ("GET", b"")
    answer = quick_counter.send(method, path, body, key="k", vendor=vendor)
    assert (answer.status, answer.code) == (403, "forbidden")
    assert "suspended" in answer.body["detail"]


@pytest.mark.parametrize("path", [*COMMANDS, *QUESTIONS])
def test_a_shop_that_may_do_nothing_is_refused_by_capability(quick_counter: Counter, path: str) -> None:
    vendor = quick_counter.open_shop("vendor-bare", "Bare Shop", capabilities=())
    method, body = ("POST", raw(path)) if path in BODIES else ("GET", b"")
    answer = quick_counter.send(method, path, body, key="k", vendor=vendor)
    assert (answer.status, answer.code) == (403, "capability_missing")
    assert "commerce." in answer.body["detail"]


@pytest.mark.parametrize("path", [path for path in [*COMMANDS, *QUESTIONS] if "catalog" not in path])
def test_a_shop_with_its_own_database_is_never_served_from_the_shared_one(quick_counter: Counter, path: str) -> None:
    vendor = quick_counter.open_shop(
        "vendor-own", "Own House", isolation_level="dedicated_db", db_target={"type": "postgres"}
    )
    quick_counter.put("milk", vendor=vendor, on_hand=None)
    method, body = ("POST", raw(path)) if path in BODIES else ("GET", b"")
    answer = quick_counter.send(method, path, body, key="k", vendor=vendor)
    assert (answer.status, answer.code) == (503, "unavailable")
    assert "own database" in answer.body["detail"]
    assert quick_counter.rows(orders) == []


@pytest.mark.parametrize("path", COMMANDS)
def test_a_command_without_a_key_is_refused(quick_counter: Counter, path: str) -> None:
    answer = quick_counter.send("POST", path, raw(path))
    assert (answer.status, answer.code) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("path", COMMANDS)
@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 422), (b"{}", 422), (b"\xff\xfe", 400), (b'"text"', 422), (b'{"customer": 1}', 422)],
)
def test_a_malformed_body_is_refused_and_changes_nothing(
    quick_counter: Counter, path: str, body: bytes, status: int
) -> None:
    answer = quick_counter.send("POST", path, body, key="k")
    assert (answer.status, answer.code) == (status, "invalid_request")
    assert quick_counter.rows(orders) == []
    assert quick_counter.rows(ops_idempotency) == []


@pytest.mark.parametrize("path", COMMANDS)
def test_an_oversized_body_is_refused(quick_counter: Counter, path: str) -> None:
    body = json.dumps({**BODIES[path], "padding": "x" * 70_000}).encode()
    answer = quick_counter.send("POST", path, body, key="k")
    assert (answer.status, answer.code) == (413, "body_too_large")


@pytest.mark.parametrize("path", COMMANDS)
def test_a_command_is_no_question(quick_counter: Counter, path: str) -> None:
    assert quick_counter.get(path).code == "method_not_allowed"


def test_a_shop_is_served_again_once_it_is_no_longer_suspended(quick_counter: Counter) -> None:
    from sqlalchemy import update

    from router.vendors.models import vendors

    vendor = quick_counter.open_shop("vendor-shut", "Shut Shop", status="suspended")
    assert quick_counter.get("/v1/cart", vendor=vendor, customer=AMINA).status == 403
    with quick_counter.platform.write() as tx:
        tx.execute(update(vendors).where(vendors.c.id == vendor).values(status="active"))
    assert quick_counter.get("/v1/cart", vendor=vendor, customer=AMINA).status == 200


def test_one_key_serves_two_shops_without_mixing_their_answers(quick_counter: Counter) -> None:
    other = VendorId(quick_counter.open_shop("vendor-baraka", "Baraka Kitchen"))
    quick_counter.put("milk", price=10)
    quick_counter.put("milk", price=20, vendor=other, on_hand=None)
    body = BODIES["/v1/cart/lines"]
    ours = quick_counter.post("/v1/cart/lines", body, key="same")
    theirs = quick_counter.post("/v1/cart/lines", body, key="same", vendor=other)
    assert (ours.body["cart"]["total_minor"], theirs.body["cart"]["total_minor"]) == (1000, 2000)


def test_the_same_key_with_another_body_is_refused(quick_counter: Counter) -> None:
    quick_counter.put("milk")
    assert quick_counter.add("milk", 1, key="same").status == 200
    answer = quick_counter.add("milk", 2, key="same")
    assert (answer.status, answer.code) == (422, "idempotency_key_reused")
    assert quick_counter.cart()["cart"]["lines"][0]["quantity"] == 1
