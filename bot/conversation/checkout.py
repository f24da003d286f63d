"""Confirming an order. Nothing here asks for a charge."""

from dataclasses import replace

from bot.conversation import options
from bot.conversation.model import Confirm, Reply, Result, ShowCart, Step
from bot.conversation.rails import how_it_is_paid, whose_phone_rings
from bot.conversation.refusals import available_in, item_in, refused
from bot.conversation.showing import filled_cart, local_time, order_lines, sums_of, terms_of, total_of, unpaid_notes
from bot.conversation.state import Purpose
from bot.conversation.talk import Talk
from bot.conversation.taps import attempt_of
from contracts.errors import ErrorCode, ProblemBody
from contracts.router_api import CartView, OrderView


def on_confirm(talk: Talk, rest: str = "") -> Step:
    return talk.ask(Purpose.CONFIRM, Confirm(talk.shop.vendor_id))


def on_confirm_unclear(talk: Talk, rest: str) -> Step:
    return talk.say("confirm_alone")


def confirmed(talk: Talk, result: Result) -> Step:
    match result:
        case OrderView():
            return _say_confirmed(talk, result)
        case ProblemBody(code=ErrorCode.CART_EMPTY):
            return talk.ask(Purpose.CONFIRM_EMPTY, ShowCart(talk.shop.vendor_id))
        case ProblemBody(code=ErrorCode.ITEM_SOLD_OUT) if item_in(result):
            item, available = item_in(result), available_in(result)
            if available > 0:
                return talk.say("confirm_only_left", item=item, available=available)
            return talk.say("confirm_sold_out", item=item)
        case ProblemBody():
            return refused(talk, result)
        case _:
            return talk.say("our_mistake")


def _say_confirmed(talk: Talk, order: OrderView) -> Step:
    shop = talk.shop
    talk = talk.with_state(replace(talk.state.did(order.order_id, order.status), other=None, place_question=None))
    hold: tuple[Reply, ...] = ()
    if order.hold_expires_at is not None:
        hold = (Reply("held_until", {"time": local_time(order.hold_expires_at, shop, order.currency)}),)
    talk = talk.offering(options.pay(order.code, attempt_of(order), shop.vendor_id))
    return talk.say(
        "confirmed",
        code=order.code,
        shop=shop.name,
        lines=order_lines(order),
        sums=sums_of(order),
        total=total_of(order),
        terms=terms_of(order, shop),
        hold=hold,
        payer=_who_is_asked(talk),
        how=how_it_is_paid(shop.rails),
    )


def _who_is_asked(talk: Talk) -> tuple[Reply, ...]:
    """Whose phone will ring, where that is known by now."""
    shop = talk.shop
    if len(shop.rails) != 1:
        return ()
    return whose_phone_rings(shop.rails, shop.currency, talk.turn.own_msisdn, talk.state.payer)


def confirm_was_empty(talk: Talk, result: Result) -> Step:
    """Perhaps because it was confirmed a moment ago."""
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if isinstance(result, CartView) and result.unpaid:
        return talk.say("confirm_already", unpaid=unpaid_notes(result.unpaid))
    if isinstance(result, CartView) and filled_cart(result) is None:
        return talk.say("confirm_empty")
    return talk.say("our_mistake")
