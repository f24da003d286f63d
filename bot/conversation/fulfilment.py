"""How the goods get to the customer: fetched at the shop, or brought to a zone, a pin on the map and a landmark.

Nobody has to choose: what is not brought is fetched. The fee is seen before anything is confirmed."""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import TypeAdapter, ValidationError

from bot.conversation import options
from bot.conversation.model import ChooseFulfilment, ListZones, Location, Reply, Result, Step
from bot.conversation.refusals import extra, refused
from bot.conversation.showing import sums_of, terms_of, total_of, zone_lines
from bot.conversation.state import Entry, Listing, ListKind, PlaceQuestion, Purpose
from bot.conversation.talk import Talk
from bot.conversation.understanding.landmarks import sounds_like_place
from bot.conversation.understanding.matching import Candidate, find
from bot.conversation.understanding.phrases import phrased
from contracts.errors import ErrorCode, ProblemBody
from contracts.places import Place
from contracts.router_api import MAX_LANDMARK_LENGTH, CartView, DeliveryView, OrderView, ZoneList, ZoneView
from contracts.states import FulfilmentKind

_ZONES = TypeAdapter(list[ZoneView])
_PLAIN_WORDS = 3
"""So many words in answer to "where exactly?" are a place; fewer may be the name of a thing."""


def begun(talk: Talk) -> Talk:
    """At the beginning of a turn: "where exactly?" is asked for the next message, and heard a while longer."""
    question = talk.state.place_question
    if question is None:
        return talk
    if talk.state.shop is None or talk.shop.vendor_id != question.vendor_id or not question.is_open(talk.now):
        return talk.with_state(replace(talk.state, place_question=None))
    talk = talk.with_state(replace(talk.state, place_question=replace(question, is_next=False)))
    return replace(talk, turn=replace(talk.turn, place=question))


def on_delivery(talk: Talk, rest: str = "") -> Step:
    """DELIVERY, "do you deliver to Kilimani?": where to and for how much."""
    if rest and is_place(talk, rest):
        return keep_place(talk, rest)
    return talk.ask(Purpose.ZONES, ListZones(talk.shop.vendor_id))


def zones_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return refused(talk, result)
    if not isinstance(result, ZoneList):
        return talk.say("our_mistake")
    if not result.zones:
        return talk.say("delivery_asked", shop=talk.shop.name)
    talk, lines = _showing(talk, result.zones)
    return _asking_location(talk.say("delivery_zones", shop=talk.shop.name, zones=lines))


def _showing(talk: Talk, zones: Sequence[ZoneView]) -> tuple[Talk, tuple[Reply, ...]]:
    shop = talk.shop
    entries = tuple(Entry(number, zone.zone_id, zone.name) for number, zone in enumerate(zones, start=1))
    talk = talk.showing(Listing(ListKind.ZONES, shop.vendor_id, entries, talk.now))
    talk = talk.offering(*options.of_zones(zones, shop.currency, shop.vendor_id))
    return talk, zone_lines(zones, shop.currency)


def _asking_location(step: Step) -> Step:
    return step if step.reply is None else replace(step, reply=replace(step.reply, asks_location=True))


# --- choosing --------------------------------------------------------------------------------------------------------


def on_pickup(talk: Talk, rest: str = "") -> Step:
    if not talk.shop.delivers:
        return talk.say("delivery_asked", shop=talk.shop.name)
    return talk.ask(Purpose.FULFILMENT, ChooseFulfilment(talk.shop.vendor_id, FulfilmentKind.PICKUP))


def to_zone(talk: Talk, zone_id: str) -> Step:
    return talk.ask(Purpose.FULFILMENT, ChooseFulfilment(talk.shop.vendor_id, FulfilmentKind.DELIVERY, zone_id))


def to_pin(talk: Talk, location: Location) -> Step:
    """Wherever the talk was: who sends a place wants it brought there, and sees the fee before confirming."""
    landmark = (location.label or location.address)[:MAX_LANDMARK_LENGTH]
    return talk.ask(
        Purpose.FULFILMENT,
        ChooseFulfilment(
            talk.shop.vendor_id,
            FulfilmentKind.DELIVERY,
            latitude=location.latitude,
            longitude=location.longitude,
            landmark=landmark,
        ),
    )


def zone_named(talk: Talk, text: str) -> str | None:
    """The zone of the list just shown that is called so; None for anything else."""
    listing = talk.list_of(ListKind.ZONES)
    if listing is None or listing.vendor_id != talk.shop.vendor_id:
        return None
    meant = find(text, [Candidate(place, entry.label) for place, entry in enumerate(listing.entries)])
    return listing.entries[meant.clear].id if meant.clear is not None else None


def fulfilment_came(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return _refused(talk, result)
    cart = result.cart if isinstance(result, CartView) else None
    if cart is None or cart.delivery is None:
        return talk.say("our_mistake")
    if not cart.lines:
        return talk.say("terms_need_cart", shop=talk.shop.name)
    talk = talk.with_state(replace(talk.state, other=None))
    shop = talk.shop
    talk = talk.with_state(replace(talk.state, place_question=None))
    if cart.delivery.kind is FulfilmentKind.PICKUP:
        talk = _offering(talk, cart)
        return talk.say("pickup_chosen", shop=shop.name, sums=sums_of(cart), total=total_of(cart))
    talk, place = _asking_place(talk, cart.delivery)
    return _offering(talk, cart).say(
        "delivery_chosen",
        zone=cart.delivery.zone_name or "–",
        sums=sums_of(cart),
        total=total_of(cart),
        terms=terms_of(cart, shop),
        place=place,
    )


def _asking_place(talk: Talk, chosen: DeliveryView) -> tuple[Talk, tuple[Reply, ...]]:
    """Where exactly in the zone. A pin answers that; what the rider should look for there is heard all the same."""
    if chosen.zone_id is None:
        return talk, ()
    latitude, longitude = chosen.latitude, chosen.longitude
    pin = Place.at(latitude, longitude) if latitude is not None and longitude is not None else None
    question = PlaceQuestion(
        talk.shop.vendor_id,
        chosen.zone_id,
        talk.now,
        pin,
        label=chosen.landmark,
        is_next=pin is None and not chosen.landmark,
    )
    talk = talk.with_state(replace(talk.state, place_question=question))
    return talk, (Reply("ask_place"),) if question.is_next else ()


def _offering(talk: Talk, cart: OrderView) -> Talk:
    vendor_id = talk.shop.vendor_id
    return talk.offering(
        options.confirm(cart, vendor_id), options.fulfilment(cart, vendor_id), options.show_cart(vendor_id)
    )


def _refused(talk: Talk, problem: ProblemBody) -> Step:
    match problem.code:
        case ErrorCode.CART_EMPTY:
            return talk.say("terms_need_cart", shop=talk.shop.name)
        case ErrorCode.DELIVERY_UNAVAILABLE:
            return talk.say("delivery_asked", shop=talk.shop.name)
        case ErrorCode.OUTSIDE_ZONES | ErrorCode.ZONE_UNKNOWN | ErrorCode.ZONE_MISSING if zones_in(problem):
            talk, lines = _showing(talk, zones_in(problem))
            return _asking_location(talk.say("delivery_outside", shop=talk.shop.name, zones=lines))
        case _:
            return refused(talk, problem)


def zones_in(problem: ProblemBody) -> list[ZoneView]:
    try:
        return _ZONES.validate_python(extra(problem, "zones"))
    except ValidationError:
        return []


# --- where exactly ---------------------------------------------------------------------------------------------------


def is_place(talk: Talk, text: str) -> bool:
    """Whether that answers "where exactly?" by its length alone, or later by how it sounds: short answers are looked
    for on the shelves first."""
    place, words = talk.turn.place, phrased(text)
    if place is None or len(words) < _PLAIN_WORDS:
        return False
    return sounds_like_place(text) or (place.is_next and not words.counts())


def keep_place(talk: Talk, text: str) -> Step:
    place = talk.turn.place
    if place is None:
        return talk.say("our_mistake")
    told = " ".join(text.split())
    landmark = f"{place.label}, {told}" if place.label else told
    return talk.ask(
        Purpose.LANDMARK,
        ChooseFulfilment(
            talk.shop.vendor_id,
            FulfilmentKind.DELIVERY,
            place.zone_id,
            latitude=place.pin.latitude if place.pin else None,
            longitude=place.pin.longitude if place.pin else None,
            landmark=landmark[:MAX_LANDMARK_LENGTH],
        ),
    )


def place_kept(talk: Talk, result: Result) -> Step:
    if isinstance(result, ProblemBody):
        return _refused(talk, result)
    cart = result.cart if isinstance(result, CartView) else None
    if cart is None or cart.delivery is None:
        return talk.say("our_mistake")
    talk = talk.with_state(replace(talk.state, place_question=None))
    return _offering(talk, cart).say("place_kept", description=cart.delivery.landmark, total=total_of(cart))
