"""Paying by hand, to the shop's own paybill or till: for whoever asks how, or whose phone won't take a prompt.

The numbers are those that the shop shows to everybody. Nothing is charged by anything here."""

from dataclasses import replace

from bot.conversation.model import ListOrders, Reply, Result, Step
from bot.conversation.refusals import refused
from bot.conversation.showing import total_of
from bot.conversation.state import Purpose, Shop
from bot.conversation.talk import Talk
from contracts.errors import ProblemBody
from contracts.router_api import OrderList, OrderView
from contracts.states import OrderStatus

_SHOWN = 3
_TRIES_LEFT = 1
"""Of the three of a day: with no more left, two prompts did not do."""


def on_pay_asked(talk: Talk, rest: str = "") -> Step:
    """Something about paying, which is not PAY: how it is done, and nothing is charged."""
    if not (talk.shop.paybill or talk.shop.till):
        return talk.say("say_pay")
    return talk.ask(Purpose.PAY_ASKED, ListOrders(talk.shop.vendor_id))


def orders_to_pay_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, OrderList):
        return talk.say("our_mistake")
    waiting = [order for order in result.orders if order.status is OrderStatus.CONFIRMED][:_SHOWN]
    step = talk.say("say_pay")
    if step.reply is None:
        return step
    ways = tuple(way for order in waiting for way in pay_by_hand(order, talk.shop))
    return replace(step, reply=replace(step.reply, postscript=ways))


def pay_by_hand(order: OrderView, shop: Shop | None) -> tuple[Reply, ...]:
    """Where to, how much and with which account; nothing where the shop takes none."""
    if shop is None or order.status is not OrderStatus.CONFIRMED:
        return ()
    if shop.paybill:
        return (Reply("by_hand_paybill", {"phone": shop.paybill, "code": order.code, "total": total_of(order)}),)
    if shop.till:
        return (Reply("by_hand_till", {"phone": shop.till, "code": order.code, "total": total_of(order)}),)
    return ()


def after_prompts(order: OrderView, shop: Shop | None) -> tuple[Reply, ...]:
    """The same, once two tries of the day are used and the last came to nothing."""
    payment = order.payment
    if payment is None or payment.attempts_left_today > _TRIES_LEFT:
        return ()
    return pay_by_hand(order, shop)
