"""What a fake shop says to the terms of a cart: delivery, notes, vouchers, days, and an earlier order once more."""

from collections.abc import Callable

from bot.conversation.model import ChooseDay, ChooseFulfilment, LeaveNote, OrderAgain, UseVoucher
from contracts.errors import ErrorCode, ProblemBody
from contracts.router_api import CartView, DeliveryView, DiscountView, LeftOut, LineView, OrderView, ReorderResult
from contracts.states import FulfilmentKind, LeftOutReason, OrderStatus
from tests.support.fake_orders import FakeOrder, problem
from tests.support.fake_shops import FakeShop

TermsCommand = ChooseFulfilment | LeaveNote | UseVoucher | ChooseDay | OrderAgain
VOUCHER = "KARIBU10"
NAIROBI_LATITUDE = -1.27
"""South of -1 degrees a pin lies in the first zone, elsewhere in none."""


def summed(order: OrderView) -> OrderView:
    """With the sums that its lines, fee and voucher come to."""
    subtotal = sum(line.total_minor for line in order.lines)
    fee = order.delivery.fee_minor if order.delivery else 0
    discount = order.discount
    if discount is not None:
        amount = subtotal // 10 if subtotal >= discount.minimum_minor else 0
        discount = discount.model_copy(update={"amount_minor": amount})
    total = subtotal + fee - (discount.amount_minor if discount else 0)
    return order.model_copy(update={"subtotal_minor": subtotal, "total_minor": total, "discount": discount})


def arranged(
    command: TermsCommand,
    shop: FakeShop,
    draft: FakeOrder | None,
    earlier: list[FakeOrder],
    store: Callable[[list[LineView]], OrderView],
) -> CartView | ProblemBody:
    if isinstance(command, OrderAgain):
        return _again(command, shop, earlier, store)
    if draft is None:
        return problem(ErrorCode.CART_EMPTY)
    view = _changed(command, shop, draft.view)
    if isinstance(view, ProblemBody):
        return view
    draft.view = summed(view)
    return CartView(cart=draft.view)


def _changed(
    command: ChooseFulfilment | LeaveNote | UseVoucher | ChooseDay, shop: FakeShop, cart: OrderView
) -> OrderView | ProblemBody:
    match command:
        case LeaveNote(_, note):
            return cart.model_copy(update={"note": note})
        case UseVoucher(_, None):
            return cart.model_copy(update={"discount": None})
        case UseVoucher(_, code) if (code or "").upper() != VOUCHER:
            return problem(ErrorCode.VOUCHER_UNKNOWN, 404)
        case UseVoucher():
            subtotal = sum(line.total_minor for line in cart.lines)
            if subtotal < 10000:
                return problem(ErrorCode.VOUCHER_MINIMUM, minimum_minor=10000, subtotal_minor=subtotal)
            discount = DiscountView(code=VOUCHER, amount_minor=0, percent=10, minimum_minor=10000)
            return cart.model_copy(update={"discount": discount})
        case ChooseDay():
            opens_at = shop.opening.opens_at if shop.opening and command.day is not None else None
            return cart.model_copy(update={"scheduled_for": opens_at})
        case ChooseFulfilment():
            return _delivered(command, shop, cart)


def _delivered(command: ChooseFulfilment, shop: FakeShop, cart: OrderView) -> OrderView | ProblemBody:
    if command.kind is FulfilmentKind.PICKUP:
        return cart.model_copy(update={"delivery": DeliveryView(kind=FulfilmentKind.PICKUP)})
    zones = [zone.model_dump(mode="json") for zone in shop.zones]
    if not zones:
        return problem(ErrorCode.DELIVERY_UNAVAILABLE)
    zone = next((zone for zone in shop.zones if zone.zone_id == command.zone_id), None)
    if command.zone_id is None and command.latitude is not None:
        zone = shop.zones[0] if command.latitude < -1 else None
        if zone is None:
            return problem(ErrorCode.OUTSIDE_ZONES, zones=zones)
    if zone is None:
        return problem(ErrorCode.ZONE_UNKNOWN, 404, zones=zones)
    delivery = DeliveryView(
        kind=FulfilmentKind.DELIVERY,
        zone_id=zone.zone_id,
        zone_name=zone.name,
        fee_minor=zone.fee_minor,
        latitude=command.latitude,
        longitude=command.longitude,
        landmark=command.landmark,
    )
    return cart.model_copy(update={"delivery": delivery})


def _again(
    command: OrderAgain, shop: FakeShop, earlier: list[FakeOrder], store: Callable[[list[LineView]], OrderView]
) -> CartView | ProblemBody:
    past = [order.view for order in reversed(earlier)]
    if command.code is not None:
        found = next((view for view in past if view.code == command.code), None)
        if found is None:
            return problem(ErrorCode.ORDER_UNKNOWN, 404)
    else:
        found = next((view for view in past if view.status is OrderStatus.PAID), None)
        if found is None:
            return problem(ErrorCode.NOTHING_TO_REORDER)
    stock = {item.item_id: item.stock for item in shop.items}
    lines = [line for line in found.lines if stock.get(line.item_id or "", 0) != 0]
    missing = [
        LeftOut(name=line.name, wanted=line.quantity, reason=LeftOutReason.SOLD_OUT)
        for line in found.lines
        if line not in lines
    ]
    if not lines:
        left_out = [one.model_dump(mode="json") for one in missing]
        return problem(ErrorCode.NOTHING_TO_REORDER, left_out=left_out)
    return ReorderResult(cart=store(lines), from_code=found.code, left_out=missing)
