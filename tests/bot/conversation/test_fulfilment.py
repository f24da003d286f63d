"""Fetched or brought: to a zone, a pin or a landmark, with the fee shown before anything is confirmed."""

import pytest

from bot.conversation.model import ChooseFulfilment, ListZones
from bot.replies.tappable import tappable_of
from contracts.router_api import OrderView
from contracts.states import FulfilmentKind
from tests.support.chat import Chat
from tests.support.fake_shops import njeri_with_shelves

WESTLANDS = (-1.2676, 36.8108)
ELSEWHERE = (0.5, 36.8)


@pytest.fixture
def chat() -> Chat:
    """Two milk, KES 120, at a shop that delivers."""
    chat = Chat(njeri_with_shelves())
    chat.says_each("SHOP mama", "add milk x 2")
    return chat


def cart(chat: Chat) -> OrderView:
    cart = chat.router.cart_of("vendor-mama")
    assert cart is not None
    return cart


def test_nobody_has_to_choose_and_what_is_not_brought_is_fetched(chat: Chat) -> None:
    answer = chat.says("CONFIRM")
    assert answer.key == "confirmed"
    assert "You pick it up at the shop." in answer.text
    assert "Goods:" not in answer.text


def test_the_cart_offers_to_have_it_brought(chat: Chat) -> None:
    assert "Want it delivered? Reply *DELIVERY*." in chat.says("CART").text
    tappable = tappable_of(chat.replies[-1])
    assert tappable is not None
    assert [choice.title for choice in tappable.choices] == ["Confirm order", "Add more", "Bring it to me"]
    asked = chat.taps(chat.replies[-1].options[2].payload, "Bring it to me")
    assert asked.key == "delivery_zones"
    assert "1. Westlands: KES 150" in asked.text
    assert chat.replies[-1].asks_location


@pytest.mark.parametrize("said", ["DELIVERY", "niletee", "Entrega", "do you deliver to Westlands?"])
def test_where_it_can_be_brought_and_for_how_much_is_said_in_one_look(chat: Chat, said: str) -> None:
    assert chat.says(said).commands == (ListZones("vendor-mama"),)
    assert chat.replies[-1].key == "delivery_zones"


@pytest.mark.parametrize("said", ["2", "limuru town"])
def test_a_zone_is_chosen_by_number_or_name_and_the_fee_is_in_the_total(chat: Chat, said: str) -> None:
    chat.says("DELIVERY")
    answer = chat.says(said)
    assert answer.key == "delivery_chosen"
    for line in ("Goods: KES 120", "Delivery, Limuru town: KES 450", "*Total: KES 570*", "Where exactly?"):
        assert line in answer.text
    confirmed = chat.says("CONFIRM")
    assert "*Total: KES 570*" in confirmed.text
    assert "Delivery, Limuru town: KES 450" in confirmed.text
    assert "pick it up" not in confirmed.text


def test_the_landmark_is_the_next_message_in_words(chat: Chat) -> None:
    chat.says_each("DELIVERY", "1")
    answer = chat.says("blue gate next to the ACK church")
    assert answer.key == "place_kept"
    assert answer.commands == (
        ChooseFulfilment("vendor-mama", FulfilmentKind.DELIVERY, "zone-1", landmark="blue gate next to the ACK church"),
    )
    assert "Place: blue gate next to the ACK church" in chat.says("CART").text


def test_a_short_answer_is_a_place_unless_it_is_a_thing(chat: Chat) -> None:
    chat.says_each("DELIVERY", "1")
    assert chat.says("kibanda").key == "place_kept"
    chat.says_each("DELIVERY", "1")
    assert chat.says("bananas").key == "found"


def test_later_only_what_sounds_like_a_place_is_one(chat: Chat) -> None:
    chat.says_each("DELIVERY", "1", "CART", "milk")
    assert chat.says("some words about nothing").key == "not_understood"
    assert chat.says("do you have a gate near you?").key != "place_kept"
    answer = chat.says("gate 4, blue house, flat 12B")
    assert answer.key == "place_kept"
    assert "gate 4, blue house, flat 12B" in chat.says("CART").text
    assert chat.says("blue gate next to the church").key == "not_understood"


def test_an_address_is_not_taken_for_a_question_about_the_shops(chat: Chat) -> None:
    assert chat.says("my address is the blue house near the church").key == "where_asked"
    chat.says_each("DELIVERY", "1")
    assert chat.says("my address is the blue house near the church").key == "place_kept"


def test_what_is_confirmed_gets_no_other_place(chat: Chat) -> None:
    chat.says_each("DELIVERY", "1", "CONFIRM", "add milk")
    assert chat.says("blue gate next to the church").key == "not_understood"


def test_what_the_rider_should_look_for_can_follow_a_pin_and_the_pin_stays(chat: Chat) -> None:
    chat.sends_pin(*WESTLANDS, label="Sarit Centre")
    assert chat.says("Geti la bluu karibu na kanisa").key == "place_kept"
    delivery = cart(chat).delivery
    assert delivery is not None
    assert (delivery.latitude, delivery.longitude) == WESTLANDS
    assert delivery.landmark == "Sarit Centre, Geti la bluu karibu na kanisa"


def test_a_thing_is_no_place_even_where_one_was_asked_for(chat: Chat) -> None:
    chat.says_each("DELIVERY", "1")
    assert chat.says("2 bananas and 3 tomatoes").key == "several"
    delivery = cart(chat).delivery
    assert delivery is not None
    assert delivery.landmark == ""


def test_a_pin_is_enough_at_any_time(chat: Chat) -> None:
    answer = chat.sends_pin(*WESTLANDS, label="Sarit Centre")
    assert answer.key == "delivery_chosen"
    assert "Westlands" in answer.text
    assert "Place: Sarit Centre" in answer.text
    assert "Where exactly?" not in answer.text
    delivery = cart(chat).delivery
    assert delivery is not None
    assert (delivery.latitude, delivery.longitude) == WESTLANDS


def test_a_pin_outside_is_told_where_the_shop_delivers(chat: Chat) -> None:
    answer = chat.sends_pin(*ELSEWHERE)
    assert answer.key == "delivery_outside"
    assert "2. Limuru town: KES 450" in answer.text
    assert chat.says("2").key == "delivery_chosen"


def test_a_pin_without_a_cart_or_for_a_shop_that_delivers_nowhere_is_answered(chat: Chat) -> None:
    chat.says("CANCEL ORDER")
    assert chat.sends_pin(*WESTLANDS).key == "terms_need_cart"
    elsewhere = Chat()
    elsewhere.says_each("SHOP mama", "add milk")
    assert elsewhere.sends_pin(*WESTLANDS).key == "location_only"
    assert elsewhere.says("DELIVERY").key == "delivery_asked"
    assert elsewhere.says("PICKUP").key == "delivery_asked"


@pytest.mark.parametrize("said", ["PICKUP", "nitachukua", "levantar"])
def test_it_can_be_fetched_after_all_until_it_is_confirmed(chat: Chat, said: str) -> None:
    chat.says_each("DELIVERY", "1", said)
    assert chat.replies[-1].key == "pickup_chosen"
    delivery = cart(chat).delivery
    assert delivery is not None
    assert delivery.kind is FulfilmentKind.PICKUP
    assert cart(chat).total_minor == 12000
    chat.says("CONFIRM")
    assert chat.says("DELIVERY").key == "delivery_zones"
    assert chat.says("1").key == "terms_need_cart"


def test_a_tapped_zone_of_an_old_list_is_answered_with_those_that_there_are(chat: Chat) -> None:
    chat.says("DELIVERY")
    token = chat.replies[-1].options[0].payload
    del chat.router.shops[0].zones[0]
    answer = chat.taps(token, "Westlands")
    assert answer.key == "delivery_outside"
    assert "1. Limuru town" in answer.text


def test_the_receipt_says_what_the_total_is_made_of(chat: Chat) -> None:
    chat.says_each("DELIVERY", "1", "CONFIRM", "PAY")
    told = chat.hears(chat.router.is_paid(chat.router.latest().code))
    assert told is not None
    for line in ("Goods: KES 120", "Delivery, Westlands: KES 150", "*Total: KES 270*"):
        assert line in told
