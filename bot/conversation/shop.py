"""Finding and changing shops. The shop is remembered; each keeps its own cart."""

from typing import Literal

from bot.conversation import options, shelves
from bot.conversation.model import FindShop, ListItems, ListShops, Result, Step
from bot.conversation.refusals import refused
from bot.conversation.showing import PAGE_SIZE, item_lines, item_listing, more_note, shop_lines, shop_listing
from bot.conversation.state import ListKind, Purpose, Shop
from bot.conversation.talk import Talk
from bot.conversation.understanding.intents import fold, is_list_number
from bot.conversation.understanding.matching import Candidate, find
from contracts.errors import ErrorCode, ProblemBody
from contracts.router_api import ItemPage, ShopList, ShopView

_MAX_WORD = 40

_BARE = "bare"
"""Nobody said SHOP: the word may as well be the first greeting of a new customer."""

Heading = Literal["welcome", "choose_shop", "shops", "shop_unknown"]


def offer(talk: Talk, heading: Heading) -> Step:
    """Show the shops, below that sentence."""
    return talk.knowing(heading=heading).ask(Purpose.OFFER_SHOPS, ListShops())


def choose_first(talk: Talk) -> Step:
    """Whatever was said needs a shop, and none was chosen."""
    return offer(talk, "choose_shop" if talk.state.is_greeted else "welcome")


def on_shop(talk: Talk, rest: str) -> Step:
    """SHOP, SHOP mama, SHOP 2."""
    if not rest:
        return offer(talk, "shops")
    listing = talk.list_of(ListKind.SHOPS)
    if is_list_number(rest) and listing is not None:
        entry = listing.pick(int(rest))
        if entry is not None:
            return enter(talk, entry.id)
    return enter(talk, rest)


def enter(talk: Talk, word: str) -> Step:
    word = fold(word).strip(" \"'.,!?*")[:_MAX_WORD]
    if not word:
        return offer(talk, "shops")
    return talk.knowing(text=word).ask(Purpose.ENTER_SHOP, FindShop(word))


def on_bare_word(talk: Talk, text: str) -> Step:
    """Something was said before a shop was chosen: one word may be a shop's, as in the links that shops hand out."""
    if len(text.split()) == 1 and len(text) <= _MAX_WORD:
        return enter(talk.knowing(heading=_BARE), text)
    return choose_first(talk.knowing(text=text))


def shop_found(talk: Talk, result: Result) -> Step:
    match result:
        case ShopView():
            return entered(talk, result)
        case ProblemBody(code=ErrorCode.SHOP_UNKNOWN):
            was_greeting = talk.turn.heading == _BARE and not talk.state.is_greeted
            return offer(talk, "welcome" if was_greeting else "shop_unknown")
        case ProblemBody():
            return refused(talk, result)
        case _:
            return talk.say("our_mistake")


def entered(talk: Talk, view: ShopView) -> Step:
    """In the shop now; its first items come with the welcome."""
    talk = talk.with_state(talk.state.enter(Shop.of(view)))
    return talk.ask(Purpose.SHOP_MENU, ListItems(view.vendor_id, limit=PAGE_SIZE))


def shop_menu_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, ItemPage):
        return talk.say("our_mistake")
    shop, items = talk.shop, result.items
    if shelves.are_first(result, is_entering=True):
        return shelves.on_shelves(talk.knowing(heading=shelves.ENTERED))
    if not items:
        return talk.say("shop_entered_empty", shop=shop.name)
    talk = talk.showing(item_listing(items, shop.vendor_id, talk.now, next_after=result.next_after))
    talk = talk.offering(*options.of_items(items, shop.vendor_id, has_more=result.next_after is not None))
    return talk.say(
        "shop_entered",
        shop=shop.name,
        items=item_lines(items),
        more=more_note(result.next_after),
        example=example_number(len(items)),
    )


def example_number(shown: int, first: int = 1) -> int:
    """A number that is really in the list, and not the first if there is another."""
    return first + min(1, shown - 1)


def shops_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, ShopList):
        return talk.say("our_mistake")
    if not result.shops:
        return talk.say("no_shops")
    candidates = [Candidate(place, shop.name, shop.word) for place, shop in enumerate(result.shops)]
    meant = find(talk.turn.text, candidates)
    places = (meant.clear,) if meant.clear is not None else meant.several or meant.close
    if not places:
        return _show(talk, result.shops)
    close = [result.shops[place] for place in places]
    talk = talk.showing(shop_listing(close, talk.now)).offering(*options.of_shops(close))
    return talk.say("shop_close", word=talk.turn.text, shops=shop_lines(close))


def _show(talk: Talk, shops: list[ShopView]) -> Step:
    talk, lines = talk.showing(shop_listing(shops, talk.now)), shop_lines(shops)
    talk = talk.offering(*options.of_shops(shops))
    match talk.turn.heading:
        case "welcome":
            return talk.say("welcome", shops=lines)
        case "shop_unknown":
            return talk.say("shop_unknown", word=talk.turn.text, shops=lines)
        case "shops":
            return talk.say("shops", shops=lines)
        case _:
            return talk.say("choose_shop", shops=lines)
