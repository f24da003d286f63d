"""Menu, search, and words that may be the name of something. What is shown here is what the next number picks from."""

from collections.abc import Sequence
from dataclasses import replace

from bot.conversation import basket, options, shelves
from bot.conversation.fallback import not_understood
from bot.conversation.languages import spoken
from bot.conversation.model import AddItem, FindItems, FindShop, ListItems, Reply, Result, Step
from bot.conversation.refusals import refused
from bot.conversation.shelves import first_number
from bot.conversation.shop import entered, example_number
from bot.conversation.showing import PAGE_SIZE, item_lines, item_listing, more_note, pick_note
from bot.conversation.state import ListKind, Purpose
from bot.conversation.talk import Talk
from bot.conversation.understanding.goods import also_called, match_items, named_within, perhaps_called
from bot.conversation.understanding.intents import fold
from bot.conversation.understanding.lists import Aim, read_list
from bot.conversation.understanding.matching import Found, names_it, suggest_word
from bot.conversation.understanding.packs import counts_pieces, loose
from bot.conversation.understanding.quantities import Wanted, read_wanted, without_fillers
from contracts.errors import ProblemBody
from contracts.router_api import MAX_QUANTITY, ItemPage, ItemsFound, ItemView, ShopView

WHOLE_SHELF = 50
"""Items to look through for a likeness: the most that one page of the catalogue holds."""

MAX_QUERY = 60  # characters
_MAX_SHOP_WORD = 30
_MAX_OFFERED = 3
"""Things that "did you mean?" proposes."""

_OTHERWISE = "otherwise"


def on_menu(talk: Talk, rest: str = "") -> Step:
    return talk.ask(Purpose.MENU, ListItems(talk.shop.vendor_id, limit=PAGE_SIZE))


def menu_again(talk: Talk) -> Step:
    """A number came for a list that is no longer known: the menu anew, to pick from."""
    return on_menu(talk.knowing(heading="again"))


def on_more(talk: Talk, rest: str = "") -> Step:
    listing = talk.list_of(ListKind.ITEMS)
    if listing is None or listing.vendor_id != talk.shop.vendor_id:
        return on_menu(talk)
    if listing.next_after is None:
        return talk.say("no_more_items")
    if listing.category:
        return shelves.further(talk, listing)
    talk = talk.knowing(text=listing.query, quantity=listing.quantity, heading="more")
    purpose = Purpose.FIND if listing.query else Purpose.MENU
    return talk.ask(
        purpose, ListItems(talk.shop.vendor_id, query=listing.query, after=listing.next_after, limit=PAGE_SIZE)
    )


def menu_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, ItemPage):
        return talk.say("our_mistake")
    shop, items = talk.shop, result.items
    if not items:
        return talk.say("no_more_items") if talk.turn.heading == "more" else talk.say("menu_empty", shop=shop.name)
    if talk.turn.heading not in ("more", shelves.WHOLE) and shelves.are_first(result, is_entering=False):
        return shelves.on_shelves(talk)
    first = first_number(talk)
    listing = item_listing(items, shop.vendor_id, talk.now, first_number=first, next_after=result.next_after)
    talk, lines, more = talk.showing(listing), item_lines(items, first), more_note(result.next_after)
    talk = talk.offering(*options.of_items(items, shop.vendor_id, has_more=result.next_after is not None))
    if talk.turn.heading == "again":
        return talk.say("menu_again", shop=shop.name, items=lines, more=more)
    return talk.say("menu", shop=shop.name, items=lines, more=more, example=example_number(len(items), first))


# --- searching -------------------------------------------------------------------------------------------------------


def on_find(talk: Talk, rest: str) -> Step:
    if not rest:
        return talk.say("find_what")
    several = read_list(rest)
    if len(several.parts) > 1:
        return basket.on_several(talk, rest, several, Aim.SEE)
    query = without_fillers(rest)[:MAX_QUERY]
    return talk.knowing(text=query).ask(Purpose.FIND, ListItems(talk.shop.vendor_id, query=query, limit=PAGE_SIZE))


def found_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    page = page_of(result)
    if page is None:
        return talk.say("our_mistake")
    if talk.turn.heading == "more" and not page.items:
        return talk.say("no_more_items")
    items = list(page.items)
    if talk.turn.heading != "more":
        fitting = _fitting(match_items(talk.turn.text, items), items)
        otherwise = look_otherwise(talk, Purpose.FIND) if not fitting else None
        if otherwise is not None:
            return otherwise
        items = fitting + [item for item in items if item not in fitting]
    if items:
        return show_found(talk, items, page.next_after)
    return look_closer(talk, Purpose.FIND_CLOSE)


def show_found(talk: Talk, items: Sequence[ItemView], next_after: str | None) -> Step:
    first = first_number(talk)
    quantity, query = talk.turn.quantity, talk.turn.text
    talk = talk.showing(
        item_listing(
            items,
            talk.shop.vendor_id,
            talk.now,
            first_number=first,
            quantity=quantity,
            query=query,
            next_after=next_after,
        )
    )
    offered = options.of_items(
        items, talk.shop.vendor_id, quantity=wanted_quantity(talk), has_more=next_after is not None
    )
    if len(items) == 1 and (items[0].has_picture or items[0].description.strip()):
        offered = (*offered, options.details(items[0], talk.shop.vendor_id))
    talk = talk.offering(*offered)
    alone = items[0].description.strip() if len(items) == 1 else ""
    about = (Reply("item_description", {"description": alone}),) if alone else ()
    return talk.say(
        "found",
        query=query,
        items=item_lines(items, first),
        about=about,
        more=more_note(next_after),
        next=pick_note(items, wanted_quantity(talk), first),
    )


def wanted_quantity(talk: Talk) -> int:
    """How many a number of the list will add."""
    quantity = talk.turn.quantity
    return quantity if quantity is not None and 1 <= quantity <= MAX_QUANTITY else 1


def wanting(talk: Talk, wanted: Wanted) -> Talk:
    """With what is wanted kept for the rest of the turn, in both ways to read it."""
    talk = talk.knowing(text=wanted.name[:MAX_QUERY], quantity=wanted.quantity)
    turn = replace(talk.turn, spare_text=wanted.spare_name[:MAX_QUERY], spare_quantity=wanted.spare_quantity)
    return replace(talk, turn=turn)


def settle_reading(talk: Talk, items: Sequence[ItemView]) -> Talk:
    """ "7 up" is the drink where there is one of that name, else seven of "up"."""
    turn = talk.turn
    if not turn.spare_text or any(names_it(item.name, turn.text) for item in items):
        return talk
    return talk.knowing(text=turn.spare_text, quantity=turn.spare_quantity)


def page_of(result: Result) -> ItemPage | None:
    """What a search or a look under several names found; None for what is neither."""
    if isinstance(result, ItemPage):
        return result
    if not isinstance(result, ItemsFound):
        return None
    by_id = {item.item_id: item for page in result.found for item in page}
    return ItemPage(items=list(by_id.values())[:WHOLE_SHELF], total=len(by_id))


def look_otherwise(talk: Talk, purpose: Purpose) -> Step | None:
    """Nothing has that name here: look under what it is called in other languages, once; None if that is nothing."""
    names = also_called(talk.turn.text)
    if not names or talk.turn.heading == _OTHERWISE:
        return None
    return talk.knowing(heading=_OTHERWISE).ask(purpose, FindItems(talk.shop.vendor_id, names, PAGE_SIZE))


def look_closer(talk: Talk, purpose: Purpose) -> Step:
    """Nothing has that name: fetch what may have been meant, or the shelf, to see what is like it."""
    names = perhaps_called(talk.turn.text)
    within = named_within(talk.turn.text)
    if within is not None:
        quantity = talk.turn.quantity if talk.turn.quantity is not None else within.quantity
        talk = talk.knowing(text=within.name, quantity=quantity)
        names = (within.name, *also_called(within.name))
    if names:
        return talk.ask(purpose, FindItems(talk.shop.vendor_id, names, PAGE_SIZE))
    return talk.ask(purpose, ListItems(talk.shop.vendor_id, limit=WHOLE_SHELF))


def close_came(talk: Talk, result: Result) -> Step:
    """After FIND or ADD found nothing."""
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    page = page_of(result)
    if page is None:
        return talk.say("our_mistake")
    fitting = _fitting(match_items(talk.turn.text, page.items), page.items)
    if fitting:
        return offer_close(talk, fitting)
    return talk.say("nothing_found", shop=talk.shop.name, query=talk.turn.text)


def offer_close(talk: Talk, items: Sequence[ItemView], word: str | None = None) -> Step:
    """Things like what was asked for, to pick from: likeness never acts by itself."""
    items = items[:_MAX_OFFERED]
    listing = item_listing(items, talk.shop.vendor_id, talk.now, quantity=talk.turn.quantity)
    talk = talk.showing(listing).offering(*options.of_items(items, talk.shop.vendor_id, quantity=wanted_quantity(talk)))
    return talk.say(
        "items_close",
        query=talk.turn.text,
        items=item_lines(items),
        word=(Reply("word_close", {"word": word}),) if word else (),
        next=pick_note(items, wanted_quantity(talk)),
    )


def _fitting(meant: Found, items: Sequence[ItemView]) -> list[ItemView]:
    places = (meant.clear,) if meant.clear is not None else meant.several or meant.close
    return [items[place] for place in places]


# --- words that are no command ---------------------------------------------------------------------------------------


def on_text(talk: Talk, text: str) -> Step:
    """The name of an item, another shop's word, a slip of the finger, or something else altogether, in this order."""
    shop = talk.shop
    if fold(text) == fold(shop.word):
        return on_menu(talk)
    several = read_list(text)
    wanted = read_wanted(text)
    if len(several.parts) > 1 or (wanted.measure and wanted.name[0].isdigit()):
        return basket.on_several(talk, text, several, Aim.UNSAID)
    talk = wanting(talk, wanted if wanted.name else Wanted(name=text))
    query = talk.turn.spare_text or talk.turn.text
    return talk.ask(Purpose.TEXT, ListItems(shop.vendor_id, query=query, limit=PAGE_SIZE))


def text_came(talk: Talk, result: Result) -> Step:
    """What is clear and counted ("2 milk") is added; a name alone is shown."""
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    page = page_of(result)
    if page is None:
        return talk.say("our_mistake")
    text = talk.turn.text
    if (
        talk.turn.quantity is None
        and read_wanted(text).measure
        and not any(names_it(item.name, text) for item in page.items)
    ):
        return basket.on_several(talk, text, read_list(text), Aim.UNSAID)  # "sugar 2 kg", where no bag has that size
    talk = settle_reading(talk, page.items)
    quantity = talk.turn.quantity
    likely = loose(page.items, quantity)
    meant = match_items(talk.turn.text, likely)
    if meant.clear is not None and counts_pieces(likely[meant.clear], quantity):
        return show_found(replace(talk, turn=replace(talk.turn, quantity=None)), [likely[meant.clear]], None)
    if meant.clear is not None and quantity is not None and 1 <= quantity <= MAX_QUANTITY:
        item = likely[meant.clear]
        return talk.knowing(text=item.name).ask(Purpose.ADD, AddItem(talk.shop.vendor_id, item.item_id, quantity))
    if meant.clear is not None and quantity is not None:
        what = likely[meant.clear].name
        if quantity < 1:
            return talk.say("quantity_too_small", what=what)
        return talk.say("quantity_too_large", most=MAX_QUANTITY, what=what)
    if meant.clear is not None or meant.several:
        items = _fitting(meant, likely)
        return show_found(talk, items, page.next_after if len(items) == len(page.items) else None)
    otherwise = look_otherwise(talk, Purpose.TEXT)
    if otherwise is not None:
        return otherwise
    word = fold(talk.turn.text)
    if len(word.split()) == 1 and len(word) <= _MAX_SHOP_WORD:
        return talk.ask(Purpose.TEXT_SHOP, FindShop(word))
    return look_closer(talk, Purpose.TEXT_CLOSE)


def text_shop_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ShopView):
        return entered(talk, result)
    return look_closer(talk, Purpose.TEXT_CLOSE)


def text_close_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    page = page_of(result)
    if page is None:
        return talk.say("our_mistake")
    word = suggest_word(talk.turn.text, spoken(talk.state))
    items = _fitting(match_items(talk.turn.text, page.items), page.items)
    if items:
        return offer_close(talk, items, word)
    return not_understood(talk, talk.turn.text, word)
