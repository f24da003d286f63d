"""Confirming and paying. Only a written PAY, a number from the list "which order?", or the phone number that was asked
for after a PAY lead to a charge; nothing else here asks for one."""

from dataclasses import replace

from bot.conversation.intents import is_list_number, looks_like_phone, read_code
from bot.conversation.model import Confirm, Pay, Reply, Result, ShowCart, StartCharge, Step
from bot.conversation.phones import read_msisdn, spoken_msisdn
from bot.conversation.reasons import how_to_pay, is_worth_another_try, reason_words
from bot.conversation.refusals import available_in, item_in, order_in, orders_in, refused
from bot.conversation.showing import (
    filled_cart,
    local_time,
    order_choices,
    order_lines,
    order_listing,
    total_of,
    unpaid_notes,
)
from bot.conversation.state import ListKind, PayerQuestion, Purpose
from bot.conversation.talk import Talk
from contracts.errors import ErrorCode, ProblemBody
from contracts.money import Money
from contracts.payment_api import ChargeView
from contracts.router_api import CartView, OrderView, PayResult
from contracts.states import ChargeStatus, IntentStatus

# --- confirming ------------------------------------------------------------------------------------------------------


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
    talk = talk.with_state(replace(talk.state.did(order.order_id, order.status), other=None))
    hold: tuple[Reply, ...] = ()
    if order.hold_expires_at is not None:
        hold = (Reply("held_until", {"time": local_time(order.hold_expires_at, shop, order.currency)}),)
    payer = talk.turn.own_msisdn or talk.state.payer
    return talk.say(
        "confirmed",
        code=order.code,
        shop=shop.name,
        lines=order_lines(order),
        total=total_of(order),
        hold=hold,
        payer=(Reply("payer_known", {"phone": spoken_msisdn(payer)}),) if payer else (),
    )


def confirm_was_empty(talk: Talk, result: Result) -> Step:
    """Perhaps because it was confirmed a moment ago."""
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if isinstance(result, CartView) and result.unpaid:
        return talk.say("confirm_already", unpaid=unpaid_notes(result.unpaid))
    if isinstance(result, CartView) and filled_cart(result) is None:
        return talk.say("confirm_empty")
    return talk.say("our_mistake")


# --- asking to pay ---------------------------------------------------------------------------------------------------


def on_pay(talk: Talk, rest: str) -> Step:
    """PAY, PAY <code>, PAY <number of the list "which order?">, or PAY <phone number> where one was asked for."""
    if looks_like_phone(rest):
        question = talk.state.payer_question
        is_asked_for = question is not None and question.is_open(talk.now)
        if not is_asked_for and talk.state.payer is None:
            return talk.say("pay_number_not_asked")
        return _pay_from(talk, rest, question.code if question is not None and is_asked_for else None)
    if is_list_number(rest):
        listing = talk.list_of(ListKind.PAY)
        entry = listing.pick(int(rest)) if listing else None
        code = entry.id if entry else read_code(rest)  # a code may be made of digits alone
        return pay(talk, code) if code else talk.say("pay_alone")
    return pay(talk, rest or None)


def on_pay_unclear(talk: Talk, rest: str) -> Step:
    return talk.say("pay_alone")


def on_phone(talk: Talk, rest: str) -> Step:
    """A phone number alone: the answer to our question, else nothing."""
    question = talk.state.payer_question
    if question is None or not question.is_open(talk.now) or question.vendor_id != talk.shop.vendor_id:
        return talk.say("phone_not_asked")
    return _pay_from(talk, rest, question.code)


def _pay_from(talk: Talk, phone: str, code: str | None) -> Step:
    msisdn = read_msisdn(phone, talk.shop.currency)
    if msisdn is None:
        return _ask_payer_again(talk, code)
    return pay(talk, code, payer=msisdn)


def pay(talk: Talk, code: str | None, payer: str | None = None) -> Step:
    """The customer wants to pay now. A message that had to wait was "now" then, so it is asked for once more."""
    if talk.turn.is_late:
        return talk.say("pay_again")
    known = talk.state.payer if talk.turn.own_msisdn is None else None
    payer = payer or known
    talk = talk.with_state(replace(talk.state, payer_question=None))
    talk = replace(talk, turn=replace(talk.turn, code=code, payer=payer))
    return talk.ask(Purpose.PAY, Pay(talk.shop.vendor_id, code, payer))


def pay_came(talk: Talk, result: Result) -> Step:
    match result:
        case PayResult():
            return _start_charge(talk, result)
        case ProblemBody():
            return _not_paying(talk, result)
        case _:
            return talk.say("our_mistake")


def _not_paying(talk: Talk, problem: ProblemBody) -> Step:
    shop, order = talk.shop, order_in(problem)
    match problem.code:
        case ErrorCode.NOTHING_TO_PAY:
            return talk.say("nothing_to_pay", shop=shop.name)
        case ErrorCode.NOT_CONFIRMED if order is not None and order.lines:
            return talk.say("confirm_first", lines=order_lines(order), total=total_of(order))
        case ErrorCode.NOT_CONFIRMED:
            return talk.say("confirm_first_short")
        case ErrorCode.WHICH_ORDER if orders_in(problem):
            orders = orders_in(problem)
            talk = talk.showing(order_listing(ListKind.PAY, orders, shop.vendor_id, talk.now))
            return talk.say("pay_which", orders=order_choices(orders), example=orders[0].code)
        case ErrorCode.PAYMENT_IN_PROGRESS:
            return _in_progress(talk, order)
        case ErrorCode.ATTEMPTS_EXHAUSTED:
            return talk.say("attempts_exhausted")
        case ErrorCode.PAYER_BUSY:
            return talk.say("payer_busy")
        case ErrorCode.PAYER_MISSING:
            return _ask_payer(talk, talk.turn.code).say("ask_payer")
        case ErrorCode.PAYER_INVALID:
            return _ask_payer_again(talk, talk.turn.code)
        case ErrorCode.RAIL_UNAVAILABLE:
            return talk.say("rail_unavailable", shop=shop.name)
        case ErrorCode.AMOUNT_INVALID:
            return talk.say("amount_invalid", shop=shop.name)
        case ErrorCode.ITEM_SOLD_OUT if item_in(problem):
            return talk.say("pay_sold_out", item=item_in(problem))
        case ErrorCode.ITEM_SOLD_OUT:
            return talk.say("pay_sold_out_short")
        case _:
            return refused(talk, problem)


def _in_progress(talk: Talk, order: OrderView | None) -> Step:
    if order is None:
        return talk.say("payment_in_progress_short")
    if order.payment is not None and order.payment.intent_status is IntentStatus.UNKNOWN:
        return talk.say("payment_being_checked", code=order.code)
    if order.payment is not None and order.payment.intent_id in talk.state.told_intents:
        # We know already that this try failed; the router is about to hear it, too.
        return talk.say("payment_closing", code=order.code)
    return talk.say("payment_in_progress", code=order.code)


def _ask_payer(talk: Talk, code: str | None) -> Talk:
    question = PayerQuestion(talk.shop.vendor_id, code, talk.now)
    return talk.with_state(replace(talk.state, payer_question=question))


def _ask_payer_again(talk: Talk, code: str | None) -> Step:
    """The number can't be charged: it is forgotten, so that the next PAY does not come with it again."""
    talk = talk.with_state(replace(talk.state, payer=None))
    return _ask_payer(talk, code).say("payer_invalid")


# --- charging --------------------------------------------------------------------------------------------------------


def _start_charge(talk: Talk, accepted: PayResult) -> Step:
    order = accepted.order
    # A number that the customer typed and the router took is kept, so that the next PAY need not ask again.
    talk = talk.with_state(replace(talk.state, payer=talk.turn.payer or talk.state.payer, other=None))
    turn = replace(
        talk.turn,
        code=order.code,
        payer=accepted.payer_msisdn,
        intent_id=accepted.intent_id,
        amount_minor=order.total_minor,
        currency=order.currency,
    )
    return replace(talk, turn=turn).ask(Purpose.CHARGE, StartCharge(accepted.grant, accepted.intent_id))


def charge_came(talk: Talk, result: Result) -> Step:
    turn = talk.turn
    amount, code = Money(turn.amount_minor, turn.currency), turn.code or ""
    match result:
        case ChargeView(status=ChargeStatus.FAILED | ChargeStatus.EXPIRED):
            can_retry = is_worth_another_try(result.reason)
            next_step = how_to_pay(talk.state, talk.shop.vendor_id, code) if can_retry else (Reply("retry_later"),)
            talk = talk.with_state(talk.state.told(turn.intent_id))
            return talk.say(
                "charge_failed", amount=amount, code=code, reason=reason_words(result.reason), next=next_step
            )
        case ChargeView(status=ChargeStatus.UNKNOWN):
            return talk.say("charge_unknown", amount=amount, code=code)
        case ChargeView(status=ChargeStatus.PAID):
            return talk.say("charge_paid", amount=amount, code=code)
        case ChargeView():
            return talk.say(
                "charge_sent",
                phone=spoken_msisdn(turn.payer or ""),
                amount=amount,
                shop=talk.shop.name,
                code=code,
                stopped=(Reply("receipts_stopped"),) if talk.state.opted_out else (),
            )
        case ProblemBody(code=ErrorCode.GRANT_INVALID):
            return talk.with_state(talk.state.told(turn.intent_id)).say("charge_not_started")
        case ProblemBody(code=ErrorCode.UNAVAILABLE):
            return talk.say("unreachable_payments")
        case _:
            return talk.say("our_mistake")
