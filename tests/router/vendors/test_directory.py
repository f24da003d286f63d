"""Shops and what they may do: found by word, opened by hand-written SQL, remembered for five seconds at most."""

from itertools import product
from time import monotonic

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from contracts.ids import VendorId
from contracts.money import Currency
from contracts.states import Capability, Rail
from router.vendors.models import vendor_capabilities, vendors
from router.vendors.rules import (
    CAPABILITY_NOTES,
    Allowed,
    Denial,
    Denied,
    RailState,
    Switcher,
    Vendor,
    VendorStatus,
    gate,
    rails_of,
    why_not_offered,
)
from router.vendors.service import CACHE_S
from tests.support.counter import AMINA, MAMA, Counter


def a_vendor(
    *capabilities: str,
    status: VendorStatus = VendorStatus.ACTIVE,
    currency: Currency = Currency.KES,
    states: tuple[RailState, ...] = (),
) -> Vendor:
    return Vendor(
        id=VendorId("v"),
        name="Shop",
        word="shop",
        status=status,
        currency=currency,
        locale="en",
        timezone="Africa/Nairobi",
        has_own_database=False,
        capabilities=frozenset(capabilities),
        rail_states=states,
    )


@pytest.mark.parametrize(("has", "needs"), list(product(Capability, Capability)))
def test_a_capability_opens_its_own_door_and_no_other(has: Capability, needs: Capability) -> None:
    assert isinstance(gate(a_vendor(has), [needs]), Allowed) is (has is needs)


def test_a_suspended_shop_may_nothing_whatever_it_enabled() -> None:
    decision = gate(a_vendor(*Capability, status=VendorStatus.SUSPENDED), [Capability.ORDERS])
    assert isinstance(decision, Denied)
    assert decision.reason is Denial.SUSPENDED


def test_a_refusal_names_what_is_missing() -> None:
    decision = gate(a_vendor("commerce.catalog"), [Capability.CATALOG, Capability.ORDERS])
    assert isinstance(decision, Denied)
    assert "has not enabled commerce.orders" in decision.detail
    assert decision.missing == (Capability.ORDERS,)


@pytest.mark.parametrize("capability", list(Capability))
def test_a_refusal_says_who_can_switch_it_on_and_how(capability: Capability) -> None:
    decision = gate(a_vendor(), [capability])
    assert isinstance(decision, Denied)
    if CAPABILITY_NOTES[capability].switched_by is Switcher.SHOP:
        assert f"the shop can switch it on itself (PUT /api/v1/capabilities/{capability} with" in decision.detail
    else:
        assert f"an operator can switch it on (dukani vendor enable {a_vendor().id} {capability})" in decision.detail


def test_every_capability_says_what_it_means() -> None:
    assert set(CAPABILITY_NOTES) == set(Capability)


def test_a_rail_needs_its_capability_its_currency_and_complete_settings() -> None:
    every = tuple(RailState(rail, is_ready=True) for rail in Rail)
    assert rails_of(a_vendor("payments.mpesa_stk", states=every)) == ["mpesa_stk"]
    assert rails_of(a_vendor("payments.mpesa_stk", currency=Currency.AOA, states=every)) == []
    assert rails_of(a_vendor("payments.ekwanza_gpo", states=every)) == []
    assert rails_of(a_vendor(*Capability, currency=Currency.AOA, states=every)) == ["gpo", "emis_ref", "ticket"]
    assert rails_of(a_vendor(*Capability, states=())) == []
    unready = (RailState(Rail.MPESA_STK, is_ready=False, missing=("passkey",)),)
    assert rails_of(a_vendor(*Capability, states=unready)) == []


def test_what_is_lacking_is_named_and_where_to_give_it() -> None:
    mpesa = (RailState(Rail.MPESA_STK, is_ready=False, missing=("consumer_key", "passkey")),)
    said = why_not_offered(a_vendor("payments.mpesa_stk", states=mpesa))
    assert "mpesa_stk lacks consumer_key, passkey" in said
    assert "POST /api/v1/credentials-links" in said
    assert "dukani secrets link v" in said
    assert "mpesa_stk lacks all its settings" in why_not_offered(a_vendor("payments.mpesa_stk"))
    assert "dukani vendor enable v payments.mpesa_stk" in why_not_offered(a_vendor(), Rail.MPESA_STK)
    assert "sells in KES, which gpo does not charge" in why_not_offered(a_vendor(*Capability), Rail.GPO)
    luanda = why_not_offered(a_vendor("payments.ekwanza_gpo", currency=Currency.AOA))
    assert "gpo lacks all its settings" in luanda
    assert "ticket" not in luanda.replace("credential", "")


@pytest.mark.parametrize("word", ["mama", "MAMA", " Mama "])
def test_a_shop_answers_to_its_word_in_any_case(quick_counter: Counter, word: str) -> None:
    assert quick_counter.get("/v1/shops", vendor=None, word=word).body["vendor_id"] == MAMA


@pytest.mark.parametrize("word", ["mam", "mamas", "", " ", "m%", "x" * 100, "' OR 1=1 --"])
def test_a_word_that_is_nobody_s_is_unknown(counter: Counter, word: str) -> None:
    answer = counter.get("/v1/shops", vendor=None, word=word)
    assert (answer.status, answer.code) == (404, "shop_unknown")


def test_a_word_with_a_character_that_is_none_is_refused(quick_counter: Counter) -> None:
    answer = quick_counter.get("/v1/shops", vendor=None, word="mama\x00")
    assert (answer.status, answer.code) == (422, "invalid_request")


def test_a_suspended_shop_s_word_says_that_it_is_suspended(quick_counter: Counter) -> None:
    quick_counter.open_shop("vendor-shut", "Shut Shop", status="suspended")
    answer = quick_counter.get("/v1/shops", vendor=None, word="shut")
    assert (answer.status, answer.code) == (403, "forbidden")
    assert quick_counter.get("/v1/shops/vendor-shut", vendor=None).status == 403


def test_a_shop_is_shown_with_what_a_customer_can_do_there(quick_counter: Counter) -> None:
    assert quick_counter.get(f"/v1/shops/{MAMA}", vendor=None).body == {
        "vendor_id": MAMA,
        "word": "mama",
        "name": "Mama Njeri",
        "currency": "KES",
        "locale": "en",
        "timezone": "Africa/Nairobi",
        "rails": ["mpesa_stk"],
        "capabilities": ["chat.handover", "commerce.catalog", "commerce.orders", "payments.mpesa_stk"],
        "opening": None,
        "fulfilment": [],
        "paybill": None,
        "till": None,
    }


def test_listed_are_ten_open_shops_that_take_orders(counter: Counter) -> None:
    counter.open_shop("vendor-shut", "Shut", status="suspended")
    counter.open_shop("vendor-bare", "Bare", capabilities=("commerce.catalog",))
    counter.open_shop("vendor-own", "Own", isolation_level="dedicated_db")
    for number in range(10):
        counter.open_shop(f"vendor-zz{number}", f"Shop {number}")
    listed = [shop["vendor_id"] for shop in counter.get("/v1/shops", vendor=None).body["shops"]]
    assert len(listed) == 10
    assert not {"vendor-shut", "vendor-bare", "vendor-own"} & set(listed)


def test_a_shop_written_by_hand_in_sql_is_a_shop(counter: Counter) -> None:
    with counter.platform.write() as tx:
        tx.execute(
            text(
                "INSERT INTO vendors (id, name, isolation_level, db_target) "
                "VALUES ('by-hand', 'By Hand', 'shared_db', NULL)"
            )
        )
        for capability in ("commerce.orders", "commerce.catalog"):
            tx.execute(
                text("INSERT INTO vendor_capabilities (vendor_id, capability) VALUES ('by-hand', :capability)"),
                {"capability": capability},
            )
        tx.execute(
            text(
                "INSERT INTO catalog_items (vendor_id, id, sku, name, price_minor) "
                "VALUES ('by-hand', 'soap', 'SOAP', 'Soap', 5000)"
            )
        )
    shop = counter.get("/v1/shops", vendor=None, word="By-Hand").body
    assert (shop["word"], shop["currency"], shop["timezone"]) == ("by-hand", "KES", "Africa/Nairobi")
    items = counter.get("/v1/catalog/items", vendor="by-hand").body["items"]
    assert [(item["name"], item["available"]) for item in items] == [("Soap", None)]
    line = {"customer": {"address": AMINA}, "item_id": "soap", "quantity": 2}
    assert counter.post("/v1/cart/lines", line, vendor="by-hand").body["cart"]["total_minor"] == 10000


def test_a_dedicated_shop_written_by_hand_keeps_its_target(counter: Counter) -> None:
    with counter.platform.write() as tx:
        tx.execute(
            text(
                "INSERT INTO vendors (id, name, isolation_level, db_target) "
                "VALUES ('own', 'Own', 'dedicated_db', '{\"type\": \"postgres\", \"host\": \"db.internal\"}')"
            )
        )
    row = next(row for row in counter.rows(vendors, counter.platform) if row["id"] == "own")
    assert row["db_target"] == {"type": "postgres", "host": "db.internal"}
    assert counter.operator("GET", "/orders", x_vendor_id="own").status == 503


@pytest.mark.parametrize(
    "columns",
    [
        {"word": "Mixed"},
        {"word": "mama"},
        {"status": "closed"},
        {"isolation_level": "cloud"},
        {"currency": "EUR"},
    ],
)
def test_the_table_refuses_a_shop_that_makes_no_sense(counter: Counter, columns: dict[str, str]) -> None:
    with pytest.raises(IntegrityError):
        counter.open_shop("vendor-odd", "Odd", **columns)


def test_a_capability_that_was_just_added_counts_at_once(quick_counter: Counter) -> None:
    shop = quick_counter.open_shop("vendor-bare", "Bare", capabilities=())
    assert quick_counter.get("/v1/catalog/items", vendor=shop).code == "capability_missing"
    with quick_counter.platform.write() as tx:
        tx.execute(vendor_capabilities.insert().values(vendor_id=shop, capability="commerce.catalog"))
    assert quick_counter.get("/v1/catalog/items", vendor=shop).status == 200


def test_a_shop_that_was_just_opened_is_found_at_once(quick_counter: Counter) -> None:
    assert quick_counter.get("/v1/catalog/items", vendor="vendor-new").code == "shop_unknown"
    quick_counter.open_shop("vendor-new", "New")
    assert quick_counter.get("/v1/catalog/items", vendor="vendor-new").status == 200


def test_a_capability_that_was_withdrawn_is_gone_after_five_seconds(
    quick_counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert quick_counter.get("/v1/catalog/items").status == 200
    with quick_counter.platform.write() as tx:
        tx.execute(
            update(vendor_capabilities)
            .where(vendor_capabilities.c.capability == "commerce.catalog")
            .values(enabled=False)
        )
    monkeypatch.setattr("router.vendors.service.monotonic", lambda: monotonic() + CACHE_S)
    assert quick_counter.get("/v1/catalog/items").code == "capability_missing"
