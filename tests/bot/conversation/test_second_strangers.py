"""What the second strangers taught the chat: amounts behind a name, scraps of words that add nothing, things that are
said in units one after the other."""

import pytest

from bot.conversation.understanding.goods import Within, named_within
from bot.conversation.understanding.intents import Word, parse
from bot.conversation.understanding.lists import read_list
from bot.conversation.understanding.matching import Candidate, Found, find
from bot.conversation.understanding.quantities import Wanted, read_wanted
from tests.bot.understanding.measure import search
from tests.support.chat import Chat


@pytest.mark.parametrize(
    "text",
    ["milk x6", "milk ×6", "milk 6x", "milk - 6", "milk: 6", "milk (6)", "milk (x6)", "milk [6]", "milk six",
     "milk 6 pcs", "milk 6pcs", "milk x 6 pcs", "milk 6 pieces", "milk 6 unid", "milk qty 6", "milk sita", "milk seis",
     "6x milk", "6 pcs of milk", "6pcs milk"],
)  # fmt: skip
def test_how_many_is_read_behind_a_name_in_all_its_forms(text: str) -> None:
    parts = read_list(text).parts
    assert len(parts) == 1
    wanted = parts[0].wanted
    assert (wanted.spare_name or wanted.name, wanted.quantity or wanted.spare_quantity) == ("milk", 6)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("maji nusu lita sita", Wanted(name="500 ml maji", quantity=6)),
        ("água de litro e meio seis", Wanted(name="1.5 l água", quantity=6)),
        ("unga mbili za ugali", Wanted(name="unga ya ugali", quantity=2)),
        ("sukuma fungu nane", Wanted(name="sukuma", quantity=8)),
        ("2 oil 1 litre", Wanted(name="2 oil 1 l", spare_name="oil 1 l", spare_quantity=2)),
    ],
)
def test_a_size_and_a_count_are_told_apart_wherever_they_stand(text: str, wanted: Wanted) -> None:
    assert read_wanted(text) == wanted


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("tomatoes 10kg onions 5kg cabbage 12", ["tomatoes 10kg", "onions 5kg", "cabbage 12"]),
        ("sukuma three bunches spinach two bunches", ["sukuma 3 bunches", "spinach 2 bunches"]),
        ("milk 500 ml 2 bread 3", ["milk 500 ml 2", "bread 3"]),
        ("1 diper size 4", ["1 diper size 4"]),
        ("2 pads 1 diapers size 4", ["2 pads", "1 diapers size 4"]),
        ("diapers size 4 2", ["diapers size 4 2"]),
        ("o que é que já escolhi", ["o que é que já escolhi"]),
    ],
)
def test_things_in_units_are_told_apart_and_a_size_is_no_line_of_a_list(text: str, parts: list[str]) -> None:
    assert [part.text for part in read_list(text).parts] == parts


def test_a_scrap_of_a_word_is_offered_and_never_taken_for_the_thing() -> None:
    shelf = [Candidate(0, "Queijo flamengo 200 g"), Candidate(1, "Chá preto")]
    assert find("que", shelf) == Found(close=(0,))
    assert find("quei", shelf) == Found(clear=0)
    assert find("chá", shelf) == Found(clear=1)


def test_how_many_of_a_size_is_how_many_are_added(in_shop: Chat) -> None:
    in_shop.router.search = search
    in_shop.says("fresh milk 500ml x6")
    assert in_shop.cart() == [("Fresh milk 500 ml", 6)]


def test_a_sentence_about_an_order_is_no_order_s_code(in_shop: Chat) -> None:
    assert in_shop.says("it is 2 hours and my milk has not arrived").key == "no_orders"


@pytest.mark.parametrize(
    ("text", "word", "rest"),
    [
        ("change the eggs to 4", Word.SET, "4 eggs"),
        ("muda o leite para quatro", Word.SET, "4 leite"),
        ("badilisha maziwa ziwe tano", Word.SET, "5 maziwa"),
        ("change to the other shop", Word.TEXT, "change to the other shop"),
        ("give me number 3 on that list", Word.NUMBER, "3"),
        ("quero o número 3 dessa lista", Word.NUMBER, "3"),
        ("send me the same things like last week", Word.REORDER, ""),
        ("send me the same rice like last week", Word.ADD, "the same rice like last week"),
        ("what i bought last month", Word.HISTORY, "what i bought last month"),
        ("cancel that order i made this morning", Word.CANCEL_ORDER, "cancel that order i made this morning"),
        ("i will come for it myself", Word.PICKUP, "i will come for it myself"),
        ("my husband will pay with his phone", Word.PAY_OTHER, ""),
        ("you charged me twice", Word.HUMAN, "you charged me twice"),
        ("deliver to house 12", Word.DELIVERY, "deliver to house 12"),
        ("2 milk, deliver to house 12", Word.TEXT, "2 milk, deliver to house 12"),
        ("place the order", Word.CONFIRM_UNCLEAR, "place the order"),
        ("mafuta ya taa bei gani", Word.FIND, "mafuta ya taa"),
        ("chega de mensagens", Word.STOP, ""),
        ("chega de mensagens de erro, quero pão", Word.TEXT, "chega de mensagens de erro, quero pão"),
    ],
)
def test_sentences_of_the_second_strangers_are_read(text: str, word: Word, rest: str) -> None:
    intent = parse(text)
    assert (intent.word, intent.rest) == (word, rest)


@pytest.mark.parametrize("text", ["cancel that order i made this morning", "desisti, não quero mais a encomenda"])
def test_an_order_called_off_in_a_sentence_is_asked_about_and_stays(in_shop: Chat, text: str) -> None:
    answer = in_shop.says(text)
    assert answer.key == "cancel_hint"
    assert answer.commands == ()


def test_a_machine_says_that_it_is_one_and_asks_nobody(in_shop: Chat) -> None:
    assert in_shop.says("am I talking to a computer?").key == "person_offered"


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("5 sodas for the boys", Within("sodas", 5)),
        ("soda baridi mbili", Within("soda", 2)),
        ("gas moja haraka niko stage", Within("gas", 1)),
        ("20 cadernos pra escola", Within("cadernos", 20)),
        ("milk and bread", None),
        ("milk", None),
    ],
)
def test_one_thing_among_other_words_is_found_with_the_number_beside_it(text: str, within: Within | None) -> None:
    assert named_within(text) == within


def test_a_thing_among_other_words_is_offered_and_not_added(in_shop: Chat) -> None:
    assert in_shop.says("4 milk for the boys at the stage").key == "items_close"
    assert in_shop.cart() == []


def test_what_is_not_understood_offers_the_menu_the_cart_and_a_person(in_shop: Chat) -> None:
    answer = in_shop.says("zxqw vbnm")
    assert answer.key == "not_understood"
    assert [option.title.key for option in in_shop.replies[-1].options] == [
        "button_menu",
        "button_cart",
        "button_person",
    ]
