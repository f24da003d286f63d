"""Which messages are read as one, and what the one says."""

import pytest

from bot.conversation.bursts import as_one, together
from bot.conversation.model import Location, Said
from bot.conversation.state import State
from bot.conversation.understanding.lists import MAX_PARTS
from tests.support.chat import Chat


def burst(*texts: str) -> list[Said]:
    return [Said(f"SM{number}", text) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "count"),
    [
        (("2 milk", "bread", "confirm"), 2),
        (("hi", "2 milk", "bread"), 3),
        (("hello", "how are you"), 2),
        (("nataka maziwa", "na mkate mbili", "LIPA"), 2),
        (("quero leite", "2 pães", "carrinho"), 2),
        (("2", "milk"), 1),
        (("milk", "2"), 1),
        (("confirm", "milk", "bread"), 1),
        (("pay", "pay"), 1),
        (("milk", "STOP", "bread"), 1),
        (("milk", "cart", "bread"), 1),
        (("remove milk", "bread"), 1),
        (("milk", "0708 374 149"), 1),
        (("milk", "english"), 1),
        (("milk", "gpo"), 1),
        (("milk", ""), 1),
        (("milk",) * 30, MAX_PARTS),
        (("milk", "x" * 450), 1),
        (("a" * 450, "milk"), 1),
    ],
)
def test_only_names_of_things_are_read_together(in_shop: Chat, texts: tuple[str, ...], count: int) -> None:
    assert together(in_shop.state, burst(*texts)) == count


def test_before_a_shop_is_chosen_every_message_is_read_alone() -> None:
    assert together(State(), burst("mama", "milk")) == 1


@pytest.mark.parametrize(
    "other",
    [
        Said("SM2", "bread", media=("image",)),
        Said("SM2", "bread", payload="add:-:7"),
        Said("SM2", "bread", location=Location(-1.3, 36.8)),
    ],
)
def test_a_tap_a_picture_and_a_place_are_read_alone(in_shop: Chat, other: Said) -> None:
    assert together(in_shop.state, [Said("SM1", "milk"), other, Said("SM3", "eggs")]) == 1
    assert together(in_shop.state, [other, Said("SM3", "eggs")]) == 1


@pytest.mark.parametrize(
    ("texts", "cart"),
    [
        (("2 milk", "bread"), [("Fresh milk 500 ml", 2), ("Brown bread 400 g", 1)]),
        (("hi", "i want milk", "and 3 bananas"), [("Fresh milk 500 ml", 1), ("Bananas", 3)]),
        (("nataka", "maziwa mbili"), [("Fresh milk 500 ml", 2)]),
        (("add milk", "add bread"), [("Fresh milk 500 ml", 1), ("Brown bread 400 g", 1)]),
        (("milk\nbread", "rice x 2"), [("Fresh milk 500 ml", 1), ("Brown bread 400 g", 1), ("Rice 1 kg", 2)]),
    ],
)
def test_a_burst_fills_the_cart_as_one_message_would(
    in_shop: Chat, texts: tuple[str, ...], cart: list[tuple[str, int]]
) -> None:
    said = burst(*texts)
    assert together(in_shop.state, said) == len(said)
    in_shop.says(as_one(said).text)
    assert in_shop.cart() == cart


def test_a_burst_has_the_id_of_its_first_message() -> None:
    assert as_one(burst("hi", "2 milk")).message_sid == "SM0"
    assert as_one(burst("hi", "good morning")).text == "hi"
