"""What the fake router keeps of orders, and what the world outside makes of them: money, failures, news."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel

from contracts.errors import ErrorCode, ProblemBody
from contracts.events import (
    DomainEvent,
    EventType,
    ExceptionNews,
    InstructionsNews,
    OrderNews,
    PaymentNews,
    RefundNews,
)
from contracts.ids import CODE_ALPHABET
from contracts.payment_api import PaymentInstructions, RefundStatus
from contracts.router_api import OrderView, PaymentView
from contracts.states import (
    PUSHED_RAILS,
    ExceptionKind,
    FailureReason,
    IntentStatus,
    OrderStatus,
    Rail,
    RequestStatus,
)
from tests.support.fake_shops import FakeShop


@dataclass
class FakeOrder:
    view: OrderView
    vendor_id: str
    attempts: int = 0
    intent_id: str | None = None


class FakeOrders:
    """One customer's orders. What is done to them here returns the news of it."""

    def __init__(self, clock: Callable[[], datetime], shops: list[FakeShop]) -> None:
        self._now = clock
        self.shops = shops
        self.orders: list[FakeOrder] = []

    def shop(self, vendor_id: str) -> FakeShop:
        return next(shop for shop in self.shops if shop.vendor_id == vendor_id)

    def order(self, code: str) -> OrderView:
        return self._by_code(code).view

    def _by_code(self, code: str) -> FakeOrder:
        return next(order for order in self.orders if order.view.code == code)

    @property
    def has_orders(self) -> bool:
        return bool(self.orders)

    def latest(self) -> OrderView:
        return self.orders[-1].view

    def set_intent(self, code: str, status: IntentStatus, rail: Rail | None = None) -> None:
        order = self._by_code(code)
        payment = order.view.payment or PaymentView(request_id="request", request_status=RequestStatus.PENDING)
        changes = {"intent_id": order.intent_id, "intent_status": status, "rail": rail or payment.rail}
        changed = payment.model_copy(update=changes)
        order.view = order.view.model_copy(update={"payment": changed})

    def is_paid_by_other(self, code: str) -> None:
        """Somebody else is paying it: the prompt is on their phone."""
        order = self._by_code(code)
        assert order.view.payment is not None
        changed = order.view.payment.model_copy(update={"is_by_other": True})
        order.view = order.view.model_copy(update={"payment": changed})

    def is_paid(self, code: str, receipt: str | None = "SJK4H7L2QW") -> DomainEvent:
        """The money arrived: the order is PAID, and this is the news."""
        order = self._by_code(code)
        self.set_intent(code, IntentStatus.SUCCEEDED)
        self._change(order, OrderStatus.PAID, receipt=receipt, paid_at=self._now())
        return self.order_news(code, EventType.ORDER_PAID)

    def has_instructions(self, code: str, instructions: PaymentInstructions) -> DomainEvent:
        """The reference was made: it can be paid, and this is the news."""
        order = self._by_code(code)
        assert order.view.payment is not None
        assert order.view.payment.rail is not None
        rail = order.view.payment.rail
        changed = order.view.payment.model_copy(
            update={
                "instructions": instructions.model_copy(update={"qr_png": None}),
                "instructions_rail": rail,
            }
        )
        order.view = order.view.model_copy(update={"payment": changed})
        news = InstructionsNews(
            order=order.view,
            customer_address="whatsapp:+254708374149",
            shop_name=self.shop(order.vendor_id).name,
            intent_id=order.intent_id or "intent-none",
            rail=rail,
            instructions=instructions,
        )
        return self._event(EventType.PAYMENT_INSTRUCTIONS, order, news)

    def has_run_out(self, code: str) -> DomainEvent:
        """Nobody paid the reference in its time."""
        order = self._by_code(code)
        assert order.view.payment is not None
        gone = {"instructions": None, "instructions_rail": None, "reason": FailureReason.REFERENCE_EXPIRED}
        order.view = order.view.model_copy(update={"payment": order.view.payment.model_copy(update=gone)})
        return self.has_failed(code, FailureReason.REFERENCE_EXPIRED)

    def refund_news(self, code: str | None, kind: EventType, amount_minor: int, receipt: str | None) -> DomainEvent:
        order = self._by_code(code) if code is not None else self.orders[-1]
        news = RefundNews(
            order=None if code is None else order.view,
            customer_address="whatsapp:+254708374149",
            shop_name=self.shop(order.vendor_id).name,
            refund_id="refund-1",
            status=RefundStatus.DONE if kind is EventType.PAYMENT_REFUNDED else RefundStatus.FAILED,
            amount_minor=amount_minor,
            currency=order.view.currency,
            receipt=receipt,
        )
        return self._event(kind, order, news)

    def has_failed(self, code: str, reason: FailureReason | None, *, may_retry: bool = True) -> DomainEvent:
        self.set_intent(code, IntentStatus.FAILED)
        return self.payment_news(code, EventType.PAYMENT_FAILED, reason, may_retry=may_retry)

    def order_news(self, code: str, kind: EventType) -> DomainEvent:
        order = self._by_code(code)
        shop = self.shop(order.vendor_id)
        return self._event(
            kind, order, OrderNews(order=order.view, customer_address="whatsapp:+254708374149", shop_name=shop.name)
        )

    def payment_news(
        self, code: str, kind: EventType, reason: FailureReason | None = None, *, may_retry: bool = False
    ) -> DomainEvent:
        order = self._by_code(code)
        news = PaymentNews(
            order=order.view,
            customer_address="whatsapp:+254708374149",
            shop_name=self.shop(order.vendor_id).name,
            intent_id=order.intent_id or "intent-none",
            reason=reason,
            may_retry=may_retry,
        )
        return self._event(kind, order, news)

    def exception_news(self, code: str, kind: ExceptionKind, amount_minor: int, receipt: str | None) -> DomainEvent:
        order = self._by_code(code)
        news = ExceptionNews(
            order=None if kind is ExceptionKind.UNMATCHED else order.view,
            customer_address="whatsapp:+254708374149",
            shop_name=self.shop(order.vendor_id).name,
            kind=kind,
            amount_minor=amount_minor,
            receipt=receipt,
        )
        return self._event(EventType.PAYMENT_EXCEPTION, order, news)

    def _event(self, kind: EventType, order: FakeOrder, data: BaseModel) -> DomainEvent:
        return DomainEvent(
            event_id=f"{kind}:{order.view.order_id}",
            type=kind,
            vendor_id=order.vendor_id,
            aggregate=f"order:{order.view.order_id}",
            occurred_at=self._now(),
            data=data.model_dump(mode="json"),
        )

    def _change(self, order: FakeOrder, status: OrderStatus, **changes: object) -> None:
        order.view = order.view.model_copy(update={"status": status, **changes})


def problem(code: ErrorCode | str, status: int = 409, **extra: object) -> ProblemBody:
    """A refusal as it comes off the wire."""
    return ProblemBody.model_validate({"title": "Refused", "status": status, "code": code, **extra})


def code_of(number: int) -> str:
    """An order's code with nothing random in it, from the letters that real ones are made of."""
    base = len(CODE_ALPHABET)
    return "".join(CODE_ALPHABET[(number * 1_234_577 // base**place) % base] for place in range(6))


def dumped(orders: list[FakeOrder]) -> list[dict[str, object]]:
    return [order.view.model_dump(mode="json") for order in orders]


def prompt_is_live(order: OrderView) -> bool:
    payment = order.payment
    if payment is None or payment.intent_status is not IntentStatus.PROVIDER_PENDING:
        return False
    return payment.rail is None or payment.rail in PUSHED_RAILS


def is_being_made(order: OrderView, rail: Rail) -> bool:
    """A reference of that rail is open, or asked for."""
    payment = order.payment
    if payment is None:
        return False
    is_pending = payment.intent_status is IntentStatus.PROVIDER_PENDING and payment.rail is rail
    return is_pending or payment.instructions_rail is rail


def has_reference(order: OrderView) -> bool:
    return order.payment is not None and order.payment.instructions is not None
