"""One thing by itself: its picture, price and description, and a number or a button that adds it."""

from dataclasses import replace

from bot.conversation import options
from bot.conversation.cart import number_unknown
from bot.conversation.catalogue import found_came, page_of, settle_reading, wanting
from bot.conversation.model import ListItems, Reply, Result, ShowItem, Step
from bot.conversation.refusals import refused
from bot.conversation.showing import PAGE_SIZE, item_listing, pick_note, price_of, stock_note
from bot.conversation.state import ListKind, Purpose
from bot.conversation.talk import Talk
from bot.conversation.understanding.goods import match_items
from bot.conversation.understanding.quantities import read_wanted
from bot.replies.reply import Picture
from contracts.errors import ProblemBody
from contracts.router_api import ItemCard


def on_info(talk: Talk, rest: str) -> Step:
    """INFO 2, INFO milk, "picture of milk". Alone it is about the only thing shown, where there is only one."""
    listing = talk.list_of(ListKind.ITEMS)
    if not rest:
        if listing is None or len(listing.entries) != 1:
            return talk.say("info_what")
        return show(talk.knowing(text=listing.entries[0].label), listing.entries[0].id)
    wanted = read_wanted(rest)
    if wanted.number is not None and listing is not None and listing.vendor_id == talk.shop.vendor_id:
        entry = listing.pick(wanted.number)
        if entry is None:
            return number_unknown(talk, wanted.number, listing)
        return show(talk.knowing(text=entry.label), entry.id)
    if wanted.number is not None:
        return talk.say("info_what")
    talk = wanting(talk, wanted)
    query = talk.turn.spare_text or talk.turn.text
    return talk.ask(Purpose.CARD_FIND, ListItems(talk.shop.vendor_id, query=query, limit=PAGE_SIZE))


def show(talk: Talk, item_id: str) -> Step:
    return talk.ask(Purpose.CARD, ShowItem(talk.shop.vendor_id, item_id))


def card_found(talk: Talk, result: Result) -> Step:
    """What is clear is shown by itself, anything else as a search shows it."""
    page = page_of(result)
    if page is not None:
        talk = settle_reading(talk, page.items)
        clear = match_items(talk.turn.text, page.items).clear
        if clear is not None:
            return show(talk.knowing(text=page.items[clear].name), page.items[clear].item_id)
    return found_came(talk, result)


def card_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, ItemCard):
        return talk.say("our_mistake")
    vendor_id, about = talk.shop.vendor_id, result.description.strip()
    is_there = result.available is None or result.available > 0
    talk = talk.showing(item_listing([result], vendor_id, talk.now))
    menu = options.shelves_button(vendor_id) if result.category_id else options.show_menu(vendor_id)
    talk = talk.offering(options.add_one(result, vendor_id), menu) if is_there else talk.offering(menu)
    said = talk.say(
        "item_card",
        item=result.name,
        price=(price_of(result),),
        stock=stock_note(result),
        about=(Reply("item_description", {"description": about}),) if about else (),
        next=pick_note([result], 1),
    )
    picture = result.picture
    if said.reply is None or picture is None:
        return said
    return replace(said, reply=replace(said.reply, picture=Picture(picture.content_base64)))
