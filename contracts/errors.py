"""Errors on the wire: RFC 9457 `application/problem+json` with a stable `code`."""

from enum import StrEnum

from pydantic import BaseModel, Field


class ErrorCode(StrEnum):
    """Stable: callers branch on these, never on the texts."""

    INVALID_REQUEST = "invalid_request"
    BODY_TOO_LARGE = "body_too_large"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    CAPABILITY_MISSING = "capability_missing"
    SCOPE_MISSING = "scope_missing"
    VENDOR_MISMATCH = "vendor_mismatch"
    IDEMPOTENCY_KEY_MISSING = "idempotency_key_missing"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    IDEMPOTENCY_IN_PROGRESS = "idempotency_in_progress"
    TOO_MANY_REQUESTS = "too_many_requests"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"

    SHOP_UNKNOWN = "shop_unknown"
    SHOP_EXISTS = "shop_exists"
    """The id, or the word, is another shop's; `taken` says which."""
    CAPABILITY_UNKNOWN = "capability_unknown"
    """There is no such capability; `capabilities` lists those that are."""
    KEY_UNKNOWN = "key_unknown"
    TOO_MANY_KEYS = "too_many_keys"
    ITEM_UNKNOWN = "item_unknown"
    ITEM_SOLD_OUT = "item_sold_out"
    """Nothing, or not enough, is left. `available` and `item` say what and how much."""
    QUANTITY_INVALID = "quantity_invalid"
    NOT_IN_CART = "not_in_cart"
    CART_EMPTY = "cart_empty"
    ORDER_UNKNOWN = "order_unknown"
    ORDER_TRANSITION_REFUSED = "order_transition_refused"
    NOTHING_TO_PAY = "nothing_to_pay"
    NOT_CONFIRMED = "not_confirmed"
    """The cart holds something but was not confirmed; `order` holds it."""
    NOTHING_TO_CANCEL = "nothing_to_cancel"
    WHICH_ORDER = "which_order"
    """Several orders fit; `orders` holds them."""
    PAYMENT_IN_PROGRESS = "payment_in_progress"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    PAYER_BUSY = "payer_busy"
    """The number to charge already has a live prompt, or had too many pushes today."""
    PAYER_MISSING = "payer_missing"
    PAYER_INVALID = "payer_invalid"
    RAIL_UNAVAILABLE = "rail_unavailable"
    """`rails` lists those that can be paid on."""
    WHICH_RAIL = "which_rail"
    """Several ways to pay are offered and none was named; `rails` lists them, `order` is what would be paid."""
    AMOUNT_INVALID = "amount_invalid"
    PAYMENT_UNKNOWN = "payment_unknown"
    EXCEPTION_UNKNOWN = "exception_unknown"
    EXCEPTION_CLOSED = "exception_closed"
    """Somebody decided about this money, or a refund of it is on its way."""
    AMOUNT_DIFFERS = "amount_differs"
    """This money is not exactly what is asked: `amount_minor` and `asked_minor` say what each is."""
    TRANSACTION_UNKNOWN = "transaction_unknown"
    REFUND_UNKNOWN = "refund_unknown"
    REFUND_SETTLED = "refund_settled"
    """How it ended is known, or the provider has not had its time yet: nobody needs to say."""
    WEBHOOK_UNKNOWN = "webhook_unknown"
    WEBHOOK_DISABLED = "webhook_disabled"
    WEBHOOK_LIMIT_REACHED = "webhook_limit_reached"
    WEBHOOK_ADDRESS_REFUSED = "webhook_address_refused"
    """Not an address that may be called; `detail` says what is wrong with it."""
    DELIVERY_UNKNOWN = "delivery_unknown"
    DELIVERY_FINISHED = "delivery_finished"
    EVENT_UNKNOWN = "event_unknown"
    GRANT_INVALID = "grant_invalid"
    GRANT_CONFLICT = "grant_conflict"
    """The intent of this grant is already known with another content."""
    REFUND_UNAVAILABLE = "refund_unavailable"
    """The provider can't give this back, or not so much; `detail` says why."""


class FieldError(BaseModel):
    field: str
    problem: str


class ProblemBody(BaseModel, extra="allow"):
    """The body of an error. Beside these fields a code may bring its own (named in `ErrorCode`)."""

    type: str = "about:blank"
    title: str
    status: int
    code: ErrorCode | str
    detail: str = ""
    errors: list[FieldError] = Field(default_factory=list[FieldError])
