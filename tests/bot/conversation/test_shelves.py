"""A shop with shelves shows them first; one thing can be looked at by itself."""

import pytest

from bot.conversation.model import ListCategories, ListItems
from bot.replies.reply import Picture
from bot.replies.tappable import tappable_of
from contracts.router_api import PictureView
from tests.support.chat import Chat
from tests.support.fake_shops import FakeShop, Stocked, njeri_with_shelves


@pytest.fixture
def chat() -> Chat:
    return Chat(njeri_with_shelves())


def test_a_shop_with_shelves_shows_them_first(chat: Chat) -> None:
    answer = chat.says("SHOP mama")
    assert answer.key == "shop_entered_shelves"
    assert "1. Dairy (2)" in answer.text
    assert "3. Pantry (7)" in answer.text
    assert "5. Everything (12)" in answer.text
    tappable = tappable_of(chat.replies[-1])
    assert tappable is not None
    assert [choice.title for choice in tappable.choices] == ["Dairy", "Bread", "Pantry", "Fruit", "Everything"]


def test_a_number_opens_a_shelf_and_the_next_one_adds_what_stands_on_it(chat: Chat) -> None:
    chat.says("SHOP mama")
    shelf = chat.says("1")
    assert shelf.key == "shelf"
    assert "2. Eggs, tray of 30" in shelf.text
    assert chat.says("2").key == "added"
    assert chat.cart() == [("Eggs, tray of 30", 1)]


def test_an_add_by_number_right_after_the_shelves_opens_that_shelf_and_adds_nothing(chat: Chat) -> None:
    chat.says("SHOP mama")
    answer = chat.says("ADD 1")
    assert answer.key == "shelf"
    assert "1. Fresh milk" in answer.text
    assert chat.cart() == []
    assert chat.says("ADD 1").key == "added"


@pytest.mark.parametrize("said", ["5", "MENU"])
def test_everything_can_be_looked_at(chat: Chat, said: str) -> None:
    chat.says("SHOP mama")
    assert "1. Fresh milk 500 ml" in chat.says(said).text
    assert "10. Rice 1 kg" in chat.says("MORE").text


@pytest.mark.parametrize("said", ["SHELVES", "rafu", "categorias"])
def test_the_shelves_are_shown_again(chat: Chat, said: str) -> None:
    chat.says_each("SHOP mama", "1")
    assert chat.says(said).key == "shelves"


def test_a_tapped_shelf_is_opened(chat: Chat) -> None:
    chat.says("SHOP mama")
    options = chat.replies[-1].options
    assert "Bananas" in chat.taps(options[3].payload, "Fruit").text
    assert "1. Fresh milk" in chat.taps(options[4].payload, "Everything").text


def test_a_long_shelf_has_pages_that_count_on() -> None:
    shop = FakeShop("vendor-mama", "mama", "Mama Njeri Groceries")
    shop.items = [Stocked(f"item-{n}", f"S{n}", f"Soap {n}", 1000, category="Soap") for n in range(1, 31)]
    chat = Chat([shop])
    chat.says_each("SHOP mama", "1")
    answer = chat.says("MORE")
    assert "10. Soap 10" in answer.text
    assert answer.commands == (ListItems("vendor-mama", after="item-9", limit=9, category="category-Soap"),)
    assert "Added 1 × Soap 11" in chat.says("11").text


def test_menu_shows_the_shelves_where_everything_would_be_many_pages() -> None:
    shop = FakeShop("vendor-mama", "mama", "Mama Njeri Groceries")
    shop.items = [Stocked(f"item-{n}", f"S{n}", f"Thing {n}", 1000, category=f"Shelf {n % 12}") for n in range(60)]
    chat = Chat([shop])
    chat.says("SHOP mama")
    answer = chat.says("MENU")
    assert answer.commands[-1] == ListCategories("vendor-mama")
    assert "9. Shelf 8 (5)" in answer.text
    following = chat.says("MORE")
    assert "10. Shelf 9 (5)" in following.text
    assert "13. Everything (60)" in following.text
    assert "1. Thing 0" in chat.says("13").text


def test_a_shop_of_one_page_or_without_shelves_shows_its_things_at_once() -> None:
    plain = Chat()
    assert plain.says("SHOP mama").key == "shop_entered"
    assert len(plain.replies) == 1
    small = Chat([FakeShop("vendor-mama", "mama", "Mama", [Stocked("i", "S", "Milk", 100, category="Dairy")])])
    answer = small.says("SHOP mama")
    assert answer.key == "shop_entered"
    assert ListCategories("vendor-mama") not in answer.commands


@pytest.mark.parametrize("said", ["INFO 2", "picture of bananas", "picha ya bananas", "detalhes de bananas"])
def test_one_thing_is_shown_by_itself_and_added_by_number(chat: Chat, said: str) -> None:
    chat.says_each("SHOP mama", "4")
    said = said.replace("2", "1")
    card = chat.says(said)
    assert card.key == "item_card"
    assert "Small and sweet, from Meru." in card.text
    chat.says("1")
    assert chat.cart() == [("Bananas", 1)]


def test_a_card_brings_the_picture_and_a_button_that_adds(chat: Chat) -> None:
    chat.says_each("SHOP mama", "find bananas")
    details = chat.replies[-1].options[-1]
    chat.taps(details.payload, "Details")
    tappable = tappable_of(chat.replies[-1])
    assert tappable is not None
    assert [choice.title for choice in tappable.choices] == ["Add to cart", "Shelves"]
    chat.taps(chat.replies[-1].options[0].payload, "Add to cart")
    assert chat.cart() == [("Bananas", 1)]


def test_a_drawing_and_a_photograph_are_sent_along(chat: Chat) -> None:
    for media_type in ("image/png", "image/jpeg"):
        chat.router.picture = PictureView(media_type=media_type, width=8, height=8, content_base64="aGk=")
        chat.says_each("SHOP mama", "INFO bananas")
        assert chat.replies[-1].picture == Picture("aGk=")


def test_info_about_nothing_asks_what(chat: Chat) -> None:
    chat.says("SHOP mama")
    assert chat.says("INFO").key == "info_what"
    assert chat.says("INFO 3").key == "info_what"
    assert chat.says("INFO sugar").key == "found"
    assert chat.says("INFO unicorns").key == "nothing_found"
