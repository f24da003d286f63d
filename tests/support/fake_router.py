"""A router and a payment adapter in memory, as a conversation sees them: every command, every refusal, no wire.

Good for testing what is said, not what is true: the rules of money live in the router and are tested there."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from bot.conversation.model import (
    AddItem,
    AskForPerson,
    Cancel,
    ChooseDay,
    ChooseFulfilment,
    Command,
    Confirm,
    FindItems,
    FindOther,
    FindShop,
    JoinAlerts,
    LeaveAlerts,
    LeaveNote,
    ListCategories,
    ListItems,
    ListOrders,
    ListShops,
    ListZones,
    NameReceipt,
    OrderAgain,
    Pay,
    RemoveItem,
    Result,
    ReturnToBot,
    ShowCart,
    ShowItem,
    StartCharge,
    UseVoucher,
)
from contracts.claims import ReceiptStanding, ReceiptView
from contracts.errors import ErrorCode, ProblemBody
from contracts.payment_api import ChargeView
from contracts.router_api import (
    MAX_QUANTITY,
    CancelResult,
    CartView,
    ItemCard,
    ItemPage,
    ItemsFound,
    LineView,
    OrderList,
    OrderView,
    OtherOrder,
    PaymentView,
    PayResult,
    PictureView,
    ShopList,
    ZoneList,
)
from contracts.states import (
    PUSHED_RAILS,
    ChargeStatus,
    IntentStatus,
    OrderStatus,
    Rail,
    RequestStatus,
)
from tests.support.fake_orders import (
    FakeOrder,
    FakeOrders,
    code_of,
    dumped,
    has_reference,
    is_being_made,
    problem,
    prompt_is_live,
)
from tests.support.fake_people import FakePeople
from tests.support.fake_shelves import page_of
from tests.support.fake_shops import FakeShop, Stocked, mama_and_kamau
from tests.support.fake_terms import TermsCommand, arranged, summed

OWN_MSISDN = "254708374149"
_MAX_ATTEMPTS = 3
_HOLD = timedelta(minutes=30)


class FakeRouter(FakeOrders):
    """One customer's view of all shops. `clock` gives the present; `own_msisdn` None means a hidden number.

    `refuse_next` answers the next command with that; `charge` is what the payment adapter says to the next charge;
    with `finds_alike` a search is as forgiving as the real one; `search` replaces it."""

    def __init__(self, clock: Callable[[], datetime], shops: list[FakeShop] | None = None) -> None:
        super().__init__(clock, mama_and_kamau() if shops is None else shops)
        self.people = FakePeople(clock)
        self.picture: PictureView | None = None
        self.own_msisdn: str | None = OWN_MSISDN
        self.of_others: dict[str, OtherOrder] = {}
        """By code: orders of other customers, whatever the shop."""
        self.receipts: dict[str, ReceiptView] = {}
        """By receipt: what the shop knows of money, as far as this customer may hear."""
        self.agreed: set[str] = set()
        """Numbers, beside the own one, that this customer paid from before."""
        self.refuse_next: ProblemBody | None = None
        self._refuse_after: tuple[int, ProblemBody] | None = None
        self.charge = ChargeView(charge_id="charge-1", intent_id="", status=ChargeStatus.CLAIMED)
        self.pushes: list[str] = []
        self.finds_alike = False
        self.search: Callable[[list[Stocked], str], list[Stocked]] | None = None
        self.commands: list[Command] = []
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
            case FindItems(vendor_id, queries, limit):
                pages = [self._list_items(ListItems(vendor_id, query=query, limit=limit)) for query in queries]
                return ItemsFound(found=[page.items for page in pages])
            case ShowItem(vendor_id, item_id):
                item = self.item(item_id)
                if item is None:
                    return problem(ErrorCode.ITEM_UNKNOWN, 404)
                return ItemCard(**item.view(self.shop(vendor_id).currency).model_dump(), picture=self.picture)
            case ListCategories(vendor_id):
                return self.shop(vendor_id).categories()
            case ListZones(vendor_id):
                return ZoneList(zones=self.shop(vendor_id).zones, currency=self.shop(vendor_id).currency)
            case ChooseFulfilment() | LeaveNote() | UseVoucher() | ChooseDay() | OrderAgain():
                return self._arrange(command)
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
            case FindOther(_, code):
                other = self.of_others.get(code)
                return other if other is not None else problem(ErrorCode.ORDER_UNKNOWN, 404)
            case StartCharge(_, intent_id):
                self.pushes.append(intent_id)
                return self.charge.model_copy(update={"intent_id": intent_id})
            case ListOrders(vendor_id, limit, cursor):
                views = [order.view for order in reversed(self._of(vendor_id))]
                start = int(cursor or 0)
                following = str(start + limit) if start + limit < len(views) else None
                return OrderList(orders=views[start : start + limit], next_cursor=following)
            case NameReceipt(_, receipt):
                return self.receipts.get(receipt, ReceiptView(standing=ReceiptStanding.UNKNOWN))
            case AskForPerson() | ReturnToBot() | JoinAlerts() | LeaveAlerts():
                return self.people.perform(command)
            case _:
                assert_never(command)

    def _arrange(self, command: TermsCommand) -> CartView | ProblemBody:
        vendor_id = command.vendor_id
        draft = self._draft(vendor_id)
        earlier = [order for order in self._of(vendor_id) if order is not draft]

        def store(lines: list[LineView]) -> OrderView:
            self._store_cart(vendor_id, draft, lines)
            (cart,) = self._with(vendor_id, OrderStatus.DRAFT)
            return cart.view

        return arranged(command, self.shop(vendor_id), draft, earlier, store)

    def refuse_after(self, answered: int, refusal: ProblemBody) -> None:
        """Refuse the command after that many more were answered."""
        self._refuse_after = (answered, refusal)

    def cart_of(self, vendor_id: str) -> OrderView | None:
        """A look at the cart that is no command."""
        return self._cart(vendor_id).cart

    # --- catalogue and cart ---

    def item(self, item_id: str) -> Stocked | None:
        return next((item for shop in self.shops for item in shop.items if item.item_id == item_id), None)

    def _list_items(self, command: ListItems) -> ItemPage:
        return page_of(self.shop(command.vendor_id), command, self.search, finds_alike=self.finds_alike)

    def _of(self, vendor_id: str) -> list[FakeOrder]:
        return [order for order in self.orders if order.vendor_id == vendor_id]

    def _with(self, vendor_id: str, status: OrderStatus) -> list[FakeOrder]:
        """Newest first."""
        return [order for order in reversed(self._of(vendor_id)) if order.view.status is status]

    def _draft(self, vendor_id: str) -> FakeOrder | None:
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

    def _store_cart(self, vendor_id: str, draft: FakeOrder | None, lines: list[LineView]) -> None:
        if draft is None:
            self._made += 1
            view = OrderView(
                order_id=f"order-{self._made}",
                code=code_of(self._made),
                status=OrderStatus.DRAFT,
                currency=self.shop(vendor_id).currency,
                total_minor=0,
                lines=[],
                created_at=self._now(),
            )
            draft = FakeOrder(view, vendor_id)
            self.orders.append(draft)
        draft.view = summed(draft.view.model_copy(update={"lines": lines}))

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

    def _named(self, vendor_id: str, code: str) -> FakeOrder | None:
        return next((order for order in self._of(vendor_id) if order.view.code == code), None)

    def _cancel(self, vendor_id: str, code: str | None) -> CancelResult | ProblemBody:
        if code is not None:
            order = self._named(vendor_id, code)
            if order is None:
                return problem(ErrorCode.ORDER_UNKNOWN, 404)
        else:
            confirmed, draft = self._with(vendor_id, OrderStatus.CONFIRMED), self._draft(vendor_id)
            if len(confirmed) > 1:
                return problem(ErrorCode.WHICH_ORDER, orders=dumped(confirmed))
            order = confirmed[0] if confirmed else draft
            if order is None:
                return problem(ErrorCode.NOTHING_TO_CANCEL)
        if order.view.status in (OrderStatus.PAID, OrderStatus.CANCELLED):
            return problem(ErrorCode.ORDER_TRANSITION_REFUSED, order=order.view.model_dump(mode="json"))
        before = order.view
        self._change(order, OrderStatus.CANCELLED)
        return CancelResult(
            order=order.view, prompt_is_live=prompt_is_live(before), reference_is_live=has_reference(before)
        )

    def _pay_for_other(self, code: str) -> PayResult | ProblemBody:
        other = self.of_others.get(code)
        if other is None:
            return problem(ErrorCode.ORDER_UNKNOWN, 404)
        if other.status is not OrderStatus.CONFIRMED:
            return problem(ErrorCode.ORDER_TRANSITION_REFUSED)
        shown = {"order_id": "other", "code": other.code, "status": other.status, "currency": other.currency}
        view = OrderView.model_validate(
            {**shown, "total_minor": other.total_minor, "lines": [], "created_at": self._now()}
        )
        return PayResult(order=view, intent_id="intent-other", payer_msisdn=self.own_msisdn, grant="grant for other")

    def _pay(self, command: Pay) -> PayResult | ProblemBody:
        if command.is_for_other:
            return self._pay_for_other(command.code or "")
        order = self._payable(command)
        if isinstance(order, ProblemBody):
            return order
        rail = self._rail(command, order)
        if isinstance(rail, ProblemBody):
            return rail
        payment = order.view.payment
        if prompt_is_live(order.view) or (payment and payment.intent_status is IntentStatus.UNKNOWN):
            return problem(ErrorCode.PAYMENT_IN_PROGRESS, order=order.view.model_dump(mode="json"))
        if rail not in PUSHED_RAILS and is_being_made(order.view, rail):
            return problem(ErrorCode.PAYMENT_IN_PROGRESS, order=order.view.model_dump(mode="json"))
        payer = self._payer(command, rail)
        if isinstance(payer, ProblemBody):
            return payer
        if sum(one.attempts for one in self._of(command.vendor_id)) >= _MAX_ATTEMPTS:
            return problem(ErrorCode.ATTEMPTS_EXHAUSTED, 429)
        order.attempts += 1
        order.intent_id = f"intent-{order.view.order_id}-{order.attempts}"
        self.set_intent(order.view.code, IntentStatus.PROVIDER_PENDING, rail)
        return PayResult(
            order=order.view, intent_id=order.intent_id, payer_msisdn=payer, grant=f"grant for {order.intent_id}"
        )

    def _rail(self, command: Pay, order: FakeOrder) -> Rail | ProblemBody:
        """As the router takes it: the one named, the order's last, the only one; else it asks."""
        offered = self.shop(command.vendor_id).rails
        last = order.view.payment.rail if order.view.payment else None
        if command.rail is not None:
            return command.rail if command.rail in offered else problem(ErrorCode.RAIL_UNAVAILABLE, rails=offered)
        if last is not None and last in offered:
            return last
        if len(offered) == 1:
            return offered[0]
        if not offered:
            return problem(ErrorCode.RAIL_UNAVAILABLE, rails=[])
        return problem(ErrorCode.WHICH_RAIL, rails=offered, order=order.view.model_dump(mode="json"))

    def _payer(self, command: Pay, rail: Rail) -> str | ProblemBody | None:
        if rail not in PUSHED_RAILS:
            return None
        start = "2547" if rail is Rail.MPESA_STK else "2449"
        if command.payer_msisdn is not None:
            given, own = command.payer_msisdn, self.own_msisdn
            if not given.startswith(start):
                return problem(ErrorCode.PAYER_INVALID, 422)
            if own is not None and own.startswith(start) and given not in (own, *self.agreed):
                order = self._payable(command)
                shown = {} if isinstance(order, ProblemBody) else {"order": order.view.model_dump(mode="json")}
                return problem(ErrorCode.PAYER_NOT_AGREED, 409, **shown)
            return given
        own = self.own_msisdn
        return own if own is not None and own.startswith(start) else problem(ErrorCode.PAYER_MISSING, 422)

    def _payable(self, command: Pay) -> FakeOrder | ProblemBody:
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
            return problem(ErrorCode.WHICH_ORDER, orders=dumped(confirmed))
        if confirmed:
            return confirmed[0]
        if draft is not None and draft.view.lines:
            return problem(ErrorCode.NOT_CONFIRMED, order=draft.view.model_dump(mode="json"))
        return problem(ErrorCode.NOTHING_TO_PAY)

    def sell_out(self, item_id: str, left: int = 0) -> None:
        for shop in self.shops:
            shop.items = [replace(item, stock=left) if item.item_id == item_id else item for item in shop.items]
