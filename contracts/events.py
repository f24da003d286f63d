"""Domain events: news that the router announces upwards, from its outbox, as Standard Webhooks.

The bot is one listener (POST /events). Delivery is at least once; `event_id` is the same each time."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from contracts.money import Currency
from contracts.payment_api import PaymentInstructions, RefundStatus
from contracts.router_api import OrderView
from contracts.states import ExceptionKind, FailureReason, Rail


class EventType(StrEnum):
    ORDER_CONFIRMED = "order.confirmed"
    ORDER_PAID = "order.paid"
    ORDER_PAID_FOR = "order.paid_for"
    """Beside order.paid, where somebody else paid: for that person's chat."""
    ORDER_CANCELLED = "order.cancelled"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_UNKNOWN = "payment.unknown"
    """Nobody can say yet whether the money moved: the customer is asked to wait, not to pay again."""
    PAYMENT_EXCEPTION = "payment.exception"
    """Money arrived that could not be applied: it waits for the vendor's decision, and the customer is told."""
    PAYMENT_CLAIMED = "payment.claimed"
    """A customer named the receipt of money that waits for the vendor's decision."""
    PAYMENT_INSTRUCTIONS = "payment.instructions"
    """A reference or ticket was made: here is how to pay it. No phone rings."""
    PAYMENT_REFUNDED = "payment.refunded"
    """Money went back to whoever paid it."""
    PAYMENT_REFUNDED_TO = "payment.refunded_to"
    """Beside payment.refunded, where somebody else paid than whose order it is: for that person's chat."""
    PAYMENT_REFUND_FAILED = "payment.refund_failed"
    """A refund that the shop asked for did not happen, or nobody can say whether it did: for the shop, not the
    customer."""
    HOLD_EXPIRED = "order.hold_expired"
    CART_LEFT_BEHIND = "cart.left_behind"
    """Nothing was done with a cart for a while: said once of it, by day, if it still holds something."""
    ORDER_UNPAID = "order.unpaid"
    """A confirmed order was not paid for a while: said once of it, by day."""
    CHAT_WAITING = "chat.waiting"
    """A customer wants a person of the shop. The data of chat events are in `contracts.chat_api`."""
    CHAT_TAKEN = "chat.taken"
    CHAT_RETURNED = "chat.returned"
    CHAT_STAFF_MESSAGE = "chat.staff_message"
    """A person of the shop wrote: for the bot to send."""
    MESSAGE_UNDELIVERED = "message.undelivered"
    """A message to a customer did not arrive."""
    SHOP_ALERT = "shop.alert"
    """For one of the shop's own people, in their chat."""


class DomainEvent(BaseModel):
    """The envelope. `data` is one of the models below, by `type`."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    type: EventType
    vendor_id: str
    aggregate: str
    """What the event is about, e.g. `order:<id>`: events of one aggregate are delivered in order."""
    occurred_at: datetime
    data: dict[str, Any] = Field(default_factory=dict[str, Any])


class OrderNews(BaseModel):
    """Of order.confirmed, order.paid, order.cancelled, order.hold_expired, cart.left_behind, order.unpaid."""

    order: OrderView
    customer_address: str
    shop_name: str
    customer_name: str = ""
    """As the channel told it; empty where it did not."""
    not_after: datetime | None = None
    """Of cart.left_behind and order.unpaid: the end of that day in the shop. Nobody is reminded then or later."""


class PaidForNews(BaseModel):
    """Of order.paid_for. It tells the payer no more of the order than they saw before they paid."""

    customer_address: str
    """The payer's."""
    customer_name: str
    """The first name of whose order it is; empty where it is not known."""
    shop_name: str
    order_id: str
    order_code: str
    amount_minor: int
    currency: Currency
    rail: Rail
    receipt: str | None = None
    paid_at: datetime


class PaymentNews(BaseModel):
    """Of payment.failed, payment.unknown. `customer_address` is whoever asked for that try: where `is_by_other`, not
    the order's customer."""

    order: OrderView
    customer_address: str
    shop_name: str
    intent_id: str
    reason: FailureReason | None = None
    may_retry: bool = False
    is_by_other: bool = False


class ExceptionNews(BaseModel):
    """Of payment.exception."""

    order: OrderView | None
    customer_address: str | None
    shop_name: str
    kind: ExceptionKind
    amount_minor: int
    currency: Currency | None = None
    receipt: str | None = None
    exception_id: str | None = None


class ClaimNews(BaseModel):
    """Of payment.claimed: for the shop. That they know the receipt proves nothing; compare who paid."""

    exception_id: str
    kind: ExceptionKind
    amount_minor: int
    currency: Currency
    receipt: str
    order_code: str | None = None
    """Of the order that the money was meant for, if it named one."""
    customer_address: str
    """Of whoever says that it is theirs."""
    customer_name: str = ""
    shop_name: str


class InstructionsNews(BaseModel):
    """Of payment.instructions. Until `instructions.expires_at` it can be paid, whatever else is tried meanwhile."""

    order: OrderView
    customer_address: str
    shop_name: str
    intent_id: str
    rail: Rail
    instructions: PaymentInstructions
    """With the picture, if the provider made one."""


class RefundNews(BaseModel):
    """Of payment.refunded, payment.refund_failed. Order and customer are those that the money was meant for, None for
    money that nobody asked for. No customer either for money of somebody else that never paid the order: it is between
    them and the shop."""

    order: OrderView | None
    customer_address: str | None
    shop_name: str
    refund_id: str
    status: RefundStatus
    amount_minor: int
    """What went back, or should have: perhaps less than what was paid."""
    currency: Currency
    receipt: str | None = None
    """Of the payment."""
    detail: str | None = None
    """Why it failed, in the provider's words: for the shop."""
    is_by_other: bool = False
    """Somebody else than this customer had paid, and has their money back."""


class RefundedToNews(BaseModel):
    """Of payment.refunded_to. It tells the payer no more of the order than they saw before they paid."""

    customer_address: str
    """The payer's."""
    shop_name: str
    order_code: str
    refund_id: str
    amount_minor: int
    """What went back: perhaps less than what was paid."""
    currency: Currency
    receipt: str | None = None
    """Of the payment."""
