"""What the router or the payment adapter would not do, in words that say what to do instead."""

from collections.abc import Mapping
from typing import cast

from pydantic import TypeAdapter, ValidationError

from bot.conversation.model import Step
from bot.conversation.rails import proof_of, rail_of
from bot.conversation.talk import Talk
from contracts.errors import ErrorCode, ProblemBody
from contracts.router_api import MAX_QUANTITY, OrderView
from contracts.states import OrderStatus, Rail

_ORDER = TypeAdapter(OrderView)
_ORDERS = TypeAdapter(list[OrderView])


def extra(problem: ProblemBody, name: str) -> object:
    """A field that the problem's code brings with it, or None."""
    return (problem.model_extra or {}).get(name)


def order_in(problem: ProblemBody) -> OrderView | None:
    try:
        return _ORDER.validate_python(extra(problem, "order"))
    except ValidationError:
        return None


def orders_in(problem: ProblemBody) -> list[OrderView]:
    try:
        return _ORDERS.validate_python(extra(problem, "orders"))
    except ValidationError:
        return []


def rails_in(problem: ProblemBody) -> list[Rail]:
    """The ways to pay that the problem brings, without those that are not known here yet."""
    named = extra(problem, "rails")
    names = cast(list[object], named) if isinstance(named, list) else []
    return [rail for rail in Rail if rail in names]


def item_in(problem: ProblemBody) -> str:
    """The name of the item that the problem is about, or nothing."""
    item = extra(problem, "item")
    if isinstance(item, Mapping):
        item = cast(Mapping[str, object], item).get("name")
    return item if isinstance(item, str) else ""


def available_in(problem: ProblemBody) -> int:
    available = extra(problem, "available")
    return available if isinstance(available, int) and not isinstance(available, bool) else 0


def refused(talk: Talk, problem: ProblemBody) -> Step:
    """The answer to a refusal that means the same wherever it comes from."""
    shop = talk.shop.name if talk.state.shop else "–"
    match problem.code:
        case ErrorCode.CAPABILITY_MISSING | ErrorCode.FORBIDDEN:
            return talk.say("capability_missing", shop=shop)
        case ErrorCode.TOO_MANY_REQUESTS:
            return talk.say("too_many_requests")
        case ErrorCode.UNAVAILABLE:
            return talk.say("unreachable_shop")
        case ErrorCode.ITEM_SOLD_OUT:
            return _sold_out(talk, problem)
        case ErrorCode.ITEM_UNKNOWN:
            return talk.say("item_gone", item=talk.turn.text)
        case ErrorCode.QUANTITY_INVALID:
            return talk.say("quantity_too_large", most=MAX_QUANTITY, what=talk.turn.text)
        case ErrorCode.NOT_IN_CART:
            return talk.say("not_in_cart", what=talk.turn.text)
        case ErrorCode.ORDER_UNKNOWN:
            return talk.say("order_unknown", code=talk.turn.code or "", shop=shop)
        case ErrorCode.WHICH_ORDER:
            return talk.say("which_order_short")
        case ErrorCode.VOUCHER_EXPIRED | ErrorCode.VOUCHER_USED_UP:
            return _voucher_lost(talk, problem)
        case ErrorCode.ORDER_TRANSITION_REFUSED:
            return _too_late(talk, problem)
        case _:
            return talk.say("our_mistake")


def _sold_out(talk: Talk, problem: ProblemBody) -> Step:
    item, available = item_in(problem) or talk.turn.text, available_in(problem)
    if not item:
        return talk.say("something_sold_out")
    if available > 0:
        return talk.say("only_left", item=item, available=available)
    return talk.say("sold_out", item=item)


def _voucher_lost(talk: Talk, problem: ProblemBody) -> Step:
    """It can't be used when it is to count, at last."""
    order = order_in(problem)
    if order is not None and order.status is OrderStatus.CONFIRMED:
        return talk.say("voucher_lost_confirmed", code=order.code)
    return talk.say("voucher_lost")


def _too_late(talk: Talk, problem: ProblemBody) -> Step:
    order = order_in(problem)
    if order is None or order.status not in (OrderStatus.PAID, OrderStatus.CANCELLED):
        return talk.say("order_changed")
    if order.status is OrderStatus.CANCELLED:
        return talk.say("already_cancelled", code=order.code)
    if order.receipt:
        return talk.say("already_paid_receipt", code=order.code, receipt=proof_of(order.receipt, rail_of(order)))
    return talk.say("already_paid", code=order.code)
