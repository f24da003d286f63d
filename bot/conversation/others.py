"""Paying for somebody else, from one's own chat and one's own phone: what it is about is shown first, and YES agrees.

Nothing here can make the phone of anybody ring who did not write PAY and the code themselves."""

from dataclasses import replace

from bot.conversation import options
from bot.conversation.model import FindOther, FindShop, Pay, Reply, Result, Step
from bot.conversation.phones import spoken_msisdn
from bot.conversation.rails import rail_name, usual_push
from bot.conversation.refusals import refused
from bot.conversation.state import OtherQuestion, Purpose, Shop
from bot.conversation.talk import Talk
from contracts.errors import ErrorCode, ProblemBody
from contracts.money import Money
from contracts.router_api import OtherOrder, ShopView
from contracts.states import OrderStatus


def look(talk: Talk, code: str) -> Step:
    """That code is none of the customer's own orders: perhaps somebody asked them to pay it."""
    return talk.knowing(code=code).ask(Purpose.OTHER_ORDER, FindOther(talk.shop.vendor_id, code))


def on_pay_at(talk: Talk, rest: str) -> Step:
    """PAY <code> <shop's word>: whoever was asked to pay may never have been in that shop."""
    code, _, word = rest.partition(" ")
    return talk.knowing(code=code, text=word).ask(Purpose.PAY_AT, FindShop(word))


def shop_at_came(talk: Talk, result: Result) -> Step:
    match result:
        case ShopView():
            if talk.state.shop is None or talk.state.shop.vendor_id != result.vendor_id:
                talk = talk.with_state(talk.state.enter(Shop.of(result)))
            if talk.turn.is_late:
                return talk.say("pay_again")
            return look(talk, talk.turn.code or "")
        case ProblemBody(code=ErrorCode.SHOP_UNKNOWN):
            return talk.say("pay_alone")
        case ProblemBody():
            return refused(talk, result)
        case _:
            return talk.say("our_mistake")


def other_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return _not_another_s(talk, result)
    if not isinstance(result, OtherOrder):
        return talk.say("our_mistake")
    if result.status is not OrderStatus.CONFIRMED:
        return talk.say("other_closed", code=result.code, shop=talk.shop.name)
    if result.payer_msisdn is None:
        return talk.say("other_needs_number")
    shop = talk.shop
    question = OtherQuestion(shop.vendor_id, result.code, talk.now)
    talk = talk.with_state(replace(talk.state, other_question=question, payer_question=None, other=None))
    talk = talk.offering(options.pay_for_other(result.code, shop.vendor_id))
    return talk.say(
        "other_order",
        code=result.code,
        whose=whose(result.customer_name),
        shop=shop.name,
        total=Money(result.total_minor, result.currency),
        rail=rail_name(usual_push(result.currency)),
        phone=spoken_msisdn(result.payer_msisdn),
    )


def _not_another_s(talk: Talk, problem: ProblemBody) -> Step:
    """Where the shop was named with the code, it may be the customer's own order after all."""
    if problem.code == ErrorCode.ORDER_UNKNOWN and talk.turn.text and talk.turn.code:
        talk = replace(talk, turn=replace(talk.turn, text=""))
        return talk.ask(Purpose.PAY, Pay(talk.shop.vendor_id, talk.turn.code))
    return refused(talk, problem)


def whose(name: str) -> tuple[Reply, ...]:
    """The first name of whose order it is, or that it is somebody's."""
    return (Reply("whose_name", {"name": name}),) if name else (Reply("whose_somebody"),)


# --- the answer ------------------------------------------------------------------------------------------------------


def closed(talk: Talk) -> Talk:
    """Whatever else is said closes the question: a later YES must not pay for it."""
    if talk.state.other_question is None:
        return talk
    return talk.with_state(replace(talk.state, other_question=None))


def agreed(talk: Talk, code: str | None = None) -> Step | None:
    """YES, or the button with that code; None where nothing was asked."""
    question = talk.state.other_question
    is_open = question is not None and question.is_open(talk.now) and talk.state.shop is not None
    if question is None or not is_open or question.vendor_id != talk.shop.vendor_id:
        return None
    if code is not None and code != question.code:
        return None
    talk = closed(talk)
    if talk.turn.is_late:
        return talk.say("pay_again")
    talk = talk.knowing(code=question.code)
    return talk.ask(Purpose.PAY_FOR_OTHER, Pay(question.vendor_id, question.code, is_for_other=True))


def not_paying_for_other(talk: Talk, problem: ProblemBody) -> Step | None:
    """What has other words where the order is somebody else's; None for what has not."""
    match problem.code:
        case ErrorCode.PAYMENT_IN_PROGRESS:
            return talk.say("other_in_progress", code=talk.turn.code or "")
        case ErrorCode.ORDER_TRANSITION_REFUSED:
            return talk.say("other_closed", code=talk.turn.code or "", shop=talk.shop.name)
        case ErrorCode.PAYER_MISSING | ErrorCode.PAYER_INVALID:
            return talk.say("other_needs_number")
        case ErrorCode.ITEM_SOLD_OUT:
            return talk.say("pay_sold_out_short")
        case _:
            return None
