"""Opening, changing, suspending and listing shops, as an operator does over the API."""

import json
from typing import Any

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from contracts.ids import VendorId
from router.operations import KeyScope
from router.vendors.models import vendor_changes, vendors
from router.vendors.rules import RateLimits
from tests.support.counter import AMINA, MAMA, Answer, Counter
from tests.support.vendor_api import vendor_api


def open_shop(counter: Counter, **body: Any) -> Answer:
    return counter.operator("POST", "/api/v1/vendors", {"name": "Baraka Kitchen", **body})


def changes(counter: Counter, vendor_id: str = MAMA) -> set[tuple[str, str | None, str | None, str]]:
    answer = counter.operator("GET", f"/api/v1/vendors/{vendor_id}/changes?limit=100")
    assert answer.status == 200
    return {(c["subject"], c["old_value"], c["new_value"], c["changed_by"]) for c in answer.body["changes"]}


def test_a_shop_that_an_operator_opens_serves_at_once(counter: Counter) -> None:
    answer = open_shop(counter, id="baraka-1", word="Baraka", currency="AOA", locale="pt-AO", timezone="Africa/Luanda")
    assert answer.status == 201
    shop = answer.body
    assert (shop["id"], shop["word"], shop["status"]) == ("baraka-1", "baraka", "active")
    assert (shop["currency"], shop["locale"], shop["timezone"]) == ("AOA", "pt-AO", "Africa/Luanda")
    assert (shop["isolation_level"], shop["created_at"]) == ("shared_db", counter.clock.now().isoformat()[:-6] + "Z")
    assert counter.get("/v1/catalog/items", vendor="baraka-1").status == 200
    assert counter.get("/v1/shops", vendor=None, word="BARAKA").body["vendor_id"] == "baraka-1"
    assert counter.operator("GET", "/api/v1/vendors/baraka-1").body == shop


def test_customers_are_told_the_numbers_to_pay_by_hand_that_an_operator_set(counter: Counter) -> None:
    shop = counter.get("/v1/shops", vendor=None, word="mama").body
    assert (shop["paybill"], shop["till"]) == (None, None)
    path = f"/api/v1/vendors/{MAMA}"
    changed = counter.operator("PATCH", path, {"paybill": "174379", "till": "5551234"})
    assert changed.status == 200, changed
    assert (changed.body["paybill"], changed.body["till"]) == ("174379", "5551234")
    assert ("paybill", None, "174379", "operator") in changes(counter)
    shown = counter.get("/v1/shops", vendor=None, word="mama").body
    assert (shown["paybill"], shown["till"]) == ("174379", "5551234")
    counter.operator("PATCH", path, {"paybill": ""})
    shown = counter.get("/v1/shops", vendor=None, word="mama").body
    assert (shown["paybill"], shown["till"]) == (None, "5551234")


@pytest.mark.parametrize("number", ["12", "0708 374149", "12345678901", "١٢٣٤٥٦", "17437a", None])
def test_what_is_no_number_of_m_pesa_s_is_refused(quick_counter: Counter, number: object) -> None:
    answer = quick_counter.operator("PATCH", f"/api/v1/vendors/{MAMA}", {"paybill": number})
    assert (answer.status, answer.code) == (422, "invalid_request")


def test_id_word_and_capabilities_are_made_up_where_they_are_left_out(quick_counter: Counter) -> None:
    first, second, third = (open_shop(quick_counter, name="Mama Njeri's Çafé").body for _ in range(3))
    # `mama` is another shop's since before.
    assert [first["word"], second["word"], third["word"]] == ["mama-njeris", "mama-njeris-cafe", "mama-njeris-cafe-2"]
    assert len({first["id"], second["id"], third["id"]}) == 3
    assert first["capabilities"] == ["commerce.catalog", "commerce.orders"]


def test_a_name_without_a_letter_that_can_be_typed_still_gets_a_word(quick_counter: Counter) -> None:
    assert open_shop(quick_counter, name="商店").body["word"] == "shop-2"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "  "),
        ("name", "two\x00lines"),
        ("name", "x" * 101),
        ("id", "-x"),
        ("id", "a/b"),
        ("id", "x" * 65),
        ("word", "a"),
        ("word", "two words"),
        ("word", "café"),
        ("word", "-x-"),
        ("word", "123"),
        ("word", "STOP"),
        ("word", "pay"),
        ("word", "x" * 31),
        ("currency", "USD"),
        ("locale", "fr"),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../../etc/passwd"),
        ("billing_anchor_day", 29),
        ("billing_anchor_day", 0),
        ("capabilities", ["commerce.everything"]),
        ("nickname", "Mama"),
    ],
)
def test_what_makes_no_shop_is_refused_by_the_name_of_its_field(
    quick_counter: Counter, field: str, value: object
) -> None:
    answer = open_shop(quick_counter, **{field: value})
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert [error["field"].split(".")[0] for error in answer.body["errors"]] == [field]
    assert [row["id"] for row in quick_counter.rows(vendors, quick_counter.platform)] == [MAMA]


def test_an_id_or_a_word_that_is_taken_is_a_conflict_that_says_which(counter: Counter) -> None:
    taken_id = open_shop(counter, id=MAMA)
    assert (taken_id.status, taken_id.code, taken_id.body["taken"]) == (409, "shop_exists", "id")
    taken_word = open_shop(counter, word="MAMA")
    assert (taken_word.status, taken_word.code, taken_word.body["taken"]) == (409, "shop_exists", "word")
    assert "choose another word" in taken_word.body["detail"]


def test_a_word_is_taken_by_a_shop_that_answers_to_its_id(quick_counter: Counter) -> None:
    quick_counter.open_shop("by-hand", word=None)
    assert open_shop(quick_counter, word="by-hand").code == "shop_exists"


def test_the_same_request_again_opens_no_second_shop(counter: Counter) -> None:
    body = json.dumps({"name": "Baraka Kitchen"}).encode()
    headers = {"x-internal-key": "dev-internal-secret", "idempotency-key": "k", "content-type": "application/json"}
    first, again = (counter.send_unsigned("POST", "/api/v1/vendors", body, headers=headers) for _ in range(2))
    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body
    assert again.headers["idempotent-replayed"] == "true"
    assert len(counter.rows(vendors, counter.platform)) == 2


def test_a_shop_is_renamed_and_answers_to_its_new_word_at_once(counter: Counter) -> None:
    assert counter.get("/v1/shops", vendor=None, word="mama").body["name"] == "Mama Njeri"
    change = {"name": "Njeri & Daughters", "word": "Njeri", "locale": "sw", "timezone": "Africa/Luanda"}
    answer = counter.operator("PATCH", f"/api/v1/vendors/{MAMA}", change)
    assert answer.status == 200
    assert {name: answer.body[name] for name in change} == {**change, "word": "njeri"}
    assert counter.get(f"/v1/shops/{MAMA}", vendor=None).body["name"] == "Njeri & Daughters"
    assert counter.get("/v1/shops", vendor=None, word="mama").code == "shop_unknown"
    assert ("word", "mama", "njeri", "operator") in changes(counter)
    assert ("name", "Mama Njeri", "Njeri & Daughters", "operator") in changes(counter)


def test_a_change_that_changes_nothing_is_not_recorded(quick_counter: Counter) -> None:
    assert quick_counter.operator("PATCH", f"/api/v1/vendors/{MAMA}", {"name": "Mama Njeri"}).status == 200
    assert changes(quick_counter) == set()


@pytest.mark.parametrize("body", [{}, {"currency": "AOA"}, {"word": "stop"}, {"id": "other"}, {"name": None}])
def test_a_change_that_makes_no_sense_is_refused(quick_counter: Counter, body: dict[str, Any]) -> None:
    assert quick_counter.operator("PATCH", f"/api/v1/vendors/{MAMA}", body).status == 422


def test_a_shop_can_t_take_another_shop_s_word(counter: Counter) -> None:
    counter.open_shop("vendor-baraka", "Baraka")
    answer = counter.operator("PATCH", "/api/v1/vendors/vendor-baraka", {"word": "mama"})
    assert (answer.status, answer.code, answer.body["taken"]) == (409, "shop_exists", "word")


def test_a_suspended_shop_stops_at_once_and_can_still_be_looked_at_and_resumed(counter: Counter) -> None:
    key = vendor_api(counter, KeyScope.SHOP_READ)
    assert counter.get("/v1/cart", customer=AMINA).status == 200
    answer = counter.operator("POST", f"/api/v1/vendors/{MAMA}/suspend")
    assert (answer.status, answer.body["status"]) == (200, "suspended")
    assert counter.get("/v1/cart", customer=AMINA).code == "forbidden"
    refused = key.get("/api/v1/shop")
    assert (refused.status, refused.code) == (403, "forbidden")
    assert "suspended" in refused.body["detail"]
    assert counter.operator("POST", f"/api/v1/vendors/{MAMA}/suspend").body["status"] == "suspended"
    assert counter.operator("GET", f"/api/v1/vendors/{MAMA}").body["status"] == "suspended"
    assert counter.operator("GET", "/api/v1/shop", x_vendor_id=MAMA).status == 200
    assert counter.operator("POST", f"/api/v1/vendors/{MAMA}/resume").body["status"] == "active"
    assert counter.get("/v1/cart", customer=AMINA).status == 200
    assert key.get("/api/v1/shop").status == 200
    done = {("status", "active", "suspended", "operator"), ("status", "suspended", "active", "operator")}
    assert changes(counter) == done | {found for found in changes(counter) if found[0] == "api_key"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("PATCH", ""), ("POST", "/suspend"), ("POST", "/resume"), ("PATCH", "/limits"), ("GET", "/changes")],
)
@pytest.mark.parametrize("vendor", ["nobody", "x" * 300, "%25"])
def test_a_shop_that_is_not_there_is_unknown(quick_counter: Counter, method: str, path: str, vendor: str) -> None:
    body = {"name": "x", "shop_per_minute": 1} if method == "PATCH" else None
    answer = quick_counter.operator(method, f"/api/v1/vendors/{vendor}{path}", body)
    assert (answer.status, answer.code) == (404, "shop_unknown")


def test_every_shop_is_listed_once_page_by_page(counter: Counter) -> None:
    for number in range(7):
        counter.open_shop(f"shop-{number}", created_at=None)
    found: list[str] = []
    cursor = ""
    while True:
        page = counter.operator("GET", f"/api/v1/vendors?limit=3{cursor}").body
        assert len(page["vendors"]) <= 3
        found += [shop["id"] for shop in page["vendors"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == sorted([MAMA, *(f"shop-{number}" for number in range(7))])


def test_shops_are_found_by_status_database_and_the_beginning_of_their_word(counter: Counter) -> None:
    target = {"type": "postgres", "host": "db.example.com", "database": "d", "user": "u"}
    counter.open_shop("a", "A", word="mango", status="suspended")
    counter.open_shop("b", "B", word="m_x", isolation_level="dedicated_db", db_target=target)
    counter.open_shop("max", "C", word=None)

    def found(query: str) -> list[str]:
        return [shop["id"] for shop in counter.operator("GET", f"/api/v1/vendors?{query}").body["vendors"]]

    assert found("status=suspended") == ["a"]
    assert found("isolation=dedicated_db") == ["b"]
    assert found("word=MA") == ["a", "max", MAMA]
    assert found("word=m_") == ["b"]
    assert found("word=ma&status=active") == ["max", MAMA]
    assert found("word=%25") == []


@pytest.mark.parametrize("query", ["status=asleep", "limit=0", "limit=101", "cursor=%21", "colour=red"])
def test_a_filter_that_makes_no_sense_is_refused_not_ignored(quick_counter: Counter, query: str) -> None:
    assert quick_counter.operator("GET", f"/api/v1/vendors?{query}").status == 422


def test_where_a_shop_s_database_is_shows_nowhere(counter: Counter) -> None:
    target = {
        "type": "postgres",
        "host": "db-host-1",
        "database": "d",
        "user": "u",
        "passwordSecretRef": "env:SECRET_1",
    }
    counter.open_shop("own", "Own", isolation_level="dedicated_db", db_target=target)
    shown = [
        counter.operator("GET", "/api/v1/vendors").body,
        counter.operator("GET", "/api/v1/vendors/own").body,
        vendor_api(counter, vendor="own").get("/api/v1/shop").body,
    ]
    assert "own" in json.dumps(shown[0])
    assert not [word for word in ("db-1", "HIDDEN") if word in json.dumps(shown)]


def test_a_shop_sees_itself_and_its_limits(counter: Counter) -> None:
    shop = vendor_api(counter, KeyScope.SHOP_READ).get("/api/v1/shop").body
    assert (shop["id"], shop["name"], shop["word"]) == (MAMA, "Mama Njeri", "mama")
    assert shop["limits"]["customer_per_minute"] == RateLimits().customer_per_minute


def test_limits_are_a_shop_s_own_until_they_are_given_back(counter: Counter) -> None:
    usual = RateLimits()
    path = f"/api/v1/vendors/{MAMA}/limits"
    own = counter.operator("PATCH", path, {"bot_per_minute": 7, "key_per_minute": 9}).body
    assert (own["bot_per_minute"], own["key_per_minute"]) == (7, 9)
    assert own["shop_per_minute"] == usual.shop_per_minute
    again = counter.operator("PATCH", path, {"bot_per_minute": None}).body
    assert (again["bot_per_minute"], again["key_per_minute"]) == (usual.bot_per_minute, 9)
    assert ("bot_per_minute", "7", None, "operator") in changes(counter)
    for wrong in (0, -1, 1_000_001, "many"):
        assert counter.operator("PATCH", path, {"key_per_minute": wrong}).status == 422


def test_limits_that_were_written_with_sql_count(counter: Counter) -> None:
    with counter.platform.write() as tx:
        tx.execute(text("INSERT INTO vendor_limits (vendor_id, customer_per_minute) VALUES (:v, 2)"), {"v": MAMA})
    answers = [counter.get("/v1/cart", customer=AMINA) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]


def test_what_was_recorded_of_changes_can_be_neither_changed_nor_deleted(counter: Counter) -> None:
    counter.operator("POST", f"/api/v1/vendors/{MAMA}/suspend")
    for statement in (update(vendor_changes).values(changed_by="nobody"), delete(vendor_changes)):
        with pytest.raises(DBAPIError, match="append-only"), counter.platform.write() as tx:
            tx.execute(statement)
    assert len(counter.rows(vendor_changes, counter.platform)) == 1


def test_a_dedicated_shop_whose_database_is_not_there_is_not_opened(quick_counter: Counter) -> None:
    answer = open_shop(quick_counter, id="own", db_target={"type": "sqlite", "database": "missing.sqlite"})
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert "was tried" in answer.body["detail"]
    wrong = open_shop(quick_counter, id="own", db_target={"type": "postgres", "host": "h;x", "database": "d"})
    assert [error["field"].split(".")[0] for error in wrong.body["errors"]] == ["db_target"]
    assert [row["id"] for row in quick_counter.rows(vendors, quick_counter.platform)] == [MAMA]


def test_a_plain_password_is_not_taken_over_the_api(quick_counter: Counter) -> None:
    target = {"type": "postgres", "host": "127.0.0.1", "database": "d", "user": "u", "passwordSecretRef": "plain:x"}
    answer = open_shop(quick_counter, id="own", db_target=target)
    assert [error["field"] for error in answer.body["errors"]] == ["db_target.passwordSecretRef"]


def test_a_vendor_s_key_administers_no_shop(counter: Counter) -> None:
    key = vendor_api(counter)
    before = counter.rows(vendors, counter.platform)
    for method, path in (
        ("POST", "/api/v1/vendors"),
        ("GET", "/api/v1/vendors"),
        ("PATCH", f"/api/v1/vendors/{MAMA}"),
        ("POST", f"/api/v1/vendors/{MAMA}/suspend"),
    ):
        answer = key.raw(method, path, b'{"name": "x"}', {"content-type": "application/json"})
        assert (answer.status, answer.code) == (403, "forbidden")
    assert counter.rows(vendors, counter.platform) == before
    assert VendorId(before[0]["id"]) == MAMA
