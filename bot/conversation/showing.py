"""Shops, items, carts and orders as lines of a reply, and the numbered lists that go with them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.conversation.model import Reply
from bot.conversation.state import MAX_ENTRIES, Entry, Listing, ListKind, Shop
from bot.replies.reply import ReplyParam
from contracts.money import Currency, Money
from contracts.router_api import CartView, ItemView, LineView, OrderView, ShopView, ZoneView
from contracts.states import FulfilmentKind, OrderStatus

PAGE_SIZE = 9
"""Items on one page of a menu."""
_FEW = 5  # from here on the menu says how many are left
_ZONES = {Currency.KES: "Africa/Nairobi", Currency.AOA: "Africa/Luanda"}


class Offered(Protocol):
    """A thing on a shelf: what a line about it needs."""

    @property
    def item_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def price_minor(self) -> int: ...
    @property
    def currency(self) -> Currency: ...
    @property
    def unit(self) -> str: ...
    @property
    def available(self) -> int | None: ...


def total_of(order: OrderView) -> Money:
    return Money(order.total_minor, order.currency)


def sums_of(order: OrderView) -> tuple[Reply, ...]:
    """What makes the total another than the goods': the fee and the voucher. Nothing where neither is."""
    currency, lines = order.currency, list[Reply]()
    delivery, discount = order.delivery, order.discount
    if delivery is not None and delivery.kind is FulfilmentKind.DELIVERY:
        fee = Money(delivery.fee_minor, currency)
        lines.append(Reply("sum_delivery", {"zone": delivery.zone_name or "–", "fee": fee}))
    if discount is not None and discount.amount_minor > 0:
        lines.append(Reply("sum_voucher", {"voucher": discount.code, "amount": Money(discount.amount_minor, currency)}))
    if lines:
        lines.insert(0, Reply("sum_goods", {"amount": Money(sum(line.total_minor for line in order.lines), currency)}))
    if discount is not None and discount.amount_minor == 0:
        minimum = Money(discount.minimum_minor, currency)
        lines.append(Reply("sum_voucher_waits", {"voucher": discount.code, "minimum": minimum}))
    return tuple(lines)


def terms_of(order: OrderView, shop: Shop | None) -> tuple[Reply, ...]:
    """Where to, when, and what the shop should know; nothing where nobody said."""
    lines = list[Reply]()
    delivery = order.delivery
    if delivery is not None and delivery.landmark:
        lines.append(Reply("term_place", {"description": delivery.landmark}))
    is_fetched = delivery is not None and delivery.kind is FulfilmentKind.PICKUP
    is_default = delivery is None and order.status is not OrderStatus.DRAFT and shop is not None and shop.delivers
    if is_fetched or is_default:
        lines.append(Reply("term_pickup"))
    if order.scheduled_for is not None:
        lines.append(Reply("term_day", {"time": local_time(order.scheduled_for, shop, order.currency)}))
    if order.note:
        lines.append(Reply("term_note", {"description": order.note}))
    return tuple(lines)


def delivery_hint(order: OrderView, shop: Shop) -> tuple[Reply, ...]:
    """That it can be brought, while nobody said how the goods get to the customer."""
    return (Reply("hint_delivery"),) if shop.delivers and order.delivery is None else ()


def zone_lines(zones: Sequence[ZoneView], currency: Currency) -> tuple[Reply, ...]:
    return tuple(
        Reply("zone_line", {"number": number, "name": zone.name, "fee": Money(zone.fee_minor, currency)})
        for number, zone in enumerate(zones[:MAX_ENTRIES], start=1)
    )


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


def item_lines(items: Sequence[Offered], first_number: int = 1) -> tuple[Reply, ...]:
    return tuple(_item_line(number, item) for number, item in enumerate(items[:MAX_ENTRIES], start=first_number))


def _item_line(number: int, item: Offered) -> Reply:
    name = item.name
    if is_sold_out(item):
        return Reply("item_line_sold_out", {"number": number, "item": name})
    price = (price_of(item),)
    if item.available is not None and item.available <= _FEW:
        return Reply("item_line_few", {"number": number, "item": name, "price": price, "available": item.available})
    return Reply("item_line", {"number": number, "item": name, "price": price})


def is_sold_out(item: Offered) -> bool:
    return item.available is not None and item.available <= 0


def stock_note(item: ItemView) -> tuple[Reply, ...]:
    """That none or few are left; nothing where there is enough, or nobody counts."""
    if item.available is None or item.available > _FEW:
        return ()
    return (Reply("stock_few", {"available": item.available}),) if item.available > 0 else (Reply("tap_sold_out"),)


def price_of(item: Offered) -> Reply:
    """Of one, or of its unit."""
    amount = Money(item.price_minor, item.currency)
    unit = item.unit.strip()
    return Reply("price_per", {"amount": amount, "unit": unit}) if unit else Reply("price", {"amount": amount})


def pick_note(items: Sequence[ItemView], quantity: int, first_number: int = 1) -> tuple[Reply, ...]:
    """What a number of the list just shown will do."""
    if all(is_sold_out(item) for item in items):
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


def order_listing(
    kind: ListKind, orders: Sequence[OrderView], vendor_id: str, now: datetime, *, first_number: int = 1
) -> Listing:
    numbered = enumerate(orders[:MAX_ENTRIES], start=first_number)
    entries = tuple(Entry(number, order.code, order.code) for number, order in numbered)
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
