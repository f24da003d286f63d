"""What a fake shop finds on its shelves, page by page."""

from collections.abc import Callable

from rapidfuzz import fuzz

from bot.conversation.model import ListItems
from contracts.router_api import ItemPage
from tests.support.fake_shops import FakeShop, Stocked

Search = Callable[[list[Stocked], str], list[Stocked]]


def page_of(shop: FakeShop, command: ListItems, search: Search | None, *, finds_alike: bool) -> ItemPage:
    """With `finds_alike` a search is as forgiving as the real one; `search` replaces it."""
    words = command.query.casefold().split()
    shelf = shop.items
    if command.category:
        shelf = [item for item in shelf if f"category-{item.category}" == command.category]
    fitting = [
        item
        for item in shelf
        if item.sku.casefold() == command.query.casefold() or all(word in item.name.casefold() for word in words)
    ]
    if search is not None and command.query:
        fitting = search(shelf, command.query)
    if not fitting and finds_alike:
        fitting = [item for item in shelf if fuzz.partial_ratio(command.query, item.name.casefold()) > 70]
    after = next((place + 1 for place, item in enumerate(fitting) if item.item_id == command.after), 0)
    page = fitting[after : after + command.limit]
    has_more = after + command.limit < len(fitting)
    return ItemPage(
        items=[item.view(shop.currency) for item in page],
        next_after=page[-1].item_id if has_more and page else None,
        total=len(fitting),
    )
