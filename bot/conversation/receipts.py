"""The receipt of a paid order: its text, and the same on paper for whoever taps for it."""

from dataclasses import replace
from datetime import datetime

from bot.conversation import options
from bot.conversation.model import Reply, Step
from bot.conversation.orders import say_order
from bot.conversation.rails import proof_of, rail_of
from bot.conversation.showing import local_time, order_lines, sums_of, terms_of, total_of
from bot.conversation.state import Shop
from bot.conversation.talk import Talk
from bot.replies.reply import Document, ReplyParam
from contracts.router_api import OrderView
from contracts.states import OrderStatus, Rail


def receipt_of(order: OrderView, shop_name: str, shop: Shop | None, paid_at: datetime) -> dict[str, ReplyParam]:
    """What fills a receipt; `day` is its time again, said with the year on paper, which is kept. `shop` tells the zone
    that it is read in, where it is known; `paid_at` stands in for a time that the order does not tell."""
    rail = rail_of(order)
    proof = proof_of(order.receipt, rail) if order.receipt else ()
    if not proof and rail is Rail.MPESA_STK:
        proof = (Reply("proof_in_sms"),)
    time = local_time(order.paid_at or paid_at, shop, order.currency)
    return {
        "shop": shop_name,
        "code": order.code,
        "lines": order_lines(order),
        "sums": sums_of(order),
        "total": total_of(order),
        "terms": terms_of(order, shop),
        "proof": proof,
        "time": time,
        "day": time,
    }


def show_receipt(talk: Talk, order: OrderView) -> Step:
    """On paper where the channel can, else as text; for an order that is not paid, how it stands."""
    if order.status is not OrderStatus.PAID:
        return say_order(talk, order)
    params = receipt_of(order, talk.shop.name, talk.shop, order.created_at)
    reply = Reply("receipt", {**params, "spare": ()}, document=Document("paper_receipt", params))
    return Step(replace(talk.state, turn=None, is_greeted=True), reply=reply)


def say_paid(talk: Talk, order: OrderView) -> Step:
    """To "I have paid": yes, in words, which every phone can show. The paper is a tap away, as no text can stand
    beside it."""
    if order.status is not OrderStatus.PAID:
        return say_order(talk, order)
    talk = talk.offering(options.receipt(order.code, talk.shop.vendor_id))
    proof = proof_of(order.receipt, rail_of(order)) if order.receipt else ()
    return talk.say("paid_seen", code=order.code, total=total_of(order), shop=talk.shop.name, proof=proof)
