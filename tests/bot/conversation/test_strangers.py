"""What strangers taught the chat: shorthand, who is spoken to, parts of a kilo, crates, and six eggs."""

import pytest

from bot.conversation.bursts import as_one
from bot.conversation.languages import learning
from bot.conversation.model import Said
from bot.conversation.state import State
from bot.conversation.understanding.intents import STOP_WORDS, Word, is_stop, parse
from bot.conversation.understanding.quantities import Wanted, read_wanted
from bot.conversation.understanding.spelling import singulars
from bot.conversation.understanding.vocabulary import VOCABULARY
from tests.support.chat import Chat
from tests.support.fake_shops import Stocked


@pytest.mark.parametrize(
    ("text", "word", "rest"),
    [
        ("hw mch is milk", Word.FIND, "milk"),
        ("qto custa o leite", Word.FIND, "o leite"),
        ("ntk maziwa 2", Word.ADD, "maziwa 2"),
        ("mwanangu niletee maziwa mbili asante sana", Word.ADD, "maziwa mbili"),
        ("quanto custa minha filha o arroz", Word.FIND, "o arroz"),
        ("Could you kindly tell me the price of rice?", Word.FIND, "rice"),
        ("number 1 pls", Word.NUMBER, "1"),
        ("cnfirm", Word.CONFIRM_UNCLEAR, "cnfirm"),
        ("stpo", Word.TEXT, "stpo"),
        ("it is 2 hours and my milk has not arrived", Word.STATUS, "it is 2 hours and my milk has not arrived"),
        ("you brought 2 instead of 3 mandazi", Word.HUMAN, "you brought 2 instead of 3 mandazi"),
        ("do you deliver within 2 hours", Word.DELIVERY, "do you deliver within 2 hours"),
        ("note my dear, the dog bites", Word.NOTE, "my dear, the dog bites"),
    ],
)
def test_strangers_words_are_read(text: str, word: Word, rest: str) -> None:
    intent = parse(text)
    assert (intent.word, intent.rest) == (word, rest)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("half a kilo of onions", Wanted(name="500 g onions", spare_name="onions", measure="kg")),
        ("nyanya 1/4 kg", Wanted(name="250 g nyanya", spare_name="nyanya", measure="kg")),
        ("0.5l milk", Wanted(name="500 ml milk", spare_name="milk", measure="l")),
        ("água 1,5 l", Wanted(name="1,5 l água", spare_name="água", measure="l")),
        ("a crate of soda", Wanted(name="1 crate soda", spare_name="soda", spare_quantity=1, measure="crate")),
        ("mayai trei mbili", Wanted(name="2 tray mayai", spare_name="mayai", spare_quantity=2, measure="tray")),
        ("carapau 2kg", Wanted(name="carapau 2 kg", spare_name="carapau", spare_quantity=2, measure="kg")),
        ("2 and a half kilos of rice", Wanted(name="2.5 kilos rice", spare_name="rice", measure="kg")),
        ("mchele kilo mbili na nusu", Wanted(name="kilo 2.5 mchele", spare_name="mchele", measure="kg")),
        ("dois quilos e meio de arroz", Wanted(name="2.5 quilos arroz", spare_name="arroz", measure="kg")),
        ("x2 milk", Wanted(name="milk", quantity=2)),
        ("half of it", Wanted(name="half of it")),
        ("1/0 kg rice", Wanted(name="1/0 kg rice")),
    ],
)
def test_parts_and_containers_are_no_counts_of_the_thing(text: str, wanted: Wanted) -> None:
    assert read_wanted(text) == wanted


@pytest.mark.parametrize(
    ("word", "singular"),
    [("avocadoes", "avocado"), ("loaves", "loaf"), ("feijoes", "feijao"), ("paes", "pao"), ("berries", "berry")],
)
def test_a_plural_is_known_for_what_it_is(word: str, singular: str) -> None:
    assert singular in singulars(word)
    assert singulars("gas") == {"gas"}


@pytest.mark.parametrize("text", ["6 eggs", "add 6 eggs", "eggs x 6", "half a dozen eggs", "milk and 6 eggs"])
def test_six_eggs_are_not_six_trays(in_shop: Chat, text: str) -> None:
    answer = in_shop.says(text)
    assert "Eggs, tray of 30" not in [name for name, _ in in_shop.cart()]
    assert "Eggs, tray of 30" in answer.text
    in_shop.says("1")
    assert ("Eggs, tray of 30", 1) in in_shop.cart()


@pytest.mark.parametrize("text", ["Sugar 1 kg", "sugar 2kg", "Maize flour 2 kg"])
def test_the_name_of_a_thing_with_its_size_is_only_shown(in_shop: Chat, text: str) -> None:
    assert in_shop.says(text).key == "found"
    assert in_shop.cart() == []
    in_shop.says(f"I want {text}")
    assert [quantity for _, quantity in in_shop.cart()] == [1]


def test_single_eggs_are_meant_where_the_shop_has_them(in_shop: Chat) -> None:
    in_shop.router.shops[0].items.append(Stocked("egg", "E1", "Eggs, single", 1500))
    in_shop.says("a dozen eggs")
    assert in_shop.cart() == [("Eggs, single", 12)]


@pytest.mark.parametrize(
    ("text", "cart"),
    [
        ("2 trays of eggs", [("Eggs, tray of 30", 2)]),
        ("trei moja ya mayai", [("Eggs, tray of 30", 1)]),
        ("a crate of 7 up", []),
        ("half a kilo of sugar", []),
        ("2 and a half kilos of sugar", []),
        ("half a litre of milk", []),
        ("half a kilo of beans", [("Beans 500 g", 1)]),
    ],
)
def test_what_is_not_sold_so_is_asked_about(in_shop: Chat, text: str, cart: list[tuple[str, int]]) -> None:
    in_shop.router.shops[0].items.append(Stocked("beans", "B1", "Beans 500 g", 9000))
    in_shop.router.shops[0].items[0].name = "Fresh milk"
    answer = in_shop.says(text)
    assert in_shop.cart() == cart
    assert "1. " in answer.text or cart


@pytest.mark.parametrize(
    ("text", "cart"),
    [
        ("3 avocadoes", [("Avocado", 3)]),
        ("sukumawiki 2", [("Sukuma wiki, bunch", 2)]),
        ("2 skuma", [("Sukuma wiki, bunch", 2)]),
    ],
)
def test_a_thing_is_found_however_it_is_spelled(in_shop: Chat, text: str, cart: list[tuple[str, int]]) -> None:
    in_shop.router.shops[0].items.append(Stocked("avo", "A1", "Avocado", 3000))
    in_shop.router.shops[0].items.append(Stocked("sukuma", "S1", "Sukuma wiki, bunch", 3000))
    in_shop.says(text)
    assert in_shop.cart() == cart


@pytest.mark.parametrize(
    "text", ["toa maziwa", "tira o leite", "remove maziwa from my order", "wacha maziwa", "n quero mais leite"]
)
def test_a_thing_is_taken_out_under_any_of_its_names(in_shop: Chat, text: str) -> None:
    in_shop.says_each("add milk", "add bread")
    assert in_shop.says(text).key == "removed"
    assert in_shop.cart() == [("Brown bread 400 g", 1)]


@pytest.mark.parametrize(
    "text",
    [
        "msinitumie meseji tena",
        "Acheni kunitumia message",
        "please don't send me any more messages",
        "Tirem-me desta lista",
        "parem de mandar msg",
        "remove me from your list please",
    ],
)
def test_whole_sentences_end_messages(text: str) -> None:
    assert is_stop(text)
    assert parse(text).word is Word.STOP


@pytest.mark.parametrize(
    "text", ["stop the milk", "acha maziwa", "send me messages", "i don't want milk", "não quero leite"]
)
def test_what_is_only_like_such_a_sentence_does_not(text: str) -> None:
    assert not is_stop(text)
    assert parse(text).word is not Word.STOP


def test_no_shorthand_is_read_as_what_pays_orders_or_ends_messages() -> None:
    money = {phrase for phrase, word in VOCABULARY.exact.items() if word in ("pay", "confirm", "stop")}
    assert money & set(VOCABULARY.shorts) == set()
    assert money & set(VOCABULARY.shorts.values()) == set()
    assert len(STOP_WORDS) < 5_000  # each is kept in memory


def test_politeness_takes_no_thing_away() -> None:
    assert VOCABULARY.polite & set(VOCABULARY.goods) == set()


def test_a_sentence_about_paying_that_counts_something_is_told_how_to_pay(in_shop: Chat) -> None:
    assert in_shop.says("mpesa 500").key == "say_pay"


def test_a_burst_shows_its_language_by_all_that_was_written() -> None:
    burst = as_one([Said("SM1", "nataka maziwa"), Said("SM2", "2 milk")])
    assert burst.written == "nataka maziwa\n2 milk"
    assert learning(State(), burst).language == "sw"


@pytest.mark.parametrize(
    ("text", "key", "cart"),
    [
        ("make it 3 breads", "added", [("Brown bread 400 g", 3)]),
        ("iwe mikate mitano", "added", [("Brown bread 400 g", 5)]),
        ("muda para 4 pães", "added", [("Brown bread 400 g", 4)]),
        ("make it 2 bread", "cart", [("Brown bread 400 g", 2)]),
        ("make it 1 bread", "remove_whole_line", [("Brown bread 400 g", 2)]),
        ("make it 3", "cart", [("Brown bread 400 g", 2)]),
        ("make it 3 milk", "added", [("Brown bread 400 g", 2), ("Fresh milk 500 ml", 3)]),
        ("make it quick", "not_understood", [("Brown bread 400 g", 2)]),
    ],
)
def test_how_many_there_shall_be_counts_what_is_in_the_cart(
    in_shop: Chat, text: str, key: str, cart: list[tuple[str, int]]
) -> None:
    in_shop.says("2 brown bread")
    assert in_shop.says(text).key == key
    assert in_shop.cart() == cart
