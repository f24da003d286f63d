"""The conversation as one pure function: no clock, no chance, no outside world. The same in gives the same out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from bot.conversation import (
    again,
    arranging,
    basket,
    by_hand,
    card,
    cart,
    catalogue,
    changing,
    charging,
    checkout,
    fallback,
    fulfilment,
    languages,
    opening,
    orders,
    others,
    paid,
    paying,
    people,
    people_news,
    picks,
    shelves,
    shop,
    tapped,
    taps,
)
from bot.conversation.model import Event, Heard, Outcome, Result, Said, State, Step
from bot.conversation.news import heard
from bot.conversation.state import Purpose
from bot.conversation.talk import Talk
from bot.conversation.understanding.intents import Intent, Word, clean, parse

_ANYWHERE: dict[Word, Callable[[Talk, str], Step]] = {
    Word.STOP: fallback.on_stop,
    Word.SHOP: shop.on_shop,
    Word.HELP: fallback.on_help,
    Word.NUMBER: picks.on_number,
    Word.PAY_AT: others.on_pay_at,
}
"""What can be said in a shop and outside."""

_IN_A_SHOP: dict[Word, Callable[[Talk, str], Step]] = {
    Word.MENU: catalogue.on_menu,
    Word.MORE: picks.on_more,
    Word.SHELVES: shelves.on_shelves,
    Word.INFO: card.on_info,
    Word.FIND: catalogue.on_find,
    Word.ADD: cart.on_add,
    Word.REMOVE: cart.on_remove,
    Word.SET: changing.on_set,
    Word.CART: cart.on_cart,
    Word.CONFIRM: checkout.on_confirm,
    Word.CONFIRM_UNCLEAR: checkout.on_confirm_unclear,
    Word.PAY: paying.on_pay,
    Word.PAY_BY: paying.on_pay_by,
    Word.PAY_OTHER: paying.on_pay_other,
    Word.PAY_UNCLEAR: paying.on_pay_unclear,
    Word.PHONE: paying.on_phone,
    Word.STATUS: orders.on_status,
    Word.CANCEL_ORDER: orders.on_cancel_order,
    Word.CANCEL: orders.on_cancel,
    Word.PAY_ASKED: by_hand.on_pay_asked,
    Word.PAID: paid.on_paid,
    Word.REORDER: again.on_reorder,
    Word.NOTE: arranging.on_note,
    Word.VOUCHER: arranging.on_voucher,
    Word.TOMORROW: arranging.on_tomorrow,
    Word.TODAY: arranging.on_today,
    Word.HISTORY: orders.on_history,
    Word.DELIVERY: fulfilment.on_delivery,
    Word.PICKUP: fulfilment.on_pickup,
    Word.HOURS: opening.on_hours,
    Word.WHERE: fallback.on_where,
    Word.HUMAN: people.on_human,
    Word.BOT: people.on_bot,
    Word.ALERTS: people.on_alerts,
    Word.ALERTS_OFF: people.on_alerts_off,
    Word.YES: fallback.on_yes,
    Word.NO: fallback.on_no,
    Word.THANKS: fallback.on_thanks,
    Word.TEXT: picks.on_words,
}

_CAME_OF: dict[Purpose, Callable[[Talk, Result], Step]] = {
    Purpose.ENTER_SHOP: shop.shop_found,
    Purpose.SHOP_MENU: shop.shop_menu_came,
    Purpose.OFFER_SHOPS: shop.shops_came,
    Purpose.MENU: catalogue.menu_came,
    Purpose.SHELVES: shelves.shelves_came,
    Purpose.SHELF: shelves.shelf_came,
    Purpose.CARD_FIND: card.card_found,
    Purpose.CARD: card.card_came,
    Purpose.FIND: catalogue.found_came,
    Purpose.FIND_CLOSE: catalogue.close_came,
    Purpose.TEXT: catalogue.text_came,
    Purpose.TEXT_SHOP: catalogue.text_shop_came,
    Purpose.TEXT_CLOSE: catalogue.text_close_came,
    Purpose.ADD_FIND: cart.add_found,
    Purpose.ADD_CLOSE: catalogue.close_came,
    Purpose.ADD: cart.added,
    Purpose.SEVERAL: basket.looked_up,
    Purpose.SEVERAL_ADD: basket.one_added,
    Purpose.CART: cart.cart_came,
    Purpose.REMOVE_FIND: cart.remove_found,
    Purpose.SET_FIND: changing.set_found,
    Purpose.REMOVE_ASK: cart.remove_asked,
    Purpose.REMOVE: cart.removed,
    Purpose.ZONES: fulfilment.zones_came,
    Purpose.FULFILMENT: fulfilment.fulfilment_came,
    Purpose.LANDMARK: fulfilment.place_kept,
    Purpose.NOTE: arranging.note_left,
    Purpose.VOUCHER: arranging.voucher_used,
    Purpose.DAY: arranging.day_chosen,
    Purpose.AGAIN_CART: again.cart_before_came,
    Purpose.AGAIN: again.reordered,
    Purpose.HOURS: opening.hours_came,
    Purpose.HISTORY: orders.history_came,
    Purpose.PAY_ASKED: by_hand.orders_to_pay_came,
    Purpose.CONFIRM: checkout.confirmed,
    Purpose.CONFIRM_EMPTY: checkout.confirm_was_empty,
    Purpose.PAY: charging.pay_came,
    Purpose.PAY_OTHER: paying.ways_came,
    Purpose.PAY_OTHER_ORDER: paying.order_for_ways_came,
    Purpose.PAY_AT: others.shop_at_came,
    Purpose.OTHER_ORDER: others.other_came,
    Purpose.PAY_FOR_OTHER: charging.pay_for_other_came,
    Purpose.PAID: paid.paid_came,
    Purpose.RECEIPT: paid.receipt_came,
    Purpose.CHARGE: charging.charge_came,
    Purpose.CANCEL: orders.cancel_came,
    Purpose.STATUS: orders.orders_came,
    Purpose.ORDER: orders.order_came,
    Purpose.TAP_CONFIRM: tapped.cart_to_confirm_came,
    Purpose.TAP_PAY: tapped.order_to_pay_came,
    Purpose.TAP_RECEIPT: tapped.order_to_prove_came,
    Purpose.PERSON: people.person_came,
    Purpose.BOT: people.bot_came,
    Purpose.ALERTS: people.alerts_came,
    Purpose.ALERTS_OFF: people.alerts_left,
}


_ABOUT_ANYTHING = frozenset((Word.TEXT, Word.FIND, Word.ADD, Word.SET, Word.NUMBER, Word.PAY_ASKED, Word.WHERE))
"""What a sentence with a phone number in it may be taken for."""


def step(state: State, event: Event, now: datetime) -> Step:
    """The next state, and either one command (perform it, come back with its Outcome) or the turn's one reply; news
    may also end in silence. A customer's message takes at most `talk.MAX_COMMANDS` commands. `now` is aware."""
    match event:
        case Said():
            talk = people.begun(fulfilment.begun(Talk.begun_by(languages.learning(state, event), event, now)))
            if people.is_meant_for_them(talk, event):
                return talk.quiet()
            return people.noted(talk, languages.offered(_said(talk, event)))
        case Outcome():
            talk = Talk.continued(state, event, now)
            return people.noted(talk, languages.offered(_came(talk, event)))
        case Heard():
            state = replace(state, turn=None)
            return people_news.heard(state, event.news, now) or heard(state, event.news)
        case _:
            assert_never(event)


def _said(talk: Talk, said: Said) -> Step:
    language = languages.change_wanted(said)
    if language is not None:
        return languages.change(talk, language)
    tap, intent = taps.read(said.payload), parse(said.text)
    is_answer = intent.word is Word.YES if tap is None else tap.action is taps.Action.PAY_FOR
    if not is_answer:
        talk = others.closed(talk)
    followed = tapped.on_tap(talk, tap, said.text) if tap is not None else None
    if followed is not None:
        return followed
    if intent.word is Word.NOTHING and said.location is not None and talk.state.shop and talk.shop.delivers:
        return fulfilment.to_pin(talk, said.location)
    if intent.word is Word.NOTHING:
        if talk.state.shop is None and not said.media:
            return shop.choose_first(talk)
        return fallback.on_nothing(talk, said.media)
    if intent.word is Word.START:
        return _start(talk)
    if intent.word is Word.GREETING:
        return _greet(talk, intent)
    anywhere = _ANYWHERE.get(intent.word)
    if anywhere is not None:
        return anywhere(talk, intent.rest)
    if intent.word is Word.TEXT and fallback.is_wordless(intent.rest):
        return fallback.on_wordless(talk)
    in_words = paying.number_in_words(talk, clean(said.text)) if intent.word in _ABOUT_ANYTHING else None
    if in_words is not None:
        return in_words
    if talk.state.shop is not None:
        return _IN_A_SHOP[intent.word](talk, intent.rest)
    if intent.word is Word.TEXT:
        return shop.on_bare_word(talk, intent.rest)
    return shop.choose_first(talk)


def _greet(talk: Talk, intent: Intent) -> Step:
    if talk.state.shop is not None:
        return fallback.greeted_in_shop(talk)
    if intent.rest:
        return shop.on_bare_word(talk, intent.rest)
    return shop.offer(talk, "welcome")


def _start(talk: Talk) -> Step:
    """START is what a newcomer may say first, too."""
    if talk.state.shop is None and not talk.state.opted_out:
        return shop.offer(talk, "welcome")
    return fallback.on_start(talk)


def _came(talk: Talk, outcome: Outcome) -> Step:
    handler = _CAME_OF.get(talk.turn.purpose) if talk.turn.purpose else None
    needs_shop = talk.turn.purpose not in (Purpose.ENTER_SHOP, Purpose.OFFER_SHOPS, Purpose.PAY_AT)
    if handler is None or (needs_shop and talk.state.shop is None):
        return talk.say("our_mistake")
    return handler(talk, outcome.result)
