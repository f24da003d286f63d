"""Deliveries and events as a vendor sees them, replays, and the whole way from an order to a listener."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook
from werkzeug import Request, Response

from contracts.ids import VendorId
from kit.background import Loop
from router.events.fanout import replay_range
from router.events.models import webhook_deliveries
from tests.support.counter import MAMA, Counter
from tests.support.vendor_api import VendorApi, vendor_api
from tests.support.webhooks import WEBHOOKS, created, patch, sold


@pytest.fixture
def api(quick_counter: Counter) -> VendorApi:
    return vendor_api(quick_counter)


# --- from an order to a listener -------------------------------------------------------------------------------------


class Till:
    """A vendor's own server: checks each signature, as the standard's library does."""

    def __init__(self, counter: Counter, secret: str) -> None:
        self.taken: list[dict[str, Any]] = []
        self.status = 200
        self._counter = counter
        self._secret = secret

    def hear(self, request: Request) -> Response:
        sent_at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
        expected = Webhook(self._secret).sign(request.headers["webhook-id"], sent_at, request.get_data().decode())
        assert expected in request.headers["webhook-signature"].split(" ")
        assert sent_at <= self._counter.clock.now()
        event = request.get_json()
        assert event["event_id"] == request.headers["webhook-id"]
        self.taken.append(event)
        return Response("noted", status=self.status)


def eventually(happened: Callable[[], bool], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_happens_in_the_shop_reaches_its_listener(counter: Counter, httpserver: HTTPServer) -> None:
    api = vendor_api(counter)
    made = created(api, url=httpserver.url_for("/till"))
    till = Till(counter, made["secret"])
    httpserver.expect_request("/till", method="POST").respond_with_handler(till.hear)
    counter.put("milk", price=45)
    (loop,) = [each for each in counter.service.loops if isinstance(each, Loop) and each.name == "webhooks"]
    loop.start()
    sold(counter)
    eventually(lambda: len(till.taken) == 1)
    assert (till.taken[0]["type"], till.taken[0]["vendor_id"]) == ("order.confirmed", MAMA)
    assert till.taken[0]["data"]["order"]["total_minor"] == 4500
    assert till.taken[0]["data"]["customer_address"] == "whatsapp:+254708374149"
    ping = api.post(f"{WEBHOOKS}/{made['id']}/ping", {})
    assert (ping.status, ping.body["status"], ping.body["tries"]) == (202, "pending", [])
    eventually(lambda: len(till.taken) == 2)
    path = f"{WEBHOOKS}/deliveries/{ping.body['id']}"
    eventually(lambda: api.get(path).body["status"] == "delivered")
    (attempt,) = api.get(path).body["tries"]
    assert (attempt["number"], attempt["status_code"], attempt["answer"]) == (1, 200, "noted")


# --- deliveries, events, replays --------------------------------------------------------------------------------


def test_deliveries_are_listed_page_by_page_and_filtered(quick_counter: Counter, api: VendorApi) -> None:
    path = f"{WEBHOOKS}/{created(api)['id']}/deliveries"
    quick_counter.put("milk", on_hand=100)
    sold(quick_counter, 5)
    pages = list(api.pages(path, "deliveries", limit=2))
    assert [len(page) for page in pages] == [2, 2, 1]
    rows = [row for page in pages for row in page]
    assert rows == sorted(rows, key=lambda row: row["created_at"], reverse=True)
    assert len({row["id"] for row in rows}) == 5
    assert api.all(path, "deliveries", status="delivered") == []
    assert len(api.all(path, "deliveries", type="order.confirmed", status="pending")) == 5
    assert api.all(path, "deliveries", type="order.paid") == []
    assert len(api.all(path, "deliveries", since=rows[1]["created_at"])) == 2
    assert len(api.all(path, "deliveries", until=rows[1]["created_at"])) == 3
    assert len(api.all(path, "deliveries", event_id=rows[0]["event_id"])) == 1
    assert api.get(path, status="lost").status == 422
    assert api.get(path, cursor="x").status == 422


def test_what_waits_behind_another_delivery_says_so_until_that_one_is_discarded(
    quick_counter: Counter, api: VendorApi
) -> None:
    path = f"{WEBHOOKS}/{created(api)['id']}/deliveries"
    quick_counter.put("milk")
    sold(quick_counter)
    quick_counter.clock.advance(timedelta(minutes=1))
    quick_counter.cancel()
    second, first = api.all(path, "deliveries")
    assert (first["type"], first["held_back_by"]) == ("order.confirmed", None)
    assert (second["type"], second["held_back_by"]) == ("order.cancelled", first["id"])
    discarded = api.post(f"{WEBHOOKS}/deliveries/{first['id']}/discard", {})
    assert (discarded.status, discarded.body["status"]) == (200, "discarded")
    assert api.get(f"{WEBHOOKS}/deliveries/{second['id']}").body["held_back_by"] is None
    for verb in ("retry", "discard"):
        answer = api.post(f"{WEBHOOKS}/deliveries/{first['id']}/{verb}", {})
        assert (answer.status, answer.code) == (409, "delivery_finished")
    retried = api.post(f"{WEBHOOKS}/deliveries/{second['id']}/retry", {})
    assert (retried.status, retried.body["status"]) == (202, "pending")


def test_events_are_listed_with_what_an_endpoint_would_be_told(quick_counter: Counter, api: VendorApi) -> None:
    quick_counter.put("milk", on_hand=100)
    sold(quick_counter, 3)
    quick_counter.open_shop("vendor-baraka", "Baraka Kitchen")
    quick_counter.put("milk", vendor="vendor-baraka")
    rows = api.all("/api/v1/events", "events", limit=2)
    assert [row["type"] for row in rows] == ["order.confirmed"] * 3
    assert rows[0]["data"]["order"]["status"] == "CONFIRMED"
    assert rows == sorted(rows, key=lambda row: row["occurred_at"], reverse=True)
    assert api.all("/api/v1/events", "events", aggregate=rows[1]["aggregate"]) == [rows[1]]
    assert api.all("/api/v1/events", "events", type="order.paid") == []
    assert len(api.all("/api/v1/events", "events", since=rows[1]["occurred_at"])) == 2
    known = api.get("/api/v1/events/types").body["event_types"]
    assert {row["type"] for row in known} >= {"order.paid", "payment.exception"}
    assert all(row["description"] and row["data_schema"]["properties"] for row in known)


def test_one_event_is_sent_again_to_those_that_want_it(quick_counter: Counter, api: VendorApi) -> None:
    quick_counter.put("milk")
    sold(quick_counter)
    (event,) = api.all("/api/v1/events", "events")
    one = created(api)["id"]
    created(api, event_types=["order.paid"])
    off = created(api)["id"]
    patch(api, f"{WEBHOOKS}/{off}", status="disabled")
    path = f"/api/v1/events/{event['event_id']}/replay"
    answer = api.post(path, {}, key="once")
    assert (answer.status, answer.body["queued"]) == (202, 1)
    assert api.post(path, {}, key="once").body == answer.body
    (delivery,) = api.all(f"{WEBHOOKS}/{one}/deliveries", "deliveries")
    assert (delivery["event_id"], delivery["cause"], delivery["status"]) == (event["event_id"], "replay", "pending")
    assert api.post(path, {"endpoint_id": one}).body["queued"] == 1
    assert api.post(path, {"endpoint_id": off}).code == "webhook_disabled"
    assert api.post(path, {"endpoint_id": "nobody"}).code == "webhook_unknown"
    assert api.post("/api/v1/events/nothing/replay", {}).code == "event_unknown"


def test_a_range_of_events_is_sent_again(quick_counter: Counter, api: VendorApi) -> None:
    quick_counter.put("milk", on_hand=100)
    began = quick_counter.clock.now()
    sold(quick_counter, 4)
    endpoint = created(api)["id"]
    path = f"{WEBHOOKS}/{endpoint}/replay"
    since = (began + timedelta(minutes=2)).isoformat()
    answer = api.post(path, {"since": since, "types": ["order.confirmed"]})
    assert (answer.status, answer.body) == (202, {"queued": 3, "go_on_after": None})
    until = (began + timedelta(minutes=3)).isoformat()
    assert api.post(path, {"since": since, "until": until}).body["queued"] == 1
    assert api.post(path, {"since": since, "go_on_after": "nothing"}).code == "event_unknown"
    assert api.post(path, {"since": "yesterday"}).status == 422
    assert len(api.all(f"{WEBHOOKS}/{endpoint}/deliveries", "deliveries")) == 4
    patch(api, f"{WEBHOOKS}/{endpoint}", status="disabled")
    assert api.post(path, {"since": since}).code == "webhook_disabled"
    assert api.post(f"{WEBHOOKS}/{endpoint}/ping", {}).code == "webhook_disabled"


def test_a_long_range_is_sent_in_parts_that_miss_nothing(counter: Counter) -> None:
    from router.events.endpoints import list_endpoints
    from router.events.fanout import find_event

    counter.put("milk", on_hand=100)
    began = counter.clock.now()
    sold(counter, 5)
    created(vendor_api(counter))
    with counter.platform.read() as tx:
        (endpoint,) = list_endpoints(tx, MAMA)
    parts: list[int] = []
    after = None
    while True:
        with counter.ops.write() as tx:
            now = counter.clock.now() + timedelta(seconds=1)
            queued, go_on = replay_range(tx, endpoint, since=began, until=now, types=(), after=after, now=now, limit=2)
            parts.append(queued)
            if go_on is None:
                break
            after = find_event(tx, VendorId(MAMA), go_on)
    assert parts == [2, 2, 1]
    rows = counter.rows(webhook_deliveries)
    assert len({row["event_id"] for row in rows}) == len(rows) == 5
