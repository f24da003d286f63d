"""Switching what a shop may do: who may, when it counts, and what a refusal says."""

from time import monotonic

import pytest
from sqlalchemy import insert, update

from contracts.states import Capability
from router.operations import KeyScope
from router.vendors.models import vendor_capabilities, vendor_changes
from router.vendors.rules import CAPABILITY_NOTES, Switcher
from router.vendors.service import CACHE_S
from tests.support.counter import AMINA, MAMA, Answer, Counter
from tests.support.vendor_api import VendorApi, vendor_api


def switch(key: VendorApi, capability: str, enabled: object) -> Answer:
    body = f'{{"enabled": {str(enabled).lower()}}}'.encode()
    return key.raw("PUT", f"/api/v1/capabilities/{capability}", body, {"content-type": "application/json"})


def test_every_capability_is_listed_with_its_meaning_and_who_switches_it(counter: Counter) -> None:
    answer = vendor_api(counter, KeyScope.SHOP_READ).get("/api/v1/capabilities")
    assert answer.status == 200
    listed = {each["capability"]: each for each in answer.body["capabilities"]}
    assert set(listed) == set(Capability)
    assert {name for name, each in listed.items() if each["enabled"]} == {
        "commerce.catalog",
        "commerce.orders",
        "payments.mpesa_stk",
        "chat.handover",
    }
    assert all(each["meaning"] and each["switched_by"] in ("shop", "operator") for each in listed.values())


def test_a_shop_switches_what_is_its_own_to_switch_and_it_counts_at_once(counter: Counter) -> None:
    key = vendor_api(counter, KeyScope.SHOP_WRITE)
    assert counter.get("/v1/cart", customer=AMINA).status == 200
    answer = switch(key, "commerce.orders", False)
    assert answer.status == 200
    assert {"capability": "commerce.orders", "enabled": False} in [
        {name: each[name] for name in ("capability", "enabled")} for each in answer.body["capabilities"]
    ]
    refused = counter.get("/v1/cart", customer=AMINA)
    assert (refused.status, refused.code, refused.body["missing"]) == (403, "capability_missing", ["commerce.orders"])
    assert "PUT /api/v1/capabilities/commerce.orders" in refused.body["detail"]
    assert switch(key, "commerce.orders", True).status == 200
    assert counter.get("/v1/cart", customer=AMINA).status == 200


@pytest.mark.parametrize("capability", list(Capability))
def test_a_shop_can_t_switch_what_an_operator_decides(quick_counter: Counter, capability: Capability) -> None:
    answer = switch(vendor_api(quick_counter, KeyScope.SHOP_WRITE), capability, True)
    if CAPABILITY_NOTES[capability].switched_by is Switcher.SHOP:
        assert answer.status == 200
    else:
        assert (answer.status, answer.code) == (403, "forbidden")
        assert "an operator" in answer.body["detail"]
    by_operator = quick_counter.operator(
        "PUT", f"/api/v1/capabilities/{capability}", {"enabled": True}, x_vendor_id=MAMA
    )
    assert by_operator.status == 200


@pytest.mark.parametrize("name", ["commerce.everything", "x" * 200, "COMMERCE.ORDERS", "%25"])
def test_an_unknown_capability_is_answered_with_those_there_are(quick_counter: Counter, name: str) -> None:
    answer = switch(vendor_api(quick_counter, KeyScope.SHOP_WRITE), name, True)
    assert (answer.status, answer.code) == (404, "capability_unknown")
    assert answer.body["capabilities"] == [each.value for each in Capability]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"enabled": null}', b'{"enabled": "perhaps"}', b"[]"])
def test_a_switch_that_says_neither_on_nor_off_is_refused(quick_counter: Counter, body: bytes) -> None:
    key = vendor_api(quick_counter, KeyScope.SHOP_WRITE)
    answer = key.raw("PUT", "/api/v1/capabilities/commerce.orders", body, {"content-type": "application/json"})
    assert answer.status in (400, 422)
    assert quick_counter.get("/v1/cart", customer=AMINA).status == 200


def test_who_switched_what_is_recorded_once_for_each_change(counter: Counter) -> None:
    key = vendor_api(counter, KeyScope.SHOP_WRITE)
    for enabled in (True, True, False, False, True):
        assert switch(key, "commerce.links", enabled).status == 200
    rows = [
        row for row in counter.rows(vendor_changes, counter.platform) if row["subject"] == "capability commerce.links"
    ]
    assert sorted((row["old_value"], row["new_value"]) for row in rows) == [("off", "on"), ("off", "on"), ("on", "off")]
    key_id = key.token.split("_")[1]
    assert {(row["vendor_id"], row["changed_by"]) for row in rows} == {(MAMA, f"key:{key_id}")}


def test_switching_off_what_was_never_on_changes_nothing(counter: Counter) -> None:
    assert switch(vendor_api(counter, KeyScope.SHOP_WRITE), "commerce.tickets", False).status == 200
    subjects = {row["subject"] for row in counter.rows(vendor_changes, counter.platform)}
    assert "capability commerce.tickets" not in subjects


def test_a_capability_that_sql_inserted_counts_at_once_and_one_that_sql_took_within_five_seconds(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = counter.open_shop("vendor-sql", "By SQL", capabilities=())
    key = vendor_api(counter, KeyScope.ORDERS_READ, vendor=shop)
    assert key.get("/api/v1/orders").code == "capability_missing"
    with counter.platform.write() as tx:
        tx.execute(insert(vendor_capabilities).values(vendor_id=shop, capability="commerce.orders"))
    assert key.get("/api/v1/orders").status == 200
    with counter.platform.write() as tx:
        is_it = (vendor_capabilities.c.vendor_id == shop) & (vendor_capabilities.c.capability == "commerce.orders")
        tx.execute(update(vendor_capabilities).where(is_it).values(enabled=False))
    monkeypatch.setattr("router.vendors.service.monotonic", lambda: monotonic() + CACHE_S)
    assert key.get("/api/v1/orders").code == "capability_missing"


def test_a_switch_while_a_shop_is_being_read_is_not_forgotten(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, shop = counter.directory, counter.open_shop("vendor-race", "Race")
    from router.vendors import service

    read = service.vendors_from  # to stand between reading and remembering

    def read_and_then_switch(*args: object) -> object:
        found = read(*args)  # pyright: ignore[reportArgumentType]
        monkeypatch.setattr(service, "vendors_from", read)
        with counter.platform.write() as tx:
            tx.execute(update(vendor_capabilities).values(enabled=False))
        directory.forget(shop)
        return found

    monkeypatch.setattr(service, "vendors_from", read_and_then_switch)
    assert directory.known(shop).capabilities
    assert directory.known(shop).capabilities == frozenset()
