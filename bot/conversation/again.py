"""The same as last time: an earlier order's things into the cart, as far as they can be had."""

from collections.abc import Iterable

from pydantic import TypeAdapter, ValidationError

from bot.conversation import options
from bot.conversation.model import OrderAgain, Reply, Result, ShowCart, Step
from bot.conversation.refusals import extra, refused
from bot.conversation.showing import cart_lines, cart_listing, delivery_hint, filled_cart, sums_of, terms_of, total_of
from bot.conversation.state import ListKind, Purpose
from bot.conversation.talk import Talk
from bot.conversation.understanding.intents import read_code
from contracts.errors import ErrorCode, ProblemBody
from contracts.router_api import CartView, LeftOut, ReorderResult
from contracts.states import LeftOutReason

_LEFT_OUT = TypeAdapter(list[LeftOut])
_MAX_LEFT = 20
_ONTO = "onto"


def on_reorder(talk: Talk, rest: str = "") -> Step:
    """REORDER, "same as last time"; with a code, that order."""
    code = read_code(rest) if rest else None
    talk = talk.knowing(code=code or rest[:20])
    return talk.ask(Purpose.AGAIN_CART, ShowCart(talk.shop.vendor_id))


def cart_before_came(talk: Talk, result: Result) -> Step:
    """What is in the cart already stays there, which the answer must not hide."""
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, CartView):
        return talk.say("our_mistake")
    if filled_cart(result) is not None:
        talk = talk.knowing(heading=_ONTO)
    return talk.ask(Purpose.AGAIN, OrderAgain(talk.shop.vendor_id, talk.turn.code or None))


def reordered(talk: Talk, result: Result) -> Step:
    shop = talk.shop
    if isinstance(result, ProblemBody):
        if result.code != ErrorCode.NOTHING_TO_REORDER:
            return refused(talk, result)
        left = _lines(_left_in(result))
        talk = talk.offering(options.show_menu(shop.vendor_id))
        return talk.say("reorder_left", left=left) if left else talk.say("reorder_none", shop=shop.name)
    cart = filled_cart(result) if isinstance(result, ReorderResult) else None
    if not isinstance(result, ReorderResult) or cart is None:
        return talk.say("our_mistake")
    talk = talk.showing(cart_listing(ListKind.CART, cart, shop.vendor_id, talk.now))
    talk = talk.offering(options.confirm(cart, shop.vendor_id), options.add_more(shop.vendor_id))
    if shop.delivers:
        talk = talk.offering(*talk.options, options.fulfilment(cart, shop.vendor_id))
    left = _lines(result.left_out)
    return talk.say(
        "reordered",
        what=(Reply("reorder_onto" if talk.turn.heading == _ONTO else "reorder_alone", {"code": result.from_code}),),
        lines=cart_lines(cart),
        sums=sums_of(cart),
        total=total_of(cart),
        terms=terms_of(cart, shop) or delivery_hint(cart, shop),
        prices=(Reply("prices_changed"),) if result.prices_changed else (),
        left=(Reply("left_out", {"left": left}),) if left else (),
    )


def _left_in(problem: ProblemBody) -> list[LeftOut]:
    try:
        return _LEFT_OUT.validate_python(extra(problem, "left_out"))
    except ValidationError:
        return []


def _lines(left_out: Iterable[LeftOut]) -> tuple[Reply, ...]:
    return tuple(_line(left) for left in list(left_out)[:_MAX_LEFT])


def _line(left: LeftOut) -> Reply:
    if left.added > 0:
        return Reply("left_some", {"item": left.name, "quantity": left.added, "wanted": left.wanted})
    match left.reason:
        case LeftOutReason.SOLD_OUT:
            return Reply("left_sold_out", {"item": left.name})
        case LeftOutReason.TOO_MANY:
            return Reply("left_too_many", {"item": left.name})
        case LeftOutReason.GONE | LeftOutReason.NO_ITEM:
            return Reply("left_gone", {"item": left.name})
