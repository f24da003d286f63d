"""Domain events: news that the router announces upwards, from its outbox, as Standard Webhooks.

The bot is one listener (POST /events). Delivery is at least once; `event_id` is the same each time."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from contracts.router_api import OrderView
from contracts.states import ExceptionKind, FailureReason


class EventType(StrEnum):
    ORDER_CONFIRMED = "order.confirmed"
    ORDER_PAID = "order.paid"
    ORDER_CANCELLED = "order.cancelled"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_UNKNOWN = "payment.unknown"
    """Nobody can say yet whether the money moved: the customer is asked to wait, not to pay again."""
    PAYMENT_EXCEPTION = "payment.exception"
    """Money arrived that could not be applied: it waits for the vendor's decision, and the customer is told."""
    HOLD_EXPIRED = "order.hold_expired"


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
    """Of order.confirmed, order.paid, order.cancelled, order.hold_expired."""

    order: OrderView
    customer_address: str
    shop_name: str


class PaymentNews(BaseModel):
    """Of payment.failed, payment.unknown."""

    order: OrderView
    customer_address: str
    shop_name: str
    intent_id: str
    reason: FailureReason | None = None
    may_retry: bool = False


class ExceptionNews(BaseModel):
    """Of payment.exception."""

    order: OrderView | None
    customer_address: str | None
    shop_name: str
    kind: ExceptionKind
    amount_minor: int
    receipt: str | None = None
