"""The states and closed lists of words that travel between processes. What may follow what is decided in one room each,
not here: orders in `router/orders/rules.py`, requests and intents in `router/payments/rules.py`, charges in
`payment_adapter/charges/rules.py`."""

from enum import StrEnum


class OrderStatus(StrEnum):
    DRAFT = "DRAFT"
    CONFIRMED = "CONFIRMED"
    PAID = "PAID"
    CANCELLED = "CANCELLED"


class RequestStatus(StrEnum):
    """A payment request: the claim to collect an amount for one payable."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELED = "canceled"


class IntentStatus(StrEnum):
    """A payment intent: one try to collect a request, with exactly one push."""

    CREATED = "created"
    PROVIDER_PENDING = "provider_pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class ChargeStatus(StrEnum):
    """The payment adapter's side of an intent. Only PAID absorbs."""

    CREATED = "created"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class PaymentEventStatus(StrEnum):
    """What a normalized callback or look-up says of the money."""

    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class InboxStatus(StrEnum):
    RECEIVED = "received"
    PROCESSING = "processing"
    PROCESSED = "processed"
    IGNORED = "ignored"
    FAILED = "failed"


class FulfilmentStatus(StrEnum):
    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    COMPENSATED = "compensated"


class LedgerKind(StrEnum):
    REQUESTED = "requested"
    AUTHORIZED = "authorized"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    SETTLED = "settled"
    CREDITED = "credited"
    ADJUSTED = "adjusted"


class ExceptionKind(StrEnum):
    """Why money that arrived could not simply be applied (payment rule 6)."""

    LATE = "late"
    NO_STOCK = "no_stock"
    DUPLICATE = "duplicate"
    UNDER = "under"
    OVER = "over"
    UNMATCHED = "unmatched"


class FulfilmentKind(StrEnum):
    """How goods get to the customer."""

    DELIVERY = "delivery"
    PICKUP = "pickup"


class LeftOutReason(StrEnum):
    """Why something of an earlier order is not in the cart, or not so many of it."""

    GONE = "gone"
    """The shop does not sell it any more."""
    SOLD_OUT = "sold_out"
    """None, or not enough, are left."""
    TOO_MANY = "too_many"
    """With what the cart holds already, more than may be in one order."""
    NO_ITEM = "no_item"
    """It was a sum agreed with the shop, not something from the shelf."""


class Rail(StrEnum):
    MPESA_STK = "mpesa_stk"
    GPO = "gpo"
    EMIS_REF = "emis_ref"
    TICKET = "ticket"


class Capability(StrEnum):
    CATALOG = "commerce.catalog"
    ORDERS = "commerce.orders"
    MPESA_STK = "payments.mpesa_stk"
    EKWANZA_GPO = "payments.ekwanza_gpo"
    EKWANZA_REF = "payments.ekwanza_ref"
    EKWANZA_TICKET = "payments.ekwanza_ticket"
    LINKS = "commerce.links"
    TICKETS = "commerce.tickets"
    SUBSCRIPTIONS = "billing.subscriptions"
    METERING = "billing.metering"
    HANDOVER = "chat.handover"


RAIL_CAPABILITY: dict[Rail, Capability] = {
    Rail.MPESA_STK: Capability.MPESA_STK,
    Rail.GPO: Capability.EKWANZA_GPO,
    Rail.EMIS_REF: Capability.EKWANZA_REF,
    Rail.TICKET: Capability.EKWANZA_TICKET,
}


PUSHED_RAILS = frozenset({Rail.MPESA_STK, Rail.GPO})
"""A phone rings and a person answers it now. The others give a reference that is paid later, perhaps days later."""


class FailureReason(StrEnum):
    """Why a payment did not happen, in words that every provider's codes are translated to."""

    CANCELLED_BY_CUSTOMER = "cancelled_by_customer"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    WRONG_PIN = "wrong_pin"
    UNREACHABLE = "unreachable"
    PROMPT_EXPIRED = "prompt_expired"
    REFERENCE_EXPIRED = "reference_expired"
    """The reference or ticket was not paid in its time. No phone rang."""
    LIMIT_REACHED = "limit_reached"
    BUSY = "busy"
    AMOUNT_REFUSED = "amount_refused"
    ACCOUNT_PROBLEM = "account_problem"
    SHOP_SETUP = "shop_setup"
    NOT_SENT = "not_sent"
    """No prompt ever left: the grant was not used in time, or the provider refused our request."""
    PROVIDER_ERROR = "provider_error"
