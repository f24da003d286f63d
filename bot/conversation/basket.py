"""Several things in one message: one look at the shelves for all of them, then what is clear is added, one after the
other, and one answer says what was added, what was not and why, and asks about the rest. Nothing of it is lost."""

from collections.abc import Sequence
from dataclasses import replace

from bot.conversation import options
from bot.conversation.fallback import not_understood
from bot.conversation.model import AddItem, FindItems, Reply, Result, Step
from bot.conversation.refusals import available_in, item_in, refused
from bot.conversation.showing import delivery_hint, filled_cart, is_sold_out, item_lines, total_of
from bot.conversation.state import MAX_ENTRIES, Entry, Listing, ListKind, Purpose
from bot.conversation.talk import Talk
from bot.conversation.taps import cart_version
from bot.conversation.understanding.goods import also_called, match_items, perhaps_called
from bot.conversation.understanding.lists import Aim, Choice, Fate, Part, Several, Shopping, Thing
from bot.conversation.understanding.matching import Found, covers, names_it
from bot.conversation.understanding.packs import counts_pieces, is_sold_by, loose
from bot.conversation.understanding.quantities import Wanted, read_wanted
from bot.replies.reply import Option
from contracts.errors import ErrorCode, ProblemBody
from contracts.money import Money
from contracts.router_api import MAX_LOOKED_UP, MAX_QUANTITY, CartView, ItemsFound, ItemView

MAX_CHOICES = 3
"""Things that are offered for one name."""

_PER_NAME = 9
_MAX_NAME = 60  # characters of what was said: a name is no longer
_LOST = (ErrorCode.CAPABILITY_MISSING, ErrorCode.FORBIDDEN, ErrorCode.TOO_MANY_REQUESTS, ErrorCode.UNAVAILABLE)
"""Refusals of all that is asked for, not of one thing."""


def on_several(talk: Talk, text: str, several: Several, aim: Aim) -> Step:
    """Look all of it up."""
    shopping = Shopping(text[:200], aim, several.parts, several.unread[:100])
    talk = replace(talk, turn=replace(talk.turn, several=shopping))
    queries = tuple(dict.fromkeys(query for names in _names(several.parts).values() for query in names))
    if not queries:  # numbers of a list, and nothing else
        return looked_up(talk, ItemsFound(found=[]))
    return talk.ask(Purpose.SEVERAL, FindItems(talk.shop.vendor_id, queries[:MAX_LOOKED_UP], _PER_NAME))


def _names(parts: Sequence[Part]) -> dict[tuple[int, int], tuple[str, ...]]:
    """What to look each part up by, and each run of parts that may be one name."""
    several = Several(tuple(parts))
    names: dict[tuple[int, int], tuple[str, ...]] = {}
    for start, part in enumerate(parts):
        base = (part.wanted.spare_name or part.wanted.name)[:_MAX_NAME].strip()
        if base:
            names[start, start + 1] = (base, *(also_called(base) or perhaps_called(base)))
        for end in range(start + 2, len(parts) + 1):
            joined = several.joined(start, end)
            if joined is None:
                break
            names[start, end] = (_wanted_of(joined).name[:_MAX_NAME].strip(),)
    return names


def _wanted_of(text: str) -> Wanted:
    wanted = read_wanted(text)
    if wanted.spare_name:
        return Wanted(name=wanted.spare_name, quantity=wanted.spare_quantity)
    return wanted


# --- what is meant ---------------------------------------------------------------------------------------------------


def looked_up(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    shopping = talk.turn.several
    if not isinstance(result, ItemsFound) or shopping is None:
        return talk.say("our_mistake")
    names = _names(shopping.parts)
    queries = list(dict.fromkeys(query for each in names.values() for query in each))
    found = dict(zip(queries, result.found, strict=False))
    things = _meant(talk, shopping, names, found)
    if shopping.aim is Aim.UNSAID and len(things) == 1 and not Several(shopping.parts).is_counted:
        # "salt and vinegar crisps" is the name of one thing, and a name alone is only shown.
        shopping = replace(shopping, aim=Aim.SEE)
        things = _meant(talk, shopping, names, found)
    shopping = replace(shopping, things=things)
    if shopping.aim is Aim.UNSAID and not any(thing.item_id or thing.choices for thing in things):
        return not_understood(talk, shopping.text, None)
    return _go_on(replace(talk, turn=replace(talk.turn, several=shopping)))


def _meant(
    talk: Talk,
    shopping: Shopping,
    names: dict[tuple[int, int], tuple[str, ...]],
    found: dict[str, list[ItemView]],
) -> tuple[Thing, ...]:
    things: list[Thing] = []
    start = 0
    while start < len(shopping.parts):
        start, thing = _longest(talk, shopping, start, names, found)
        things.append(thing)
    return tuple(things)


def _longest(
    talk: Talk,
    shopping: Shopping,
    start: int,
    names: dict[tuple[int, int], tuple[str, ...]],
    found: dict[str, list[ItemView]],
) -> tuple[int, Thing]:
    """What begins there: the longest run of parts that is the name of something, else the part alone."""
    several = Several(shopping.parts)
    for end in range(len(shopping.parts), start + 1, -1):
        joined = several.joined(start, end)
        if joined is None or (start, end) not in names:
            continue
        wanted = _wanted_of(joined)
        items = [item for item in found.get(names[start, end][0], []) if covers(item.name, wanted.name)]
        if items:
            return end, _thing(talk, shopping, wanted, items)
    part = shopping.parts[start]
    if part.wanted.number is not None:
        return start + 1, _picked(talk, part.wanted)
    called = names.get((start, start + 1), ())
    thing = _thing(talk, shopping, part.wanted, _merged([found.get(name, []) for name in called]))
    if thing.fate is Fate.NOT_FOUND and shopping.aim is not Aim.UNSAID and called:
        # The router saw a reason that the names don't show: a keyword of the shop's own, or a likeness.
        seen = _choices(found.get(called[0], []))
        thing = replace(thing, fate=Fate.LIKE, choices=seen) if seen else thing
    return start + 1, thing


def _merged(pages: Sequence[Sequence[ItemView]]) -> list[ItemView]:
    by_id = {item.item_id: item for page in pages for item in page}
    return list(by_id.values())


def _picked(talk: Talk, wanted: Wanted) -> Thing:
    """A line of the list last shown."""
    listing = talk.list_of(ListKind.ITEMS)
    entry = listing.pick(wanted.number or 0) if listing is not None else None
    said = str(wanted.number)
    if entry is None or listing is None or listing.vendor_id != talk.shop.vendor_id:
        return Thing(Fate.NOT_FOUND, said)
    return _counted(Thing(Fate.TO_ADD, said, entry.id, entry.label), wanted.quantity, wanted.odd_quantity)


def _thing(talk: Talk, shopping: Shopping, wanted: Wanted, items: Sequence[ItemView]) -> Thing:
    if not wanted.measure:
        items = loose(items, wanted.quantity if wanted.quantity is not None else wanted.spare_quantity)
    name, quantity, found = _read(wanted, items)
    likely = [items[place] for place in (found.several or found.close)]
    said = name[:60]
    if found.clear is not None:
        item = items[found.clear]
        thing = Thing(Fate.TO_ADD, said, item.item_id, item.name)
        # "Maize flour 2 kg" is the name of one thing, and a name alone is only shown.
        is_name = wanted.measure and quantity is None and shopping.aim is Aim.UNSAID and not wanted.name[0].isdigit()
        is_seen = shopping.aim is Aim.SEE or (is_name and len(shopping.parts) == 1)
        if is_seen or (not wanted.measure and counts_pieces(item, quantity)):
            return replace(thing, fate=Fate.WHICH, item_id="", choices=_choices([item]))
        return _counted(thing, quantity, wanted.odd_quantity)
    choices = _choices(likely)
    count = quantity if quantity is not None and 1 <= quantity <= MAX_QUANTITY else 1
    if not choices:
        return Thing(Fate.NOT_FOUND, said)
    return Thing(Fate.WHICH if found.several else Fate.LIKE, said, quantity=count, choices=choices)


def _choices(items: Sequence[ItemView]) -> tuple[Choice, ...]:
    """What can be had comes first."""
    return tuple(
        Choice(item.item_id, item.name, item.price_minor, item.currency, item.unit[:_MAX_NAME], item.available)
        for item in sorted(items, key=is_sold_out)[:MAX_CHOICES]
    )


def _read(wanted: Wanted, items: Sequence[ItemView]) -> tuple[str, int | None, Found]:
    """Which reading of what was said these items bear out: its name, how many, and which of them."""
    if not wanted.spare_name:
        return wanted.name, wanted.quantity, match_items(wanted.name, items)
    if not wanted.measure:
        is_named = any(names_it(item.name, wanted.name) for item in items)
        name, quantity = (wanted.name, None) if is_named else (wanted.spare_name, wanted.spare_quantity)
        return name, quantity, match_items(name, items)
    sized = match_items(wanted.name, items)
    if sized.clear is not None or sized.several:
        return wanted.name, None, sized
    by_measure = [item for item in items if is_sold_by(item, wanted.measure)]
    spare = match_items(wanted.spare_name, by_measure) if wanted.spare_quantity is not None else Found()
    if spare.clear is not None or spare.several:
        places = tuple(items.index(by_measure[place]) for place in (spare.several or (spare.clear or 0,)))
        found = Found(clear=places[0]) if len(places) == 1 else Found(several=places)
        return wanted.spare_name, wanted.spare_quantity, found
    other = match_items(wanted.spare_name, items)  # sold in another size: how many of these is the customer's to say
    places = (other.clear,) if other.clear is not None else other.several
    return wanted.spare_name, None, Found(several=places) if places else other


def _counted(thing: Thing, quantity: int | None, odd_quantity: str) -> Thing:
    if odd_quantity:
        return replace(thing, fate=Fate.UNREADABLE, said=odd_quantity[:30])
    if quantity is not None and quantity < 1:
        return replace(thing, fate=Fate.TOO_FEW)
    if quantity is not None and quantity > MAX_QUANTITY:
        return replace(thing, fate=Fate.TOO_MANY)
    return replace(thing, quantity=quantity if quantity is not None else 1)


# --- adding ----------------------------------------------------------------------------------------------------------


def _go_on(talk: Talk) -> Step:
    shopping = talk.turn.several or Shopping("", Aim.ADD)
    at = shopping.next_to_add()
    if at is None:
        return _say(talk, shopping)
    thing = shopping.things[at]
    return talk.ask(Purpose.SEVERAL_ADD, AddItem(talk.shop.vendor_id, thing.item_id, thing.quantity))


def one_added(talk: Talk, result: Result) -> Step:
    shopping = talk.turn.several
    at = shopping.next_to_add() if shopping is not None else None
    if shopping is None or at is None:
        return talk.say("our_mistake")
    thing = shopping.things[at]
    if isinstance(result, ProblemBody):
        if result.code in _LOST and not any(one.fate is Fate.ADDED for one in shopping.things):
            return refused(talk, result)
        shopping = shopping.with_thing(at, _refused(thing, result))
        if result.code in _LOST:
            rest = [replace(one, fate=Fate.NOT_ADDED) if one.fate is Fate.TO_ADD else one for one in shopping.things]
            shopping = replace(shopping, things=tuple(rest))
    else:
        cart = filled_cart(result) if isinstance(result, CartView) else None
        if cart is None:
            return talk.say("our_mistake")
        shopping = shopping.with_thing(at, replace(thing, fate=Fate.ADDED))
        count = sum(line.quantity for line in cart.lines)
        shopping = replace(
            shopping,
            total_minor=total_of(cart).minor,
            count=count,
            cart=cart.code,
            version=cart_version(cart),
            is_waiting=bool(delivery_hint(cart, talk.shop)),
        )
    return _go_on(replace(talk, turn=replace(talk.turn, several=shopping)))


def _refused(thing: Thing, problem: ProblemBody) -> Thing:
    match problem.code:
        case ErrorCode.ITEM_SOLD_OUT:
            available = available_in(problem)
            fate = Fate.ONLY_SOME if available > 0 else Fate.SOLD_OUT
            return replace(thing, fate=fate, available=available, name=item_in(problem) or thing.name)
        case ErrorCode.ITEM_UNKNOWN:
            return replace(thing, fate=Fate.GONE)
        case ErrorCode.QUANTITY_INVALID:
            return replace(thing, fate=Fate.TOO_MANY)
        case _:
            return replace(thing, fate=Fate.NOT_ADDED)


# --- the answer ------------------------------------------------------------------------------------------------------


def _say(talk: Talk, shopping: Shopping) -> Step:
    entries: list[Entry] = []
    added = [_line(thing) for thing in shopping.things if thing.fate is Fate.ADDED]
    rest = [_line(thing) for thing in shopping.things if thing.fate not in (Fate.ADDED, Fate.WHICH, Fate.LIKE)]
    rest = [line for place, line in enumerate(rest) if line not in rest[:place]]
    open_things = _once([thing for thing in shopping.things if thing.fate in (Fate.WHICH, Fate.LIKE)])
    taps: list[Option] = []
    asked = [_question(talk, thing, entries, taps, most=MAX_ENTRIES // len(open_things)) for thing in open_things]
    if shopping.unread:
        rest.append(Reply("several_unread", {"said": shopping.unread}))
    # The numbers on the screen are the shelf's again, unless this answer shows others.
    talk = talk.with_state(replace(talk.state, other=None))
    if entries:
        listing = Listing(ListKind.ITEMS, talk.shop.vendor_id, tuple(entries), talk.now)
        talk = talk.showing(listing).offering(*taps)
    elif added:
        talk = _offering(talk, shopping)
    delivery = (Reply("hint_delivery"),) if shopping.is_waiting and not entries else ()
    if len(shopping.things) == len(added) == 1 and shopping.total_minor is not None and not shopping.unread:
        return _say_only(talk, shopping, shopping.things[0], delivery)
    total: tuple[Reply, ...] = ()
    if shopping.total_minor is not None:
        amount = Money(shopping.total_minor, talk.shop.currency)
        count = (Reply("items_count", {"count": shopping.count}),)
        total = (Reply("several_total", {"total": amount, "count": count}),)
    return talk.say(
        "several",
        added=tuple(added),
        rest=tuple(rest),
        asked=tuple(asked),
        total=total,
        delivery=delivery,
        next=(_next(talk, is_asked=bool(entries), has_added=bool(added)),),
    )


def _say_only(talk: Talk, shopping: Shopping, thing: Thing, delivery: tuple[Reply, ...]) -> Step:
    return talk.say(
        "added",
        quantity=thing.quantity,
        item=thing.name,
        count=(Reply("items_count", {"count": shopping.count}),),
        total=Money(shopping.total_minor or 0, talk.shop.currency),
        delivery=delivery,
        next=(_next(talk, is_asked=False, has_added=True),),
    )


def _offering(talk: Talk, shopping: Shopping) -> Talk:
    vendor_id = talk.shop.vendor_id
    confirm = options.confirm_as_it_was(shopping.cart, shopping.version, vendor_id)
    return talk.offering(confirm, options.show_cart(vendor_id), options.add_more(vendor_id))


def _once(things: Sequence[Thing]) -> list[Thing]:
    """The same question is asked once: for all of them where it says how many, else for the most of them."""
    asked: dict[tuple[Fate, tuple[Choice, ...]], Thing] = {}
    for thing in things:
        known = asked.setdefault((thing.fate, thing.choices), thing)
        if known is not thing:
            quantity = max(known.quantity, thing.quantity)
            if thing.fate is Fate.WHICH:
                quantity = min(known.quantity + thing.quantity, MAX_QUANTITY)
            asked[thing.fate, thing.choices] = replace(known, quantity=quantity)
    return list(asked.values())


def _next(talk: Talk, *, is_asked: bool, has_added: bool) -> Reply:
    if is_asked:
        return Reply("several_pick")
    if not has_added:
        return Reply("hint_in_shop")
    return Reply("next_number" if talk.list_of(ListKind.ITEMS) is not None else "next_name")


def _question(talk: Talk, thing: Thing, entries: list[Entry], taps: list[Option], *, most: int) -> Reply:
    first = len(entries) + 1
    choices = thing.choices[:most]
    entries.extend(
        Entry(number, choice.item_id, choice.name, thing.quantity) for number, choice in enumerate(choices, start=first)
    )
    offered = (options.of_choice(choice, thing.quantity, talk.shop.vendor_id) for choice in choices)
    taps.extend(option for option in offered if option not in taps)
    lines = item_lines(choices, first)
    if thing.fate is Fate.LIKE:
        return Reply("several_like", {"query": thing.said, "items": lines})
    return Reply("several_which", {"query": thing.said, "count": thing.quantity, "items": lines})


def _line(thing: Thing) -> Reply:
    match thing.fate:
        case Fate.ADDED:
            return Reply("several_added", {"quantity": thing.quantity, "item": thing.name})
        case Fate.SOLD_OUT:
            return Reply("several_sold_out", {"item": thing.name})
        case Fate.ONLY_SOME:
            return Reply("several_only_some", {"item": thing.name, "available": thing.available})
        case Fate.TOO_MANY:
            return Reply("several_too_many", {"item": thing.name or thing.said, "most": MAX_QUANTITY})
        case Fate.TOO_FEW:
            return Reply("several_too_few", {"item": thing.name or thing.said})
        case Fate.UNREADABLE:
            return Reply("several_unreadable", {"item": thing.name, "said": thing.said})
        case Fate.GONE | Fate.NOT_ADDED | Fate.TO_ADD:
            return Reply("several_not_added", {"item": thing.name})
        case Fate.NOT_FOUND | Fate.WHICH | Fate.LIKE:
            return Reply("several_not_found", {"query": thing.said})
