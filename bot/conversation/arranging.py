"""What a cart may bring along: a note for the shop, a voucher, and the day that it is for."""

from datetime import datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from bot.conversation import options
from bot.conversation.model import ChooseDay, LeaveNote, Result, Step, UseVoucher
from bot.conversation.refusals import extra, refused
from bot.conversation.showing import local_time, sums_of, total_of
from bot.conversation.state import Purpose
from bot.conversation.talk import Talk
from bot.conversation.understanding.intents import Word, fold, parse
from bot.replies.words import WORDS
from contracts.errors import ErrorCode, ProblemBody
from contracts.money import Money
from contracts.router_api import MAX_NOTE_LENGTH, CartView, OpeningView, OrderView

_MAX_CODE = 40
_OPENING = TypeAdapter(OpeningView)
_MOMENT = TypeAdapter(datetime)
_TAKEN_AWAY = (Word.NO, Word.REMOVE)
_NONE = frozenset(
    ("none", "hakuna", "nenhum", *(fold(words[meaning]) for words in WORDS.values() for meaning in ("no", "remove")))
)
"""In place of a voucher's code. Every other word may be one: NOPE, LATER."""


def _takes_away(rest: str) -> bool:
    """NOTE NO, VOUCHER REMOVE."""
    intent = parse(rest)
    return intent.word in _TAKEN_AWAY and not intent.rest


def on_note(talk: Talk, rest: str) -> Step:
    if not rest:
        return talk.say("note_how")
    note = "" if _takes_away(rest) else " ".join(rest.split())
    if len(note) > MAX_NOTE_LENGTH:
        return talk.say("note_too_long", most=MAX_NOTE_LENGTH)
    return talk.ask(Purpose.NOTE, LeaveNote(talk.shop.vendor_id, note))


def note_left(talk: Talk, result: Result) -> Step:
    cart = _cart(talk, result)
    if not isinstance(cart, OrderView):
        return cart
    talk = _offering(talk, cart)
    return talk.say("note_kept", description=cart.note) if cart.note else talk.say("note_removed")


def on_voucher(talk: Talk, rest: str) -> Step:
    if not rest:
        return talk.say("voucher_how")
    is_none = _takes_away(rest) if " " in rest else fold(rest) in _NONE
    code = None if is_none else rest[:_MAX_CODE]
    return talk.knowing(text=rest).ask(Purpose.VOUCHER, UseVoucher(talk.shop.vendor_id, code))


def voucher_used(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return _voucher_refused(talk, result)
    cart = _cart(talk, result)
    if not isinstance(cart, OrderView):
        return cart
    talk = _offering(talk, cart)
    if cart.discount is None:
        return talk.say("voucher_removed", total=total_of(cart))
    return talk.say("voucher_kept", voucher=cart.discount.code, sums=sums_of(cart), total=total_of(cart))


def _voucher_refused(talk: Talk, problem: ProblemBody) -> Step:
    voucher, shop = talk.turn.text.upper(), talk.shop
    match problem.code:
        case ErrorCode.VOUCHER_UNKNOWN:
            return talk.say("voucher_unknown", voucher=voucher, shop=shop.name)
        case ErrorCode.VOUCHER_EXPIRED:
            starts_at = _moment(extra(problem, "starts_at"))
            if starts_at is None:
                return talk.say("voucher_expired", voucher=voucher)
            return talk.say("voucher_early", voucher=voucher, time=local_time(starts_at, shop, shop.currency))
        case ErrorCode.VOUCHER_USED_UP if extra(problem, "by_customer") is True:
            return talk.say("voucher_yours_used", voucher=voucher)
        case ErrorCode.VOUCHER_USED_UP:
            return talk.say("voucher_used_up", voucher=voucher)
        case ErrorCode.VOUCHER_MINIMUM:
            minimum, subtotal = extra(problem, "minimum_minor"), extra(problem, "subtotal_minor")
            if not isinstance(minimum, int) or not isinstance(subtotal, int):
                return refused(talk, problem)
            amounts = Money(minimum, shop.currency), Money(subtotal, shop.currency)
            return talk.say("voucher_minimum", voucher=voucher, minimum=amounts[0], subtotal=amounts[1])
        case ErrorCode.CART_EMPTY:
            return talk.say("terms_need_cart", shop=shop.name)
        case _:
            return refused(talk, problem)


def _moment(value: object) -> datetime | None:
    try:
        moment = _MOMENT.validate_python(value)
    except ValidationError:
        return None
    return moment if moment.tzinfo is not None else None


def on_tomorrow(talk: Talk, rest: str = "") -> Step:
    """TOMORROW: the order is for the shop's next day."""
    shop = talk.shop
    day = local_time(talk.now, shop, shop.currency).date() + timedelta(days=1)
    return talk.ask(Purpose.DAY, ChooseDay(shop.vendor_id, day))


def on_today(talk: Talk, rest: str = "") -> Step:
    """TODAY, "not tomorrow": as soon as possible after all."""
    return talk.ask(Purpose.DAY, ChooseDay(talk.shop.vendor_id, None))


def day_chosen(talk: Talk, result: Result) -> Step:
    shop = talk.shop
    if isinstance(result, ProblemBody) and result.code == ErrorCode.SHOP_CLOSED:
        opens_at = opens_at_in(result)
        if opens_at is None:
            return talk.say("day_closed_long", shop=shop.name)
        return talk.say("day_closed", shop=shop.name, time=local_time(opens_at, shop, shop.currency))
    cart = _cart(talk, result)
    if not isinstance(cart, OrderView):
        return cart
    if cart.scheduled_for is None:
        return _offering(talk, cart).say("day_soon")
    return _offering(talk, cart).say("day_kept", time=local_time(cart.scheduled_for, shop, shop.currency))


def opens_at_in(problem: ProblemBody) -> datetime | None:
    try:
        return _OPENING.validate_python(extra(problem, "opening")).opens_at
    except ValidationError:
        return None


def _cart(talk: Talk, result: Result) -> OrderView | Step:
    """The cart after the change, or what is said in place of it."""
    if isinstance(result, ProblemBody):
        if result.code == ErrorCode.CART_EMPTY:
            return talk.say("terms_need_cart", shop=talk.shop.name)
        return refused(talk, result)
    if not isinstance(result, CartView) or result.cart is None:
        return talk.say("our_mistake")
    return result.cart if result.cart.lines else talk.say("terms_need_cart", shop=talk.shop.name)


def _offering(talk: Talk, cart: OrderView) -> Talk:
    vendor_id = talk.shop.vendor_id
    return talk.offering(options.confirm(cart, vendor_id), options.show_cart(vendor_id), options.add_more(vendor_id))
