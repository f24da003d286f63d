"""What the bot asks of the router: one request a turn wherever that is possible.

Every route lives under `/v1`, is signed, and names the vendor in `x-vendor-id` (only `GET /v1/shops…` has none yet).
Every POST carries an `Idempotency-Key`. Amounts are minor units. Fields are only ever added, with defaults."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from contracts.money import Currency
from contracts.payment_api import PaymentInstructions
from contracts.places import Latitude, Longitude
from contracts.shop_api import MAX_DAYS_AHEAD as MAX_DAYS_AHEAD
from contracts.shop_api import MAX_LOOKED_UP as MAX_LOOKED_UP
from contracts.shop_api import CategoryList as CategoryList
from contracts.shop_api import CategoryView as CategoryView
from contracts.shop_api import ItemCard as ItemCard
from contracts.shop_api import ItemPage as ItemPage
from contracts.shop_api import ItemsFound as ItemsFound
from contracts.shop_api import ItemView as ItemView
from contracts.shop_api import OpeningView as OpeningView
from contracts.shop_api import PictureView as PictureView
from contracts.shop_api import ShopList as ShopList
from contracts.shop_api import ShopView as ShopView
from contracts.shop_api import Wire as Wire
from contracts.states import (
    FailureReason,
    FulfilmentKind,
    IntentStatus,
    LeftOutReason,
    OrderStatus,
    Rail,
    RequestStatus,
)

MAX_QUANTITY = 999
"""Of one item in one order. More is a conversation with the shop, not a typing mistake."""

MAX_NOTE_LENGTH = 300
MAX_LANDMARK_LENGTH = 200

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


class DeliveryView(Wire):
    """How the goods get to the customer. The zone's name and fee as they were when it was chosen."""

    kind: FulfilmentKind
    zone_id: str | None = None
    zone_name: str | None = None
    fee_minor: int = 0
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    map_url: str | None = None
    """Opens a map at the pin. None without a pin."""
    landmark: str = ""


class DiscountView(Wire):
    """The voucher of an order, and what it takes off. Its terms are those it had when it was given."""

    code: str
    amount_minor: int
    """0 while the goods cost less than `minimum_minor`: the voucher stays, and counts once they cost enough. At least
    one whole unit of the currency is always left to pay."""
    percent: int | None = None
    """None: a fixed amount."""
    minimum_minor: int = 0


class OrderView(Wire):
    """`total_minor` = the lines + `delivery.fee_minor` - `discount.amount_minor`: what is to be paid."""

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
    subtotal_minor: int | None = None
    """The lines together. None, from an older writer: the same as the total."""
    delivery: DeliveryView | None = None
    """None while nobody said: the shop and the customer agree elsewhere."""
    discount: DiscountView | None = None
    note: str = ""
    """What the customer wants the shop to know."""
    scheduled_for: datetime | None = None
    """Not before this moment: "for tomorrow". None: as soon as possible."""
    sent_back_minor: int = 0
    """Of a CANCELLED order whose money came all the same: how much the provider has given back by now."""


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
    is_by_other: bool = False
    """Somebody else made the latest try, and their phone rang."""


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


class SetFulfilment(Wire):
    """POST /v1/cart/fulfilment → CartView. Replaces what was chosen before.

    `pickup`; or `delivery` to the zone named, or to the smallest zone around the pin. With both, the pin must lie in
    the zone, if the zone is drawn on a map. The fee is the zone's.
    409 cart_empty (there is no cart at all) · 409 delivery_unavailable (the shop delivers nowhere) · 404 zone_unknown ·
    409 outside_zones (the pin lies in none; both of the last with extra: zones) · 422 zone_missing (neither zone nor
    pin; extra: zones)."""

    customer: CustomerRef
    kind: FulfilmentKind
    zone_id: str | None = Field(default=None, max_length=100)
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    """Both or neither."""
    landmark: str = Field(default="", max_length=MAX_LANDMARK_LENGTH)
    """Where exactly, in the customer's words."""


class ZoneView(Wire):
    zone_id: str
    name: str
    fee_minor: int
    is_on_map: bool = False
    """A pin finds it. One that is not is chosen by its name."""


class ZoneList(Wire):
    """GET /v1/delivery/zones: where the shop delivers, in its order."""

    zones: list[ZoneView]
    currency: Currency


class SetNote(Wire):
    """POST /v1/cart/note → CartView. An empty note takes the old one away. 409 cart_empty (there is no cart)."""

    customer: CustomerRef
    note: str = Field(max_length=MAX_NOTE_LENGTH)


class SetVoucher(Wire):
    """POST /v1/cart/voucher → CartView. `code` as people type it; None takes the voucher out.

    409 cart_empty · 404 voucher_unknown · 409 voucher_expired (its period is over, or has not begun: extra starts_at) ·
    409 voucher_used_up (by everybody, or by this customer: extra by_customer) · 409 voucher_minimum (extra:
    minimum_minor, subtotal_minor). It is used when the cart is confirmed, which may be refused then with the same
    codes; and given back when the order is cancelled or its hold ends."""

    customer: CustomerRef
    code: str | None = Field(default=None, max_length=40)


class SetDay(Wire):
    """POST /v1/cart/schedule → CartView: the order is for that day in the shop's zone, from when the shop opens.

    None, or today while the shop is open: as soon as possible. A cart that is confirmed while the shop is closed is for
    its next opening by itself.
    409 cart_empty · 409 shop_closed (it does not open on that day any more; extra: opening) · 422 day_invalid (in the
    past, or more than `MAX_DAYS_AHEAD` days ahead)."""

    customer: CustomerRef
    day: date | None = None


class Reorder(Wire):
    """POST /v1/cart/reorder → ReorderResult: the lines of an earlier order into the cart, at today's prices.

    Without a code the last order that was paid. 404 order_unknown (that code) · 409 nothing_to_reorder (nothing was
    ever paid; or nothing of it can be had, with extra: left_out)."""

    customer: CustomerRef
    code: str | None = None


class LeftOut(Wire):
    """What could not be added, or not so many of it."""

    name: str
    wanted: int
    added: int = 0
    reason: LeftOutReason


class ReorderResult(CartView):
    from_code: str
    """The order that was repeated."""
    left_out: list[LeftOut] = Field(default_factory=list[LeftOut])
    prices_changed: bool = False
    """Something costs another price than it did then."""


class ConfirmCart(Wire):
    """POST /v1/cart/confirm → OrderView (CONFIRMED). Holds the stock and opens the payment request.

    409 cart_empty · 409 item_sold_out (extra: item, available) · 409 voucher_expired, voucher_used_up (extra: order;
    nothing was confirmed: take the voucher out, or choose another)."""

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
    409 item_sold_out (the hold had expired and can't be renewed) · 409 voucher_expired, voucher_used_up (likewise;
    extra: order) · 429 attempts_exhausted · 429 payer_busy ·
    422 payer_missing · 422 payer_invalid · 409 payer_not_agreed (extra: order) · 429 too_many_payers ·
    409 rail_unavailable (extra: rails) · 409 which_rail (several are offered, none is named and none was tried for
    this order yet; extra: rails, order).

    With `is_for_other` the order of that code is another customer's, and the number charged is the writer's own: the
    code is needed (404 order_unknown without it), refusals tell nothing of the order, and PayResult shows of it only
    what `OtherOrder` does."""

    customer: CustomerRef
    code: str | None = None
    payer_msisdn: str | None = None
    """Digits with country code, e.g. 254708374149. None: the number of the customer's own address, if it shows one.

    Another number is charged only where the address shows none that can be: one with a chat of its own must pay from
    there, and of the others a customer may name two in a day, one after the other."""
    rail: Rail | None = None
    is_for_other: bool = False


class OtherOrder(Wire):
    """GET /v1/orders/other?customer=<address>&code=<code>: another customer's order, for somebody who wants to pay it.

    404 order_unknown: there is none, it is the asker's own, or it was never confirmed or is cancelled."""

    code: str
    customer_name: str
    """The first name of whose order it is; empty where it is not known."""
    total_minor: int
    currency: Currency
    status: OrderStatus
    """CONFIRMED or PAID."""
    payer_msisdn: str | None
    """The asker's own number, which would be charged; None where their address shows none that can be."""


class PayResult(Wire):
    order: OrderView
    intent_id: str
    payer_msisdn: str | None
    """Whose phone rings; None where none does."""
    grant: str
    """The signed charge grant to hand to the payment adapter at once: good for 60 s."""


class OrderList(Wire):
    """GET /v1/orders?customer=<address>&limit=&cursor= : newest first, at most 20 at a time."""

    orders: list[OrderView]
    next_cursor: str | None = None
    """For the next page, as it is; None on the last."""


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
