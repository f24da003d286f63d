"""Adding, taking out, looking. The cart itself lives in the router; here is only which item or line was meant."""

from dataclasses import replace

from bot.conversation import options
from bot.conversation.basket import on_several
from bot.conversation.catalogue import (
    look_closer,
    look_otherwise,
    menu_again,
    offer_close,
    page_of,
    settle_reading,
    show_found,
    wanted_quantity,
    wanting,
)
from bot.conversation.model import AddItem, ListItems, RemoveItem, Reply, Result, ShowCart, Step
from bot.conversation.refusals import refused
from bot.conversation.shelves import open_shelf
from bot.conversation.showing import (
    PAGE_SIZE,
    cart_lines,
    cart_listing,
    count_of,
    delivery_hint,
    filled_cart,
    item_lines,
    item_listing,
    pick_note,
    sums_of,
    terms_of,
    total_of,
    unpaid_notes,
)
from bot.conversation.state import Entry, Listing, ListKind, Purpose
from bot.conversation.talk import Talk
from bot.conversation.understanding.goods import match_called, match_items
from bot.conversation.understanding.lists import Aim, read_list
from bot.conversation.understanding.matching import Candidate
from bot.conversation.understanding.packs import counts_pieces, loose
from bot.conversation.understanding.quantities import Wanted, read_wanted
from contracts.errors import ProblemBody
from contracts.router_api import MAX_QUANTITY, CartView, ItemView, OrderView

# --- adding ----------------------------------------------------------------------------------------------------------

_MAX_OF_ONLY = 99  # more is no answer to a list of one thing


def on_add(talk: Talk, rest: str) -> Step:
    """ADD 2, ADD 2 x 3, ADD milk, ADD milk x 2, ADD 3 milk."""
    if not rest:
        return talk.say("add_what")
    several, wanted = read_list(rest), read_wanted(rest)
    if len(several.parts) > 1 or wanted.measure:
        return on_several(talk, rest, several, Aim.ADD)
    complaint = _complaint(talk, wanted.quantity, wanted.odd_quantity, wanted.name or str(wanted.number))
    if complaint is not None:
        return complaint
    if wanted.number is None:
        return _add_named(talk, wanted)
    shelf = _shelf(talk, wanted.number)
    if shelf is not None:
        return open_shelf(talk, shelf.id)
    listing = talk.list_of(ListKind.ITEMS)
    if listing is None or listing.vendor_id != talk.shop.vendor_id:
        return menu_again(talk)
    entry = listing.pick(wanted.number)
    if entry is None:
        return number_unknown(talk, wanted.number, listing)
    asked_for = entry.quantity if entry.quantity is not None else listing.quantity
    return add_entry(talk, entry, wanted.quantity if wanted.quantity is not None else asked_for)


def _shelf(talk: Talk, number: int) -> Entry | None:
    """The shelf of that number, where shelves are all that there is to choose from."""
    shelves = talk.list_of(ListKind.SHELVES)
    return shelves.pick(number) if shelves is not None and shelves.vendor_id == talk.shop.vendor_id else None


def add_entry(talk: Talk, entry: Entry, quantity: int | None) -> Step:
    """One line of the list last shown, `quantity` times (None: once)."""
    wanted = 1 if quantity is None else quantity
    complaint = _complaint(talk, wanted, "", str(entry.number))
    if complaint is not None:
        return complaint
    talk = talk.knowing(text=entry.label, quantity=wanted)
    return talk.ask(Purpose.ADD, AddItem(talk.shop.vendor_id, entry.id, wanted))


def number_unknown(talk: Talk, number: int, listing: Listing) -> Step:
    if 1000 <= number <= 9999:
        return talk.say("maybe_pin")
    first, last = listing.entries[0].number, listing.entries[-1].number
    if listing.kind is ListKind.ITEMS and first == last and first < number <= _MAX_OF_ONLY:
        return talk.say("number_of_only", number=number, first=first)
    return talk.say("number_unknown", number=_short(number), first=first, last=last)


def _complaint(talk: Talk, quantity: int | None, odd_quantity: str, what: str) -> Step | None:
    if odd_quantity:
        return talk.say("quantity_unclear", quantity=odd_quantity, what=what)
    if quantity is not None and quantity < 1:
        return talk.say("quantity_too_small", what=what)
    if quantity is not None and quantity > MAX_QUANTITY:
        return talk.say("quantity_too_large", most=MAX_QUANTITY, what=what)
    return None


def _short(number: int) -> str:
    """As it was said, unless that was a line of digits."""
    return str(number) if abs(number) < 10**9 else "…"


def _add_named(talk: Talk, wanted: Wanted) -> Step:
    talk = wanting(talk, wanted)
    query = talk.turn.spare_text or talk.turn.text
    return talk.ask(Purpose.ADD_FIND, ListItems(talk.shop.vendor_id, query=query, limit=PAGE_SIZE))


def add_found(talk: Talk, result: Result) -> Step:
    """The shelf was searched for what is to be added: one clear match is added, several are a question."""
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    page = page_of(result)
    if page is None:
        return talk.say("our_mistake")
    talk = settle_reading(talk, page.items)
    complaint = _complaint(talk, talk.turn.quantity, "", talk.turn.text)
    if complaint is not None:
        return complaint
    items = loose(page.items, talk.turn.quantity)
    meant = match_items(talk.turn.text, items)
    if meant.clear is not None and counts_pieces(items[meant.clear], talk.turn.quantity):
        return show_found(replace(talk, turn=replace(talk.turn, quantity=None)), [items[meant.clear]], None)
    if meant.clear is not None:
        item = items[meant.clear]
        quantity = wanted_quantity(talk)
        return talk.knowing(text=item.name, quantity=quantity).ask(
            Purpose.ADD, AddItem(talk.shop.vendor_id, item.item_id, quantity)
        )
    if meant.several:
        return _which(talk, [items[place] for place in meant.several])
    otherwise = look_otherwise(talk, Purpose.ADD_FIND)
    if otherwise is not None:
        return otherwise
    if meant.close:
        return offer_close(talk, [items[place] for place in meant.close])
    if page.items:  # the router saw a reason that the names don't show
        return show_found(talk, page.items, None)
    return look_closer(talk, Purpose.ADD_CLOSE)


def _which(talk: Talk, items: list[ItemView]) -> Step:
    listing = item_listing(items, talk.shop.vendor_id, talk.now, quantity=talk.turn.quantity)
    talk = talk.showing(listing).offering(*options.of_items(items, talk.shop.vendor_id, quantity=wanted_quantity(talk)))
    return talk.say(
        "which_item", query=talk.turn.text, items=item_lines(items), next=pick_note(items, wanted_quantity(talk))
    )


def added(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    cart = filled_cart(result) if isinstance(result, CartView) else None
    if cart is None:
        return talk.say("our_mistake")
    # The numbers on the screen are the shelf's again, whatever list was shown in between.
    talk = talk.with_state(replace(talk.state, other=None))
    has_numbers = talk.list_of(ListKind.ITEMS) is not None
    vendor_id = talk.shop.vendor_id
    talk = talk.offering(options.confirm(cart, vendor_id), options.show_cart(vendor_id), options.add_more(vendor_id))
    return talk.say(
        "added",
        quantity=wanted_quantity(talk),
        item=talk.turn.text,
        count=count_of(cart),
        total=total_of(cart),
        delivery=delivery_hint(cart, talk.shop),
        next=(Reply("next_number" if has_numbers else "next_name"),),
    )


# --- looking ---------------------------------------------------------------------------------------------------------


def on_cart(talk: Talk, rest: str = "") -> Step:
    return talk.ask(Purpose.CART, ShowCart(talk.shop.vendor_id))


def cart_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, CartView):
        return talk.say("our_mistake")
    cart, shop = filled_cart(result), talk.shop
    if cart is None:
        return _empty(talk, result)
    talk = talk.showing(cart_listing(ListKind.CART, cart, shop.vendor_id, talk.now))
    talk = talk.offering(options.confirm(cart, shop.vendor_id), options.add_more(shop.vendor_id))
    if shop.delivers:
        talk = talk.offering(*talk.options, options.fulfilment(cart, shop.vendor_id))
    return talk.say(
        "cart",
        shop=shop.name,
        lines=cart_lines(cart),
        sums=sums_of(cart),
        total=total_of(cart),
        terms=terms_of(cart, shop) or delivery_hint(cart, shop),
        unpaid=unpaid_notes(result.unpaid),
        example=cart.lines[0].line_no,
    )


def _empty(talk: Talk, view: CartView) -> Step:
    if view.unpaid:
        return talk.say("cart_empty_unpaid", shop=talk.shop.name, unpaid=unpaid_notes(view.unpaid))
    return talk.say("cart_empty", shop=talk.shop.name)


def cart_line_chosen(talk: Talk, entry: Entry) -> Step:
    """A number after CART: which way it was meant is not for us to guess."""
    return talk.say("cart_line_chosen", number=entry.number, quantity=entry.id, item=entry.label)


# --- taking out ------------------------------------------------------------------------------------------------------


def on_remove(talk: Talk, rest: str) -> Step:
    """REMOVE 1, REMOVE milk; REMOVE alone asks which."""
    if not rest:
        return talk.ask(Purpose.REMOVE_ASK, ShowCart(talk.shop.vendor_id))
    wanted = read_wanted(rest)
    name = str(wanted.number) if wanted.number is not None else wanted.spare_name or wanted.name
    quantity = wanted.quantity if wanted.quantity is not None else wanted.spare_quantity
    return _remove_named(talk.knowing(quantity=quantity), name)


def remove_number(talk: Talk, number: int) -> Step:
    """A number after REMOVE asked which one. A long cart has more lines than a list remembers, so the cart decides."""
    return _remove_named(talk, str(number))


def _remove_named(talk: Talk, name: str) -> Step:
    """By a line's number or an item's name: the cart says which line that is now, and what it is called."""
    return talk.knowing(text=name).ask(Purpose.REMOVE_FIND, ShowCart(talk.shop.vendor_id))


def remove_found(talk: Talk, result: Result) -> Step:
    """The cart came, to see which of its lines was named."""
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, CartView):
        return talk.say("our_mistake")
    cart = filled_cart(result)
    if cart is None:
        return _empty(talk, result)
    candidates = [Candidate(place, line.name, str(line.line_no)) for place, line in enumerate(cart.lines)]
    meant = match_called(talk.turn.text, candidates)
    if meant.clear is None:
        return _ask_which_line(talk, cart, is_known=bool(meant.several))
    line = cart.lines[meant.clear]
    quantity = talk.turn.quantity
    if quantity is not None and 0 < quantity < line.quantity:
        return talk.say(
            "remove_whole_line",
            quantity=line.quantity,
            item=line.name,
            number=line.line_no,
            fewer=line.quantity - quantity,
        )
    return talk.knowing(text=line.name).ask(Purpose.REMOVE, RemoveItem(talk.shop.vendor_id, line.line_no))


def remove_asked(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, CartView):
        return talk.say("our_mistake")
    cart = filled_cart(result)
    return _ask_which_line(talk, cart, is_known=True) if cart else _empty(talk, result)


def _ask_which_line(talk: Talk, cart: OrderView, *, is_known: bool) -> Step:
    what = talk.turn.text
    talk = talk.showing(cart_listing(ListKind.REMOVE, cart, talk.shop.vendor_id, talk.now))
    if is_known:
        return talk.say("remove_which", lines=cart_lines(cart))
    return talk.say("not_in_cart_list", what=what, lines=cart_lines(cart))


def removed(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, CartView):
        return talk.say("our_mistake")
    # Line numbers may have changed: a list that shows the old ones must not be picked from.
    talk = talk.with_state(replace(talk.state, other=None))
    cart = filled_cart(result)
    what = talk.turn.text
    if cart is None:
        return talk.say("removed_last", item=what)
    talk = talk.offering(options.confirm(cart, talk.shop.vendor_id), options.add_more(talk.shop.vendor_id))
    return talk.say("removed", item=what, count=count_of(cart), total=total_of(cart))
