"""Which item is meant: a clear match may be acted on, so it must really be clear."""

import pytest

from bot.conversation.understanding.matching import Candidate, Found, find, names_it

SHELF = [
    Candidate(place, name, f"SKU{place}")
    for place, name in enumerate(
        (
            "Fresh milk 500 ml",
            "Brown bread 400 g",
            "Eggs, tray of 30",
            "Sugar 1 kg",
            "Sugar 2 kg",
            "7 Up 500 ml",
            "Blue Band",
        )
    )
]


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("milk", 0), ("MILK 500ml", 0), ("bread", 1), ("brown", 1), ("egg", 2), ("eggs", 2), ("tray eggs", 2),
        ("sugar 2", 4), ("2 kg sugar", 4), ("7 up", 5), ("blueband", 6), ("blue band", 6), ("sku3", 3), ("Mílk", 0),
    ],
)  # fmt: skip
def test_one_item_is_meant(said: str, place: int) -> None:
    assert find(said, SHELF) == Found(clear=place)


def test_what_fits_several_items_is_not_clear() -> None:
    assert find("sugar", SHELF) == Found(several=(3, 4))


@pytest.mark.parametrize(("said", "place"), [("mlik", 0), ("bred", 1), ("eggz", 2)])
def test_a_slip_is_only_close(said: str, place: int) -> None:
    found = find(said, SHELF)
    assert found.clear is None
    assert not found.several
    assert found.close[0] == place


@pytest.mark.parametrize("said", ["xylophone", "", "!?", "apple", "milk bread"])
def test_what_fits_nothing_is_nothing(said: str) -> None:
    assert find(said, SHELF) == Found()


def test_a_word_inside_another_word_is_not_that_item() -> None:
    assert find("apple", [Candidate(0, "Pineapple")]).clear is None


def test_two_items_of_one_name_are_not_clear() -> None:
    assert find("milk", [Candidate(0, "Milk"), Candidate(1, "Milk")]) == Found(several=(0, 1))


def test_the_whole_name_is_clear_though_it_begins_another_name() -> None:
    assert find("milk", [Candidate(0, "Milk shake"), Candidate(1, "Milk")]) == Found(clear=1)


def test_a_number_belongs_to_a_name_only_where_it_stands_in_it_so() -> None:
    assert names_it("7 Up 500 ml", "7 up")
    assert not names_it("Sugar 2 kg", "2 sugar")
