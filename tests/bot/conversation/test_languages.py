"""The language that a customer is answered in: guessed, offered once, changed by its name, remembered."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from bot.conversation.languages import change_wanted, spoken
from bot.conversation.model import Said
from bot.conversation.state import ListKind, State
from bot.conversation.step import step
from bot.conversation.understanding.evidence import guess
from bot.conversation.understanding.matching import suggest_word
from bot.replies.texts import LANGUAGES, catalogue
from bot.replies.words import word_of
from tests.support.chat import START, Chat
from tests.support.fake_router import problem
from tests.support.fake_shops import FakeShop, mama_and_kamau

UNDERSTANDING = Path(__file__).resolve().parents[1] / "understanding"

SURE = {
    "en": [
        "Good morning",
        "I want milk",
        "good afternoon, do you have bread?",
        "how much is the rice",
        "I'm looking for eggs",
    ],
    "sw": [
        "Habari",
        "habari yako",
        "Mambo!",
        "niaje",
        "Niaje, iko bread na milk?",
        "sasa, I want unga",
        "vipi msee",
        "Shikamoo mama",
        "nataka maziwa",
        "Naomba sukari kilo mbili",
        "mko na mkate?",
        "hi, mna unga?",
        "poa, nipe eggs",
    ],
    "pt": [
        "Olá",
        "ola",
        "Bom dia!",
        "boa tarde",
        "Boa noite, tudo bem?",
        "quero duas fubas",
        "Tem leite?",
        "quanto custa o feijão?",
        "queria fazer um pedido",
        "Mano, tens pão?",
    ],
}
UNSURE = {
    "en": ["hi", "Hello", "hey", "SHOP mama", "thanks", "bread"],
    "sw": ["DUKA mama", "sukari"],
    "pt": ["LOJA", "arroz"],
}
NOTHING = ["", "👋", "1", "mama", "menu", "MENU", "ilha", "0708 374 149", "M-Pesa", "???", "Baraka", "ok", "xyz"]


@pytest.mark.parametrize(("language", "text"), [(language, text) for language in SURE for text in SURE[language]])
def test_plain_words_show_their_language(language: str, text: str) -> None:
    found = guess(text)
    assert found is not None
    assert (found.language, found.is_sure) == (language, True)


@pytest.mark.parametrize(("language", "text"), [(language, text) for language in UNSURE for text in UNSURE[language]])
def test_words_that_many_use_are_only_a_hint(language: str, text: str) -> None:
    found = guess(text)
    assert found is not None
    assert (found.language, found.is_sure) == (language, False)


@pytest.mark.parametrize("text", NOTHING)
def test_what_everybody_writes_shows_no_language(text: str) -> None:
    assert guess(text) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_what_people_really_type_most_shows_its_language_and_hardly_any_another(language: str) -> None:
    """The rule was made while looking at every second message of these."""
    written = yaml.safe_load((UNDERSTANDING / f"{language}.yaml").read_text())
    texts = [str(text) for meaning, texts in written.items() if meaning not in ("language", "number") for text in texts]
    found = [guess(text) for text in texts]
    assert len(texts) > 300
    assert sum(one is not None and one.language == language for one in found) > 0.7 * len(texts)
    assert sum(one is not None and one.language != language for one in found) <= 0.02 * len(texts)
    assert not [one for one in found if one is not None and one.is_sure and one.language != language]


def test_as_much_of_one_as_of_another_shows_nothing() -> None:
    assert guess("hello arroz") is None


def test_a_very_long_message_is_read_only_as_far_as_needed() -> None:
    assert guess("x " * 100_000 + "habari") is None


# --- the first answer -------------------------------------------------------------------------------------------------


def other_ways(language: str) -> str:
    return str(catalogue(language)["languages_offered"])


@pytest.mark.parametrize(("greeting", "language"), [("niaje", "sw"), ("Bom dia", "pt"), ("good morning", "en")])
def test_whoever_shows_a_language_is_answered_in_it_and_asked_nothing(greeting: str, language: str) -> None:
    chat = Chat()
    answer = chat.says(greeting)
    assert answer.key == "welcome"
    assert str(catalogue(language)["welcome"])[:8] in answer.text
    assert other_ways(language) not in answer.text
    assert chat.state.language == language
    assert "KISWAHILI" not in chat.says("1").text + chat.says("menu").text


def test_a_mere_hint_is_answered_and_the_others_are_offered_once_below() -> None:
    chat = Chat()
    first = chat.says("hi")
    assert first.text.startswith("Karibu! 👋 You can order")
    assert first.text.endswith(f"\n\n{other_ways('en')}")
    later = [chat.says(text) for text in ("1", "1", "CART", "hi")]
    assert not [answer for answer in later if "KISWAHILI" in answer.text]


def luandan() -> list[FakeShop]:
    mama, kamau = mama_and_kamau()
    return [replace(mama, locale="pt-AO"), kamau]


def test_who_shows_nothing_is_answered_in_the_shops_own_language() -> None:
    chat = Chat(luandan())
    first = chat.says("mama")
    assert first.text.startswith("Boas-vindas à loja *Mama")
    assert first.text.endswith(other_ways("pt"))
    assert chat.state.language is None
    assert chat.says("MENU").text.endswith("x 2*.")
    assert "carrinho" in chat.says("1").text


def test_own_words_count_more_than_the_shops_language() -> None:
    chat = Chat(luandan())
    assert chat.says("SHOP mama").text.startswith("Welcome to")


def test_a_hint_gives_way_to_plain_words_and_these_to_nothing_but_a_name() -> None:
    chat = Chat()
    chat.says("hi")
    assert chat.state.language == "en"
    chat.says("bread")
    assert chat.state.language == "en"
    chat.says("niaje, mna maziwa?")
    assert chat.state.language == "sw"
    chat.says("good morning, I want bread please")
    assert chat.state.language == "sw"
    chat.says("english")
    assert chat.state.language == "en"


def test_a_tap_shows_no_language() -> None:
    said = Said("SM1", "Habari", payload="menu:-:1")
    assert step(State(), said, START).state.language is None


def test_nothing_is_offered_to_whoever_wants_silence() -> None:
    chat = Chat()
    assert "KISWAHILI" not in chat.says("stop").text


def test_what_a_row_from_before_says_goes_on() -> None:
    chat = Chat()
    chat.says("SHOP mama")
    old = {key: value for key, value in chat.state.to_json().items() if not key.startswith("language")}
    shop = old["shop"]
    assert isinstance(shop, dict)
    shop.pop("language")
    chat.state = State.from_json(old)
    assert spoken(chat.state) == "en"
    assert chat.says("menu").key == "menu"


@pytest.mark.parametrize("language", ["fr", "", None])
def test_a_language_that_nobody_wrote_is_spoken_in_english(language: str | None) -> None:
    assert spoken(State(language=language)) == "en"


# --- changing it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("english", "en"),
        ("hi, english please", "en"),
        ("naomba tuongee kiswahili", "sw"),
        ("olá, queria em português", "pt"),
        ("English please", "en"),
        ("do you speak English?", "en"),
        ("kiingereza", "en"),
        ("em inglês", "en"),
        ("KISWAHILI", "sw"),
        ("swahili", "sw"),
        ("kwa kiswahili tafadhali", "sw"),
        ("badilisha lugha kiswahili", "sw"),
        ("fala suaíli?", "sw"),
        ("português", "pt"),
        ("portugues", "pt"),
        ("Em português, por favor", "pt"),
        ("change language to Portuguese", "pt"),
        ("kireno", "pt"),
        ("language", ""),
        ("change language", ""),
        ("Lugha", ""),
        ("badilisha lugha", ""),
        ("idioma", ""),
        ("mudar de língua", ""),
        ("English or Swahili", None),
        ("english swahili", ""),
        ("English breakfast tea", None),
        ("change", None),
        ("please", None),
        ("", None),
        ("PAY", None),
        ("stop", None),
    ],
)
def test_a_language_is_named_in_any_language(text: str, language: str | None) -> None:
    assert change_wanted(Said("SM1", text)) == language


@pytest.mark.parametrize(("payload", "language"), [("language:-:sw", "sw"), ("language:-:fr", ""), ("menu:-:sw", None)])
def test_a_language_can_be_tapped(payload: str, language: str | None) -> None:
    assert change_wanted(Said("SM1", "", payload=payload)) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_change_is_answered_in_the_new_language_and_lasts(in_shop: Chat, language: str) -> None:
    word = {"en": "english", "sw": "kiswahili", "pt": "português"}[language]
    changed = in_shop.says(word)
    assert changed.key == "language_changed"
    assert changed.text.startswith(str(catalogue(language)["language_changed"]).split("👍")[0])
    assert f"*{word_of('add', language)} 2 x 2*" in in_shop.says("menu").text


def test_a_list_still_picks_after_a_change(in_shop: Chat) -> None:
    in_shop.says_each("menu", "kiswahili")
    assert in_shop.says("1").key == "added"


def test_the_question_how_to_pay_outlives_a_change(confirmed: Chat) -> None:
    confirmed.state = replace(confirmed.state, payer_question=None)
    asked = confirmed.state
    confirmed.says("kiswahili")
    assert confirmed.state.other == asked.other
    assert confirmed.state.items == asked.items


@pytest.mark.parametrize(
    ("language", "typed", "meant"),
    [
        ("sw", "kikap", "KIKAPU"),
        ("sw", "msada", "MSAADA"),
        ("pt", "carinhu", "CARRINHO"),
        ("pt", "comecra", "COMEÇAR"),
        ("en", "crat", "CART"),
    ],
)
def test_a_slip_in_a_command_is_met_with_the_word_of_the_language(language: str, typed: str, meant: str) -> None:
    assert suggest_word(typed, language) == meant


def test_did_you_mean_speaks_the_customers_language(in_shop: Chat) -> None:
    in_shop.says("português")
    assert "Queria dizer *COMEÇAR*?" in in_shop.says("comecra").text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_pays_orders_or_ends_messages_is_never_proposed(language: str) -> None:
    for meaning in ("pay", "confirm", "stop"):
        word = word_of(meaning, language)
        for slip in (word[:-1], word + word[-1], word[1:]):
            assert suggest_word(slip, language) != word


def test_before_any_shop_a_change_shows_the_shops_in_the_new_language() -> None:
    chat = Chat()
    chat.says("hi")
    changed = chat.says("kiswahili")
    assert changed.key == "welcome"
    assert "Andika namba" in changed.text
    assert chat.says("1").text.startswith("Karibu *")


@pytest.mark.parametrize(("picked", "language"), [("1", "en"), ("2", "sw"), ("3", "pt")])
@pytest.mark.parametrize("word", ["language", "lugha", "idioma"])
def test_asking_shows_all_three_and_a_number_picks(in_shop: Chat, word: str, picked: str, language: str) -> None:
    asked = in_shop.says(word)
    assert asked.key == "language_which"
    for name in ("1. English", "2. Kiswahili", "3. Português"):
        assert name in asked.text
    payloads = [option.payload for option in in_shop.replies[-1].options]
    assert payloads == ["language:-:en", "language:-:sw", "language:-:pt"]
    in_shop.says(picked)
    assert in_shop.state.language == language
    assert in_shop.state.other is None
    assert in_shop.says("1").key == "added"


def test_asking_before_any_shop_works_too() -> None:
    chat = Chat()
    assert chat.says("lugha").key == "language_which"
    assert chat.state.other is not None
    assert chat.state.other.kind is ListKind.LANGUAGE
    assert chat.says("2").key == "welcome"
    assert chat.state.language == "sw"


def test_a_number_that_names_no_language_is_told_so() -> None:
    chat = Chat()
    chat.says("language")
    assert chat.says("4").key == "number_unknown"


def test_the_language_outlives_a_shop_that_can_not_be_reached(in_shop: Chat) -> None:
    in_shop.says("kiswahili")
    in_shop.router.refuse_next = problem("internal", 500)
    assert in_shop.says("menu").text.startswith("Samahani")
