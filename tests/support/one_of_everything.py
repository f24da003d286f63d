"""A shop in which there is one of everything that has an id. Each thing has a customer of its own."""

from collections.abc import Callable

from contracts.states import PaymentEventStatus
from tests.support.counter import BARAKA, Counter
from tests.support.vendor_api import VendorApi

CHARO = "whatsapp:+254700000002"
DALILA = "whatsapp:+254700000003"


def _order(counter: Counter, _api: VendorApi) -> str:
    return counter.confirmed("milk").order_id


def _payment(counter: Counter, _api: VendorApi) -> str:
    counter.confirmed("milk", who=CHARO)
    return counter.started(who=CHARO).intent_id


def _exception(counter: Counter, api: VendorApi) -> str:
    counter.confirmed("milk", who=BARAKA)
    started = counter.started(who=BARAKA)
    counter.cancel(who=BARAKA)
    counter.hear(started, PaymentEventStatus.PAID)
    return api.get("/api/v1/exceptions").body["exceptions"][0]["exception_id"]


def _key(_counter: Counter, api: VendorApi) -> str:
    return api.post("/api/v1/api-keys", {"name": "Old till", "scopes": ["orders:read"]}).body["id"]


def platform_key(counter: Counter, _api: VendorApi) -> str:
    return counter.operator("POST", "/api/v1/platform/api-keys", {"name": "Old report"}).body["id"]


def _endpoint(_counter: Counter, api: VendorApi) -> str:
    return api.post("/api/v1/webhooks", {"url": "https://shop.example.com/in"}).body["id"]


def _delivery(counter: Counter, api: VendorApi) -> str:
    return api.post(f"/api/v1/webhooks/{_endpoint(counter, api)}/ping", {}).body["id"]


def _event(counter: Counter, api: VendorApi) -> str:
    counter.confirmed("milk", who=DALILA)
    return api.get("/api/v1/events").body["events"][0]["event_id"]


IDS: dict[str, Callable[[Counter, VendorApi], str]] = {
    "order_id": _order,
    "payment_id": _payment,
    "exception_id": _exception,
    "key_id": _key,
    "endpoint_id": _endpoint,
    "delivery_id": _delivery,
    "event_id": _event,
}
