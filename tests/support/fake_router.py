"""A router and a payment adapter in memory, as a conversation sees them: every command, every refusal, no wire.

Good for testing what is said, not what is true: the rules of money live in the router and are tested there."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from rapidfuzz import fuzz

from bot.conversation.model import (
    AddItem,
    Cancel,
    Command,
    Confirm,
    FindShop,
    ListItems,
    ListOrders,
    ListShops,
    Pay,
    RemoveItem,
    Result,
    ShowCart,
    StartCharge,
)
from contracts.errors import ErrorCode, ProblemBody
from contracts.events import DomainEvent, EventType, ExceptionNews, OrderNews, PaymentNews
from contracts.ids import CODE_ALPHABET
from contracts.money import Currency
from contracts.payment_api import ChargeView
from contracts.router_api import (
    MAX_QUANTITY,
    CancelResult,
    CartView,
    ItemPage,
    LineView,
    OrderList,
    OrderView,
    PaymentView,
    PayResult,
    ShopList,
)
from contracts.states import ChargeStatus, ExceptionKind, FailureReason, IntentStatus, OrderStatus, RequestStatus
from tests.support.fake_shops import FakeShop, Stocked, mama_and_kamau

OWN_MSISDN = "254708374149"
_MAX_ATTEMPTS = 3
_HOLD = timedelta(minutes=30)


@dataclass
class _Order:
    view: OrderView
    vendor_id: str
    attempts: int = 0
    intent_id: str | None = None


class FakeRouter:
    """One customer's view of all shops. `clock` gives the present; `own_msisdn` None means a hidden number.

    `refuse_next` answers the next command with that; `charge` is what the payment adapter says to the next charge;
    with `finds_alike` a search is as forgiving as the real one."""

    def __init__(self, clock: Callable[[], datetime], shops: list[FakeShop] | None = None) -> None:
        self._now = clock
        self.shops = mama_and_kamau() if shops is None else shops
        self.own_msisdn: str | None = OWN_MSISDN
        self.refuse_next: ProblemBody | None = None
        self._refuse_after: tuple[int, ProblemBody] | None = None
        self.charge = ChargeView(charge_id="charge-1", intent_id="", status=ChargeStatus.CLAIMED)
        self.pushes: list[str] = []
        self.finds_alike = False
        self.commands: list[Command] = []
        self._orders: list[_Order] = []
        self._made = 0

    def perform(self, command: Command) -> Result:
        self.commands.append(command)
        if self._refuse_after is not None:
            left, refusal = self._refuse_after
            self._refuse_after = (left - 1, refusal) if left else None
            self.refuse_next = None if left else refusal
        if self.refuse_next is not None:
            refusal, self.refuse_next = self.refuse_next, None
            return refusal
        match command:
            case FindShop(word):
                shop = next((one for one in self.shops if one.word == word), None)
                return shop.view() if shop else problem(ErrorCode.SHOP_UNKNOWN, 404)
            case ListShops():
                return ShopList(shops=[shop.view() for shop in self.shops[:10]])
            case ListItems():
                return self._list_items(command)
            case ShowCart(vendor_id):
                return self._cart(vendor_id)
            case AddItem():
                return self._add(command)
            case RemoveItem():
                return self._remove(command)
            case Confirm(vendor_id):
                return self._confirm(vendor_id)
            case Cancel(vendor_id, code):
                return self._cancel(vendor_id, code)
            case Pay():
                return self._pay(command)
            case StartCharge(_, intent_id):
                self.pushes.append(intent_id)
                return self.charge.model_copy(update={"intent_id": intent_id})
            case ListOrders(vendor_id):
                return OrderList(orders=[order.view for order in reversed(self._of(vendor_id))][:20])
            case _:
                assert_never(command)

    def refuse_after(self, answered: int, refusal: ProblemBody) -> None:
        """Refuse the command after that many more were answered."""
        self._refuse_after = (answered, refusal)

    def cart_of(self, vendor_id: str) -> OrderView | None:
        """A look at the cart that is no command."""
        return self._cart(vendor_id).cart

    # --- catalogue and cart ---

    def shop(self, vendor_id: str) -> FakeShop:
        return next(shop for shop in self.shops if shop.vendor_id == vendor_id)

    def item(self, item_id: str) -> Stocked | None:
        return next((item for shop in self.shops for item in shop.items if item.item_id == item_id), None)

    def _list_items(self, command: ListItems) -> ItemPage:
        words = command.query.casefold().split()
        shelf = self.shop(command.vendor_id).items
        fitting = [
            item
            for item in shelf
            if item.sku.casefold() == command.query.casefold() or all(word in item.name.casefold() for word in words)
        ]
        if not fitting and self.finds_alike:
            fitting = [item for item in shelf if fuzz.partial_ratio(command.query, item.name.casefold()) > 70]
        after = next((place + 1 for place, item in enumerate(fitting) if item.item_id == command.after), 0)
        page = fitting[after : after + command.limit]
        has_more = after + command.limit < len(fitting)
        return ItemPage(
            items=[item.view() for item in page],
            next_after=page[-1].item_id if has_more and page else None,
            total=len(fitting),
        )

    def _of(self, vendor_id: str) -> list[_Order]:
        return [order for order in self._orders if order.vendor_id == vendor_id]

    def _with(self, vendor_id: str, status: OrderStatus) -> list[_Order]:
        """Newest first."""
        return [order for order in reversed(self._of(vendor_id)) if order.view.status is status]

    def _draft(self, vendor_id: str) -> _Order | None:
        return next(iter(self._with(vendor_id, OrderStatus.DRAFT)), None)

    def _cart(self, vendor_id: str) -> CartView:
        draft = self._draft(vendor_id)
        unpaid = [order.view for order in self._with(vendor_id, OrderStatus.CONFIRMED)]
        return CartView(cart=draft.view if draft else None, unpaid=unpaid)

    def _add(self, command: AddItem) -> CartView | ProblemBody:
        item = self.item(command.item_id)
        if item is None:
            return problem(ErrorCode.ITEM_UNKNOWN, 404)
        draft = self._draft(command.vendor_id)
        lines = list(draft.view.lines) if draft else []
        line = next((line for line in lines if line.item_id == item.item_id), None)
        quantity = command.quantity + (line.quantity if line else 0)
        if command.quantity < 1 or quantity > MAX_QUANTITY:
            return problem(ErrorCode.QUANTITY_INVALID, 422)
        if item.stock is not None and quantity > item.stock:
            return problem(ErrorCode.ITEM_SOLD_OUT, item=item.name, available=item.stock)
        number = line.line_no if line else max((other.line_no for other in lines), default=0) + 1
        new = LineView(
            line_no=number,
            item_id=item.item_id,
            name=item.name,
            quantity=quantity,
            unit_price_minor=item.price_minor,
            total_minor=quantity * item.price_minor,
        )
        kept = [other for other in lines if other.line_no != number]
        self._store_cart(command.vendor_id, draft, sorted((*kept, new), key=lambda one: one.line_no))
        return self._cart(command.vendor_id)

    def _remove(self, command: RemoveItem) -> CartView | ProblemBody:
        draft = self._draft(command.vendor_id)
        lines = draft.view.lines if draft else []
        kept = [line for line in lines if line.line_no != command.line_no]
        if draft is None or len(kept) == len(lines):
            return problem(ErrorCode.NOT_IN_CART, 404)
        self._store_cart(command.vendor_id, draft, kept)
        return self._cart(command.vendor_id)

    def _store_cart(self, vendor_id: str, draft: _Order | None, lines: list[LineView]) -> None:
        if draft is None:
            self._made += 1
            view = OrderView(
                order_id=f"order-{self._made}",
                code=code_of(self._made),
                status=OrderStatus.DRAFT,
                currency=Currency.KES,
                total_minor=0,
                lines=[],
                created_at=self._now(),
            )
            draft = _Order(view, vendor_id)
            self._orders.append(draft)
        total = sum(line.total_minor for line in lines)
        draft.view = draft.view.model_copy(update={"lines": lines, "total_minor": total})

    # --- orders and money ---

    def _confirm(self, vendor_id: str) -> OrderView | ProblemBody:
        draft = self._draft(vendor_id)
        if draft is None or not draft.view.lines:
            return problem(ErrorCode.CART_EMPTY)
        for line in draft.view.lines:
            item = self.item(line.item_id or "")
            if item is not None and item.stock is not None and line.quantity > item.stock:
                return problem(ErrorCode.ITEM_SOLD_OUT, item=item.name, available=item.stock)
        for line in draft.view.lines:
            item = self.item(line.item_id or "")
            if item is not None and item.stock is not None:
                item.stock -= line.quantity
        now = self._now()
        payment = PaymentView(request_id=f"request-{draft.view.order_id}", request_status=RequestStatus.PENDING)
        self._change(draft, OrderStatus.CONFIRMED, confirmed_at=now, hold_expires_at=now + _HOLD, payment=payment)
        return draft.view

    def _change(self, order: _Order, status: OrderStatus, **changes: object) -> None:
        order.view = order.view.model_copy(update={"status": status, **changes})

    def _named(self, vendor_id: str, code: str) -> _Order | None:
        return next((order for order in self._of(vendor_id) if order.view.code == code), None)

    def _cancel(self, vendor_id: str, code: str | None) -> CancelResult | ProblemBody:
        if code is not None:
            order = self._named(vendor_id, code)
            if order is None:
                return problem(ErrorCode.ORDER_UNKNOWN, 404)
        else:
            confirmed, draft = self._with(vendor_id, OrderStatus.CONFIRMED), self._draft(vendor_id)
            if len(confirmed) > 1:
                return problem(ErrorCode.WHICH_ORDER, orders=_dumped(confirmed))
            order = confirmed[0] if confirmed else draft
            if order is None:
                return problem(ErrorCode.NOTHING_TO_CANCEL)
        if order.view.status in (OrderStatus.PAID, OrderStatus.CANCELLED):
            return problem(ErrorCode.ORDER_TRANSITION_REFUSED, order=order.view.model_dump(mode="json"))
        is_live = _prompt_is_live(order)
        self._change(order, OrderStatus.CANCELLED)
        return CancelResult(order=order.view, prompt_is_live=is_live)

    def _pay(self, command: Pay) -> PayResult | ProblemBody:
        order = self._payable(command)
        if isinstance(order, ProblemBody):
            return order
        if _prompt_is_live(order) or (order.view.payment and order.view.payment.intent_status is IntentStatus.UNKNOWN):
            return problem(ErrorCode.PAYMENT_IN_PROGRESS, order=order.view.model_dump(mode="json"))
        payer = command.payer_msisdn or self.own_msisdn
        if payer is None:
            return problem(ErrorCode.PAYER_MISSING, 422)
        if not payer.startswith("2547"):
            return problem(ErrorCode.PAYER_INVALID, 422)
        if sum(one.attempts for one in self._of(command.vendor_id)) >= _MAX_ATTEMPTS:
            return problem(ErrorCode.ATTEMPTS_EXHAUSTED, 429)
        order.attempts += 1
        order.intent_id = f"intent-{order.view.order_id}-{order.attempts}"
        self.set_intent(order.view.code, IntentStatus.PROVIDER_PENDING)
        return PayResult(
            order=order.view, intent_id=order.intent_id, payer_msisdn=payer, grant=f"grant for {order.intent_id}"
        )

    def _payable(self, command: Pay) -> _Order | ProblemBody:
        if command.code is not None:
            order = self._named(command.vendor_id, command.code)
            if order is None:
                return problem(ErrorCode.ORDER_UNKNOWN, 404)
            if order.view.status is OrderStatus.DRAFT:
                return problem(ErrorCode.NOT_CONFIRMED, order=order.view.model_dump(mode="json"))
            if order.view.status is not OrderStatus.CONFIRMED:
                return problem(ErrorCode.ORDER_TRANSITION_REFUSED, order=order.view.model_dump(mode="json"))
            return order
        confirmed, draft = self._with(command.vendor_id, OrderStatus.CONFIRMED), self._draft(command.vendor_id)
        if len(confirmed) > 1:
            return problem(ErrorCode.WHICH_ORDER, orders=_dumped(confirmed))
        if confirmed:
            return confirmed[0]
        if draft is not None and draft.view.lines:
            return problem(ErrorCode.NOT_CONFIRMED, order=draft.view.model_dump(mode="json"))
        return problem(ErrorCode.NOTHING_TO_PAY)

    # --- what the outside world does ---

    def order(self, code: str) -> OrderView:
        return self._by_code(code).view

    def _by_code(self, code: str) -> _Order:
        return next(order for order in self._orders if order.view.code == code)

    @property
    def has_orders(self) -> bool:
        return bool(self._orders)

    def latest(self) -> OrderView:
        return self._orders[-1].view

    def set_intent(self, code: str, status: IntentStatus) -> None:
        order = self._by_code(code)
        payment = order.view.payment or PaymentView(request_id="request", request_status=RequestStatus.PENDING)
        changed = payment.model_copy(update={"intent_id": order.intent_id, "intent_status": status})
        order.view = order.view.model_copy(update={"payment": changed})

    def is_paid(self, code: str, receipt: str | None = "SJK4H7L2QW") -> DomainEvent:
        """The money arrived: the order is PAID, and this is the news."""
        order = self._by_code(code)
        self.set_intent(code, IntentStatus.SUCCEEDED)
        self._change(order, OrderStatus.PAID, receipt=receipt, paid_at=self._now())
        return self.order_news(code, EventType.ORDER_PAID)

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

    def _event(self, kind: EventType, order: _Order, data: OrderNews | PaymentNews | ExceptionNews) -> DomainEvent:
        return DomainEvent(
            event_id=f"{kind}:{order.view.order_id}",
            type=kind,
            vendor_id=order.vendor_id,
            aggregate=f"order:{order.view.order_id}",
            occurred_at=self._now(),
            data=data.model_dump(mode="json"),
        )

    def sell_out(self, item_id: str, left: int = 0) -> None:
        for shop in self.shops:
            shop.items = [replace(item, stock=left) if item.item_id == item_id else item for item in shop.items]


def problem(code: ErrorCode | str, status: int = 409, **extra: object) -> ProblemBody:
    """A refusal as it comes off the wire."""
    return ProblemBody.model_validate({"title": "Refused", "status": status, "code": code, **extra})


def code_of(number: int) -> str:
    """An order's code with nothing random in it, from the letters that real ones are made of."""
    base = len(CODE_ALPHABET)
    return "".join(CODE_ALPHABET[(number * 1_234_577 // base**place) % base] for place in range(6))


def _dumped(orders: list[_Order]) -> list[dict[str, object]]:
    return [order.view.model_dump(mode="json") for order in orders]


def _prompt_is_live(order: _Order) -> bool:
    return order.view.payment is not None and order.view.payment.intent_status is IntentStatus.PROVIDER_PENDING
