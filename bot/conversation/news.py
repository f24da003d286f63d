"""What the router announces, told to the customer: receipts, failures, and what happened to an order.

News never moves the customer to another shop, and stays silent about what was done or told in this chat already."""

from dataclasses import replace
from datetime import timedelta
from typing import TypeVar, assert_never

from pydantic import BaseModel, ValidationError

from bot.conversation import options
from bot.conversation.by_hand import after_prompts
from bot.conversation.model import Reply, State, Step
from bot.conversation.others import whose
from bot.conversation.phones import shown_in
from bot.conversation.rails import (
    how_to_pay_it,
    pay_until,
    picture_of,
    proof_of,
    rail_name,
    rail_of,
    usual_rail,
    what_it_gives,
    whose_phone_rings,
)
from bot.conversation.reasons import another_try, has_run_out, how_to_pay, reason_words
from bot.conversation.receipts import receipt_of
from bot.conversation.showing import local_time, order_lines, sums_of, terms_of, total_of
from bot.conversation.standing import has_open_reference
from bot.conversation.taps import attempt, attempt_of
from bot.replies.passing import Left, Passing, StillLeft
from bot.replies.reply import Option, ReplyParam
from contracts.events import (
    DomainEvent,
    EventType,
    ExceptionNews,
    InstructionsNews,
    OrderNews,
    PaidForNews,
    PaymentNews,
    RefundedToNews,
    RefundNews,
)
from contracts.money import Currency, Money
from contracts.router_api import OrderView
from contracts.states import ExceptionKind, IntentStatus, OrderStatus

_News = TypeVar("_News", bound=BaseModel)

_REMIND_WITHIN = timedelta(hours=1)
"""Of the announcement, where that does not say until when somebody may be reminded."""


def heard(state: State, news: DomainEvent) -> Step:
    """At most one message, and none after STOP: whoever wants to know asks STATUS."""
    reply = None if state.opted_out else _tell(state, news)
    return Step(_knowing(state, news), reply=reply, answers_customer=False)


def _knowing(state: State, news: DomainEvent) -> State:
    """With what has to be remembered of it. After STOP, too: STATUS shows a reference that was not announced."""
    if news.type is not EventType.PAYMENT_INSTRUCTIONS:
        return state
    about = _read(InstructionsNews, news)
    return state if about is None else state.told_reference(about.order.order_id, about.intent_id)


def _tell(state: State, news: DomainEvent) -> Reply | None:
    match news.type:
        case EventType.ORDER_CONFIRMED | EventType.ORDER_CANCELLED | EventType.ORDER_PAID | EventType.HOLD_EXPIRED:
            about_order = _read(OrderNews, news)
            return _of_order(state, news, about_order) if about_order else None
        case EventType.PAYMENT_FAILED:
            failed = _read(PaymentNews, news)
            return _failed(state, news, failed) if failed else None
        case EventType.PAYMENT_UNKNOWN:
            unknown = _read(PaymentNews, news)
            if unknown is None:
                return None
            return Reply(
                "news_unknown",
                {
                    "total": total_of(unknown.order),
                    "shop": unknown.shop_name,
                    "code": unknown.order.code,
                    "rail": rail_name(rail_of(unknown.order)),
                },
                template=Reply("template_payment_checked", _of_template(unknown.order, unknown.shop_name)),
            )
        case EventType.PAYMENT_EXCEPTION:
            exception = _read(ExceptionNews, news)
            return _settled(exception, _exception(state, news, exception)) if exception else None
        case EventType.ORDER_PAID_FOR:
            paid_for = _read(PaidForNews, news)
            return _paid_for(state, news, paid_for) if paid_for else None
        case EventType.PAYMENT_INSTRUCTIONS:
            instructed = _read(InstructionsNews, news)
            return _instructions(state, news, instructed) if instructed else None
        case EventType.PAYMENT_REFUNDED:
            refund = _read(RefundNews, news)
            return _refunded(refund) if refund else None
        case EventType.PAYMENT_REFUNDED_TO:
            given_back = _read(RefundedToNews, news)
            return _given_back(given_back, given_back.order_code) if given_back else None
        case EventType.PAYMENT_REFUND_FAILED | EventType.PAYMENT_CLAIMED | EventType.MESSAGE_UNDELIVERED:
            return None  # the shop's business: the customer was promised nothing yet
        case (
            EventType.CHAT_WAITING
            | EventType.CHAT_TAKEN
            | EventType.CHAT_RETURNED
            | EventType.CHAT_STAFF_MESSAGE
            | EventType.SHOP_ALERT
        ):
            return None
        case EventType.CART_LEFT_BEHIND | EventType.ORDER_UNPAID:
            left = _read(OrderNews, news)
            return _reminder(state, news, left) if left else None
        case _:
            assert_never(news.type)


def _read(model: type[_News], news: DomainEvent) -> _News | None:
    """None for what can't be read: there is nothing honest to tell from it."""
    try:
        return model.model_validate(news.data)
    except ValidationError:
        return None


def _of_order(state: State, news: DomainEvent, about: OrderNews) -> Reply | None:
    order, shop = about.order, about.shop_name
    match news.type:
        case EventType.ORDER_PAID:
            return _receipt(state, news, about)
        case EventType.ORDER_CONFIRMED if not state.has_done(order.order_id, OrderStatus.CONFIRMED):
            return Reply(
                "news_confirmed",
                {
                    "code": order.code,
                    "shop": shop,
                    "lines": order_lines(order),
                    "sums": sums_of(order),
                    "total": total_of(order),
                    "terms": terms_of(order, state.known_shop(news.vendor_id)),
                    "next": how_to_pay(state, news.vendor_id, order.code),
                },
                options=_pay_button(state, news, order, attempt_of(order)),
            )
        case EventType.ORDER_CANCELLED if not state.has_done(order.order_id, OrderStatus.CANCELLED):
            spare = (Reply("not_to_be_paid"),) if state.has_reference(order.order_id) else ()
            return Reply(
                "news_cancelled",
                {"code": order.code, "total": total_of(order), "shop": shop, "spare": spare},
                template=Reply("template_order_cancelled", _of_template(order, shop)),
            )
        case EventType.HOLD_EXPIRED if order.status is OrderStatus.CONFIRMED:
            return _hold_expired(state, news, about)
        case _:
            return None


def _hold_expired(state: State, news: DomainEvent, about: OrderNews) -> Reply:
    """What was set aside is not any more. A reference outlives that: whoever has one needs no other way to pay."""
    order, payment = about.order, about.order.payment
    said: dict[str, ReplyParam] = {"code": order.code, "shop": about.shop_name}
    if has_open_reference(order) and payment is not None and payment.instructions is not None:
        what = what_it_gives(payment.instructions_rail or rail_of(order))
        until = pay_until(payment.instructions, state.known_shop(news.vendor_id), order.currency)
        return Reply("news_hold_expired_reference", {**said, "what": what, "until": until})
    return Reply(
        "news_hold_expired",
        {**said, "next": how_to_pay(state, news.vendor_id, order.code)},
        options=_pay_button(state, news, order, attempt_of(order)),
    )


def _reminder(state: State, news: DomainEvent, about: OrderNews) -> Reply | None:
    """One word about a cart that was left behind, or an order that was not paid; none of what is so no more."""
    order = about.order
    params: dict[str, ReplyParam] = {"shop": about.shop_name, "total": total_of(order)}
    if news.type is EventType.ORDER_UNPAID:
        if order.status is not OrderStatus.CONFIRMED:
            return None
        following = how_to_pay(state, news.vendor_id, order.code)
        button = _pay_button(state, news, order, attempt_of(order))
        return Reply(
            "news_order_unpaid",
            {**params, "code": order.code, "next": following},
            options=button,
            template=Reply("template_order_unpaid", _of_template(order, about.shop_name)),
            passing=_while_left(news, about, Left.ORDER),
        )
    shop = state.known_shop(news.vendor_id)
    if order.status is not OrderStatus.DRAFT or not order.lines or shop is None:
        return None
    is_there = state.shop is not None and state.shop.vendor_id == shop.vendor_id
    following = (Reply("cart_here") if is_there else Reply("cart_elsewhere", {"word": shop.word.upper()}),)
    button = (options.show_cart(shop.vendor_id),)
    return Reply(
        "news_cart_left",
        {**params, "lines": order_lines(order), "next": following},
        options=button,
        passing=_while_left(news, about, Left.CART),
    )


def _while_left(news: DomainEvent, about: OrderNews, what: Left) -> Passing:
    """Nobody is reminded in the night, nor of what was dealt with meanwhile."""
    not_after = about.not_after or news.occurred_at + _REMIND_WITHIN
    return Passing(not_after, StillLeft(what, news.vendor_id, about.order.order_id, news.occurred_at))


def _receipt(state: State, news: DomainEvent, about: OrderNews) -> Reply:
    order, shop = about.order, state.known_shop(news.vendor_id)
    spare = (Reply("not_to_be_paid"),) if state.has_reference(order.order_id, but_not=_paid_by(order)) else ()
    return Reply(
        "receipt",
        {**receipt_of(order, about.shop_name, shop, news.occurred_at), "spare": spare},
        options=(options.receipt(order.code, news.vendor_id),) if shop is not None else (),
        template=Reply("template_order_paid", _of_template(order, about.shop_name)),
    )


def _paid_for(state: State, news: DomainEvent, about: PaidForNews) -> Reply:
    """For whoever paid somebody else's order: that it is paid, and nothing more of it."""
    amount, shop = Money(about.amount_minor, about.currency), state.known_shop(news.vendor_id)
    params: dict[str, ReplyParam] = {
        "shop": about.shop_name,
        "code": about.order_code,
        "whose": whose(about.customer_name),
        "total": amount,
        "proof": proof_of(about.receipt, about.rail) if about.receipt else (),
        "time": local_time(about.paid_at, shop, about.currency),
    }
    of_template: dict[str, ReplyParam] = {"code": about.order_code, "shop": about.shop_name, "total": amount}
    return Reply("paid_for", params, template=Reply("template_order_paid", of_template))


def _of_template(order: OrderView, shop_name: str) -> dict[str, ReplyParam]:
    return {"code": order.code, "shop": shop_name, "total": total_of(order)}


def _pay_button(state: State, news: DomainEvent, order: OrderView, version: str) -> tuple[Option, ...]:
    """In a shop that this conversation knows: a button can't lead to any other."""
    if state.known_shop(news.vendor_id) is None:
        return ()
    return (options.pay(order.code, version, news.vendor_id),)


def _paid_by(order: OrderView) -> str | None:
    """The try that paid it, if it was the last one."""
    payment = order.payment
    return payment.intent_id if payment is not None and payment.intent_status is IntentStatus.SUCCEEDED else None


def _instructions(state: State, news: DomainEvent, about: InstructionsNews) -> Reply | None:
    """How to pay the reference that was just made; nothing for one that nobody should pay any more."""
    order = about.order
    if order.status is not OrderStatus.CONFIRMED:
        return None
    picture = picture_of(about.instructions)
    shop = state.known_shop(news.vendor_id)
    block = how_to_pay_it(about.instructions, about.rail, total_of(order), shop, has_picture=picture is not None)
    said = Reply("news_instructions", {"code": order.code, "shop": about.shop_name, "instructions": block}, picture)
    ends_at = about.instructions.expires_at
    return said if ends_at is None else replace(said, passing=Passing(ends_at))


def _refunded(refund: RefundNews) -> Reply:
    if refund.is_by_other and refund.order is not None:
        amount = Money(refund.amount_minor, refund.currency)
        return Reply("news_refunded_other", {"amount": amount, "shop": refund.shop_name, "code": refund.order.code})
    return _given_back(refund, refund.order.code if refund.order is not None else None)


def _given_back(refund: RefundNews | RefundedToNews, code: str | None) -> Reply:
    """To whoever had paid it."""
    params: dict[str, ReplyParam] = {
        "amount": Money(refund.amount_minor, refund.currency),
        "shop": refund.shop_name,
        "order": (Reply("of_order", {"code": code}),) if code is not None else (),
        "receipt": proof_of(refund.receipt, usual_rail(refund.currency)) if refund.receipt else (),
    }
    about: dict[str, ReplyParam] = {"amount": params["amount"], "shop": refund.shop_name}
    return Reply("news_refunded", params, template=Reply("template_money_returned", about))


def _failed(state: State, news: DomainEvent, failed: PaymentNews) -> Reply | None:
    if failed.intent_id in state.told_intents:
        return None
    order, rail = failed.order, rail_of(failed.order)
    can_pay = failed.may_retry and order.status is OrderStatus.CONFIRMED
    if can_pay:
        next_step = another_try(state, news.vendor_id, order.code)
    elif order.status is OrderStatus.CONFIRMED:
        next_step = (Reply("retry_later"),)
    else:
        next_step = ()
    if not failed.is_by_other:
        next_step = (*next_step, *after_prompts(order, state.known_shop(news.vendor_id)))
    if has_run_out(failed.reason, rail):
        return Reply(
            "news_reference_expired",
            {
                "what": what_it_gives(rail),
                "total": total_of(order),
                "shop": failed.shop_name,
                "code": order.code,
                "next": next_step,
            },
        )
    return Reply(
        "news_failed",
        {
            "total": total_of(order),
            "shop": failed.shop_name,
            "code": order.code,
            "reason": reason_words(failed.reason, rail),
            "payer": _who_is_asked(state, failed) if can_pay else (),
            "next": next_step,
        },
        options=_after_failure(state, news, failed) if can_pay else (),
        template=Reply("template_payment_failed", _of_template(order, failed.shop_name)),
    )


def _who_is_asked(state: State, failed: PaymentNews) -> tuple[Reply, ...]:
    """Whose phone the next prompt would come to."""
    order = failed.order
    return whose_phone_rings((rail_of(order),), order.currency, shown_in(failed.customer_address), state.payer)


def _after_failure(state: State, news: DomainEvent, failed: PaymentNews) -> tuple[Option, ...]:
    shop = state.known_shop(news.vendor_id)
    if shop is None:
        return ()
    version, has_ways = attempt(failed.intent_id), len(shop.rails) > 1 and not failed.is_by_other
    if failed.is_by_other:
        return _pay_button(state, news, failed.order, version)
    return options.after_failure(failed.order.code, version, news.vendor_id, has_ways=has_ways)


def _settled(exception: ExceptionNews, told: Reply) -> Reply:
    about: dict[str, ReplyParam] = {"amount": told.params["amount"], "shop": exception.shop_name}
    return replace(told, template=Reply("template_money_settled", about))


def _exception(state: State, news: DomainEvent, exception: ExceptionNews) -> Reply:
    order = exception.order
    if order is not None:
        currency, rail = order.currency, rail_of(order)
    else:
        shop = state.known_shop(news.vendor_id)
        currency = exception.currency or (shop.currency if shop else Currency.KES)
        rail = usual_rail(currency)
    params: dict[str, ReplyParam] = {
        "amount": Money(exception.amount_minor, currency),
        "shop": exception.shop_name,
        "receipt": proof_of(exception.receipt, rail) if exception.receipt else (),
    }
    if order is None:
        return Reply("exception_unmatched", params)
    params["code"] = order.code
    match exception.kind:
        case ExceptionKind.LATE:
            return Reply("exception_late", params)
        case ExceptionKind.NO_STOCK:
            return Reply("exception_no_stock", params)
        case ExceptionKind.DUPLICATE:
            return Reply("exception_duplicate", params)
        case ExceptionKind.UNDER:
            return Reply("exception_under", params)
        case ExceptionKind.OVER:
            return Reply("exception_over", params)
        case ExceptionKind.UNMATCHED:
            return Reply("exception_unmatched", params)
        case _:
            assert_never(exception.kind)
