"""Shops, items, carts and orders as lines of a reply, and the numbered lists that go with them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.conversation.model import Reply
from bot.conversation.state import MAX_ENTRIES, Entry, Listing, ListKind, Shop
from bot.replies.reply import ReplyParam
from contracts.money import Currency, Money
from contracts.router_api import CartView, ItemView, LineView, OrderView, ShopView

PAGE_SIZE = 9
"""Items on one page of a menu."""
_FEW = 5  # from here on the menu says how many are left
_ZONES = {Currency.KES: "Africa/Nairobi", Currency.AOA: "Africa/Luanda"}


def total_of(order: OrderView) -> Money:
    return Money(order.total_minor, order.currency)


def item_listing(
    items: Sequence[ItemView],
    vendor_id: str,
    now: datetime,
    *,
    first_number: int = 1,
    quantity: int | None = None,
    query: str = "",
    next_after: str | None = None,
) -> Listing:
    entries = tuple(
        Entry(number, item.item_id, item.name) for number, item in enumerate(items[:MAX_ENTRIES], start=first_number)
    )
    return Listing(ListKind.ITEMS, vendor_id, entries, now, quantity, query[:100], next_after)


def item_lines(items: Sequence[ItemView], first_number: int = 1) -> tuple[Reply, ...]:
    return tuple(_item_line(number, item) for number, item in enumerate(items[:MAX_ENTRIES], start=first_number))


def _item_line(number: int, item: ItemView) -> Reply:
    name = item.name
    if item.available is not None and item.available <= 0:
        return Reply("item_line_sold_out", {"number": number, "item": name})
    price = (_price(item),)
    if item.available is not None and item.available <= _FEW:
        return Reply("item_line_few", {"number": number, "item": name, "price": price, "available": item.available})
    return Reply("item_line", {"number": number, "item": name, "price": price})


def _price(item: ItemView) -> Reply:
    amount = Money(item.price_minor, item.currency)
    unit = item.unit.strip()
    return Reply("price_per", {"amount": amount, "unit": unit}) if unit else Reply("price", {"amount": amount})


def pick_note(items: Sequence[ItemView], quantity: int, first_number: int = 1) -> tuple[Reply, ...]:
    """What a number of the list just shown will do."""
    if all(item.available is not None and item.available <= 0 for item in items):
        return (Reply("pick_later"),)
    if len(items) == 1:
        return (Reply("pick_only", {"number": first_number, "count": quantity}),)
    return (Reply("pick_several", {"count": quantity}),)


def more_note(next_after: str | None) -> tuple[Reply, ...]:
    return (Reply("more_items"),) if next_after else ()


def shop_listing(shops: Sequence[ShopView], now: datetime) -> Listing:
    entries = tuple(Entry(number, shop.word, shop.name) for number, shop in enumerate(shops[:MAX_ENTRIES], start=1))
    return Listing(ListKind.SHOPS, "", entries, now)


def shop_lines(shops: Sequence[ShopView]) -> tuple[Reply, ...]:
    return tuple(
        Reply("shop_line", {"number": number, "shop": shop.name, "word": shop.word.upper()})
        for number, shop in enumerate(shops[:MAX_ENTRIES], start=1)
    )


def cart_lines(order: OrderView) -> tuple[Reply, ...]:
    """With the numbers that REMOVE takes."""
    return tuple(Reply("order_line", {"number": line.line_no, **_of_line(line, order)}) for line in order.lines)


def order_lines(order: OrderView) -> tuple[Reply, ...]:
    """Without numbers: there is nothing to pick."""
    return tuple(Reply("order_line_plain", _of_line(line, order)) for line in order.lines)


def _of_line(line: LineView, order: OrderView) -> dict[str, ReplyParam]:
    return {"quantity": line.quantity, "item": line.name, "price": Money(line.total_minor, order.currency)}


def cart_listing(kind: ListKind, order: OrderView, vendor_id: str, now: datetime) -> Listing:
    """The first lines of the cart: a longer one is still served by `REMOVE <number>`, which asks the router."""
    entries = tuple(
        Entry(line.line_no, str(line.quantity), line.name) for line in order.lines[:MAX_ENTRIES]
    )  # the line's number is what the router knows it by, so the entry needs no other id
    return Listing(kind, vendor_id, entries, now)


def order_listing(kind: ListKind, orders: Sequence[OrderView], vendor_id: str, now: datetime) -> Listing:
    entries = tuple(Entry(number, order.code, order.code) for number, order in enumerate(orders[:MAX_ENTRIES], start=1))
    return Listing(kind, vendor_id, entries, now)


def order_choices(orders: Sequence[OrderView]) -> tuple[Reply, ...]:
    return tuple(
        Reply("order_choice", {"number": number, "code": order.code, "total": total_of(order)})
        for number, order in enumerate(orders[:MAX_ENTRIES], start=1)
    )


def filled_cart(view: CartView) -> OrderView | None:
    """The cart, if there is anything in it."""
    return view.cart if view.cart is not None and view.cart.lines else None


def unpaid_notes(orders: Iterable[OrderView]) -> tuple[Reply, ...]:
    return tuple(
        Reply("unpaid_order", {"code": order.code, "total": total_of(order)}) for order in list(orders)[:MAX_ENTRIES]
    )


def count_of(order: OrderView) -> tuple[Reply, ...]:
    return (Reply("items_count", {"count": sum(line.quantity for line in order.lines)}),)


def local_time(moment: datetime, shop: Shop | None, currency: Currency) -> datetime:
    """In the shop's zone; where the shop is not known here, in that of the currency's country."""
    try:
        zone = ZoneInfo(shop.timezone if shop else _ZONES[currency])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = ZoneInfo(_ZONES[currency])
    return moment.astimezone(zone)
