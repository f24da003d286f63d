"""How it stands with orders, and calling one off."""

from dataclasses import replace

from bot.conversation import options
from bot.conversation.model import Cancel, ListOrders, Reply, Result, Step
from bot.conversation.paying import instructions_of
from bot.conversation.rails import other_ways, rail_name, usual_push
from bot.conversation.refusals import order_in, orders_in, refused
from bot.conversation.showing import order_choices, order_lines, order_listing, sums_of, terms_of, total_of
from bot.conversation.standing import has_open_reference, standing_of, was_paid_anyway
from bot.conversation.state import Listing, ListKind, Purpose
from bot.conversation.talk import Talk
from bot.conversation.taps import Action, attempt_of, is_under_way
from bot.conversation.understanding.intents import is_list_number, read_code
from bot.replies.reply import Option
from contracts.errors import ErrorCode, ProblemBody
from contracts.router_api import CancelResult, OrderList, OrderView
from contracts.states import OrderStatus

_MAX_SHOWN = 8
_PER_PAGE = 9
_PER_LOOK = 20
_MAX_LOOKS = 5  # a hundred orders and no more
_MAX_CLOSED = 3  # paid and cancelled ones, beside those that are open


def on_status(talk: Talk, rest: str = "") -> Step:
    """STATUS, STATUS <code>; a sentence about an order names none."""
    if rest and " " not in rest:
        return show_order(talk, rest)
    return talk.ask(Purpose.STATUS, ListOrders(talk.shop.vendor_id))


def show_order(talk: Talk, code: str) -> Step:
    return talk.knowing(code=code).ask(Purpose.ORDER, ListOrders(talk.shop.vendor_id))


def orders_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, OrderList):
        return talk.say("our_mistake")
    orders = _worth_showing(result.orders)
    if not orders:
        return talk.say("no_orders", shop=talk.shop.name)
    if len(orders) == 1:
        return say_order(talk, orders[0])
    talk = talk.showing(order_listing(ListKind.ORDERS, orders, talk.shop.vendor_id, talk.now))
    talk = talk.offering(*options.of_orders(Action.ORDER, orders, talk.shop.vendor_id))
    is_all = len(orders) == sum(bool(order.lines) for order in result.orders) and result.next_cursor is None
    more = () if is_all else (Reply("all_orders"),)
    return talk.say("orders", shop=talk.shop.name, orders=_standing_lines(orders), more=more)


def _standing_lines(orders: list[OrderView], first: int = 1) -> tuple[Reply, ...]:
    return tuple(
        Reply(
            "order_standing",
            {"number": number, "code": order.code, "total": total_of(order), "standing": (standing_of(order),)},
        )
        for number, order in enumerate(orders, start=first)
    )


def on_history(talk: Talk, rest: str = "") -> Step:
    """All orders, one page after the other."""
    return talk.ask(Purpose.HISTORY, ListOrders(talk.shop.vendor_id, _PER_PAGE))


def older(talk: Talk, listing: Listing) -> Step:
    """Those behind the ones of that list."""
    talk = talk.knowing(heading="more")
    return talk.ask(Purpose.HISTORY, ListOrders(talk.shop.vendor_id, _PER_PAGE, listing.next_after))


def history_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, OrderList):
        return talk.say("our_mistake")
    orders, vendor_id = [order for order in result.orders if order.lines], talk.shop.vendor_id
    if not orders:
        return talk.say("no_orders", shop=talk.shop.name)
    before = talk.list_of(ListKind.ORDERS) if talk.turn.heading == "more" else None
    first = before.entries[-1].number + 1 if before is not None and before.entries else 1
    listing = order_listing(ListKind.ORDERS, orders, vendor_id, talk.now, first_number=first)
    talk = talk.showing(replace(listing, next_after=result.next_cursor))
    offered = options.of_orders(Action.ORDER, orders, vendor_id)
    talk = talk.offering(*offered, options.more(vendor_id)) if result.next_cursor else talk.offering(*offered)
    more = (Reply("more_items"),) if result.next_cursor else ()
    return talk.say("orders", shop=talk.shop.name, orders=_standing_lines(orders, first), more=more)


def _worth_showing(orders: list[OrderView]) -> list[OrderView]:
    """What is open, then the last few that are not; an empty cart is no order."""
    full = [order for order in orders if order.lines]
    still_open = [order for order in full if order.status in (OrderStatus.DRAFT, OrderStatus.CONFIRMED)]
    closed = [order for order in full if order.status in (OrderStatus.PAID, OrderStatus.CANCELLED)]
    return (still_open + closed[:_MAX_CLOSED])[:_MAX_SHOWN]


def order_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, OrderList):
        return talk.say("our_mistake")
    wanted = (talk.turn.code or "").casefold()
    for order in result.orders:
        if order.code.casefold() == wanted:
            return say_order(talk, order)
    further = look_further(talk, Purpose.ORDER, result)
    return further or talk.say("order_unknown", code=talk.turn.code or "", shop=talk.shop.name)


def look_further(talk: Talk, purpose: Purpose, result: OrderList) -> Step | None:
    """Among older orders, as far back as one answer may take; None where there are no more."""
    if result.next_cursor is None or talk.turn.asked >= _MAX_LOOKS:
        return None
    return talk.ask(purpose, ListOrders(talk.shop.vendor_id, _PER_LOOK, result.next_cursor))


def say_order(talk: Talk, order: OrderView) -> Step:
    """How it stands with one order, and what can be done about it now."""
    talk = talk.offering(*_next_for(order, talk.shop.vendor_id))
    return talk.say(
        "order",
        code=order.code,
        shop=talk.shop.name,
        lines=order_lines(order),
        sums=sums_of(order),
        total=total_of(order),
        terms=terms_of(order, talk.shop),
        standing=(standing_of(order),),
        instructions=instructions_of(order, talk.shop),
        other=other_ways(talk.shop, talk.shop.vendor_id) if has_open_reference(order) else (),
    )


def _next_for(order: OrderView, vendor_id: str) -> tuple[Option, ...]:
    match order.status:
        case OrderStatus.DRAFT if order.lines:
            return (options.confirm(order, vendor_id), options.add_more(vendor_id))
        case OrderStatus.CONFIRMED if is_under_way(order):
            return ()  # the prompt is on the phone, or nobody knows yet: another PAY is not what is needed now
        case OrderStatus.CONFIRMED:
            return (options.pay(order.code, attempt_of(order), vendor_id),)
        case OrderStatus.PAID:
            return (options.receipt(order.code, vendor_id), options.show_menu(vendor_id))
        case OrderStatus.CANCELLED if was_paid_anyway(order):
            return (options.person(vendor_id), options.show_menu(vendor_id))
        case _:
            return (options.show_menu(vendor_id),)


# --- calling off -----------------------------------------------------------------------------------------------------


def on_cancel(talk: Talk, rest: str = "") -> Step:
    """CANCEL alone may be a phone company's stop word, or only meant for what was just asked: it changes no order."""
    return talk.with_state(replace(talk.state, payer_question=None)).say("cancel_hint")


def on_cancel_order(talk: Talk, rest: str) -> Step:
    """CANCEL ORDER, CANCEL ORDER <code>, or a number of the list "which order?"."""
    if is_list_number(rest):
        listing = talk.list_of(ListKind.CANCEL) or talk.list_of(ListKind.ORDERS) or talk.list_of(ListKind.PAY)
        entry = listing.pick(int(rest)) if listing else None
        code = entry.id if entry else read_code(rest)  # a code may be made of digits alone
        return cancel(talk, code) if code else talk.say("order_unknown", code=rest, shop=talk.shop.name)
    if " " in rest:  # a sentence: what to type is the answer
        return on_cancel(talk)
    return cancel(talk, rest or None)


def cancel(talk: Talk, code: str | None) -> Step:
    talk = talk.with_state(replace(talk.state, payer_question=None))
    talk = replace(talk, turn=replace(talk.turn, code=code))
    return talk.ask(Purpose.CANCEL, Cancel(talk.shop.vendor_id, code))


def cancel_came(talk: Talk, result: Result) -> Step:
    match result:
        case CancelResult():
            return _say_cancelled(talk, result)
        case ProblemBody(code=ErrorCode.NOTHING_TO_CANCEL):
            return talk.say("nothing_to_cancel", shop=talk.shop.name)
        case ProblemBody(code=ErrorCode.WHICH_ORDER) if orders_in(result):
            orders = orders_in(result)
            talk = talk.showing(order_listing(ListKind.CANCEL, orders, talk.shop.vendor_id, talk.now))
            talk = talk.offering(*options.of_orders(Action.CANCEL, orders, talk.shop.vendor_id))
            return talk.say("cancel_which", orders=order_choices(orders), example=orders[0].code)
        case ProblemBody(code=ErrorCode.ORDER_TRANSITION_REFUSED):
            order = order_in(result)
            if order is not None and order.status is OrderStatus.PAID:
                return talk.say("cannot_cancel_paid", code=order.code, shop=talk.shop.name)
            return refused(talk, result)
        case ProblemBody():
            return refused(talk, result)
        case _:
            return talk.say("our_mistake")


def _say_cancelled(talk: Talk, cancelled: CancelResult) -> Step:
    order = cancelled.order
    talk = talk.with_state(replace(talk.state.did(order.order_id, OrderStatus.CANCELLED), other=None))
    if cancelled.prompt_is_live:
        rail = rail_name(usual_push(order.currency))
        return talk.say("cancelled_prompt_live", code=order.code, total=total_of(order), shop=talk.shop.name, rail=rail)
    if cancelled.reference_is_live:
        return talk.say("cancelled_reference_live", code=order.code, shop=talk.shop.name)
    if order.confirmed_at is None:
        return talk.say("cancelled_cart")
    return talk.say("cancelled", code=order.code)
