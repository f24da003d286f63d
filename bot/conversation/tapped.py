"""A button or a line of a list was tapped. It counts as what it stands for, as long as that is still what it shows."""

from dataclasses import replace

from bot.conversation import (
    card,
    cart,
    catalogue,
    checkout,
    fulfilment,
    orders,
    others,
    paying,
    people,
    picks,
    shelves,
    shop,
)
from bot.conversation.model import ListOrders, Result, ShowCart, Step
from bot.conversation.receipts import show_receipt
from bot.conversation.refusals import refused
from bot.conversation.showing import filled_cart
from bot.conversation.state import Entry, ListKind, Purpose
from bot.conversation.talk import Talk
from bot.conversation.taps import Action, Tap, attempt_of, can_be_paid, cart_version
from contracts.errors import ProblemBody
from contracts.router_api import CartView, OrderList, OrderView

_MAX_QUANTITY_DIGITS = 4


def on_tap(talk: Talk, tap: Tap, said: str) -> Step | None:
    """`said` is what stood on it. None where it can't be followed: then what stood on it is read like anything else."""
    if tap.action is Action.SHOP:
        return shop.enter(talk, tap.what)
    there = _in_its_shop(talk, tap.vendor_id)
    if there is None or not _is_meaningful(tap):
        return None
    match tap.action:
        case Action.ADD:
            return cart.add_entry(there, _item(there, tap, said), int(tap.version))
        case Action.MENU:
            return catalogue.on_menu(there)
        case Action.MORE:
            return picks.on_more(there)
        case Action.SHELVES:
            return shelves.on_shelves(there)
        case Action.SHELF:
            return shelves.open_shelf(there, tap.what)
        case Action.INFO:
            return card.show(there.knowing(text=said), tap.what)
        case Action.CART:
            return cart.on_cart(there)
        case Action.DELIVERY:
            return fulfilment.on_delivery(there)
        case Action.ZONE:
            return fulfilment.to_zone(there, tap.what)
        case Action.PICKUP:
            return fulfilment.on_pickup(there)
        case Action.CONFIRM:
            there = there.knowing(code=tap.what, text=tap.version)
            return there.ask(Purpose.TAP_CONFIRM, ShowCart(there.shop.vendor_id))
        case Action.PAY if tap.what:
            if there.turn.is_late:
                return there.say("pay_again")
            there = there.knowing(code=tap.what, text=tap.version)
            there = replace(there, turn=replace(there.turn, rail=tap.rail))
            return there.ask(Purpose.TAP_PAY, ListOrders(there.shop.vendor_id))
        case Action.PAY:
            return paying.pay(there, None, rail=tap.rail)
        case Action.WAYS:
            return paying.on_pay_other(there, tap.what)
        case Action.PAYER:
            return paying.on_other_payer(there, tap.what)
        case Action.PAY_FOR:
            return others.agreed(there, tap.what) or others.look(there, tap.what)
        case Action.ORDER:
            return orders.show_order(there, tap.what)
        case Action.CANCEL:
            return orders.cancel(there, tap.what)
        case Action.PERSON:
            return people.ask(there)
        case Action.BOT:
            return people.on_bot(there)
        case Action.RECEIPT:
            return there.knowing(code=tap.what).ask(Purpose.TAP_RECEIPT, ListOrders(there.shop.vendor_id))


def _in_its_shop(talk: Talk, vendor_id: str) -> Talk | None:
    """What was tapped belongs to a shop, and that is where the customer is now."""
    if talk.state.shop is not None and talk.state.shop.vendor_id == vendor_id:
        return talk
    known = talk.state.known_shop(vendor_id)
    return talk.with_state(talk.state.enter(known)) if known is not None else None


def _is_meaningful(tap: Tap) -> bool:
    """Not one that was made up."""
    match tap.action:
        case Action.ADD:
            is_number = tap.version.isascii() and tap.version.isdigit() and len(tap.version) <= _MAX_QUANTITY_DIGITS
            return bool(tap.what) and is_number
        case (
            Action.WAYS | Action.PAYER | Action.CONFIRM | Action.PAY_FOR | Action.ORDER | Action.CANCEL | Action.RECEIPT
        ):
            return _is_code(tap.what)
        case Action.SHELF | Action.INFO | Action.ZONE:
            return bool(tap.what)
        case Action.PAY:
            return not tap.what or _is_code(tap.what)
        case _:
            return True


def _is_code(what: str) -> bool:
    return 4 <= len(what) <= 12 and what.isascii() and what.isalnum()


def _item(talk: Talk, tap: Tap, said: str) -> Entry:
    """Under the name that it was listed by, as long as that list is remembered."""
    listing = talk.list_of(ListKind.ITEMS)
    listed = next((entry for entry in listing.entries if entry.id == tap.what), None) if listing is not None else None
    return listed or Entry(1, tap.what, said.strip() or tap.what)


# --- what had to be looked up first ----------------------------------------------------------------------------------


def cart_to_confirm_came(talk: Talk, result: Result) -> Step:
    """The cart as it is now: the one whose button was tapped is ordered, another one is shown."""
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, CartView):
        return talk.say("our_mistake")
    present = filled_cart(result)
    if present is None or present.code != talk.turn.code:
        if any(order.code == talk.turn.code for order in result.unpaid) or present is None:
            return orders.show_order(talk, talk.turn.code or "")
        return cart.cart_came(talk, result)
    if cart_version(present) != talk.turn.text:
        return cart.cart_came(talk, result)
    return checkout.on_confirm(talk)


def order_to_pay_came(talk: Talk, result: Result) -> Step:
    """The order as it is now: paid for, if nothing has happened to it since its button was shown."""
    order = _order_in(talk, result)
    if order is None:
        return others.look(talk, talk.turn.code or "")
    if not isinstance(order, OrderView):
        return order
    if can_be_paid(order) and attempt_of(order) == talk.turn.text:
        return paying.pay(talk, order.code, rail=talk.turn.rail)
    return orders.say_order(talk, order)


def order_to_prove_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, OrderList) and all(order.code != talk.turn.code for order in result.orders):
        further = orders.look_further(talk, Purpose.TAP_RECEIPT, result)
        if further is not None:
            return further
    order = _order_in(talk, result)
    if order is None:
        return talk.say("order_unknown", code=talk.turn.code or "", shop=talk.shop.name)
    return show_receipt(talk, order) if isinstance(order, OrderView) else order


def _order_in(talk: Talk, result: Result) -> OrderView | Step | None:
    """None where the customer has no such order."""
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, OrderList):
        return talk.say("our_mistake")
    code = talk.turn.code or ""
    return next((order for order in result.orders if order.code == code), None)
