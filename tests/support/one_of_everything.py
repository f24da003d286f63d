"""A shop in which there is one of everything that has an id. Each thing has a customer of its own."""

from collections.abc import Callable

from contracts.payment_api import RefundStatus
from contracts.states import PaymentEventStatus
from router.payments.refunds import record_outcome
from tests.support.counter import BARAKA, MAMA, Counter
from tests.support.vendor_api import VendorApi

CHARO = "whatsapp:+254700000002"
DALILA = "whatsapp:+254700000003"
ESHE = "whatsapp:+254700000004"
FADHILI = "whatsapp:+254700000005"
GATHONI = "whatsapp:+254700000006"


def _order(counter: Counter, _api: VendorApi) -> str:
    return counter.confirmed("milk").order_id


def _payment(counter: Counter, _api: VendorApi) -> str:
    counter.confirmed("milk", who=CHARO)
    return counter.started(who=CHARO).intent_id


def _exception(counter: Counter, api: VendorApi, who: str = BARAKA) -> str:
    counter.confirmed("milk", who=who)
    started = counter.started(who=who)
    counter.cancel(who=who)
    counter.hear(started, PaymentEventStatus.PAID, transaction=f"ws_CO_{started.intent_id}")
    return api.get("/api/v1/exceptions").body["exceptions"][0]["exception_id"]


def _transaction(counter: Counter, api: VendorApi, who: str = ESHE) -> str:
    return api.get(f"/api/v1/exceptions/{_exception(counter, api, who)}").body["transaction_id"]


def refund_unknown(counter: Counter, api: VendorApi) -> str:
    """A refund of which nobody can say how it ended."""
    asked = api.post(f"/api/v1/transactions/{_transaction(counter, api, FADHILI)}/refund", {"note": "Out of stock"})
    refund_id: str = asked.body["refund_id"]
    with counter.ops.write() as tx:
        record_outcome(tx, counter.payables, MAMA, refund_id, RefundStatus.UNKNOWN, counter.clock.now())
    return refund_id


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


def _conversation(counter: Counter, api: VendorApi) -> str:
    counter.post("/v1/chat/handover", {"customer": {"address": GATHONI}, "about": "Is the milk fresh?"})
    return api.get("/api/v1/conversations").body["conversations"][0]["conversation_id"]


def _recipient(counter: Counter, api: VendorApi) -> str:
    code = api.post("/api/v1/alerts/invitations", {}).body["code"]
    counter.post("/v1/chat/alerts", {"customer": {"address": GATHONI}, "code": code})
    return api.get("/api/v1/alerts").body["recipients"][0]["recipient_id"]


def _item(counter: Counter, _api: VendorApi) -> str:
    return counter.put("cheese")


def _zone(_counter: Counter, api: VendorApi) -> str:
    return api.post("/api/v1/delivery-zones", {"name": "Kilimani", "fee_minor": 15000}).body["zone_id"]


def _voucher(_counter: Counter, api: VendorApi) -> str:
    return api.post("/api/v1/vouchers", {"code": "KARIBU5", "percent": 5}).body["voucher_id"]


IDS: dict[str, Callable[[Counter, VendorApi], str]] = {
    "order_id": _order,
    "payment_id": _payment,
    "exception_id": _exception,
    "transaction_id": _transaction,
    "refund_id": refund_unknown,
    "item_id": _item,
    "zone_id": _zone,
    "voucher_id": _voucher,
    "key_id": _key,
    "endpoint_id": _endpoint,
    "delivery_id": _delivery,
    "event_id": _event,
    "conversation_id": _conversation,
    "recipient_id": _recipient,
}
