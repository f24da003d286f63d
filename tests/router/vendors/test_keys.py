"""API keys: made, shown once, used, revoked; what a token that is not good is told."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from contracts.ids import VendorId
from kit.db import Tx
from kit.problems import Problem
from router.databases import platform_idempotency
from router.operations import KeyScope
from router.vendors.keys import MAX_LIVE_KEYS, ApiKeys, make_key, revoke_key
from router.vendors.models import api_keys, vendor_changes
from router.vendors.service import CACHE_S
from tests.support.counter import MAMA, Answer, Counter
from tests.support.vendor_api import SHOP_SCOPES, VendorApi, counted_reads, new_token, vendor_api

BARAKA = VendorId("vendor-baraka")


def make(key: VendorApi, *scopes: str, idempotency_key: str | None = None, **more: Any) -> Answer:
    body = {"name": "till", "scopes": list(scopes), **more}
    return key.post("/api/v1/api-keys", body, key=idempotency_key)


def revoke(key: VendorApi, key_id: str) -> Answer:
    return key.raw("DELETE", f"/api/v1/api-keys/{key_id}")


def stored(counter: Counter) -> str:
    """Everything that the platform database holds about keys, answers and changes."""
    tables = (api_keys, platform_idempotency, vendor_changes)
    return json.dumps([counter.rows(table, counter.platform) for table in tables], default=str)


def test_a_key_that_a_key_made_opens_what_its_scopes_say_and_nothing_else(counter: Counter) -> None:
    answer = make(vendor_api(counter), "shop:read")
    assert answer.status == 201
    made = VendorApi(counter, answer.body["token"])
    assert answer.body["token"].startswith(f"dk_{answer.body['id']}_")
    assert len(answer.body["token"]) == len("dk_") + 32 + 1 + 43
    assert made.get("/api/v1/shop").body["id"] == MAMA
    refused = made.get("/api/v1/orders")
    assert (refused.status, refused.code) == (403, "scope_missing")
    assert "orders:read" in refused.body["detail"]


def test_a_token_is_kept_nowhere(counter: Counter) -> None:
    token = make(vendor_api(counter), "shop:read", idempotency_key="once").body["token"]
    secret = token.rpartition("_")[2]
    assert token not in stored(counter)
    assert secret not in stored(counter)
    assert "once" in stored(counter)


def test_the_same_request_again_makes_no_second_key_and_shows_no_token(counter: Counter) -> None:
    key = vendor_api(counter)
    first, again = (make(key, "shop:read", idempotency_key="k") for _ in range(2))
    assert (first.status, again.status) == (201, 201)
    assert again.body == {**first.body, "token": None}
    assert again.headers["idempotent-replayed"] == "true"
    assert make(key, "shop:write", idempotency_key="k").code == "idempotency_key_reused"
    assert len(counter.rows(api_keys, counter.platform)) == 2


def test_the_platform_s_own_keys_are_made_once_too(counter: Counter) -> None:
    body = b'{"name": "ops"}'
    headers = {"x-internal-key": "dev-internal-secret", "idempotency-key": "k", "content-type": "application/json"}
    first, again = (counter.send_unsigned("POST", "/api/v1/platform/api-keys", body, headers=headers) for _ in range(2))
    assert first.body["scopes"] == ["platform"]
    assert again.body == {**first.body, "token": None}
    operator = VendorApi(counter, first.body["token"])
    assert operator.get("/api/v1/vendors").status == 200
    assert operator.raw("GET", "/api/v1/shop", headers={"x-vendor-id": MAMA}).body["id"] == MAMA
    listed = operator.get("/api/v1/platform/api-keys").body["keys"]
    assert [(key["id"], key["vendor_id"]) for key in listed] == [(first.body["id"], None)]
    assert operator.raw("DELETE", f"/api/v1/platform/api-keys/{first.body['id']}").body["status"] == "revoked"
    assert operator.get("/api/v1/vendors").status == 401


@pytest.mark.parametrize("scope", sorted(SHOP_SCOPES - {KeyScope.KEYS_WRITE}))
def test_a_key_can_t_give_what_it_does_not_have(quick_counter: Counter, scope: KeyScope) -> None:
    answer = make(vendor_api(quick_counter, KeyScope.KEYS_WRITE), "keys:write", scope)
    assert (answer.status, answer.code) == (403, "scope_missing")
    assert scope in answer.body["detail"]
    assert len(quick_counter.rows(api_keys, quick_counter.platform)) == 1


def test_no_shop_s_key_opens_the_platform(quick_counter: Counter) -> None:
    assert make(vendor_api(quick_counter), "platform").code == "scope_missing"
    by_operator = quick_counter.operator(
        "POST", "/api/v1/api-keys", {"name": "x", "scopes": ["platform"]}, x_vendor_id=MAMA
    )
    assert by_operator.status == 422


NO_KEYS: list[dict[str, Any]] = [
    {"scopes": []},
    {"scopes": ["orders"]},
    {"name": ""},
    {"expires_at": "2020-01-01T00:00:00Z"},
    {"expires_at": "x"},
    {"expires_at": "2099-01-01T00:00:00"},
    {"token": "mine"},
]


@pytest.mark.parametrize("wrong", NO_KEYS)
def test_a_key_that_makes_no_sense_is_not_made(quick_counter: Counter, wrong: dict[str, Any]) -> None:
    answer = vendor_api(quick_counter).post("/api/v1/api-keys", {"name": "n", "scopes": ["shop:read"], **wrong})
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert len(quick_counter.rows(api_keys, quick_counter.platform)) == 1


def test_a_key_ends_when_it_was_to_end(counter: Counter) -> None:
    ends = counter.clock.now() + timedelta(hours=1)
    made = VendorApi(counter, make(vendor_api(counter), "shop:read", expires_at=ends.isoformat()).body["token"])
    counter.clock.advance(timedelta(minutes=59, seconds=59))
    assert made.get("/api/v1/shop").status == 200
    counter.clock.advance(timedelta(seconds=1))
    assert made.get("/api/v1/shop").status == 401
    shown = {key["name"]: key["status"] for key in vendor_api(counter).get("/api/v1/api-keys").body["keys"]}
    assert shown["till"] == "expired"


def test_no_key_outlives_the_key_that_made_it(counter: Counter) -> None:
    ends = counter.clock.now() + timedelta(hours=1)
    short = VendorApi(
        counter, make(vendor_api(counter), "keys:write", "shop:read", expires_at=ends.isoformat()).body["token"]
    )
    later = make(short, "shop:read", expires_at=(ends + timedelta(seconds=1)).isoformat())
    assert (later.status, later.code) == (422, "invalid_request")
    made = make(short, "shop:read").body
    assert made["expires_at"] == ends.isoformat().replace("+00:00", "Z")


def test_a_revoked_key_opens_nothing_from_then_on_where_it_was_revoked(counter: Counter) -> None:
    owner = vendor_api(counter)
    made = make(owner, "shop:read").body
    key = VendorApi(counter, made["token"])
    assert key.get("/api/v1/shop").status == 200
    gone = revoke(owner, made["id"])
    assert (gone.status, gone.body["status"]) == (200, "revoked")
    refused = key.get("/api/v1/shop")
    assert (refused.status, refused.code) == (401, "unauthenticated")
    counter.clock.advance(timedelta(minutes=5))
    assert revoke(owner, made["id"]).body == gone.body
    revocations = [row for row in counter.rows(vendor_changes, counter.platform) if row["new_value"] is None]
    assert [row["old_value"] for row in revocations] == [f"{made['id']} till: shop:read"]


def test_a_key_that_another_process_revoked_opens_nothing_after_five_seconds(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = vendor_api(counter)
    assert key.get("/api/v1/shop").status == 200
    with counter.platform.write() as tx:
        revoke_key(tx, MAMA, key.token.split("_")[1], counter.clock.now(), by="command line")
    monkeypatch.setattr("router.vendors.keys.monotonic", lambda: monotonic() + CACHE_S)
    assert key.get("/api/v1/shop").status == 401


def test_a_key_that_is_revoked_while_it_is_being_read_is_not_remembered(counter: Counter) -> None:
    token = new_token(counter, MAMA, SHOP_SCOPES)
    key_id, now = token.split("_")[1], counter.clock.now()

    class Halfway:
        """A platform database on which the key is revoked right after it was read."""

        @contextmanager
        def read(self) -> Generator[Tx]:
            with counter.platform.read() as tx:
                yield tx
            with counter.platform.write() as tx:
                revoke_key(tx, MAMA, key_id, now, by="x")
            keys.forget(key_id)

    keys = ApiKeys(Halfway())  # pyright: ignore[reportArgumentType]
    assert keys.holder(token, now) is not None
    assert keys.holder(token, now) is None


def test_another_shop_s_key_can_neither_be_seen_nor_revoked(counter: Counter) -> None:
    counter.open_shop(BARAKA, "Baraka")
    ours, theirs = vendor_api(counter), vendor_api(counter, vendor=BARAKA)
    their_id = theirs.token.split("_")[1]
    answer = revoke(ours, their_id)
    assert (answer.status, answer.code) == (404, "key_unknown")
    assert their_id not in json.dumps(ours.get("/api/v1/api-keys").body)
    assert theirs.get("/api/v1/shop").status == 200
    platform_id = new_token(counter, None, frozenset({KeyScope.PLATFORM})).split("_")[1]
    assert revoke(ours, platform_id).code == "key_unknown"


def test_keys_are_listed_newest_first_without_their_tokens(counter: Counter) -> None:
    owner = vendor_api(counter)
    made: list[str] = []
    for _ in range(5):
        counter.clock.advance(timedelta(seconds=1))
        made.append(make(owner, "shop:read").body["id"])
    listed = owner.all("/api/v1/api-keys", "keys", limit=2)
    assert [key["id"] for key in listed] == [*reversed(made), owner.token.split("_")[1]]
    assert all("token" not in key for key in listed)


NO_ID, NO_SECRET = "0" * 32, "A" * 43
NO_TOKENS = [
    "",
    "x",
    "dk_",
    "dk_x_y",
    "dev-internal-secret",
    f"dk_{NO_ID}_{NO_SECRET}",
    f"dk_{NO_ID}_{NO_SECRET[1:]}",
    f"dk_{NO_ID}_{NO_SECRET}A",
    f"dk_{NO_ID}_é",
    f"dk_{'G' * 32}_{NO_SECRET}",
    "ÿ" * 80,
]


@pytest.mark.parametrize("token", NO_TOKENS)
def test_what_is_no_token_opens_nothing(quick_counter: Counter, token: str) -> None:
    raw = token.encode().decode("latin-1")
    answer = quick_counter.send_unsigned("GET", "/api/v1/shop", headers={"authorization": f"Bearer {raw}"})
    assert (answer.status, answer.code) == (401, "unauthenticated")


def test_a_wrong_token_under_a_known_id_opens_nothing_and_spoils_nothing(counter: Counter) -> None:
    good = new_token(counter, MAMA, SHOP_SCOPES)
    wrong = good[:-1] + ("A" if good[-1] != "A" else "B")
    keys, now = ApiKeys(counter.platform), counter.clock.now()
    assert keys.holder(wrong, now) is None
    with counted_reads() as reads:
        assert keys.holder(good, now) is not None
        assert keys.holder(wrong, now) is None
        assert keys.holder(good, now) is not None
    assert reads == []


def test_a_key_that_was_not_there_is_found_as_soon_as_it_is(counter: Counter) -> None:
    token = new_token(counter, MAMA, SHOP_SCOPES)
    keys, now = ApiKeys(counter.platform), counter.clock.now()
    row = counter.rows(api_keys, counter.platform)[0]
    with counter.platform.write() as tx:
        tx.execute(delete(api_keys))
    assert keys.holder(token, now) is None
    with counter.platform.write() as tx:
        tx.execute(insert(api_keys).values(row))
    assert keys.holder(token, now) is not None


def test_a_scope_that_this_version_does_not_know_opens_nothing(counter: Counter) -> None:
    token = new_token(counter, MAMA, frozenset({KeyScope.SHOP_READ}))
    with counter.platform.write() as tx:
        tx.execute(update(api_keys).values(scopes="shop:read moon:write"))
    caller = ApiKeys(counter.platform).holder(token, counter.clock.now())
    assert caller is not None
    assert caller.scopes == {KeyScope.SHOP_READ}


def test_when_a_key_was_last_used_is_written_once_a_minute_and_never_by_a_request(counter: Counter) -> None:
    token = new_token(counter, MAMA, SHOP_SCOPES)
    keys, began = ApiKeys(counter.platform), counter.clock.now()

    def last_used() -> object:
        return counter.rows(api_keys, counter.platform)[0]["last_used_at"]

    for second in range(59):
        assert keys.holder(token, began + timedelta(seconds=second)) is not None
    assert last_used() is None
    keys.write_uses()
    assert last_used() == began
    keys.write_uses()
    minute = began + timedelta(seconds=60)
    assert keys.holder(token, minute) is not None
    keys.write_uses()
    assert last_used() == minute


def test_two_processes_write_a_use_no_more_often_than_one(counter: Counter) -> None:
    token = new_token(counter, MAMA, SHOP_SCOPES)
    first, second, began = ApiKeys(counter.platform), ApiKeys(counter.platform), counter.clock.now()
    first.holder(token, began)
    second.holder(token, began + timedelta(seconds=30))
    first.write_uses()
    second.write_uses()
    assert counter.rows(api_keys, counter.platform)[0]["last_used_at"] == began


def test_a_use_that_could_not_be_written_is_written_later(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    token = new_token(counter, MAMA, SHOP_SCOPES)
    keys, now = ApiKeys(counter.platform), counter.clock.now()
    keys.holder(token, now)

    def broken(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(counter.platform, "write", broken)
        with pytest.raises(ConnectionError):
            keys.write_uses()
    keys.write_uses()
    assert counter.rows(api_keys, counter.platform)[0]["last_used_at"] == now


def test_there_is_an_end_to_how_many_keys_one_owner_has(quick_counter: Counter) -> None:
    now = quick_counter.clock.now()
    with quick_counter.platform.write() as tx:
        made = [make_key(tx, MAMA, "k", SHOP_SCOPES, now, by="x")[0].id for _ in range(MAX_LIVE_KEYS)]
        with pytest.raises(Problem) as refusal:
            make_key(tx, MAMA, "one more", SHOP_SCOPES, now, by="x")
        assert (refusal.value.status, refusal.value.code) == (409, "too_many_keys")
        revoke_key(tx, MAMA, made[0], now, by="x")
        make_key(tx, MAMA, "one more", SHOP_SCOPES, now, by="x")


def test_many_threads_share_one_set_of_keys(counter: Counter) -> None:
    token, keys, now = new_token(counter, MAMA, SHOP_SCOPES), ApiKeys(counter.platform), counter.clock.now()
    found: list[bool] = []

    def ask() -> None:
        for _ in range(50):
            found.append(keys.holder(token, now) is not None)
            keys.forget("another")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [True] * 200
