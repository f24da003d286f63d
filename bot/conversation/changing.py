"""How many of something there shall be: "make it 3 breads". What is in the cart already counts towards it."""

from bot.conversation.cart import on_add, on_cart
from bot.conversation.model import AddItem, Result, ShowCart, Step
from bot.conversation.refusals import refused
from bot.conversation.showing import filled_cart
from bot.conversation.state import Purpose
from bot.conversation.talk import Talk
from bot.conversation.understanding.goods import match_called
from bot.conversation.understanding.lists import read_list
from bot.conversation.understanding.matching import Candidate
from bot.conversation.understanding.quantities import read_wanted
from contracts.errors import ProblemBody
from contracts.router_api import MAX_QUANTITY, CartView


def on_set(talk: Talk, rest: str) -> Step:
    """MAKE IT 3 BREADS. Without a thing (`make it 3`) nobody knows of what: the cart is shown."""
    wanted = read_wanted(rest)
    if wanted.number is not None:
        return on_cart(talk)
    if len(read_list(rest).parts) > 1 or wanted.measure:
        return on_add(talk, rest)
    return talk.knowing(text=rest).ask(Purpose.SET_FIND, ShowCart(talk.shop.vendor_id))


def set_found(talk: Talk, result: Result) -> Step:
    """The cart came: what is missing is added; what is too much is the customer's to take out; what is not in it yet
    is added as if asked for."""
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, CartView):
        return talk.say("our_mistake")
    said = talk.turn.text
    wanted, cart = read_wanted(said), filled_cart(result)
    name, quantity = wanted.spare_name or wanted.name, wanted.spare_quantity or wanted.quantity
    if cart is None or quantity is None:
        return on_add(talk, said)
    meant = match_called(name, [Candidate(place, line.name) for place, line in enumerate(cart.lines)])
    if meant.several:
        return on_cart(talk)
    if meant.clear is None:
        return on_add(talk, said)
    line = cart.lines[meant.clear]
    if quantity == line.quantity or not 1 <= quantity <= MAX_QUANTITY or line.item_id is None:
        return on_cart(talk)
    if quantity < line.quantity:
        return talk.say(
            "remove_whole_line", quantity=line.quantity, item=line.name, number=line.line_no, fewer=quantity
        )
    more = quantity - line.quantity
    talk = talk.knowing(text=line.name, quantity=more)
    return talk.ask(Purpose.ADD, AddItem(talk.shop.vendor_id, line.item_id, more))
