"""What words are taken for, and above all what they are not taken for."""

import pytest

from bot.conversation.phones import read_msisdn, spoken_msisdn
from bot.conversation.understanding.intents import Intent, Word, is_stop, parse
from bot.conversation.understanding.matching import suggest_word
from bot.conversation.understanding.quantities import Wanted, read_number, read_wanted
from contracts.money import Currency


@pytest.mark.parametrize(
    ("text", "word", "rest"),
    [
        ("MENU", Word.MENU, ""),
        ("  *Menu*  ", Word.MENU, ""),
        ("menu 🙏", Word.MENU, ""),
        ("menu?", Word.MENU, ""),
        ("SHOP mama", Word.SHOP, "mama"),
        ("shop:  Mama", Word.SHOP, "Mama"),
        ("Add\n2 x 3", Word.ADD, "2 x 3"),
        ("remove milk", Word.REMOVE, "milk"),
        ("FIND fresh milk", Word.FIND, "fresh milk"),
        ("menu drinks", Word.FIND, "drinks"),
        ("Cart.", Word.CART, ""),
        ("checkout", Word.CART, ""),
        ("CONFIRM", Word.CONFIRM, ""),
        ("confirm order", Word.CONFIRM, ""),
        ("confirm it tomorrow", Word.CONFIRM_UNCLEAR, "it tomorrow"),
        ("Status", Word.STATUS, ""),
        ("i have paid", Word.PAID, ""),
        ("STATUS cdfghj", Word.STATUS, "CDFGHJ"),
        ("Cancel order", Word.CANCEL_ORDER, ""),
        ("cancel my order", Word.CANCEL_ORDER, ""),
        ("cancel order #cdfghj", Word.CANCEL_ORDER, "CDFGHJ"),
        ("cancel", Word.CANCEL, ""),
        ("cancel that", Word.CANCEL, "that"),
        ("help", Word.HELP, ""),
        ("?", Word.HELP, ""),
        ("STOP", Word.STOP, ""),
        ("stop all", Word.STOP, ""),
        ("Start", Word.START, ""),
        ("Habari", Word.GREETING, ""),
        ("mambo!", Word.GREETING, ""),
        ("hello mama", Word.GREETING, "mama"),
        ("asante sana", Word.THANKS, ""),
        ("2", Word.NUMBER, "2"),
        ("2.", Word.NUMBER, "2"),
        ("#2", Word.NUMBER, "2"),
        ("2)", Word.NUMBER, "2"),
        ("２", Word.NUMBER, "2"),
        ("two", Word.NUMBER, "two"),
        ("-1", Word.NUMBER, "-1"),
        ("2x3", Word.NUMBER, "2x3"),
        ("1000000", Word.NUMBER, "1000000"),
        ("9" * 40, Word.NUMBER, "9" * 40),
        ("0708 374 149", Word.PHONE, "0708 374 149"),
        ("+254708374149", Word.PHONE, "+254708374149"),
        ("do you have milk?", Word.FIND, "milk"),
        ("i want to buy brown bread", Word.ADD, "brown bread"),
        ("", Word.NOTHING, ""),
        (" \u200b\n ", Word.NOTHING, ""),
        ("🙂", Word.TEXT, "🙂"),
    ],
)
def test_words_mean_this(text: str, word: Word, rest: str) -> None:
    assert parse(text) == Intent(word, rest)


@pytest.mark.parametrize(
    "text", ["PAY", "pay", " Pay. ", "*PAY*", "pay!", "PAY CDFGHJ", "pay #cdfghj", "pay 433333", "Pay 2"]
)
def test_pay_is_pay_in_any_case_and_with_what_people_put_around_a_word(text: str) -> None:
    assert parse(text).word is Word.PAY


@pytest.mark.parametrize(
    "text",
    [
        "paay", "pya", "pays", "pay?", "pay later", "pay now", "pay please", "i want to pay", "don't pay", "no pay",
        "payment", "lipia", "nataka kulipa", "confirm and pay", "pay tomorrow", "repay",
    ],
)  # fmt: skip
def test_nothing_like_pay_is_taken_for_pay(text: str) -> None:
    assert parse(text).word is not Word.PAY


@pytest.mark.parametrize("text", ["confrm", "confirmed", "conform", "confirm?", "please confirm", "yes", "ok"])
def test_nothing_like_confirm_is_taken_for_confirm(text: str) -> None:
    assert parse(text).word is not Word.CONFIRM


@pytest.mark.parametrize(
    "text", ["stop", "STOP!", "Unsubscribe", "stopall", "acha", "Parar", "sair", "*stop*", " stop "]
)
def test_stop_words_of_every_language_stop(text: str) -> None:
    assert is_stop(text)
    assert parse(text).word is Word.STOP


@pytest.mark.parametrize("text", ["stp", "shop", "stop it", "don't stop", "bus stop", "stop?", "", "cancel", "end"])
def test_nothing_like_stop_is_taken_for_stop(text: str) -> None:
    assert not is_stop(text)
    assert parse(text).word is not Word.STOP


@pytest.mark.parametrize("text", ["pya", "paay", "confrm", "cnfirm", "stp", "stpo", "confirn"])
def test_likeness_never_proposes_pay_confirm_or_stop(text: str) -> None:
    assert suggest_word(text) not in ("PAY", "CONFIRM", "STOP")


def test_stop_with_more_behind_it_is_told_how_to_stop_and_not_of_shops() -> None:
    assert suggest_word("stop it") == "STOP"
    assert suggest_word("acha tafadhali bwana", "sw") == "ACHA"


@pytest.mark.parametrize(
    ("text", "word"),
    [("crat", "CART"), ("mnu", "MENU"), ("hlep", "HELP"), ("cancle order", "CANCEL ORDER"), ("fnd milk", "FIND")],
)
def test_a_slip_of_the_finger_is_recognised(text: str, word: str) -> None:
    assert suggest_word(text) == word


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2", Wanted(number=2)),
        ("two", Wanted(number=2)),
        ("2 x 3", Wanted(number=2, quantity=3)),
        ("2x3", Wanted(number=2, quantity=3)),
        ("2 × 3", Wanted(number=2, quantity=3)),
        ("2*3", Wanted(number=2, quantity=3)),
        ("2 3", Wanted(number=2, quantity=3)),
        ("2 x two", Wanted(number=2, quantity=2)),
        ("2 x -1", Wanted(number=2, quantity=-1)),
        ("2 x 0", Wanted(number=2, quantity=0)),
        ("2 x 1000000", Wanted(number=2, quantity=1_000_000)),
        ("2 x 1.5", Wanted(number=2, odd_quantity="1.5")),
        ("milk", Wanted(name="milk")),
        ("some milk please", Wanted(name="milk")),
        ("milk x2", Wanted(name="milk", quantity=2)),
        ("milk x 2", Wanted(name="milk", quantity=2)),
        ("milk x two", Wanted(name="milk", quantity=2)),
        ("milk x lots", Wanted(name="milk", odd_quantity="lots")),
        ("milk 2", Wanted(name="milk", quantity=2)),
        ("3 x milk", Wanted(name="milk", quantity=3)),
        ("3x milk", Wanted(name="milk", quantity=3)),
        ("3 milk", Wanted(name="3 milk", spare_name="milk", spare_quantity=3)),
        ("two packets of milk", Wanted(name="2 milk", spare_name="milk", spare_quantity=2)),
        ("2 kg sugar", Wanted(name="2 kg sugar", spare_name="sugar", spare_quantity=2, measure="kg")),
        ("milk 500", Wanted(name="milk 500", spare_name="milk", spare_quantity=500)),
        ("tea bags x 2g", Wanted(name="tea bags x 2g")),
        ("box", Wanted(name="box")),
    ],
)
def test_amounts_are_read_as_people_write_them(text: str, wanted: Wanted) -> None:
    assert read_wanted(text) == wanted


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("one", 1), ("Seven", 7), ("twelve", 12), ("twenty-five", 25), ("thirty two", 32), ("a dozen", 12),
        ("2 dozen", 24), ("half a dozen", 6), ("moja", 1), ("kumi", 10), ("kumi na mbili", 12), ("dazeni", 12),
        ("ishirini na tano", 25), ("dazeni mbili", 24), ("nusu dazeni", 6), ("um", 1), ("duas", 2), ("três", 3),
        ("vinte e cinco", 25), ("uma dúzia", 12), ("meia dúzia", 6), ("couple", 2),
    ],
)  # fmt: skip
def test_numbers_in_words_are_read_in_three_languages(text: str, number: int) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize("text", ["zero", "none", "", "half", "nusu", "meia", "ten milk", "a"])
def test_what_is_no_whole_number_is_none(text: str) -> None:
    assert read_number(text) is None


@pytest.mark.parametrize("text", ["0708374149", "0708 374 149", "+254 708 374149", "254708374149", "708374149"])
def test_a_kenyan_number_is_read_in_every_usual_form(text: str) -> None:
    assert read_msisdn(text, Currency.KES) == "254708374149"


@pytest.mark.parametrize("text", ["12345678901", "000000000", "+1", "", "999999999999999"])
def test_what_is_no_phone_number_is_none(text: str) -> None:
    assert read_msisdn(text, Currency.KES) is None


def test_a_number_is_said_as_its_owner_writes_it() -> None:
    assert spoken_msisdn("254708374149") == "0708 374149"
    assert spoken_msisdn("rubbish") == "rubbish"
