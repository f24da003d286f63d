"""The charge: the grant that PAY brought is handed on at once, and the customer hears what came of it."""

from dataclasses import replace

from bot.conversation import options, others
from bot.conversation.model import Reply, Result, StartCharge, Step
from bot.conversation.paying import not_paying
from bot.conversation.phones import spoken_msisdn
from bot.conversation.rails import rail_name, rings, usual_push, what_it_gives, whose_phone_rings
from bot.conversation.reasons import another_try, is_worth_another_try, reason_words
from bot.conversation.state import Purpose
from bot.conversation.talk import Talk
from bot.conversation.taps import attempt
from contracts.errors import ErrorCode, ProblemBody
from contracts.money import Money
from contracts.payment_api import ChargeView
from contracts.router_api import PayResult
from contracts.states import ChargeStatus, Rail


def pay_came(talk: Talk, result: Result) -> Step:
    match result:
        case PayResult():
            return _start_charge(talk, result)
        case ProblemBody():
            return not_paying(talk, result)
        case _:
            return talk.say("our_mistake")


def pay_for_other_came(talk: Talk, result: Result) -> Step:
    step = others.not_paying_for_other(talk, result) if isinstance(result, ProblemBody) else None
    return step or pay_came(talk, result)


def _start_charge(talk: Talk, accepted: PayResult) -> Step:
    order = accepted.order
    # A number that the customer typed and the router took is kept, so that the next PAY need not ask again.
    payer = talk.turn.payer if accepted.payer_msisdn is not None else None
    talk = talk.with_state(replace(talk.state, payer=payer or talk.state.payer, other=None))
    turn = replace(
        talk.turn,
        code=order.code,
        payer=accepted.payer_msisdn,
        rail=(order.payment.rail if order.payment is not None else None) or talk.turn.rail,
        intent_id=accepted.intent_id,
        amount_minor=order.total_minor,
        currency=order.currency,
    )
    return replace(talk, turn=turn).ask(Purpose.CHARGE, StartCharge(accepted.grant, accepted.intent_id))


def charge_came(talk: Talk, result: Result) -> Step:
    turn = talk.turn
    rail = turn.rail or usual_push(turn.currency)
    amount, code = Money(turn.amount_minor, turn.currency), turn.code or ""
    match result:
        case ChargeView(status=ChargeStatus.FAILED | ChargeStatus.EXPIRED):
            can_retry = is_worth_another_try(result.reason)
            next_step = another_try(talk.state, talk.shop.vendor_id, code) if can_retry else (Reply("retry_later"),)
            reason = reason_words(result.reason, rail)
            talk = talk.with_state(talk.state.told(turn.intent_id))
            if can_retry:
                has_ways = len(talk.shop.rails) > 1
                again = options.after_failure(code, attempt(turn.intent_id), talk.shop.vendor_id, has_ways=has_ways)
                talk = talk.offering(*again)
            shop, payer = talk.shop, turn.payer
            rung = whose_phone_rings((rail,), turn.currency, payer, None) if can_retry else ()
            return talk.say(
                "charge_failed", amount=amount, shop=shop.name, code=code, reason=reason, payer=rung, next=next_step
            )
        case ChargeView(status=ChargeStatus.UNKNOWN) if rings(rail):
            return talk.say("charge_unknown", amount=amount, code=code, rail=rail_name(rail))
        case ChargeView(status=ChargeStatus.UNKNOWN):
            return talk.say("charge_unknown_reference", amount=amount, code=code, what=what_it_gives(rail))
        case ChargeView(status=ChargeStatus.PAID):
            return talk.say("charge_paid", amount=amount, code=code)
        case ChargeView():
            return _say_sent(talk, rail, amount, code)
        case ProblemBody(code=ErrorCode.GRANT_INVALID):
            return talk.with_state(talk.state.told(turn.intent_id)).say("charge_not_started")
        case ProblemBody(code=ErrorCode.UNAVAILABLE):
            return talk.say("unreachable_payments")
        case _:
            return talk.say("our_mistake")


def _say_sent(talk: Talk, rail: Rail, amount: Money, code: str) -> Step:
    """On its way: a prompt to a phone, or a reference to this chat."""
    shop = talk.shop.name
    if not rings(rail):
        stopped = (Reply("reference_stopped"),) if talk.state.opted_out else ()
        return talk.say("reference_asked", what=what_it_gives(rail), amount=amount, code=code, stopped=stopped)
    phone = spoken_msisdn(talk.turn.payer or "")
    stopped = (Reply("receipts_stopped"),) if talk.state.opted_out else ()
    if rail is Rail.GPO:
        return talk.say("charge_sent_gpo", phone=phone, amount=amount, shop=shop, code=code, stopped=stopped)
    return talk.say("charge_sent", phone=phone, amount=amount, shop=shop, code=code, stopped=stopped)
