"""The vendor's API of webhooks: endpoints and their secrets."""

from typing import Any

import pytest
from sqlalchemy import select

from router.databases import ops_metadata, platform_metadata
from router.events.models import webhook_endpoints
from router.operations import KeyScope
from tests.support.counter import Counter
from tests.support.databases import seeing_all
from tests.support.vendor_api import VendorApi, vendor_api
from tests.support.webhooks import NEAR, WEBHOOKS, created, patch


@pytest.fixture
def api(quick_counter: Counter) -> VendorApi:
    return vendor_api(quick_counter)


# --- endpoints -------------------------------------------------------------------------------------------------------


def test_an_endpoint_is_made_shown_changed_and_deleted(api: VendorApi) -> None:
    made = created(api, event_types=["order.paid", "order.paid"], description="  the   till ")
    assert made["secret"].startswith("whsec_")
    assert (made["status"], made["event_types"], made["description"]) == ("enabled", ["order.paid"], "the till")
    path = f"{WEBHOOKS}/{made['id']}"
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert api.get(path).body == shown
    assert api.get(WEBHOOKS).body == {"endpoints": [shown]}
    changed = patch(api, path, event_types=[], description="")
    assert (changed.status, changed.body["event_types"], changed.body["url"]) == (200, [], NEAR)
    disabled = patch(api, path, status="disabled")
    assert (disabled.body["status"], disabled.body["disabled_reason"]) == ("disabled", "disabled by the shop")
    assert patch(api, path, status="enabled").body["disabled_reason"] is None
    assert api.raw("DELETE", path).status == 200
    assert api.get(path).code == "webhook_unknown"
    assert api.raw("DELETE", path).code == "webhook_unknown"
    assert api.get(WEBHOOKS).body == {"endpoints": []}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": None},
        {"url": 1},
        {"url": NEAR, "event_types": ["order.eaten"]},
        {"url": NEAR, "event_types": "order.paid"},
        {"url": NEAR, "secret": "mine"},
        {"url": NEAR, "description": "x" * 201},
    ],
)
def test_what_can_not_be_understood_is_refused(api: VendorApi, body: dict[str, Any]) -> None:
    answer = api.post(WEBHOOKS, body)
    assert (answer.status, answer.code) == (422, "invalid_request")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1.nip.example/\n",
        "http://hooks.example.com/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://user:word@hooks.example.com/",
        "https://unknown.example.com/",
        "ftp://hooks.example.com/",
    ],
)
def test_an_address_that_must_not_be_called_is_refused_when_it_is_given(api: VendorApi, url: str) -> None:
    answer = api.post(WEBHOOKS, {"url": url})
    assert (answer.status, answer.code) == (422, "webhook_address_refused")
    made = created(api)
    answer = patch(api, f"{WEBHOOKS}/{made['id']}", url=url)
    assert (answer.status, answer.code) == (422, "webhook_address_refused")
    assert api.get(f"{WEBHOOKS}/{made['id']}").body["url"] == NEAR


@pytest.mark.parametrize("body", [{}, {"url": None}, {"status": "gone"}, {"id": "mine"}])
def test_a_change_says_what_changes(api: VendorApi, body: dict[str, Any]) -> None:
    path = f"{WEBHOOKS}/{created(api)['id']}"
    assert patch(api, path, **body).status == 422


def test_a_shop_has_ten_endpoints_and_another_one_in_place_of_a_deleted_one(api: VendorApi) -> None:
    ids = [created(api)["id"] for _ in range(10)]
    refused = api.post(WEBHOOKS, {"url": NEAR})
    assert (refused.status, refused.code) == (409, "webhook_limit_reached")
    assert api.raw("DELETE", f"{WEBHOOKS}/{ids[3]}").status == 200
    created(api)
    assert len(api.get(WEBHOOKS).body["endpoints"]) == 10


def test_another_shop_s_endpoints_and_deliveries_do_not_exist(quick_counter: Counter, api: VendorApi) -> None:
    other = vendor_api(quick_counter, vendor=quick_counter.open_shop("vendor-baraka", "Baraka Kitchen"))
    endpoint = created(other)["id"]
    delivery = other.post(f"{WEBHOOKS}/{endpoint}/ping", {}).body["id"]
    for answer in (
        api.get(f"{WEBHOOKS}/{endpoint}"),
        api.get(f"{WEBHOOKS}/{endpoint}/deliveries"),
        api.post(f"{WEBHOOKS}/{endpoint}/ping", {}),
        api.post(f"{WEBHOOKS}/{endpoint}/rotate-secret", {}),
        api.post(f"{WEBHOOKS}/{endpoint}/replay", {"since": "2026-11-01T00:00:00Z"}),
        patch(api, f"{WEBHOOKS}/{endpoint}", description="mine"),
        api.raw("DELETE", f"{WEBHOOKS}/{endpoint}"),
    ):
        assert (answer.status, answer.code) == (404, "webhook_unknown")
    for answer in (
        api.get(f"{WEBHOOKS}/deliveries/{delivery}"),
        api.post(f"{WEBHOOKS}/deliveries/{delivery}/retry", {}),
        api.post(f"{WEBHOOKS}/deliveries/{delivery}/discard", {}),
    ):
        assert (answer.status, answer.code) == (404, "delivery_unknown")
    assert api.get(WEBHOOKS).body == {"endpoints": []}


def test_a_key_for_looking_changes_nothing(quick_counter: Counter, api: VendorApi) -> None:
    looking = vendor_api(quick_counter, KeyScope.WEBHOOKS_READ)
    endpoint = created(api)["id"]
    assert looking.get(f"{WEBHOOKS}/{endpoint}").status == 200
    for answer in (
        looking.post(WEBHOOKS, {"url": NEAR}),
        looking.post(f"{WEBHOOKS}/{endpoint}/rotate-secret", {}),
        looking.post(f"{WEBHOOKS}/{endpoint}/ping", {}),
        looking.raw("DELETE", f"{WEBHOOKS}/{endpoint}"),
    ):
        assert (answer.status, answer.code) == (403, "scope_missing")


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_a_secret_is_shown_once_and_again_to_a_repeat_of_the_same_request(api: VendorApi) -> None:
    first = api.post(WEBHOOKS, {"url": NEAR}, key="k1")
    again = api.post(WEBHOOKS, {"url": NEAR}, key="k1")
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    path = f"{WEBHOOKS}/{first.body['id']}"
    rotated = api.post(f"{path}/rotate-secret", {}, key="k2")
    assert api.post(f"{path}/rotate-secret", {}, key="k2").body == rotated.body
    assert rotated.body["secret_version"] == 2
    assert rotated.body["secret"] != first.body["secret"]
    assert api.post(WEBHOOKS, {"url": NEAR}, key="k1").body["secret"] == first.body["secret"]
    api.post(f"{path}/rotate-secret", {})
    assert api.post(WEBHOOKS, {"url": NEAR}, key="k1").body["secret"] is None
    assert "secret" not in api.get(path).body


def test_no_database_holds_a_secret(quick_counter: Counter, api: VendorApi) -> None:
    made = api.post(WEBHOOKS, {"url": NEAR}, key="k1").body
    rotated = api.post(f"{WEBHOOKS}/{made['id']}/rotate-secret", {}, key="k2").body
    api.post(f"{WEBHOOKS}/{made['id']}/ping", {}, key="k3")
    stored = ""
    for database, metadata in ((quick_counter.platform, platform_metadata), (quick_counter.db, ops_metadata)):
        with seeing_all(database) as tx:
            for table in metadata.tables.values():
                stored += repr(tx.execute(select(table)).all())
    assert made["id"] in stored
    for secret in (made["secret"], rotated["secret"]):
        assert secret not in stored
        assert secret.removeprefix("whsec_")[:16] not in stored


def test_two_who_register_the_last_endpoint_at_once_do_not_both_get_it(counter: Counter) -> None:
    from threading import Barrier, Thread

    api = vendor_api(counter)
    for _ in range(8):
        created(api)
    barrier = Barrier(4)
    answers: list[int] = []

    def register() -> None:
        barrier.wait(30)
        answers.append(api.post(WEBHOOKS, {"url": NEAR}).status)

    threads = [Thread(target=register) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == [201, 201, 409, 409]
    assert len(counter.rows(webhook_endpoints, counter.platform)) == 10
