"""What the shop's people do, told to the customer; and what the shop's own people are told of customers.

Whose turn it is comes twice: as the answer to what a customer asked for here, and as news of what a person of the shop
did. The later of the two counts, whichever is heard first."""

import re
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from bot.conversation.model import Reply, State, Step
from bot.conversation.people import until_text, who_answers
from bot.conversation.showing import local_time
from bot.conversation.state import Handover, Shop
from bot.replies.rendering import MAX_LENGTH, sanitise, sanitise_lines
from bot.replies.reply import ReplyParam
from contracts.chat_api import AlertKind, AlertNews, ChatMode, HandoverNews, StaffMessageNews
from contracts.events import DomainEvent, EventType
from contracts.money import Currency, Money
from contracts.states import FulfilmentKind

_News = TypeVar("_News", bound=BaseModel)

_BY_CUSTOMER = "customer"
_ROOM_FOR_HINT = 200
"""UTF-16 units that are kept for a line below what a person wrote."""
_NUMBER = re.compile(r"[a-z]+:\+([0-9]{7,15})")


def heard(state: State, news: DomainEvent, now: datetime) -> Step | None:
    """None for news of another kind. After STOP only what a person wrote is worded: it is held, and the shop told."""
    match news.type:
        case EventType.CHAT_TAKEN | EventType.CHAT_RETURNED:
            about = _read(HandoverNews, news)
            return _turned(state, news, about, now) if about is not None else None
        case EventType.CHAT_STAFF_MESSAGE:
            written = _read(StaffMessageNews, news)
            return _written(state, news, written, now) if written is not None else None
        case EventType.SHOP_ALERT:
            alert = _read(AlertNews, news)
            shop = state.known_shop(news.vendor_id)
            reply = _alert(alert, shop) if alert is not None and not state.opted_out else None
            return Step(state, reply=reply, answers_customer=False, is_for_staff=True)
        case _:
            return None


def _read(model: type[_News], news: DomainEvent) -> _News | None:
    try:
        return model.model_validate(news.data)
    except ValidationError:
        return None


# --- whose turn it is ------------------------------------------------------------------------------------------------


def _turned(state: State, news: DomainEvent, about: HandoverNews, now: datetime) -> Step:
    before = state.handover(news.vendor_id)
    if before is not None and news.occurred_at < before.since:
        return Step(state, answers_customer=False)
    after = Handover(news.vendor_id, about.shop_name, about.mode, news.occurred_at, about.until, by=about.by)
    was_mute = before is not None and before.mode is not ChatMode.BOT
    if about.mode is ChatMode.BOT:
        # A time that was over was said with the answer to whatever the customer wrote since.
        is_news = was_mute and about.returned_by != _BY_CUSTOMER
        if before is not None and before.mode is ChatMode.BOT and not before.is_said:
            after = replace(after, is_said=False)
        reply = Reply("bot_back", {"shop": about.shop_name}) if is_news else None
    else:
        is_known = before is not None and before.mode is ChatMode.STAFF and before.is_mute(now)
        if before is not None and is_known and not after.by:
            after = replace(after, by=before.by)
        is_same = before is not None and is_known and before.by == after.by
        is_news = after.mode is ChatMode.STAFF and after.is_mute(now) and not is_same
        reply = who_answers(state, after) if is_news else None
    return _quietly(state.handed(after), reply)


def _quietly(state: State, reply: Reply | None) -> Step:
    return Step(state, reply=None if state.opted_out else reply, answers_customer=False)


def _written(state: State, news: DomainEvent, written: StaffMessageNews, now: datetime) -> Step:
    """As it was written, below who wrote it, and held after STOP."""
    before = state.handover(news.vendor_id)
    is_later = before is None or news.occurred_at >= before.since
    after = Handover(news.vendor_id, written.shop_name, ChatMode.STAFF, news.occurred_at, written.until, by=written.by)
    below: tuple[Reply, ...] = ()
    if is_later and after.is_mute(now):
        if state.shop is not None and state.shop.vendor_id != news.vendor_id:
            known = state.known_shop(news.vendor_id)
            if known is not None:
                below = (Reply("staff_elsewhere", {"shop": written.shop_name, "word": known.word.upper()}),)
        elif before is None or not before.is_mute(now):
            below = (Reply("staff_hint", {"time": until_text(state, after)}),)
        state = state.handed(after)
    reply = replace(_in_their_words(written), postscript=below)
    if _length(sanitise_lines(written.text)) > MAX_LENGTH - 2 * _ROOM_FOR_HINT:
        reply = replace(reply, postscript=())
    return Step(state, reply=reply, answers_customer=False, known_as=written.message_id)


def _in_their_words(written: StaffMessageNews) -> Reply:
    """Who wrote it gives way where there is no room: not a word of theirs is cut off for it."""
    room = MAX_LENGTH - _length(sanitise_lines(written.text))
    if written.by and room > _length(sanitise(written.by) + sanitise(written.shop_name)) + 10:
        return Reply("staff_message", {"who": written.by, "shop": written.shop_name, "words": written.text})
    if room > _length(sanitise(written.shop_name)) + 10:
        return Reply("staff_message_shop", {"shop": written.shop_name, "words": written.text})
    return Reply("staff_message_bare", {"words": written.text})


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


# --- alerts ----------------------------------------------------------------------------------------------------------


def _alert(alert: AlertNews, known: Shop | None) -> Reply | None:
    """For one of the shop's own people. `known`: the shop, where this conversation knows it."""
    shop, customer = alert.shop_name or (known.name if known else ""), (_customer(alert),)
    match alert.alert:
        case AlertKind.ORDER_PAID:
            amount = _amount(alert)
            if amount is None or alert.order_code is None:
                return None
            about: dict[str, ReplyParam] = {"shop": shop, "code": alert.order_code, "amount": amount}
            return Reply(
                "alert_order_paid",
                {
                    "shop": shop,
                    "code": alert.order_code,
                    "amount": amount,
                    "customer": customer,
                    "description": alert.text,
                    "terms": _terms(alert, amount.currency, known),
                },
                template=Reply("template_alert_paid", about),
            )
        case AlertKind.PERSON_WAITING:
            wrote = (Reply("alert_wrote", {"description": alert.text}),) if alert.text.strip() else ()
            return Reply(
                "alert_person_waiting",
                {"shop": shop, "customer": customer, "wrote": wrote},
                template=Reply("template_alert_waiting", {"shop": shop}),
            )
        case AlertKind.UNDELIVERED:
            return Reply("alert_undelivered", {"shop": shop, "customer": customer, "description": alert.text})
        case AlertKind.MONEY_SET_ASIDE:
            amount = _amount(alert)
            order = (Reply("of_order", {"code": alert.order_code}),) if alert.order_code else ()
            return None if amount is None else Reply("alert_money", {"shop": shop, "amount": amount, "order": order})
        case AlertKind.MONEY_CLAIMED:
            amount = _amount(alert)
            order = (Reply("of_order", {"code": alert.order_code}),) if alert.order_code else ()
            if amount is None:
                return None
            named: dict[str, ReplyParam] = {"amount": amount, "receipt": alert.text, "customer": customer}
            return Reply("alert_money_claimed", {"shop": shop, "order": order, **named})


def _terms(alert: AlertNews, currency: Currency, known: Shop | None) -> tuple[Reply, ...]:
    """Whether it is brought or fetched, where to, when, and what the customer wants the shop to know.

    A customer of a shop that delivers who did not say was told that they fetch it: so is the shop."""
    lines, delivery = list[Reply](), alert.delivery
    if delivery is None:
        if known is not None and known.delivers:
            lines.append(Reply("alert_pickup"))
    elif delivery.kind is FulfilmentKind.PICKUP:
        lines.append(Reply("alert_pickup"))
    else:
        lines.append(Reply("alert_delivery", {"zone": delivery.zone_name or "–"}))
        if delivery.landmark:
            lines.append(Reply("term_place", {"description": delivery.landmark}))
        if delivery.map_url is not None:
            lines.append(Reply("alert_pin", {"description": delivery.map_url}))
    if alert.scheduled_for is not None:
        lines.append(Reply("alert_day", {"time": local_time(alert.scheduled_for, known, currency)}))
    if alert.note:  # whole, and on one line: what they wrote must not look like a line of ours
        lines.append(Reply("alert_note", {"words": " ".join(alert.note.split())}))
    return tuple(lines)


def _amount(alert: AlertNews) -> Money | None:
    if alert.amount_minor is None or alert.currency is None:
        return None
    return Money(alert.amount_minor, alert.currency)


def _customer(alert: AlertNews) -> Reply:
    """By name, else by as much of the number as tells people apart."""
    if alert.about_name.strip():
        return Reply("customer_named", {"name": alert.about_name})
    number = _NUMBER.fullmatch(alert.about_address or "")
    if number is None:
        return Reply("customer_unnamed")
    return Reply("customer_named", {"name": f"{number[1][:4]}…{number[1][-3:]}"})
