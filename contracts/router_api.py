"""What the bot asks of the router: one request a turn wherever that is possible.

Every route lives under `/v1`, is signed, and names the vendor in `x-vendor-id` (only `GET /v1/shops…` has none yet).
Every POST carries an `Idempotency-Key`. Amounts are minor units. Fields are only ever added, with defaults."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contracts.money import Currency
from contracts.payment_api import PaymentInstructions
from contracts.states import FailureReason, IntentStatus, OrderStatus, Rail, RequestStatus

MAX_QUANTITY = 999
"""Of one item in one order. More is a conversation with the shop, not a typing mistake."""


class Wire(BaseModel):
    """A message between processes: unknown fields are ignored, so that an older reader meets a newer writer."""

    model_config = ConfigDict(frozen=True)


# --- shops ---------------------------------------------------------------------------------------------------------


class ShopView(Wire):
    """GET /v1/shops?word=mama (404 shop_unknown) · GET /v1/shops/<vendor_id>"""

    vendor_id: str
    word: str
    name: str
    currency: Currency
    locale: str
    timezone: str
    rails: list[Rail]
    capabilities: list[str]


class ShopList(Wire):
    """GET /v1/shops: the shops that take orders, for a customer who named none. At most 10."""

    shops: list[ShopView]


# --- catalogue -----------------------------------------------------------------------------------------------------


class ItemView(Wire):
    item_id: str
    sku: str
    name: str
    description: str = ""
    unit: str = ""
    price_minor: int
    currency: Currency
    available: int | None
    """How many can be had now; None where the shop doesn't count."""


class ItemPage(Wire):
    """GET /v1/catalog/items?query=&after=&limit= (limit 1..50, default 9).

    Without a query in the vendor's order; with one, best match first. `query` also matches the SKU exactly."""

    items: list[ItemView]
    next_after: str | None = None
    total: int


# --- carts and orders ----------------------------------------------------------------------------------------------


class CustomerRef(Wire):
    """Who chats. The router finds or makes the customer: (vendor, address) is unique."""

    address: str = Field(min_length=3, max_length=180)
    name: str = Field(default="", max_length=200)


class LineView(Wire):
    line_no: int
    """1-based, stable within the order, and the number shown before it."""
    item_id: str | None
    name: str
    quantity: int
    unit_price_minor: int
    total_minor: int


class OrderView(Wire):
    order_id: str
    code: str
    status: OrderStatus
    currency: Currency
    total_minor: int
    lines: list[LineView]
    created_at: datetime
    confirmed_at: datetime | None = None
    paid_at: datetime | None = None
    hold_expires_at: datetime | None = None
    """Until when the stock is held for a CONFIRMED order."""
    receipt: str | None = None
    """The provider's receipt number once PAID, e.g. the M-Pesa code."""
    payment: "PaymentView | None" = None


class PaymentView(Wire):
    """Where the money of an order stands: its latest request and that request's latest intent."""

    request_id: str
    request_status: RequestStatus
    intent_id: str | None = None
    intent_status: IntentStatus | None = None
    reason: FailureReason | None = None
    rail: Rail | None = None
    attempts_left_today: int = 3
    instructions: PaymentInstructions | None = None
    """Of the newest reference that can still be paid: how. Without its picture, which only the announcement holds."""
    instructions_rail: Rail | None = None
    """Its rail: another try, on another rail, may have been made since."""


class CartView(Wire):
    """GET /v1/cart?customer=<address>: the customer's newest DRAFT, and what else is open.

    Answer of every cart command, too. `cart` is None while there is none; `unpaid`: CONFIRMED orders, newest first."""

    cart: OrderView | None
    unpaid: list[OrderView] = Field(default_factory=list[OrderView])


class AddLine(Wire):
    """POST /v1/cart/lines → CartView. Makes the DRAFT if there is none; adds to the line of that item if there is one.

    404 item_unknown · 409 item_sold_out (extra: available, item) · 422 quantity_invalid (0, negative, more than
    MAX_QUANTITY in the line)."""

    customer: CustomerRef
    item_id: str
    quantity: Annotated[int, Field(strict=True)] = 1


class RemoveLine(Wire):
    """POST /v1/cart/lines/remove → CartView. The whole line. 404 not_in_cart."""

    customer: CustomerRef
    line_no: int


class ConfirmCart(Wire):
    """POST /v1/cart/confirm → OrderView (CONFIRMED). Holds the stock and opens the payment request.

    409 cart_empty · 409 item_sold_out (extra: item, available)."""

    customer: CustomerRef


class CancelOrder(Wire):
    """POST /v1/orders/cancel → CancelResult. Without a code: the only open order (CONFIRMED ones before the cart).

    404 order_unknown (that code) · 409 nothing_to_cancel · 409 which_order (extra: orders) ·
    409 order_transition_refused (PAID or CANCELLED; extra: order)."""

    customer: CustomerRef
    code: str | None = None


class CancelResult(Wire):
    order: OrderView
    prompt_is_live: bool
    """A prompt is still on the customer's phone: if the PIN is entered now, the money arrives for a cancelled order."""
    reference_is_live: bool = False
    """A reference or ticket was given that can still be paid, and should not be any more."""


class PayOrder(Wire):
    """POST /v1/orders/pay → PayResult. Without a code: the only CONFIRMED order.

    The idempotency key names the intent, so the same key never takes a second attempt.
    404 order_unknown · 409 nothing_to_pay · 409 not_confirmed (extra: order) · 409 which_order (extra: orders) ·
    409 payment_in_progress (extra: order) · 409 order_transition_refused (extra: order) ·
    409 item_sold_out (the hold had expired and can't be renewed) · 429 attempts_exhausted · 429 payer_busy ·
    422 payer_missing · 422 payer_invalid · 409 rail_unavailable (extra: rails) · 409 which_rail (several are offered,
    none is named and none was tried for this order yet; extra: rails, order)."""

    customer: CustomerRef
    code: str | None = None
    payer_msisdn: str | None = None
    """Digits with country code, e.g. 254708374149. None: the number of the customer's own address, if it shows one."""
    rail: Rail | None = None


class PayResult(Wire):
    order: OrderView
    intent_id: str
    payer_msisdn: str | None
    """Whose phone rings; None where none does."""
    grant: str
    """The signed charge grant to hand to the payment adapter at once: good for 60 s."""


class OrderList(Wire):
    """GET /v1/orders?customer=<address>&limit= : newest first, at most 20."""

    orders: list[OrderView]


# --- the development API (local mode, `x-internal-key`) -------------------------------------------------------------


class NewOrder(BaseModel):
    """POST /orders with x-vendor-id and x-internal-key → 201 OrderSummary: a DRAFT with one open-amount line.

    `amount` is in whole currency units: 30 means KES 30. `customer_phone` names the customer whose WhatsApp number it
    is."""

    vendor_id: str = Field(min_length=1, max_length=100)
    customer_phone: str = Field(min_length=6, max_length=20)
    amount: Annotated[int, Field(strict=True, ge=1, le=100_000_000)]


class OrderSummary(Wire):
    """Beside these, GET /orders lists them under `orders`, newest first; GET /vendors lists `vendors`."""

    id: str
    code: str
    vendor_id: str
    customer_phone: str | None
    status: OrderStatus
    amount: int
    """Whole currency units."""
    currency: Currency
    created_at: datetime


class VendorSummary(Wire):
    id: str
    name: str
    word: str
    status: str
    isolation_level: str
    currency: Currency


CartView.model_rebuild()
PaymentView.model_rebuild()
OrderView.model_rebuild()
