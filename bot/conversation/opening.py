"""Whether the shop is open, asked in the chat."""

from bot.conversation.model import FindShop, Result, Step
from bot.conversation.refusals import refused
from bot.conversation.showing import local_time
from bot.conversation.state import Purpose
from bot.conversation.talk import Talk
from contracts.errors import ProblemBody
from contracts.router_api import ShopView


def on_hours(talk: Talk, rest: str = "") -> Step:
    return talk.ask(Purpose.HOURS, FindShop(talk.shop.word))


def hours_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, ShopView):
        return talk.say("our_mistake")
    shop, opening = talk.shop, result.opening
    if opening is None:
        return talk.say("hours_asked", shop=shop.name)
    if opening.is_open and opening.closes_at is None:
        return talk.say("hours_open_always", shop=shop.name)
    if opening.is_open and opening.closes_at is not None:
        return talk.say("hours_open", shop=shop.name, time=local_time(opening.closes_at, shop, shop.currency))
    if opening.opens_at is None:
        return talk.say("hours_closed_long", shop=shop.name)
    return talk.say("hours_closed", shop=shop.name, time=local_time(opening.opens_at, shop, shop.currency))
