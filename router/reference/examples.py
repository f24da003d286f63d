"""A request for every operation that people call: shown in the reference, and run by a test against the router. And
answers, where what comes back is best understood from one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.places import EXAMPLE, map_url

SHOP = "vendor-mama"
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mNoaGgAAAMEAYF1LgG8AAAAAElFTkSuQmCC"
"""The smallest picture: one grey pixel, as PNG in Base64."""
SOME_ID = "0191b6f0-7d2e-7cc1-b3a4-5f1c2d3e4f50"


@dataclass(frozen=True, slots=True)
class Example:
    """`path` fills the parameters of the path; `body` None sends none; `answer` None shows none."""

    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    path: Mapping[str, str] = field(default_factory=dict[str, str])
    answer: Mapping[str, Any] | None = None


_OF_SHOP = {"vendor_id": SHOP}
_KEY = {"key_id": SOME_ID.replace("-", "")}
_ENDPOINT = {"endpoint_id": SOME_ID}
_DELIVERY = {"delivery_id": SOME_ID}
_CONVERSATION = {"conversation_id": SOME_ID}

_ORDER = {
    "order_id": SOME_ID,
    "code": "K7M4QX",
    "status": "PAID",
    "source": "chat",
    "currency": "KES",
    "total_minor": 26700,
    "subtotal_minor": 13000,
    "delivery_fee_minor": 15000,
    "discount_minor": 1300,
    "lines": [
        {
            "line_no": 1,
            "item_id": "0191b6f0-7d2e-7cc1-b3a4-5f1c2d3e4f51",
            "name": "Milk 500 ml",
            "quantity": 2,
            "unit_price_minor": 6500,
            "total_minor": 13000,
        }
    ],
    "delivery": {
        "kind": "delivery",
        "zone_id": "0191b6f0-7d2e-7cc1-b3a4-5f1c2d3e4f52",
        "zone_name": "Kilimani",
        "fee_minor": 15000,
        "latitude": EXAMPLE[0],
        "longitude": EXAMPLE[1],
        "map_url": map_url(*EXAMPLE),
        "landmark": "Blue gate, next to the school",
    },
    "discount": {"code": "KARIBU10", "amount_minor": 1300, "percent": 10, "minimum_minor": 10000},
    "note": "Call me at the gate",
    "scheduled_for": "2026-11-22T05:00:00Z",
    "customer": {"customer_id": "0191b6f0-7d2e-7cc1-b3a4-5f1c2d3e4f53", "name": "Achieng", "phone": "2547*****149"},
    "created_at": "2026-11-21T09:00:00Z",
    "confirmed_at": "2026-11-21T09:01:00Z",
    "paid_at": "2026-11-21T09:02:00Z",
    "cancelled_at": None,
    "cancel_reason": None,
    "payment": {"request_id": "0191b6f0-7d2e-7cc1-b3a4-5f1c2d3e4f54", "status": "paid", "receipt": "TKL4H7XQ2P"},
}
"""To be brought tomorrow: 2 × 65 shillings, 150 for the delivery, and ten percent off the goods."""

EXAMPLES: Mapping[str, Example] = {
    "vendor.orders.list": Example(
        query={"status": "PAID", "since": "2026-11-01T00:00:00+03:00", "limit": "50"},
        answer={"orders": [_ORDER], "next_cursor": None},
    ),
    "vendor.orders.show": Example(path={"order_id": SOME_ID}, answer=_ORDER),
    "vendor.orders.create": Example({"customer_phone": "254708374149", "amount_minor": 3000}),
    "vendor.payments.list": Example(query={"status": "succeeded", "limit": "50"}),
    "vendor.payments.show": Example(path={"payment_id": SOME_ID}),
    "vendor.exceptions.list": Example(query={"status": "open"}),
    "vendor.exceptions.show": Example(path={"exception_id": SOME_ID}),
    "vendor.exceptions.resolve": Example({"note": "Given back in cash"}, path={"exception_id": SOME_ID}),
    "vendor.exceptions.attach": Example(path={"exception_id": SOME_ID, "order_id": SOME_ID}),
    "vendor.money.list": Example(query={"receipt": "TKL4H7XQ2P"}),
    "vendor.money.show": Example(path={"transaction_id": SOME_ID}),
    "vendor.refunds.ask": Example({"note": "Out of stock"}, path={"transaction_id": SOME_ID}),
    "vendor.refunds.list": Example(query={"status": "unknown"}),
    "vendor.refunds.show": Example(path={"refund_id": SOME_ID}),
    "vendor.refunds.decide": Example(
        {"went_back": True, "note": "In the statement of 21 November"}, path={"refund_id": SOME_ID}
    ),
    "vendor.conversations.list": Example(query={"mode": "waiting"}),
    "vendor.conversations.show": Example(path=_CONVERSATION),
    "vendor.conversations.messages": Example(query={"limit": "50"}, path=_CONVERSATION),
    "vendor.conversations.write": Example({"text": "Yes, we open at eight.", "by": "Wanjiru"}, path=_CONVERSATION),
    "vendor.conversations.take": Example({"by": "Wanjiru"}, path=_CONVERSATION),
    "vendor.conversations.give_back": Example(path=_CONVERSATION),
    "vendor.messages.undelivered": Example(),
    "vendor.alerts.list": Example(),
    "vendor.alerts.invite": Example(),
    "vendor.alerts.remove": Example(path={"recipient_id": SOME_ID}),
    "vendor.items.list": Example(query={"active": "true"}),
    "vendor.items.put": Example(
        {"sku": "MAMA-HONEY", "name": "Honey 500 g", "price_minor": 55000, "category": "Pantry", "keywords": ["asali"]}
    ),
    "vendor.items.import": Example({"csv": "sku,name,price,keywords\nMAMA-SALT,Salt 1 kg,45,chumvi\n"}),
    "vendor.items.picture": Example({"content_base64": DOT}, path={"item_id": SOME_ID}),
    "vendor.categories.list": Example(),
    "vendor.categories.order": Example({"names": ["Vegetables", "Dairy"]}),
    "vendor.zones.list": Example(),
    "vendor.zones.put": Example(
        {"name": "Kilimani", "fee_minor": 15000, "latitude": EXAMPLE[0], "longitude": EXAMPLE[1], "radius_m": 3000}
    ),
    "vendor.zones.remove": Example(path={"zone_id": SOME_ID}),
    "vendor.hours.show": Example(),
    "vendor.hours.set": Example({"week": {"mon": ["08:00-20:00"], "sat": ["09:00-13:00"]}, "exceptions": {}}),
    "vendor.hours.remove": Example(),
    "vendor.vouchers.list": Example(),
    "vendor.vouchers.make": Example({"code": "KARIBU10", "percent": 10, "minimum_minor": 50000}),
    "vendor.vouchers.withdraw": Example(path={"voucher_id": SOME_ID}),
    "shop.show": Example(),
    "capabilities.list": Example(),
    "capabilities.switch": Example({"enabled": True}, path={"capability": "commerce.catalog"}),
    "rails.list": Example(),
    "credentials.link": Example(),
    "keys.make": Example({"name": "Till in the shop", "scopes": ["orders:read", "orders:write"]}),
    "keys.list": Example(query={"limit": "20"}),
    "keys.revoke": Example(path=_KEY),
    "usage.show": Example(),
    "usage.records": Example(query={"limit": "20"}),
    "webhooks.create": Example({"url": "https://shop.example.com/dukani", "event_types": ["order.paid"]}),
    "webhooks.list": Example(),
    "webhooks.show": Example(path=_ENDPOINT),
    "webhooks.change": Example({"description": "The till"}, path=_ENDPOINT),
    "webhooks.remove": Example(path=_ENDPOINT),
    "webhooks.rotate_secret": Example(path=_ENDPOINT),
    "webhooks.ping": Example(path=_ENDPOINT),
    "webhooks.replay": Example(
        {"since": "2026-11-21T00:00:00+03:00", "until": "2026-11-22T00:00:00+03:00"}, path=_ENDPOINT
    ),
    "webhooks.deliveries": Example(query={"status": "parked"}, path=_ENDPOINT),
    "webhooks.delivery": Example(path=_DELIVERY),
    "webhooks.retry": Example(path=_DELIVERY),
    "webhooks.discard": Example(path=_DELIVERY),
    "events.types": Example(),
    "events.list": Example(query={"type": "order.paid"}),
    "events.replay": Example({}, path={"event_id": SOME_ID}),
    "vendors.open": Example({"name": "Mama Njeri's Groceries", "capabilities": ["commerce.catalog"]}),
    "vendors.list": Example(query={"status": "active"}),
    "vendors.show": Example(path=_OF_SHOP),
    "vendors.change": Example({"name": "Mama Njeri & Daughters"}, path=_OF_SHOP),
    "vendors.suspend": Example(path=_OF_SHOP),
    "vendors.resume": Example(path=_OF_SHOP),
    "vendors.limit": Example({"key_per_minute": 600, "shop_per_minute": None}, path=_OF_SHOP),
    "vendors.changes": Example(path=_OF_SHOP),
    "platform_keys.make": Example({"name": "Nightly report"}),
    "platform_keys.list": Example(),
    "platform_keys.revoke": Example(path=_KEY),
    "development.orders.create": Example({"vendor_id": SHOP, "customer_phone": "254708374149", "amount": 30}),
    "development.orders.list": Example(),
    "development.vendors.list": Example(),
    "reference.document": Example(),
    "reference.page": Example(),
}
"""By the operation's name."""
