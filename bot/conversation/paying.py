"""Paying. Only a written PAY, a number from "which order?" or "which way?", or the phone number that was asked for
after a PAY leads to a charge; nothing else here asks for one."""

from collections.abc import Sequence
from dataclasses import replace

from bot.conversation import options, others
from bot.conversation.catalogue import on_text
from bot.conversation.model import FindShop, ListOrders, Pay, Reply, Result, Step
from bot.conversation.phones import is_of, read_msisdn, spoken_msisdn
from bot.conversation.rails import (
    answer_there,
    how_to_pay_it,
    other_ways,
    rail_lines,
    rail_listing,
    rail_name,
    rail_of,
    rings,
    usual_push,
    usual_rail,
    what_it_gives,
    whose_phone_rings,
)
from bot.conversation.refusals import item_in, order_in, orders_in, rails_in, refused
from bot.conversation.showing import order_choices, order_lines, order_listing, sums_of, terms_of, total_of
from bot.conversation.state import Entry, Listing, ListKind, PayerQuestion, Purpose, Shop
from bot.conversation.talk import Talk
from bot.conversation.taps import Action, attempt_of
from bot.conversation.understanding.intents import is_list_number, looks_like_phone, named_rail, phone_within, read_code
from contracts.errors import ErrorCode, ProblemBody
from contracts.router_api import OrderList, OrderView, ShopView
from contracts.states import IntentStatus, OrderStatus, Rail

_TOO_LONG_FOR_A_LINE = 5
"""Digits. Four of them may be a PIN, which is warned of."""


def on_pay(talk: Talk, rest: str) -> Step:
    """PAY, PAY <code>, PAY <number> of "which order?" or "which way?", PAY <phone number> where one was asked for."""
    if looks_like_phone(rest):
        question = talk.state.payer_question
        is_asked_for = question is not None and question.is_open(talk.now)
        return _pay_from(talk, rest, question if is_asked_for else None)
    if is_list_number(rest):
        listing = talk.list_of(ListKind.PAY) or talk.list_of(ListKind.RAIL)
        entry = listing.pick(int(rest)) if listing else None
        if listing is not None and entry is not None:
            return pay_entry(talk, listing, entry)
        code = read_code(rest)  # a code may be made of digits alone
        return pay(talk, code) if code else talk.say("pay_alone")
    return pay(talk, rest or None)


def on_pay_by(talk: Talk, rest: str) -> Step:
    """PAY and the name of a way to pay."""
    listing = talk.list_of(ListKind.RAIL)
    return pay(talk, listing.code if listing else None, rail=Rail(rest))


def on_way_named(talk: Talk, text: str) -> Step:
    """The name of a way to pay is an answer where that was just asked; else it is what anything else is."""
    rail = named_rail(text) if talk.list_of(ListKind.RAIL) is not None else None
    return on_text(talk, text) if rail is None else on_pay_by(talk, rail)


def pay_entry(talk: Talk, listing: Listing, entry: Entry) -> Step:
    """A line of "which order?" or of "which way?"."""
    if listing.kind is ListKind.RAIL:
        return pay(talk, listing.code, rail=Rail(entry.id))
    return pay(talk, entry.id, rail=listing.rail)


def on_pay_unclear(talk: Talk, rest: str) -> Step:
    return talk.say("pay_alone")


def on_phone(talk: Talk, rest: str) -> Step:
    """A phone number alone: the answer to our question, else nothing."""
    question = talk.state.payer_question
    if question is None or not question.is_open(talk.now) or question.vendor_id != talk.shop.vendor_id:
        return talk.say("phone_not_asked")
    return _pay_from(talk, rest, question)


def no_phone(talk: Talk, text: str) -> Step | None:
    """Digits that are too few for the phone number that was asked for, and no line of a list; None for others."""
    question, digits = talk.state.payer_question, sum(char.isdigit() for char in text)
    if question is None or not question.is_open(talk.now) or talk.state.shop is None:
        return None
    looks_begun = digits >= _TOO_LONG_FOR_A_LINE or (text.startswith("0") and digits > 1)
    if question.vendor_id != talk.shop.vendor_id or not looks_begun:
        return None
    return _ask_payer_again(talk, question.code, question.rail)


def number_in_words(talk: Talk, text: str) -> Step | None:
    """A phone number within a sentence, where one was asked for: a sentence charges nothing, so the number alone is
    asked for. None where there is none, or it can't be charged here."""
    question, phone = talk.state.payer_question, phone_within(text)
    if question is None or phone is None or not question.is_open(talk.now) or talk.state.shop is None:
        return None
    msisdn = read_msisdn(phone, talk.shop.currency)
    if question.vendor_id != talk.shop.vendor_id or msisdn is None or not is_of(msisdn, talk.shop.currency):
        return None
    question = replace(question, asked_at=talk.now)
    talk = talk.with_state(replace(talk.state, payer_question=question))
    return talk.say("payer_alone", phone=spoken_msisdn(msisdn))


def _pay_from(talk: Talk, phone: str, question: PayerQuestion | None) -> Step:
    code, rail = (question.code, question.rail) if question is not None else (None, None)
    if rail is None and len(talk.shop.rails) > 1:
        rail = usual_push(talk.shop.currency)  # a number was named: it is a phone that is meant to ring
    msisdn = read_msisdn(phone, talk.shop.currency)
    if msisdn is None:
        return _ask_payer_again(talk, code, rail)
    return pay(talk, code, payer=msisdn, rail=rail)


def _kept_payer(talk: Talk) -> str | None:
    """The number that the customer gave us, where it is needed: the chat shows none that can be charged here."""
    currency, own, kept = talk.shop.currency, talk.turn.own_msisdn, talk.state.payer
    if own is not None and is_of(own, currency):
        return None
    return kept if kept is not None and is_of(kept, currency) else None


def pay(talk: Talk, code: str | None, payer: str | None = None, rail: Rail | None = None) -> Step:
    """The customer wants to pay now. A message that had to wait was "now" then, so it is asked for once more."""
    if talk.turn.is_late:
        return talk.say("pay_again")
    if rail is None or rings(rail):
        payer = payer or _kept_payer(talk)
    talk = talk.with_state(replace(talk.state, payer_question=None))
    talk = replace(talk, turn=replace(talk.turn, code=code, payer=payer, rail=rail))
    return talk.ask(Purpose.PAY, Pay(talk.shop.vendor_id, code, payer, rail))


# --- another way -----------------------------------------------------------------------------------------------------


def on_pay_other(talk: Talk, rest: str = "") -> Step:
    """Asks again which way, after an earlier choice or an earlier try."""
    talk = talk.knowing(code=rest)
    return talk.ask(Purpose.PAY_OTHER, FindShop(talk.shop.word))


def ways_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, ShopView) or result.vendor_id != talk.shop.vendor_id:
        return talk.say("our_mistake")
    rails = tuple(result.rails)
    talk = talk.with_state(talk.state.with_rails(result.vendor_id, rails))
    if len(rails) < 2:
        return talk.say("no_other_way", shop=talk.shop.name)
    return talk.ask(Purpose.PAY_OTHER_ORDER, ListOrders(talk.shop.vendor_id))


def order_for_ways_came(talk: Talk, result: Result) -> Step:
    """What would be paid is said with the ways, where it is clear which order that is."""
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, OrderList):
        return talk.say("our_mistake")
    waiting = [order for order in result.orders if order.status is OrderStatus.CONFIRMED]
    code = talk.turn.code or None
    meant = [order for order in waiting if order.code == code] if code is not None else waiting
    if len(meant) == 1:
        return _ask_which_way(talk, meant[0], talk.shop.rails)
    return _offering(talk, talk.shop.rails, code).say("pay_how_other", ways=rail_lines(talk.shop.rails))


def on_other_payer(talk: Talk, code: str) -> Step:
    """Another phone for that order: one more of the customer's own, where the chat shows none; else somebody else's,
    who pays from their own chat."""
    own, shop = talk.turn.own_msisdn, talk.shop
    if own is None or not is_of(own, shop.currency):
        return _ask_payer(talk.with_state(replace(talk.state, payer=None)), code, None, "missing")
    return talk.say("other_payer", code=code, word=shop.word.upper())


def _offering(talk: Talk, rails: Sequence[Rail], code: str | None, order: OrderView | None = None) -> Talk:
    talk = talk.with_state(talk.state.with_rails(talk.shop.vendor_id, tuple(rails)))
    talk = talk.offering(*options.of_rails(rails, talk.shop.vendor_id, order, code))
    return talk.showing(rail_listing(rails, talk.shop.vendor_id, talk.now, code))


# --- what the router says to it --------------------------------------------------------------------------------------


def not_paying(talk: Talk, problem: ProblemBody) -> Step:
    shop, order, rail = talk.shop, order_in(problem), _rail_asked(talk)
    match problem.code:
        case ErrorCode.NOTHING_TO_PAY:
            return talk.say("nothing_to_pay", shop=shop.name)
        case ErrorCode.NOT_CONFIRMED if order is not None and order.lines:
            talk = talk.offering(options.confirm(order, shop.vendor_id), options.add_more(shop.vendor_id))
            return talk.say(
                "confirm_first",
                lines=order_lines(order),
                sums=sums_of(order),
                total=total_of(order),
                terms=terms_of(order, shop),
            )
        case ErrorCode.NOT_CONFIRMED:
            return talk.say("confirm_first_short")
        case ErrorCode.WHICH_ORDER if orders_in(problem):
            orders = orders_in(problem)
            listing = order_listing(ListKind.PAY, orders, shop.vendor_id, talk.now)
            talk = talk.showing(replace(listing, rail=talk.turn.rail))
            talk = talk.offering(*options.of_orders(Action.PAY, orders, shop.vendor_id, talk.turn.rail))
            return talk.say(
                "pay_which",
                shop=shop.name,
                orders=order_choices(orders),
                payer=_who_is_asked(talk, shop.rails if len(shop.rails) == 1 else ()),
                example=orders[0].code,
            )
        case ErrorCode.WHICH_RAIL if rails_in(problem):
            return _ask_which_way(talk, order, rails_in(problem))
        case ErrorCode.PAYMENT_IN_PROGRESS:
            return _in_progress(talk, order)
        case ErrorCode.ATTEMPTS_EXHAUSTED:
            return talk.offering(options.person(shop.vendor_id)).say("attempts_exhausted")
        case ErrorCode.PAYER_BUSY:
            return talk.say("payer_busy")
        case ErrorCode.PAYER_MISSING:
            return _ask_payer(talk, talk.turn.code, talk.turn.rail, "missing")
        case ErrorCode.PAYER_NOT_AGREED:
            return _must_agree(talk, order)
        case ErrorCode.TOO_MANY_PAYERS:
            return talk.with_state(replace(talk.state, payer=None)).say("too_many_payers")
        case ErrorCode.ORDER_UNKNOWN if talk.turn.code:
            return others.look(talk, talk.turn.code)
        case ErrorCode.PAYER_INVALID:
            return _ask_payer_again(talk, talk.turn.code, talk.turn.rail)
        case ErrorCode.RAIL_UNAVAILABLE if rails_in(problem):
            talk = _offering(talk, rails_in(problem), talk.turn.code)
            ways = rail_lines(rails_in(problem))
            return talk.say("rail_unavailable_others", shop=shop.name, rail=rail_name(rail), ways=ways)
        case ErrorCode.RAIL_UNAVAILABLE:
            return talk.say("rail_unavailable", shop=shop.name, rail=rail_name(rail))
        case ErrorCode.AMOUNT_INVALID:
            return talk.say("amount_invalid", shop=shop.name, rail=rail_name(rail))
        case ErrorCode.ITEM_SOLD_OUT if item_in(problem):
            return talk.say("pay_sold_out", item=item_in(problem))
        case ErrorCode.ITEM_SOLD_OUT:
            return talk.say("pay_sold_out_short")
        case _:
            return refused(talk, problem)


def _rail_asked(talk: Talk) -> Rail:
    if talk.turn.rail is not None:
        return talk.turn.rail
    rails = talk.shop.rails
    return rails[0] if len(rails) == 1 else usual_rail(talk.shop.currency)


def _ask_which_way(talk: Talk, order: OrderView | None, rails: Sequence[Rail]) -> Step:
    code = order.code if order is not None else talk.turn.code
    talk = _offering(talk, rails, code, order)
    if order is None:
        return talk.say("pay_how_other", ways=rail_lines(rails))
    return talk.say(
        "pay_how",
        total=total_of(order),
        shop=talk.shop.name,
        code=order.code,
        ways=rail_lines(rails),
        payer=_who_is_asked(talk, rails),
    )


def _who_is_asked(talk: Talk, rails: Sequence[Rail]) -> tuple[Reply, ...]:
    return whose_phone_rings(rails, talk.shop.currency, talk.turn.own_msisdn, talk.turn.payer or talk.state.payer)


def _in_progress(talk: Talk, order: OrderView | None) -> Step:
    if order is None or order.payment is None:
        return talk.say("payment_in_progress_short")
    payment, code, rail = order.payment, order.code, rail_of(order)
    if payment.instructions is not None and (not rings(rail) or talk.turn.rail is payment.instructions_rail):
        return _repeat(talk, order)
    if payment.is_by_other and payment.intent_status is not IntentStatus.UNKNOWN:
        return talk.say("payment_by_other", code=code)
    if payment.intent_status is IntentStatus.UNKNOWN:
        return talk.say("payment_being_checked", code=code, rail=rail_name(rail))
    if payment.intent_id in talk.state.told_intents:
        # We know already that this try failed; the router is about to hear it, too.
        return talk.say("payment_closing", code=code)
    if not rings(rail):
        return talk.say("reference_coming", code=code, what=what_it_gives(rail))
    return talk.say("payment_in_progress", code=code, rail=rail_name(rail), answer=answer_there(rail))


def _repeat(talk: Talk, order: OrderView) -> Step:
    """The reference is still good: the same instructions, and the way out."""
    shop = talk.shop
    return talk.say(
        "reference_open",
        code=order.code,
        instructions=instructions_of(order, shop),
        other=other_ways(shop, shop.vendor_id),
    )


def instructions_of(order: OrderView, shop: Shop) -> tuple[Reply, ...]:
    """How to pay the order's reference that is still open; nothing where there is none."""
    payment = order.payment
    if payment is None or payment.instructions is None or order.status is not OrderStatus.CONFIRMED:
        return ()
    rail = payment.instructions_rail or rail_of(order)
    return how_to_pay_it(payment.instructions, rail, total_of(order), shop, has_picture=False)


def _ask_payer(talk: Talk, code: str | None, rail: Rail | None, why: str) -> Step:
    question = PayerQuestion(talk.shop.vendor_id, code, talk.now, rail)
    talk = talk.with_state(replace(talk.state, payer_question=question))
    is_mpesa = (rail or usual_push(talk.shop.currency)) is Rail.MPESA_STK
    if why == "missing":
        return talk.say("ask_payer") if is_mpesa else talk.say("ask_payer_gpo")
    return talk.say("payer_invalid") if is_mpesa else talk.say("payer_invalid_gpo")


def _must_agree(talk: Talk, order: OrderView | None) -> Step:
    """The number is not the customer's own: its owner pays, from their own chat. It is forgotten."""
    shop, own = talk.shop, talk.turn.own_msisdn
    code, phone = (order.code if order is not None else talk.turn.code), talk.turn.payer or ""
    talk = talk.with_state(replace(talk.state, payer=None))
    if code is None:
        return talk.say("payer_must_agree_short", phone=spoken_msisdn(phone))
    pays_too = own is not None and is_of(own, shop.currency)
    yourself = (Reply("pay_yourself"),) if pays_too else ()
    if pays_too and order is not None:
        talk = talk.offering(options.pay(order.code, attempt_of(order), shop.vendor_id))
    word = shop.word.upper()
    return talk.say("payer_must_agree", phone=spoken_msisdn(phone), code=code, word=word, yourself=yourself)


def _ask_payer_again(talk: Talk, code: str | None, rail: Rail | None) -> Step:
    """The number can't be charged: it is forgotten, so that the next PAY does not come with it again."""
    talk = talk.with_state(replace(talk.state, payer=None))
    return _ask_payer(talk, code, rail, "invalid")
