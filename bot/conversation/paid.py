""" "I have paid": answered from the router's books, whatever the customer hopes."""

import re
from datetime import timedelta

from bot.conversation import options
from bot.conversation.model import ListOrders, NameReceipt, Reply, Result, Step
from bot.conversation.orders import orders_came, say_order
from bot.conversation.rails import answer_there, rail_name, rail_of, rings
from bot.conversation.receipts import say_paid
from bot.conversation.refusals import refused
from bot.conversation.showing import total_of
from bot.conversation.standing import has_open_reference, was_paid_anyway
from bot.conversation.state import Purpose
from bot.conversation.talk import Talk
from bot.conversation.taps import attempt_of, is_under_way
from contracts.claims import ReceiptStanding, ReceiptView
from contracts.errors import ProblemBody
from contracts.router_api import OrderList, OrderView
from contracts.states import IntentStatus, OrderStatus, Rail

_JUST_NOW = timedelta(minutes=30)
_RECEIPT = re.compile(r"\b(?=[A-Z]{0,9}[0-9])[A-Z][A-Z0-9]{9}\b")
"""As M-Pesa makes them: ten letters and digits, of which the first is a letter and one a digit."""
_SETTLING = timedelta(days=3)
"""So long money for an order that was called off is likely what somebody speaks of."""


def on_paid(talk: Talk, rest: str = "") -> Step:
    """Perhaps with the code of the M-Pesa message: it is looked for, and proves nothing by itself."""
    receipt = _RECEIPT.search(rest.upper())
    if receipt is None:
        return _look(talk)
    return talk.knowing(text=receipt[0]).ask(Purpose.RECEIPT, NameReceipt(talk.shop.vendor_id, receipt[0]))


def _look(talk: Talk) -> Step:
    return talk.ask(Purpose.PAID, ListOrders(talk.shop.vendor_id))


def receipt_came(talk: Talk, result: Result) -> Step:
    """What is known of the money with that code: no amount and no payer, for whoever asks may only have read it."""
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, ReceiptView):
        return talk.say("our_mistake")
    shop, receipt = talk.shop, talk.turn.text
    match result.standing:
        case ReceiptStanding.PAID if result.is_for_other and result.order_code is not None:
            return talk.say("receipt_paid_other", receipt=receipt, code=result.order_code, shop=shop.name)
        case ReceiptStanding.PAID:
            return _look(talk.knowing(code=result.order_code))
        case ReceiptStanding.WAITING:
            return talk.say("receipt_waiting", receipt=receipt, shop=shop.name)
        case ReceiptStanding.SETTLED:
            talk = talk.offering(options.person(shop.vendor_id))
            return talk.say("receipt_settled", receipt=receipt, shop=shop.name)
        case ReceiptStanding.UNKNOWN:
            return _look(talk)


def paid_came(talk: Talk, result: Result) -> Step:
    """About the order that they most likely mean: one that is being paid, one that was just paid, one that waits."""
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, OrderList):
        return talk.say("our_mistake")
    proven = next((order for order in result.orders if order.receipt and order.receipt == talk.turn.text), None)
    if proven is not None:
        return say_paid(talk, proven)
    code = talk.turn.code
    if code is not None:  # it paid an order that is too long ago for this list
        talk = talk.offering(options.receipt(code, talk.shop.vendor_id))
        return talk.say("receipt_paid", receipt=talk.turn.text, code=code, shop=talk.shop.name)
    waiting = [order for order in result.orders if order.status is OrderStatus.CONFIRMED]
    under_way = [order for order in waiting if is_under_way(order)]
    paid = [order for order in result.orders if order.status is OrderStatus.PAID]
    just_paid = [order for order in paid if order.paid_at is not None and talk.now - order.paid_at < _JUST_NOW]
    lately = talk.now - _SETTLING
    called_off = [order for order in result.orders if was_paid_anyway(order) and order.created_at > lately]
    meant = [*under_way, *just_paid, *waiting, *called_off, *paid]
    if not meant:
        return orders_came(talk, result)
    if len([*waiting, *called_off]) > 1 and not under_way and not just_paid:
        return orders_came(talk, result)
    return _answer(talk, meant[0])


def _answer(talk: Talk, order: OrderView) -> Step:
    payment, rail = order.payment, rail_of(order)
    if order.status is OrderStatus.PAID:
        return say_paid(talk, order)
    if was_paid_anyway(order):
        return say_order(talk, order)
    if payment is not None and payment.intent_status in (IntentStatus.UNKNOWN, IntentStatus.SUCCEEDED):
        return talk.say("payment_being_checked", code=order.code, rail=rail_name(rail))
    if is_under_way(order) and payment is not None and payment.is_by_other:
        return talk.say("payment_by_other", code=order.code)
    if is_under_way(order) and rings(rail):
        return talk.say(
            "paid_waiting",
            code=order.code,
            total=total_of(order),
            shop=talk.shop.name,
            rail=rail_name(rail),
            answer=answer_there(rail),
        )
    if is_under_way(order) or has_open_reference(order):
        return say_order(talk, order)
    return _nothing_seen(talk, order)


def _nothing_seen(talk: Talk, order: OrderView) -> Step:
    shop = talk.shop
    by_hand = (Reply("paid_by_hand", {"code": order.code}),) if Rail.MPESA_STK in shop.rails else ()
    talk = talk.offering(options.pay(order.code, attempt_of(order), shop.vendor_id), options.person(shop.vendor_id))
    return talk.say("paid_not_seen", code=order.code, total=total_of(order), shop=shop.name, by_hand=by_hand)
