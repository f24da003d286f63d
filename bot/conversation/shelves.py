"""Shelves: what a shop's things are sorted into. Whoever enters a shop of more than a page chooses one first.

MENU still shows everything, one page after the other; only where that would be many pages it shows the shelves, too."""

from collections.abc import Sequence
from dataclasses import replace

from bot.conversation import options
from bot.conversation.model import ListCategories, ListItems, Reply, Result, Step
from bot.conversation.refusals import refused
from bot.conversation.showing import PAGE_SIZE, item_lines, item_listing, more_note
from bot.conversation.state import Entry, Listing, ListKind, Purpose
from bot.conversation.talk import Talk
from bot.replies.reply import Option
from contracts.errors import ProblemBody
from contracts.router_api import CategoryList, CategoryView, ItemPage

EVERYTHING = "*"
"""In the place of a shelf's id: all that there is."""

WHOLE = "whole"
"""The heading of a turn that wants the things themselves, however many."""

ENTERED = "entered"
_MANY = 3 * PAGE_SIZE
_PER_PAGE = 9  # and below them everything, or the next ones


def are_first(page: ItemPage, *, is_entering: bool) -> bool:
    """Whether to show the shelves in place of this first page of all that there is."""
    has_shelves = any(item.category_id for item in page.items)
    return has_shelves and page.total > (len(page.items) if is_entering else _MANY)


def on_shelves(talk: Talk, rest: str = "") -> Step:
    return talk.ask(Purpose.SHELVES, ListCategories(talk.shop.vendor_id))


def more(talk: Talk, listing: Listing) -> Step:
    """The shelves behind those of that list."""
    return on_shelves(talk.knowing(heading="more", text=listing.next_after or "0"))


def shelves_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, CategoryList):
        return talk.say("our_mistake")
    if not result.categories:
        return open_shelf(talk, EVERYTHING)
    start = int(talk.turn.text) if talk.turn.heading == "more" else 0
    shelves = result.categories[start : start + _PER_PAGE]
    following = start + len(shelves)
    has_more = following < len(result.categories)
    # While there are more, the next number belongs to the next shelf; MENU shows everything all the same.
    total = None if has_more else sum(shelf.count for shelf in result.categories) + result.others
    next_after = str(following) if has_more else None
    talk = talk.showing(_listing(talk, shelves, start, next_after))
    talk = talk.offering(*options.of_shelves(shelves, talk.shop.vendor_id, total=total))
    lines, more = _lines(shelves, start, total), more_note(next_after)
    if talk.turn.heading == ENTERED:
        return talk.say("shop_entered_shelves", shop=talk.shop.name, shelves=lines, more=more)
    return talk.say("shelves", shop=talk.shop.name, shelves=lines, more=more)


def _listing(talk: Talk, shelves: Sequence[CategoryView], start: int, next_after: str | None) -> Listing:
    entries = [Entry(number, shelf.category_id, shelf.name) for number, shelf in enumerate(shelves, start=start + 1)]
    if next_after is None:
        entries.append(Entry(start + len(shelves) + 1, EVERYTHING, EVERYTHING))
    return Listing(ListKind.SHELVES, talk.shop.vendor_id, tuple(entries), talk.now, next_after=next_after)


def _lines(shelves: Sequence[CategoryView], start: int, total: int | None) -> tuple[Reply, ...]:
    lines = [
        Reply("shelf_line", {"number": number, "name": shelf.name, "count": shelf.count})
        for number, shelf in enumerate(shelves, start=start + 1)
    ]
    if total is not None:
        lines.append(Reply("shelf_line_all", {"number": start + len(shelves) + 1, "count": total}))
    return tuple(lines)


def open_shelf(talk: Talk, category_id: str) -> Step:
    """What stands on it."""
    shop = talk.shop
    if category_id == EVERYTHING:
        return talk.knowing(heading=WHOLE).ask(Purpose.MENU, ListItems(shop.vendor_id, limit=PAGE_SIZE))
    return _ask(talk, category_id, None)


def further(talk: Talk, listing: Listing) -> Step:
    """The next page of the shelf that the list shows."""
    return _ask(talk.knowing(heading="more"), listing.category, listing.next_after)


def _ask(talk: Talk, category_id: str, after: str | None) -> Step:
    talk = replace(talk, turn=replace(talk.turn, category=category_id))
    wanted = ListItems(talk.shop.vendor_id, after=after, limit=PAGE_SIZE, category=category_id)
    return talk.ask(Purpose.SHELF, wanted)


def shelf_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, ItemPage):
        return talk.say("our_mistake")
    items, shop = result.items, talk.shop
    if not items:
        return talk.say("no_more_items") if talk.turn.heading == "more" else talk.say("shelf_empty")
    first = first_number(talk)
    listing = item_listing(items, shop.vendor_id, talk.now, first_number=first, next_after=result.next_after)
    talk = talk.showing(replace(listing, category=talk.turn.category))
    has_more = result.next_after is not None
    offered: tuple[Option, ...] = options.of_items(items, shop.vendor_id, has_more=has_more)
    talk = talk.offering(*offered) if has_more else talk.offering(*offered, options.shelves(shop.vendor_id))
    return talk.say(
        "shelf",
        shop=shop.name,
        name=items[0].category or "–",
        items=item_lines(items, first),
        more=more_note(result.next_after),
    )


def first_number(talk: Talk) -> int:
    """A next page counts on, so that no number means two things on one screen."""
    listing = talk.list_of(ListKind.ITEMS)
    if talk.turn.heading != "more" or listing is None or not listing.entries:
        return 1
    return listing.entries[-1].number + 1
