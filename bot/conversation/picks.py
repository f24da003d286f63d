"""A bare number: it picks from the list last shown, and does what that list is for."""

from typing import assert_never

from bot.conversation import cart, catalogue, fulfilment, languages, orders, paying, shelves
from bot.conversation.catalogue import menu_again, on_text
from bot.conversation.fallback import hint
from bot.conversation.model import Step
from bot.conversation.shop import choose_first, enter, on_bare_word
from bot.conversation.state import Entry, Listing, ListKind
from bot.conversation.talk import Talk
from bot.conversation.understanding.quantities import read_wanted

_MAX_LIST_NUMBER = 99  # more was never a line of a list

_OUTSIDE_A_SHOP = (ListKind.SHOPS, ListKind.LANGUAGE)


def on_number(talk: Talk, rest: str) -> Step:
    """2, two, 2 x 3."""
    no_phone = paying.no_phone(talk, rest)
    if no_phone is not None:
        return no_phone
    wanted = read_wanted(rest)
    listing = talk.state.last_shown()
    if talk.state.shop is None and (listing is None or listing.kind not in _OUTSIDE_A_SHOP):
        return on_bare_word(talk, rest) if rest.isalpha() else choose_first(talk)
    if wanted.number is None:  # "3x milk" names an item after all
        return on_text(talk, rest) if talk.state.shop else choose_first(talk)
    if listing is None or not listing.is_alive(talk.now):
        return _without_list(talk, wanted.number, had_items=listing is None or listing.kind is ListKind.ITEMS)
    if listing.kind is ListKind.ITEMS:
        return cart.on_add(talk, rest)
    if listing.kind is ListKind.REMOVE:
        return cart.remove_number(talk, wanted.number)
    entry = listing.pick(wanted.number)
    if entry is None:
        return cart.number_unknown(talk, wanted.number, listing)
    return _pick(talk, listing, entry)


def on_more(talk: Talk, rest: str = "") -> Step:
    """The next page of the list last shown, whatever it lists."""
    listing = talk.state.other
    if listing is None or listing.vendor_id != talk.shop.vendor_id or not listing.is_alive(talk.now):
        return catalogue.on_more(talk)
    if listing.kind is ListKind.SHELVES:
        return shelves.more(talk, listing) if listing.next_after else shelves.on_shelves(talk)
    if listing.kind is ListKind.ORDERS:
        return orders.older(talk, listing) if listing.next_after else orders.on_history(talk)
    return catalogue.on_more(talk)


def on_words(talk: Talk, text: str) -> Step:
    """Words that are no command: the answer to what was just asked, where they can be one."""
    zone_id = fulfilment.zone_named(talk, text)
    if zone_id is not None:
        return fulfilment.to_zone(talk, zone_id)
    if fulfilment.is_place(talk, text):
        return fulfilment.keep_place(talk, text)
    return paying.on_way_named(talk, text)


def _pick(talk: Talk, listing: Listing, entry: Entry) -> Step:
    match listing.kind:
        case ListKind.ITEMS:
            return cart.add_entry(talk, entry, entry.quantity)
        case ListKind.SHOPS:
            return enter(talk, entry.id)
        case ListKind.CART:
            return cart.cart_line_chosen(talk, entry)
        case ListKind.REMOVE:
            return cart.remove_number(talk, entry.number)
        case ListKind.PAY | ListKind.RAIL:
            return paying.pay_entry(talk, listing, entry)
        case ListKind.CANCEL:
            return orders.cancel(talk, entry.id)
        case ListKind.ORDERS:
            return orders.show_order(talk, entry.id)
        case ListKind.SHELVES:
            return shelves.open_shelf(talk, entry.id)
        case ListKind.ZONES:
            return fulfilment.to_zone(talk, entry.id)
        case ListKind.LANGUAGE:
            return languages.change(talk, entry.id)
        case _:
            assert_never(listing.kind)


def _without_list(talk: Talk, number: int, *, had_items: bool) -> Step:
    if talk.state.shop is None:
        return choose_first(talk)
    if had_items and 1 <= number <= _MAX_LIST_NUMBER:
        return menu_again(talk)
    if 1000 <= number <= 9999:
        return talk.say("maybe_pin")
    return talk.say("number_without_list", hint=hint(talk))
