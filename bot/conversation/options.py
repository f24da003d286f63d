"""What can be tapped below an answer: nothing that could not be typed as well."""

from collections.abc import Sequence

from bot.conversation.model import Reply
from bot.conversation.showing import Offered, is_sold_out, price_of
from bot.conversation.taps import Action, Tap, attempt_of, cart_version
from bot.replies.reply import Option
from contracts.money import Currency, Money
from contracts.router_api import CategoryView, ItemView, OrderView, ShopView, ZoneView
from contracts.states import FulfilmentKind, Rail

_MOST = 10
_RAIL_TITLES = {
    Rail.MPESA_STK: "rail_mpesa_stk",
    Rail.GPO: "rail_gpo",
    Rail.EMIS_REF: "tap_reference",
    Rail.TICKET: "rail_ticket",
}
_RAIL_ABOUT = {
    Rail.MPESA_STK: "tap_prompt",
    Rail.GPO: "tap_prompt",
    Rail.EMIS_REF: "tap_reference_about",
    Rail.TICKET: "tap_ticket_about",
}


def _named(name: str) -> Reply:
    return Reply("tap_title", {"name": name})


def of_items(
    items: Sequence[ItemView], vendor_id: str, *, quantity: int = 1, has_more: bool = False
) -> tuple[Option, ...]:
    """Tapping one adds it."""
    most = _MOST - 1 if has_more else _MOST
    options = [of_choice(item, quantity, vendor_id) for item in items[:most]]
    if has_more:
        options.append(more(vendor_id))
    return tuple(options)


def of_choice(item: Offered, quantity: int, vendor_id: str) -> Option:
    """As a line of a list: tapping it adds that many."""
    return Option(Tap(Action.ADD, item.item_id, str(quantity), vendor_id).token(), _named(item.name), _about(item))


def _about(item: Offered) -> Reply:
    return Reply("tap_sold_out") if is_sold_out(item) else price_of(item)


def of_shelves(shelves: Sequence[CategoryView], vendor_id: str, *, total: int | None) -> tuple[Option, ...]:
    """And below them all `total` things, or the next shelves."""
    options = [
        Option(
            Tap(Action.SHELF, shelf.category_id, vendor_id=vendor_id).token(),
            _named(shelf.name),
            Reply("tap_count", {"count": shelf.count}),
        )
        for shelf in shelves[: _MOST - 1]
    ]
    if total is None:
        last = Option(Tap(Action.MORE, vendor_id=vendor_id).token(), Reply("tap_more_shelves"), Reply("tap_more_about"))
    else:
        everything = Tap(Action.SHELF, "*", vendor_id=vendor_id).token()
        last = Option(everything, Reply("tap_everything"), Reply("tap_count", {"count": total}))
    return (*options, last)


def shelves(vendor_id: str) -> Option:
    """As the last line of a list of things."""
    return Option(Tap(Action.SHELVES, vendor_id=vendor_id).token(), Reply("tap_shelves"), Reply("tap_shelves_about"))


def shelves_button(vendor_id: str) -> Option:
    return Option(Tap(Action.SHELVES, vendor_id=vendor_id).token(), Reply("tap_shelves"))


def add_one(item: ItemView, vendor_id: str) -> Option:
    return Option(Tap(Action.ADD, item.item_id, "1", vendor_id).token(), Reply("button_add"))


def details(item: ItemView, vendor_id: str) -> Option:
    """As a line below the only thing that was found."""
    return Option(
        Tap(Action.INFO, item.item_id, vendor_id=vendor_id).token(), Reply("tap_details"), Reply("tap_details_about")
    )


def more(vendor_id: str) -> Option:
    """The next page, as the last line of a list."""
    return Option(Tap(Action.MORE, vendor_id=vendor_id).token(), Reply("tap_more"), Reply("tap_more_about"))


def of_shops(shops: Sequence[ShopView]) -> tuple[Option, ...]:
    return tuple(
        Option(Tap(Action.SHOP, shop.word).token(), _named(shop.name), _named(shop.word.upper()))
        for shop in shops[:_MOST]
    )


def of_orders(
    action: Action, orders: Sequence[OrderView], vendor_id: str, rail: Rail | None = None
) -> tuple[Option, ...]:
    """To look at, to cancel, or to pay (that way, where one was named)."""
    return tuple(
        Option(
            Tap(action, order.code, attempt_of(order) if action is Action.PAY else "", vendor_id, rail).token(),
            _named(order.code),
            Reply("tap_total", {"total": Money(order.total_minor, order.currency)}),
        )
        for order in orders[:_MOST]
    )


def of_rails(rails: Sequence[Rail], vendor_id: str, order: OrderView | None, code: str | None) -> tuple[Option, ...]:
    """Tapping one is PAY, that way."""
    named, version = (order.code, attempt_of(order)) if order is not None else (code or "", "")
    return tuple(
        Option(
            Tap(Action.PAY, named, version, vendor_id, rail).token(),
            Reply(_RAIL_TITLES[rail]),
            Reply(_RAIL_ABOUT[rail]),
        )
        for rail in rails
    )


def confirm(cart: OrderView, vendor_id: str) -> Option:
    return confirm_as_it_was(cart.code, cart_version(cart), vendor_id)


def confirm_as_it_was(code: str, version: str, vendor_id: str) -> Option:
    """`version` is that of the cart that was shown (`taps.cart_version`)."""
    return Option(Tap(Action.CONFIRM, code, version, vendor_id).token(), Reply("button_confirm"))


def add_more(vendor_id: str) -> Option:
    return Option(Tap(Action.MENU, vendor_id=vendor_id).token(), Reply("button_add_more"))


def fulfilment(cart: OrderView, vendor_id: str) -> Option:
    """The other way for the goods to get there than the present one."""
    is_brought = cart.delivery is not None and cart.delivery.kind is FulfilmentKind.DELIVERY
    return pickup(vendor_id) if is_brought else delivery(vendor_id)


def delivery(vendor_id: str) -> Option:
    return Option(Tap(Action.DELIVERY, vendor_id=vendor_id).token(), Reply("button_delivery"))


def pickup(vendor_id: str) -> Option:
    return Option(Tap(Action.PICKUP, vendor_id=vendor_id).token(), Reply("button_pickup"))


def of_zones(zones: Sequence[ZoneView], currency: Currency, vendor_id: str) -> tuple[Option, ...]:
    return tuple(
        Option(
            Tap(Action.ZONE, zone.zone_id, vendor_id=vendor_id).token(),
            _named(zone.name),
            Reply("price", {"amount": Money(zone.fee_minor, currency)}),
        )
        for zone in zones[:_MOST]
    )


def show_cart(vendor_id: str) -> Option:
    return Option(Tap(Action.CART, vendor_id=vendor_id).token(), Reply("button_cart"))


def show_menu(vendor_id: str) -> Option:
    return Option(Tap(Action.MENU, vendor_id=vendor_id).token(), Reply("button_menu"))


def pay(code: str, version: str, vendor_id: str) -> Option:
    """`version` is the last try before it (`taps.attempt_of`)."""
    return Option(Tap(Action.PAY, code, version, vendor_id).token(), Reply("button_pay"))


def after_failure(code: str, version: str, vendor_id: str, *, has_ways: bool) -> tuple[Option, ...]:
    """Again, another way where there is one, another phone."""
    again = Option(Tap(Action.PAY, code, version, vendor_id).token(), Reply("button_pay_again"))
    way = Option(Tap(Action.WAYS, code, vendor_id=vendor_id).token(), Reply("button_ways"))
    payer = Option(Tap(Action.PAYER, code, vendor_id=vendor_id).token(), Reply("button_payer"))
    return (again, way, payer) if has_ways else (again, payer)


def pay_for_other(code: str, vendor_id: str) -> Option:
    return Option(Tap(Action.PAY_FOR, code, vendor_id=vendor_id).token(), Reply("button_pay_for"))


def person(vendor_id: str) -> Option:
    return Option(Tap(Action.PERSON, vendor_id=vendor_id).token(), Reply("button_person"))


def bot(vendor_id: str) -> Option:
    return Option(Tap(Action.BOT, vendor_id=vendor_id).token(), Reply("button_bot"))


def receipt(code: str, vendor_id: str) -> Option:
    return Option(Tap(Action.RECEIPT, code, vendor_id=vendor_id).token(), Reply("button_receipt"))
